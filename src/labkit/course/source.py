"""Turn a lab's `solution.py` into its starter and its solved notebook; text in, notebook out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from labkit.home import LabError

if TYPE_CHECKING:
    import nbformat

BEGIN = re.compile(r"^(\s*)# BEGIN SOLUTION: (\S.*?)\s*$")
END = re.compile(r"^(\s*)# END SOLUTION\s*$")
MARKER = re.compile(r"(BEGIN|END)[ _]SOLUTION")
FUNCTION = re.compile(r"^(\s*)(?:async )?def (\w+)")
TODO = re.compile(r"^\s*raise NotImplementedError\(", re.MULTILINE)
HEADER_KEYS = {"level", "minutes", "needs", "datasets", "topics"}
OPTIONAL_KEYS = {"spark"}
LEVELS = ("starter", "mid", "senior")


@dataclass(frozen=True)
class Region:
    """Lines `first` to `last` (counted from 0, markers included) that only the solution has."""

    first: int
    last: int
    indent: str
    wanted: str
    function: str | None


@dataclass(frozen=True)
class Source:
    """A parsed `solution.py`."""

    path: Path
    header: dict[str, Any]
    title: str
    tasks: tuple[str, ...]
    solved_text: str
    starter_text: str

    @property
    def metadata(self) -> dict[str, Any]:
        return {**self.header, "title": self.title, "tasks": list(self.tasks)}


def read(path: Path) -> Source:
    """The source at `path`; LabError with file and line when it is malformed."""
    try:
        return parse(path.read_text("utf-8"), path)
    except FileNotFoundError:
        raise LabError(f"{path} is missing; it is the source of the lab's notebooks") from None


def parse(text: str, path: Path) -> Source:
    """`text` as a source; `path` only names it in errors."""
    lines = text.splitlines()
    header, body = _header(lines, path)
    regions = _regions(lines, body, path)
    solved, starter = _without_markers(lines, body, regions)
    tasks = [region.function for region in regions if region.function]
    heading = re.search(r"^# # (.+)$", text, re.MULTILINE)
    if not heading:
        raise LabError(f"{path}: no `# # Title` heading; the first one is the lab's title")
    return Source(path, header, heading[1].strip(), tuple(dict.fromkeys(tasks)), solved, starter)


def starter(source: Source) -> nbformat.NotebookNode:
    """What a learner gets: tasks to write, no cell tagged `solution`."""
    return _notebook(source, source.starter_text, keep_solution_cells=False)


def solved(source: Source) -> nbformat.NotebookNode:
    """The same notebook with answers, without outputs."""
    return _notebook(source, source.solved_text, keep_solution_cells=True)


def _header(lines: list[str], path: Path) -> tuple[dict[str, Any], int]:
    if not lines or lines[0] != "# ---":
        raise LabError(f"{path}:1: begin with a YAML header between two `# ---` lines")
    try:
        end = lines.index("# ---", 1)
    except ValueError:
        raise LabError(f"{path}:1: the header isn't closed; end it with `# ---`") from None
    try:
        header = yaml.safe_load("\n".join(line[2:] for line in lines[1:end])) or {}
    except yaml.YAMLError as error:
        raise LabError(f"{path}:1: the header isn't YAML: {error}") from None
    known = HEADER_KEYS | OPTIONAL_KEYS
    missing, unknown = HEADER_KEYS - set(header), set(header) - known
    if missing or unknown:
        raise LabError(
            f"{path}:1: the header has no {sorted(missing)}"
            if missing
            else f"{path}:1: the header has unknown keys {sorted(unknown)}; known: {sorted(known)}"
        )
    if header["level"] not in LEVELS:
        raise LabError(f"{path}:1: level is {header['level']!r}; use one of {', '.join(LEVELS)}")
    if not isinstance(header.get("spark", True), bool):
        raise LabError(
            f"{path}:1: spark is {header['spark']!r}; write `spark: false`, or leave it out"
        )
    return header, end + 1


def _regions(lines: list[str], body: int, path: Path) -> list[Region]:
    regions: list[Region] = []
    opened: tuple[int, str, str] | None = None
    in_prose = False
    for number in range(body, len(lines)):
        line, where = lines[number], f"{path}:{number + 1}"
        if line.startswith("# %%"):
            if opened:
                raise LabError(f"{path}:{opened[0] + 1}: BEGIN SOLUTION isn't closed in its cell")
            in_prose = "[markdown]" in line
        if not MARKER.search(line):
            continue
        if in_prose:
            raise LabError(f"{where}: a solution marker in prose; markers belong in code cells")
        if begin := BEGIN.match(line):
            if opened:
                raise LabError(
                    f"{where}: BEGIN SOLUTION inside another; close line {opened[0] + 1} first"
                )
            opened = (number, begin[1], begin[2])
        elif end := END.match(line):
            if not opened:
                raise LabError(
                    f"{where}: END SOLUTION without BEGIN; put the marker above the answer"
                )
            first, indent, wanted = opened
            if end[1] != indent:
                raise LabError(
                    f"{where}: END SOLUTION is indented otherwise than BEGIN (line {first + 1})"
                )
            if not any(between.strip() for between in lines[first + 1 : number]):
                raise LabError(
                    f"{path}:{first + 1}: an empty solution; put the answer between the markers"
                )
            regions.append(Region(first, number, indent, wanted, _function(lines, first, indent)))
            opened = None
        else:
            raise LabError(
                f"{where}: write `# BEGIN SOLUTION: what to do` or `# END SOLUTION` on a line of its own"
            )
    if opened:
        raise LabError(f"{path}:{opened[0] + 1}: BEGIN SOLUTION isn't closed; add `# END SOLUTION`")
    return regions


def _function(lines: list[str], at: int, indent: str) -> str | None:
    """The top-level function around line `at`."""
    if not indent:
        return None
    for line in reversed(lines[:at]):
        if (match := FUNCTION.match(line)) and not match[1]:
            return match[2]
        if line.startswith("# %%"):
            return None
    return None


def _without_markers(lines: list[str], body: int, regions: list[Region]) -> tuple[str, str]:
    solved: list[str] = []
    stubbed: list[str] = []
    position = body
    for region in regions:
        common = lines[position : region.first]
        solved += [*common, *lines[region.first + 1 : region.last]]
        stub = f"{region.indent}# TODO: {region.wanted}"
        call = f'raise NotImplementedError("{region.function}")' if region.function else "..."
        stubbed += [*common, stub, f"{region.indent}{call}"]
        position = region.last + 1
    rest = lines[position:]
    return "\n".join(solved + rest) + "\n", "\n".join(stubbed + rest) + "\n"


def _notebook(source: Source, text: str, *, keep_solution_cells: bool) -> nbformat.NotebookNode:
    # 1.4 s to import (a grammar of web addresses is compiled), and most commands don't need them.
    import jupytext
    import nbformat

    read = jupytext.reads(text, fmt="py:percent")
    cells: list[Any] = []
    for cell in read.cells:
        tags = cell.metadata.get("tags", [])
        if "solution" in tags and not keep_solution_cells:
            continue
        make = (
            nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        )
        new = make(cell.source, id=f"cell-{len(cells) + 1:02d}")
        if tags:
            new.metadata["tags"] = list(tags)
        cells.append(new)
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "labkit": source.metadata,
    }
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)

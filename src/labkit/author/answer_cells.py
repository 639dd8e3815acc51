"""Many answers in one py:percent file, a cell each: what is known of it, then edits or code."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from labkit.author.edits import Hunk, edited
from labkit.home import LabError

CELL = re.compile(r"^# %%(.*)$")
KEY = re.compile(r"^# (\w+): *(.*)$")
MORE = re.compile(r"^#   (\S.*)$")
EDIT = re.compile(r"^# ([-+])(.*)$")
KEYS = ("task", "fails", "because", "breaks", "outcome", "in")
OUTCOMES = ("failed", "error", "timeout")

T = TypeVar("T")
Item = TypeVar("Item")


@dataclass(frozen=True)
class Cell:
    """An answer as it is written: header, edits of one definition, code of its own."""

    path: Path
    line: int
    name: str
    header: dict[str, str]
    hunks: tuple[Hunk, ...]
    code: str

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"

    @property
    def task(self) -> str:
        return self.header["task"]

    def definitions(self, solution: str) -> str:
        """What the answer defines in place of the solution's; LabError when an edit is stale."""
        target = self.header.get("in", self.task)
        parts = [edited(solution, target, self.hunks)] if self.hunks else []
        text = "\n\n".join([*parts, self.code] if self.code else parts)
        try:
            ast.parse(text)
        except SyntaxError as error:
            line = (error.text or "").strip()
            raise LabError(f"{self.where}: {self.name} is no Python: {error.msg}: {line}") from None
        return text


def read_cells(path: Path, *, needed: Collection[str]) -> list[Cell]:
    """The answers of a file; LabError with every fault of its form, a line each."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise LabError(f"{path} can't be read: {error}") from None
    starts = [number for number, line in enumerate(lines) if CELL.match(line)]
    if any(line and not line.startswith("#") for line in lines[: starts[0] if starts else None]):
        raise LabError(
            f"{path}:1: code before the first cell; begin an answer with `# %% its_name`"
        )
    bounds = itertools.pairwise([*starts, len(lines)])
    cells = all_or_errors(lambda bound: _cell(path, lines, *bound, needed), bounds)
    first: dict[str, Cell] = {}
    for cell in cells:
        if first.setdefault(cell.name, cell) is not cell:
            raise LabError(
                f"{cell.where}: {cell.name} is in line {first[cell.name].line} already; "
                "give it another name"
            )
    return cells


def all_or_errors(make: Callable[[Item], T], items: Iterable[Item]) -> list[T]:
    """What `make` makes of the items; one LabError that holds the message of each it raised."""
    made, faults = [], []
    for item in items:
        try:
            made.append(make(item))
        except LabError as error:
            faults.append(str(error))
    if faults:
        raise LabError("\n".join(faults))
    return made


def _cell(path: Path, lines: list[str], start: int, end: int, needed: Collection[str]) -> Cell:
    where = f"{path}:{start + 1}"
    name = lines[start].removeprefix("# %%").strip()
    if not name.isidentifier():
        raise LabError(f"{where}: name the answer: `# %% what_it_does`")
    comments = start + 1
    while comments < end and lines[comments].startswith("#"):
        comments += 1
    edits = next((at for at in range(start + 1, comments) if EDIT.match(lines[at])), comments)
    header = _header(path, lines, start + 1, edits)
    if missing := [key for key in KEYS if key in needed and not header.get(key)]:
        raise LabError(f"{where}: {name} has no `# {missing[0]}: ...` line")
    if header.get("outcome", "failed") not in OUTCOMES:
        raise LabError(f"{where}: the outcome of {name} is one of {', '.join(OUTCOMES)}")
    hunks = tuple(_hunks(path, lines, edits, comments))
    code = "\n".join(lines[comments:end]).strip("\n")
    if not hunks and not code:
        raise LabError(
            f"{where}: {name} has neither an edit (`# -old line`, `# +new line`) nor code"
        )
    return Cell(path, start + 1, name, header, hunks, f"{code}\n" if code else "")


def _header(path: Path, lines: list[str], first: int, last: int) -> dict[str, str]:
    header: dict[str, str] = {}
    key = ""
    for number in range(first, last):
        where = f"{path}:{number + 1}"
        if key and (more := MORE.match(lines[number])):
            header[key] = f"{header[key]} {more[1]}".strip()
        elif not (match := KEY.match(lines[number])):
            raise LabError(
                f"{where}: neither `# key: value`, a value that goes on (`#   more`), nor an edit"
            )
        elif match[1] not in KEYS:
            raise LabError(f"{where}: unknown key `{match[1]}`; known are {', '.join(KEYS)}")
        elif match[1] in header:
            raise LabError(f"{where}: a second `{match[1]}`; go on with `#   more` below the first")
        else:
            key = match[1]
            header[key] = match[2].strip()
    return header


def _hunks(path: Path, lines: list[str], first: int, last: int) -> Iterator[Hunk]:
    at = first
    while at < last:
        if lines[at].strip() == "#":  # between two edits, when the first one has no new lines
            at += 1
            continue
        where = f"{path}:{at + 1}"
        parts: dict[str, list[str]] = {"-": [], "+": []}
        for sign, taken in parts.items():
            while at < last and (match := EDIT.match(lines[at])) and match[1] == sign:
                taken.append(match[2])
                at += 1
        if not any(parts.values()):
            raise LabError(
                f"{where}: edits are `# -old line` and `# +new line`, until code follows"
            )
        if not parts["-"]:
            raise LabError(
                f"{where}: new lines without a place: repeat a line of the solution "
                "beside them, as `# -` and as `# +`"
            )
        yield Hunk(where, tuple(parts["-"]), tuple(parts["+"]))

"""Read a submission, a notebook or a Python file, as numbered cells; nothing in it is run here."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from labkit.escape import one_line
from labkit.verdict.outcome import Status

MAX_BYTES = 20_000_000
MAX_CELLS = 2_000
OPENS = re.compile(r"""labkit\s*\.\s*open\(\s*['"]([\w-]+)['"]""")


class UnreadableError(Exception):
    """A submission that can't be graded, with the status to report."""

    def __init__(self, message: str, status: Status = "unreadable") -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Cell:
    """A code cell; `number` counts all cells of the file from 1, as a reader does."""

    number: int
    source: str


@dataclass(frozen=True)
class Submission:
    path: Path
    cells: tuple[Cell, ...]
    sha256: str
    lab: str | None

    def require_lab(self, slug: str) -> None:
        """UnreadableError when the submission says that it is of another lab."""
        if self.lab is not None and self.lab != slug:
            raise UnreadableError(
                f"{self.path.name} is of lab `{self.lab}` (its labkit.open says so), "
                f"not of `{slug}`; check it with `lab check {self.lab} --submission ...`",
                "no_lab",
            )


def read_submission(path: Path) -> Submission:
    """The code cells of an .ipynb or .py file; UnreadableError says what is wrong with it."""
    data = _bytes(path)
    if path.suffix == ".ipynb":
        cells = _notebook_cells(data, path)
    elif path.suffix == ".py":
        cells = _python_cells(data, path)
    else:
        raise UnreadableError(f"{path.name} is neither .ipynb nor .py; hand in one of these")
    if not cells:
        raise UnreadableError(f"{path.name} has no code cell")
    if len(cells) > MAX_CELLS:
        raise UnreadableError(f"{path.name} has {len(cells)} code cells; the limit is {MAX_CELLS}")
    opened = next((m[1] for cell in cells if (m := OPENS.search(cell.source))), None)
    return Submission(path, tuple(cells), hashlib.sha256(data).hexdigest(), opened)


def _bytes(path: Path) -> bytes:
    if path.is_dir():
        raise UnreadableError(f"{path.name} is a folder, not a file")
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe or device would be read for ever
            raise UnreadableError(f"{path.name} is no ordinary file")
        if path.stat().st_size > MAX_BYTES:
            size = path.stat().st_size // 1_000_000
            raise UnreadableError(
                f"{path.name} has {size} MB, the limit is {MAX_BYTES // 1_000_000} MB; "
                "clear its outputs"
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise UnreadableError(_not_there(path)) from None
    except OSError as error:
        raise UnreadableError(f"{path.name} can't be read: {error.strerror}") from None
    if not data.strip():
        raise UnreadableError(f"{path.name} is empty")
    return data


def _not_there(path: Path) -> str:
    there = sorted(p.name for p in path.parent.glob("*") if p.suffix in (".ipynb", ".py"))
    if there:
        return f"{path} isn't there; the folder has {', '.join(there)}: say which with --submission"
    return f"{path} isn't there"


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"{path.name} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None


def _notebook_cells(data: bytes, path: Path) -> list[Cell]:
    """The code cells by the format's own rules; reading JSON spares nbformat's 1.4 s of import."""
    text = _text(data, path)
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        detail = " ".join(str(error).split())[:160]
        raise UnreadableError(
            f"{path.name} is not JSON, so not a notebook ({detail}); save it again in Jupyter"
        ) from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        if isinstance(notebook, dict) and "worksheets" in notebook:
            raise UnreadableError(f"{path.name} is in nbformat 3; save it again in Jupyter")
        raise UnreadableError(f"{path.name} is JSON, but not a notebook: it has no list of cells")
    if notebook.get("nbformat") != 4:
        version = str(notebook.get("nbformat"))[:20]
        raise UnreadableError(f"{path.name} is in nbformat {version}, expected 4; save it again")
    language = _language(notebook.get("metadata"))
    if language.lower() not in ("python", "python3", "ipython"):
        raise UnreadableError(f"{path.name} is a notebook in {language}; these labs are in Python")
    cells = []
    for number, cell in enumerate(notebook["cells"], start=1):
        source = cell.get("source") if isinstance(cell, dict) else None
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str) or "cell_type" not in cell:
            raise UnreadableError(
                f"{path.name}: cell {number} is malformed; save it again in Jupyter"
            )
        if cell["cell_type"] == "code" and source.strip():
            cells.append(Cell(number, source))
    return cells


def _language(metadata: object) -> str:
    if not isinstance(metadata, dict):
        return "python"
    for key, name in (("kernelspec", "language"), ("language_info", "name")):
        part = metadata.get(key)
        if isinstance(part, dict) and isinstance(part.get(name), str):
            return one_line(str(part[name]), 40)
    return "python"


def _python_cells(data: bytes, path: Path) -> list[Cell]:
    text = _text(data, path)
    if "\x00" in text:
        raise UnreadableError(f"{path.name} holds null bytes; it is no Python file")
    if not re.search(r"^# %%", text, re.MULTILINE):
        try:
            ast.parse(text)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            raise UnreadableError(f"{path.name}, line {line}: not Python: {error}") from None
        return [Cell(1, text)]
    cells, prose = [""], [False]
    for line in text.splitlines(keepends=True):
        if line.startswith("# %%"):
            cells.append("")
            prose.append("[markdown]" in line or "[raw]" in line)
        else:
            cells[-1] += line
    before = [Cell(1, cells[0])] if _has_code(cells[0]) else []
    numbered = enumerate(zip(cells[1:], prose[1:], strict=True), start=1 + len(before))
    return before + [
        Cell(n, cell) for n, (cell, is_prose) in numbered if not is_prose and cell.strip()
    ]


def _has_code(text: str) -> bool:
    return any(line.strip() and not line.startswith("#") for line in text.splitlines())

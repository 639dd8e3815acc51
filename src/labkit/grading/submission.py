"""Read a submission, a notebook or a Python file, as numbered cells; nothing in it is run here."""

from __future__ import annotations

import hashlib
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from labkit.grading.cells import Cell, UnreadableError
from labkit.grading.notebook_cells import notebook_cells
from labkit.grading.refusal import KINDS, another_kind
from labkit.grading.script_cells import script_cells

MAX_BYTES = 20_000_000
MAX_CELLS = 2_000
# Python's parser takes a gigabyte of memory and some seconds for a million, and a file of Python
# is read by whoever grades a batch, for all.
MAX_SCRIPT_CHARACTERS = 1_000_000
OPENS = re.compile(r"""labkit\s*\.\s*open\(\s*['"]([\w-]+)['"]""")
PROSE = re.compile(r"\s*%md\b")  # how Databricks begins a cell of Markdown
# The first bytes of what is no text, and of a page that a download gave instead of the file.
CONTENTS = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"%PDF-": "a PDF",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
}


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
    if path.suffix not in KINDS:
        neither = f"{path.name} is neither .ipynb nor .py; hand in one of these"
        raise UnreadableError(another_kind(path) or neither)
    text = _text(data, path)
    if path.suffix == ".py" and len(text) > MAX_SCRIPT_CHARACTERS:
        raise UnreadableError(
            f"{path.name} has {len(text):,} characters of Python; the limit is "
            f"{MAX_SCRIPT_CHARACTERS:,}"
        )
    read = notebook_cells if path.suffix == ".ipynb" else script_cells
    cells = [cell for cell in read(text, path.name) if not PROSE.match(cell.source)]
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
    for begins, kind in CONTENTS.items():
        if data[:100].lstrip().lower().startswith(begins.lower()):
            raise UnreadableError(
                f"{path.name} is {kind}, whatever its name says; hand in the notebook itself"
            )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"{path.name} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None

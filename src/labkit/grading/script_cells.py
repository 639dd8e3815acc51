"""The cells of a Python file: as Jupyter, an editor or a platform exported it, or all in one."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from labkit.grading.cells import (
    CONFLICT_BEGINS,
    CONFLICT_ENDS,
    Cell,
    UnreadableError,
    in_conflict,
    parsed,
)

# Spyder, VS Code and jupytext; Databricks; nbconvert; Fabric. `# %%time` is a magic of jupytext.
MARK = re.compile(
    r"# ?(?:%%+(?![a-z%]).*|COMMAND -{10,}|In ?\[[\d ]*\]:?"
    r"|(?:PARAMETERS CELL|CELL|MARKDOWN|METADATA) \*{10,})\s*"
)
LIGHT_MARK = re.compile(r"# (?:\+.*|-)\s*")  # of jupytext's light format, if the header says so
LIGHT = re.compile(r"^#\s+format_name: light\s*$", re.MULTILINE)
DATABRICKS = "# Databricks notebook source"
PROSE = re.compile(r"\[(?:markdown|md|raw)\]|MARKDOWN")
MAGIC = re.compile(r"^# MAGIC ?", re.MULTILINE)  # before each line of a cell that isn't Python
TITLE = re.compile(r"^# (?:DBTITLE .*|Databricks notebook source)$", re.MULTILINE)
SHELL_LINE = re.compile(r"^([ \t]*)[!%].*$", re.MULTILINE)


@dataclass(frozen=True)
class _Part:
    """The lines from one mark to the next; the first part has no mark."""

    mark: str
    text: str


def script_cells(text: str, name: str) -> list[Cell]:
    """The file's code cells; UnreadableError when it is no Python at all."""
    if "\x00" in text:
        raise UnreadableError(f"{name} holds null bytes; it is no Python file")
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as Python reads it
    conflict = CONFLICT_BEGINS.search(text)
    if conflict and CONFLICT_ENDS.search(text, conflict.end()) and _wrong(text):
        raise in_conflict(name, text.count("\n", 0, conflict.start()) + 1)
    first, *marked = _parts(text)
    if not marked and not first.text.startswith(DATABRICKS):
        if error := _wrong(text):
            raise UnreadableError(f"{name}, line {error.lineno or 1}: not Python: {error}")
        return [Cell(1, text)]
    if first.text.startswith(DATABRICKS) or _has_code(first.text):
        marked.insert(0, first)
    counted = [part for part in marked if "METADATA" not in part.mark]
    return [
        Cell(number, source)
        for number, part in enumerate(counted, start=1)
        if not PROSE.search(part.mark) and (source := _source(part.text)).strip()
    ]


def _parts(text: str) -> list[_Part]:
    lines = io.StringIO(text).readlines()  # as `tokenize` counts them; splitlines knows more ends
    marks = sorted(_marks(text, lines))
    begins = [0, *(mark + 1 for mark in marks)]
    ends = [*marks, len(lines)]
    titles = ["", *(lines[mark] for mark in marks)]
    return [
        _Part(title, "".join(lines[begin:end]))
        for title, begin, end in zip(titles, begins, ends, strict=True)
    ]


def _marks(text: str, lines: list[str]) -> set[int]:
    """The numbers, from 0, of the lines that part cells."""
    patterns = (MARK, LIGHT_MARK) if LIGHT.search(text[:2_000]) else (MARK,)
    found = {
        number
        for number, line in enumerate(lines)
        if line.startswith("#") and any(pattern.fullmatch(line) for pattern in patterns)
    }
    if found:
        with suppress(
            SyntaxError, tokenize.TokenError
        ):  # of a cell that is broken: all lines count
            found &= set(_comments(text))
    return found


def _comments(text: str) -> Iterator[int]:
    """The numbers of the lines that are comments, and not text inside a string."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and token.start[1] == 0:
            yield token.start[0] - 1


def _source(text: str) -> str:
    if MAGIC.search(text):
        text = MAGIC.sub("", TITLE.sub("", text))
    return text


def _has_code(text: str) -> bool:
    return any(line.strip() and not line.startswith("#") for line in text.splitlines())


def _wrong(text: str) -> SyntaxError | None:
    """Why a text is not Python, with or without lines for IPython or the shell."""
    try:
        parsed(text)
    except SyntaxError as error:
        try:
            parsed(SHELL_LINE.sub(r"\1pass", text))
        except SyntaxError:
            return error
    return None

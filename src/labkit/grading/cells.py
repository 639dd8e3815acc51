"""What the readers of submissions share: a cell, why a file is none, and how its code is parsed."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

from labkit.verdict.outcome import Status

CONFLICT_BEGINS = re.compile(r"^<{7}(?: |$)", re.MULTILINE)
CONFLICT_ENDS = re.compile(r"^>{7}(?: |$)", re.MULTILINE)


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


def parsed(source: str) -> ast.Module:
    """The tree of Python code; SyntaxError for whatever `ast` can't read.

    Thousands of signs or attributes in a row are a MemoryError or a RecursionError to it. Python's
    warnings, of which there may be one for each line, are for nobody here.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(source)
    except (MemoryError, RecursionError):
        raise SyntaxError("nested too deeply for Python") from None
    except ValueError as error:
        raise SyntaxError(str(error)) from None


def in_conflict(name: str, line: int) -> UnreadableError:
    return UnreadableError(
        f"{name}, line {line}: conflict markers of Git; resolve the merge and save the file again"
    )

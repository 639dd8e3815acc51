"""What a reason is made of: prose, tables of rows that differ, grids, plans.

`verdict.reason` writes blocks as text and reads them back; pages draw them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, Literal, NamedTuple

from markupsafe import Markup, escape

from labkit.escape import printable

Kind = Literal["row missing", "row that should not be there", "wrong number of rows", "row differs"]
Caption = Literal["micro-batches, one a file"]


class Form(NamedTuple):
    """The columns of a table, and what ends a cell of each in text: the line, if nothing else."""

    head: tuple[str, ...]
    ends: tuple[str, ...]


FORMS: dict[str, Form] = {
    "row missing": Form(("row", "its values"), (": ", "")),
    "row that should not be there": Form(("row", "its values"), (": ", "")),
    "wrong number of rows": Form(("row", "yours", "expected"), (": ", ", expected ", "")),
    "row differs": Form(
        ("row", "column", "yours", "expected"), (": ", " is ", ", expected ", "; ")
    ),
}
PLAN = "plan, result first"
MARK = "✗"  # before an operator that a check objects to


@dataclass(frozen=True)
class Prose:
    """Anything; between backticks, code. Prose after prose is read back as one."""

    text: str
    form: ClassVar[str] = "prose"

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


@dataclass(frozen=True)
class Table:
    """Rows that differ from those expected in one way: `count` of them, of which some are shown.

    Each of `rows` has the cells that FORMS names; the first is the business key. A row that
    differs in several columns is as many rows of one key, one after another.
    """

    kind: Kind
    count: int
    rows: tuple[tuple[str, ...], ...]
    form: ClassVar[str] = "table"

    @property
    def entries(self) -> list[list[tuple[str, ...]]]:
        """The rows by key."""
        if self.kind != "row differs":
            return [[row] for row in self.rows]
        return [list(rows) for _, rows in groupby(self.rows, key=lambda row: row[0])]

    @property
    def more(self) -> int:
        return self.count - len(self.entries)

    @property
    def caption(self) -> str:
        return f"{self.count} × {self.kind}"

    @property
    def head(self) -> tuple[str, ...]:
        """The columns to draw: a row may be its key alone, then there are no values to show."""
        head = FORMS[self.kind].head
        return head if len(head) > 2 or any(values for _, values in self.rows) else head[:1]

    @property
    def drawn(self) -> list[tuple[str, ...]]:
        """The rows as a page shows them, each key once."""
        width = len(self.head)
        return [
            ("" if number else row[0], *row[1:width])
            for rows in self.entries
            for number, row in enumerate(rows)
        ]


@dataclass(frozen=True)
class Grid:
    """A table in aligned columns; `more` rows are left out."""

    caption: Caption
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0
    form: ClassVar[str] = "grid"

    @property
    def drawn(self) -> list[tuple[str, ...]]:
        return list(self.rows)


class PlanLine(NamedTuple):
    """A line of a plan, and whether a check objects to the operator in it."""

    marked: bool
    text: str

    def __str__(self) -> str:
        return f"{MARK if self.marked else ' '} {self.text}"


@dataclass(frozen=True)
class Plan:
    """A plan as a tree of text."""

    lines: tuple[PlanLine, ...]
    caption: ClassVar[str] = PLAN
    form: ClassVar[str] = "plan"


Block = Prose | Table | Grid | Plan


def prose(text: str) -> Markup:
    """`text` as HTML, escaped, with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(printable(text)))))

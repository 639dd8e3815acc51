"""What separates two bags of rows, told by business key, bounded."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from contextvars import ContextVar
from decimal import Decimal
from itertools import zip_longest
from typing import Any, get_args

from labkit.verdict.blocks import Block, Kind, Prose, Table
from labkit.verdict.reason import entries

Values = tuple[Any, ...]  # of a row, in the order of its columns
Pair = tuple[Values | None, Values | None]

SHOWN = 3
ROW_CHARACTERS = 160
REL_TOL = 1e-9
ONE_SIDED = ("row missing", "row that should not be there")
IN_SHORT: dict[Kind, str] = {
    "row missing": "missing",
    "row that should not be there": "unexpected",
    "wrong number of rows": "repeated",
    "row differs": "differs",
}

# Hidden checks tell the property that broke and one counter-example, no more.
terse: ContextVar[bool] = ContextVar("terse", default=False)


def diff(
    names: Sequence[str], keys: Sequence[str], got: Sequence[Values], want: Sequence[Values]
) -> list[Block]:
    """What separates two bags of rows, by key: missing, extra, repeated and changed rows, bounded."""
    mine, theirs = by_key(names, keys, got), by_key(names, keys, want)
    found: dict[Kind, list[list[tuple[str, ...]]]] = {kind: [] for kind in get_args(Kind)}
    for key, rows in theirs.items():
        answers = mine.get(key, [])
        label = label_of(keys, key)
        if not answers:
            found["row missing"].append([_whole(names, keys, rows)])
        elif len(answers) != len(rows):
            cells = (label, count_of(answers), str(len(rows)))
            found["wrong number of rows"].append([cells])
        elif changed := _changed(names, label, answers, rows):
            found["row differs"].append(changed)
    for key, rows in mine.items():
        if key not in theirs:
            found["row that should not be there"].append([_whole(names, keys, rows)])
    tables = [
        Table(kind, len(groups), tuple(row for rows in groups[:SHOWN] for row in rows))
        for kind, groups in found.items()
        if groups
    ]
    return _example(tables) if terse.get() else list(tables)


def _example(tables: Sequence[Table]) -> list[Block]:
    """The first row of the first table; when one side lacks it, its key alone."""
    if not tables:
        return []
    first = tables[0]
    row = first.rows[0][0] if first.kind in ONE_SIDED else entries(first)[0]
    return [Prose(f"for example: {IN_SHORT[first.kind]} {row}")]


def pairs(
    names: Sequence[str], keys: Sequence[str], got: Sequence[Values], want: Sequence[Values]
) -> list[Pair]:
    """The rows of both sides by business key, equal ones beside each other.

    None stands beside a row that the other side lacks.
    """
    mine, theirs = by_key(names, keys, got), by_key(names, keys, want)
    return [
        pair
        for key in {**theirs, **mine}
        for pair in _side_by_side(mine.get(key, []), theirs.get(key, []))
    ]


def _side_by_side(answers: Sequence[Values], rows: Sequence[Values]) -> list[Pair]:
    """Rows of one key: equal ones in pairs, then what is left of either side."""
    left = list(rows)
    alike: list[Pair] = []
    unmatched = []
    for answer in answers:
        at = next((at for at, row in enumerate(left) if _same_row(answer, row)), None)
        if at is None:
            unmatched.append(answer)
        else:
            alike.append((answer, left.pop(at)))
    return [*alike, *zip_longest(unmatched, left)]


def _changed(
    names: Sequence[str], label: str, answers: Sequence[Values], rows: Sequence[Values]
) -> list[tuple[str, ...]]:
    """The cells that differ in the first pair of rows that is not equal."""
    for answer, row in _side_by_side(answers, rows):
        cells = zip(names, answer or (), row or (), strict=True)
        differ = [(name, show(a), show(b)) for name, a, b in cells if not _same(a, b)]
        if differ:
            return [(label, *cell) for cell in differ]
    return []


def by_key(
    names: Sequence[str], keys: Sequence[str], rows: Sequence[Values]
) -> dict[Values, list[Values]]:
    found: dict[Values, list[Values]] = {}
    for row in rows:
        found.setdefault(key_of(names, keys, row), []).append(row)
    return found


def key_of(names: Sequence[str], keys: Sequence[str], row: Values) -> Values:
    return tuple(row[names.index(name)] for name in keys)


def label_of(keys: Sequence[str], values: Sequence[Any]) -> str:
    return ", ".join(f"{name} {show(value)}" for name, value in zip(keys, values, strict=True))


def _whole(names: Sequence[str], keys: Sequence[str], rows: Sequence[Values]) -> tuple[str, str]:
    """The key of these rows; the other columns of the first one, and how many rows there are."""
    first = dict(zip(names, rows[0], strict=True))
    label = label_of(keys, [first.pop(name) for name in keys])
    rest = ", ".join(f"{name} {show(value)}" for name, value in first.items())
    rest = rest if len(rest) <= ROW_CHARACTERS else rest[: ROW_CHARACTERS - 3] + "..."
    times = f" ({count_of(rows)})" if len(rows) > 1 else ""
    return (label, rest + times) if rest else (label + times, "")


def count_of(rows: Sequence[Any]) -> str:
    """How many rows these are, in words."""
    return f"{len(rows)} row{'' if len(rows) == 1 else 's'}"


def show(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (datetime.date, Decimal)):
        return str(value)
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _same_row(a: Values, b: Values) -> bool:
    return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return _same_row(a, b)
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    if isinstance(a, float) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=REL_TOL) or (a != a and b != b)
    return bool(a == b)


def snapped(mine: Any, theirs: Any) -> Any:
    """`mine` with each float replaced that is near enough to what `theirs` has in its place."""
    if isinstance(mine, tuple) and isinstance(theirs, tuple) and len(mine) == len(theirs):
        return tuple(map(snapped, mine, theirs))
    return theirs if isinstance(mine, float) and _same(mine, theirs) else mine

"""Rows of a table as bags: a table has no order, and may have a row twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Row

from labkit.checks.row_diff import key_of, label_of


def first_change(before: list[Row], after: list[Row], keys: Sequence[str]) -> str:
    """One row that only one of two bags has, and what became of it; nothing when they are equal."""
    old, new = bag(before), bag(after)
    for rows, other, fate in (
        (after, old, "was added, changed or doubled"),
        (before, new, "is gone"),
    ):
        left = Counter(other)
        for row in sorted(rows, key=str):  # a table has no order, a reason is always the same
            left[countable(row)] -= 1
            if left[countable(row)] < 0:
                return f"{row_label(row, keys)}, {fate}"
    return ""


def row_label(row: Row, keys: Sequence[str] = ()) -> str:
    names = [name for name in keys if name in row.__fields__] or list(row.__fields__)
    return label_of(names, key_of(list(row.__fields__), names, row))


def bag(rows: Sequence[Row]) -> Counter[Any]:
    return Counter(map(countable, rows))


def said(rows: Sequence[Row]) -> Counter[Any]:
    """A bag of rows without their nulls: a column that is null in all of them says nothing."""
    return Counter(map(said_values, rows))


def said_values(row: Row) -> frozenset[tuple[str, Any]]:
    return frozenset(
        (name, countable(value)) for name, value in row.asDict().items() if value is not None
    )


def countable(value: Any) -> Any:
    """A value as one that can be counted: arrays, maps and bytes too, and NaN equal to itself."""
    if isinstance(value, (list, tuple)):
        return tuple(map(countable, value))
    if isinstance(value, Mapping):
        return frozenset((countable(key), countable(item)) for key, item in value.items())
    if isinstance(value, bytearray):
        return bytes(value)
    return "NaN" if value != value else value

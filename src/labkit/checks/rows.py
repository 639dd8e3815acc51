"""Rows that were collected already, compared as `assert_frame` compares a frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyspark.sql import Row

from labkit.checks.frames import names_of, names_that_differ, require, require_equal


def assert_rows(
    rows: Iterable[Any],
    expected: Iterable[Any],
    *,
    key: str | Sequence[str],
    columns: str | Sequence[str] | None = None,
    column_order: bool = False,
    ordered: bool = False,
) -> None:
    """`assert_frame` for rows that were collected already: paired by `key`, the same reasons.

    `rows` and `expected` hold Rows, dicts, or tuples in the order of `columns` (names or DDL, whose
    types are not judged). Values are compared by name, floats up to 1e-9 of their size. With
    `columns` only these are compared; without, all of the first expected row, a Row or a dict, and
    others are a fault. The order of columns counts only with `column_order`, that of rows only
    when `ordered`.

    AssertionError tells columns that are missing, or rows by key. ValueError is the check's own
    mistake: no columns are known, or a tuple has not as many values.
    """
    found, wanted = list(rows), list(expected)
    names = names_of(columns) if columns is not None else _fields(wanted[0] if wanted else None)
    first = _fields(found[0] if found else None)
    if not names and wanted:
        raise ValueError("give `columns`, or expected rows that name theirs")
    if not names and not (names := first) and found:
        raise ValueError("give `columns`: no row names its own")
    if first:
        others = [name for name in first if name not in names]
        lost = any(name not in first for name in names)
        if lost or (others and columns is None) or (column_order and first != names):
            if columns is not None and not column_order:  # others are no fault
                first = [name for name in first if name in names]
            raise AssertionError(names_that_differ(first, names))
    keys = [key] if isinstance(key, str) else list(key)
    unknown = [name for name in keys if names and name not in names]
    require(not unknown, f"no column {', '.join(unknown)} to tell rows apart by")
    got = [tuple(map(_untyped, _picked(row, names))) for row in found]
    want = [tuple(map(_untyped, _picked(row, names))) for row in wanted]
    require_equal(names, keys, got, want, ordered=ordered)


def _fields(row: Any) -> list[str]:
    """The names of a row's columns; none of a tuple, or of no row."""
    if isinstance(row, Mapping):
        return list(row)
    return list(row.__fields__) if isinstance(row, Row) and hasattr(row, "__fields__") else []


def _picked(row: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """The values of these columns, by name where the row has names."""
    if isinstance(row, Mapping) or _fields(row):
        return tuple(row[name] for name in names)
    if len(row) != len(names):
        raise ValueError(f"{len(row)} values for {len(names)} columns: {row!r}")
    return tuple(row)


def _untyped(value: Any) -> Any:
    """A collected value as tuples all the way down; a dict may be a struct, so it keeps its order."""
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return value
    return tuple(map(_untyped, value))

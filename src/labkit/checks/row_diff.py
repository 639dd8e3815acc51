"""What separates two bags of rows, told by business key, bounded."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

SHOWN = 3
ROW_CHARACTERS = 160
REL_TOL = 1e-9

# Hidden checks tell the property that broke and one counter-example, no more.
terse: ContextVar[bool] = ContextVar("terse", default=False)


def diff(
    names: Sequence[str],
    keys: Sequence[str],
    got: list[tuple[Any, ...]],
    want: list[tuple[Any, ...]],
) -> list[str]:
    """What separates two bags of rows, by key: missing, extra, repeated and changed rows, bounded."""
    mine, theirs = _by_key(names, keys, got), _by_key(names, keys, want)
    missing, extra, repeated, changed = [], [], [], []
    for one, rows in theirs.items():
        answers = mine.get(one, [])
        label = labelled(keys, one)
        if not answers:
            missing.append(label if terse.get() else _whole(names, keys, rows))
        elif len(answers) != len(rows):
            repeated.append(f"{label}: {count_of(answers)}, expected {len(rows)}")
        else:
            changed += _changed(names, label, answers, rows)
    extra = [
        labelled(keys, one) if terse.get() else _whole(names, keys, rows)
        for one, rows in mine.items()
        if one not in theirs
    ]
    if terse.get():
        found = [
            ("missing", missing),
            ("unexpected", extra),
            ("repeated", repeated),
            ("differs", changed),
        ]
        first = next(((kind, rows[0]) for kind, rows in found if rows), None)
        return [f"for example: {first[0]} {first[1]}"] if first else []
    return [
        *_section("row missing", missing),
        *_section("row that should not be there", extra),
        *_section("wrong number of rows", repeated),
        *_section("row differs", changed),
    ]


def _changed(
    names: Sequence[str], label: str, answers: list[tuple[Any, ...]], rows: list[tuple[Any, ...]]
) -> list[str]:
    left = list(rows)
    unmatched = []
    for answer in answers:
        match = next((row for row in left if _same_row(answer, row)), None)
        if match is None:
            unmatched.append(answer)
        else:
            left.remove(match)
    if not unmatched:
        return []
    cells = [
        f"{name} is {show(a)}, expected {show(b)}"
        for name, a, b in zip(names, unmatched[0], left[0], strict=True)
        if not _same(a, b)
    ]
    return [f"{label}: {'; '.join(cells)}"]


def _section(kind: str, items: list[str]) -> list[str]:
    if not items:
        return []
    more = len(items) - SHOWN
    lines = [f"{len(items)} × {kind}:", *[f"  {item}" for item in items[:SHOWN]]]
    return [*lines, f"  ... and {more} more"] if more > 0 else lines


def _by_key(
    names: Sequence[str], keys: Sequence[str], rows: list[tuple[Any, ...]]
) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
    found: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(key_of(names, keys, row), []).append(row)
    return found


def key_of(names: Sequence[str], keys: Sequence[str], row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(row[names.index(name)] for name in keys)


def labelled(keys: Sequence[str], values: Sequence[Any]) -> str:
    """Key columns with their values, as a reason names a row."""
    return ", ".join(f"{name} {show(value)}" for name, value in zip(keys, values, strict=True))


def _whole(names: Sequence[str], keys: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> str:
    """The first of these rows, the key before its other columns, and how many there are."""
    first = dict(zip(names, rows[0], strict=True))
    label = labelled(keys, [first.pop(name) for name in keys])
    rest = ", ".join(f"{name} {show(value)}" for name, value in first.items())
    rest = rest if len(rest) <= ROW_CHARACTERS else rest[: ROW_CHARACTERS - 3] + "..."
    times = f" ({count_of(rows)})" if len(rows) > 1 else ""
    return (f"{label}: {rest}" if rest else label) + times


def count_of(rows: Sequence[Any]) -> str:
    """How many rows these are, in words."""
    return f"{len(rows)} row{'' if len(rows) == 1 else 's'}"


def show(value: Any) -> str:
    """A value as reasons write it, bounded."""
    if value is None:
        return "null"
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (datetime.date, Decimal)):
        return str(value)
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _same_row(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return _same_row(a, b)
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    if isinstance(a, float) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=REL_TOL) or (a != a and b != b)
    return bool(a == b)


def snapped(
    got: list[tuple[Any, ...]],
    want: list[tuple[Any, ...]],
    names: Sequence[str],
    keys: Sequence[str],
) -> list[tuple[Any, ...]]:
    """`got` with each row replaced by the expected one it equals within tolerance."""
    pool = _by_key(names, keys, want)
    return [
        next((row for row in pool.get(key_of(names, keys, mine), []) if _same_row(mine, row)), mine)
        for mine in got
    ]


def sorted_rows(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: [(value is not None, str(value)) for value in row])

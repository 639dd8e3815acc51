"""Sorts that decide nothing, in a frame's plan as it was written."""

from __future__ import annotations

from collections.abc import Iterator

from py4j.java_gateway import JavaObject
from pyspark.sql import DataFrame

from labkit.checks.plans import each

# Nodes of a logical plan through which the order of rows passes; nodes that may choose rows by their values.
KEEP_ORDER = {"Project", "Filter", "SubqueryAlias", "View"}
CHOOSE_ROWS = {"Window", "Aggregate"}
ANY_VALUE = {"First", "Last", "AnyValue"}


def deduplicated_sorts(df: DataFrame) -> tuple[tuple[str, ...], ...]:
    """The columns of each `dropDuplicates`, or aggregate by `first` or `last`, over a global sort.

    They keep any row of a key, so the sort decides nothing. Rows that a window or an aggregate has
    chosen before the sort are not meant: there any copy may do. Read from the plan as written; the
    optimizer turns a deduplication into an aggregate.
    """
    found = []
    for plan in _descendants(df._jdf.queryExecution().analyzed()):
        if _kind(plan) == "Deduplicate" or (_kind(plan) == "Aggregate" and _keeps_any(plan)):
            below = plan.child()
            while _kind(below) in KEEP_ORDER:
                below = below.child()
            is_sorted = _kind(below) == "Sort" and bool(getattr(below, "global")())
            if is_sorted and not {_kind(one) for one in _descendants(below)} & CHOOSE_ROWS:
                found.append(tuple(sorted(_key_names(plan))))
    return tuple(found)


def _keeps_any(aggregate: JavaObject) -> bool:
    """Whether an aggregate takes any row's value."""
    inside = (one for part in each(aggregate.aggregateExpressions()) for one in _descendants(part))
    return any(_kind(one) in ANY_VALUE for one in inside)


def _key_names(plan: JavaObject) -> Iterator[str]:
    keys = plan.keys() if _kind(plan) == "Deduplicate" else plan.groupingExpressions()
    for key in each(keys):
        yield from (str(column.name()) for column in each(key.references()))


def _descendants(plan: JavaObject) -> Iterator[JavaObject]:
    yield plan
    for below in each(plan.children()):
        yield from _descendants(below)


def _kind(plan: JavaObject) -> str:
    return str(plan.getClass().getSimpleName())

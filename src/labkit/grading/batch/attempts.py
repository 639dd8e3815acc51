"""Several attempts of one learner at one lab: their order, and which of them counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from labkit.grading.batch.marks import Order
from labkit.grading.batch.results import Row
from labkit.grading.batch.standing import Attempt


class Rule(StrEnum):
    """Which attempt counts: the one with most points, of equal ones the first; or the last one."""

    best = "best"
    last = "last"


def by_learner(rows: Sequence[Row]) -> list[list[Row]]:
    """The attempts of each learner at each lab, in the order of their marks, then of names."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.learner or row.name, row.report.lab), []).append(row)
    for learner, lab in [key for key in groups if not key[1]]:
        # One that can't be read names no lab: it was meant for that of the others, if it is one.
        labs = [other for who, other in groups if who == learner and other]
        if len(labs) == 1:
            groups[learner, labs[0]] += groups.pop((learner, lab))
    return [sorted(group, key=_turn) for group in groups.values()]


def _turn(row: Row) -> tuple[Order, bool, str]:
    """Where a row stands among attempts; an archive beside a notebook comes before the notebook."""
    return row.order, bool(row.report.lab), row.name


def counted(rows: Sequence[Row], rule: Rule) -> tuple[Row, ...]:
    """For each learner and lab the attempt that counts; it says which of how many it is."""
    found = []
    for group in by_learner(rows):
        at = len(group) - 1
        if rule is Rule.best:
            at = max(range(len(group)), key=lambda number: (_points(group[number]), -number))
        others = tuple(row.name for row in group if row is not group[at])
        found.append(replace(group[at], attempt=Attempt(at + 1, len(group), others)))
    return tuple(sorted(found, key=lambda row: (row.name, str(row.folder))))


def _points(row: Row) -> float:
    percent = row.report.percent
    return -1.0 if percent is None or row.report.status != "graded" else percent

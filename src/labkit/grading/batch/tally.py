"""The figures of a batch: scores by lab, their distribution, and the checks that failed most."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from labkit.grading.batch.results import Row
from labkit.verdict.outcome import CheckResult, Outcome, Report, Status

OUTCOMES: tuple[Outcome, ...] = (
    "passed",
    "failed",
    "todo",
    "error",
    "timeout",
    "broken",
    "skipped",
)
WRONG: tuple[Outcome, ...] = ("failed", "error", "timeout")
STATUSES: tuple[Status, ...] = ("graded", "unreadable", "no_lab", "crashed", "timeout")


@dataclass(frozen=True)
class CheckTally:
    """One check over all graded submissions of its lab."""

    id: str
    task: str
    title: str
    hidden: bool
    outcomes: dict[Outcome, int]

    @property
    def judged(self) -> int:
        return sum(self.outcomes.values())

    @property
    def passed(self) -> int:
        return self.outcomes["passed"]

    @property
    def written(self) -> int:
        """How often there was an answer to judge."""
        return self.judged - self.outcomes["todo"]

    @property
    def rejected(self) -> int:
        """How often an answer was wrong: not `todo`, `broken` or `skipped`."""
        return sum(self.outcomes[name] for name in WRONG)


@dataclass(frozen=True)
class TaskTally:
    """How many graded submissions passed all checks of a task, had it wrong, had not written it.

    What is left over met a check that was skipped or broke, and says nothing of the answer.
    """

    task: str
    judged: int
    passed: int
    wrong: int
    todo: int


@dataclass(frozen=True)
class LabTally:
    """One lab of a batch. `bins` counts submissions by score: ten of 10 %, then the full marks."""

    lab: str
    submissions: int
    graded: int
    passed: int
    max_score: float
    mean: float | None
    median: float | None
    bins: tuple[int, ...]
    tasks: tuple[TaskTally, ...]
    checks: tuple[CheckTally, ...]

    def most_failed(self, most: int = 10) -> list[CheckTally]:
        """The checks that rejected most answers, by their share of the answers written."""
        wrong = [check for check in self.checks if check.rejected]
        return sorted(wrong, key=lambda c: (-c.rejected / c.written, -c.rejected, c.id))[:most]


def by_lab(rows: Sequence[Row]) -> list[LabTally]:
    """The figures of each lab, those with an unknown lab last."""
    slugs = sorted({row.report.lab for row in rows}, key=lambda slug: (not slug, slug))
    return [_lab(slug, [row.report for row in rows if row.report.lab == slug]) for slug in slugs]


def statuses(rows: Sequence[Row]) -> dict[Status, int]:
    """How many submissions have each status; a status that nobody has is there with 0."""
    count = Counter(row.report.status for row in rows)
    return {status: count[status] for status in STATUSES}


def _lab(slug: str, reports: Sequence[Report]) -> LabTally:
    graded = [report for report in reports if report.status == "graded"]
    # What could not be judged scored nothing: it counts in the mean, as it does for a learner.
    scores = [report.percent or 0.0 for report in reports]
    return LabTally(
        slug,
        len(reports),
        len(graded),
        sum(report.passed for report in reports),
        max((report.max_score for report in reports), default=0.0),
        round(statistics.fmean(scores), 1) if graded else None,
        round(statistics.median(scores), 1) if graded else None,
        _bins(scores),
        _tasks(graded),
        _checks(graded),
    )


def _bins(scores: Sequence[float]) -> tuple[int, ...]:
    count = Counter(min(int(score // 10), 10) for score in scores)
    return tuple(count[number] for number in range(11))


def _tasks(reports: Sequence[Report]) -> tuple[TaskTally, ...]:
    names = dict.fromkeys(check.task for report in reports for check in report.checks if check.task)
    tallies = []
    for name in names:
        found = [{check.outcome for check in report.task(name)} for report in reports]
        passed = sum(outcomes == {"passed"} for outcomes in found)
        wrong = sum(not outcomes.isdisjoint(WRONG) for outcomes in found)
        todo = sum("todo" in outcomes and outcomes.isdisjoint(WRONG) for outcomes in found)
        tallies.append(TaskTally(name, sum(map(bool, found)), passed, wrong, todo))
    return tuple(tallies)


def _checks(reports: Sequence[Report]) -> tuple[CheckTally, ...]:
    first: dict[str, CheckResult] = {}
    count: Counter[tuple[str, Outcome]] = Counter()
    for report in reports:
        for check in report.checks:
            first.setdefault(check.id, check)
            count[check.id, check.outcome] += 1
    return tuple(
        CheckTally(
            check.id, check.task, check.title, check.hidden,
            {outcome: count[check.id, outcome] for outcome in OUTCOMES},
        )
        for check in first.values()
    )  # fmt: skip

"""What a check run found: frozen data, no decisions about how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Outcome = Literal["passed", "failed", "todo", "error", "timeout", "broken", "skipped"]
Status = Literal["graded", "unreadable", "no_lab", "crashed", "timeout"]


@dataclass(frozen=True)
class CheckResult:
    """One check's verdict on one answer."""

    id: str
    task: str
    outcome: Outcome
    title: str
    max_points: int
    hidden: bool = False
    reason: str = ""
    trace: str = ""
    seconds: float = 0.0

    @property
    def points(self) -> int:
        return self.max_points if self.outcome == "passed" else 0

    @property
    def wants_help(self) -> bool:
        """Whether the answer is what lacks; a broken or skipped check says nothing of it."""
        return self.outcome in ("todo", "failed", "error", "timeout")


@dataclass(frozen=True)
class CellProblem:
    """A cell of the submission that raised, or did not run as written; the run went on after it."""

    cell: int
    line: int
    message: str

    def __str__(self) -> str:
        return f"cell {self.cell}, line {self.line}: {self.message}"


@dataclass(frozen=True)
class Report:
    """All that a run of checks says about one submission."""

    lab: str
    status: Status
    seed: int
    checks: tuple[CheckResult, ...] = ()
    problems: tuple[CellProblem, ...] = ()
    message: str = ""
    seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    submission_sha256: str = ""
    checks_sha256: str = ""
    sandbox: bool = False
    allow_jvm: bool = False  # its calls on the JVM were not filtered, as an instructor wished
    scale: int = 1

    @property
    def score(self) -> float:
        return round(float(sum(check.points for check in self.checks)), 2)

    @property
    def max_score(self) -> float:
        return round(float(sum(check.max_points for check in self.checks)), 2)

    @property
    def percent(self) -> float | None:
        """The score in percent; None when nothing could be judged."""
        return 100 * self.score / self.max_score if self.max_score else None

    @property
    def passed(self) -> bool:
        return (
            self.status == "graded"
            and bool(self.checks)
            and all(check.outcome == "passed" for check in self.checks)
        )

    @property
    def exit_code(self) -> int:
        """0 all passed, 1 not passed, 2 unreadable, 3 broken or nothing but skipped."""
        if self.status in ("unreadable", "no_lab"):
            return 2
        outcomes = {check.outcome for check in self.checks}
        if self.status == "graded" and (
            not outcomes or "broken" in outcomes or outcomes == {"skipped"}
        ):
            return 3
        return 0 if self.passed else 1

    def task(self, name: str) -> tuple[CheckResult, ...]:
        return tuple(check for check in self.checks if check.task == name)

    def without_timing(self) -> Report:
        """What two runs over the same submission, checks, versions and seed have in common."""
        checks = tuple(replace(check, seconds=0.0) for check in self.checks)
        return replace(self, checks=checks, seconds=0.0)

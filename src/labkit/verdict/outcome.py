"""What a check run found: frozen data, no decisions about how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["passed", "failed", "todo", "error", "timeout", "broken", "skipped"]
Status = Literal["graded", "unreadable", "no_lab", "crashed", "timeout"]

SCHEMA_VERSION = 1


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
    """A cell of the submission that raised; the run went on after it."""

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

    def as_dict(self) -> dict[str, Any]:
        """The report as `result.json` holds it; what varies from run to run is under `timing`."""
        return {
            "version": SCHEMA_VERSION,
            "lab": self.lab,
            "status": self.status,
            "message": self.message,
            "seed": self.seed,
            "score": self.score,
            "max_score": self.max_score,
            "checks": [
                {
                    "id": check.id,
                    "task": check.task,
                    "outcome": check.outcome,
                    "points": check.points,
                    "max_points": check.max_points,
                    "title": check.title,
                    "reason": check.reason,
                    "trace": check.trace,
                    "hidden": check.hidden,
                }
                for check in self.checks
            ],
            "problems": [
                {"cell": problem.cell, "line": problem.line, "message": problem.message}
                for problem in self.problems
            ],
            "submission_sha256": self.submission_sha256,
            "checks_sha256": self.checks_sha256,
            "versions": self.versions,
            "sandbox": self.sandbox,
            **({"scale": self.scale} if self.scale != 1 else {}),
            "timing": {
                "seconds": round(self.seconds, 3),
                "checks": {check.id: round(check.seconds, 3) for check in self.checks},
            },
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Report | None:
        """The report that a `result.json` holds; None when it holds none."""
        try:
            if data["version"] != SCHEMA_VERSION:
                return None
            seconds = data["timing"]["checks"]
            checks = tuple(
                CheckResult(
                    id=check["id"], task=check["task"], outcome=check["outcome"],
                    title=check["title"], max_points=check["max_points"], hidden=check["hidden"],
                    reason=check["reason"], trace=check["trace"],
                    seconds=float(seconds.get(check["id"], 0)),
                )
                for check in data["checks"]
            )  # fmt: skip
            return cls(
                lab=data["lab"], status=data["status"], seed=data["seed"], checks=checks,
                problems=tuple(CellProblem(**problem) for problem in data["problems"]),
                message=data["message"], seconds=float(data["timing"]["seconds"]),
                versions=dict(data["versions"]), submission_sha256=data["submission_sha256"],
                checks_sha256=data["checks_sha256"], sandbox=data["sandbox"],
                scale=data.get("scale", 1),
            )  # fmt: skip
        except (KeyError, TypeError, AttributeError, ValueError):
            return None

"""A report as JSON and back: `result.json`, and what a grading worker sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from labkit.escape import well_formed
from labkit.home import LabError
from labkit.verdict.outcome import CellProblem, CheckResult, Report

SCHEMA_VERSION = 1  # of docs/result.schema.json


def to_json(report: Report) -> str:
    """The text of `result.json`; what varies from run to run is under `timing`."""
    data = {
        "version": SCHEMA_VERSION,
        "lab": report.lab,
        "status": report.status,
        "message": report.message,
        "seed": report.seed,
        "score": report.score,
        "max_score": report.max_score,
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
            for check in report.checks
        ],
        "problems": [
            {"cell": problem.cell, "line": problem.line, "message": problem.message}
            for problem in report.problems
        ],
        "submission_sha256": report.submission_sha256,
        "checks_sha256": report.checks_sha256,
        "versions": report.versions,
        "sandbox": report.sandbox,
        **({"allow_jvm": True} if report.allow_jvm else {}),
        **({"scale": report.scale} if report.scale != 1 else {}),
        "timing": {
            "seconds": round(report.seconds, 3),
            "checks": {check.id: round(check.seconds, 3) for check in report.checks},
        },
    }
    return well_formed(json.dumps(data, indent=2, ensure_ascii=False)) + "\n"


def from_json(text: str) -> Report | None:
    """The report that `to_json` wrote; None when the text holds none."""
    try:
        data: dict[str, Any] = json.loads(text)
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
        return Report(
            lab=data["lab"], status=data["status"], seed=data["seed"], checks=checks,
            problems=tuple(CellProblem(**problem) for problem in data["problems"]),
            message=data["message"], seconds=float(data["timing"]["seconds"]),
            versions=dict(data["versions"]), submission_sha256=data["submission_sha256"],
            checks_sha256=data["checks_sha256"], sandbox=data["sandbox"],
            scale=data.get("scale", 1), allow_jvm=data.get("allow_jvm", False),
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return None


def write_json(report: Report, path: Path) -> None:
    """Writes `result.json` to `path`; LabError when it can't be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(report), "utf-8")
    except OSError as error:
        raise LabError(f"{path} can't be written ({error.strerror}); name another file") from None

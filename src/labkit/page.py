"""Standalone HTML pages: the report of one submission, and the summary of a batch."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labkit import report as shown
from labkit import tally
from labkit.escape import one_line
from labkit.hints import read_hints
from labkit.home import LabError
from labkit.labs import Lab
from labkit.outcome import CheckResult, Report
from labkit.results import PAGE, Row

HIDDEN_REASON = 400
STATUS_WORDS = {
    "graded": "graded",
    "unreadable": "unreadable",
    "no_lab": "no lab",
    "crashed": "crashed",
    "timeout": "out of time",
}


def report_page(report: Report, student: str = "", lab: Lab | None = None) -> str:
    """`report.html`, for the learner: points, reasons and hints; of hidden checks what they say."""
    return shown.templates.get_template("report.html.jinja").render(
        report=report,
        student=student,
        title=_title(report, lab),
        status=STATUS_WORDS[report.status],
        points=points(report),
        percent=tally.percent(report),
        groups=[
            {
                "task": task,
                "results": results,
                "alike": shown.same_reason(results),
                "line": shown.summary(results),
                "open": any(result.outcome != "passed" for result in results),
                "hints": _hints(lab, task, results),
            }
            for task, results in shown.grouped(report.checks)
        ],
        reason=reason,
    )


def summary_page(rows: Sequence[Row], missing: Sequence[str], folder: Path) -> str:
    """`summary.html`: figures and drawings by lab, and a table that can be sorted and filtered."""
    script = _script()
    return shown.templates.get_template("summary.html.jinja").render(
        rows=[_table_row(row, folder) for row in rows],
        missing=missing,
        passed=sum(row.report.passed for row in rows),
        statuses=tally.statuses(rows),
        labs=[_lab(found) for found in tally.by_lab(rows)],
        seeds=sorted({row.report.seed for row in rows if row.report.seed}),
        with_students=any(row.student for row in rows),
        with_labs=len({row.report.lab for row in rows}) > 1,
        unboxed=any(row.report.status == "graded" and not row.report.sandbox for row in rows),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def points(report: Report) -> str:
    """`9 of 14`, without decimals that say nothing."""
    return f"{report.score:g} of {report.max_score:g}"


def _title(report: Report, lab: Lab | None) -> str:
    try:
        return lab.title if lab else report.lab or "Unknown lab"
    except LabError:
        return report.lab


def _hints(lab: Lab | None, task: str, results: Sequence[CheckResult]) -> list[str]:
    """The hints of a task that is not passed."""
    if lab is None or not any(result.wants_help for result in results):
        return []
    try:
        return list(read_hints(lab.checks).get(task, []))
    except (OSError, SyntaxError, ValueError):
        return []


def reason(result: CheckResult) -> str:
    """What a learner reads of a check that did not pass; of a hidden one only its first words."""
    if result.hidden and len(result.reason) > HIDDEN_REASON:
        return result.reason[:HIDDEN_REASON] + " …"
    return result.reason


def _table_row(row: Row, folder: Path) -> dict[str, Any]:
    report = row.report
    first = next((c for c in report.checks if c.outcome not in ("passed", "skipped")), None)
    what = report.message if first is None else f"{first.task}: {first.title}"
    return {
        "name": row.name,
        "student": row.student,
        "lab": report.lab or "-",
        "status": STATUS_WORDS[report.status],
        "mark": "passed" if report.passed else "failed" if report.status == "graded" else "bad",
        "points": points(report) if report.checks else "-",
        "percent": tally.percent(report),
        "open": sum(check.outcome != "passed" for check in report.checks),
        "checks": len(report.checks),
        "what": one_line(what, 110),
        "seconds": report.seconds,
        "link": Path(os.path.relpath(row.folder / PAGE, folder)).as_posix(),
    }


def _lab(found: tally.LabTally) -> dict[str, Any]:
    most = max(found.bins) or 1
    bars = [
        {
            "count": count,
            "height": round(100 * count / most, 1),
            "label": "100" if number == 10 else f"{number * 10}–{number * 10 + 9}",
            "title": "full marks" if number == 10 else f"{number * 10} to {number * 10 + 9} %",
        }
        for number, count in enumerate(found.bins)
    ]
    failing = [
        {"check": check, "share": round(100 * check.rejected / check.written)}
        for check in found.most_failed()
    ]
    return {"tally": found, "bars": bars, "failing": failing}


def _script() -> str:
    return (Path(__file__).parent / "templates" / "summary.js").read_text("utf-8").strip()

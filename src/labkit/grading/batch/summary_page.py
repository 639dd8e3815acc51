"""The summary of a batch as a standalone HTML page."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from labkit.escape import one_line
from labkit.grading.batch import tally
from labkit.grading.batch.results import PAGE, Row
from labkit.verdict import report as shown
from labkit.verdict.page import STATUS_WORDS, points


def summary_page(rows: Sequence[Row], missing: Sequence[str], folder: Path) -> str:
    """`summary.html`: figures and drawings by lab, and a table that can be sorted and filtered."""
    script = _script()
    return shown.templates.get_template("summary.html.jinja").render(
        rows=[_table_row(row, folder) for row in rows],
        missing=missing,
        passed=sum(row.report.passed for row in rows),
        statuses=tally.statuses(rows),
        labs=[_lab(figures) for figures in tally.by_lab(rows)],
        seeds=sorted({row.report.seed for row in rows if row.report.seed}),
        with_students=any(row.student for row in rows),
        with_labs=len({row.report.lab for row in rows}) > 1,
        with_attempts=any(row.attempt for row in rows),
        with_times=any(row.handed_in for row in rows),
        with_comments=any(row.comment for row in rows),
        allow_jvm=any(row.report.allow_jvm for row in rows),
        without_sandbox=any(
            row.report.status == "graded" and not row.report.sandbox for row in rows
        ),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


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
        "percent": report.percent,
        "open": sum(check.outcome != "passed" for check in report.checks),
        "checks": len(report.checks),
        "what": one_line(what, 110),
        "seconds": report.seconds,
        "attempt": str(row.attempt or ""),
        "time": str(row.handed_in or ""),
        "late": row.handed_in.late.total_seconds() if row.handed_in else -1,
        "is_late": bool(row.handed_in and row.handed_in.late),
        "comment": one_line(str(row.comment), 110),
        "link": Path(os.path.relpath(row.folder / PAGE, folder)).as_posix(),
    }


def _lab(figures: tally.LabTally) -> dict[str, Any]:
    most = max(figures.bins) or 1
    bars = [
        {
            "count": count,
            "height": round(100 * count / most, 1),
            "label": "100" if number == 10 else f"{number * 10}–{number * 10 + 9}",
            "title": "full marks" if number == 10 else f"{number * 10} to {number * 10 + 9} %",
        }
        for number, count in enumerate(figures.bins)
    ]
    failing = [
        {"check": check, "share": round(100 * check.rejected / check.written)}
        for check in figures.most_failed()
    ]
    return {"tally": figures, "bars": bars, "failing": failing}


def _script() -> str:
    return (files("labkit.verdict") / "templates" / "summary.js").read_text("utf-8").strip()

"""The report of one submission as a standalone HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labkit.verdict import report as shown
from labkit.verdict.outcome import CheckResult, Report

HIDDEN_REASON = 400
STATUS_WORDS = {
    "graded": "graded",
    "unreadable": "unreadable",
    "no_lab": "no lab",
    "crashed": "crashed",
    "timeout": "out of time",
}


def report_page(
    report: Report,
    student: str = "",
    *,
    title: str = "",
    hints: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """`report.html`, for the learner: points, reasons and hints; of hidden checks what they say.

    `hints` by task; shown for a task that is not passed.
    """
    return shown.templates.get_template("report.html.jinja").render(
        report=report,
        student=student,
        title=title or report.lab or "Unknown lab",
        status=STATUS_WORDS[report.status],
        points=points(report),
        percent=report.percent,
        groups=[
            {
                "task": task,
                "results": results,
                "line": shown.summary(results),
                "open": any(result.outcome != "passed" for result in results),
                "hints": (hints or {}).get(task, ())
                if any(result.wants_help for result in results)
                else (),
            }
            for task, results in shown.grouped(report.checks)
        ],
        reason=reason,
    )


def points(report: Report) -> str:
    """`9 of 14`, without decimals that say nothing."""
    return f"{report.score:g} of {report.max_score:g}"


def reason(group: Sequence[CheckResult]) -> str:
    """What a learner reads of checks that share a reason; its first words if all are hidden."""
    text = group[0].reason
    if all(result.hidden for result in group) and len(text) > HIDDEN_REASON:
        return text[:HIDDEN_REASON] + " …"
    return text

"""The report of one submission, as a standalone HTML page and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from labkit.escape import printable
from labkit.verdict import report as shown
from labkit.verdict import shared
from labkit.verdict.comment import Comment
from labkit.verdict.outcome import CheckResult, Report

HIDDEN_REASON = 400
INSTRUCTOR = 'class="instructor"'  # in a page that holds an instructor's words
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
    comment: Comment | None = None,
    handed_in: str = "",
) -> str:
    """`report.html`, for the learner: points, reasons and hints; of hidden checks what they say.

    `hints` by task; shown for a task that is not passed. `comment` is the instructor's, `handed_in`
    what is said of the deadline.
    """
    said, told = comment or Comment(), shared.told(report.checks)
    return shown.templates.get_template("report.html.jinja").render(
        report=report,
        student=student,
        title=title or report.lab or "Unknown lab",
        status=STATUS_WORDS[report.status],
        points=points(report),
        percent=report.percent,
        comment=said.text,
        handed_in=handed_in,
        groups=[
            {
                "task": task,
                "results": results,
                "told": told[task],
                "line": shown.summary(results),
                "comment": said.tasks.get(task, ""),
                "open": any(result.outcome != "passed" for result in results),
                "hints": (hints or {}).get(task, ())
                if any(result.wants_help for result in results)
                else (),
            }
            for task, results in shown.grouped(report.checks)
        ],
        reason=reason,
    )


def report_text(
    report: Report,
    student: str = "",
    *,
    title: str = "",
    comment: Comment | None = None,
    handed_in: str = "",
) -> str:
    """`report.txt`, what an LMS takes as feedback: as the page, without hints."""
    said = comment or Comment()
    result = (
        f"{points(report)} points" if report.status == "graded" else STATUS_WORDS[report.status]
    )
    head = [title or report.lab or "Unknown lab", student, result, handed_in, report.message]
    parts = ["\n".join(filter(None, head))]
    if said:
        parts.append(f"Your instructor's comment\n\n{said}")
    parts += ["\n".join(f"{problem}" for problem in report.problems)]
    parts.append(shown.text([_as_told(check) for check in report.checks]))
    return printable("\n\n".join(filter(None, parts))) + "\n"


def _as_told(check: CheckResult) -> CheckResult:
    return replace(check, reason=reason(shared.Told((check,), "", check.reason, check.hidden)))


def points(report: Report) -> str:
    """`9 of 14`, without decimals that say nothing."""
    return f"{report.score:g} of {report.max_score:g}"


def reason(told: shared.Told) -> str:
    """What a learner reads of checks that share a reason; its first words if all are hidden."""
    text = told.reason
    if told.hidden and len(text) > HIDDEN_REASON:
        return text[:HIDDEN_REASON] + " …"
    return text

"""Show a batch: JSON, CSV, JUnit, Markdown and HTML from the same rows; nothing is judged here."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labkit.escape import csv_cell, markdown, markdown_block, one_line, well_formed, xml_text
from labkit.grading.batch import tally
from labkit.grading.batch.results import Row, write
from labkit.grading.batch.summary_page import summary_page
from labkit.verdict.outcome import CheckResult, Report
from labkit.verdict.page import STATUS_WORDS, points
from labkit.verdict.shared import told

SUMMARY_VERSION = 1
COLUMNS = (
    "submission", "student", "lab", "status", "passed", "score", "max_score", "percent",
    *(f"checks_{outcome}" for outcome in tally.OUTCOMES), "seed", "seconds", "message", "path",
    "learner", "attempt", "attempts", "handed_in", "late", "late_seconds", "comment",
)  # fmt: skip
MARKDOWN_CHARACTERS = 60_000  # GitHub takes 65 536 in a comment
MARKDOWN_ROWS = 200
DETAILED = 20


def write_all(rows: Sequence[Row], missing: Sequence[str], folder: Path) -> list[Path]:
    """Writes the five summaries of a batch; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "summary.json": json.dumps(summary(rows, missing), indent=2, ensure_ascii=False) + "\n",
        "summary.csv": to_csv(rows),
        "summary.md": to_markdown(rows, missing),
        "summary.html": summary_page(rows, missing, folder),
        "junit.xml": to_junit(rows, missing),
    }
    for name, text in texts.items():
        write(folder / name, well_formed(text))
    return [folder / name for name in texts]


def summary(rows: Sequence[Row], missing: Sequence[str] = ()) -> dict[str, Any]:
    """`summary.json`: see docs/summary.schema.json."""
    return {
        "version": SUMMARY_VERSION,
        "complete": not missing,
        "missing": list(missing),
        "statuses": tally.statuses(rows),
        "passed": sum(row.report.passed for row in rows),
        "labs": [
            {
                "lab": lab.lab,
                "submissions": lab.submissions,
                "graded": lab.graded,
                "passed": lab.passed,
                "max_score": lab.max_score,
                "mean_percent": lab.mean,
                "median_percent": lab.median,
                "score_bins": list(lab.bins),
                "tasks": [vars(task) for task in lab.tasks],
                "checks": [
                    {
                        "id": check.id, "task": check.task, "title": check.title,
                        "hidden": check.hidden, "outcomes": check.outcomes,
                    }
                    for check in lab.checks
                ],
            }
            for lab in tally.by_lab(rows)
        ],
        "submissions": [_row(row) for row in rows],
        "timing": {
            "seconds": round(sum(row.report.seconds for row in rows), 3),
            "submissions": {row.name: round(row.report.seconds, 3) for row in rows},
        },
    }  # fmt: skip


def _row(row: Row) -> dict[str, Any]:
    report = row.report
    return {
        "name": row.name,
        "student": row.student,
        "path": row.path,
        "lab": report.lab,
        "status": report.status,
        "message": report.message,
        "passed": report.passed,
        "score": report.score,
        "max_score": report.max_score,
        "outcomes": _outcomes(report),
        "seed": report.seed,
        "sandbox": report.sandbox,
        "submission_sha256": report.submission_sha256,
        **_beside_points(row),
    }


def _beside_points(row: Row) -> dict[str, Any]:
    """What the instructor asked for or wrote; nothing where there is nothing."""
    found: dict[str, Any] = {}
    if row.attempt:
        found["attempt"] = {"learner": row.learner, **vars(row.attempt)}
        found["attempt"]["others"] = list(row.attempt.others)
    if row.handed_in:
        at, late = row.handed_in.at, row.handed_in.late
        found["handed_in"] = {
            "at": at.isoformat(timespec="seconds") if at else None,
            "late_seconds": int(late.total_seconds()) if at else None,
        }
    if row.comment:
        found["comment"] = {"text": row.comment.text, "tasks": dict(row.comment.tasks)}
    return found


def _outcomes(report: Report) -> dict[str, int]:
    return {
        outcome: sum(check.outcome == outcome for check in report.checks)
        for outcome in tally.OUTCOMES
    }


def to_csv(rows: Sequence[Row]) -> str:
    """`summary.csv`: one line a submission; no cell is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        report = row.report
        percent = report.percent
        writer.writerow(
            [
                *map(csv_cell, (row.name, row.student, report.lab, report.status)),
                str(report.passed).lower(), f"{report.score:g}", f"{report.max_score:g}",
                "" if percent is None else f"{percent:.1f}",
                *_outcomes(report).values(), report.seed, f"{report.seconds:.3f}",
                csv_cell(one_line(report.message, 500)), csv_cell(row.path), csv_cell(row.learner),
                *((row.attempt.number, row.attempt.of) if row.attempt else ("", "")),
                *_time_cells(row), csv_cell(one_line(str(row.comment), 5_000)),
            ]
        )  # fmt: skip
    return out.getvalue()


def _time_cells(row: Row) -> tuple[object, ...]:
    if row.handed_in is None:
        return ("", "", "")
    if row.handed_in.at is None:
        return ("", str(row.handed_in), "")
    at = row.handed_in.at.isoformat(timespec="seconds")
    return (at, str(row.handed_in), int(row.handed_in.late.total_seconds()))


def to_junit(rows: Sequence[Row], missing: Sequence[str] = ()) -> str:
    """`junit.xml`: a suite a submission, a case a check; what has no result is an error."""
    root = ET.Element("testsuites", name="lab grade")
    total = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for row in rows:
        suite = ET.SubElement(root, "testsuite", name=xml_text(row.name))
        report = row.report
        for check in report.checks:
            _case(suite, check, report.lab)
        if report.status != "graded":
            _single(suite, report.lab, STATUS_WORDS[report.status], report.message)
        elif not report.checks:
            _single(suite, report.lab, "no check", "no check was run")
        _count(suite, report.seconds, total)
    for name in missing:
        suite = ET.SubElement(root, "testsuite", name=xml_text(name))
        _single(suite, "", "missing", "there is no result yet")
        _count(suite, 0, total)
    root.attrib |= {key: str(number) for key, number in total.items()}
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _case(suite: ET.Element, check: CheckResult, lab: str) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=xml_text(f"{lab}.{check.task}"), name=xml_text(check.id),
        time=f"{check.seconds:.3f}",
    )  # fmt: skip
    if check.outcome == "passed":
        return
    kind = {"failed": "failure", "todo": "failure", "skipped": "skipped"}.get(
        check.outcome, "error"
    )
    message = one_line(check.reason or check.title, 300)
    said = ET.SubElement(case, kind, message=xml_text(message))
    if kind != "skipped":
        said.set("type", check.outcome)
        said.text = xml_text(f"{check.title}\n{check.reason}\n{check.trace}".strip())


def _single(suite: ET.Element, lab: str, kind: str, message: str) -> None:
    case = ET.SubElement(suite, "testcase", classname=xml_text(lab), name="submission", time="0")
    error = ET.SubElement(case, "error", message=xml_text(one_line(message, 300)), type=kind)
    error.text = xml_text(message)


def _count(suite: ET.Element, seconds: float, total: dict[str, int]) -> None:
    found = {
        "tests": len(suite),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": len(suite.findall("testcase/skipped")),
    }
    suite.attrib |= {key: str(number) for key, number in found.items()}
    suite.set("time", f"{seconds:.3f}")
    for key, number in found.items():
        total[key] += number


def to_markdown(rows: Sequence[Row], missing: Sequence[str] = ()) -> str:
    """`summary.md`, for a pull request or a job summary: a table, then what is open in each."""
    passed = sum(row.report.passed for row in rows)
    parts = [f"## Lakehouse Labs: {passed} of {len(rows)} submissions passed\n"]
    if missing:
        parts.append(f"**{len(missing)} without a result: the batch is not finished.**\n")
    parts.append("| | submission | lab | points | open checks |\n|---|---|---|---|---|")
    worst_first = sorted(rows, key=lambda row: (row.report.passed, row.name))
    parts += [_markdown_row(row) for row in worst_first[:MARKDOWN_ROWS]]
    if len(rows) > MARKDOWN_ROWS:
        parts.append(f"\n{len(rows) - MARKDOWN_ROWS} more are in the report.")
    parts.append("")
    length = sum(map(len, parts))
    for row in [row for row in worst_first if not row.report.passed][:DETAILED]:
        text = _markdown_details(row)
        length += len(text)
        if length > MARKDOWN_CHARACTERS:
            parts.append("More is in the reports of the submissions.\n")
            break
        parts.append(text)
    return "\n".join(parts)


def _markdown_row(row: Row) -> str:
    report = row.report
    mark = "✅" if report.passed else "❌" if report.status == "graded" else "⚠️"
    said = points(report) if report.checks else STATUS_WORDS[report.status]
    still = sum(check.outcome != "passed" for check in report.checks)
    said += f", attempt {row.attempt}" if row.attempt else ""
    said += f", {row.handed_in}" if row.handed_in and not row.handed_in.on_time else ""
    cells = (mark, markdown(row.name, 90), markdown(report.lab), said, str(still or "-"))
    return f"| {' | '.join(cells)} |"


def _markdown_details(row: Row) -> str:
    """What is open in one submission; a reason that several checks share stands once, below them."""
    report = row.report
    lines = [f"<details><summary>{markdown(row.name, 90)}</summary>\n"]
    if row.comment:
        lines.append(f"Instructor's comment:\n{markdown_block(str(row.comment))}\n")
    if report.message:
        lines.append(f"{markdown_block(report.message)}\n")
    for problem in report.problems[:5]:
        lines.append(f"- cell {problem.cell}, line {problem.line}: {markdown(problem.message)}")
    todo = list(dict.fromkeys(check.task for check in report.checks if check.outcome == "todo"))
    lines += [f"- {markdown(task)}: not written yet" for task in todo]
    for group in (group for task in told(report.checks).values() for group in task):
        if group.results[0].outcome in ("passed", "todo"):
            continue
        for check in group.results:
            hidden = ", hidden" if check.hidden else ""
            title = markdown(check.title, 160, code=False)
            lines.append(f"- {markdown(check.task)}: {title} ({check.outcome}{hidden})\n")
        if group.lead:
            lines.append(f"{markdown(group.lead, code=False)}\n")
        if group.reason:
            lines.append(f"{markdown_block(group.reason, 600)}\n")
    return "\n".join([*lines, "\n</details>\n"])

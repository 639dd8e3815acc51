"""An instructor's comment: kept beside the result, shown in reports and summaries, never obeyed."""

import csv
import datetime
import io
import json
from pathlib import Path

import jsonschema
import pytest

from labkit import home
from labkit.grading.batch import reports, summaries
from labkit.grading.batch.attempts import Rule
from labkit.grading.batch.deadline import Deadline
from labkit.grading.batch.policy import Policy
from labkit.grading.batch.results import Batch, Row
from labkit.grading.batch.summary_page import summary_page
from labkit.verdict.comment import Comment, read_comment
from labkit.verdict.outcome import CheckResult, Report
from labkit.verdict.page import report_page, report_text

EVIL = "=1+1 <script>alert(1)</script> \x1b[31m"
FOUND = Report(
    "toy",
    "graded",
    7,
    (
        CheckResult("test_a", "double", "failed", "doubles", 2, reason="1 × row missing"),
        CheckResult("test_s", "store", "passed", "stores", 1),
    ),
)


@pytest.fixture
def row(tmp_path):
    (tmp_path / "ada").mkdir()
    for name in ("report.html", "report.txt"):
        (tmp_path / "ada" / name).write_text("old")
    return Row("ada", "Ada", "ada.ipynb", FOUND, tmp_path / "ada", "ada")


def say(row, text):
    (row.folder / "comment.md").write_text(text, "utf-8")


def test_comment_is_of_the_submission_then_of_tasks():
    text = "Well done.\n\nSee `double`.\n\n## double\nTwice.\n# Not a task\n\n## `store`\n\nGood.\n"
    comment, notes = read_comment(text, ["double", "store"])
    assert comment.text == "Well done.\n\nSee `double`."
    assert comment.tasks == {"double": "Twice.\n# Not a task", "store": "Good."}
    assert notes == []


def test_heading_of_no_task_is_noted_and_nothing_is_lost():
    comment, notes = read_comment("## dubble\nTwice.", ["double", "store"])
    assert comment.text == "## dubble\nTwice."
    assert "line 1: there is no task dubble" in notes[0]
    assert "double, store" in notes[0]


@pytest.mark.parametrize("text", ["", "\n \n", "## double\n\n"])
def test_empty_file_is_no_comment(text):
    assert not read_comment(text, ["double"])[0]


def test_reports_and_summaries_show_it(row, tmp_path):
    say(row, "Well done.\n## double\nThink of `null`.")
    batch = Policy().applied(Batch((row,)))
    reports.refresh(batch.rows)
    page = (row.folder / "report.html").read_text()
    assert "Well done." in page
    assert "Think of <code>null</code>." in page
    assert "1 × row missing" in page
    text = (row.folder / "report.txt").read_text()
    assert "Your instructor's comment\n\nWell done.\n\ndouble:\nThink of `null`." in text
    assert "1 × row missing" in text
    (line,) = csv.DictReader(io.StringIO(summaries.to_csv(batch.rows)))
    assert line["comment"] == "Well done. double: Think of `null`."
    assert "Well done." in summary_page(batch.rows, (), tmp_path)
    assert "Well done" in summaries.to_markdown(batch.rows)
    found = summaries.summary(batch.rows)["submissions"][0]["comment"]
    assert found == {"text": "Well done.", "tasks": {"double": "Think of `null`."}}


def test_removed_comment_leaves_the_report(row):
    say(row, "Well done.")
    reports.refresh(Policy().applied(Batch((row,))).rows)
    (row.folder / "comment.md").unlink()
    reports.refresh(Policy().applied(Batch((row,))).rows)
    assert "Well done" not in (row.folder / "report.html").read_text()
    assert "Well done" not in (row.folder / "report.txt").read_text()


def test_report_without_comment_or_date_is_written_again_only_if_it_is_gone(row):
    reports.refresh(Policy().applied(Batch((row,))).rows)
    assert (row.folder / "report.html").read_text() == "old"
    (row.folder / "report.txt").unlink()
    reports.refresh(Policy().applied(Batch((row,))).rows)
    assert "1 of 3 points" in (row.folder / "report.txt").read_text()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * 200_000])
def test_file_that_cannot_be_shown_is_noted(row, content):
    (row.folder / "comment.md").write_bytes(content)
    batch = Policy().applied(Batch((row,)))
    assert not batch.rows[0].comment
    assert "comment.md is not shown" in batch.notes[0]


def test_comment_is_escaped():
    comment = Comment(EVIL, {"double": EVIL})
    page = report_page(FOUND, "Ada", comment=comment)
    assert "<script>" not in page
    assert "\x1b" not in page
    assert "\x1b" not in report_text(FOUND, comment=comment)
    row = Row("ada", "", "", FOUND, Path("ada"), comment=comment)
    (line,) = csv.DictReader(io.StringIO(summaries.to_csv([row])))
    assert line["comment"].startswith("'=")
    assert summary_page([row], (), Path()).count("<script>") == 1
    assert "<script>" not in summaries.to_markdown([row])


def test_summary_with_all_that_an_instructor_adds_follows_the_schema(row):
    say(row, "Late.")
    due = datetime.datetime(2026, 10, 1, 12, tzinfo=datetime.UTC)
    times = {"ada": due + datetime.timedelta(minutes=65)}
    other = Row("bo", "", "", FOUND, row.folder.parent / "bo", "bo")
    policy = Policy(Rule.last, Deadline(due, times))
    batch = policy.counted(policy.applied(Batch((row, other))))
    found = summaries.summary(batch.rows)
    schema = json.loads((home.root() / "docs" / "summary.schema.json").read_text())
    jsonschema.validate(found, schema)
    assert found["submissions"][0]["handed_in"] == {
        "at": "2026-10-01T13:05:00+00:00",
        "late_seconds": 3_900,
    }
    page = summary_page(batch.rows, (), row.folder.parent)
    assert "late by 1 h 5 min" in page
    assert "no time given" in page
    assert "1 of 1" in page
    assert "late by 1 h 5 min" in report_text(FOUND, handed_in="late by 1 h 5 min")
    assert "attempt 1 of 1, late by 1 h 5 min" in summaries.to_markdown(batch.rows)

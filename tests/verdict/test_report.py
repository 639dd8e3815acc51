"""Reports as text, HTML and JSON: the same facts, nothing of a learner's taken at its word."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest

from labkit.checks.plan_tree import Operator, draw
from labkit.verdict import report
from labkit.verdict.blocks import Prose
from labkit.verdict.outcome import CellProblem, CheckResult, Report
from labkit.verdict.page import report_page
from labkit.verdict.reason import to_text
from labkit.verdict.report_json import from_json, to_json

HERE = Path(__file__).parents[1]
RESULTS = (
    CheckResult("test_a", "double", "passed", "doubles", 2, seconds=0.5),
    CheckResult("test_b", "double", "failed", "keeps nulls", 1, reason="1 × row missing:\n  n 3"),
    CheckResult("test_c", "store", "todo", "writes", 1, reason="`store` is not written yet"),
    CheckResult("test_d", "store", "todo", "twice", 1, True, "`store` is not written yet"),
)
REPORT = Report(
    "toy", "graded", 7, RESULTS, (CellProblem(3, 1, "NameError: x"),), "", 1.25,
    {"pyspark": "4.2.0"}, "aa", "bb",
)  # fmt: skip
EVIL = "<script>alert(1)</script>\x1b[31m red"


def test_json_is_the_golden_file_and_follows_the_schema():
    schema = json.loads((HERE.parent / "docs" / "result.schema.json").read_text())
    jsonschema.validate(json.loads(to_json(REPORT)), schema)
    assert to_json(REPORT) == (HERE / "golden" / "result.json").read_text()


def test_two_runs_differ_in_timing_alone():
    again = Report(**{**vars(REPORT), "seconds": 99.0})
    first, second = json.loads(to_json(REPORT)), json.loads(to_json(again))
    assert first.pop("timing") != second.pop("timing")
    assert first == second
    assert REPORT.without_timing() == again.without_timing()


def test_json_gives_the_same_report_back():
    assert from_json(to_json(REPORT)) == REPORT
    assert from_json(to_json(dataclasses.replace(REPORT, scale=3))).scale == 3


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"version": 99}', '{"version": 1, "timing": 3}', "[" * 10_000]
)
def test_text_that_is_no_report_is_none(text):
    assert from_json(text) is None


def test_text_says_what_passed_what_failed_and_why():
    lines = report.text(RESULTS, 1.25).splitlines()
    assert lines[0] == "double: 1 of 2 checks passed · 2 of 3 points"
    assert lines[1:5] == ["  ✓ doubles", "  ✗ keeps nulls", "      1 × row missing:", "        n 3"]
    assert lines[-1] == "total: 1 of 4 checks passed · 2 of 5 points · 1.2 s"


def test_task_to_do_is_told_once():
    assert report.text(RESULTS).count("not written yet") == 1
    assert report.html(RESULTS, seconds=1).count("not written yet") == 1


SPARK = "Spark could not run the answer: AnalysisException: `m` cannot be resolved"
ONE_ERROR = (
    CheckResult("test_a", "double", "error", "doubles", 2, reason=SPARK, trace="cell 4, line 2"),
    CheckResult("test_b", "double", "passed", "keeps nulls", 1),
    CheckResult("test_c", "double", "error", "keeps zero", 1, True, SPARK, "cell 4, line 2"),
    CheckResult("test_d", "double", "error", "is quick", 1, reason=SPARK, trace="cell 5, line 1"),
    CheckResult("test_e", "double", "failed", "adds none", 1, reason="1 × row missing:\n  n 3"),
    CheckResult("test_f", "double", "failed", "loses none", 1, reason="1 × row missing:\n  n 3"),
)


def test_reason_that_several_checks_share_is_told_once_below_their_titles():
    assert report.text(ONE_ERROR).splitlines() == [
        "double: 1 of 6 checks passed · 1 of 7 points",
        "  ! doubles [error]",
        "  ! keeps zero [error]",
        "  ! is quick [error]",
        "      Same reason for these 3 checks:",
        f"      {SPARK}",
        "      cell 4, line 2",
        "      cell 5, line 1",
        "  ✓ keeps nulls",
        "  ✗ adds none",
        "  ✗ loses none",
        "      Same reason for these 2 checks:",
        "      1 × row missing:",
        "        n 3",
    ]


@pytest.mark.parametrize(
    "page", [report.html(ONE_ERROR, seconds=1), report_page(Report("toy", "graded", 7, ONE_ERROR))]
)
def test_page_too_tells_a_shared_reason_once(page):
    assert page.count("cannot be resolved") == 1
    assert page.count("<p>1 × row missing: <code>n 3</code>") == 1
    assert all(result.title in page for result in ONE_ERROR)
    assert "Same reason for these 3 checks:" in page


def test_html_escapes_what_came_from_a_learner():
    result = CheckResult("test_a", "double", "failed", EVIL, 1, reason=EVIL)
    page = report.html([result], seconds=0.1, foot=[EVIL])
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 3


def test_plan_is_drawn_in_html_and_in_text_with_its_marked_operator():
    plan = draw(Operator("HashAggregate", columns=("<b>",), inputs=(Operator("Scan"),)), {"Scan"})
    reason = to_text([Prose("why"), plan])
    result = CheckResult("test_a", "double", "failed", "t", 1, reason=reason)
    page = report.html([result], seconds=0.1)
    assert "<figcaption>plan, result first</figcaption>" in page
    assert "<pre>  HashAggregate (&lt;b&gt;)\n<mark>✗ Scan</mark></pre>" in page
    assert "\n          HashAggregate (<b>)\n        ✗ Scan" in report.text([result])


def test_text_cannot_drive_the_terminal():
    result = CheckResult("test_a", "double", "failed", EVIL, 1, reason=EVIL)
    assert "\x1b" not in report.text([result])


@pytest.mark.parametrize(
    ("status", "outcomes", "code"),
    [
        ("graded", ["passed", "passed"], 0),
        ("graded", ["passed", "failed"], 1),
        ("graded", ["passed", "skipped"], 1),
        ("graded", ["skipped", "skipped"], 3),
        ("graded", ["passed", "broken"], 3),
        ("graded", [], 3),
        ("unreadable", [], 2),
        ("no_lab", [], 2),
        ("crashed", [], 1),
        ("timeout", ["passed"], 1),
    ],
)
def test_exit_code_follows_status_and_outcomes(status, outcomes, code):
    checks = tuple(CheckResult(f"t{n}", "double", o, "t", 1) for n, o in enumerate(outcomes))
    assert Report("toy", status, 1, checks).exit_code == code


def test_points_are_counted_with_hidden_and_skipped_checks():
    assert (REPORT.score, REPORT.max_score) == (2.0, 5.0)

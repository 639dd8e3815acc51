"""A reason that several checks share is told once, with all the checks that it explains."""

import pytest

from labkit.grading.batch import summaries
from labkit.grading.batch.results import Row
from labkit.verdict import report
from labkit.verdict.outcome import CheckResult, Report
from labkit.verdict.page import report_page, report_text
from labkit.verdict.shared import told

LOST = "AnalysisException: `lsm` cannot be resolved"


def check(id, task="flatten", reason=LOST, outcome="error", **more):
    return CheckResult(id, task, outcome, f"title of {id}", 1, reason=reason, **more)


RESULTS = (
    check("a"),
    check("b", reason="", outcome="passed"),
    check("c", "merge", "other", "failed"),
    check("d", "merge"),
    check("e", hidden=True),
    check("f", "merge", hidden=True),
)


def test_text_tells_it_at_the_first_task_and_names_the_others():
    assert report.text(RESULTS).splitlines() == [
        "flatten: 1 of 3 checks passed · 1 of 3 points",
        "  ! title of a [error]",
        "  ! title of e [error]",
        "      Same reason for these 2 checks, and for 2 of `merge`:",
        f"      {LOST}",
        "  ✓ title of b",
        "merge: 0 of 3 checks passed · 0 of 3 points",
        "  ✗ title of c",
        "      other",
        "  ! title of d [error]",
        "  ! title of f [error]",
        "      Same reason as at `flatten`.",
        "total: 1 of 6 checks passed · 1 of 6 points",
    ]


@pytest.mark.parametrize(
    "shown",
    [
        report.html(RESULTS, seconds=1),
        report_page(Report("toy", "graded", 7, RESULTS)),
        report_text(Report("toy", "graded", 7, RESULTS)),
        summaries.to_markdown([Row("a", "", "", Report("toy", "graded", 7, RESULTS), None)]),
    ],
    ids=["notebook", "page", "text", "markdown"],
)
def test_each_form_tells_it_once_with_every_title(shown):
    assert shown.count("cannot be resolved") == 1
    assert all(f"title of {id}" in shown for id in "acdef")
    assert "Same reason for these 2 checks" in shown
    assert "Same reason as at" in shown


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("no table `lab_7_5d21c0a9f3b1`.`orders`", "no table `lab_7_5d21c0a9f7c2`.`orders`"),
        ("no file /tmp/x/check-a81_k2zq/part-0", "no file /tmp/x/check-ppq8d3xw/part-0"),
        ("no file '/tmp/pytest/check0/a'", "no file '/tmp/pytest/check12/a'"),
        ("needs customer_id#4711L", "needs customer_id#52L"),
        ("got <Row object at 0x7f01aabbcc>", "got <Row object at 0x7f01aabbdd>"),
    ],
)
def test_names_that_each_check_has_for_itself_make_no_other_reason(one, two):
    (group,) = told([check("a", reason=one), check("b", reason=two)])["flatten"]
    assert group.reason == one
    assert len(group.results) == 2


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("order 17 is missing", "order 18 is missing"),
        ("no table `orders_2026`", "no table `orders_2027`"),
        ("read 3 files, expected 1", "read 4 files, expected 1"),
        ("/data/checkpoint_a is missing", "/data/checkpoint_b is missing"),
        ("no table `lab.orders_20261001`", "no table `lab.orders_20261002`"),
    ],
)
def test_what_a_check_saw_makes_another_reason(one, two):
    groups = told([check("a", reason=one), check("b", reason=two)])["flatten"]
    assert [group.reason for group in groups] == [one, two]


def test_same_words_with_another_outcome_are_another_reason():
    groups = told([check("a"), check("b", outcome="failed")])["flatten"]
    assert [(len(group.results), group.lead) for group in groups] == [(1, ""), (1, "")]


def test_reason_is_told_above_whoever_refers_to_it():
    later = (check("a", "one", "", "passed"), check("b", "two"), check("c", "one", hidden=True))
    groups = told(later)
    assert [group.reason for group in groups["one"]] == ["", LOST]
    assert groups["two"][0].lead == "Same reason as at `one`."
    assert not groups["one"][1].hidden  # a public check says the same, so all of it is shown

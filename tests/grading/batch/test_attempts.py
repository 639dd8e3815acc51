"""Several attempts of one learner: who they are of, their order, and the one that counts."""

import os
from pathlib import Path

import pytest

from labkit.grading.batch.attempts import Rule, by_learner, counted
from labkit.grading.batch.collect import collect
from labkit.grading.batch.marks import read_mark
from labkit.grading.batch.policy import Policy
from labkit.grading.batch.results import Batch, Row
from labkit.home import LabError
from labkit.verdict.outcome import CheckResult, Report


def row(name, points, *, lab="toy", status="graded", most=4):
    checks = [CheckResult("t", "double", "passed", "doubles", points)] if points else []
    checks += [CheckResult("u", "double", "failed", "sums", most - points)]
    mark = read_mark(f"{name}.ipynb")
    found = Report(lab, status, 7, tuple(checks) if status == "graded" else ())
    return Row(name, "", name, found, Path(name), mark.learner, mark.order)


@pytest.mark.parametrize(
    ("label", "learner", "order"),
    [
        ("ada.ipynb", "ada", ()),
        ("ada/lab.ipynb", "ada/lab", ()),
        ("ada@2.ipynb", "ada", (2,)),
        ("ada_attempt2.ipynb", "ada", (2,)),
        ("ada-attempt-12.py", "ada", (12,)),
        ("Ada Attempt 2.ipynb", "Ada", (2,)),
        ("ada/attempt2/lab.ipynb", "ada/lab", (2,)),
        ("attempt2/ada/lab.ipynb", "ada/lab", (2,)),
        ("ada/lab@3.ipynb", "ada/lab", (3,)),
        ("ada@2/lab.ipynb", "ada/lab", (2,)),
        ("@2.ipynb", "@2.ipynb", (2,)),
        # names that only look like marks
        ("ada@example.com.ipynb", "ada@example.com", ()),
        ("attempted.ipynb", "attempted", ()),
        ("reattempt2.ipynb", "reattempt2", ()),
        ("lab-2.ipynb", "lab-2", ()),
        ("lab (1).ipynb", "lab (1)", ()),
        # what downloads are called
        (
            "ada+ps1+2026-10-01 12:00:05.5 UTC+dGhpcw/lab.ipynb",
            "ada",
            (2026, 10, 1, 12, 0, 5, 500_000),
        ),
        ("ps1_ada_attempt_2026-10-01-12-00-05_my_lab.ipynb", "ps1_ada", (2026, 10, 1, 12, 0, 5)),
        ("lovelaceada_340934_208490284_lab-1.ipynb", "lovelaceada_340934", (208490284,)),
        ("lovelaceada_LATE_340934_208490299_x.ipynb", "lovelaceada_340934", (208490299,)),
        ("attempt2/lovelaceada_340934_2084_x.ipynb", "lovelaceada_340934", (2, 2084)),
    ],
)
def test_mark_of_a_path(label, learner, order):
    mark = read_mark(label)
    assert (mark.learner, mark.order) == (learner, order)


@pytest.mark.parametrize(
    "name", ["ada+ps1+2026-10-01 12:00:00 UTC", "ada_340934_208490284_x", "ada@2"]
)
def test_nobody_hands_in_an_attempt_of_somebody_else(name):
    assert read_mark(f"bo/{name}/lab.ipynb").learner.startswith("bo/")
    assert read_mark(f"bo_340935_208490285_{name}.ipynb").learner.startswith("bo_")
    assert read_mark(f"bo+ps1+2026-10-01 12:00:00 UTC/{name}.ipynb").learner == "bo"


def test_attempts_are_in_the_order_of_their_numbers():
    rows = [row(f"ada@{number}", 1) for number in (10, 9, 2)] + [row("ada", 1), row("bo", 1)]
    names = [[found.name for found in group] for group in by_learner(rows)]
    assert names == [["ada", "ada@2", "ada@9", "ada@10"], ["bo"]]


@pytest.mark.parametrize(
    ("rule", "counts", "number"), [(Rule.best, "ada@2", 2), (Rule.last, "ada@4", 4)]
)
def test_one_row_a_learner_says_which_attempt_counts(rule, counts, number):
    rows = [row("ada@1", 1), row("ada@2", 3), row("ada@3", 3), row("ada@4", 2), row("bo", 0)]
    ada, bo = counted(rows, rule)
    assert (ada.name, str(ada.attempt)) == (counts, f"{number} of 4")
    assert set(ada.attempt.others) == {"ada@1", "ada@2", "ada@3", "ada@4"} - {counts}
    assert (bo.name, str(bo.attempt)) == ("bo", "1 of 1")


def test_what_cannot_be_judged_is_no_best_attempt_but_may_be_the_last():
    rows = [row("ada@1", 0), row("ada@2", 0, status="crashed")]
    assert [found.name for found in counted(rows, Rule.best)] == ["ada@1"]
    assert [found.name for found in counted(rows, Rule.last)] == ["ada@2"]


def test_attempts_are_told_apart_by_lab_and_an_unreadable_one_is_of_the_only_lab():
    rows = [row("ada@1", 1), row("ada@2", 0, lab="", status="unreadable"), row("bo@1", 1)]
    assert [found.name for found in counted(rows, Rule.last)] == ["ada@2", "bo@1"]
    two = [row("ada@1", 1), row("ada@2", 1, lab="other")]
    assert [str(found.attempt) for found in counted(two, Rule.last)] == ["1 of 1", "1 of 1"]


def test_archive_beside_the_notebook_of_an_attempt_is_not_the_last():
    names = ["ada+ps1+2026-10-01 12:00:00 UTC/lab", "ada+ps1+2026-10-01 12:00:00 UTC/zip"]
    rows = [row(names[0], 1), row(names[1], 0, lab="", status="unreadable")]
    assert [found.name for found in counted(rows, Rule.last)] == [names[0]]


def test_without_a_rule_all_rows_stay_and_a_note_says_how_to_count_one():
    batch = Policy().counted(Batch((row("ada@1", 1), row("ada@2", 1), row("bo", 1))))
    assert len(batch.rows) == 3
    assert batch.notes == (
        "1 learner has several attempts; --attempts best or --attempts last counts one of each",
    )
    assert Policy().counted(Batch((row("ada", 1), row("bo", 1)))).notes == ()


def test_exit_code_is_of_what_counts():
    batch = Batch((row("ada@1", 1), row("ada@2", 4, most=4)))
    assert batch.exit_code == 1
    passed = Report("toy", "graded", 7, (CheckResult("t", "double", "passed", "doubles", 4),))
    rows = (batch.rows[0], Row("ada@2", "", "", passed, Path("ada@2"), "ada", (2,)))
    assert Policy(Rule.best).counted(Batch(rows)).exit_code == 0


def test_times_of_files_decide_nothing(tmp_path):
    for stamp, number in ((3, 1), (1, 2), (2, 3)):
        file = tmp_path / f"ada@{number}.ipynb"
        file.write_text("{}")
        os.utime(file, (stamp, stamp))
    entries = collect([str(tmp_path)]).entries
    assert [(entry.learner, entry.order) for entry in entries] == [
        ("ada", (1,)), ("ada", (2,)), ("ada", (3,)),
    ]  # fmt: skip


def test_list_gives_the_order_by_its_column_or_its_rows(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text('labkit.open("toy")')
    rows = tmp_path / "rows.csv"
    rows.write_text("student,path\nAda,b.py\nAda,a.py\n")
    numbered = tmp_path / "numbered.csv"
    numbered.write_text("student,path,attempt\nAda,b.py,2\nAda,a.py,1\n")

    def order(file):
        entries = sorted(collect([str(file)]).entries, key=lambda entry: entry.order)
        return [(entry.learner, entry.path.name) for entry in entries]

    assert order(rows) == [("Ada", "b.py"), ("Ada", "a.py")]
    assert order(numbered) == [("Ada", "a.py"), ("Ada", "b.py")]


def test_list_with_an_attempt_that_is_no_number_says_where(tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("student,path,attempt\nAda,a.py,second\n")
    with pytest.raises(LabError, match=r"row 2 of .*'second'; write a number"):
        collect([str(file)])

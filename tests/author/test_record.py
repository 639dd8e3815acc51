"""A record of proof says when a lab must be proved again, and which labs take their turn."""

import math
import shutil
import subprocess

import pytest

from labkit.author import record
from labkit.author.known_answers import variants
from labkit.course.labs import Lab


@pytest.fixture
def proved(toy, tmp_path, monkeypatch):
    """The toy lab with a record of these files, and of a labkit that a test may change."""
    package = tmp_path / "labkit"
    shutil.copytree(record.PACKAGE / "verdict", package / "verdict")
    monkeypatch.setattr(record, "PACKAGE", package)
    add(toy, variants(toy))
    return toy


def add(lab, answers, *, anew=False):
    kept = record.Record(lab, anew=anew)
    for answer in answers:
        if answer.kind in ("starter", "alternative"):
            kept.add(answer, ())
        elif answer.kind == "solution":
            kept.add(answer, {"test_doubles", "test_table_holds_doubles"})
        else:
            kept.add(answer, {answer.fails[0]})
    kept.facts["notebook"] = True
    kept.save()


def answer(lab, name):
    return next(each for each in variants(lab) if each.name == name)


def change(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_record_of_these_files_is_fresh(proved):
    assert record.state(proved) == "fresh"


@pytest.mark.parametrize(
    ("attribute", "old", "new"),
    [
        ("solution", "# Only the solved", "# Nothing but the solved"),
        ("checks", "Twice two is four.", "Twice two is still four."),
        ("checks", "def test_doubles", "# Why.\n\ndef test_doubles"),
    ],
    ids=["prose", "a hint", "a comment"],
)
def test_what_decides_no_verdict_leaves_it_fresh(proved, attribute, old, new):
    change(getattr(proved, attribute), old, new)
    assert record.state(proved) == "fresh"


@pytest.mark.parametrize(
    ("attribute", "old", "new"),
    [
        ("solution", "* 2", "* 2 + 0"),
        ("checks", "def test_doubles", "def test_it_doubles"),
        ("mistakes", "+ 2", "+ 3"),
    ],
)
def test_changed_code_makes_it_stale(proved, attribute, old, new):
    change(getattr(proved, attribute), old, new)
    assert record.state(proved) == "stale"


def test_mended_mistake_is_all_that_is_left_to_prove(proved):
    change(proved.mistakes, "+ 2", "+ 3")
    assert [each.name for each in record.Record(proved).missing()] == ["adds_two"]
    add(proved, [answer(proved, "adds_two")])
    assert record.state(proved) == "fresh"


def test_entries_of_other_checks_are_dropped(proved):
    change(proved.checks, "def test_doubles", "def test_it_doubles")
    change(proved.mistakes, "test_doubles,", "test_it_doubles,")
    add(proved, [answer(proved, "adds_two")])
    left = {each.name for each in record.Record(proved).missing()}
    assert left == {each.name for each in variants(proved)} - {"adds_two"}


def test_misjudged_answer_makes_it_stale(proved):
    kept = record.Record(proved)
    kept.remove(answer(proved, "stores_nothing"))
    kept.save()
    assert record.state(proved) == "stale"


def test_check_that_rejects_nothing_makes_it_stale(proved):
    kept = record.Record(proved)
    kept.add(answer(proved, "stores_nothing"), {"test_doubles"})
    kept.save()
    assert record.Record(proved).idle() == ["test_table_holds_doubles"]
    assert record.state(proved) == "stale"


def test_mistake_that_is_gone_rejects_nothing(proved):
    text = proved.mistakes.read_text("utf-8")
    proved.mistakes.write_text(text[: text.index("# %% stores_nothing")], "utf-8")
    assert record.Record(proved).idle() == ["test_table_holds_doubles"]
    assert record.state(proved) == "stale"


def test_notebook_that_did_not_run_makes_it_stale(proved):
    kept = record.Record(proved)
    kept.facts["notebook"] = False
    kept.save()
    assert record.state(proved) == "stale"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"lab": "a", "labkit": "b"}'])
def test_file_that_is_no_record_proves_nothing(proved, text):
    record.path(proved).write_text(text)
    assert record.state(proved) in ("stale", "absent")
    assert len(record.Record(proved).missing()) == len(variants(proved))


def test_data_of_another_generator_makes_it_stale(proved):
    (generator,) = proved.made_from(proved.about["datasets"])
    generator.write_text(generator.read_text("utf-8") + "\nMORE = 1\n", "utf-8")
    assert record.state(proved) == "stale"


def test_another_labkit_is_told_apart_from_the_labs_own_files(proved):
    module = record.PACKAGE / "verdict" / "outcome.py"
    module.write_text(module.read_text("utf-8") + "\nMORE = 1\n", "utf-8")
    assert record.state(proved) == "other labkit"


@pytest.mark.parametrize(("anew", "found"), [(False, "other labkit"), (True, "fresh")])
def test_record_that_is_added_to_is_of_its_oldest_labkit(proved, anew, found):
    module = record.PACKAGE / "verdict" / "outcome.py"
    module.write_text(module.read_text("utf-8") + "\nMORE = 1\n", "utf-8")
    add(proved, variants(proved), anew=anew)
    assert record.state(proved) == found


def test_lab_without_a_record_must_be_proved(toy):
    assert record.state(toy) == "absent"


def test_every_lab_has_its_turn_within_a_few_commits(tmp_path, monkeypatch):
    labs = [Lab(number, f"lab_{number}", tmp_path) for number in range(30)]
    monkeypatch.setattr(record, "state", lambda lab: "stale" if lab.number == 7 else "fresh")
    turns = [record.due(labs, turn) for turn in range(record.TURNS)]
    assert {lab.number for due in turns for lab in due} == set(range(30))
    assert max(map(len, turns)) <= math.ceil(30 / record.TURNS) + 1
    assert all(labs[7] in due for due in turns), "a stale lab does not wait"


def test_lab_of_another_labkit_is_judged_every_other_commit(tmp_path, monkeypatch):
    labs = [Lab(number, f"lab_{number}", tmp_path) for number in range(30)]
    monkeypatch.setattr(record, "state", lambda lab: "fresh" if lab.number == 7 else "other labkit")
    judged = [record.to_judge(labs, turn) for turn in (3, 4)]
    assert {lab.number for half in judged for lab in half} == set(range(30)) - {7}
    assert max(map(len, judged)) < 20
    assert all(lab in judged[0] for lab in record.due(labs, 3))


def test_turn_counts_commits(tmp_path):
    assert record.turn(tmp_path) == 0
    git = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    for _ in range(2):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    assert record.turn(tmp_path) == 2

"""A record of proof says when a lab must be proved again, and which labs take their turn."""

import math
import shutil
import subprocess

import pytest

from labkit.author import record
from labkit.course.labs import Lab


@pytest.fixture
def proved(toy, tmp_path, monkeypatch):
    """The toy lab with a record of these files, and of a labkit that a test may change."""
    package = tmp_path / "labkit"
    shutil.copytree(record.PACKAGE / "verdict", package / "verdict")
    monkeypatch.setattr(record, "PACKAGE", package)
    record.write(toy)
    return toy


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


def test_data_of_another_generator_makes_it_stale(proved):
    (generator,) = proved.made_from(proved.about["datasets"])
    generator.write_text(generator.read_text("utf-8") + "\nMORE = 1\n", "utf-8")
    assert record.state(proved) == "stale"


def test_another_labkit_is_told_apart_from_the_labs_own_files(proved):
    module = record.PACKAGE / "verdict" / "outcome.py"
    module.write_text(module.read_text("utf-8") + "\nMORE = 1\n", "utf-8")
    assert record.state(proved) == "other labkit"


def test_lab_without_a_record_must_be_proved(toy):
    assert record.state(toy) == "absent"


def test_every_lab_has_its_turn_within_a_few_commits(tmp_path, monkeypatch):
    labs = [Lab(number, f"lab_{number}", tmp_path) for number in range(30)]
    monkeypatch.setattr(record, "state", lambda lab: "stale" if lab.number == 7 else "fresh")
    turns = [record.due(labs, turn) for turn in range(record.TURNS)]
    assert {lab.number for due in turns for lab in due} == set(range(30))
    assert max(map(len, turns)) <= math.ceil(30 / record.TURNS) + 1
    assert all(labs[7] in due for due in turns), "a stale lab does not wait"


def test_turn_counts_commits(tmp_path):
    assert record.turn(tmp_path) == 0
    git = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    for _ in range(2):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    assert record.turn(tmp_path) == 2

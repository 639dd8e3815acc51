"""A lab whose header says `spark: false`: notebook, proof and grading start no JVM for it."""

import pytest

from labkit.author.build import build
from labkit.author.known_answers import as_submission, variants
from labkit.author.trial import run_trial
from labkit.course.labs import Lab
from labkit.judge.answer import Learner
from labkit.judge.runner import judge
from labkit.learner.lab_session import LabSession
from labkit.spark import session

SOURCE = """\
# ---
# level: starter
# minutes: 5
# needs: []
# spark: false
# datasets: [numbers]
# topics: [toy]
# ---
# %% [markdown]
# # Double a number

# %%
import labkit

lab = labkit.open("toy")


# %%
def double(number: int) -> int:
    \"\"\"A number, twice.\"\"\"
    # BEGIN SOLUTION: multiply
    return number * 2
    # END SOLUTION


# %%
lab.check("double")
"""
CHECKS = '''
from labkit.checks import check

HINTS = {"double": ["Twice.", "Times two."]}


@check("double")
def test_doubles(learner, dataset):
    """doubles"""
    assert dataset("numbers").is_dir()
    assert learner.double(3) == 6
'''
ASKS = '''

@check("double")
def test_asks_for_a_session(learner, spark):
    """asks"""
'''


@pytest.fixture
def plain(toy, monkeypatch) -> Lab:
    """The toy lab without Spark; to ask for a session is an error."""
    toy.solution.write_text(SOURCE, "utf-8")
    toy.checks.write_text(CHECKS, "utf-8")
    toy.hidden_checks.unlink()
    toy.mistakes.unlink()
    for path in (toy.solutions / "alternatives").glob("*.py"):
        path.unlink()
    lab = Lab(0, "toy", toy.root)
    build(lab)

    def never():
        raise AssertionError("a session was asked for")

    monkeypatch.setattr(session, "current", never)
    return lab


def solution_of(lab: Lab):
    return next(each for each in variants(lab) if each.kind == "solution")


def test_header_is_in_the_notebook(plain):
    assert not plain.uses_spark
    assert "spark" not in as_submission(plain, solution_of(plain))


@pytest.mark.parametrize("way", ["notebook", "shell"])
def test_known_answers_are_proved_without_a_session(plain, way):
    trials = [run_trial(plain, each, None, way=way) for each in variants(plain)]
    assert [trial.problems for trial in trials] == [(), ()]
    assert [trial.results[0].outcome for trial in trials] == ["todo", "passed"]


def test_notebook_checks_without_a_session(plain, monkeypatch):
    monkeypatch.setattr("labkit.spark.session.current", lambda: pytest.fail("a session was made"))
    assert LabSession(plain, {"double": lambda number: number * 2}).check().passed


def test_larger_data_is_made_here(plain):
    assert LabSession(plain, {}).data("numbers", scale=3).is_dir()


def test_check_that_asks_for_a_session_is_broken(plain):
    plain.checks.write_text(CHECKS + ASKS, "utf-8")
    learner = Learner({"double": lambda number: number * 2}, plain.tasks)
    passed, asks = judge(plain.root, learner, None, [plain.checks])
    assert (passed.outcome, asks.outcome) == ("passed", "broken")
    assert "spark: false" in asks.reason

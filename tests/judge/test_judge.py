"""Checks run on answers: every outcome told apart, on the toy course."""

import re
import sys
import time

import pytest

from labkit.author.known_answers import Variant, define, namespace
from labkit.judge import time_limit as limits
from labkit.judge.answer import Learner
from labkit.judge.runner import judge
from labkit.judge.time_limit import GradedRun, time_limit
from labkit.spark.lease import lease_of
from labkit.verdict.errors import CheckTimeout

BROKEN_CHECK = '''
from labkit.checks import check


@check("double")
def test_trips(learner):
    """trips over itself"""
    undefined_name
'''
SKIPPED_CHECK = '''
import pytest

from labkit.checks import check


@check("double")
def test_needs_more(learner):
    """needs what is not here"""
    pytest.skip("no broker here")
'''
OWN_TEST_CHECK = '''
from labkit.checks import check, failure_of


@check("double")
def test_says_nothing(learner, frame):
    """says nothing"""
    said = failure_of(learner.double, frame("n long", [(1,)]))
    assert said is None, f"it says:\\n{said}"


@check("double")
def test_does_not_raise(learner, frame):
    """does not raise"""
    learner.double(frame("n long", [(1,)]))
'''
SLOW_CHECK = '''
from labkit.checks import check


@check("double")
def test_endless(learner):
    """ends"""
    learner.double(None)
'''


@pytest.fixture
def results_of(toy, spark):
    def run(answer: str, files=None, **options):
        names = namespace(toy, Variant("solution", "solution", toy.solution), spark)
        define(answer, "answer.py", names, ())
        exec(answer, names)
        learner = Learner(names, toy.tasks)
        results = judge(toy.root, learner, spark, files or [toy.checks], **options)
        return {result.id: result for result in results}

    return run


def test_right_answer_passes_with_its_points(results_of, toy):
    results = results_of("", [toy.checks, toy.hidden_checks], seed=5)
    assert [result.outcome for result in results.values()] == ["passed"] * 3
    assert sum(result.points for result in results.values()) == 4
    assert results["test_doubles_seeded_numbers"].hidden


@pytest.mark.parametrize(
    ("answer", "outcome", "says"),
    [
        ("def double(numbers): raise NotImplementedError", "todo", "not written yet"),
        ("def double(numbers): return 1 / 0", "error", "ZeroDivisionError"),
        ("def double(): return None", "failed", "can't be called"),
        ("def double(numbers): return None", "failed", "returned None"),
        ("def double(numbers): return numbers.collect()", "failed", "returned list"),
        ("def double(numbers): return numbers", "failed", "missing: twice"),
        ("def double(numbers): return numbers.nothing", "error", "nothing"),
        ("double = 3", "error", "expected a function"),
        ("del double", "error", "renamed or deleted"),
        ("def double(numbers): return numbers.rdd", "failed", "returned RDD"),
    ],
)
def test_wrong_answer_has_its_outcome(results_of, answer, outcome, says):
    result = results_of(answer, tasks=["double"])["test_doubles"]
    assert (result.outcome, result.points) == (outcome, 0)
    assert says in result.reason


def test_stub_called_by_another_task_is_todo_and_named(results_of):
    results = results_of("def double(numbers): raise NotImplementedError")
    assert results["test_table_holds_doubles"].outcome == "todo"
    assert "`store` calls `double`" in results["test_table_holds_doubles"].reason


def test_bug_in_a_check_is_broken(results_of, toy):
    toy.checks.write_text(BROKEN_CHECK)
    result = results_of("")["test_trips"]
    assert result.outcome == "broken"
    assert "checks.py:8: NameError" in result.reason


def test_checks_that_do_not_load_are_broken(results_of, toy):
    toy.checks.write_text("def (")
    (result,) = results_of("").values()
    assert result.outcome == "broken"
    assert "SyntaxError" in result.reason


def test_no_check_at_all_is_broken(results_of, toy):
    toy.checks.write_text("x = 1\n")
    (result,) = results_of("").values()
    assert (result.outcome, result.reason) == ("broken", "no check was found in checks.py")


def test_no_colour_of_chispas_is_in_a_result(results_of, toy):
    toy.checks.write_text(OWN_TEST_CHECK)
    answer = (
        "import chispa\n\n"
        "def double(numbers):\n"
        "    chispa.assert_df_equality(numbers, numbers.selectExpr('2 * n as n'))\n"
    )
    found = results_of(answer)
    told, raised = found["test_says_nothing"], found["test_does_not_raise"]
    assert (told.outcome, raised.outcome) == ("failed", "error")
    assert "| n=1 | n=2 |" in told.reason
    assert raised.reason.startswith("DataFramesNotEqualError: +")
    assert not re.search(r"\x1b|x1b", told.reason + raised.reason + raised.trace)


def test_skipped_is_never_passed(results_of, toy):
    toy.checks.write_text(SKIPPED_CHECK)
    result = results_of("")["test_needs_more"]
    assert (result.outcome, result.points, result.reason) == ("skipped", 0, "no broker here")


def test_endless_answer_is_a_timeout(results_of, toy):
    toy.checks.write_text(SLOW_CHECK)
    result = results_of("def double(numbers):\n    while True: pass", timeout=0.5)["test_endless"]
    assert (result.outcome, result.reason) == ("timeout", "double took longer than 0.5 s")


MANY_CHECKS = '''
import pytest

from labkit.checks import check


@check("double")
@pytest.mark.parametrize("number", range(40))
def test_endless(learner, number):
    """ends"""
    learner.double(None)
'''


def test_time_that_is_over_cuts_checks_and_not_what_is_around_them(results_of, toy):
    """Where pytest runs code of its own an error would end the whole run."""
    toy.checks.write_text(MANY_CHECKS)
    graded = GradedRun(until=time.monotonic() - 1, seconds=8)
    results = results_of("def double(numbers):\n    while True: pass", graded=graded)
    assert len(results) == 40
    assert {(result.outcome, result.reason) for result in results.values()} == {
        ("timeout", "the submission took longer than 8 s in all")
    }


SLOW_FIXTURE = '''
import pytest

from labkit.checks import check


@pytest.fixture(scope="module")
def endless(spark):
    while True:
        pass


@check("double")
@pytest.mark.parametrize("number", range(3))
def test_needs_it(learner, endless, number):
    """ends"""
'''


def test_a_fixture_that_was_cut_is_a_timeout_of_every_check_that_needs_it(results_of, toy):
    toy.checks.write_text(SLOW_FIXTURE)
    results = results_of("", timeout=0.3)
    assert [result.outcome for result in results.values()] == ["timeout"] * 3


SLOW_END = '''
import pytest

from labkit.checks import check


@pytest.fixture
def endless():
    yield
    while True:
        pass


@check("double")
@pytest.mark.parametrize("number", range(3))
def test_needs_it(learner, endless, number):
    """ends"""
'''


def test_time_ends_what_a_fixture_does_at_its_end(results_of, toy):
    toy.checks.write_text(SLOW_END)
    results = results_of("", timeout=0.3)
    assert [result.outcome for result in results.values()] == ["timeout"] * 3


def test_a_check_that_was_cut_anywhere_is_a_timeout_and_the_next_one_is_judged_right(results_of):
    """In pytest, in a fixture or amid a call to Spark, whose answer is still to come."""
    for seconds in (0.001, 0.003, 0.01, 0.03, 0.1):
        found = results_of("", timeout=seconds).values()
        wrong = [one.reason for one in found if one.outcome not in ("passed", "timeout")]
        assert not wrong, f"after {seconds} s"
    assert {result.outcome for result in results_of("").values()} == {"passed"}


def test_code_that_stumbles_when_it_is_cut_has_run_out_of_time(results_of):
    answer = """
def double(numbers):
    try:
        while True: pass
    finally:
        nothing_of_that_name
"""
    (result,) = results_of(answer, tasks=["double"], timeout=0.3).values()
    assert (result.outcome, result.reason) == ("timeout", "double took longer than 0.3 s")


def test_time_ends_when_it_may():
    may = iter([False, False, True])
    with (
        pytest.raises(CheckTimeout),
        time_limit(0.01, may_end=lambda frame: next(may)),
    ):
        while True:
            pass
    assert next(may, "three looks") == "three looks"


def test_time_that_a_finalizer_swallowed_ends_what_still_runs(monkeypatch):
    """Python drops what is raised in a finalizer; one runs wherever garbage is collected."""
    monkeypatch.setattr(limits, "CLEAN_UP_SECONDS", 0.05)
    dropped = []
    monkeypatch.setattr(sys, "unraisablehook", dropped.append)

    class Slow:
        def __del__(self):
            while not dropped:
                pass

    with pytest.raises(CheckTimeout), time_limit(0.3, may_end=lambda frame: True) as alarm:
        Slow()
        assert alarm.rang
        while True:
            pass
    assert dropped[0].exc_type is CheckTimeout


def test_interrupt_is_raised_again(results_of):
    with pytest.raises(KeyboardInterrupt):
        results_of("def double(numbers): raise KeyboardInterrupt")


def test_edited_checks_are_seen_by_the_next_run(results_of, toy):
    assert results_of("", tasks=["double"])["test_doubles"].outcome == "passed"
    toy.checks.write_text(toy.checks.read_text().replace("(2, 4)", "(2, 5)"))
    result = results_of("", tasks=["double"])["test_doubles"]
    assert result.reason == "1 × row differs:\n  n 2: twice is 4, expected 5"


def test_settings_of_the_learner_have_no_effect_and_come_back(results_of, spark):
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    try:
        results_of(
            "def double(numbers):\n"
            "    assert numbers.sparkSession.conf.get('spark.sql.session.timeZone') == 'UTC'\n"
            "    return numbers.selectExpr('n', 'n * 2 as twice')"
        )
        assert spark.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")


def test_schemas_are_gone_afterwards(results_of, spark):
    mine = f"{lease_of(spark) or 'lab_'}*"  # others work in the same JVM
    before = spark.catalog.listDatabases(mine)
    results_of("", tasks=["store"])
    assert spark.catalog.listDatabases(mine) == before

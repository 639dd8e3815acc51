"""Checks run on answers: every outcome told apart, on the toy course."""

import os
import re
import sys
import time
import types

import pytest

from labkit.author.known_answers import Variant, define, namespace
from labkit.judge import time_limit as limits
from labkit.judge.answer import Learner
from labkit.judge.observer import Observer
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


def test_options_for_another_pytest_are_none_of_a_run(results_of, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-v --durations=3")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    results = results_of("", tasks=["double"])
    assert [result.outcome for result in results.values()] == ["passed"]
    assert os.environ["PYTEST_ADDOPTS"] == "-v --durations=3"


class Noting(Observer):
    def __init__(self):
        super().__init__()
        self.noted = []

    def begins(self, chosen):
        super().begins(chosen)
        self.noted.append([check.task for check in chosen])

    def judged(self, result):
        super().judged(result)
        self.noted.append((result.id, result.outcome, [check.title for check in self.coming]))


def test_observer_is_told_of_each_result_when_it_stands(results_of):
    observer = Noting()
    results = results_of("def double(numbers):\n    return numbers\n", observer=observer)
    assert observer.noted == [
        ["double", "store"],
        ("test_doubles", "failed", ["writes the doubled numbers to the table"]),
        ("test_table_holds_doubles", "failed", []),
    ]
    assert observer.results == list(results.values())


def test_observer_is_told_of_the_chosen_checks_alone(results_of):
    observer = Noting()
    results_of("", tasks=["double"], observer=observer)
    assert observer.noted == [["double"], ("test_doubles", "passed", [])]


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


SECRET = "def double(numbers): raise {0}('numbers were ' + str(numbers.collect()))"
OWN_CLASS = "def double(numbers): raise type('n_was_7', (Exception,), {})"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (SECRET.format("ValueError"), "`double` ended with ValueError"),
        (SECRET.format("NotImplementedError"), "`double` is not written yet"),
        (OWN_CLASS, "`double` ended with an error"),
        (
            "def double(numbers): return numbers.selectExpr('n', \"raise_error('n was ' || n) twice\")",
            "`double` ended with SparkRuntimeException",
        ),
    ],
)
def test_hidden_check_says_the_class_of_an_error_and_nothing_else(results_of, toy, answer, says):
    results = results_of(answer, [toy.checks, toy.hidden_checks], seed=5)
    hidden = results["test_doubles_seeded_numbers"]
    assert hidden.outcome in ("error", "todo")
    assert (hidden.reason, hidden.trace) == (says, "")


def test_stub_called_by_another_task_is_todo_and_named(results_of):
    results = results_of("def double(numbers): raise NotImplementedError")
    assert results["test_table_holds_doubles"].outcome == "todo"
    assert "`store` calls `double`" in results["test_table_holds_doubles"].reason


def test_bug_in_a_check_is_broken(results_of, toy):
    toy.checks.write_text(BROKEN_CHECK)
    result = results_of("")["test_trips"]
    assert result.outcome == "broken"
    assert "checks.py:8: NameError" in result.reason


READS_A_LIST = '''
from labkit.checks import check


@check("double")
def test_reads(learner):
    """is read"""
    assert max(len(part) for part in learner.double(3)) < {number}, "it is long"
'''


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("None", "`double` returned NoneType, which the check can't read (checks.py:8): TypeError"),
        ("['a', 7]", "`double` returned list, which the check can't read (checks.py:8): TypeError"),
        ("[]", "`double` returned list, which the check can't read (checks.py:8): ValueError"),
    ],
)
def test_value_that_a_check_stumbles_over_is_the_answers_error(results_of, toy, value, says):
    toy.checks.write_text(READS_A_LIST.format(number=9))
    result = results_of(f"double = lambda numbers: {value}")["test_reads"]
    assert result.outcome == "error"
    assert result.reason.startswith(says)


READS_ANOTHER = '''
from labkit.checks import check


@check("double")
def test_reads(learner):
    """is read"""
    assert learner.{call}["n"] == 3, "it is another"
'''


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("store(0)", "`store` returned list, which the check can't read (checks.py:8): TypeError"),
        ("run_dbt(0)", "`double` gave a value, which the check can't read (checks.py:8)"),
    ],
)
def test_value_of_another_function_that_a_check_stumbles_over_is_the_answers_error(
    results_of, toy, monkeypatch, call, says
):
    monkeypatch.setattr("labkit.parts.dbt.run_dbt", lambda number: [number])
    toy.checks.write_text(READS_ANOTHER.format(call=call))
    result = results_of("store = lambda number: [number]")["test_reads"]
    assert (result.outcome, result.reason[: len(says)]) == ("error", says)


def test_hidden_check_that_stumbles_tells_the_class_alone(results_of, toy):
    toy.hidden_checks.write_text(READS_A_LIST.format(number=9))
    results = results_of("double = lambda numbers: {'a secret': 1}['b']", [toy.hidden_checks])
    assert "secret" not in results["test_reads"].reason
    results = results_of("double = lambda numbers: [7, 'mine']", [toy.hidden_checks])
    assert results["test_reads"].outcome == "error"
    assert results["test_reads"].reason == "`double` ended with TypeError"


def test_file_that_an_answer_spoils_is_the_answers_error(results_of, toy):
    checks = READS_A_LIST.replace("max(len(part) for part in", "len(open(").format(number=9)
    toy.checks.write_text(checks.replace("learner.double(3))", "learner.double(3)).read())"))
    result = results_of("double = lambda numbers: '/nowhere/at/all'")["test_reads"]
    assert (result.outcome, "FileNotFoundError" in result.reason) == ("error", True)


def test_check_that_breaks_before_it_has_a_value_is_broken(results_of, toy):
    toy.checks.write_text(
        READS_A_LIST.replace("learner.double(3)", "(learner and 7)").format(number=9)
    )
    result = results_of("double = lambda numbers: ['a']")["test_reads"]
    assert result.outcome == "broken"


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


BROKER_CHECK = '''
from labkit.checks import check


@check("double")
def test_asks_a_broker(learner, kafka):
    """asks a broker"""
    assert kafka == "own:1"
'''


@pytest.mark.parametrize(("graded", "outcome"), [(False, "passed"), (True, "skipped")])
def test_broker_is_started_for_the_process_that_has_the_answer_alone(
    results_of, toy, tmp_path, monkeypatch, graded, outcome
):
    toy.checks.write_text(BROKER_CHECK)
    monkeypatch.setattr("labkit.parts.kafka.bootstrap", lambda: "own:1")
    run = GradedRun(folder=tmp_path, data=tmp_path) if graded else None
    assert results_of("", graded=run)["test_asks_a_broker"].outcome == outcome


def test_endless_answer_is_a_timeout(results_of, toy):
    toy.checks.write_text(SLOW_CHECK)
    result = results_of("def double(numbers):\n    while True: pass", timeout=0.5)["test_endless"]
    assert (result.outcome, result.reason) == (
        "timeout",
        "a check of double took longer than 0.5 s",
    )


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
    assert (result.outcome, result.reason) == (
        "timeout",
        "a check of double took longer than 0.3 s",
    )


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


TWO_TASKS = '''
import pytest

from labkit.checks import Case, cases, check

MADE = []
CASES = [Case("two", "says two", given=[2], points=2), Case("three", "says three", given=[3])]


@pytest.fixture(scope="module")
def made(task):
    MADE.append(task)
    return task


@check("double")
@cases(CASES)
def test_case(learner, made, case):
    """{case}"""
    assert made == "double" and case.given == [2], "not two"


@check("double", "store")
def test_both(learner, task, made):
    """`{task}` is there"""
    assert made == task and getattr(learner, task).__name__ == task


@check("store")
def test_one(made):
    """asks for what is made of its task"""
    assert made == "store" and MADE == ["double", "store"], MADE
'''


def test_a_check_of_several_tasks_and_cases_has_a_result_for_each(results_of, toy):
    toy.checks.write_text(TWO_TASKS)
    results = results_of("")
    assert {
        key: (result.task, result.title, result.outcome, result.points)
        for key, result in results.items()
    } == {
        "test_case[two]": ("double", "says two", "passed", 2),
        "test_case[three]": ("double", "says three", "failed", 0),
        "test_both[double]": ("double", "`double` is there", "passed", 1),
        "test_both[store]": ("store", "`store` is there", "passed", 1),
        "test_one": ("store", "asks for what is made of its task", "passed", 1),
    }


@pytest.mark.parametrize(
    ("options", "run"),
    [
        ({"tasks": ["double"]}, ["test_case[two]", "test_case[three]", "test_both[double]"]),
        ({"ids": ["test_both"]}, ["test_both[double]", "test_both[store]"]),
        ({"ids": ["test_both[store]", "test_case[two]"]}, ["test_case[two]", "test_both[store]"]),
    ],
)
def test_one_task_or_case_of_a_check_can_be_run(results_of, toy, options, run):
    toy.checks.write_text(TWO_TASKS)
    assert list(results_of("", **options)) == run


def test_a_stub_is_todo_on_its_own_task_of_a_check_of_two(results_of, toy):
    toy.checks.write_text(TWO_TASKS)
    results = results_of("def store(spark, table, numbers): raise NotImplementedError")
    assert results["test_both[double]"].outcome == "passed"
    assert results["test_both[store]"].outcome == "todo"


def test_a_check_of_two_tasks_that_asks_for_none_is_broken(results_of, toy):
    toy.checks.write_text(TWO_TASKS.replace("learner, task, made", "learner"))
    (result,) = [one for one in results_of("").values() if one.outcome == "broken"]
    assert "task" in result.reason


IMPORTS_PUBLIC = '''
from checks import NUMBERS
from labkit.checks import check


@check("double")
def test_hidden(learner):
    """has the public numbers"""
    assert NUMBERS == [1, 2], NUMBERS
'''


def test_hidden_checks_import_the_public_ones_of_their_own_lab(
    results_of, toy, tmp_path, monkeypatch
):
    """Whether these are judged too, whatever else is called so in the process or on its path."""
    (tmp_path / "checks.py").write_text("raise SystemExit('a file of the learner')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    learners = types.ModuleType("checks")
    monkeypatch.setitem(sys.modules, "checks", learners)
    toy.checks.write_text(toy.checks.read_text() + "\nNUMBERS = [1, 2]\n")
    toy.hidden_checks.write_text(IMPORTS_PUBLIC)
    for files in ([toy.checks, toy.hidden_checks], [toy.hidden_checks]):
        results = results_of("", files)
        assert results["test_hidden"].outcome == "passed"
        assert results["test_hidden"].hidden
        assert len(results) == 1 + 2 * (toy.checks in files)
    assert sys.modules["checks"] is learners

    other = toy.root / "labs" / "01_other" / "checks.py"
    hidden = toy.root / "solutions" / "01_other" / "hidden_checks.py"
    for path, text in ((other, "NUMBERS = [3]\n"), (hidden, IMPORTS_PUBLIC)):
        path.parent.mkdir()
        path.write_text(text)
    assert results_of("", [hidden])["test_hidden"].reason == "[3]"


def test_hidden_checks_without_public_ones_look_nowhere_else(results_of, toy, monkeypatch):
    (toy.root / "checks.py").write_text("NUMBERS = [1, 2]\n")
    monkeypatch.syspath_prepend(toy.root)
    toy.hidden_checks.write_text(IMPORTS_PUBLIC)
    toy.checks.unlink()
    (result,) = results_of("", [toy.hidden_checks]).values()
    assert result.outcome == "broken"
    assert "there is no" in result.reason


def test_a_fault_of_the_public_checks_is_told_where_hidden_ones_import_them(results_of, toy):
    toy.hidden_checks.write_text(IMPORTS_PUBLIC)
    (result,) = results_of("", [toy.checks, toy.hidden_checks]).values()
    assert result.outcome == "broken"
    assert "cannot import name 'NUMBERS' from 'checks'" in result.reason


SHOWS_ALL = '''
from labkit.checks import check


@check("double")
def test_shows(learner):
    """is shown"""
    found = learner.double(3)
    assert found == 6, f"the double of 3 is {found}"
'''


@pytest.mark.parametrize("hidden", [False, True])
def test_hidden_check_shows_little_of_what_came_back(results_of, toy, hidden):
    file = toy.hidden_checks if hidden else toy.checks
    file.write_text(SHOWS_ALL)
    result = results_of("double = lambda number: str(number) * 5_000", [file])["test_shows"]
    assert result.reason == f"the double of 3 is {'3' * 5_000}"[: 400 if hidden else 2_000]


SHOWS_A_TRACE = '''
from labkit.checks import check
from labkit.verdict.errors import AnswerError


@check("double")
def test_tells_lines(learner):
    """tells lines"""
    try:
        learner.double(3)
    except AnswerError as error:
        raise AnswerError("failed", "your test stops with an error", trace=error.trace)
'''


def test_hidden_check_shows_no_line_of_the_answer(results_of, toy):
    for file, shown in ((toy.checks, True), (toy.hidden_checks, False)):
        file.write_text(SHOWS_A_TRACE)
        result = results_of("def double(number):\n    return [][number]", [file])[
            "test_tells_lines"
        ]
        assert (result.reason, bool(result.trace)) == ("your test stops with an error", shown)

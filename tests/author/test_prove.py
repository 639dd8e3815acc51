"""The proof of a lab finds what is wrong with its checks, on the toy course."""

import subprocess
import sys
from concurrent.futures import Future
from typing import get_args

import psutil
import pytest

from labkit.author import prove, record
from labkit.author.known_answers import (
    Kind,
    as_submission,
    few_for_all_tasks,
    read_alternative,
    read_mistakes,
    replaced_tasks,
    touched_tasks,
    variants,
)
from labkit.author.prove import problems, run_notebook
from labkit.author.rules import static_problems
from labkit.author.trial import idle_checks, run_trial
from labkit.home import LabError

RIGHT_DOUBLE = "def double(numbers):\n    return numbers.selectExpr('n', 'n * 2 AS twice')\n"


def variant(toy, kind, text, name="mine", task="double"):
    if kind == "alternative":
        path = toy.solutions / "alternatives" / f"{name}.py"
        path.write_text(text)
        return read_alternative(path)
    header = f"# %% {name}\n# task: {task}\n# breaks: every number and its double\n"
    toy.mistakes.write_text(header + text)
    (mistake,) = read_mistakes(toy)
    return mistake


def test_toy_lab_is_proved(toy, spark):
    trials = [run_trial(toy, each, spark) for each in variants(toy)]
    assert [trial.problems for trial in trials] == [()] * len(trials)
    assert list(problems(toy, trials)) == []


def test_solution_passes_in_the_shell_too(toy, spark):
    solution = next(each for each in variants(toy) if each.kind == "solution")
    trial = run_trial(toy, solution, spark, way="shell")
    assert trial.problems == ()
    assert {result.outcome for result in trial.results} == {"passed"}
    assert any(result.hidden for result in trial.results)


def test_mistake_that_passes_is_a_problem(toy, spark):
    text = f"# fails: test_doubles\n# because: it does not\n{RIGHT_DOUBLE}"
    (problem,) = run_trial(toy, variant(toy, "mistake", text), spark).problems
    assert problem.startswith("test_doubles is passed, expected failed")


def test_mistake_must_name_a_check_of_its_task(toy, spark):
    text = "# fails: test_table_holds_doubles\n# because: another task's check\n" + RIGHT_DOUBLE
    assert run_trial(toy, variant(toy, "mistake", text), spark).problems == (
        "names test_table_holds_doubles, which is no check of its task",
    )


def test_mistake_is_judged_by_the_checks_it_names(toy, spark):
    text = f"# fails: test_doubles\n# because: it does not\n{RIGHT_DOUBLE}"
    mine = variant(toy, "mistake", text)
    assert [result.id for result in run_trial(toy, mine, spark, named=True).results] == [
        "test_doubles"
    ]
    assert len(run_trial(toy, mine, spark).results) == 2


SIGNED = """

@check("double")
@pytest.mark.parametrize("sign", [1, -1])
def test_sign(learner, frame, sign):
    '''doubles numbers of any sign'''
    learner.double(frame("n long", [(sign,)]))
"""


@pytest.mark.parametrize(
    ("named", "run"), [("test_sign[1]", ["1"]), ("test_sign", ["1", "-1"])], ids=["one", "all"]
)
def test_mistake_may_name_checks_with_parameters(toy, spark, named, run):
    text = toy.checks.read_text().replace("from labkit", "import pytest\nfrom labkit", 1)
    toy.checks.write_text(text + SIGNED)
    mine = variant(toy, "mistake", f"# fails: {named}\n# because: it does not\n{RIGHT_DOUBLE}")
    found = run_trial(toy, mine, spark, named=True).results
    assert [result.id for result in found] == [f"test_sign[{sign}]" for sign in run]


OF_BOTH = '''


@check("double", "store")
def test_of_both(learner, task):
    """is there"""
    getattr(learner, task)()
'''


@pytest.mark.parametrize("named", ["test_of_both", "test_of_both[double]"])
def test_mistake_may_name_a_check_of_several_tasks(toy, spark, named):
    """It meets the result of its own task, and is told when it names that of another."""
    toy.checks.write_text(toy.checks.read_text() + OF_BOTH)
    mine = variant(toy, "mistake", f"# fails: {named}\n# because: it does\n{RIGHT_DOUBLE}")
    trial = run_trial(toy, mine, spark, named=True)
    assert [result.id for result in trial.results] == ["test_of_both[double]"]
    assert trial.problems == ()
    text = f"# fails: test_of_both[store]\n# because: it does\n{RIGHT_DOUBLE}"
    (problem,) = run_trial(toy, variant(toy, "mistake", text), spark).problems
    assert problem == "names test_of_both[store], which is no check of its task"


def test_short_proof_has_an_alternative_for_each_task(toy):
    store = "def store(spark, table, numbers):\n    pass\n"
    every = [
        variant(toy, "alternative", f"# because: y\n{code}", name)
        for name, code in [
            ("half", RIGHT_DOUBLE),
            ("whole", RIGHT_DOUBLE + store),
        ]
    ]
    assert [each.name for each in few_for_all_tasks(toy, every)] == ["whole"]


def test_alternative_that_fails_is_a_problem(toy, spark):
    text = "# because: wrong\ndef double(numbers):\n    return numbers\n"
    found = run_trial(toy, variant(toy, "alternative", text), spark).problems
    assert any(line.startswith("test_doubles is failed, expected passed") for line in found)


def test_check_that_rejects_nothing_is_told(toy, spark):
    trials = [run_trial(toy, each, spark) for each in variants(toy) if each.kind == "solution"]
    assert idle_checks(trials) == sorted(result.id for result in trials[0].results)


def test_alternative_meets_the_checks_of_what_it_touches(toy):
    text = f"# because: store calls double\n{RIGHT_DOUBLE}"
    mine = variant(toy, "alternative", text)
    assert replaced_tasks(toy, mine) == ("double",)
    assert touched_tasks(toy, mine) == ("double", "store")


def test_answer_whose_definitions_raise_is_a_problem_of_its_own(toy, spark):
    text = "# fails: test_doubles\n# because: y\nlimit = 1 / 0\n" + RIGHT_DOUBLE
    trial = run_trial(toy, variant(toy, "mistake", text), spark)
    (problem,) = trial.problems
    assert problem.startswith("its definitions raise ZeroDivisionError")
    assert "mistakes.py, mine, line 1" in problem
    assert trial.results == ()


def test_submission_holds_definitions_only(toy):
    text = as_submission(toy, variant(toy, "alternative", f"# because: z\n{RIGHT_DOUBLE}"))
    assert text.count("def double") == 2  # the later one counts, as in a notebook
    assert "lab.check" not in text
    assert "labkit.open('toy')" in text


@pytest.fixture
def in_this_process(monkeypatch, spark):
    """Trials in this process, in the notebook's way alone; the names of those that ran."""
    ran = []

    class Here:
        def __init__(self, workers):
            self.done = []

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def start(self, lab, chosen, *, depth):
            ran.extend(each.name for each in chosen)
            return [self.after(run_trial, lab, each, spark) for each in chosen]

        def after(self, work, *arguments):
            future = Future()
            future.set_result("" if work is run_notebook else work(*arguments))
            return future

    monkeypatch.setattr(prove, "Proof", Here)
    monkeypatch.setitem(prove.WAYS, "whole", dict.fromkeys(get_args(Kind), ("notebook",)))
    return ran


def test_rest_goes_on_where_a_proof_stopped(toy, in_this_process):
    assert prove.prove([toy], only=["stores_nothing"]) == {"toy": ()}
    assert record.state(toy) == "stale"
    assert prove.prove([toy], rest=True) == {"toy": ()}
    assert record.state(toy) == "fresh"
    assert sorted(in_this_process) == sorted(each.name for each in variants(toy))
    in_this_process.clear()
    assert prove.prove([toy], rest=True) == {"toy": ()}
    assert in_this_process == []


def test_rest_proves_a_mended_mistake_alone(toy, in_this_process):
    right = toy.mistakes.read_text()
    toy.mistakes.write_text(right.replace('(F.col("n") + 2)', '(2 * F.col("n"))'))
    problem, *_ = prove.prove([toy])["toy"]
    assert problem.startswith("mistake adds_two: test_doubles is passed")
    assert record.state(toy) == "stale"
    toy.mistakes.write_text(right)
    in_this_process.clear()
    assert prove.prove([toy], rest=True) == {"toy": ()}
    assert in_this_process == ["adds_two"]
    assert record.state(toy) == "fresh"


def test_name_that_no_answer_has_is_an_error(toy, in_this_process):
    with pytest.raises(LabError, match="00_toy has no variant called nobody"):
        prove.prove([toy], only=["nobody"])


def test_stray_files_and_lonely_hints_are_told(toy):
    (toy.starter.parent / "notes.txt").write_text("?")
    toy.checks.write_text(toy.checks.read_text().replace('"Multiply."', ""))
    toy.hidden_checks.write_text(
        toy.hidden_checks.read_text()
        + '\n\n@check("double")\ndef test_doubles(learner):\n    """doubles"""\n'
    )
    assert list(static_problems(toy)) == [
        "double has 1 hints; give 2 to 4 in HINTS of checks.py",
        "two checks are called test_doubles; a report has one result by that name",
        "stray file labs/00_toy/notes.txt",
    ]


def test_workers_end_when_their_parent_is_killed(tmp_path):
    """They would wait for ever, and keep their leases on warm Spark."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\nfrom labkit.author.prove import Proof\n"
        "if __name__ == '__main__':\n"
        "    proof = Proof(1)\n"
        "    print(proof._pool.submit(os.getpid).result(), flush=True)\n"
        "    time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    worker = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs([worker], timeout=120)
    assert not worker.is_running()

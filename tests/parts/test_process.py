"""Functions in a part's own Python: what goes there and comes back, and how it is ended."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest
from part_processes import INSIDE, PATIENCE, interrupt_after, leaves, sleeps, wait_until_gone
from sandboxes import python as in_sandbox

from labkit.checks.parts import part_of, run, server
from labkit.grading.grade import Grader
from labkit.grading.grading_spark import WarmSpark
from labkit.home import LabError
from labkit.judge.answer import Learner
from labkit.judge.runner import judge
from labkit.parts.known import AIRFLOW
from labkit.verdict.errors import AnswerError

RATE = 2


pytestmark = pytest.mark.usefixtures("part")


def double(numbers):
    return [RATE * number for number in numbers]


def doubled_twice(numbers: "pyspark.sql.DataFrame"):  # noqa: F821 - no annotation is evaluated
    return double(double(numbers))


def where():
    return [sys.executable, os.getcwd(), os.environ["HOME"]]


def fails():
    return double([1]) + {}["missing"]


def stub():
    raise NotImplementedError("double the numbers")


def prints(text):
    print(text)
    os.system(f"echo {text} from a child")


def begins():
    global begun  # what a process keeps between calls
    begun = 1


def counts():
    global begun
    begun += 1
    return begun


def test_a_function_brings_what_it_uses_and_runs_in_the_parts_python(part, place):
    assert run(part, doubled_twice, [1, 2]) == [4, 8]
    executable, folder, house = run(part, where)
    assert executable == str(place / "bin" / "python")
    assert folder == house
    assert not Path(folder).exists()


def test_a_process_serves_several_calls(part):
    with server(part, begins, counts, double) as served:
        served.call("begins")
        assert [served.call("counts"), served.call("counts")] == [2, 3]
        assert served.call("double", numbers=[3]) == [6]


def test_functions_see_each_other_and_not_each_others_constants(part):
    other: dict = {}
    source = (
        "RATE = 100\ndef hundredfold(numbers):\n    return [RATE * n for n in double(numbers)]\n"
    )
    import linecache

    linecache.cache["<cell>"] = (len(source), None, source.splitlines(True), "<cell>")
    exec(compile(source, "<cell>", "exec"), other)
    with server(part, other["hundredfold"], double) as served:
        assert served.call("hundredfold", [1]) == [200]
    other["double"] = double  # as if imported, from a module that the part does not have
    with server(part, other["hundredfold"], double) as served:
        assert served.call("hundredfold", [1]) == [200]


def test_a_task_that_comes_later_in_the_notebook_is_left_out(part):
    learner = Learner({"double": double})
    with part_of(learner, part, tasks=["double", "later"]) as served:
        assert served.call("double", [1]) == [2]


def test_files_lie_where_functions_run(part):
    def reads(path):
        return open(path).read()

    with server(part, reads) as served:
        served.write({"dags/orders.py": "x = 1"})
        assert served.call("reads", "dags/orders.py") == "x = 1"
        for path in ("/etc/x", "../x", ""):
            with pytest.raises(ValueError, match="no path in the folder"):
                served.write({path: ""})


def test_an_error_has_the_frames_of_the_function_alone(part):
    with server(part, fails, stub) as served, pytest.raises(AnswerError) as caught:
        served.call("fails")
    assert (caught.value.outcome, caught.value.reason) == ("error", "KeyError: 'missing'")
    line = fails.__code__.co_firstlineno + 1
    assert caught.value.trace == (
        f'test_process.py, line {line}, in fails\n    return double([1]) + {{}}["missing"]'
    )


def test_what_is_no_function_of_python_is_named(part):
    with pytest.raises(TypeError, match="`len` is not defined, or no function"):
        run(part, len, [1])
    with (
        part_of(Learner({}), part, tasks=["double"]) as served,
        pytest.raises(AnswerError, match="`double` is not defined"),
    ):
        served.call("double", [1])


def test_a_stub_is_todo(part):
    with server(part, stub) as served, pytest.raises(AnswerError, match="`stub` is not written"):
        served.call("stub")


def test_what_a_call_printed_is_kept_and_no_answer(part):
    with server(part, prints) as served:
        assert served.call("prints", "one") is None
        assert served.output == "one\none from a child\n"
        served.call("prints", "two" * 10_000)
        assert len(served.output) == 4_000
        served.call("prints", "three")
        assert served.output == "three\nthree from a child\n"


def test_a_process_that_ends_is_told_and_replaced(part):
    with server(part, leaves, double) as served:
        with pytest.raises(
            AnswerError, match=r"ended the Python of Airflow \(exit code 7\).*\n.*way"
        ):
            served.call("leaves")
        assert served.call("double", [1]) == [2]


def test_a_value_that_is_no_json_is_the_functions_error(part):
    def opaque():
        return object()

    with server(part, opaque) as served, pytest.raises(AnswerError, match="not JSON serializable"):
        served.call("opaque")


def test_an_answer_of_a_gigabyte_is_refused(part):
    def large():
        return "x" * 20_000_000

    with server(part, large) as served, pytest.raises(AnswerError, match="more than 8,000,000"):
        served.call("large")


def test_a_module_that_the_part_lacks_is_named_at_each_call(part):
    def uses():
        return psutil.cpu_count()

    with server(part, uses) as served:
        for _ in range(2):
            with pytest.raises(AnswerError, match="No module named 'psutil'"):
                served.call("uses")


def test_time_ends_a_call_with_what_it_started(part):
    with server(part, sleeps, double) as served:
        served.call("double", [1])
        with pytest.raises(AnswerError, match="`sleeps` took longer than 2 s in Airflow") as caught:
            served.call("sleeps", seconds=2)
        assert caught.value.outcome == "timeout"
        wait_until_gone(int((served.folder / "pid").read_text()))
        assert served.call("double", [1]) == [2]


def test_an_interrupt_ends_a_call_and_the_next_one_gets_its_own_answer(part):
    with server(part, sleeps, double) as served:
        served.call("double", [1])
        with pytest.raises(KeyboardInterrupt), interrupt_after(1):
            served.call("sleeps")
        wait_until_gone(int((served.folder / "pid").read_text()))
        assert served.call("double", [2]) == [4]


def test_a_process_ends_with_whoever_asked(part, tmp_path):
    program = (
        "from labkit.parts.served import Served\n"
        "from labkit.parts.known import AIRFLOW\n"
        "from labkit.parts.source_text import described\n"
        "import test_process as t\n"
        "served = Served(AIRFLOW, described([t.sleeps], told=True))\n"
        "print(served.folder, flush=True)\n"
        "served.call('sleeps')\n"
    )
    asker = psutil.Popen(
        [sys.executable, "-c", program], stdout=-1, text=True,
        env={**os.environ, "PYTHONPATH": f"{Path(__file__).parent}:{Path(__file__).parents[1]}"},
    )  # fmt: skip
    folder = Path(asker.stdout.readline().strip())
    deadline = time.monotonic() + PATIENCE
    while not (folder / "pid").is_file() or not (folder / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)  # between two looks for the file
    child = int((folder / "pid").read_text())  # the folder goes with the process
    asker.kill()
    asker.communicate()
    wait_until_gone(child)


def test_a_part_that_is_missing_is_said(part, monkeypatch, tmp_path):
    monkeypatch.setenv(AIRFLOW.variable, str(tmp_path))
    with pytest.raises(LabError, match="Airflow is not installed; ./lab parts install airflow"):
        run(part, double, [1])


# ---------------------------------------------------------------- in the sandbox


def test_in_the_sandbox_a_part_is_read_and_nothing_else(place, tmp_path):
    (tmp_path / "secret").write_text("")
    code = INSIDE.replace("{secret!r}", repr(str(tmp_path / "secret")))
    found = in_sandbox(code, read=[place])
    assert found["code"] == 0, found["err"]
    folder, seen, reached = eval(found["out"])
    assert "/submissions/one/airflow-" in folder
    assert (seen, reached) == (False, False)


# ---------------------------------------------------------------- from checks


CHECKS = '''
import pytest

from labkit.checks import check
from labkit.checks.parts import part_of

HINTS = {"double": ["Twice."], "store": ["Once."]}
OFFSET = 5


def ask(numbers):
    print("asked")
    return [OFFSET + number for number in double(numbers)]


@pytest.fixture(scope="module")
def airflow(learner):
    with part_of(learner, "airflow", ask, tasks=["double"]) as airflow:
        yield airflow


@check("double")
def test_doubles(airflow):
    """doubles"""
    assert airflow.call("ask", [1, 2]) == [7, 9], "it did not double"
    assert airflow.output == "asked\\n"


@check("double")
def test_refuses_none(airflow):
    """refuses None"""
    airflow.call("double", None)


@check("store")
def test_needs_nothing(learner):
    """needs nothing"""
'''
ANSWER = """# %%
import labkit
lab = labkit.open("toy")

# %%
FACTOR = 2

# %%
def times(number):
    return FACTOR * number

# %%
def double(numbers):
    return [times(number) for number in numbers]

# %%
def store():
    pass
"""


@pytest.fixture
def lab(toy):
    toy.checks.write_text(CHECKS)
    return toy


@pytest.mark.parametrize("way", ["notebook", "shell"])
def test_a_check_runs_the_learners_function_in_a_part(lab, spark, tmp_path, monkeypatch, way):
    if way == "notebook":
        path = tmp_path / "cells.py"
        path.write_text(ANSWER.replace('lab = labkit.open("toy")', ""))
        names: dict = {}
        exec(compile(path.read_text(), str(path), "exec"), names)
        results = judge(lab.root, Learner(names, lab.tasks), spark, [lab.checks])
    else:
        monkeypatch.setitem(lab.about, "needs", ["airflow"])
        path = tmp_path / "answer.py"
        path.write_text(ANSWER)
        with WarmSpark(lambda: spark) as warm:
            results = Grader(warm).grade(lab, path).checks
    found = {result.id: result for result in results}
    assert [result.outcome for result in results] == ["passed", "error", "passed"], results
    assert "TypeError: 'NoneType' object is not iterable" in found["test_refuses_none"].reason
    place, _, rest = found["test_refuses_none"].trace.partition(", line ")
    assert place == ("cells.py" if way == "notebook" else "Cell In[4]")
    assert rest.endswith("in double\n    return [times(number) for number in numbers]")


def test_without_the_part_its_checks_are_skipped_and_say_so(lab, spark, monkeypatch, tmp_path):
    monkeypatch.setenv(AIRFLOW.variable, str(tmp_path))
    results = judge(lab.root, Learner({"double": double, "store": double}), spark, [lab.checks])
    assert [result.outcome for result in results] == ["skipped", "skipped", "passed"]
    assert results[0].reason == "Airflow is not installed; ./lab parts install airflow"


def test_what_a_learners_process_sends_back_is_read_with_care(part):
    class Liar:
        def __getattr__(self, name):
            return lambda *args: "[" * 100_000 if name == "call_part" else 1

    with part_of(Liar(), part, double) as liar, pytest.raises(AnswerError, match="can't be read"):
        liar.call("double", [1])

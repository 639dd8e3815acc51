"""`lab` in a notebook: checks as they are on disk, hints in order, the answer to who may see it."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

import labkit
from labkit.author.known_answers import Variant, namespace
from labkit.home import LabError
from labkit.learner import live, progress
from labkit.learner.lab_session import LabSession
from labkit.learner.notebook import CheckFailedError, GradedSession, StrictSession
from labkit.learner.output import Checked
from labkit.parts import spares
from labkit.spark.lease import offer, withdraw
from labkit.verdict.outcome import CheckResult

WRONG = 'def double(numbers):\n    return numbers.select("n", (F.col("n") + 2).alias("twice"))\n'
STUB = 'def double(numbers):\n    raise NotImplementedError("double")\n'
NEW_CHECK = '''

@check("double")
def test_new_rule(learner):
    """obeys a rule that came later"""
    raise AssertionError("the new rule is not obeyed")
'''


@pytest.fixture
def names(toy, spark):
    """The namespace of a notebook in which every task is solved."""
    return namespace(toy, Variant("solution", "solution", toy.solution), spark)


@pytest.fixture
def lab(toy, names) -> LabSession:
    return LabSession(toy, names)


def outcomes(checked) -> dict[str, str]:
    return {result.id: result.outcome for result in checked.results}


def test_right_answers_pass_and_the_next_step_is_told(lab, toy):
    checked = lab.check()
    assert checked.passed
    assert "2 of 2 checks passed" in repr(checked)
    assert "All tasks passed, and this was the last lab." in checked._repr_html_()
    assert progress.passed(progress.task(toy, "store"))


@pytest.mark.parametrize(("session", "wanted"), [(LabSession, True), (StrictSession, False)])
def test_for_a_learner_processes_are_started_ahead(toy, names, monkeypatch, session, wanted):
    seen = []
    monkeypatch.setattr(session, "_keep", lambda *args: seen.append(spares._wanted))
    session(toy, names).check()
    assert seen == [wanted]
    assert not spares._wanted


def test_passed_task_points_to_the_next_one(lab):
    assert repr(lab.check("double")).endswith('Next: write `store`, then `lab.check("store")`.')


def test_edited_checks_are_seen_by_the_next_check(lab, toy):
    assert outcomes(lab.check("double")) == {"test_doubles": "passed"}
    toy.checks.write_text(toy.checks.read_text() + NEW_CHECK)
    assert outcomes(lab.check("double")) == {"test_doubles": "passed", "test_new_rule": "failed"}


def test_checks_that_cannot_be_loaded_are_broken_and_no_pass(lab, toy):
    toy.checks.write_text("def f(:\n")
    checked = lab.check()
    assert [result.outcome for result in checked.results] == ["broken"]
    assert not checked.passed
    assert "All tasks passed" not in repr(checked)


def test_redefined_function_is_what_the_next_check_judges(lab, names):
    exec(WRONG, names)
    checked = lab.check("double")
    assert outcomes(checked) == {"test_doubles": "failed"}
    assert 'hint: `lab.hint("double")` (1 of 2)' in repr(checked)
    html = checked._repr_html_()
    assert "<td>twice</td><td>3</td><td>2</td>" in html
    assert "<code>lab.hint(" in html


def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_during_the_first_check_says_that_nothing_is_judged(lab, names, capsys):
    names["double"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        lab.check("double")
    out, err = capsys.readouterr()
    assert err == "The check was interrupted: 0 of 1 checks judged.\n"
    assert "passed" not in out


def test_ctrl_c_keeps_what_is_known(lab, names, toy, capsys):
    toy.checks.write_text(toy.checks.read_text() + NEW_CHECK)
    names["store"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        lab.check()
    said = capsys.readouterr().err
    assert said.startswith("double: 1 of 2 checks judged\n  ✓ doubles every number")
    assert said.endswith("The check was interrupted: 1 of 3 checks judged.\n")
    assert progress.task(toy, "double") == {}, "a check of this task is not judged"


def test_ctrl_c_keeps_the_progress_of_tasks_that_are_judged(lab, names, toy):
    names["store"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        lab.check()
    assert progress.passed(progress.task(toy, "double"))
    assert progress.task(toy, "store") == {}


@pytest.fixture
def page(monkeypatch):
    """What a notebook's page gets: this process is its kernel for the length of a test."""
    monkeypatch.setattr(live, "SECONDS_BETWEEN", 0.0)
    shell = InteractiveShell.instance(display_pub_class=CapturingDisplayPublisher)
    shell.kernel = "a kernel"
    yield shell.display_pub.outputs
    InteractiveShell.clear_instance()


def shown(output) -> str:
    return output["data"]["text/html"]


def test_page_shows_each_verdict_as_it_is_known_in_one_place(lab, page):
    checked = lab.check()
    first, *later = page
    assert "…</span>doubles every number" in shown(first)
    assert "0 of 1 checks judged" in shown(first)
    assert [output.get("update") for output in later] == [True, True, True]
    assert {output["transient"]["display_id"] for output in page} == {
        first["transient"]["display_id"]
    }
    assert "1 of 1 checks passed" in shown(later[0])
    assert "1 of 2 checks judged" in shown(later[0])
    assert "All tasks passed" in shown(later[-1])
    assert shown(later[-1]) == Checked(checked.results, checked.seconds, checked.foot)._repr_html_()


def test_cell_shows_its_verdict_once_and_another_cell_shows_it_again(lab, page):
    checked = lab.check("double")
    before = len(page)
    display(checked)
    assert len(page) == before
    InteractiveShell.instance().execution_count += 1
    display(checked)
    assert len(page) == before + 1
    assert shown(page[-1]) == shown(page[before - 1])


def test_page_keeps_what_was_known_at_ctrl_c(lab, names, page, capsys):
    names["store"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        lab.check()
    assert "The check was interrupted: 1 of 2 checks judged." in shown(page[-1])
    assert "1 of 1 checks passed" in shown(page[-1])
    assert capsys.readouterr().err == ""


def test_interrupted_cell_ends_without_our_trace(lab, names, page, capsys):
    shell = InteractiveShell.instance()
    shell.user_ns["lab"], names["double"] = lab, interrupt
    done = shell.run_cell('lab.check("double")\n')
    assert isinstance(done.error_in_exec, KeyboardInterrupt)
    assert capsys.readouterr().out == "KeyboardInterrupt\n"


def test_ctrl_c_while_spark_works_ends_the_job_too(lab, names, spark, capsys):
    tracker = spark.sparkContext.statusTracker()

    def interrupt_once_busy():
        while not tracker.getJobIdsForGroup("mine"):  # others use this JVM as well
            pass
        os.kill(os.getpid(), signal.SIGINT)

    def endless(numbers):
        spark.sparkContext.setJobGroup("mine", "")
        threading.Thread(target=interrupt_once_busy, daemon=True).start()
        return spark.range(10**13).selectExpr("sum(id * id % 7)").collect()

    names["double"] = endless
    with pytest.raises(KeyboardInterrupt):
        lab.check("double")
    assert "0 of 1 checks judged" in capsys.readouterr().err
    wait_until(lambda: not tracker.getActiveJobsIds())
    assert spark.range(3).count() == 3


def test_stopped_spark_is_replaced_and_said(toy, spark):
    notebook = """
import labkit
lab = labkit.open("toy")
spark = lab.spark
def double(numbers):
    return numbers.selectExpr("n", "n * 2 AS twice")
spark.stop()
print(lab.check("double").passed, lab.spark is not spark, lab.spark.range(2).count())
"""
    offered = offer(spark)  # the session to stop is another process's
    environment = {**os.environ, "LAB_ROOT": str(toy.root), **offered.environment}
    try:
        done = subprocess.run(
            [sys.executable, "-c", notebook],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        withdraw(spark, offered)
    assert done.stdout == "True True 2\n"
    assert "was stopped; this is a new one" in done.stderr
    assert spark.range(2).count() == 2


def test_hints_come_in_order_and_the_last_tells_the_way_out(lab):
    assert repr(lab.hint("double")) == "Hint 1 of 2 for `double`: Twice two is four."
    last = repr(lab.hint("double"))
    assert last.startswith("Hint 2 of 2 for `double`: Multiply.")
    assert 'lab.solution("double", give_up=True)' in last
    assert repr(lab.hint("double")) == last
    assert "`lab.hint" not in repr(lab.check("double"))


def test_hint_without_a_name_is_of_the_first_open_task(lab):
    lab.check("double")
    assert "for `store`" in repr(lab.hint())


def test_solution_comes_after_passing_or_giving_up(lab, toy):
    assert "is not passed yet" in repr(lab.solution("double"))
    assert progress.task(toy, "double") == {}
    lab.check("double")
    assert "return numbers.select" in repr(lab.solution("double"))
    assert "gave_up" not in progress.task(toy, "double")
    assert "saveAsTable" in repr(lab.solution("store", give_up=True))
    assert progress.task(toy, "store")["gave_up"] is True


def test_unknown_task_is_one_line_in_a_notebook(lab):
    for call in (lab.check, lab.hint, lab.solution):
        with pytest.raises(LabError, match="no task `doubel`") as caught:
            call("doubel")
        assert caught.value._render_traceback_() == [f"lab: {caught.value}"]


def test_next_follows_what_is_passed(lab):
    assert "write `double`" in repr(lab.next())
    lab.check()
    assert "the last lab" in repr(lab.next())


def test_task_passed_in_a_terminal_is_passed_in_the_notebook(lab, toy):
    progress.record(toy, [CheckResult("test_doubles", "double", "passed", "doubles", 2)])
    assert "write `store`" in repr(lab.next())
    assert "return numbers.select" in repr(lab.solution("double"))


def test_progress_is_read_once_to_find_the_next_task(lab, monkeypatch):
    read = []
    load = progress.load
    monkeypatch.setattr(progress, "load", lambda root: read.append(root) or load(root))
    lab.next()
    assert len(read) == 1


def test_written_tells_stubs_from_answers(lab, names):
    assert lab.written("double", "store")
    exec(STUB, names)
    assert not lab.written("double", "store")
    assert not lab.written("no_such_function")


def test_stub_is_to_do_before_anything_is_set_up_for_it(lab, names, toy):
    toy.checks.write_text(
        toy.checks.read_text()
        + NEW_CHECK.replace("(learner)", "(learner, costly)")
        + "\n\n@pytest.fixture\ndef costly():\n    raise OSError('tables were made')\n"
    )
    toy.checks.write_text("import pytest\n" + toy.checks.read_text())
    exec(STUB, names)
    checked = lab.check("double")
    assert outcomes(checked) == {"test_doubles": "todo", "test_new_rule": "todo"}
    assert "`double` is not written yet" in repr(checked)
    exec(
        "def double(numbers):\n    if numbers:\n        raise NotImplementedError\n    return numbers\n",
        names,
    )
    assert outcomes(lab.check("double")) == {"test_doubles": "todo", "test_new_rule": "broken"}


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, LabSession),
        ({"LAB_GRADED": "1"}, GradedSession),
        ({"LAB_STRICT": "1"}, StrictSession),
        ({"LAB_GRADED": "1", "LAB_STRICT": "1"}, GradedSession),
    ],
)
def test_where_a_notebook_runs_is_known_when_it_opens_a_lab(toy, monkeypatch, environment, kind):
    for name, value in {"LAB_ROOT": str(toy.root), **environment}.items():
        monkeypatch.setenv(name, value)
    assert type(labkit.open("toy")) is kind


def test_graded_run_leaves_checks_hints_and_progress_alone(toy, names, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_SCRATCH", str(tmp_path))
    lab = GradedSession(toy, names)
    said = (lab.check(), lab.hint(), lab.solution(give_up=True), lab.next())
    assert said == (None, None, None, None)
    assert lab.data("numbers").is_relative_to(tmp_path)
    assert not progress.path(toy.root).exists()


def test_strict_run_fails_on_a_wrong_answer_and_keeps_no_progress(names, toy):
    lab = StrictSession(toy, names)
    assert repr(lab.check("double")).endswith('Next: write `store`, then `lab.check("store")`.')
    lab.check("store")
    assert "All tasks passed" in repr(lab.next())
    exec(WRONG, names)
    with pytest.raises(CheckFailedError, match="row differs"):
        lab.check("double")
    assert not progress.path(toy.root).exists()


def test_data_is_generated_once(lab, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    first = lab.data("numbers")
    assert [path.name for path in first.iterdir()] == ["numbers.jsonl"]
    assert lab.data("numbers") == first
    with pytest.raises(LabError, match="no dataset `nothing`; there are: numbers"):
        lab.data("nothing")


def wait_until(holds) -> None:
    import time

    deadline = time.monotonic() + 180
    while not holds():
        assert time.monotonic() < deadline, "a job of an interrupted check still runs"
        time.sleep(0.05)  # between two looks at Spark's jobs

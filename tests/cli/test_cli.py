"""The `lab` command as a learner meets it: exit codes, and messages that say what to do."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from labkit import home
from labkit.cli.main import app, main
from labkit.course.labs import Lab
from labkit.grading.grading_spark import WarmSpark
from labkit.spark.lease import offer, withdraw

HERE = Path(__file__).parents[1]
PATIENCE = 120
OPEN = 'import labkit\nlab = labkit.open("toy")\nspark = lab.spark\nfrom pyspark.sql import functions as F\n'
DOUBLE = 'def double(numbers):\n    return numbers.select("n", (F.col("n") * 2).alias("twice"))\n'
STORE = "def store(spark, table, numbers):\n    double(numbers).write.format('delta').saveAsTable(table)\n"
RIGHT = (OPEN, DOUBLE, STORE)
PROGRAM = [sys.executable, "-c", "from labkit.cli.main import main; main()"]


@pytest.fixture
def lab(course, monkeypatch, capfd):
    """`lab(*words)`: runs the command on the toy course; exit code and what it said."""
    monkeypatch.setenv("LAB_ROOT", str(course))

    def run(*words) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["lab", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        out, err = capfd.readouterr()
        return code, out + err

    return run


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "lab: No space left on device"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "a/b"), "lab: a/b: Is a directory"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a/b"), "this is a bug in labkit"),
    ],
)
def test_what_the_machine_refuses_is_no_bug_of_labkit(lab, monkeypatch, error, says):
    def refused():
        raise error

    monkeypatch.setattr("labkit.cli.main.app", refused)
    code, said = lab("list")
    assert code == 3
    assert says in said
    assert ("Traceback" in said) == ("this is a bug" in said) == ("bug" in says), said


@pytest.fixture
def write(toy):
    """`write(*cells)`: the learner's own copy, with these cells."""

    def save(*cells: str) -> None:
        code = [
            {"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells
        ]
        toy.work.parent.mkdir(parents=True, exist_ok=True)
        toy.work.write_text(
            json.dumps({"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        )

    return save


@pytest.fixture
def program(course, spark):
    """`program(*words)`: the command as a process of its own, with a gateway into this JVM."""
    started: list[subprocess.Popen] = []
    offers: list = []

    def start(*words, **environment) -> subprocess.Popen:
        offered = offer(spark)
        offers.append(offered)
        process = subprocess.Popen(
            [*PROGRAM, *map(str, words)],
            env={**os.environ, "LAB_ROOT": str(course), **offered.environment, **environment},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
    for offered in offers:
        withdraw(spark, offered)


@pytest.mark.parametrize("words", [["--help"], ["list"], ["build", "toy"], ["hint", "toy"], []])
def test_quick_commands_import_no_spark(course, words):
    code = (
        "import sys\nfrom labkit.cli.main import main\n"
        f"sys.argv = ['lab', *{words!r}]\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code\n"
        "heavy = [name for name in ('pyspark', 'pytest', 'delta') if name in sys.modules]\n"
        "print('heavy:', heavy)"
    )
    environment = {**os.environ, "LAB_ROOT": str(course)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_help_names_every_command_once():
    said = CliRunner().invoke(app, ["--help"]).output
    for name in (
        "list",
        "start",
        "check",
        "watch",
        "hint",
        "solution",
        "reset",
        "progress",
        "doctor",
    ):
        assert f" {name} " in said


def test_alone_it_says_where_you_are_and_what_is_next(lab):
    code, said = lab()
    assert code == 0
    assert "Double and sum" in said
    assert "○○ 0 of 2" in said
    assert "Next: double in toy · ./lab start toy" in said


def test_after_a_wrong_answer_it_says_what_was_lacking(lab, write, spark):
    write(*RIGHT, "def double(numbers): return numbers")
    lab("check", "toy")
    said = lab()[1]
    assert "●● 0 of 2" in said
    assert "Its last answer did not pass:\n  ✗ doubles every number\n" in said
    assert "./lab hint toy double" in said


def test_unknown_lab_suggests_the_nearest(lab):
    assert lab("start", "toyy") == (2, "lab: there is no lab `toyy`. Did you mean `toy`?\n")
    assert "`lab list` shows them all" in lab("check", "zzz")[1]


def test_unknown_task_suggests_the_nearest(lab):
    for words in (
        ["check", "toy", "--task", "doubel"],
        ["hint", "toy", "doubel"],
        ["solution", "toy", "doubel"],
    ):
        code, said = lab(*words)
        assert code == 2
        assert "has no task `doubel` (did you mean `double`?); its tasks: double, store" in said


def test_check_before_start_says_so(lab):
    code, said = lab("check", "toy")
    assert (code, said) == (2, "lab: you have not started toy; `lab start toy` makes your copy\n")
    assert lab("watch", "toy")[0] == 2


def test_renamed_copy_is_named(lab, toy):
    toy.work.parent.mkdir(parents=True)
    toy.work.with_name("mine.ipynb").write_bytes(toy.starter.read_bytes())
    code, said = lab("check", "toy")
    assert code == 2
    assert "isn't there; the folder has mine.ipynb: say which with --submission" in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{not json", "lab.ipynb is not JSON, so not a notebook"),
        ("[]", "is JSON, but not a notebook"),
        ("", "lab.ipynb is empty"),
    ],
)
def test_unreadable_notebook_is_told_and_left_as_it_is(lab, toy, monkeypatch, text, says):
    monkeypatch.setattr("labkit.spark.session.current", no_spark)
    toy.work.parent.mkdir(parents=True)
    toy.work.write_text(text)
    code, said = lab("check", "toy")
    assert code == 2
    assert says in said
    assert toy.work.read_text() == text


def test_notebook_of_another_lab_is_named(lab, write, monkeypatch):
    monkeypatch.setattr("labkit.spark.session.current", no_spark)
    write('import labkit\nlab = labkit.open("cdc_merge")')
    code, said = lab("check", "toy")
    assert code == 2
    assert "lab.ipynb is of lab `cdc_merge` (its labkit.open says so), not of `toy`" in said


def test_submission_that_names_no_lab_is_asked_for_one(lab, tmp_path):
    path = tmp_path / "answer.py"
    path.write_text("x = 1\n")
    code, said = lab("check", "--submission", path, "--no-sandbox")
    assert code == 2
    assert "names no lab (labkit.open); say which: `lab check SLUG`" in said
    assert "say which lab" in lab("check")[1]


def test_right_answer_is_worth_exit_code_0_and_valid_json(lab, write, tmp_path, spark):
    out = tmp_path / "deep" / "result.json"
    write(*RIGHT)
    code, said = lab("check", "toy", "--seed", "5", "--json", out)
    assert code == 0
    assert "total: 2 of 2 checks passed · 3 of 3 points" in said
    schema = json.loads((HERE.parent / "docs" / "result.schema.json").read_text())
    found = json.loads(out.read_text())
    jsonschema.validate(found, schema)
    assert (found["seed"], found["score"]) == (5, 3.0)


def test_a_scale_is_told_by_the_verdict_and_by_its_json(lab, write, tmp_path, spark):
    out = tmp_path / "result.json"
    write(*RIGHT)
    code, said = lab("check", "toy", "--scale", "3", "--json", out)
    assert (code, said.splitlines()[-1]) == (0, "scale 3")
    found = json.loads(out.read_text())
    jsonschema.validate(
        found, json.loads((HERE.parent / "docs" / "result.schema.json").read_text())
    )
    assert found["scale"] == 3
    assert lab("check", "toy", "--scale", "0")[0] == 2


def test_report_that_cannot_be_written_costs_no_verdict(lab, write, tmp_path, spark):
    write(*RIGHT)
    (tmp_path / "file").write_text("")
    code, said = lab("check", "toy", "--json", tmp_path / "file" / "report.json")
    assert code == 2
    assert "3 of 3" in said
    assert "can't be written" in said


def test_link_in_place_of_a_submission_is_refused(lab, toy, tmp_path):
    (tmp_path / "lab.ipynb").symlink_to(toy.solved)
    code, said = lab("check", "--no-sandbox", "--submission", tmp_path / "lab.ipynb")
    assert code == 2
    assert "symbolic link" in said or "leads out" in said


def test_messages_drive_no_terminal(lab, tmp_path):
    text = {
        "cells": [],
        "metadata": {"kernelspec": {"language": "\x1b]52;c;eA==\x07"}},
        "nbformat": 4,
    }
    (tmp_path / "lab.ipynb").write_text(json.dumps(text))
    code, said = lab("check", "--no-sandbox", "--submission", tmp_path / "lab.ipynb")
    assert code == 2
    assert "notebook in" in said
    assert "\x1b]52" not in said


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("del double", "`double` is not defined (renamed or deleted?)"),
        ("def double(a, b): return a", "`double(a, b)` can't be called as the task says, with 1 argument"),
        ("def double(numbers): numbers.show()", "returned None, expected a DataFrame; is a `return` missing?"),
        ("def double(numbers): return 'a'", "returned str, expected a DataFrame"),
        ("def double(numbers): return numbers.rdd", "returned RDD, expected a DataFrame"),
        ("def double(numbers): return numbers.select(F.col('n').alias('m'), F.lit(1).alias('twice'))",
         "columns are m, twice; expected n, twice; missing: n; not asked for: m"),
        ("def double(numbers): return numbers.selectExpr('n', 'string(n * 2) AS twice')",
         "column types: twice is string, expected bigint"),
        ("def double(numbers): return numbers.selectExpr('n * 2 AS twice', 'n')", "the order differs"),
        ("def double(numbers):\n    return half(numbers)", "line 2, in double"),
        ("def double(numbers):\n    return numbers.select('m')", "`m` cannot be resolved. Did you mean"),
    ],
)  # fmt: skip
def test_wrong_answer_is_told_by_its_reason(lab, write, spark, answer, says):
    write(*RIGHT, answer)
    code, said = lab("check", "toy", "--task", "double")
    assert code == 1
    assert says in said
    assert "SQLSTATE" not in said
    assert "labkit_" not in said, "no name of ours in what a learner reads"


def test_cell_that_raises_is_named_and_spark_may_be_stopped(lab, write, spark):
    write(OPEN, "x = 1\n1 / 0", DOUBLE, STORE, "spark.stop()")
    code, said = lab("check", "toy")
    assert code == 0
    assert "lab.ipynb, cell 2, line 2: ZeroDivisionError: division by zero" in said


def test_broken_check_is_exit_code_3_and_costs_no_progress(lab, toy, spark):
    from labkit.learner import progress
    from labkit.learner.workspace import copy_starter
    from labkit.verdict.outcome import CheckResult

    progress.record(toy, (CheckResult("t", "double", "passed", "doubles", 2),))
    copy_starter(toy)
    toy.checks.write_text(
        toy.checks.read_text()
        + '\n\n@check("double")\ndef test_x(learner):\n    """x"""\n    oops\n'
    )
    code, said = lab("check", "toy", "--task", "double")
    assert code == 3
    assert "[check broken]" in said
    assert progress.passed(progress.task(toy, "double"))


def test_starter_is_to_do_and_a_hint_is_offered(lab, toy, spark):
    from labkit.learner.workspace import copy_starter

    copy_starter(toy)
    code, said = lab("check", "toy")
    assert code == 1
    assert "`double` is not written yet" in said
    assert "hint: ./lab hint toy double (1 of 2)" in said


def test_hints_come_in_order_and_the_last_one_stays(lab):
    assert lab("hint", "toy") == (0, "Hint 1 of 2 for `double`: Twice two is four.\n")
    for _ in range(2):
        code, said = lab("hint", "toy", "double")
        assert said.startswith("Hint 2 of 2 for `double`: Multiply.")
        assert "./lab solution toy double --give-up" in said
    assert "2" in lab("progress")[1]


def test_solution_is_shown_to_who_passed_or_gave_up(lab):
    code, said = lab("solution", "toy", "double")
    assert code == 2
    assert "not passed yet; --give-up shows the answer anyway" in said
    code, said = lab("solution", "toy", "double", "--give-up")
    assert code == 0
    assert said.startswith("def double(numbers: DataFrame)")
    assert "answer seen" in lab("progress")[1]


def test_solution_of_a_hand_out_sends_to_the_instructor(lab, toy):
    toy.solution.unlink()
    code, said = lab("solution", "toy", "--give-up")
    assert code == 2
    assert "handed out without solutions; ask your instructor" in said


def test_reset_keeps_what_was_written(lab, toy):
    lab("reset", "toy")
    toy.work.write_text("my work")
    code, said = lab("reset", "toy")
    assert code == 0
    (kept,) = toy.work.parent.glob("lab-*.ipynb")
    assert f"Your work is kept as work/00_toy/{kept.name}" in said
    assert kept.read_text() == "my work"
    assert toy.work.read_bytes() == toy.starter.read_bytes()


def test_progress_is_a_page_too(lab, tmp_path):
    out = tmp_path / "deep" / "progress.html"
    assert lab("progress", "--html", out)[0] == 0
    page = out.read_text()
    assert page.startswith("<!doctype html>")
    assert "0 of 2 tasks passed" in page
    assert lab("progress", "--html", tmp_path)[0] == 2


def test_outside_the_checkout_it_says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.delenv("LAB_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(home, "__file__", str(tmp_path / "a" / "b" / "c" / "home.py"))
    monkeypatch.setattr(home.sys, "prefix", str(tmp_path / "d" / ".venv"))
    with pytest.raises(home.LabError, match="not inside a checkout of Lakehouse Labs"):
        home.root()
    monkeypatch.setenv("LAB_ROOT", str(tmp_path))
    with pytest.raises(
        home.LabError,
        match=r"which is no course \(a folder with labs/ and the script lab\); unset it",
    ):
        home.root()


def test_read_only_home_uses_a_cache_in_the_checkout(course, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_ROOT", str(course))
    monkeypatch.delenv("LAB_CACHE", raising=False)
    (tmp_path / "home").write_text("a file, so that nothing can be made below it")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    assert home.cache_dir() == course / ".cache"


def test_read_only_work_folder_is_named(lab, course):
    (course / "work").write_text("a file, so that nothing can be made below it")
    code, said = lab("start", "toy", "--no-browser")
    assert code == 2
    assert "your copy" in said
    assert "can't be written" in said


def test_start_for_another_editor_makes_the_copy_and_names_the_kernel(lab, toy):
    code, said = lab("start", "toy", "--no-jupyter")
    assert code == 0
    assert toy.work.read_bytes() == toy.starter.read_bytes()
    assert str(toy.work) in said
    assert said.splitlines()[-1] == sys.executable


def test_ctrl_c_during_a_check_says_that_nothing_was_judged(program, write, tmp_path):
    running = tmp_path / "running"
    cell = f"import pathlib, threading\npathlib.Path({str(running)!r}).touch()\nthreading.Event().wait()"
    write(*RIGHT, cell)
    process = program("check", "toy")
    wait_for(running, process)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Interrupted; nothing was judged." in said
    assert "passed" not in said


def test_two_checks_at_once_both_get_their_verdict(program, toy):
    from labkit.learner import progress

    toy.work.parent.mkdir(parents=True)
    toy.work.write_bytes(toy.solved.read_bytes())
    both = [program("check", "toy", "--task", task) for task in ("double", "store")]
    for process in both:
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
    assert all(progress.passed(progress.task(toy, task)) for task in ("double", "store"))


def no_spark():
    raise AssertionError("a JVM for nothing")


def wait_for(path: Path, process: subprocess.Popen) -> None:
    import time

    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)  # between two looks for the file


def test_fault_of_labkit_is_no_wrong_answer(lab, monkeypatch):
    monkeypatch.setattr("labkit.learner.overview.labs_table", lambda labs: 1 / 0)
    code, said = lab("list")
    assert code == 3
    assert "ZeroDivisionError" in said
    assert "please report" in said


def test_new_lab_is_listed_at_once(lab):
    code, said = lab("new", "late_facts")
    assert code == 0
    assert "lab.ipynb" in said
    assert "late_facts" in lab("list")[1]


def test_lab_is_found_by_slug_folder_and_number(course):
    from labkit.course.labs import find_lab

    assert {find_lab(name, course) for name in ("toy", "00_toy", "0", "labs/00_toy")} == {
        Lab(0, "toy", course)
    }


@pytest.mark.parametrize("sandboxed", [True, False])
def test_who_grades_a_submission_bounds_its_own_memory(course, monkeypatch, sandboxed):
    from labkit.cli import grading

    bound = []
    monkeypatch.setattr(grading, "limit_own_memory", lambda: bound.append(True))
    made = WarmSpark(no_spark)
    monkeypatch.setattr("labkit.grading.jvm.GradingJvm", lambda *args, **options: made)
    with grading.grader(course, sandboxed=sandboxed):
        assert bound == [True] * sandboxed

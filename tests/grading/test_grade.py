"""Submissions run in a kernel of their own; the verdict is made here."""

import json

import pytest

from labkit.grading.grade import Grader, draw_seed
from labkit.grading.grading_spark import WarmSpark
from labkit.grading.submission import read_submission
from labkit.verdict.report_json import to_json

OPEN = 'import labkit\nlab = labkit.open("toy")\nspark = lab.spark\n'
IMPORTS = (
    "from pyspark.sql import DataFrame, SparkSession\nfrom pyspark.sql import functions as F\n"
)
DOUBLE = 'def double(numbers):\n    return numbers.select("n", (F.col("n") * 2).alias("twice"))\n'
STORE = "def store(spark, table, numbers):\n    double(numbers).write.format('delta').saveAsTable(table)\n"
RIGHT = [OPEN + IMPORTS, DOUBLE, STORE]


@pytest.fixture
def grader(spark):
    with WarmSpark(lambda: spark) as warm:
        yield Grader(warm)


@pytest.fixture
def graded(toy, grader, tmp_path):
    def run(cells, **options):
        path = tmp_path / "answer.py"
        path.write_text("".join(f"# %%\n{cell}\n" for cell in cells))
        return grader.grade(toy, path, **options)

    return run


def outcomes(report):
    return {check.id: check.outcome for check in report.checks}


def test_reference_notebook_has_full_marks(toy, grader):
    report = grader.grade(toy, toy.solved, hidden=True, seed=11)
    assert report.status == "graded"
    assert report.problems == ()
    assert (report.score, report.max_score) == (4.0, 4.0)
    assert report.exit_code == 0


def test_starter_is_todo_everywhere_and_scores_nothing(toy, grader):
    report = grader.grade(toy, toy.starter, hidden=True)
    assert set(outcomes(report).values()) == {"todo"}
    assert report.score == 0
    assert report.problems == ()


def test_cell_that_raises_is_told_and_the_rest_is_judged(graded):
    report = graded([RIGHT[0], "x = 1\n1 / 0", *RIGHT[1:]])
    (problem,) = report.problems
    assert str(problem) == "cell 2, line 2: ZeroDivisionError: division by zero"
    assert report.passed


def test_syntax_error_is_told_by_cell(graded):
    report = graded([*RIGHT, "x = 1\ndef f(:\n"])
    assert str(report.problems[0]) == "cell 4, line 2: SyntaxError: invalid syntax"


@pytest.mark.parametrize(
    ("answer", "outcome", "says"),
    [
        ("def double(numbers): return None", "failed", "returned None"),
        ("def double(numbers): return 'frame'", "failed", "returned str"),
        ("def double(numbers): return numbers.rdd", "failed", "returned RDD"),
        ("def double(numbers): return object()", "failed", "returned object"),
        ("def double(numbers): return numbers.toPandas()", "failed", "returned pandas DataFrame"),
        ("def double(a, b): return a", "failed", "can't be called"),
        ("def double(numbers): return numbers.missing", "error", "missing"),
        ("def double(numbers): raise NotImplementedError", "todo", "not written yet"),
        ("del double", "error", "renamed or deleted"),
        ("def double(numbers):\n    import sys\n    sys.exit(0)", "error", "SystemExit"),
    ],
)
def test_wrong_answer_has_its_outcome_across_processes(graded, answer, outcome, says):
    report = graded([*RIGHT, answer], tasks=["double"])
    (check,) = report.checks
    assert (check.outcome, check.points) == (outcome, 0)
    assert says in check.reason


def test_returned_value_that_nobody_reads_fails_nobody(graded):
    store = "write = store\ndef store(*given):\n    write(*given)\n    return object()\n"
    assert graded([*RIGHT, store]).passed


def test_error_has_the_trace_of_the_learners_cell(graded):
    report = graded([*RIGHT, "def double(numbers):\n    return half(numbers)"], tasks=["double"])
    assert report.checks[0].reason == "NameError: name 'half' is not defined"
    assert "return half(numbers)" in report.checks[0].trace
    assert "labkit" not in report.checks[0].trace


def test_kernel_that_leaves_is_a_crash_not_an_end(graded):
    report = graded(["import os\nos._exit(0)", *RIGHT])
    assert report.status == "crashed"
    assert report.exit_code == 1
    assert report.score == 0


def test_function_that_kills_its_kernel_costs_only_its_own_checks(graded):
    report = graded([*RIGHT, "def store(*args):\n    import os\n    os._exit(0)"])
    assert outcomes(report) == {"test_doubles": "passed", "test_table_holds_doubles": "error"}


def test_check_cells_do_nothing_in_a_graded_run(graded):
    assert graded([*RIGHT, 'assert lab.check("double") is None']).problems == ()


def test_stopping_spark_hurts_nobody_else(graded, spark):
    graded([*RIGHT, "spark.stop()"])
    assert spark.range(3).count() == 3


def test_unreadable_submission_is_a_status_and_starts_no_spark(toy, tmp_path):
    def never():
        raise AssertionError("a JVM for nothing")

    path = tmp_path / "a.ipynb"
    path.write_text("{")
    other = tmp_path / "b.py"
    other.write_text('import labkit\nlab = labkit.open("cdc_merge")\n')
    with WarmSpark(never) as warm:
        grader = Grader(warm)
        report = grader.grade(toy, path)
        assert (report.status, report.exit_code) == ("unreadable", 2)
        assert grader.grade(toy, other).status == "no_lab"
        assert grader.grade(toy, read_submission(other)).status == "no_lab"


def test_stages_are_told_as_they_begin(toy, spark, tmp_path):
    path = tmp_path / "answer.py"
    path.write_text(f"# %%\n{RIGHT[0]}\n")
    stages = []
    with WarmSpark(lambda: spark) as warm:
        Grader(warm, on_stage=stages.append).grade(toy, path, tasks=["double"])
    assert stages == [
        "starting Spark",
        "running answer.py and its checks",
        "checking answer.py: 0 of 1 checks judged",
        "checking answer.py: 1 of 1 checks judged",
    ]


def test_nothing_is_left_of_a_submission_but_its_report(graded, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    assert graded(RIGHT).passed
    assert list((tmp_path / "temporary").iterdir()) == []


def test_same_seed_gives_the_same_report_but_for_timing(graded):
    first, second = (graded(RIGHT, hidden=True, seed=23) for _ in range(2))
    assert first.seconds and second.seconds
    assert first.without_timing() == second.without_timing()


def test_a_scale_reaches_the_data_of_the_checks_and_the_report(toy, graded, tmp_path):
    checks = toy.hidden_checks.read_text().replace(
        "expected =", "assert numbers.count() == 15\n    expected ="
    )
    toy.hidden_checks.write_text(checks)
    report = graded(RIGHT, hidden=True, scale=3)
    assert report.passed
    assert json.loads(to_json(report))["scale"] == 3
    assert not graded(RIGHT, hidden=True).passed
    assert "scale" not in json.loads(to_json(graded(RIGHT, tasks=["double"])))


def test_hidden_runs_draw_a_seed_that_no_notebook_has():
    assert draw_seed(hidden=False) == 1
    assert draw_seed(hidden=True) >= 100_000

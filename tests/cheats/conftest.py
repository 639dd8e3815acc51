"""One judge process in the sandbox, and one without, for all attacks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.author.build import build
from labkit.course.labs import Lab
from labkit.sandbox import sandbox

HERE = Path(__file__).parent
COURSE = HERE.parent / "toy_course"
# Checks that an attack on the judge's own session or files would have to get past.
MORE_CHECKS = '''
import json

from labkit.checks import collect


@check("double")
def test_no_double_is_wrong(learner, spark, dataset):
    """has no double that is wrong, as a query tells"""
    numbers = spark.read.schema("n long").json(str(dataset("numbers")))
    wrong = spark.sql("SELECT * FROM {df} WHERE abs(twice - 2 * n) > 0", df=learner.double(numbers))
    found = collect(wrong)
    assert not found, f"{len(found)} are wrong"


@check("double")
def test_file_is_doubled(learner, spark, dataset):
    """doubles what is in the file"""
    folder = dataset("numbers")
    found = collect(learner.double(spark.read.schema("n long").json(str(folder))))
    inside = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().split("\\n")]
    numbers = [json.loads(line)["n"] for line in inside if line]
    assert sorted(row.twice for row in found) == sorted(2 * number for number in numbers)


@check("double")
def test_folder_stays_as_it_was(learner, frame, tmp_path):
    """doubles a number, and leaves the folder of the check as it was"""
    found = [row.twice for row in collect(learner.double(frame("n long", [(4,)])))]
    left = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert (found, left) == ([8], {}), f"the double of 4 is {found}, and the folder has {left}"
'''
# And on the log of a table. They take as long as all others together.
TABLE_CHECKS = '''
from labkit.checks import changes_since, make_table, run_tables, table_version


@check("double")
def test_table_is_made_at_once(learner, spark, frame, schema):
    """doubles, and may make the table that the frame names, in one commit without a write"""
    table = f"{schema}.doubles"
    numbers = frame("n long, into string", [(4, table)])
    doubled = []

    def call(names):
        doubled.extend(row.twice for row in collect(learner.double(numbers)))
        if not spark.catalog.tableExists(table):
            spark.sql(f"CREATE TABLE {table} (n long, twice long) USING delta")

    run = run_tables(spark, {"doubles": table}, call)
    made = run.changes["doubles"].operations, [row.twice for row in run.rows["doubles"]]
    assert doubled == [8] and made in [(("CREATE TABLE",), rows) for rows in ([], [8])], (
        f"the double of 4 is {doubled}, made by and with {made}"
    )


@check("double")
def test_table_is_left_alone(learner, spark, schema):
    """doubles what is in a table, and leaves the table alone"""
    table = f"{schema}.numbers"
    make_table(spark, table, "n long", [(4,)])
    before = table_version(spark, table)
    found = [row.twice for row in collect(learner.double(spark.table(table)))]
    made = changes_since(spark, table, before).operations
    assert (found, made) == ([8], ()), f"the double of 4 is {found}, and the log has {made}"
'''


class JudgeProcess:
    """Asks a judge in another process, which is started again when it is gone."""

    def __init__(self, mode: str, root: Path, folder: Path) -> None:
        self._command = [sys.executable, "-I", str(HERE / "judge_process.py"), mode, str(root)]
        self._folder, self._process = folder, None
        self.root = root

    def ask(self, text: str, **options) -> dict:
        if self._process is None or self._process.poll() is not None:
            # The checkout that jars are found by; the course is another.
            environment = {**os.environ, "LAB_ROOT": str(HERE.parents[1])}
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env=environment,
            )  # fmt: skip
        path = self._folder / "answer.py"
        path.write_text(text)
        options = {"lab": 0, "limits": {}, "hidden": True, "seed": 5, "tasks": ["double"]} | options
        self._process.stdin.write(json.dumps({"path": str(path), **options}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the judge died with {self._process.wait()}"
        return json.loads(line)

    def close(self) -> None:
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait(timeout=120)
            self._process.stdout.close()
            self._process = None


@pytest.fixture(scope="session")
def cheats_course(tmp_path_factory):
    """The toy course with further hidden checks; a second lab has those of tables, too."""
    root = tmp_path_factory.mktemp("cheats") / "course"
    shutil.copytree(COURSE, root, ignore=shutil.ignore_patterns("__pycache__"))
    first, second = Lab(0, "toy", root), Lab(1, "toy", root)
    for folder in ("labs", "solutions"):
        shutil.copytree(root / folder / first.name, root / folder / second.name)
    for lab, more in ((first, MORE_CHECKS), (second, MORE_CHECKS + TABLE_CHECKS)):
        lab.hidden_checks.write_text(lab.hidden_checks.read_text() + more)
        build(lab)
    return root


@pytest.fixture(scope="session")
def sandboxed(cheats_course, tmp_path_factory):
    """A judge in the sandbox. Linux alone has one; where it forbids it, the tests say so."""
    if sys.platform != "linux":
        pytest.skip(sandbox.reason())
    assert not sandbox.reason(), f"{sandbox.reason()}; see docs/troubleshooting.md"
    found = JudgeProcess("on", cheats_course, tmp_path_factory.mktemp("submissions"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def open_jvm(sandboxed, cheats_course, tmp_path_factory):
    """A judge in the sandbox that does not filter calls on the JVM, as with --allow-jvm."""
    found = JudgeProcess("open", cheats_course, tmp_path_factory.mktemp("submissions"))
    yield found
    found.close()


@pytest.fixture
def fresh_jvms(sandboxed, cheats_course, tmp_path):
    """A judge in the sandbox with a JVM for each submission, as with --fresh-jvm."""
    found = JudgeProcess("fresh", cheats_course, tmp_path)
    yield found
    found.close()


@pytest.fixture(scope="session")
def without_sandbox(cheats_course, tmp_path_factory):
    """A judge without the sandbox."""
    found = JudgeProcess("off", cheats_course, tmp_path_factory.mktemp("submissions"))
    yield found
    found.close()

"""`lab grade` and `lab report` as a person meets them; and once for real, killed half-way."""

import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import batches
import jsonschema
import psutil
import pytest
from processes import alive
from typer.testing import CliRunner

import labkit.grading.grade
from labkit import home
from labkit.cli.main import app
from labkit.course.labs import Lab
from labkit.home import LabError

HERE = Path(__file__).parents[1]
LONG = bool(os.environ.get("LAB_LONG"))

OPENS = 'import labkit\nlab = labkit.open("toy")\n'


@pytest.fixture
def handed(course, tmp_path, monkeypatch):
    """The current folder, with two submissions; stand-ins judge."""
    monkeypatch.setenv("LAB_ROOT", str(course))
    monkeypatch.setenv(
        "CHECKS", labkit.grading.grade.checks_hash(Lab(0, "toy", course), hidden=True)
    )
    monkeypatch.setenv("VERSIONS", json.dumps(labkit.grading.grade.versions()))
    monkeypatch.setattr("labkit.grading.batch.run.Pool", batches.pool)
    folder = tmp_path / "class"
    folder.mkdir()
    for name in ("ada", "wrong"):
        (folder / f"{name}.py").write_text(f"{OPENS}# {name}\n")
    monkeypatch.chdir(folder)
    return folder


def lab(*arguments):
    done = CliRunner().invoke(app, list(map(str, arguments)))
    if isinstance(done.exception, LabError):
        return done.exception.exit_code, str(done.exception)
    assert isinstance(done.exception, (SystemExit, type(None))), done.exception
    return done.exit_code, done.output


def test_one_quiet_line_a_submission_and_the_sum(handed, tmp_path):
    code, said = lab("grade", ".", "--out", tmp_path / "out", "--workers", 1)
    lines = said.splitlines()
    assert code == 1
    assert re.fullmatch(r"1/2 ada: 3 of 3 points, 0\.5 s · \d+ s left", lines[0])
    assert lines[1] == "2/2 wrong: 1 of 3 points, 0.5 s"
    assert lines[2] == "2 submissions: 1 passed, 1 not passed"
    assert {path.name for path in (tmp_path / "out").glob("[!.]*") if path.is_file()} == {
        "batch.json", "junit.xml", "summary.csv", "summary.html", "summary.json", "summary.md",
    }  # fmt: skip


def test_resume_tells_only_what_is_new(handed, tmp_path):
    lab("grade", "ada.py", "--out", tmp_path / "out")
    code, said = lab("grade", ".", "--out", tmp_path / "out", "--resume")
    assert said.splitlines()[0].startswith("2/2 wrong")
    assert "2 submissions: 1 passed, 1 not passed" in said
    assert code == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "isn't there"),
        (["empty"], "no submissions in empty"),
        ([".", "--shard", "3/2"], "--shard 3/2"),
        ([".", "--shard", "0/2"], "--shard 0/2"),
        ([".", "--shard", "half"], "--shard half"),
        ([".", "--lab", "nothing"], "there is no lab `nothing`"),
        ([".", "--workers", "-1"], "--workers"),
        ([".", "--timeout", "0"], "--timeout"),
    ],
)
def test_wrong_usage_has_a_reason_code_2_and_leaves_nothing(handed, tmp_path, arguments, says):
    (handed / "empty").mkdir()
    code, said = lab("grade", *arguments, "--out", tmp_path / "out")
    assert code == 2
    assert says in re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert not (tmp_path / "out").exists()


def test_python_that_opens_no_lab_is_left_out_and_told(handed, tmp_path):
    (handed / "tools.py").write_text("x = 1\n")
    _, said = lab("grade", ".", "--out", tmp_path / "out")
    assert "1 Python files do not open a lab and are skipped: tools.py" in said


def test_report_makes_one_batch_of_the_shards(handed, tmp_path):
    parts = [tmp_path / "part1", tmp_path / "part2"]
    for number, out in enumerate(parts, start=1):
        lab("grade", ".", "--out", out, "--shard", f"{number}/2", "--seed", 5)
    assert lab("report", *parts)[0] == 2
    code, said = lab("report", *parts, "--out", tmp_path / "all")
    assert code == 1
    assert "2 submissions: 1 passed, 1 not passed" in said
    assert 'href="../part1/ada/report.html"' in (tmp_path / "all" / "summary.html").read_text()
    code, said = lab("report", parts[0])
    assert code == 1
    assert "no result for: part 2 of 2" in said
    assert lab("report", tmp_path)[0] == 2


def test_batch_that_is_not_finished_says_so(handed, tmp_path):
    out = tmp_path / "out"
    lab("grade", ".", "--out", out)
    (out / "ada" / "result.json").unlink()
    code, said = lab("report", out)
    assert code == 1
    assert "1 without a result" in said
    assert json.loads((out / "summary.json").read_text())["missing"] == ["ada"]


def test_list_of_students_ends_up_in_the_summary(handed, tmp_path):
    (handed / "class.csv").write_text("student,path\n=Ada,ada.py\nEve,../../etc/passwd\n")
    code, _ = lab("grade", "class.csv", "--out", tmp_path / "out")
    with (tmp_path / "out" / "summary.csv").open() as lines:
        rows = {row["student"]: row for row in csv.DictReader(lines)}
    assert code == 2
    assert rows["'=Ada"]["status"] == "graded"
    assert rows["Eve"]["status"] == "unreadable"


class Real:
    """`lab grade` as a process, with its own workers and JVMs, on submissions of the toy lab."""

    def __init__(self, course, tmp_path):
        self.out, self.handed = tmp_path / "out", tmp_path / "handed"
        self.handed.mkdir()
        right = (course / "solutions" / "00_toy" / "solution.ipynb").read_bytes()
        (self.handed / "right.ipynb").write_bytes(right)
        kill = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n"
        (self.handed / "kills.py").write_text(f"{OPENS}{kill}")
        self.environment = {**os.environ, "LAB_ROOT": str(course), "CI": "true"}

    def start(self):
        command = "from labkit.cli.main import main; main()"
        arguments = [
            "grade",
            self.handed,
            "--out",
            self.out,
            "--resume",
            "--workers",
            "1",
            "--seed",
            "7",
            "--no-sandbox",
        ]
        return subprocess.Popen(
            [sys.executable, "-c", command, *map(str, arguments)],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def results(self):
        return {path.parent.name: path.read_bytes() for path in self.out.glob("*/result.json")}


@pytest.fixture
def real(course, tmp_path):
    return Real(course, tmp_path)


def below(pid):
    """The processes that a batch started: workers, JVMs, kernels."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def wait(holds, what, seconds=180):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come in {seconds} s"
        time.sleep(0.05)  # between two looks


def test_killed_for_real_its_workers_and_jvms_end_and_resume_completes(real):
    """20 kills at random moments with LAB_LONG, one without: no result is lost or made again."""
    chance = random.Random(3)
    for number in range(20 if LONG else 1):
        before = real.results()
        process = real.start()
        if number % 2 == 0:
            process.stdout.readline()  # of the first submission, or of the end
        time.sleep(chance.random() * (8 if LONG else 0.5))  # the random moment is what is tested
        started = below(process.pid)
        assert started or LONG, "it was killed before it had started anything"
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        wait(lambda: not any(map(alive, started)), "the end of workers and JVMs")  # noqa: B023
        assert real.results().items() >= before.items()
        if LONG and len(real.results()) == 2:  # from the start again, with other moments
            shutil.rmtree(real.out)
    before = real.results()
    process = real.start()
    said, _ = process.communicate(timeout=300)
    assert real.results().items() >= before.items()
    found = {name: json.loads(text) for name, text in real.results().items()}
    schema = json.loads((HERE.parent / "docs" / "result.schema.json").read_text())
    for result in found.values():
        jsonschema.validate(result, schema)
    assert {name: result["status"] for name, result in found.items()} == {
        "kills": "crashed", "right": "graded",
    }, said  # fmt: skip
    assert (found["right"]["score"], found["right"]["max_score"]) == (4.0, 4.0)
    assert process.returncode == 1
    assert "2 submissions: 1 passed, 0 not passed, 1 crashed" in said


@pytest.mark.skipif(not LONG, reason="takes minutes")
def test_every_solution_has_full_marks_in_the_sandbox(tmp_path):
    root = home.root()
    command = [sys.executable, "-c", "from labkit.cli.main import main; main()", "grade"]
    solved = map(str, sorted(root.glob("solutions/*/solution.ipynb")))
    done = subprocess.run(
        [*command, *solved, "--out", str(tmp_path / "out")],
        env={**os.environ, "LAB_ROOT": str(root), "CI": "true"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["passed"] == len(list(root.glob("solutions/*/solution.ipynb")))
    assert all(row["sandbox"] for row in summary["submissions"])


def test_one_attempt_of_each_learner_counts_and_all_have_results(handed, tmp_path):
    (handed / "ada@1.py").write_text(f"{OPENS}# wrong\n")
    (handed / "ada.py").rename(handed / "ada@2.py")
    (handed / "wrong.py").rename(handed / "wrong@1.py")
    (handed / "wrong@2.py").write_text(OPENS)
    out = tmp_path / "out"
    code, said = lab("grade", ".", "--out", out, "--attempts", "best")
    assert "2 of 4 count submissions: 1 passed, 1 not passed" in said
    assert code == 1
    rows = list(csv.DictReader((out / "summary.csv").open()))
    assert [(row["submission"], row["attempt"], row["attempts"]) for row in rows] == [
        ("ada@1", "1", "2"),
        ("wrong@1", "1", "2"),
    ]
    assert len(list(out.glob("*/result.json"))) == 4
    code, said = lab("report", out)
    assert "2 learners have several attempts" in said
    assert "4 submissions" in said


def test_late_ones_are_marked_by_the_list(handed, tmp_path):
    times = tmp_path / "times.csv"
    times.write_text("learner,handed_in\nada,2026-10-01T23:59\nwrong,2026-10-02T01:00\n")
    out = tmp_path / "out"
    due = ("--deadline", "2026-10-01T23:59+02:00", "--handed-in", times)
    _, said = lab("grade", ".", "--out", out, *due)
    assert "2 submissions: 1 passed, 1 not passed, 1 late" in said
    late = {row["submission"]: row["late"] for row in csv.DictReader((out / "summary.csv").open())}
    assert late == {"ada": "on time", "wrong": "late by 1 h 1 min"}
    assert "late by 1 h 1 min" in (out / "wrong" / "report.html").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--deadline", "2026-10-01T23:59Z", "--handed-in", "times.csv"), "times.csv, line 2: .*adda"),
        (("--deadline", "2026-10-01T23:59", "--handed-in", "times.csv"), "which time zone"),
        (("--deadline", "2026-10-01T23:59Z"), "needs --handed-in FILE"),
        (("--handed-in", "times.csv"), "needs a --deadline"),
    ],
)  # fmt: skip
def test_wrong_list_ends_the_command_before_anything_is_graded(handed, tmp_path, options, says):
    (handed / "times.csv").write_text("learner,handed_in\nadda,2026-10-01T20:00\n")
    code, said = lab("grade", "ada.py", "wrong.py", "--out", tmp_path / "out", *options)
    assert code == 2
    assert re.search(says, said)
    assert not (tmp_path / "out").exists()


def test_comment_outlives_resume_a_changed_submission_and_a_longer_name(handed, tmp_path):
    out = tmp_path / "out"
    lab("grade", "ada.py", "--out", out)
    (out / "ada" / "comment.md").write_text("Well done.")
    (handed / "ada.py").write_text(f"{OPENS}# again\n")
    _, said = lab("grade", "ada.py", "--out", out, "--resume")
    assert "1/1 ada" in said
    assert "Well done." in (out / "ada" / "report.html").read_text()
    (handed / "ada.ipynb").write_text("")
    lab("grade", "ada.py", "ada.ipynb", "--out", out, "--resume")
    kept = [path.parent for path in out.glob("*/comment.md")]
    assert [json.loads((p / "submission.json").read_text())["path"] for p in kept] == ["ada.py"]
    assert "Well done." in (kept[0] / "report.html").read_text()
    assert "Well done." in (out / "summary.html").read_text()

"""The other graders: a self-contained notebook of a lab with the same checks, and who grades it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import psutil

from labkit import home
from labkit.author.known_answers import Variant, as_submission
from labkit.course.labs import Lab
from labkit.spark.jars import jars
from labkit.spark.java import java_home

NBGRADER = "nbgrader==0.9.6"
OTTER = "otter-grader==7.0.0"
KERNEL = "labkit-bench"
CELL_SECONDS = 1800
SAMPLE_SECONDS = 0.25
# As a user writes it: Delta's two settings, everything else as Spark has it. The jars are here
# already, which spares the notebook the look-up of `spark.jars.packages`.
SESSION = """\
from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.appName("lab")
    .config("spark.jars", {jars!r})
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .getOrCreate()
)
"""
# The lab's own checks, run in the notebook's process by the same pytest; `CHECK_SETTINGS` would
# tune the session, and a notebook of its own does not.
CHECKS = """\
from pathlib import Path
from labkit.judge import runner as judge
from labkit.judge.answer import Learner

judge.CHECK_SETTINGS = {{}}


def run_checks(task):
    found = judge.judge(
        Path({root!r}), Learner(globals(), {tasks!r}), spark, [Path(f) for f in {files!r}],
        tasks=[task], seed=11,
    )
    wrong = [result.title + ": " + result.reason for result in found if result.outcome != "passed"]
    assert not wrong, "\\n".join(wrong)
"""


def answers(lab: Lab, variant: Variant) -> str:
    """The functions of a variant, without the lines that open the lab."""
    return as_submission(lab, variant).split("\n\n", 3)[3]


def notebook(lab: Lab, variant: Variant) -> nbformat.NotebookNode:
    """A variant with its session and the lab's public and hidden checks, a graded cell a task."""
    files = [str(file) for file in (lab.checks, lab.hidden_checks) if file.is_file()]
    parts = [
        ("session", SESSION.format(jars=",".join(map(str, jars()))), False, 0),
        ("answers", answers(lab, variant), True, 0),
        ("checks", CHECKS.format(root=str(lab.root), tasks=lab.tasks, files=files), False, 0),
        *((f"check_{task}", f"run_checks({task!r})", False, 1) for task in lab.tasks),
    ]
    cells = []
    for name, text, solution, points in parts:
        cell = nbformat.v4.new_code_cell(text, id=name.replace("_", "-"))
        about = {"grade_id": name, "grade": bool(points), "solution": solution, "task": False}
        cell.metadata["nbgrader"] = {
            **about, "locked": not solution, "schema_version": 3, "cell_type": "code",
            **({"points": points} if points else {}),
        }  # fmt: skip
        cells.append(cell)
    spec = {"name": KERNEL, "display_name": KERNEL, "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec})


def environment() -> dict[str, str]:
    """That of a notebook of its own: Java is found, labkit is a library, nothing is warm."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYSPARK_")}
    return {
        **kept, "JAVA_HOME": str(java_home()), "PYSPARK_PYTHON": sys.executable, "TZ": "UTC",
        "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": str(home.root() / "src"),
    }  # fmt: skip


def venv_with(package: str, cache: Path, python: Path | None = None) -> Path:
    """The folder of a virtual environment with a grader, made on first use.

    Its kernel is this Python, or its own `python`, which then finds this one's packages too.
    """
    place = cache / f"{package.partition('=')[0]}-venv"
    if not (place / "made").is_file():
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        subprocess.run([place / "bin" / "pip", "install", "--quiet", package], check=True)
        (place / "made").touch()
    kernel = place / "share" / "jupyter" / "kernels" / KERNEL
    kernel.mkdir(parents=True, exist_ok=True)
    command = [str(python or sys.executable), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": KERNEL, "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    return place


def autograde(lab: Lab, variants: list[Variant], folder: Path, cache: Path) -> dict[str, object]:
    """Seconds of `nbgrader autograde` for each variant, one call for all, and the points it gave."""
    venv = venv_with(NBGRADER, cache)
    course = folder / "nbgrader"
    shutil.rmtree(course, ignore_errors=True)
    (course / "source" / lab.slug).mkdir(parents=True)
    nbformat.write(notebook(lab, variants[0]), course / "source" / lab.slug / "lab.ipynb")
    (course / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        f"c.CourseDirectory.root = {str(course)!r}\n"
        f"c.ExecutePreprocessor.timeout = {CELL_SECONDS}\n"
        "c.ClearSolutions.enforce_metadata = False\n"
    )
    command = [str(venv / "bin" / "nbgrader")]
    found = environment()
    found["PATH"] = f"{venv / 'bin'}{os.pathsep}{found['PATH']}"  # nbgrader calls alembic by name
    options = {"cwd": course, "env": found}
    made = measured([*command, "generate_assignment", lab.slug], **options)
    if made.exit_code:
        raise SystemExit(f"nbgrader could not make the assignment:\n{made.errors}")
    names = [f"s{number:02d}" for number, _ in enumerate(variants)]
    for name, variant in zip(names, variants, strict=True):
        place = course / "submitted" / name / lab.slug
        place.mkdir(parents=True)
        nbformat.write(notebook(lab, variant), place / "lab.ipynb")
    done = measured([*command, "autograde", lab.slug], **options)
    with sqlite3.connect(course / "gradebook.db") as book:
        rows = book.execute(
            "select s.student_id, sum(g.auto_score) from grade g "
            "join submitted_notebook n on n.id = g.notebook_id "
            "join submitted_assignment s on s.id = n.assignment_id group by s.student_id"
        ).fetchall()
    given = dict(rows)
    return {
        "submissions": len(variants),
        "seconds": done.seconds,
        "seconds_each": done.seconds / len(variants),
        "cpu_seconds_each": done.cpu_seconds / len(variants),
        "points": {str(v): given.get(name) for name, v in zip(names, variants, strict=True)},
        "max_points": len(lab.tasks),
        "exit_code": done.exit_code,
    }


OTTERS_TEST = """\
from otter.test_files import test_case

OK_FORMAT = False
name = {name!r}
points = 1


@test_case(points=1)
def test_answer(run_checks):
    run_checks({task!r})
"""


def otter_run(lab: Lab, variants: list[Variant], folder: Path, cache: Path) -> dict[str, object]:
    """Seconds of `otter run` for each variant, a call each, and the points it gave.

    Otter's own way for many, `otter grade`, needs Docker. Its cells need otter in the notebook's
    kernel, so that is otter's Python with this one's packages behind its own.
    """
    venv = venv_with(OTTER, cache, cache / "otter-grader-venv" / "bin" / "python")
    (here,) = venv.glob("lib/python3*/site-packages")
    (here / "lab.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n")
    course = folder / "otter"
    shutil.rmtree(course, ignore_errors=True)
    (course / "tests").mkdir(parents=True)
    for task in lab.tasks:
        test = OTTERS_TEST.format(name=f"check_{task}", task=task)
        (course / "tests" / f"check_{task}.py").write_text(test)
    options = {"cwd": course, "env": environment() | {"PYSPARK_PYTHON": str(venv / "bin/python")}}
    options["env"]["PATH"] = f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"
    command = [str(venv / "bin" / "otter")]
    made = measured([*command, "generate", "-t", "tests", "-o", "autograder.zip"], **options)
    if made.exit_code:
        raise SystemExit(f"otter could not make the autograder:\n{made.errors}")
    runs, points = [], {}
    for number, variant in enumerate(variants):
        asked = notebook(lab, variant)
        asked.cells = [cell for cell in asked.cells if not cell.id.startswith("check-")]
        nbformat.write(asked, course / f"s{number:02d}.ipynb")
        out = course / f"out{number:02d}"
        out.mkdir()
        arguments = ["run", "--no-logo", "-a", "autograder.zip", "-o", str(out)]
        runs.append(measured([*command, *arguments, f"s{number:02d}.ipynb"], **options))
        result = out / "results.json"
        tests = json.loads(result.read_text())["tests"] if result.is_file() else []
        given = [test.get("score", 0) for test in tests if test["name"].startswith("check_")]
        points[str(variant)] = sum(given) if tests else None
    return {
        "submissions": len(variants),
        "seconds": sum(run.seconds for run in runs),
        "seconds_each": sum(run.seconds for run in runs) / len(runs),
        "cpu_seconds_each": sum(run.cpu_seconds for run in runs) / len(runs),
        "points": points,
        "max_points": len(lab.tasks),
        "exit_code": max(run.exit_code for run in runs),
    }


@dataclass
class Measured:
    """A command that has ended: its wall time, and the CPU time of all processes it started."""

    seconds: float
    cpu_seconds: float
    exit_code: int
    errors: str


def measured(command: list[str], **options: Any) -> Measured:
    """Runs a command. CPU time is sampled over the tree of its processes: it says less of who else
    used the machine meanwhile than wall time does, and misses the last moments of a process.
    """
    used: dict[int, float] = {}
    ended = 0.0
    with tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=errors, text=True, **options
        )
        root = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.Error):
                for one in (root, *root.children(recursive=True)):
                    with suppress(psutil.Error):
                        times = one.cpu_times()
                        before, now = used.get(one.pid, 0.0), times.user + times.system
                        if now < before:  # another process under the number of one that ended
                            ended += before
                        used[one.pid] = now
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=SAMPLE_SECONDS)
        seconds = time.perf_counter() - started
        errors.seek(0)
        return Measured(
            seconds, ended + sum(used.values()), process.returncode, errors.read()[-2000:]
        )


def machine() -> dict[str, object]:
    """What the figures were measured on, and how busy it was."""
    return {
        "cores": os.cpu_count(),
        "load": [round(value, 1) for value in os.getloadavg()],
        "python": platform.python_version(),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}, {platform.machine()}",
        "versions": {name: version(name) for name in ("pyspark", "delta-spark", "nbval")}
        | dict(pinned.split("==") for pinned in (NBGRADER, OTTER)),
    }

"""The GitHub action: its shell steps run here as a runner would run them, on the toy course."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ACTION = ROOT / ".github" / "actions" / "grade"
GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
GIT |= {
    f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}
ANSWER = """
import labkit
lab = labkit.open("toy")
spark = lab.spark
from pyspark.sql import functions as F
print("::error::a submission speaks to the runner")
def double(numbers):
    return numbers.select("n", (F.col("n") * 2).alias("twice"))
def store(spark, table, numbers):
    pass
"""


def notebook(source):
    cell = {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]})


class Runner:
    """What of GitHub's runner the action needs: inputs, outputs, files, the workspace."""

    def __init__(self, tmp_path, course):
        self.checkout = tmp_path / "labs checkout"  # where the action and its labs lie
        shutil.copytree(ACTION, self.checkout / ".github" / "actions" / "grade")
        (self.checkout / ".venv" / "bin").mkdir(parents=True)
        (self.checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
        command = self.checkout / "lab"
        command.write_text(f"#!{sys.executable}\nfrom labkit.cli.main import main\nmain()\n")
        command.chmod(0o755)
        self.workspace = tmp_path / "workspace"
        self.workspace.mkdir()
        self.temp = tmp_path / "temp dir"
        self.temp.mkdir()
        self.environment = {
            **os.environ, **GIT, "LAB_ROOT": str(course), "RUNNER_TEMP": str(self.temp),
            "PYTHONPATH": str(ROOT / "src"),
            "GITHUB_ACTION_PATH": str(self.checkout / ".github" / "actions" / "grade"),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
        }  # fmt: skip
        self.steps = {}
        self.said = ""

    def git(self, *arguments):
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.workspace,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, **files):
        for name, content in files.items():
            path = self.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def run(self, step, base="", **given):
        """Runs one step of action.yml; its exit code."""
        action = yaml.safe_load((ACTION / "action.yml").read_text())
        inputs = {name: about["default"] for name, about in action["inputs"].items()} | given
        (about,) = [found for found in action["runs"]["steps"] if found.get("name") == step]
        values = {f"inputs.{name}": value for name, value in inputs.items()}
        values |= {
            f"steps.{id}.outputs.{name}": value
            for id, found in self.steps.items()
            for name, value in found.items()
        }
        values["github.event.pull_request.base.sha || github.event.before"] = base

        def filled(text):
            return re.sub(r"\$\{\{ (.+?) \}\}", lambda match: values[match[1]], text)

        outputs = self.temp / "outputs"
        outputs.write_text("")
        environment = self.environment | {k: filled(v) for k, v in about.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", about["run"]],
            cwd=self.workspace, env=environment | {"GITHUB_OUTPUT": str(outputs)},
            capture_output=True, text=True,
        )  # fmt: skip
        self.said = done.stdout + done.stderr
        lines = [line.split("=", 1) for line in outputs.read_text().splitlines()]
        self.steps[about.get("id", step)] = dict(lines)
        return done.returncode

    def listed(self):
        return Path(self.steps["find"]["list"]).read_bytes().decode().split("\0")[:-1]

    def summary(self):
        return (self.temp / "summary.md").read_text()


@pytest.fixture
def runner(tmp_path, course):
    made = Runner(tmp_path, course)
    made.git("init", "--quiet")
    return made


def test_notebooks_that_a_pull_request_changes_are_found(runner):
    base = runner.commit(**{"old.ipynb": "1", "gone.ipynb": "1", "same.ipynb": "1"})
    (runner.workspace / "gone.ipynb").unlink()
    runner.commit(**{
        "old.ipynb": "2", "a b/$(touch pwned)\n.ipynb": "1", "-rf.ipynb": "1", "notes.md": "",
        "labs/01_x/lab.ipynb": "1", "solutions/01_x/solution.ipynb": "1",
    })  # fmt: skip
    assert runner.run("Find notebooks", base) == 0, runner.said
    assert sorted(runner.listed()) == ["-rf.ipynb", "a b/$(touch pwned)\n.ipynb", "old.ipynb"]
    assert runner.steps["find"]["count"] == "3"
    assert not list(runner.workspace.rglob("pwned"))


@pytest.mark.parametrize("base", ["", "0" * 40, "f" * 40])
def test_without_a_base_the_last_commit_counts(runner, base):
    runner.commit(**{"old.ipynb": "1"})
    runner.commit(**{"new.ipynb": "1"})
    assert runner.run("Find notebooks", base) == 0, runner.said
    assert runner.listed() == ["new.ipynb"]


def test_first_commit_of_all_counts_whole(runner):
    runner.commit(**{"one.ipynb": "1"})
    assert runner.run("Find notebooks") == 0, runner.said
    assert runner.listed() == ["one.ipynb"]


def test_nothing_changed_is_told_and_is_no_failure(runner):
    base = runner.commit(**{"one.ipynb": "1"})
    runner.commit()
    assert runner.run("Find notebooks", base) == 0, runner.said
    assert runner.steps["find"]["count"] == "0"
    assert "nothing to grade" in runner.summary()


def test_given_paths_come_before_what_changed(runner):
    runner.commit(**{"one.ipynb": "1"})
    assert runner.run("Find notebooks", paths="submissions/*/lab.ipynb\n\n  two words.ipynb") == 0
    assert runner.listed() == ["submissions/*/lab.ipynb", "  two words.ipynb"]


def test_pull_request_is_graded_and_classroom_reads_its_points(runner, course):
    """The whole action, with real workers: one right task of two, one file that is no notebook."""
    base = runner.commit(**{"readme.md": ""})
    runner.commit(**{"ada/lab.ipynb": notebook(ANSWER), "bo/lab.ipynb": "{"})
    (runner.workspace / "eve.ipynb").symlink_to(course / "solutions" / "00_toy" / "solution.ipynb")
    runner.commit()
    assert runner.run("Find notebooks", base) == 0, runner.said
    assert runner.run("Grade", workers="1", seed="11") == 0, runner.said
    before, after = runner.said.index("::stop-commands::"), runner.said.rindex("::")
    assert before < runner.said.index("ada-lab: 3 of 4 points") < after
    assert "::error::" not in runner.said
    assert runner.steps["grade"]["exit-code"] == "2"
    assert "0 of 3 submissions passed" in runner.summary()

    assert runner.run("Points") == 0, runner.said
    assert "::notice title=Autograding complete::Points 3/4" in runner.said
    points = runner.steps["points"]
    assert (points["points"], points["max-points"]) == ("3", "4")
    result = json.loads(base64.b64decode(points["result"]))
    assert sum(test["score"] for test in result["tests"]) == 3
    assert result["status"] == "error"  # one of the files could not be read
    assert (Path(runner.steps["grade"]["reports"]) / "ada-lab" / "report.html").is_file()
    assert runner.run("Verdict") == 2


def test_documented_workflows_use_inputs_that_there_are():
    inputs = yaml.safe_load((ACTION / "action.yml").read_text())["inputs"]
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "github.md").read_text(), re.DOTALL)
    steps = [
        step
        for block in blocks
        for job in yaml.safe_load(block)["jobs"].values()
        for step in job["steps"]
        if "actions/grade@" in step.get("uses", "")
    ]
    assert len(steps) == 3
    assert {name for step in steps for name in step.get("with", {})} <= set(inputs)

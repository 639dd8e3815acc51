"""A hand-out has all that runs labs, grades like the original, and gives no answer away."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from labkit import home
from labkit.author import export
from labkit.course import hints
from labkit.course.labs import Lab, find_labs
from labkit.grading.grade import Grader
from labkit.grading.grading_spark import WarmSpark
from labkit.home import LabError

ROOT = home.root()
REGION = re.compile(r"# BEGIN SOLUTION.*?\n(.*?)# END SOLUTION", re.DOTALL)
# What any program may say: imports, and lines shorter than this.
TRIVIAL = 25
BINARY = (".gz", ".parquet")


def lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()}


@pytest.fixture(scope="module")
def handout(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "handout"
    export.export(find_labs(ROOT), folder)
    return folder


@pytest.mark.parametrize("lab", find_labs(ROOT), ids=lambda lab: lab.slug)
def test_no_line_of_a_reference_answer_is_in_a_handout(lab, handout):
    """Excepted are trivial lines, and what learners are given: starters, programs beside the data."""
    text = lab.solution.read_text("utf-8")
    given = set()
    for other in find_labs(ROOT):
        given |= lines(REGION.sub("", other.solution.read_text("utf-8")))
        for dataset in other.about["datasets"]:
            for path in other.generator(dataset).parent.glob("*.py"):
                given |= lines(path.read_text("utf-8"))
    answer = {
        line
        for region in REGION.findall(text)
        for line in lines(region) - given
        if len(line) >= TRIVIAL
        and not line.startswith(("import ", "from ", "except ", "- input: "))
    }
    assert answer
    texts = [path for path in handout.rglob("*") if path.is_file() and path.suffix not in BINARY]
    found = {path.name: answer & lines(path.read_text("utf-8")) for path in texts}
    for notebook in handout.rglob("*.ipynb"):
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells]
        found[notebook.name] |= answer & lines("\n".join(sources))
    assert {name: some for name, some in found.items() if some} == {}


def test_handout_holds_no_solution_and_no_hidden_check(handout):
    names = {path.name for path in handout.rglob("*")}
    assert not names & {"solutions", "solution.py", "hidden_checks.py", "mistakes", "alternatives"}
    assert (handout / "lab").stat().st_mode & 0o100
    hidden = {
        name
        for lab in find_labs(ROOT)
        for name in re.findall(r"def (test_\w+)", lab.hidden_checks.read_text("utf-8"))
    }
    assert hidden
    text = "".join(path.read_text("utf-8") for path in handout.rglob("*.py"))
    assert [name for name in hidden if re.search(rf"\b{name}\b", text)] == []


def test_handout_runs_by_itself(handout):
    environment = {**os.environ, "LAB_ROOT": str(handout), "PYTHONPATH": str(handout / "src")}
    code = "import labkit.cli.main as cli; print(cli.__file__); cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "list"],
        env=environment, cwd=handout, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    tests = subprocess.run(
        [sys.executable, "-c", code, "test"],
        env=environment, cwd=handout, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (tests.returncode, "without tests" in tests.stderr) == (2, True)
    assert str(handout) in done.stdout
    assert all(lab.slug in done.stdout for lab in find_labs(ROOT))


def test_handout_has_what_its_set_up_reads(handout):
    """Else no `./lab` in it would ever get past setting up."""
    script = runpy.run_path(str(handout / "lab"))
    assert [name for name in script["INPUTS"] if not (handout / name).is_file()] == []


def test_handout_can_be_installed_as_it_lies(handout, tmp_path):
    """The hook of the build packs what a hand-out does not have, but only into a wheel."""
    code = f"from hatchling.build import build_editable; print(build_editable({str(tmp_path)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=handout, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / done.stdout.strip()) as wheel:
        assert not [name for name in wheel.namelist() if "program" in name]


def test_workflow_runs_an_action_that_is_there(handout):
    text = (handout / ".github" / "workflows" / "classroom.yml").read_text("utf-8")
    checkout, grader = yaml.safe_load(text)["jobs"]["autograding"]["steps"]
    assert (handout / grader["uses"] / "action.yml").is_file()
    assert grader["with"]["paths"] in grader["if"]
    assert checkout["with"]["persist-credentials"] is False


def test_what_is_handed_in_is_not_ignored(handout):
    subprocess.run(["git", "init", "-q"], cwd=handout, check=True)
    paths = ["work/00_warm_up/lab.ipynb", "work/progress.json", "work/00_warm_up/lab-1.ipynb"]
    done = subprocess.run(
        ["git", "check-ignore", *paths], cwd=handout, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == paths[1:]


def test_links_of_the_readme_lead_somewhere(handout):
    pages = (handout / "docs").glob("*.md")
    for page in (handout / "README.md", *pages):
        targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8"))
        assert [name for name in targets if not (page.parent / name).exists()] == []


def test_line_of_an_answer_in_a_public_file_stops_the_export(toy, tmp_path):
    with toy.checks.open("a") as checks:
        checks.write('\n# numbers.select("n", (F.col("n") * 2).alias("twice"))\n')
        checks.write('    return numbers.select("n", (F.col("n") * 2).alias("twice"))\n')
    with pytest.raises(LabError, match=r"checks.py:\d+: return numbers"):
        export.export([toy], tmp_path / "handout")
    assert not (tmp_path / "handout").exists()


def test_prose_of_the_solved_notebook_and_names_of_hidden_checks_are_leaks_too(toy, tmp_path):
    folder = tmp_path / "handout"
    folder.mkdir()
    (folder / "README.md").write_text("Only the solved notebook says this.\n")
    (folder / "notes.md").write_text("see test_doubles_seeded_numbers\n")
    assert {leak.file for leak in export.leaks([toy], folder)} == {"README.md", "notes.md"}


@pytest.mark.parametrize("name", ["notes.txt", ".hidden"])
def test_folder_with_something_else_is_refused(toy, tmp_path, name):
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / name).write_text("mine")
    with pytest.raises(LabError, match="not empty"):
        export.export([toy], folder)
    assert [path.name for path in folder.iterdir()] == [name]


def test_second_export_updates_the_first_and_keeps_what_was_changed(toy, tmp_path):
    folder = tmp_path / "handout"
    export.export([toy], folder)
    (folder / "README.md").write_text("Our own words")
    (folder / "work").mkdir()
    (folder / "work" / "answer.txt").write_text("mine")
    toy.checks.write_text(toy.checks.read_text() + "\n# newer\n")
    shutil.rmtree(toy.generator("numbers").parent)
    for _ in range(2):
        assert export.export([toy], folder).kept == ("README.md",)
    assert (folder / "README.md").read_text() == "Our own words"
    assert (folder / "work" / "answer.txt").read_text() == "mine"
    assert "# newer" in (folder / "labs" / toy.name / "checks.py").read_text()
    assert not list((folder / "datasets").rglob("*.py"))


def test_solution_in_a_handout_says_where_to_ask(toy, tmp_path):
    export.export([toy], tmp_path / "handout")
    with pytest.raises(LabError, match="handed out without solutions"):
        hints.reference(Lab(0, "toy", tmp_path / "handout"), "double")


def test_submission_made_in_a_handout_grades_the_same_here(toy, tmp_path, spark):
    export.export([toy], tmp_path / "handout")
    there = Lab(0, "toy", tmp_path / "handout")
    there.work.parent.mkdir(parents=True)
    text = toy.solved.read_text("utf-8").replace('mode(\\"append\\")', 'mode(\\"ignore\\")')
    there.work.write_text(text.replace("* 2", "+ 2"), "utf-8")
    with WarmSpark() as warm:
        in_handout, here = (Grader(warm).grade(lab, there.work) for lab in (there, toy))
    assert in_handout.without_timing() == here.without_timing()
    assert (here.score, here.max_score) == (0, 3)

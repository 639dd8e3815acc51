"""A course of one's own: laid out by `lab init`, run from labkit's wheel alone, outside this checkout."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from processes import YOUNG_JVM, lab_script

from labkit import home
from labkit.author import build, course, export, own_course
from labkit.course.labs import Lab, find_labs
from labkit.home import LabError

ROOT = home.root()
EXAMPLE = Lab(0, "load_a_day", ROOT / own_course.EXAMPLE)
# No package comes from anywhere but this checkout's own .venv and the wheel.
APART = ("LAB_ROOT", "PYTHONPATH", "LAB_SPARK_MASTER", "LAB_KAFKA")
ENVIRONMENT = {key: value for key, value in os.environ.items() if key not in APART}
ENVIRONMENT |= {"PIP_NO_INDEX": "1", **YOUNG_JVM}


def link(origin: str, copy: str) -> None:
    try:
        os.link(origin, copy)
    except OSError:  # on another disk
        shutil.copy2(origin, copy)


def venv(folder: Path) -> None:
    """A virtual environment that has all packages of this one but labkit."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    packages.rmdir()
    shutil.copytree(
        Path(pytest.__file__).parents[1], packages, symlinks=True, copy_function=link,
        ignore=shutil.ignore_patterns("*lakehouse_labs*", "__pycache__"),
    )  # fmt: skip


class Course:
    """A course with the environment that its own `lab` script sets up, and its commands."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def start(self, *words: str) -> subprocess.Popen:
        return subprocess.Popen(
            [self.root / "lab", *words], cwd=self.root, env=ENVIRONMENT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, *words: str, code: int = 0) -> str:
        process = self.start(*words)
        said, _ = process.communicate(timeout=900)
        assert process.returncode == code, said
        return said


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A new course, set up."""
    found = Course(tmp_path_factory.mktemp("team") / "course")
    own_course.lay_out(found.root)
    venv(found.root / ".venv")
    assert "Ready." in found.run("list")
    yield found
    found.run("spark", "stop")


def test_the_example_is_valid_and_current():
    assert list(build.stale(EXAMPLE)) == []
    assert list(course.file_problems(EXAMPLE.root)) == []


def test_all_that_a_wheel_takes_is_there():
    text = (ROOT / "hatch_build.py").read_text("utf-8")
    assert all(f'"{path.name}"' in text for path in ROOT.glob("[!.]*.lock"))
    assert f'"{own_course.EXAMPLE}"' in text


def test_labkit_is_that_of_the_wheel(made):
    code = "from labkit import home; print(home.__file__, home.root(), home.program())"
    said = subprocess.run(
        [made.root / ".venv" / "bin" / "python", "-c", code], cwd=made.root.parent,
        env=ENVIRONMENT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    module, root, program = map(Path, said)
    assert module.is_relative_to(made.root / ".venv")
    assert root == made.root
    assert program == module.parent / home.PROGRAM
    assert os.access(module.parent / "spark" / "worker_python", os.X_OK)
    assert made.run("list").count("load_a_day") == 1


def test_links_of_its_pages_lead_somewhere(made):
    for page in (made.root / "README.md", *(made.root / "docs").glob("*.md")):
        targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8"))
        assert [name for name in targets if not (page.parent / name).exists()] == []
    assert "a course of your own" in (made.root / "docs" / "authors.md").read_text("utf-8")


def test_set_up_is_done_once_for_a_wheel(made):
    assert "Setting up" not in made.run("list")
    (wheel,) = (made.root / "wheels").iterdir()
    second = wheel.with_name(wheel.name.replace("-py3", "-1-py3"))
    shutil.copy2(wheel, second)
    said = made.run("list", code=2)
    second.unlink()
    assert "wheels/ holds labkit 2 times" in said


def test_ci_passes(made):
    """Each step of its workflow that is due at a push; the proof is the one that needs Spark."""
    workflow = yaml.safe_load((made.root / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    steps = [
        step
        for step in workflow["jobs"]["test"]["steps"]
        if step.get("if") != "github.event_name == 'schedule'"
    ]
    lines = [step["run"].split("#")[0].split() for step in steps if "run" in step]
    lines = [line for line in lines if line[0] != "sudo"]
    assert [line[:2] for line in lines] == [["./lab", "test"], ["./lab", "export"]]
    said = made.run(*lines[0][1:])
    assert "to prove: 1" in said and "load_a_day: proved" in said
    assert "to prove: 0" in made.run("test"), "the record of the proof is that of this labkit"
    assert "no line of an answer" in made.run("export", "../handout")


def test_new_lab_is_built_and_proved(made):
    assert "solutions/01_late_orders/solution.py" in made.run("new", "late_orders")
    said = made.run("test", code=1)
    assert "run `lab build --execute late_orders`" in said
    assert "docs/labs.md is stale" in said
    made.run("build", "--execute", "late_orders")
    assert "late_orders: proved" in made.run("prove", "late_orders")
    for folder in ("labs", "solutions"):
        shutil.rmtree(made.root / folder / "01_late_orders")
    made.run("build")


def test_submissions_are_graded(made, tmp_path):
    right = (made.root / "solutions" / EXAMPLE.name / "solution.ipynb").read_text("utf-8")
    (tmp_path / "ada.ipynb").write_text(right, "utf-8")
    (tmp_path / "bo.ipynb").write_text(right.replace("replaceWhere", "mergeSchema"), "utf-8")
    out = tmp_path / "out"
    made.run("grade", str(tmp_path), "--out", str(out), "--workers", "1", code=1)
    found = {
        one.parent.name: json.loads(one.read_text("utf-8")) for one in out.rglob("result.json")
    }
    assert len(found) == 2
    ada, bo = (next(v for k, v in found.items() if name in k) for name in ("ada", "bo"))
    assert ada["score"] == ada["max_score"] > bo["score"]


def test_rehearsal_ends_with_a_debrief(made):
    rehearsal = made.start("rehearse", "load_a_day", "--no-jupyter")
    said = next((line for line in rehearsal.stdout if "The prompt" in line), "")
    assert said, "it did not begin"
    assert "Debrief" in made.run("finish", code=1)
    rehearsal.communicate(timeout=180)  # it ends by itself
    assert list((made.root / "work" / "rehearsals").glob("*/debrief.html"))


def test_cards_and_site_are_those_of_the_course(made, tmp_path):
    page = tmp_path / "cards.html"
    made.run("interview", "--page", str(page))
    assert "load_a_day_again" in page.read_text("utf-8")
    made.run("site", str(tmp_path / "site"))
    index = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "<title>Labs · Our own labs</title>" in index
    assert "written by our team" in index
    assert "load_a_day.html" in index


def test_doctor_finds_nothing_wrong(made):
    assert "✗" not in made.run("doctor", "--quick")


def test_handout_holds_labkit_without_the_example(made, tmp_path):
    made.run("export", str(tmp_path / "handout"))
    (wheel,) = (tmp_path / "handout" / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as packed:
        assert packed.testzip() is None
        names = packed.namelist()
        (record,) = (name for name in names if name.endswith("RECORD"))
        recorded = {line.split(",")[0] for line in packed.read(record).decode().splitlines()}
    assert recorded == set(names)
    assert not [name for name in names if f"/{own_course.EXAMPLE}/" in name]
    script = lab_script(tmp_path / "handout")
    assert script.inputs() == [str(wheel)]
    assert export.leaks(find_labs(made.root), tmp_path / "handout") == []


def test_a_course_makes_another_one(made, tmp_path):
    made.run("init", str(tmp_path / "second"))
    assert files(tmp_path / "second") == {
        name for name in files(ROOT / own_course.EXAMPLE) if "work/" not in name
    } | {f"wheels/{path.name}" for path in (made.root / "wheels").iterdir()}


def files(folder: Path) -> set[str]:
    found = (path for path in Path(os.path.realpath(folder)).rglob("*") if path.is_file())
    linked = (folder / ".github" / "actions" / "grade").glob("*")
    return {path.relative_to(folder).as_posix() for path in (*found, *linked)}


@pytest.fixture
def no_wheel(monkeypatch):
    """The wheel is of no interest; it takes seconds to build."""
    monkeypatch.setattr(own_course, "wheel", lambda into: (into / "labkit.whl").touch())


def test_folder_that_is_empty_or_a_new_clone_is_taken(tmp_path, no_wheel):
    (tmp_path / "clone" / ".git").mkdir(parents=True)
    (tmp_path / "clone" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    for name in ("clone", "deep/new"):
        assert "README.md" in own_course.lay_out(tmp_path / name)
        assert (tmp_path / name / "lab").stat().st_mode & 0o111
        assert not (tmp_path / name / "lab").is_symlink()
    assert (tmp_path / "clone" / ".git" / "HEAD").read_text() == "ref: refs/heads/main\n"


def test_half_a_course_is_taken_away(tmp_path, no_wheel, monkeypatch):
    folder, copy = tmp_path / "course", shutil.copytree
    (folder / ".git").mkdir(parents=True)

    def full(origin, target, *how, **more):
        if target != folder:
            return copy(origin, target, *how, **more)
        (folder / "labs").mkdir()
        (folder / "lab").touch()
        raise OSError("no space left")

    monkeypatch.setattr(own_course.shutil, "copytree", full)
    with pytest.raises(LabError, match="no space left"):
        own_course.lay_out(folder)
    assert [path.name for path in folder.iterdir()] == [".git"]


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "labs/mine.py"])
def test_folder_with_something_in_it_is_refused(tmp_path, no_wheel, name):
    path = tmp_path / "course" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(LabError, match=r"is not empty .*nothing was written"):
        own_course.lay_out(tmp_path / "course")
    assert [p for p in (tmp_path / "course").rglob("*") if p.is_file()] == [path]
    assert path.read_text() == "mine"


def test_file_and_link_in_its_place_are_refused(tmp_path, no_wheel):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(LabError, match="is no folder"):
            own_course.lay_out(tmp_path / name)
    assert not (tmp_path / "elsewhere").exists()


def test_learners_copy_of_labkit_says_where_to_make_a_course(tmp_path, monkeypatch):
    monkeypatch.setattr(home, "program", lambda: tmp_path)
    with pytest.raises(LabError, match="handed out to learners"):
        own_course.lay_out(tmp_path / "course")
    assert not (tmp_path / "course").exists()


def test_labkit_whose_wheel_is_gone_says_so(tmp_path, monkeypatch):
    class Installed:
        def read_text(self, name):
            return json.dumps({"url": f"file://{tmp_path}/gone.whl"})

    monkeypatch.setattr(home, "packed", lambda: True)
    monkeypatch.setattr(own_course, "distribution", lambda name: Installed())
    with pytest.raises(LabError, match=r"gone\.whl, which is gone"):
        own_course.wheel(tmp_path)

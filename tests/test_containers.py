"""The image and the codespace: each step of both runs, in a copy of what they hold."""

import fnmatch
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from processes import lab_script

from labkit import home
from labkit.author import export
from labkit.course.labs import find_labs

ROOT = home.root()
CODESPACE = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
BUILD_SECONDS = 550  # below the time after which pytest takes a test for hanging


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile, line by line: the word and the rest."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if line and not line.startswith("#")]


def in_the_image(path: str) -> bool:
    """Whether .dockerignore lets a file of the checkout in: the last line that fits decides."""
    kept = True
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        parts = path.split("/")
        above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        names = parts if "**/" in line else above
        fits = (fnmatch.fnmatch(n, pattern) and n.count("/") == pattern.count("/") for n in names)
        if line and not line.startswith("#") and any(fits):
            kept = line.startswith("!")
    return kept


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    """What the image holds, set up with the packages of this checkout instead of a download."""
    folder = tmp_path_factory.mktemp("image") / "labs"
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in filter(in_the_image, tracked):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (folder / ".venv" / "labkit.stamp").write_text(lab_script(folder).fingerprint())
    return folder


def run(command: str, folder: Path) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(folder / "src")}, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_image_holds_no_answer(image):
    names = {path.name for path in image.rglob("*")}
    assert not names & {"solution.py", "solution.ipynb", "hidden_checks.py", "mistakes.py"}
    assert not {path.name for path in image.iterdir()} & {"solutions", "interview", "tests", ".git"}
    held = image.parent / "held"
    shutil.copytree(image, held, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    assert export.leaks(find_labs(ROOT), held) == []


def test_steps_of_the_image_run(image):
    words = [word for word, _ in instructions()]
    assert words[0] == "FROM" and words[-1] == "CMD"
    as_learner = instructions()[words.index("USER") :]
    said = [run(rest, image) for word, rest in as_learner if word == "RUN"]
    assert "cdc_merge" in said[-1]
    command = json.loads(instructions()[-1][1])
    assert "--port" in run(" ".join([*command, "--help"]), image)


def test_steps_of_the_codespace_run(image):
    run(CODESPACE["updateContentCommand"], image)
    said = run(CODESPACE["postCreateCommand"], image)
    assert str(image / "work" / "00_warm_up" / "lab.ipynb") in said
    settings = CODESPACE["customizations"]["vscode"]["settings"]
    python = settings["python.defaultInterpreterPath"]
    assert Path(python.replace("${containerWorkspaceFolder}", str(image))).exists()


def engine() -> bool:
    try:
        return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(
    not engine(), reason="no container engine runs here; the tests above run the steps as a script"
)
def test_image_is_built_and_lists_the_labs():
    built = subprocess.run(
        ["docker", "build", "--quiet", "."], cwd=ROOT, capture_output=True, text=True,
        timeout=BUILD_SECONDS, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    image = built.stdout.strip()
    try:
        listed = subprocess.run(
            ["docker", "run", "--rm", "--network", "none", image, "./lab", "list"],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    finally:
        subprocess.run(["docker", "rmi", image], capture_output=True, check=False)
    assert listed.returncode == 0, listed.stderr
    assert all(lab.slug in listed.stdout for lab in find_labs(ROOT))

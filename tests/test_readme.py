"""Every command of the documentation runs, in a copy of the checkout, and every link in it leads somewhere."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from processes import YOUNG_JVM

from labkit import home
from labkit.author import labs_page
from labkit.course.catalogue import OTHERS, subjects
from labkit.course.labs import find_labs

ROOT = home.root()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What a command needs to be cheap here. None: another test runs it; the reason stands beside it.
CHEAPER = {
    "./lab test": "./lab test tests/course/test_labs.py -q",  # all of it is what runs this test
    "./lab start": "./lab start --no-browser",
    "./lab start cdc_merge": "./lab start cdc_merge --no-browser",
    "./lab check cdc_merge": "./lab check cdc_merge --task flatten",
    "./lab check --submission solutions/01_cdc_merge/solution.ipynb --hidden --json result.json": (
        "./lab check --submission solutions/00_warm_up/solution.ipynb --hidden --json result.json"
    ),
    "./lab parts install dbt": "./lab parts install --help",  # tests/parts/test_environment.py
    "./lab prove warm_up --reasons": "./lab prove warm_up --reasons --only null_revenue",
}
EXPECTED_CODES = {
    "./lab check cdc_merge": 1,  # a starter, not passed
    # Nobody answers: the round is kept, as after Ctrl-C.
    "./lab interview": 130,
    "./lab interview --topic delta,kafka --minutes 30": 130,
    "./lab interview vacuum_and_time_travel": 130,
    "./lab rehearse --loop": 130,
    "./lab rehearse --loop cdc_merge.merge_changes": 130,
    "./lab rehearse --loop --topics streaming": 130,
}


def commands(page: Path) -> list[str]:
    """The lines of a page's console blocks, without comments."""
    blocks = re.findall(
        r"^```console\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    lines = (line.split("  #")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


FIRST = {line: page.name for page in reversed(PAGES) for line in commands(page)}  # one run each
ALL = [(page.name, line) for page in PAGES for line in commands(page) if FIRST[line] == page.name]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the checkout with the environment of this one; commands run in it in their order."""
    root = tmp_path_factory.mktemp("readme") / "labs-copy"
    tracked = ("labs", "solutions", "datasets", "tests", "docs", "interview")
    for name in tracked:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("conftest.py", "pyproject.toml", "jars.lock"):
        shutil.copy2(ROOT / name, root / name)
    for path in ROOT.glob("requirements*.lock"):
        shutil.copy2(path, root)
    bin_folder = Path(sys.executable).parent
    script = root / "lab"
    script.write_text(f'#!/bin/sh\nLAB_ROOT="{root}" exec "{bin_folder}/lab" "$@"\n')
    script.chmod(0o755)
    (root / ".venv").mkdir()
    (root / ".venv" / "bin").symlink_to(bin_folder)
    yield root
    subprocess.run([script, "spark", "stop"], check=False, capture_output=True)


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory):
    """A cache with these jars and a broker and parts of its own: the user's may be in use."""
    place = tmp_path_factory.mktemp("cache")
    (place / "jars").symlink_to(home.cache_dir() / "jars")
    return place


@pytest.mark.parametrize(("page", "line"), ALL, ids=[f"{page}: {line[:60]}" for page, line in ALL])
def test_command_runs(page, line, copy, own_cache):
    command = shlex.split(CHEAPER.get(line, line))
    environment = {**os.environ, **YOUNG_JVM, "LAB_ROOT": str(copy)}
    if command[1:2] in (["kafka"], ["parts"]):
        environment["LAB_CACHE"] = str(own_cache)
    if command[:2] == ["./lab", "start"] and "--no-jupyter" not in command:
        serves(command, copy, environment)
        return
    done = subprocess.run(
        command, cwd=copy, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == EXPECTED_CODES.get(line, 0), done.stdout + done.stderr


def serves(command: list[str], copy: Path, environment: dict[str, str]) -> None:
    """Runs `lab start` until it tells the address of a JupyterLab that answers, then Ctrl-C."""
    server = subprocess.Popen(
        command,
        cwd=copy,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = iter(server.stdout.readline, "")
        address = next((line for line in lines if "http://127.0.0.1:" in line), None)
        assert address, server.stderr.read()
    finally:
        server.send_signal(signal.SIGINT)
        said, errors = server.communicate(timeout=180)
    assert server.returncode == 0, said + errors


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8"))
    assert [name for name in targets if not (page.parent / name).exists()] == []


def test_every_lab_is_in_the_table():
    text = (ROOT / "README.md").read_text("utf-8")
    rows = [
        f"| {subject.title} | {', '.join(f'`{entry.lab.slug}`' for entry in subject.entries)} |"
        for subject in subjects(find_labs(ROOT))
    ]
    assert [row for row in rows if row not in text] == []


def test_catalogue_names_each_lab_once_and_no_other():
    subjects_read = yaml.safe_load((ROOT / "labs" / "catalogue.yaml").read_text("utf-8"))
    entries = [entry for subject in subjects_read for entry in subject["labs"].items()]
    labs = [lab.slug for lab in find_labs(ROOT)]
    assert sorted(slug for slug, _ in entries) == sorted(labs)
    assert {name for _, facts in entries for name in facts.get("after", [])} <= set(labs)


def test_page_of_the_labs_is_current():
    labs = find_labs(ROOT)
    assert not labs_page.is_stale(labs), "run ./lab build"
    assert OTHERS not in labs_page.text(labs), "name each lab in labs/catalogue.yaml"

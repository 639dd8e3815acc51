"""The example for a JupyterHub: the hub reads it, and its script makes each user a course."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from traitlets.config import PyFileConfigLoader

from labkit import home
from labkit.course.labs import find_labs
from labkit.spark import warm_server

EXAMPLE = home.root() / "deploy" / "jupyterhub"
# What jupyterhub-singleuser is for these tests: a learner's terminal in the server that it would be.
TERMINAL = 'printf "%s\\n" "$PWD" "$*"; ./lab start warm_up --no-jupyter; lab progress'


@pytest.fixture(scope="module")
def config():
    return PyFileConfigLoader("jupyterhub_config.py", path=str(EXAMPLE)).load_config()


@pytest.fixture
def shared(tmp_path) -> Path:
    """A hand-out that is set up: this checkout's labs, data, program and packages."""
    folder = tmp_path / "shared"
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    (folder / ".cache" / "jars").mkdir(parents=True)
    for name in ("labs", "datasets"):
        (folder / name).symlink_to(home.root() / name)
    (programs / "lab").symlink_to(Path(sys.executable).with_name("lab"))
    server = programs / "jupyterhub-singleuser"
    server.write_text(f"#!/bin/sh\n{TERMINAL}\n")
    server.chmod(0o755)
    return folder


def opened(user: Path, shared: Path, *options: str) -> str:
    """What a user's server says; no variable of this process reaches it, as under a hub."""
    environment = {"HOME": str(user), "PATH": "/usr/bin:/bin", "LAB_SHARED": str(shared)}
    done = subprocess.run(
        [EXAMPLE / "lab-server", *options], env=environment, cwd=user.parent,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_hub_reads_the_example(config):
    (command,) = config.Spawner.cmd
    assert Path(command) == EXAMPLE / "lab-server"
    assert config.Spawner.environment.keys() == {"LAB_SHARED", warm_server.IDLE}
    (service,), (role,) = config.JupyterHub.services, config.JupyterHub.load_roles
    assert role["services"] == [service["name"]]


def test_idle_users_give_back_their_memory_step_by_step(config):
    kernel = dict(option.removeprefix("--").split("=") for option in config.Spawner.args)
    (service,) = config.JupyterHub.services
    server = int(shlex.join(service["command"]).rpartition("=")[2])
    spark = 60 * float(config.Spawner.environment[warm_server.IDLE])
    assert int(kernel["MappingKernelManager.cull_idle_timeout"]) + spark < server


def test_each_user_has_a_course_of_links_and_work_of_their_own(shared, tmp_path):
    for name in ("ana", "ben"):
        user = tmp_path / name
        user.mkdir()
        course = user / "lakehouse-labs"
        said = opened(user, shared, "--option")
        assert said.splitlines()[:2] == [str(course), "--option"]
        assert str(course / "work" / "00_warm_up" / "lab.ipynb") in said.replace("\n", "")
        for lab in find_labs(course):
            assert lab.work.read_bytes() == lab.starter.read_bytes()
        assert (user / ".cache" / "lakehouse-labs" / "jars").resolve().parent.parent == shared
    assert {path.name for path in shared.iterdir()} == {".venv", ".cache", "labs", "datasets"}


def test_next_start_keeps_work_and_follows_a_new_handout(shared, tmp_path):
    user = tmp_path / "ana"
    user.mkdir()
    opened(user, shared)
    course = user / "lakehouse-labs"
    mine = course / "work" / "00_warm_up" / "lab.ipynb"
    mine.write_text(mine.read_text("utf-8").replace("Learn the loop", "My notes"), "utf-8")
    newer = shared.rename(tmp_path / "newer")
    opened(user, newer)
    assert "My notes" in mine.read_text("utf-8")
    assert (course / "labs").readlink() == newer / "labs"

"""The `lab` script: what it says when a machine lacks something, and that it can be stopped anywhere."""

import ast
import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from networks import Authority, files_served, proxy
from processes import lab_script

from labkit import home

PATIENCE = 180
SCRIPT = home.root() / "lab"
FAKE_PYTHON = """#!/bin/sh
echo "$@" >> "{calls}"
case "$*" in
  *"pip install"*) echo "Collecting chispa"; {pip} ;;
esac
exit 0
"""
FAKE_LAB = '#!/bin/sh\necho "lab in $LAB_ROOT: $@"\n'


class Checkout:
    """A copy of the script with inputs of a line each, and its processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        shutil.copy2(SCRIPT, root / "lab")
        (root / "requirements.lock").write_text("chispa==0.12.0\n")
        (root / "pyproject.toml").write_text("[project]\nname = 'x'\n")
        (root / "jars.lock").write_text("")
        self.stamp = root / ".venv" / "labkit.stamp"

    def module(self):
        return lab_script(self.root)

    def fake_venv(self, pip: str = "true") -> None:
        """A .venv whose programs only say what they were asked for."""
        programs = self.root / ".venv" / "bin"
        programs.mkdir(parents=True)
        calls = self.root / "calls"
        for name, text in (("python", FAKE_PYTHON.format(calls=calls, pip=pip)), ("lab", FAKE_LAB)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-I", str(self.root / "lab"), *arguments],
            env={"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull, **environment},
            cwd=self.root.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        process = self.start(*arguments, **environment)
        said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path / "checkout")


@pytest.fixture(scope="module")
def venv(tmp_path_factory) -> Path:
    """A real and empty virtual environment."""
    folder = tmp_path_factory.mktemp("real") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def with_pip(checkout, venv) -> Checkout:
    """A checkout whose .venv has a real pip and no package."""
    folder = checkout.root / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f'#!/bin/sh\nexec "{venv}/bin/python" "$@"\n')
    (folder / "bin" / "python").chmod(0o755)
    return checkout


@pytest.fixture
def silent_index():
    """A package index that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        yield server


def url(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}/simple"


def test_script_can_be_read_by_old_pythons():
    ast.parse(SCRIPT.read_text("utf-8"), feature_version=(3, 6))


def test_first_run_sets_up_and_hands_over(checkout):
    checkout.fake_venv()
    code, said = checkout.run("list", "--help")
    assert code == 0
    assert said.splitlines()[-1] == f"lab in {checkout.root}: list --help"
    calls = (checkout.root / "calls").read_text()
    assert f"--requirement {checkout.root}/requirements.lock" in calls
    assert "-m labkit.spark.jars fetch" in calls
    assert checkout.stamp.is_file()


def test_no_module_comes_from_the_folder_it_is_called_in(checkout, venv):
    """In a class's pull request that is anybody's folder."""
    (checkout.root.parent / "pip.py").write_text("open('was_here', 'w')\n")
    code = (
        f"import runpy; runpy.run_path({str(SCRIPT)!r})['works']({str(venv / 'bin' / 'python')!r})"
    )
    subprocess.run([sys.executable, "-I", "-c", code], cwd=checkout.root.parent, check=True)
    assert not (checkout.root.parent / "was_here").exists()


def test_second_run_installs_nothing_until_the_lock_changes(checkout):
    checkout.fake_venv()
    checkout.run("list")
    (checkout.root / "calls").unlink()
    assert checkout.run("list") == (0, f"lab in {checkout.root}: list\n")
    assert not (checkout.root / "calls").exists()
    (checkout.root / "requirements.lock").write_text("chispa==0.11.0\n")
    assert "installing packages" in checkout.run("list")[1]


@pytest.fixture
def own_course(checkout) -> Checkout:
    """A course of somebody's own: labkit is a wheel, which holds the versions of all packages."""
    for name in ("requirements.lock", "pyproject.toml", "jars.lock"):
        (checkout.root / name).unlink()
    (checkout.root / "wheels").mkdir()
    packed(checkout, "chispa==0.12.0\n")
    checkout.fake_venv()
    return checkout


def packed(course: Checkout, lock: str) -> Path:
    path = course.root / "wheels" / "lakehouse_labs-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("labkit/program/requirements.lock", lock)
    return path


def test_course_takes_labkit_and_its_versions_from_the_wheel(own_course):
    code, said = own_course.run("list")
    assert (code, said.splitlines()[-1]) == (0, f"lab in {own_course.root}: list")
    calls = (own_course.root / "calls").read_text().splitlines()
    lock = own_course.root / ".venv" / "requirements.lock"
    assert lock.read_text() == "chispa==0.12.0\n"
    assert any(f"--requirement {lock}" in call for call in calls)
    assert any(call.endswith("lakehouse_labs-1-py3-none-any.whl") for call in calls)
    assert not any("--editable" in call for call in calls)


def test_newer_wheel_and_own_packages_are_installed_when_they_change(own_course):
    own_course.run("list")
    assert "Setting up" not in own_course.run("list")[1]
    packed(own_course, "chispa==0.13.0\n")
    assert "Setting up" in own_course.run("list")[1]
    (own_course.root / "requirements.txt").write_text("six\n")
    assert "installing the course's own" in own_course.run("list")[1]
    calls = (own_course.root / "calls").read_text()
    assert f"requirements.txt --constraint {own_course.root}/.venv/requirements.lock" in calls
    assert "Setting up" not in own_course.run("list")[1]


def test_wheel_that_is_a_pointer_is_named(own_course):
    packed(own_course, "").write_text("version https://git-lfs.github.com/spec/v1\n")
    code, said = own_course.run("list")
    assert code == 2
    assert "can't be read" in said and "LFS pointer" in said
    assert not own_course.stamp.exists()


def test_moved_checkout_is_set_up_again(checkout, tmp_path):
    checkout.fake_venv()
    checkout.run("list")
    moved = tmp_path / "moved"
    checkout.root.rename(moved)
    checkout.root = moved
    assert checkout.module().is_set_up() is False


def test_old_python_is_named_with_what_to_install(checkout, monkeypatch, capsys):
    lab = checkout.module()
    monkeypatch.setattr(lab.sys, "version_info", (3, 8, 10, "final", 0))
    monkeypatch.setenv("PATH", str(checkout.root))
    assert lab.main(["list"]) == 2
    said = capsys.readouterr().err
    assert "this is Python 3.8, and Python 3.11 to 3.13 is needed" in said
    assert "apt install python3" in said


def test_newer_python_on_the_path_takes_over_from_an_old_one(checkout, monkeypatch):
    lab = checkout.module()
    (checkout.root / "python3.12").write_text("#!/bin/sh\n")
    (checkout.root / "python3.12").chmod(0o755)
    monkeypatch.setattr(lab.sys, "version_info", (3, 10, 1, "final", 0))
    monkeypatch.setenv("PATH", str(checkout.root))
    assert lab.suitable_python() == str(checkout.root / "python3.12")


def test_python_without_venv_is_told_the_package(checkout, monkeypatch, capsys):
    lab = checkout.module()
    said = subprocess.CompletedProcess([], 1, stdout="/usr/bin/python3: No module named venv\n")
    monkeypatch.setattr(lab.subprocess, "run", lambda *args, **options: said)
    assert lab.main(["list"]) == 2
    assert f"apt install python3.{sys.version_info[1]}-venv" in capsys.readouterr().err
    assert not checkout.stamp.exists()


def test_no_network_is_named_and_leaves_no_stamp(with_pip):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        index = url(closed)
    code, said = with_pip.run("list", PIP_INDEX_URL=index, PIP_RETRIES="1")
    assert code == 2
    assert "The package index could not be reached" in said
    assert "PIP_INDEX_URL" in said
    assert not with_pip.stamp.exists()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on PATH")
def test_certificate_that_pip_does_not_trust_is_named(with_pip, tmp_path):
    with files_served(tmp_path, Authority(tmp_path)) as index:
        code, said = with_pip.run("list", PIP_INDEX_URL=index, PIP_RETRIES="0")
    assert code == 2
    assert "pip does not trust the certificate of the package index" in said
    assert "set PIP_CERT" in said


def test_proxy_that_refuses_pip_is_named(with_pip):
    with proxy() as company:
        company.refusal = (407, "Proxy Authentication Required")
        code, said = with_pip.run(
            "list",
            PIP_INDEX_URL="https://packages.example.com/simple",
            HTTPS_PROXY=company.address,
            PIP_RETRIES="1",
        )
    assert code == 2
    assert "The proxy did not connect to the package index. HTTPS_PROXY" in said


def test_package_that_the_index_lacks_is_named(checkout):
    checkout.fake_venv(pip='echo "ERROR: No matching distribution found for chispa==9"; exit 1')
    code, said = checkout.run("list")
    assert code == 2
    assert "does not have what requirements.lock names" in said
    assert "chispa==9" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_is_named(checkout):
    checkout.fake_venv()
    (checkout.root / ".venv" / "setup.log").symlink_to("/dev/full")
    code, said = checkout.run("list")
    assert code == 2
    assert "the disk is full: free 2 GB" in said
    assert not checkout.stamp.exists()


def test_full_disk_in_pips_words_is_named(checkout):
    checkout.fake_venv(pip='echo "ERROR: [Errno 28] No space left on device"; exit 1')
    assert "The disk is full" in checkout.run("list")[1]


def test_checkout_that_cannot_be_written_is_named(checkout, monkeypatch, capsys):
    lab = checkout.module()
    path = str(checkout.root / ".setup.lock")

    def refuse(work):
        raise OSError(errno.EROFS, "Read-only file system", path)

    monkeypatch.setattr(lab, "with_lock", refuse)
    assert lab.main(["list"]) == 2
    assert f"{path} can't be written; clone the repository to a folder" in capsys.readouterr().err


def test_windows_is_sent_to_wsl(checkout, monkeypatch, capsys):
    lab = checkout.module()
    monkeypatch.setattr(lab.os, "name", "nt")
    with pytest.raises(lab.SetupError, match="wsl --install"):
        lab.require_platform()


def test_set_up_can_be_stopped_half_way_and_goes_on(with_pip, silent_index):
    for _ in range(2):
        process = with_pip.start("list", PIP_INDEX_URL=url(silent_index))
        connection, _ = silent_index.accept()  # pip is at it
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE)
        connection.close()
        assert process.returncode == 130
        assert "run the same command again" in said
        assert "Traceback" not in said
        assert not with_pip.stamp.exists()


def test_second_starter_waits_for_the_first(with_pip, silent_index):
    first = with_pip.start("list", PIP_INDEX_URL=url(silent_index))
    connection, _ = silent_index.accept()
    second = with_pip.start("list", PIP_INDEX_URL=url(silent_index))
    assert "waiting for it" in second.stdout.readline()
    for process in (second, first):
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    connection.close()

"""A part is installed whole or not at all, once, and says what keeps it from being installed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from labkit import home
from labkit.cli import programs
from labkit.cli.main import app
from labkit.cli.parts import provide
from labkit.home import LabError
from labkit.parts import known, packages
from labkit.parts.environment import STAMP, Part

PATIENCE = 180
SIX = Part("six", "Six", wants=("six==1.16.0",), megabytes=1)
# A process that installs the part of a checkout, as `lab parts install` does.
INSTALLER = """
from labkit.parts.environment import Part
Part("six", "Six", wants=(), megabytes=1).install(say=lambda text: print(text, flush=True))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder of the part, really installed."""
    root = tmp_path_factory.mktemp("six")
    with pytest.MonkeyPatch.context() as patch:
        checkout(root, patch)
        try:
            SIX.install()
        except LabError as error:
            if "could not be reached" in str(error):
                pytest.skip(str(error))
            raise
        return SIX.folder


def checkout(root: Path, patch: pytest.MonkeyPatch) -> None:
    (root / "labs").mkdir()
    (root / "lab").touch()
    (root / "requirements-six.lock").write_text("# Six\nsix==1.16.0\n")
    patch.setenv("LAB_ROOT", str(root))
    patch.setenv("LAB_CACHE", str(root / "cache"))


@pytest.fixture
def fresh(tmp_path, monkeypatch) -> Part:
    """The part in a checkout and a cache of their own, not installed."""
    checkout(tmp_path, monkeypatch)
    monkeypatch.setitem(known.PARTS, "six", SIX)
    return SIX


@pytest.fixture
def there(fresh, installed) -> Part:
    """The part, installed in this test's own cache."""
    shutil.copytree(installed, fresh.folder, symlinks=True)
    return fresh


@pytest.fixture
def silent_index():
    """A package index that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        yield server


def url(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}/simple"


def left(part: Part) -> list[str]:
    return sorted(path.name for path in part.folder.parent.glob("*") if path.is_dir())


def test_a_part_is_there_after_its_install_and_done_once(fresh, capsys):
    assert fresh.missing() == "Six is not installed; ./lab parts install six"
    try:
        assert fresh.install()
    except LabError as error:
        pytest.skip(str(error))
    said = capsys.readouterr().out
    assert f"Installing Six, about 1 MB, in {fresh.folder} (once" in said
    assert fresh.missing() == ""
    assert not fresh.install()
    asked = [fresh.python, "-I", "-c", "import six, sys; print(six.__version__, sys.prefix)"]
    got = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    assert got == ["1.16.0", str(fresh.folder)]


def test_a_part_knows_nothing_of_labkits_packages(there):
    asked = [there.python, "-I", "-c", "import pyspark"]
    assert b"ModuleNotFoundError" in subprocess.run(asked, capture_output=True, check=False).stderr


def test_another_lock_is_another_folder_and_a_comment_is_not(there):
    before = there.folder
    there.lock.write_text("# Six, again\nsix==1.16.0\n")
    assert there.folder == before
    there.lock.write_text("six==1.15.0\n")
    assert there.folder != before
    assert there.missing()


def test_a_folder_without_its_stamp_is_not_installed(there):
    (there.folder / STAMP).unlink()
    assert "is not installed" in there.missing()


def test_a_part_whose_python_is_gone_says_so(there):
    (there.folder / "bin" / "python").unlink()
    assert there.missing().startswith("the Python that Six was installed for is gone; ./lab parts")


def test_a_part_is_removed_with_its_earlier_versions(there):
    shutil.copytree(there.folder, there.folder.with_name("six-0000"), symlinks=True)
    assert there.remove()
    assert left(there) == []
    assert "is not installed" in there.missing()
    assert not there.remove()


@pytest.mark.parametrize("pythons", [((3, 9), (3, 10)), ((3, 14), (3, 15))])
def test_a_python_that_a_part_does_not_support_is_named(fresh, pythons):
    part = Part("six", "Six", wants=(), megabytes=1, pythons=pythons)
    here = ".".join(map(str, sys.version_info[:2]))
    assert f"Six needs Python 3.{pythons[0][1]} to 3.{pythons[1][1]}, and this is {here}" in (
        part.missing()
    )
    with pytest.raises(LabError, match="delete .venv and run ./lab with one of these"):
        part.install()


def test_a_copy_of_the_labs_without_the_lock_says_so(fresh):
    fresh.lock.unlink()
    assert "this copy of the labs has no requirements-six.lock" in fresh.missing()


def test_no_network_is_named_and_leaves_nothing(fresh, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setenv("PIP_INDEX_URL", url(closed))
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(LabError, match="The package index could not be reached"):
        fresh.install()
    assert left(fresh) == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: [Errno 28] No space left on device", "The disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES ... six", "arrived other than the index"),
        ("ERROR: No matching distribution found for six==9", "does not have what the lock file"),
        ("error: subprocess-exited-with-error", "subprocess-exited-with-error"),
    ],
)
def test_pips_words_become_a_remedy_and_nothing_is_left(fresh, monkeypatch, tmp_path, said, told):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{said}'\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(packages, "make_folder", lambda folder: folder.mkdir(parents=True))
    monkeypatch.setattr(packages.sys, "executable", str(python))
    with pytest.raises(LabError, match=told):
        fresh.install()
    assert left(fresh) == []


def test_a_full_disk_under_labkits_own_files_is_named(fresh, monkeypatch):
    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr(packages, "make_folder", full)
    with pytest.raises(LabError, match="set LAB_CACHE to a folder on another disk"):
        fresh.install()


def test_a_lock_that_lacks_a_package_is_refused(fresh):
    """python-dateutil wants six."""
    fresh.lock.write_text("python-dateutil==2.9.0.post0\n")
    with pytest.raises(LabError, match="six, which is not installed|could not be reached"):
        fresh.install()
    assert left(fresh) == []


def installer(index: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", INSTALLER], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "PIP_INDEX_URL": index, "PIP_CONFIG_FILE": os.devnull},
    )  # fmt: skip


def test_a_stopped_install_leaves_nothing(fresh, silent_index):
    process = installer(url(silent_index))
    silent_index.accept()  # pip is at it
    pips = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert pips
    psutil.wait_procs(pips, timeout=PATIENCE)
    assert not any(pip.is_running() for pip in pips)
    assert left(fresh) == []
    assert "is not installed" in fresh.missing()


def test_a_second_installer_waits_for_a_pip_whose_caller_was_killed(fresh, silent_index):
    first = installer(url(silent_index))
    connection, _ = silent_index.accept()
    pips = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.communicate()
    assert "is not installed" in fresh.missing()
    second = installer(url(silent_index))
    assert "another ./lab is at Six; waiting for it" in second.stdout.readline()
    second.kill()
    second.communicate()
    for pip in pips:
        pip.kill()
    psutil.wait_procs(pips, timeout=PATIENCE)
    connection.close()
    with fresh._alone(pytest.fail):
        pass


def test_a_second_installer_finds_what_the_first_did(there, monkeypatch, capsys):
    with there._alone(print):
        process = installer("http://127.0.0.1:9/simple")
        assert "waiting for it" in process.stdout.readline()
    said, wrong = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said, wrong) == (0, "", "")


def test_a_lock_file_is_written_with_the_whole_closure(fresh, monkeypatch):
    part = Part("six", "Six", wants=("python-dateutil==2.9.0.post0",), megabytes=1,
                pythons=(sys.version_info[:2], sys.version_info[:2]))  # fmt: skip
    try:
        lines = part.relock()
    except LabError as error:
        pytest.skip(str(error))
    assert [line.split("==")[0] for line in lines] == ["python-dateutil", "six"]
    text = part.lock.read_text()
    assert text.startswith("# Six, written by `lab parts lock six`: python-dateutil==2.9.0")
    assert left(part) == []


def test_a_lock_file_is_made_on_the_oldest_python_alone(fresh):
    newer = (sys.version_info[0], sys.version_info[1] - 1), (3, 99)
    with pytest.raises(LabError, match="its oldest"):
        Part("six", "Six", wants=(), megabytes=1, pythons=newer).relock()


# ---------------------------------------------------------------- the parts that there are


@pytest.mark.parametrize("part", known.PARTS.values(), ids=lambda part: part.name)
def test_each_part_has_a_lock_of_exact_versions_and_a_marker(part):
    lines = part.lock.read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(len(pin.split("==")) == 2 for pin in pins)
    assert {want.partition("[")[0].split("==")[0] for want in part.wants} <= {
        pin.split("==")[0] for pin in pins
    }
    assert all(
        f"{want.partition('[')[0].split('==')[0]}=={want.split('==')[1]}" in pins
        for want in part.wants
    )
    assert f'"{part.name}: ' in (home.root() / "pyproject.toml").read_text("utf-8")


def test_a_part_that_is_none_is_named_with_the_nearest():
    with pytest.raises(LabError, match="Did you mean `airflow`"):
        known.find_part("airflw")


def test_the_commands_list_install_and_remove(fresh, there, toy, monkeypatch):
    shutil.copy(there.lock, toy.root)
    monkeypatch.setenv("LAB_ROOT", str(toy.root))
    lab = CliRunner()
    assert "installed, 0 MB" in lab.invoke(app, ["parts"]).output
    assert lab.invoke(app, ["parts", "install", "six", "toy"]).output == "Six is installed.\n"
    assert lab.invoke(app, ["parts", "remove", "six"]).output == "Six is removed.\n"
    assert "Six is not installed; ./lab parts install six" in lab.invoke(app, ["parts"]).output
    assert lab.invoke(app, ["parts", "remove", "six"]).output == "Six was not installed.\n"


def test_a_lab_opens_without_a_part_that_cant_be_installed(fresh, toy, monkeypatch, capsys):
    monkeypatch.setitem(toy.about, "needs", ["six"])
    fresh.lock.unlink()
    provide([toy])
    said, warned = capsys.readouterr()
    assert said == "toy needs Six.\n"
    assert "no requirements-six.lock" in warned
    assert "Until then the checks that need it are skipped." in warned
    with pytest.raises(LabError, match="no requirements-six.lock"):
        provide([toy], required=True)


def test_a_lab_that_needs_a_part_has_it_installed_once(there, toy, monkeypatch, capsys):
    monkeypatch.setitem(toy.about, "needs", ["six", "kafka"])
    monkeypatch.setattr(Part, "install", lambda *args, **options: pytest.fail("installed again"))
    provide([toy], required=True)
    assert capsys.readouterr().out == ""


def test_doctor_names_a_part_that_a_lab_needs(fresh, monkeypatch):
    monkeypatch.setattr(programs, "who_need", lambda part, labs: ["some_lab"])
    found = programs.looks_at(fresh)()
    assert (found.name, found.ok) == ("Six", None)
    assert found.detail == "Six is not installed; some_lab needs it"
    assert found.remedy == "./lab parts install six"
    monkeypatch.setattr(programs, "who_need", lambda part, labs: [])
    assert programs.looks_at(fresh)().ok

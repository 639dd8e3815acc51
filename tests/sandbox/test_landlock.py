"""A process that has given up writing can't have it back; each case is a process of its own."""

import os
import subprocess
import sys

import pytest

from labkit.sandbox import landlock

pytestmark = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")


def run(tmp_path, code):
    """What the code prints once it may write in `mine` alone; each error by its name."""
    for name in ("mine", "other"):
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / "other" / "file").write_text("as it was")
    head = (
        "import os, signal, subprocess, sys\nfrom pathlib import Path\n"
        "from labkit.sandbox.landlock import write_only_in\n"
        "mine, other = Path('mine').resolve(), Path('other').resolve()\n"
        "write_only_in([mine])\n"
        "def attempt(action):\n"
        "    try:\n        action()\n        print('done')\n"
        "    except OSError as error:\n        print(type(error).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", head + code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PARENT": str(os.getpid())},
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    "action",
    [
        "(other / 'new').write_text('x')",
        "(other / 'file').write_text('x')",
        "(other / 'file').unlink()",
        "(other / 'file').rename(mine / 'file')",
        "(other / 'folder').mkdir()",
        "os.symlink('/', other / 'link')",
        "os.link(other / 'file', mine / 'file')",
        "os.truncate(other / 'file', 0)",
        "os.mkfifo(other / 'pipe')",
    ],
)
def test_nothing_changes_outside_of_its_folders(tmp_path, action):
    # A link to a place where more is allowed is an EXDEV, which has no class of its own.
    assert run(tmp_path, f"attempt(lambda: {action})") in (["PermissionError"], ["OSError"])
    assert [entry.name for entry in (tmp_path / "other").iterdir()] == ["file"]
    assert (tmp_path / "other" / "file").read_text() == "as it was"


@pytest.mark.parametrize(
    "action",
    [
        "(mine / 'new').write_text('x')",
        "(mine / 'a' / 'b').mkdir(parents=True)",
        "print(end=(other / 'file').read_text()[:0])",
        "Path(os.devnull).write_text('x')",
        "subprocess.run([sys.executable, '-c', '1'], check=True)",
    ],
)
def test_the_rest_goes_on(tmp_path, action):
    assert run(tmp_path, f"attempt(lambda: {action})") == ["done"]


def test_children_are_bound_too(tmp_path):
    code = (
        "code = \"open('../other/new', 'w')\"\n"
        "print(subprocess.run([sys.executable, '-c', code], cwd=mine, stderr=-3).returncode)"
    )
    assert run(tmp_path, code) == ["1"]
    assert not (tmp_path / "other" / "new").exists()


def test_memory_of_others_is_closed(tmp_path):
    code = "attempt(lambda: open(f\"/proc/{os.environ['PARENT']}/mem\", 'rb'))"
    assert run(tmp_path, code) == ["PermissionError"]


@pytest.mark.skipif(landlock.version() < 6, reason="this kernel's Landlock knows no signals")
def test_others_get_no_signals(tmp_path):
    code = (
        "attempt(lambda: os.kill(int(os.environ['PARENT']), signal.SIGCONT))\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "attempt(lambda: child.kill())\nchild.wait()"
    )
    assert run(tmp_path, code) == ["PermissionError", "done"]

"""The look at a submission's files while it runs: others' files alone stop nobody."""

import os
import queue
import subprocess
import sys
import tempfile
from contextlib import nullcontext

import pytest

from labkit.grading import disk_watch, held_files
from labkit.sandbox import sandbox
from labkit.sandbox.limits import Limits


@pytest.fixture
def taken(monkeypatch):
    """What the file system says has been taken, and a watch that waits for no second."""
    found = [0, 0]
    monkeypatch.setattr(disk_watch, "_taken", lambda place: tuple(found))
    monkeypatch.setattr(disk_watch, "EVERY_SECONDS", 0.01)
    return found


@pytest.mark.parametrize("limits", [Limits(files=50), Limits(disk_mb=1)])
def test_who_fills_the_disk_is_stopped_once(tmp_path, taken, limits):
    told = queue.Queue()
    with disk_watch.watched(tmp_path, limits, told.put):
        (tmp_path / "many").mkdir()
        for number in range(60):
            (tmp_path / "many" / str(number)).write_bytes(bytes(20_000))
        taken[:] = [60, 2_000_000]
        said = told.get(timeout=60)
    assert said == f"it made more than {limits.files:,} files, or {limits.disk_mb:,} MB of them"
    assert told.empty()


@pytest.mark.parametrize(("files", "others"), [(60, 40), (40, 10**9)])
def test_who_does_not_is_not(tmp_path, taken, monkeypatch, files, others):
    looked = queue.Queue()
    monkeypatch.setattr(disk_watch, "_taken", lambda place: looked.put(1) or tuple(taken))
    told = queue.Queue()
    with disk_watch.watched(tmp_path, Limits(files=50), told.put):
        for number in range(files):
            (tmp_path / str(number)).touch()
        looked.get(timeout=60)
        taken[:] = [others, 0]
        for _ in range(looked.qsize() + 2):
            looked.get(timeout=60)
    assert told.empty()


def test_file_system_is_asked(tmp_path):
    files, size = disk_watch._taken(tmp_path)
    assert files >= 0
    assert size > 0


LONG = "n" * 200


def below_a_long_path(folder):
    """Files in a folder whose path is longer than Linux takes one."""
    here = os.open(folder, os.O_DIRECTORY)
    for _ in range(25):
        os.mkdir(LONG, dir_fd=here)
        deeper = os.open(LONG, os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(os.open("mine", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def test_folder_that_cannot_be_looked_at_counts_as_full(tmp_path):
    (tmp_path / "folder").mkdir()
    assert not disk_watch.is_full(tmp_path, 1000, 10**9)
    below_a_long_path(tmp_path / "folder")
    assert disk_watch.is_full(tmp_path, 1000, 10**9)
    sandbox.remove(tmp_path / "folder")


def test_file_that_goes_meanwhile_hides_no_other(tmp_path, monkeypatch):
    class Gone:
        path = "gone"

        def is_dir(self, follow_symlinks):
            return False

        def stat(self, follow_symlinks):
            raise FileNotFoundError

    (tmp_path / "mine").touch()
    there = list(os.scandir(tmp_path))
    monkeypatch.setattr(os, "scandir", lambda path: nullcontext([Gone(), *there]))
    assert disk_watch.is_full(tmp_path, 0, 10**9)


HOLDS = {
    "open": "mine()",
    "of a thread alone": "threading.Thread(target=by_itself, daemon=True).start(); done.wait()",
    "mapped": "libc.mmap(None, 4096, 1, 1, mine(), 0); os.close(3)",
    "on its way": "socket.send_fds(lines[0], [b'x'], [mine()]); os.close(5)",
}
HOLDER = """
import ctypes, os, socket, sys, threading

libc = ctypes.CDLL(None)
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
done = threading.Event()
lines = socket.socketpair() if "lines" in sys.argv[1] else ()

def mine():
    found = os.open("mine", os.O_CREAT | os.O_RDWR)
    os.unlink("mine")
    os.posix_fallocate(found, 0, 1 << 20)
    return found

def by_itself():
    libc.unshare(0x400)  # its table of open files
    mine()
    done.set()
    threading.Event().wait()

exec(sys.argv[1])
print(flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells which files are held")
@pytest.mark.parametrize("hold", HOLDS.values(), ids=HOLDS)
def test_file_without_a_name_counts_however_it_is_held(tmp_path, hold):
    command = [sys.executable, "-c", HOLDER, hold]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as process:
        process.stdout.readline()
        found = list(held_files.held([process.pid, process.pid], 1 << 20))
        process.stdin.close()
    assert found == [1 << 20]


def test_file_with_a_name_is_counted_where_it_lies(tmp_path):
    before = len(list(held_files.held([os.getpid()], 5)))  # pytest holds some
    with (tmp_path / "mine").open("wb"), tempfile.TemporaryFile():
        assert len(list(held_files.held([os.getpid()], 5))) == before + 1

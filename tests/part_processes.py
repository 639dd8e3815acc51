"""What tests of a part's processes share: functions that run there, and what waits for an end."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import alive

PATIENCE = 120


def leaves():
    print("on my way out")
    os._exit(7)


def sleeps():
    import subprocess

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path("pid").write_text(str(child.pid))
    time.sleep(600)


def wait_for(path: Path) -> str:
    """What a file holds, when there is one."""
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} has not come"
        time.sleep(0.01)  # between two looks for the file
    return path.read_text()


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.05)


@contextmanager
def interrupt_after(seconds: float) -> Iterator[None]:
    """Raises KeyboardInterrupt in what is under way then, as a Ctrl-C does."""

    def stop(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


INSIDE = """
import linecache, os
TEXT = '''
def looks(path):
    import os, socket
    try:
        socket.create_connection(("192.0.2.1", 80), 2)
        reached = True
    except OSError:
        reached = False
    open("mine", "w").write("x")
    return [os.getcwd(), os.path.exists(path), reached]
'''
linecache.cache["<cell>"] = (len(TEXT), None, TEXT.splitlines(True), "<cell>")
exec(compile(TEXT, "<cell>", "exec"))
from labkit.parts.process import run
os.environ["LAB_SCRATCH"] = os.getcwd()
print(run("airflow", looks, {secret!r}))
"""

"""The processes that come from a judge: found, adopted when their parents end, and killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from labkit.sandbox import launcher


def adopt_orphans() -> None:
    """Makes this process the parent of what a submission's processes leave behind."""
    with suppress(AttributeError, OSError):
        launcher.prctl(launcher.PR_SET_CHILD_SUBREAPER, 1)


def children() -> dict[int, list[int]]:
    """The processes of this machine by their parent."""
    by_parent: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, ValueError):
                stat = Path(f"/proc/{name}/stat").read_text()
                by_parent.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(name))
    return by_parent


def descendants(pid: int) -> Iterator[int]:
    """The processes that come from `pid`, nearest first."""
    by_parent = children()
    waiting = list(by_parent.get(pid, ()))
    while waiting:
        child = waiting.pop(0)
        yield child
        waiting += by_parent.get(child, ())


def kill_all_but(kept: Collection[int]) -> int:
    """Kills what comes from this process, but for `kept`; how many there were. Again until none is left."""
    killed: set[int] = set()
    while True:
        fresh = [pid for pid in descendants(os.getpid()) if pid not in kept and _runs(pid)]
        for pid in fresh:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not set(fresh) - killed:
            break
        killed.update(fresh)
    # The ended ones, adopted ones too; Popen forgives that its own are gone.
    for pid in children().get(os.getpid(), []):
        if pid not in kept and not _runs(pid):
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
    return len(killed)


def _runs(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False

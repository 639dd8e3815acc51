"""Commits that somebody takes out of a Delta table's log while a check runs: Linux tells of each.

Spark removes files that a statement names, and it may name a commit. The log alone doesn't show
afterwards that there was one more.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import struct
import sys
from pathlib import Path

MOVED_FROM, DELETED = 0x40, 0x200
OVERFLOW, NO_WATCH_ANY_MORE = 0x4000, 0x8000
ONLY_FOLDERS = 0x01000000
EVENT = struct.Struct("iIII")  # a watch, what happened, a cookie, the bytes of the name
READ_BYTES = 1 << 20
COMMIT = re.compile(r"(\d{20})\.json")


class LogWatch:
    """Watches folders of logs from the first time that it is asked about them."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._inotify = int(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        if self._inotify < 0:
            raise OSError(ctypes.get_errno(), "Linux watches no more for this user")
        self._gone: dict[int, set[int]] = {}  # by watch: the numbers of commits

    def lost(self, log: Path) -> bool:
        """Whether a commit has left this log since it was watched, but for the oldest ones.

        Delta removes those itself once they are old, and the first that it leaves is newer. Where
        Linux doesn't watch, nothing is lost.
        """
        self._read()  # what happened before is no matter of a log that is first asked about now
        wanted = MOVED_FROM | DELETED | ONLY_FOLDERS
        watch = int(self._libc.inotify_add_watch(self._inotify, os.fsencode(log), wanted))
        if watch < 0:
            return False
        gone = self._gone.setdefault(watch, set())
        self._read()
        there = [int(found[1]) for name in os.listdir(log) if (found := COMMIT.fullmatch(name))]
        return any(number >= min(there, default=0) for number in gone)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._inotify, READ_BYTES)
            except BlockingIOError:
                return
            place = 0
            while place < len(data):
                watch, what, _, size = EVENT.unpack_from(data, place)
                place += EVENT.size
                name = os.fsdecode(data[place : place + size].rstrip(b"\0"))
                place += size
                if what & OVERFLOW:  # of any of them
                    for gone in self._gone.values():
                        gone.add(sys.maxsize)
                elif what & NO_WATCH_ANY_MORE:  # the folder is gone, and with it the table
                    self._gone.pop(watch, None)
                elif watch in self._gone and (found := COMMIT.fullmatch(name)):
                    self._gone[watch].add(int(found[1]))


@functools.cache
def _of_process(process: int) -> LogWatch:
    """One for a process, which it is asked with: a forked child reads no events of its parent's."""
    return LogWatch()


def lost_commits(log: str) -> bool:
    """Whether a commit has been taken out of a log, given as its path, since this was first asked."""
    if sys.platform != "linux":
        return False
    try:
        return _of_process(os.getpid()).lost(Path(log))
    except OSError:  # the folder went this moment, or Linux watches nothing for now
        return False

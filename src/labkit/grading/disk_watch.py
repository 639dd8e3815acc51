"""Looks, while a submission runs, that it does not fill the disk that other workers need, too."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

from labkit.grading.held_files import held
from labkit.sandbox import processes
from labkit.sandbox.limits import MB, Limits

EVERY_SECONDS = 1.0
GONE = (FileNotFoundError, NotADirectoryError)  # it was removed just now


@contextmanager
def watched(place: Path, limits: Limits, stop: Callable[[str], None]) -> Iterator[None]:
    """Calls `stop` once, from another thread, with the reason why, when too much lies in `place`.

    The file system is asked each second, which costs nothing; files are counted when it has lost as
    much as one submission may take, whoever took it: those in `place`, and those without a name that
    processes below this one hold.
    """
    ended = threading.Event()
    most = limits.disk_mb * MB

    def nameless() -> Iterator[int]:
        return held(processes.descendants(os.getpid()), limits.file_mb * MB)

    def watch() -> None:
        before = _taken(place)
        while not ended.wait(EVERY_SECONDS):
            with suppress(MemoryError):  # of what a submission sends just now; it passes
                now = _taken(place)
                lost = now[0] - before[0] > limits.files or now[1] - before[1] > most
                if lost and is_full(place, limits.files, most, nameless()):
                    made = f"more than {limits.files:,} files, or {limits.disk_mb:,} MB of them"
                    stop(f"it made {made}")
                    return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def is_full(place: Path, most: int, most_bytes: int, others: Iterable[int] = ()) -> bool:
    """Whether more files, or bytes, lie in a folder than these; it is read no further than that.

    `others` are the sizes of further files. A folder that can't be looked at, since it is locked or
    its path is too long for the system, may hold any number of them: then it is full.
    """
    files = size = 0
    try:
        for taken in chain(_sizes(place), others):
            files += 1
            size += taken
            if files > most or size > most_bytes:
                return True
    except OSError:
        return True
    return False


def _sizes(place: Path) -> Iterator[int]:
    """The bytes of each entry below a folder: of a folder itself 0; OSError where it can't be read."""
    waiting = [place]
    while waiting:
        with suppress(*GONE), os.scandir(waiting.pop()) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                    yield 0
                    continue
                with suppress(*GONE):
                    yield entry.stat(follow_symlinks=False).st_blocks * 512


def _taken(place: Path) -> tuple[int, int]:
    """Files and bytes on the file system of a folder."""
    disk = os.statvfs(place)
    return disk.f_files - disk.f_ffree, (disk.f_blocks - disk.f_bfree) * disk.f_frsize

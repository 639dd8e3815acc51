"""Looks, while a submission runs, that it does not fill the disk that other workers need, too."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labkit.sandbox.limits import MB, Limits

EVERY_SECONDS = 1.0


@contextmanager
def watched(place: Path, limits: Limits, stop: Callable[[str], None]) -> Iterator[None]:
    """Calls `stop` once, from another thread, with the reason why, when too much lies in `place`.

    The file system is asked each second, which costs nothing; files are counted when it has lost as
    much as one submission may take, whoever took it.
    """
    ended = threading.Event()

    def watch() -> None:
        before = _taken(place)
        while not ended.wait(EVERY_SECONDS):
            now = _taken(place)
            lost = now[0] - before[0] > limits.files or now[1] - before[1] > limits.disk_mb * MB
            if lost and is_full(place, limits.files, limits.disk_mb * MB):
                stop(f"it made more than {limits.files:,} files, or {limits.disk_mb:,} MB of them")
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def is_full(place: Path, most: int, most_bytes: int) -> bool:
    """Whether more files, or bytes, lie in a folder than these; it is read no further than that."""
    files = size = 0
    waiting = [place]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as found:
            for entry in found:
                files += 1
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                else:
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                if files > most or size > most_bytes:
                    return True
    return False


def _taken(place: Path) -> tuple[int, int]:
    """Files and bytes on the file system of a folder."""
    disk = os.statvfs(place)
    return disk.f_files - disk.f_ffree, (disk.f_blocks - disk.f_bfree) * disk.f_frsize

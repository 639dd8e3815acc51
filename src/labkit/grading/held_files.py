"""Files that were removed and take the disk all the same: they lie in no folder, and a process holds them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

REMOVED = " (deleted)"  # how Linux ends the name of such a file
ON_THE_WAY = re.compile(r"^scm_fds:\s*(\d+)$", re.MULTILINE)  # files that a line holds, to be taken
# Memory that Linux shows as a file, and a folder in memory, which has a size of its own.
IN_MEMORY = ("/dev/zero", "/SYSV", "/memfd:", "/dev/shm/")

Held = tuple[tuple[int, ...], int]  # what tells the file from others, and its bytes


def held(pids: Iterable[int], most: int) -> Iterator[int]:
    """The bytes of each file without a name that one of these processes holds, each file once.

    Open, or only mapped, or sent to itself and not taken: of the last two Linux tells no size to an
    ordinary user, so they count as the greatest that a file may be, `most`.
    """
    known = set()
    processes = list(pids)
    for look in (_open, _mapped, _sent):  # the quick ones first
        for pid in processes:
            for key, size in look(pid, most):
                if key not in known:
                    known.add(key)
                    yield size


def _open(pid: int, most: int) -> Iterator[Held]:
    for _, opened in _descriptors(pid):
        with suppress(OSError):
            if os.readlink(opened).endswith(REMOVED) and (found := _nameless(opened)):
                yield found


def _mapped(pid: int, most: int) -> Iterator[Held]:
    maps = ""
    with suppress(OSError):
        maps = Path(f"/proc/{pid}/maps").read_text("utf-8", "replace")
    for line in maps.splitlines():
        if not line.endswith(REMOVED):
            continue
        where, _, _, device, inode, name = line.split(maxsplit=5)
        if not name.startswith(IN_MEMORY):
            major, minor = (int(part, 16) for part in device.split(":"))
            try:  # for root alone
                if found := _nameless(Path(f"/proc/{pid}/map_files/{where}")):
                    yield found
            except OSError:
                yield (os.makedev(major, minor), int(inode)), most


def _sent(pid: int, most: int) -> Iterator[Held]:
    for thread, opened in _descriptors(pid):
        with suppress(OSError):
            if (name := os.readlink(opened)).startswith("socket:"):
                told = (thread / "fdinfo" / opened.name).read_text()
                for number in range(sum(map(int, ON_THE_WAY.findall(told)))):
                    yield (int(name[8:-1]), number), most


def _descriptors(pid: int) -> Iterator[tuple[Path, Path]]:
    """What each thread of a process has open: one may have a table of its own."""
    for thread in _listed(Path(f"/proc/{pid}/task")):
        for opened in _listed(thread / "fd"):
            yield thread, opened


def _nameless(path: Path) -> Held | None:
    """The file that a link of /proc leads to, if it is an ordinary one without a name."""
    told = path.stat()
    if stat.S_ISREG(told.st_mode) and not told.st_nlink:
        return (told.st_dev, told.st_ino), told.st_blocks * 512
    return None


def _listed(folder: Path) -> list[Path]:
    with suppress(OSError):  # the process has ended, or its memory is closed
        return list(folder.iterdir())
    return []

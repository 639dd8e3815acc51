"""Where things are: the checkout, what a learner keeps, the cache; and the error that has a remedy."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import platformdirs

MARK = "lab"  # beside labs/: the script that sets a course up and runs its commands
PROGRAM = "program"  # beside these modules in a wheel: what a checkout has at its top


class LabError(Exception):
    """Something a person can mend; the message says what happened, where, and what to do."""

    exit_code = 2

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback (IPython asks for it by this name)."""
        return [f"lab: {self}"]


def root() -> Path:
    """The course: LAB_ROOT, else the checkout or the .venv that labkit runs from, else upward from here.

    Here comes last: a fork that somebody handed in is a course too, and its checks are not ours.
    """
    if given := os.environ.get("LAB_ROOT"):
        if is_course(Path(given)):
            return Path(given).resolve()
        raise LabError(
            f"LAB_ROOT is {given}, which is no course (a folder with labs/ and the script lab); unset it"
        )
    here = Path.cwd()
    installed = Path(__file__).resolve().parents[2]
    for folder in (installed, Path(sys.prefix).parent, here, *here.parents):
        if is_course(folder):
            return folder.resolve()
    raise LabError(
        f"{here} is not inside a checkout of Lakehouse Labs, nor inside a course of your own "
        "(`lab init`); change to its folder and try again"
    )


def use(folder: Path) -> None:
    """Decides the checkout for this process and for those that it starts."""
    os.environ["LAB_ROOT"] = str(folder)


def is_course(folder: Path) -> bool:
    """Whether it is a checkout of Lakehouse Labs, a hand-out, or a course of somebody's own."""
    return (folder / "labs").is_dir() and (folder / MARK).is_file()


def program() -> Path:
    """The folder of what travels with labkit beside its modules: lock files, scripts, pages."""
    package = Path(__file__).resolve().parent
    return package / PROGRAM if packed() else package.parents[1]


def packed() -> bool:
    """Whether this labkit was installed from a wheel, which has all of that in a folder of its own."""
    return (Path(__file__).resolve().parent / PROGRAM).is_dir()


def lock_file(name: str, course: Path | None = None) -> Path:
    """A lock file: the course's own, if it has one, else the one that labkit was released with."""
    own = (course or root()) / name
    return own if own.is_file() else program() / name


def cache_dir() -> Path:
    """The folder for jars and data, made on the first call: LAB_CACHE, the user's, or the checkout's."""
    if given := os.environ.get("LAB_CACHE"):
        folder = Path(given)
        if not _writable(folder):
            raise LabError(f"LAB_CACHE is {given}, which can't be written; name another folder")
        return folder
    usual = Path(platformdirs.user_cache_dir("lakehouse-labs"))
    for folder in (usual, root() / ".cache"):
        if _writable(folder):
            return folder
    raise LabError(f"neither {usual} nor {root() / '.cache'} can be written; set LAB_CACHE")


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def kept_file(root: Path, name: str) -> Path:
    """`name`.json beside the learner's work, or in their cache if they can't write there."""
    work = root / "work"
    if os.access(work if work.exists() else root, os.W_OK):
        return work / f"{name}.json"
    checkout = hashlib.sha256(str(root).encode()).hexdigest()[:16]
    return cache_dir() / name / f"{checkout}.json"


def read_kept(file: Path, sound: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    """What a file keeps; None if it is missing, or not `sound`: then a copy of it is put aside.

    `sound` looks at the parts that a program relies on, and may raise what looking at them raises.
    """
    try:
        data = json.loads(file.read_text("utf-8"))
        if isinstance(data, dict) and sound(data):
            return data
    except OSError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        pass
    with suppress(OSError):  # a full disk, say, is no reason to stop
        shutil.copy2(file, file.with_suffix(".unreadable.json"))
    return None


@contextmanager
def changing(file: Path, load: Callable[[], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What a file keeps, to be changed in place; replaced at the end, by one process at a time."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = (file.parent / f".{file.stem}.lock").open("w")
    except OSError:
        yield load()  # where it can't be kept, the work goes on without it
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        data = load()
        yield data
        if file.exists() and not os.access(file, os.R_OK):
            return  # it belongs to another user, after one `sudo ./lab`: leave it alone
        with suppress(OSError):
            handle, draft = tempfile.mkstemp(prefix=f".{file.stem}-", dir=file.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as out:
                    json.dump(data, out, indent=1, sort_keys=True)
                os.replace(draft, file)
            except BaseException:  # Ctrl-C among them
                os.unlink(draft)
                raise

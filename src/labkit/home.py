"""Where things are: the checkout, the learner's work, the cache; and the error that has a remedy."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs


class LabError(Exception):
    """Something a person can mend; the message says what happened, where, and what to do."""

    exit_code = 2

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback (IPython asks for it by this name)."""
        return [f"lab: {self}"]


def root() -> Path:
    """The checkout: LAB_ROOT, else where this package was installed from, else upward from here.

    Here comes last: a fork that somebody handed in is a checkout too, and its checks are not ours.
    """
    if given := os.environ.get("LAB_ROOT"):
        if is_checkout(Path(given)):
            return Path(given).resolve()
        raise LabError(f"LAB_ROOT is {given}, which is no checkout of Lakehouse Labs; unset it")
    here = Path.cwd()
    installed = Path(__file__).resolve().parents[2]
    for folder in (installed, here, *here.parents):
        if is_checkout(folder):
            return folder.resolve()
    raise LabError(
        f"{here} is not inside a checkout of Lakehouse Labs; "
        "change to the folder that you cloned and try again"
    )


def use(folder: Path) -> None:
    """Decides the checkout for this process and for those that it starts."""
    os.environ["LAB_ROOT"] = str(folder)


def is_checkout(folder: Path) -> bool:
    return (folder / "labs").is_dir() and (folder / "jars.lock").is_file()


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

"""Why a path is no submission, before anything is read of it: a link, a pipe, a way out of a folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

KINDS = (".ipynb", ".py")
ARCHIVES = (".zip", ".7z", ".rar", ".tgz")


def refusal(path: Path) -> str:
    """Why a path that somebody named is refused; empty when it is not, or isn't there.

    A link to the solution would have full marks. Below the current folder no link is followed;
    elsewhere neither the file nor its folder is one.
    """
    if not os.path.lexists(path):
        return ""
    absolute = Path(os.path.abspath(path))
    return leads_away(path, Path() if in_current_folder(path) else absolute.parent.parent)


def in_current_folder(path: Path) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(Path.cwd())


def leads_away(path: Path, base: Path) -> str:
    """Why a path is not below `base` without links; empty when it is, or isn't there at all."""
    try:
        real, root = path.resolve(), base.resolve()
    except (OSError, RuntimeError) as error:
        return f"{path.name} can't be reached: {error}"
    if not real.is_relative_to(root):
        return f"{path.name} leads out of the folder {root.name or root}; hand in the file itself"
    if real != Path(os.path.normpath(root / os.path.relpath(path, base))):
        return f"{path.name} goes through a symbolic link; hand in the file itself"
    return not_ordinary(path)


def link(path: Path) -> str:
    if path.is_symlink():
        return f"{path.name} is a symbolic link; hand in the file itself"
    return ""


def not_ordinary(path: Path) -> str:
    """Why opening a path could wait for ever: a pipe, a socket, a device.

    A folder passes: reading it says what it is.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""  # reading it says what is wrong
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return ""
    return f"{path.name} is not an ordinary file"


def another_kind(path: Path) -> str:
    """Why a file is not taken that somebody may have meant to hand in; empty for any other file."""
    endings = [ending.lower() for ending in path.suffixes]
    last = endings[-1] if endings else ""
    if last in (".html", ".htm"):
        return f"{path.name} is a web page, which can't be run; hand in the notebook (.ipynb)"
    if last == ".dbc":
        return f"{path.name} is an archive of Databricks; export it as IPython notebook (.ipynb)"
    if last in ARCHIVES or endings[-2:] == [".tar", ".gz"]:
        return f"{path.name} is an archive; unpack it and hand in the notebook (.ipynb)"
    if last in KINDS and path.suffix not in KINDS:
        return f"{path.name} ends in capitals; rename it to {path.stem}{last}"
    before = endings[-2] if len(endings) > 1 else ""
    if (before == ".ipynb" and last not in KINDS) or (before, last) == (".py", ".txt"):
        stem = Path(path.stem).stem
        return f"{path.name} has one ending too many; rename it to {stem}{before}"
    return ""

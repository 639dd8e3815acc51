"""The sandbox of grading: where a submission's processes run, and what they see."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from labkit import home
from labkit.sandbox import launcher

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
NOBODY = 65534
_state: dict[str, str] = {}


def leave_network() -> str:
    """Takes this process off the network, but for a loopback of its own; "" or why it can't.

    Its mounts are its own, too: sandboxes need that. Call it first, before a library starts threads.
    What this process starts stays in there as well.
    """
    if "reason" not in _state:
        _state["reason"] = _leave_network()
    return _state["reason"]


@cache
def reason() -> str:
    """Why there is no sandbox on this system; "" when there is. Asked in a process of its own."""
    code = "from labkit.sandbox.sandbox import leave_network; print(leave_network())"
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip()[-200:]


def _leave_network() -> str:
    if sys.platform != "linux":
        return "namespaces are a thing of Linux"
    try:
        if os.geteuid() == 0:
            launcher.unshare(launcher.NEWNET | launcher.NEWNS)
        else:
            user, group = os.geteuid(), os.getegid()
            launcher.unshare(launcher.NEWUSER | launcher.NEWNET | launcher.NEWNS)
            launcher.map_user("self", f"{user} {user} 1\n", f"{group} {group} 1\n")
        launcher.loopback_up()
        launcher.forget_closed_lines()
        launcher.keep_mounts()
    except OSError as error:
        return f"this system allows no namespaces here ({error})"
    os.umask(0o022)  # root's files are read by the sandbox's user
    with Sandbox.make(on=True) as trial:
        command = trial.command([sys.executable, "-c", "import labkit"], cwd=trial.submissions)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    last = done.stderr.strip().splitlines()[-1:]
    return "" if done.returncode == 0 else f"a trial of it failed ({' '.join(last)})"


@dataclass(frozen=True)
class Sandbox:
    """The folders of a grading worker, and how it starts processes; without `on` they are only limited.

    Inside, a JVM writes in `jvm`, `submissions` and `checks`, a submission in its own folder of
    `submissions`, in `checks` and in the JVM's warehouse. `data` can only be read. What the
    judge makes in there itself nobody inside can rename or remove when root started it. A link that
    somebody inside puts into `checks` leads nowhere for the judge.
    """

    place: Path
    on: bool
    reason: str = ""
    user: int = field(default_factory=lambda: os.geteuid() or NOBODY)

    @classmethod
    def make(cls, *, on: bool, reason: str = "") -> Sandbox:
        """Fresh folders, in a place that others can't list."""
        place = Path(tempfile.mkdtemp(prefix="labkit-", dir="/tmp"))
        place.chmod(0o711)
        made = cls(place, on, reason)
        for name in ("root", "jvm", "submissions", "checks", "data"):
            (place / name).mkdir(mode=0o755)
        made.checks.chmod(0o1777)  # as /tmp: whoever made an entry may rename or remove it
        if on:
            launcher.follow_no_links(str(made.checks))
        return made

    @property
    def jvm(self) -> Path:
        return self.place / "jvm"

    @property
    def submissions(self) -> Path:
        return self.place / "submissions"

    @property
    def checks(self) -> Path:
        return self.place / "checks"

    @property
    def data(self) -> Path:
        return self.place / "data"

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Removes the folders."""
        remove_place(self.place)

    def give(self, path: Path) -> None:
        """Makes the sandbox's user the owner of `path` (root's sandboxes have a user of their own)."""
        if self.on and os.geteuid() == 0:
            os.chown(path, self.user, self.user, follow_symlinks=False)

    def command(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        read: Iterable[Path] = (),
        write: Iterable[Path] = (),
        give: Iterable[Path] = (),
        closed: Iterable[Path] = (),
        no_links: Iterable[Path] = (),
        limits: dict[str, int] | None = None,
    ) -> list[str]:
        """`argv` so that it runs in here: sees Python, Java, `read` and `write`, and no more.

        `closed` are programs whose memory nobody reads, by no file of /proc, not even themselves.
        `no_links` are folders of `write`, or in them, in which no link leads anywhere.
        """
        spec = {
            "base": str(self.place / "root") if self.on else "",
            "user": self.user,
            "give": [str(path) for path in give] if os.geteuid() == 0 and self.on else [],
            "read": visible(read),
            "write": [str(path) for path in (*write, cwd)],
            "hide": [str(path) for path in secrets_of(home.root())],
            "closed": [str(path) for path in closed],
            "no_links": [str(path) for path in no_links],
            "limits": limits or {},
            "cwd": str(cwd),
        }
        number, name = tempfile.mkstemp(prefix="spec-", suffix=".json", dir=self.place)
        with open(number, "w") as file:
            json.dump(spec, file)
        return [sys.executable, "-I", "-S", launcher.__file__, name, *argv]


def visible(more: Iterable[Path] = ()) -> list[str]:
    """What can be read inside, parents first: the system's programs, Python with its packages, `more`.

    `sys.path` is not asked: the folder that a command was called in may be in it.
    """
    python = [sys.prefix, sys.base_prefix, str(Path(__file__).parents[2])]
    packages = [path for path in python if _is_code(Path(path))]
    wanted = [*packages, *map(str, more)]
    there = {path for path in (*wanted, *map(os.path.realpath, wanted)) if os.path.exists(path)}
    shown = [path for path in SYSTEM if os.path.lexists(path)]
    for path in sorted(there):
        if not any(Path(path).is_relative_to(earlier) for earlier in shown):
            shown.append(path)
    return shown


def secrets_of(root: Path) -> list[Path]:
    """What of a checkout is hidden where a folder around it is shown: one in /usr, for instance."""
    return [
        *(root / name for name in ("solutions", ".git", "work")),
        *sorted(root.glob("labs/*/checks.py")),
    ]


def in_sight(paths: Iterable[Path]) -> str:
    """Which of these can be read inside, as the system's and Python's folders can; "" when none."""
    shown = [Path(path) for path in visible()]
    for path in paths:
        real = Path(os.path.realpath(path))
        for folder in shown:
            if real.is_relative_to(folder):
                return f"{path} lies in {folder}, which every submission can read"
    return ""


def _is_code(path: Path) -> bool:
    """Whether a place of Python's holds code alone: a checkout or a home folder is never shown whole."""
    return not Path.home().is_relative_to(path) and not any(
        (path / name).exists() for name in ("solutions", ".git", ".ssh")
    )


def remove_place(place: Path) -> None:
    """Removes the folders of a sandbox, with what this process has mounted there."""
    launcher.unmount(str(place / "checks"))
    remove(place)


def remove(path: Path) -> bool:
    """Removes what a submission may have made: a file, a link, a locked folder, a tree deeper than
    Python's stack. Whether it is gone.
    """
    if path.is_symlink() or not path.is_dir():
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return not os.path.lexists(path)
    with suppress(RecursionError):
        shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*command, "--", str(path)], check=False, capture_output=True)
    return not os.path.lexists(path)

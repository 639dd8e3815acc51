"""A part of labs that has packages of its own: installed on first use, whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from labkit import home
from labkit.home import LabError
from labkit.parts import packages
from labkit.parts.packages import Say

STAMP = "labkit.json"  # written last: a folder without it is what a stopped install left
MB = 1_000_000


@dataclass(frozen=True)
class Part:
    """Packages for some labs, in a virtual environment of their own, under the versions of a lock.

    Those of a part that `joins` labkit lie beside labkit's own and use them (dbt, on the session of a
    notebook); those of others know nothing of labkit's, whose versions they may contradict.
    """

    name: str
    title: str
    wants: tuple[str, ...]
    megabytes: int
    pythons: tuple[tuple[int, int], tuple[int, int]] = ((3, 11), (3, 13))
    joins: bool = False
    java: bool = False
    # Of a process of its own; {folder} is the process's folder.
    settings: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def lock(self) -> Path:
        """The versions of all its packages."""
        return home.lock_file(f"requirements-{self.name}.lock")

    @property
    def variable(self) -> str:
        """What tells a process, which may not see the cache, where this part is."""
        return f"LAB_PART_{self.name.upper()}"

    @property
    def folder(self) -> Path:
        """Where it is, or would be: by lock and Python, so that another lock is another folder."""
        if given := os.environ.get(self.variable):
            return Path(given)
        lines = self.lock.read_text("utf-8").splitlines()
        digest = hashlib.sha256("\n".join(x for x in lines if not x.startswith("#")).encode())
        version = ".".join(map(str, sys.version_info[:2]))
        digest.update(f"\n{version} {sys.base_prefix} {platform.machine()}".encode())
        return _place() / f"{self.name}-{digest.hexdigest()[:12]}"

    @property
    def python(self) -> Path:
        """Its interpreter; that of labkit when it joins labkit."""
        return Path(sys.executable) if self.joins else self._own_python

    @property
    def _own_python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """The folder of its packages."""
        version = ".".join(map(str, sys.version_info[:2]))
        return self.folder / "lib" / f"python{version}" / "site-packages"

    def missing(self) -> str:
        """Why it can't be used here; empty when it can."""
        if reason := self._unfit():
            return reason
        if not (self.folder / STAMP).is_file():
            return f"{self.title} is not installed; ./lab parts install {self.name}"
        if not os.access(self._own_python, os.X_OK):
            return (
                f"the Python that {self.title} was installed for is gone; "
                f"./lab parts install {self.name}"
            )
        return ""

    def _unfit(self) -> str:
        if self.variable not in os.environ and not self.lock.is_file():
            return f"{self.title} can't be installed: this copy of the labs has no {self.lock.name}"
        oldest, newest = self.pythons
        if oldest <= sys.version_info[:2] <= newest:
            return ""
        spans = f"{oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}"
        return (
            f"{self.title} needs Python {spans}, and this is {sys.version_info[0]}."
            f"{sys.version_info[1]}; delete .venv and run ./lab with one of these"
        )

    def install(self, *, say: Say = print, progress: Say = lambda text: None) -> bool:
        """Installs it unless it is there; whether anything was done. LabError says what to do.

        Whoever comes second waits for the first. What a stopped install left is removed.
        """
        if reason := self._unfit():
            raise LabError(reason)
        with self._alone(say) as held:
            if not self.missing():
                return False
            say(
                f"Installing {self.title}, about {self.megabytes} MB, in {self.folder} "
                "(once; it needs the network)"
            )
            started = time.monotonic()
            try:
                self._fill(progress, held)
            except OSError as error:
                shutil.rmtree(self.folder, ignore_errors=True)
                raise LabError(packages.explain(error)) from None
            except BaseException:
                shutil.rmtree(self.folder, ignore_errors=True)
                raise
            say(f"{self.title} is installed, in {time.monotonic() - started:.0f} s")
        return True

    def _fill(self, progress: Say, held: int) -> None:
        folder = self.folder
        shutil.rmtree(folder, ignore_errors=True)
        packages.make_folder(folder)
        packages.install(self._own_python, self.lock, progress=progress, held=held)
        if not self.joins:
            packages.require_whole(self._own_python, self.lock)
        megabytes = sum(path.lstat().st_size for path in folder.rglob("*")) // MB
        stamp = folder / f"{STAMP}.part"
        stamp.write_text(json.dumps({"megabytes": megabytes}) + "\n", "utf-8")
        stamp.rename(folder / STAMP)

    def size(self) -> int:
        """The megabytes that it takes; 0 when it is not installed."""
        try:
            return int(json.loads((self.folder / STAMP).read_text("utf-8"))["megabytes"])
        except FileNotFoundError:
            return 0

    def remove(self, *, say: Say = print) -> bool:
        """Removes it, and what earlier locks and other Pythons have of it; whether there was any."""
        with self._alone(say):
            found = sorted(_place().glob(f"{self.name}-*"))
            for folder in found:
                (folder / STAMP).unlink(missing_ok=True)  # first: a stopped removal is no part
                shutil.rmtree(folder)
            return bool(found)

    def relock(self) -> list[str]:
        """Writes its lock file afresh, from what it `wants` and the index has today; the lines of it.

        On the oldest Python: what a newer one lacks, this one has, and what is too many does no harm.
        """
        if sys.version_info[:2] != self.pythons[0]:
            oldest = ".".join(map(str, self.pythons[0]))
            raise LabError(f"{self.lock.name} is made with Python {oldest}, its oldest")
        with self._alone(print):
            folder = _place() / f"{self.name}-lock"
            shutil.rmtree(folder, ignore_errors=True)
            try:
                if not self.joins:
                    packages.make_folder(folder)
                python = Path(sys.executable) if self.joins else folder / "bin" / "python"
                lines = packages.closure(python, self.wants)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        head = (
            f"# {self.title}, written by `lab parts lock {self.name}`: {', '.join(self.wants)}.\n"
        )
        own = home.root() / self.lock.name
        own.write_text(head + "\n".join(lines) + "\n", "utf-8")
        return lines

    @contextmanager
    def _alone(self, say: Say) -> Iterator[int]:
        """While one process installs or removes it, others wait; the lock's descriptor."""
        with (_place() / f"{self.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"another ./lab is at {self.title}; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock.fileno()


def _place() -> Path:
    place = home.cache_dir() / "parts"
    place.mkdir(exist_ok=True)
    return place

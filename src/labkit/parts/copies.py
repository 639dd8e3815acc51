"""Processes of a part that begin as copies of one that is ready: what takes long is done once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import IO

from labkit.parts.environment import Part
from labkit.parts.served import SECONDS, Groups, Served, Started, environment
from labkit.verdict.errors import AnswerError

COPIES = sys.platform == "linux"  # elsewhere not all libraries survive a fork
IDLE_SECONDS = 30 * 60.0  # after which an original without a copy ends


class Original(Served):
    """A process in which `first` was called. Others begin as copies of it, one at a time.

    A copy has what was imported here, and this folder as `first` left it. No function of an answer
    runs here, and `first` leaves no thread behind: a copy would lack it. The process ends when it was
    idle for long, and with this one; the next copy begins another.
    """

    def __init__(self, part: Part, first: Groups) -> None:
        super().__init__(part, first)
        self._ready = str(first[0]["names"][0])
        self._files: dict[Path, bytes | None] = {}
        self._outside = socket.socket()  # the end of the door that is here

    @property
    def lives(self) -> bool:
        """Whether it is ready, and a copy begins at once."""
        return isinstance(self._process, Started) and self._process.poll() is None

    def copy(self, log: IO[bytes], deadline: float, *, anew: bool) -> Copied:
        """Begins a copy that prints to `log`; `anew`, with the folder as `first` left it."""
        if self.lives:
            try:
                return self._copy(log, deadline, anew=anew)
            except (AnswerError, OSError) as error:
                if isinstance(error, AnswerError) and error.outcome == "timeout":
                    raise
                # It was idle for long, and ended at this very moment.
        self._end()
        self._files = {}
        return self._copy(log, deadline, anew=True)

    def stop(self, pid: int) -> int:
        """Kills a copy and what it started; its exit code."""
        try:
            return int(self._ask({"end": pid}, "end", time.monotonic() + SECONDS, SECONDS))
        except AnswerError:
            return -signal.SIGKILL  # this process was gone; the copy goes when its line is closed

    def _copy(self, log: IO[bytes], deadline: float, *, anew: bool) -> Copied:
        if anew:
            self._lay_out()
        try:
            if self._process is None:
                self.call(self._ready, seconds=round(deadline - time.monotonic(), 1))
                self._files = files_of(self.folder)
            return self._begin_copy(log, deadline)
        except BaseException:  # half ready is not ready
            self._end()
            raise

    def _begin_copy(self, log: IO[bytes], deadline: float) -> Copied:
        (theirs, requests), (replies, answers) = os.pipe(), os.pipe()
        try:
            socket.send_fds(self._outside, [b"."], [theirs, answers, log.fileno()])
            pid = self._ask({"copy": IDLE_SECONDS}, self._ready, deadline, SECONDS)
        except BaseException:
            os.close(requests)
            os.close(replies)
            raise
        finally:
            os.close(theirs)
            os.close(answers)
        return Copied(pid, requests, replies, self)

    def _end(self) -> str:
        self._outside.close()
        return super()._end()

    def _start(self, deadline: float) -> None:
        self._outside, inside = socket.socketpair()
        with inside:
            self._door = inside.fileno()
            super()._start(deadline)

    def _lay_out(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        for path, content in self._files.items():
            if content is None:
                path.mkdir()
            else:
                path.write_bytes(content)


class Copied:
    """A copy, by the lines on which it answers."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    def __init__(self, pid: int, requests: int, replies: int, original: Original) -> None:
        self.stdin, self.stdout = os.fdopen(requests, "wb"), os.fdopen(replies, "rb", 0)
        self.pid, self._original = pid, original

    def end(self) -> int:
        """Kills it and what it started; its exit code."""
        return self._original.stop(self.pid)


_idle: dict[str, Original] = {}  # without a copy now, by what they were begun with


class Copy(Served):
    """A process that begins as a copy of one in which `first` was called, and ends as others do."""

    def __init__(self, part: Part, groups: Groups, first: Groups) -> None:
        self._key = json.dumps(
            [part.name, environment(part, Path()), os.environ.get("LAB_SCRATCH"), first]
        )
        idle = _idle.pop(self._key, None)
        self._original = idle or Original(part, first)
        self._begun = False
        super().__init__(part, groups)

    def _take_folder(self) -> Path:
        return self._original.folder

    def _give_folder(self) -> None:
        mine = self._original
        if not mine.lives or _idle.setdefault(self._key, mine) is not mine:
            mine.close()

    def _start(self, deadline: float) -> None:
        self._read = b""
        self._process = self._original.copy(self._log, deadline, anew=not self._begun)
        self._begun = True


def files_of(folder: Path) -> dict[Path, bytes | None]:
    """The files below a folder by their path, and the folders, which come before what is in them."""
    found = sorted(folder.rglob("*"))
    return {path: None if path.is_dir() else path.read_bytes() for path in found}


def serve(part: Part, groups: Groups, first: Groups) -> Served:
    """Serves functions in a process in which `first` has been called."""
    if COPIES:
        return Copy(part, groups, first)
    return Served(part, groups, first)

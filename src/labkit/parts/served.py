"""A process of a part's own Python: it answers calls on functions, and is ended with what it started."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from labkit.home import LabError
from labkit.parts import inside_part
from labkit.parts.environment import Part
from labkit.spark.java import java_home
from labkit.verdict.errors import AnswerError, place_of

SECONDS = 100.0  # for one call, imports included; shorter than a check's own limit
REPLY_BYTES = 8_000_000
OUTPUT_CHARACTERS = 4_000
KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "JAVA_HOME")
Groups = Sequence[dict[str, Any]]  # functions as text, as `described`


class Running(Protocol):
    """A process that answers on a line of its own."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    def end(self) -> int:
        """Kills it and what it started; its exit code."""


class Started(subprocess.Popen[bytes]):
    """A process that this one started, with a group of its own."""

    def end(self) -> int:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        return self.wait()


class Served:
    """A process that answers calls on functions, one at a time; it keeps what it has imported.

    It runs in a folder of its own, which is its home too. It ends, with all that it started, when a
    call takes too long or is interrupted, when it is closed, and when this process ends; the next call
    begins a new one, in which `first` is called first.
    """

    _door = -1  # a socket of this process, for one that begins others

    def __init__(self, part: Part, groups: Groups, first: Groups = ()) -> None:
        if reason := part.missing():
            raise LabError(reason)
        self.part, self.output = part, ""
        self._groups, self._first = groups, first
        self.folder = self._take_folder()
        self._log = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `close`
        # Both ends share a position in it: the process writes at the end, wherever this one reads.
        fcntl.fcntl(self._log, fcntl.F_SETFL, os.O_RDWR | os.O_APPEND)
        self._process: Running | None = None
        self._read = b""
        atexit.register(self.close)

    def call(self, name: str, *args: Any, seconds: float = SECONDS, **kwargs: Any) -> Any:
        """What a function returns, as JSON has it; AnswerError when it raises or takes too long."""
        return self._ask(called(name, *args, **kwargs), name, time.monotonic() + seconds, seconds)

    def write(self, files: Mapping[str, str]) -> None:
        """Writes files by their path in the process's folder."""
        for path in files:
            parts = PurePosixPath(path).parts
            if not parts or parts[0] == "/" or ".." in parts:
                raise ValueError(f"{path!r} is no path in the folder of {self.part.title}")
        self._ask({"write": dict(files)}, "write", time.monotonic() + SECONDS, SECONDS)

    def close(self) -> None:
        """Ends the process and removes its folder."""
        self._end()
        self._log.close()
        self._give_folder()
        atexit.unregister(self.close)

    def give_back(self) -> None:
        """Nobody calls it any more."""
        self.close()

    def _take_folder(self) -> Path:
        return Path(
            tempfile.mkdtemp(prefix=f"{self.part.name}-", dir=os.environ.get("LAB_SCRATCH"))
        )

    def _give_folder(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ask(self, request: dict[str, Any], name: str, deadline: float, seconds: float) -> Any:
        text = json.dumps(request)
        try:
            if self._process is None:
                self._begin(deadline)
            return self._exchange(text, deadline)
        except TimeoutError:
            self._end()
            raise AnswerError(
                "timeout",
                f"`{name}` took longer than {seconds:g} s in {self.part.title}, and was stopped"
                + self._told(),
            ) from None
        except (EOFError, OSError):
            code = self._end()
            raise AnswerError(
                "error", f"`{name}` ended the Python of {self.part.title} ({code}){self._told()}"
            ) from None
        except AnswerError:
            raise
        except BaseException:  # an interrupt, or a check's own clock: its answer would come later
            self._end()
            raise

    def _begin(self, deadline: float) -> None:
        self._start(deadline)
        try:
            self._exchange(json.dumps({"define": [*self._first, *self._groups]}), deadline)
            for group in self._first:
                self._exchange(json.dumps(called(group["names"][0])), deadline)
        except AnswerError:  # the next call is to meet it too
            self._end()
            raise

    def _start(self, deadline: float) -> None:
        part = self.part
        self.folder.mkdir(exist_ok=True)
        first = [str(part.site_packages)] if part.joins else []
        self._read = b""
        self._process = Started(
            [str(part.python), "-I", inside_part.__file__, str(self._door), *first],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            cwd=self.folder, env=environment(part, self.folder), start_new_session=True,
            pass_fds=[self._door] if self._door >= 0 else [],
        )  # fmt: skip

    def _exchange(self, request: str, deadline: float) -> Any:
        process = self._process
        assert process is not None and process.stdin is not None
        self._log.truncate(0)
        process.stdin.write(request.encode() + b"\n")
        process.stdin.flush()
        reply = json.loads(self._line(deadline))
        self.output = self._printed()
        if "error" in reply:
            raise self._blame(reply["error"])
        return reply["value"]

    def _line(self, deadline: float) -> bytes:
        assert self._process is not None and self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        while b"\n" not in self._read:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise TimeoutError
            chunk = os.read(pipe, 1 << 16)
            if not chunk:
                raise EOFError
            self._read += chunk
            if len(self._read) > REPLY_BYTES:
                self._end()
                raise AnswerError("error", f"an answer of more than {REPLY_BYTES:,} bytes")
        line, _, self._read = self._read.partition(b"\n")
        return line

    def _blame(self, error: dict[str, Any]) -> AnswerError:
        if error["todo"]:
            return AnswerError("todo", f"`{error['todo']}` is not written yet")
        lines = []
        for filename, number, name, line in error["frames"]:
            lines.append(f"{place_of(filename)}, line {number}, in {name}")
            lines += [f"    {line}"] if line else []
        message = f"{error['kind']}: {error['message']}" if error["message"] else error["kind"]
        return AnswerError("error", message, trace="\n".join(lines))

    def _printed(self) -> str:
        """The end of what the last call printed."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - OUTPUT_CHARACTERS))
        return self._log.read().decode("utf-8", "replace")

    def _told(self) -> str:
        last = self.output.strip().splitlines()[-3:]
        return ". The end of what it printed:\n" + "\n".join(last) if last else ""

    def _end(self) -> str:
        """Kills the process and what it started; how it had ended, if it had."""
        process, self._process = self._process, None
        if process is None:
            return "it was gone"
        code = process.end()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self.output = self._printed()
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def called(name: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The request for a call."""
    return {"call": name, "args": args, "kwargs": kwargs}


def environment(part: Part, folder: Path) -> dict[str, str]:
    """The variables of a part's process that runs in `folder`."""
    found = {name: os.environ[name] for name in KEPT if name in os.environ}
    here = {"HOME": str(folder), "TMPDIR": str(folder), "TZ": "UTC"}
    found |= here | {key: value.format(folder=folder) for key, value in part.settings.items()}
    # Some parts start Python themselves, by its name.
    found["PATH"] = os.pathsep.join([str(part.folder / "bin"), found.get("PATH", os.defpath)])
    if part.java:
        found["JAVA_HOME"] = str(java_home())
    return found

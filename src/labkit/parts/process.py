"""Functions in a process of a part's own Python: given as text, called with JSON, ended with a limit."""

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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from labkit.home import LabError
from labkit.parts import inside_part
from labkit.parts.environment import Part
from labkit.parts.known import find_part
from labkit.parts.source_text import described
from labkit.spark.java import java_home
from labkit.verdict.errors import AnswerError, place_of

SECONDS = 100.0  # for one call, imports included; shorter than a check's own limit
REPLY_BYTES = 8_000_000
OUTPUT_CHARACTERS = 4_000
KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "JAVA_HOME")
Function = Callable[..., Any]


class Served:
    """A process that answers calls on functions, one at a time; it keeps what it has imported.

    It runs in a folder of its own, which is its home too. It ends, with all that it started, when a
    call takes too long or is interrupted, when it is closed, and when this process ends; the next call
    begins a new one.
    """

    def __init__(self, part: Part, groups: list[dict[str, Any]]) -> None:
        if reason := part.missing():
            raise LabError(reason)
        self.part, self.output = part, ""
        self._groups = groups
        self.folder = Path(
            tempfile.mkdtemp(prefix=f"{part.name}-", dir=os.environ.get("LAB_SCRATCH"))
        )
        self._log = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `close`
        # Both ends share a position in it: the process writes at the end, wherever this one reads.
        fcntl.fcntl(self._log, fcntl.F_SETFL, os.O_RDWR | os.O_APPEND)
        self._process: subprocess.Popen[bytes] | None = None
        self._read = b""
        atexit.register(self.close)

    def call(self, name: str, *args: Any, seconds: float = SECONDS, **kwargs: Any) -> Any:
        """What a function returns, as JSON has it; AnswerError when it raises or takes too long."""
        request = {"call": name, "args": args, "kwargs": kwargs}
        return self._ask(request, name, time.monotonic() + seconds, seconds)

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
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.close)

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
        self._start()
        try:
            self._exchange(json.dumps({"define": self._groups}), deadline)
        except AnswerError:  # the next call is to meet it too
            self._end()
            raise

    def _start(self) -> None:
        part = self.part
        self.folder.mkdir(exist_ok=True)
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        here = {"HOME": str(self.folder), "TMPDIR": str(self.folder), "TZ": "UTC"}
        settings = {key: value.format(folder=self.folder) for key, value in part.settings.items()}
        environment |= {**here, **settings}
        # Some parts start Python themselves, by its name.
        environment["PATH"] = os.pathsep.join(
            [str(part.folder / "bin"), environment.get("PATH", os.defpath)]
        )
        if part.java:
            environment["JAVA_HOME"] = str(java_home())
        first = [str(part.site_packages)] if part.joins else []
        self._read = b""
        self._process = subprocess.Popen(
            [str(part.python), "-I", inside_part.__file__, *first],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            cwd=self.folder, env=environment, start_new_session=True,
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
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self.output = self._printed()
        code = process.returncode
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


@contextmanager
def server(part: str, *functions: Function) -> Iterator[Served]:
    """A process of a part that answers calls on these functions (`served.call("name", ...)`)."""
    served = Served(find_part(part), described(functions, told=True))
    try:
        yield served
    finally:
        served.close()


def run(part: str, function: Function, *args: Any, seconds: float = SECONDS, **kwargs: Any) -> Any:
    """What a function returns in a part: one call, in a process that ends with it."""
    with server(part, function) as served:
        return served.call(function.__name__, *args, seconds=seconds, **kwargs)


# What a judge asks of the learner's process: to serve the learner's functions, with those of a check.
_served: dict[int, Served] = {}


def open_part(part: str, groups: list[dict[str, Any]], tasks: list[Function]) -> int:
    """Serves functions in a part: a check's, as `described`, and these of the learner's."""
    number = max(_served, default=0) + 1
    _served[number] = Served(find_part(part), [*groups, *described(tasks, told=True)])
    return number


def call_part(number: int, name: str, request: str, seconds: float) -> str:
    """JSON of what a function returned and printed; `request` is JSON of its arguments."""
    args, kwargs = json.loads(request)
    value = _served[number].call(name, *args, seconds=seconds, **kwargs)
    return json.dumps([value, _served[number].output])


def write_part(number: int, files: dict[str, str]) -> None:
    """Writes files into the folder of a served part."""
    _served[number].write(files)


def close_part(number: int) -> None:
    """Ends a served part."""
    _served.pop(number).close()

"""Run a submission in its own kernel process, and call its functions from the judge's."""

from __future__ import annotations

import base64
import json
import math
import os
import queue
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, Self

import psutil
import zmq
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager
from jupyter_client.session import Session

from labkit.grading.cell_problems import noted, raised
from labkit.grading.submission import Submission
from labkit.sandbox.limits import Limits
from labkit.sandbox.sandbox import Sandbox, remove
from labkit.spark.settings import WAREHOUSE
from labkit.verdict.outcome import CellProblem

START_SECONDS = 60
INTERRUPT_SECONDS = 10  # what code has to stop once interrupted
REPLY_BYTES = 64_000_000
REPLY_PARTS = 2_000_000  # lists and dicts in a reply
WAITING = 10  # messages that nobody asked for, before their sender has to wait
GROWTH_BYTES = 600_000_000  # of this process while it waits: a message may have any number of parts
KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "JAVA_HOME", "LD_LIBRARY_PATH", "PYSPARK_PYTHON")
IPYKERNEL = (sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher")
# Calls are strings of Python: the shell channel has no other way to return a value.
INSIDE = "__import__('labkit.grading.inside_kernel', fromlist=['*'])"
SHELL = "__import__('labkit.grading.notebook_shell', fromlist=['*'])"
SESSION = "__import__('labkit.spark.session', fromlist=['*'])"


class KernelDiedError(Exception):
    """The submission's process ended before the judge was done with it; `limit` when a limit ended it."""

    def __init__(self, message: str, *, limit: bool = False) -> None:
        super().__init__(message)
        self.limit = limit


class Kernel:
    """A kernel in an empty folder, attached to the judge's JVM through a gateway of its own."""

    def __init__(
        self,
        scratch: Path,
        gateway: Mapping[str, str],
        *,
        root: Path,
        sandbox: Sandbox,
        read: Collection[Path],
        limits: Limits,
    ) -> None:
        self._limits = limits
        self._ended = ""
        scratch.mkdir(parents=True, exist_ok=True)
        environment = {key: os.environ[key] for key in KEPT_ENVIRONMENT if key in os.environ}
        environment |= {
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "IPYTHONDIR": str(scratch / ".ipython"),
            "MPLBACKEND": "agg",
            "PYTHONHASHSEED": "0",
            "LAB_GRADED": str(self._limits.output_characters),
            "TZ": "UTC",
            "LAB_ROOT": str(root),
            "LAB_SCRATCH": str(scratch),
            **gateway,
        }
        # Sockets in a folder that only this user can enter; a path of theirs has 107 bytes at most.
        self._sockets = Path(tempfile.mkdtemp(prefix="k-", dir=sandbox.place))
        connection = self._sockets / "kernel.json"
        self._manager = KernelManager(
            connection_file=str(connection), transport="ipc", ip=f"{self._sockets}/s"
        )
        sandbox.give(scratch)
        self._manager.kernel_spec.argv[:] = sandbox.command(
            [*IPYKERNEL, "-f", str(connection)],
            cwd=scratch,
            read=[*read, sandbox.jvm],
            write=[self._sockets, sandbox.checks, *sandbox.jvm.glob(f"*/{WAREHOUSE}")],
            give=[self._sockets, connection],
            limits=self._limits.of_kernel(sandboxed=sandbox.on),
        )
        self._manager.start_kernel(
            cwd=str(scratch), env=environment, independent=False,
            stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL,
        )  # fmt: skip
        self._client: BlockingKernelClient = self._manager.blocking_client()
        self._client.context.setsockopt(zmq.MAXMSGSIZE, REPLY_BYTES)
        self._client.context.setsockopt(zmq.RCVHWM, WAITING)
        bound(self._client.session)
        # What cells print is theirs to keep: nobody subscribes, so it goes nowhere.
        self._client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        self._cut = self._client.shell_channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            self._ready()
        except (RuntimeError, TimeoutError, KernelDiedError) as error:
            self.close()
            raise KernelDiedError(
                f"the kernel did not start: {error}; is the machine too busy for its --workers?"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the kernel; at once, it has nothing left to save."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        remove(self._sockets)

    def run(self, submission: Submission, *, until: float | None = None) -> tuple[CellProblem, ...]:
        """Runs every cell; one that raises is noted and the run goes on. `until`: no cell starts later."""
        problems = []
        for cell in submission.cells:
            left = self._limits.cell_seconds if until is None else until - time.monotonic()
            if left <= 0:
                raise KernelDiedError(
                    f"{_in_all(self._limits)}; it was stopped before cell {cell.number}", limit=True
                )
            try:
                message = self._execute(cell.source, min(left, self._limits.cell_seconds))
            except KernelDiedError as error:
                raise KernelDiedError(f"cell {cell.number}: {error}", limit=error.limit) from None
            if message is not None:
                line, text = message
                problems.append(CellProblem(cell.number, line, text))
        problems += self._notes(submission)
        return tuple(sorted(problems, key=lambda problem: (problem.cell, problem.line)))

    def _notes(self, submission: Submission) -> list[CellProblem]:
        """What the kernel notes of cells that went on; it counts them in the order they ran."""
        try:
            return noted(self._ask(f"{SHELL}.notes()"), submission)
        except (KernelDiedError, TimeoutError, ValueError, TypeError, LookupError, OverflowError):
            return []  # notes are a courtesy; a submission that breaks them gains nothing

    def call(self, request: str) -> Any:
        """The kernel's JSON answer to a call (see `labkit.grading.inside_kernel`)."""
        return self._ask(f"{INSIDE}.answer({request!r}, globals(), {SESSION}.current)", None)

    def _ask(self, expression: str, seconds: float | None = START_SECONDS) -> Any:
        """The JSON that an expression in the kernel gives; what comes back is the submission's word."""
        # As base64, since a repr is read by Python's parser, which takes a hundred times its size.
        packed = f"__import__('base64').b64encode(({expression}).encode()).decode()"
        reply = self._request("", {"answer": packed}, seconds)
        try:
            value = reply["content"].get("user_expressions", {}).get("answer", {})
            if value.get("status") == "ok":
                return _read(base64.b64decode(value["data"]["text/plain"].strip("'")))
            message = f"{value.get('ename')}: {value.get('evalue')}"
        except Exception as error:
            message = _unreadable(error)
        raise KernelDiedError(message[:300])

    def stop(self) -> bool:
        """Interrupts what runs; whether the kernel is there for more. One that won't stop is killed."""
        self._manager.interrupt_kernel()
        try:
            self._request("", {}, INTERRUPT_SECONDS)
            return True
        except TimeoutError:
            self._ended = "it could not be stopped, and was killed"
            self._manager.shutdown_kernel(now=True)
        except KernelDiedError:
            pass
        return False

    def end(self, why: str) -> None:
        """Ends the kernel from another thread than the one that may wait for its reply."""
        self._ended = why
        provisioner: Any = self._manager.provisioner
        provisioner.process.kill()

    def _execute(self, code: str, seconds: float) -> tuple[int, str] | None:
        try:
            reply = self._request(code, {}, seconds)
        except TimeoutError:
            too_long = f"took longer than {seconds:.3g} s"
            if not self.stop():
                raise KernelDiedError(
                    f"it {too_long} and could not be stopped", limit=True
                ) from None
            return 1, f"{too_long} and was stopped"
        try:
            content = reply["content"]
            return None if content.get("status") == "ok" else raised(content)
        except Exception as error:  # the submission's word, as any answer is
            raise KernelDiedError(_unreadable(error)) from None

    def _lives(self, seconds: float = 0.0) -> bool:
        """Whether the kernel's process is there, and still is after so many seconds."""
        deadline = time.monotonic() + seconds
        while self._manager.is_alive():
            if time.monotonic() >= deadline:
                return True
            time.sleep(0.05)  # between two looks at the process
        return False

    def _ready(self) -> None:
        """Waits until the kernel answers."""
        self._reply(self._client.kernel_info(), START_SECONDS)
        self._ask(f"{SHELL}.prepare()")

    def _request(
        self, code: str, expressions: Mapping[str, str], seconds: float | None
    ) -> dict[str, Any]:
        """The reply to one execution."""
        message = self._client.execute(
            code, silent=not code, user_expressions=dict(expressions), stop_on_error=False,
            allow_stdin=False,
        )  # fmt: skip
        return self._reply(message, seconds)

    def _reply(self, message: str, seconds: float | None) -> dict[str, Any]:
        if self._ended:
            raise KernelDiedError(f"the submission's process is gone: {self._ended}")
        deadline = time.monotonic() + seconds if seconds else math.inf
        most = psutil.Process().memory_info().rss + GROWTH_BYTES
        while time.monotonic() < deadline:  # asked each time: a submission can flood this channel
            if psutil.Process().memory_info().rss > most:
                self._ended = "it sent a message without an end"
                self._manager.shutdown_kernel(now=True)
                raise KernelDiedError(
                    f"it answered with more than {REPLY_BYTES // 1_000_000} MB", limit=True
                )
            try:
                reply: dict[str, Any] = self._client.get_shell_msg(timeout=0.1)
                if reply.get("parent_header", {}).get("msg_id") == message:
                    return reply
            except queue.Empty:
                if not self._lives():
                    stopped, self._ended = self._ended, self._ended or "it ended by itself"
                    raise KernelDiedError(
                        stopped or "the submission's process ended", limit=bool(stopped)
                    ) from None
                if self._cut.poll(0):
                    self._cut.recv_multipart()
                    if not self._lives(1.0):  # it is ending, which closes the line too
                        continue
                    raise KernelDiedError(
                        f"it answered with more than {REPLY_BYTES // 1_000_000} MB", limit=True
                    ) from None
            except Exception:  # not signed, or no message of Jupyter's: not an answer
                continue
        raise TimeoutError(f"no answer in {seconds:g} s")


def bound(session: Session) -> None:
    """From now on it reads no part of a message that has too many lists, and keeps no signature: it
    would keep those that are wrong, too, whatever their size.
    """
    session.unpack = _read
    session.digest_history_size = 0


def _read(told: bytes) -> Any:
    """JSON, any part of a message: an empty list is two characters there, and 60 bytes once read."""
    if told.count(b"[") + told.count(b"{") > REPLY_PARTS:
        raise ValueError
    return json.loads(told)


def _unreadable(error: Exception) -> str:
    return f"its answer can't be read ({type(error).__name__})"


def _in_all(limits: Limits) -> str:
    return f"the submission took longer than {limits.submission_seconds:g} s in all"

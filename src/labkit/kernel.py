"""Run a submission in its own kernel process, and call its functions from the judge's."""

from __future__ import annotations

import ast
import json
import os
import queue
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager
from pyspark.sql import DataFrame, SparkSession

from labkit.answer import TASK, AnswerError
from labkit.outcome import CellProblem
from labkit.submission import Submission
from labkit.transport import VIEW_PREFIX, CannotCrossError, decode, encode, take_view

START_SECONDS = 60
CELL_SECONDS = 300
OUTPUT_CHARACTERS = 200_000
KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "JAVA_HOME", "LD_LIBRARY_PATH", "TZ")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
CELL_LINE = re.compile(r"(?:Cell In\[\d+\], line|line) (\d+)")


class KernelDiedError(Exception):
    """The submission's process ended before the judge was done with it."""


class Kernel:
    """A kernel in an empty folder, attached to the judge's JVM through a gateway of its own."""

    def __init__(
        self,
        scratch: Path,
        gateway: Mapping[str, str],
        *,
        root: Path,
        cell_seconds: float = CELL_SECONDS,
    ) -> None:
        self._cell_seconds = cell_seconds
        scratch.mkdir(parents=True, exist_ok=True)
        environment = {key: os.environ[key] for key in KEPT_ENVIRONMENT if key in os.environ}
        environment |= {
            "HOME": str(scratch),
            "IPYTHONDIR": str(scratch / ".ipython"),
            "MPLBACKEND": "agg",
            "LAB_GRADED": "1",
            "TZ": "UTC",
            "LAB_ROOT": str(root),
            "LAB_SCRATCH": str(scratch),
            **gateway,
        }
        # Sockets in a folder that only this user can enter; a path of theirs has 107 bytes at most.
        self._sockets = tempfile.mkdtemp(prefix="labk-", dir="/tmp")
        self._manager = KernelManager(
            connection_file=f"{self._sockets}/kernel.json", transport="ipc", ip=f"{self._sockets}/s"
        )
        self._manager.kernel_spec.argv[:] = [
            sys.executable,
            *("-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"),
        ]
        self._manager.start_kernel(cwd=str(scratch), env=environment, independent=False)
        self._client: BlockingKernelClient = self._manager.blocking_client()
        self._client.start_channels()
        try:
            self._client.wait_for_ready(timeout=START_SECONDS)
        except RuntimeError as error:
            self.close()
            raise KernelDiedError(f"the kernel did not start: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the kernel; at once, it has nothing left to save."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def run(self, submission: Submission) -> tuple[CellProblem, ...]:
        """Runs every cell; one that raises is noted and the run goes on."""
        problems = []
        for cell in submission.cells:
            message = self._execute(cell.source, self._cell_seconds)
            if message is not None:
                line, text = message
                problems.append(CellProblem(cell.number, line, text))
        return tuple(problems)

    def call(self, request: str) -> Any:
        """The kernel's JSON answer to a call (see `labkit.answering`)."""
        expression = (
            "__import__('labkit.answering', fromlist=['answer'])"
            f".answer({request!r}, globals(), __import__('labkit.session', "
            "fromlist=['current']).current())"
        )
        reply = self._request("", {"answer": expression}, None)
        found = reply["content"].get("user_expressions", {}).get("answer", {})
        if found.get("status") != "ok":
            raise KernelDiedError(f"{found.get('ename')}: {found.get('evalue')}")
        return json.loads(ast.literal_eval(found["data"]["text/plain"]))

    def _execute(self, code: str, seconds: float) -> tuple[int, str] | None:
        try:
            reply = self._request(code, {}, seconds)
        except TimeoutError:
            self._manager.interrupt_kernel()
            try:
                self._request("", {}, START_SECONDS)
            except TimeoutError:
                raise KernelDiedError(
                    f"a cell took longer than {seconds:g} s and could not be stopped"
                ) from None
            return 1, f"took longer than {seconds:g} s and was stopped"
        content = reply["content"]
        if content["status"] == "ok":
            return None
        trace = ANSI.sub("", "\n".join(content.get("traceback", [])))
        lines = CELL_LINE.findall(trace)
        text = f"{content.get('ename')}: {content.get('evalue')}".splitlines()
        return int(lines[0]) if lines else 1, " ".join(text[:2])[:300]

    def _request(
        self, code: str, expressions: Mapping[str, str], seconds: float | None
    ) -> dict[str, Any]:
        """The reply to one execution; its output is read and dropped."""
        message = self._client.execute(
            code, silent=not code, user_expressions=dict(expressions), stop_on_error=False,
            allow_stdin=False,
        )  # fmt: skip
        deadline = time.monotonic() + seconds if seconds else None
        while True:
            self._drop_output()
            try:
                reply: dict[str, Any] = self._client.get_shell_msg(timeout=0.5)
            except queue.Empty:
                if not self._manager.is_alive():
                    raise KernelDiedError("the submission's process ended") from None
                if deadline and time.monotonic() > deadline:
                    raise TimeoutError from None
                continue
            if reply["parent_header"].get("msg_id") == message:
                return reply

    def _drop_output(self) -> None:
        try:
            while True:
                self._client.get_iopub_msg(timeout=0)
        except queue.Empty:
            return


class RemoteLearner:
    """The answer by function name, out of a kernel; frames cross as views, the rest as JSON."""

    def __init__(self, kernel: Kernel, spark: SparkSession, tasks: Collection[str]) -> None:
        self._kernel, self._spark, self._tasks = kernel, spark, tuple(tasks)

    def __getattr__(self, task: str) -> Callable[..., Any]:
        if task.startswith("_"):
            raise AttributeError(task)

        def call(*args: Any, **kwargs: Any) -> Any:
            request = json.dumps(
                {
                    "task": task,
                    "tasks": list(self._tasks),
                    "args": [encode(value, functions=True) for value in args],
                    "kwargs": {key: encode(value, functions=True) for key, value in kwargs.items()},
                }
            )
            try:
                reply = self._kernel.call(request)
            except KernelDiedError as error:
                raise AnswerError("error", f"`{task}`: {error}") from None
            return self._read(task, reply)

        call.__name__ = task
        call.__dict__[TASK] = task
        return call

    def _read(self, task: str, reply: Any) -> Any:
        if "value" in reply:
            try:
                return decode(reply["value"], self._spark, table=self._table)
            except (CannotCrossError, ValueError) as error:
                raise AnswerError("failed", f"`{task}` returned {error}") from None
        said = reply.get("assertion")
        outcome = reply.get("outcome")
        raise AnswerError(
            outcome if outcome in ("failed", "todo", "error") else "error",
            str(reply.get("reason"))[:2000],
            trace=str(reply.get("trace"))[:4000],
            original=AssertionError(said) if isinstance(said, str) else None,
        )

    def _table(self, name: str) -> DataFrame:
        if not re.fullmatch(VIEW_PREFIX + "[0-9a-f]{32}", name):
            raise CannotCrossError("a frame without a name")
        return take_view(self._spark, name)

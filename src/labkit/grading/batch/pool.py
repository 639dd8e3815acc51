"""Workers side by side: each takes a submission at a time; one that dies or hangs is replaced."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import psutil

from labkit.grading.batch.worker import ALLOW_JVM, FRESH_JVM, MANY, NO_SANDBOX
from labkit.grading.batch.worker_handle import Worker, WorkerLostError
from labkit.home import LabError
from labkit.verdict.outcome import Status

# -I: the folder that `lab grade` was called in may be a submission, and is no place for modules.
COMMAND = (sys.executable, "-I", "-m", "labkit.grading.batch.worker")
START_SECONDS = 180.0
GRACE_SECONDS = (
    150.0  # a worker ends a submission that takes too long itself, and may need a new JVM
)
SUBMISSIONS_PER_JVM = 250  # classes and plans of thousands of notebooks need not pile up in one
ENOUGH = 8  # submissions of a worker: enough for its JVM to compile what it runs most a second time
MEMORY_BYTES = 3_000_000_000  # of one worker: JVM, kernel, judge


@dataclass(frozen=True)
class Reply:
    """What became of a request: the text of a result.json, or why a submission has none."""

    request: dict[str, Any]
    result: str | None
    status: Status = "graded"
    message: str = ""
    log: bytes = b""
    sandboxed: bool = False


def usual_workers() -> int:
    """One for each core that this process may use, as far as memory goes."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, int(psutil.virtual_memory().available // MEMORY_BYTES)))


class Pool:
    """`size` workers for the length of a `with` block; leaving it ends them and their JVMs."""

    def __init__(
        self,
        size: int,
        *,
        seconds: float,
        sandbox: bool = True,
        allow_jvm: bool = False,
        fresh_jvm: bool = False,
        command: Sequence[str] = COMMAND,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self._size, self._seconds = size, seconds
        asked = {NO_SANDBOX: not sandbox, ALLOW_JVM: allow_jvm, FRESH_JVM: fresh_jvm}
        self._words = [word for word, is_asked in asked.items() if is_asked]
        self._command, self._start_seconds = tuple(command), start_seconds
        self._replies: queue.Queue[tuple[Reply | LabError, threading.Event]] = queue.Queue()
        self._workers: set[Worker] = set()
        self._guard = threading.Lock()
        self._closed = False
        self._many = False
        self._busy = 0  # threads that still take requests

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._closed = True
            workers = list(self._workers)
        for worker in workers:
            worker.end()

    def run(self, requests: Sequence[dict[str, Any]]) -> Iterator[Reply]:
        """The replies as they come; LabError when workers can't start here.

        A worker takes its next request once its reply was dealt with: whoever writes replies down
        loses one a worker at most when they are stopped.
        """
        todo = deque(requests)
        self._busy = min(self._size, len(todo))
        self._many = len(todo) >= ENOUGH * self._size
        for _ in range(self._busy):
            threading.Thread(target=self._work, args=(todo,), daemon=True).start()
        for _ in requests:
            reply, taken = self._replies.get()
            if isinstance(reply, LabError):
                raise reply
            yield reply
            taken.set()

    def _work(self, todo: deque[dict[str, Any]]) -> None:
        """Grades until nothing is left; a failure to start counts when nobody else goes on."""
        worker: Worker | None = None
        failure: LabError | None = None
        lost = False
        try:
            while todo:
                worker = worker or self._start()
                try:
                    request = todo.popleft()
                except IndexError:
                    break
                reply, spent = self._grade(worker, request)
                if spent:
                    self._end(worker)
                    worker = None
                if not self._tell(reply):
                    break
        except LabError as error:
            failure = error
        except Exception as error:  # whoever waits for replies must not wait for ever
            failure = LabError(f"grading broke: {type(error).__name__}: {error}")
            lost = True
        if worker is not None:
            with suppress(OSError):
                self._end(worker)
        with self._guard:
            self._busy -= 1
            if failure and (lost or (todo and not self._busy)):
                self._replies.put((failure, threading.Event()))

    def _tell(self, reply: Reply) -> bool:
        """Hands a reply over and waits until it was dealt with; False when the pool was closed."""
        taken = threading.Event()
        self._replies.put((reply, taken))
        while not taken.wait(timeout=0.5):
            if self._closed:
                return False
        return True

    def _grade(self, worker: Worker, request: dict[str, Any]) -> tuple[Reply, bool]:
        try:
            answer = worker.ask(request, self._seconds)
        except WorkerLostError as error:
            return self._none(request, worker, error.status, str(error)), True
        if "result" in answer:
            spent = answer["spent"] or worker.served >= SUBMISSIONS_PER_JVM
            return Reply(request, str(answer["result"])), spent
        return self._none(request, worker, "crashed", str(answer.get("crashed"))), True

    def _none(self, request: dict[str, Any], worker: Worker, status: Status, message: str) -> Reply:
        return Reply(request, None, status, message, worker.tail(), worker.sandboxed)

    def _start(self) -> Worker:
        """A worker that said it is ready; a second try, then LabError with what it wrote."""
        for attempt in (1, 2):
            worker = Worker(self._command, [*self._words, *([MANY] if self._many else [])])
            with self._guard:
                if self._closed:
                    worker.end()
                    raise LabError("the batch was stopped")
                self._workers.add(worker)
            try:
                message = worker.hear(time.monotonic() + self._start_seconds)
                if "ready" in message:
                    worker.welcome(message)
                    return worker
                reason = str(message.get("refused"))
            except WorkerLostError as error:
                last = worker.tail().decode("utf-8", "replace").strip().splitlines()[-5:]
                reason = "\n".join([str(error), *last])
            self._end(worker)
            if attempt == 2 or self._closed:
                break
        raise LabError(f"grading can't start here: {reason}\nRun `lab doctor`.")

    def _end(self, worker: Worker) -> None:
        with self._guard:
            self._workers.discard(worker)
        worker.end()

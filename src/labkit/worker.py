"""A grading worker: one process with its own JVM; takes submissions and gives reports, as JSON lines."""

from __future__ import annotations

import ctypes
import json
import os
import queue
import shutil
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, Any, NoReturn

import psutil
from pyspark.sql import SparkSession

from labkit import session
from labkit.escape import one_line
from labkit.grade import CHECK_SECONDS, grade
from labkit.home import LabError
from labkit.labs import find_lab
from labkit.outcome import Report
from labkit.spark import cold_session

PR_SET_CHILD_SUBREAPER = 36
# A learner's RDD code can change a Python worker that a later submission would get.
EXTRA = {"spark.python.worker.reuse": "false"}


def main() -> None:
    """`python -m labkit.worker SCRATCH`: serves requests on stdin until it is closed."""
    scratch = Path(sys.argv[1])
    requests, replies = _take_over_pipes()
    _adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: _end(scratch))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    todo: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, todo, scratch), daemon=True).start()
    try:
        _serve(todo, replies, scratch)
    except BrokenPipeError:  # the parent went first
        _end(scratch)
    except BaseException:
        traceback.print_exc()
        _end(scratch, code=1)


def _serve(todo: queue.Queue[dict[str, Any]], replies: IO[str], scratch: Path) -> None:
    try:
        spark = cold_session(app="labkit-worker", scratch=scratch, extra=EXTRA)
    except LabError as error:
        _say(replies, {"refused": str(error)})
        _end(scratch, code=1)
    _say(replies, {"ready": os.getpid()})
    while True:
        _say(replies, answer(todo.get(), spark))


def answer(request: dict[str, Any], spark: SparkSession) -> dict[str, Any]:
    """The report on one submission, and whether this worker may take another one."""
    lab = find_lab(request["lab"], Path(request["root"]))
    try:
        report = grade(
            lab,
            Path(request["path"]),
            lambda: spark,
            hidden=request["hidden"],
            seed=request["seed"],
            timeout=request.get("check_seconds", CHECK_SECONDS),
        )
    except Exception as error:  # whatever a submission does, the batch goes on without it
        said = one_line(f"{type(error).__name__}: {error}", 300)
        return {"crashed": f"grading stopped ({said})", "spent": True}
    return {"result": report.as_dict(), "spent": is_spent(report) or not session.alive(spark)}


def is_spent(report: Report) -> bool:
    """Whether a submission drove the JVM into a limit: what still runs in it is unknown."""
    return report.status == "timeout" or any(check.outcome == "timeout" for check in report.checks)


def _take_over_pipes() -> tuple[IO[str], IO[str]]:
    """stdin and stdout for the protocol alone: what a check prints goes to stderr."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return requests, replies


def _say(replies: IO[str], message: dict[str, Any]) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


def _listen(requests: IO[str], todo: queue.Queue[dict[str, Any]], scratch: Path) -> None:
    """Queues requests; the end of the pipe means that the parent is gone, or done."""
    for line in requests:
        todo.put(json.loads(line))
    _end(scratch)


def _adopt_orphans() -> None:
    """What a submission leaves behind becomes a child of this process, on Linux, not of init."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end(scratch: Path, code: int = 0) -> NoReturn:
    """Ends this process with everything below it: JVM, kernel and what that started."""
    for _ in range(3):  # a child may be starting another while it is killed
        children = psutil.Process().children(recursive=True)
        for child in children:
            try:
                child.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(children, timeout=2)
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(code)


if __name__ == "__main__":
    main()

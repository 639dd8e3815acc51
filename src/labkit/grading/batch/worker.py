"""A grading worker: one process with its own JVM; takes submissions and gives reports, as JSON lines."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from labkit import home
from labkit.home import LabError
from labkit.sandbox import limits, processes, sandbox

if TYPE_CHECKING:
    from labkit.grading.grade import Grader

# Words on the command line; the last says that it will judge many answers.
NO_SANDBOX, ALLOW_JVM, FRESH_JVM, MANY = "no-sandbox", "allow-jvm", "fresh-jvm", "many"

_folders: list[Path] = []


def main() -> None:
    """Serves stdin's requests until it is closed.

    `python -I -m labkit.grading.batch.worker FOLDER [no-sandbox] [allow-jvm] [fresh-jvm] [many]`
    """
    _folders.append(Path(sys.argv[1]))
    words = frozenset(sys.argv[2:])
    requests, replies = _take_over_pipes()
    processes.adopt_orphans()
    if NO_SANDBOX not in words:
        sandbox.leave_network()  # before a library starts threads
    signal.signal(signal.SIGTERM, lambda *_: _end())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    todo: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, todo), daemon=True).start()
    try:
        _serve(todo, replies, words)
    except BrokenPipeError:  # the parent went first
        _end()
    except BaseException:
        traceback.print_exc()
        _end(code=1)


def _serve(todo: queue.Queue[dict[str, Any]], replies: IO[str], words: frozenset[str]) -> None:
    from labkit.grading.grade import Grader
    from labkit.grading.jvm import GradingJvm

    limits.limit_own_memory()
    try:
        spark = GradingJvm(
            home.root(),
            sandboxed=NO_SANDBOX not in words,
            allow_jvm=ALLOW_JVM in words,
            reuse=FRESH_JVM not in words,
            lasting=MANY in words and FRESH_JVM not in words,
        )
        _folders.append(spark.sandbox.place)
        spark.session()
    except LabError as error:
        _say(replies, {"refused": str(error)})
        _end(code=1)
    facts = {"folder": str(spark.sandbox.place), "sandbox": spark.sandbox.on}
    _say(replies, {"ready": os.getpid(), **facts})
    grader = Grader(spark)
    while True:
        request = todo.get()
        spark.limits = limits.Limits(submission_seconds=request["seconds"])
        _say(replies, graded(request, grader))


def graded(request: dict[str, Any], grader: Grader) -> dict[str, Any]:
    """The text of a submission's result.json, and whether this worker is not to take another one."""
    from labkit.course.labs import find_lab
    from labkit.escape import one_line
    from labkit.verdict.report_json import to_json

    try:
        report = grader.grade(
            find_lab(request["lab"], Path(request["root"])),
            Path(request["path"]),
            hidden=request["hidden"],
            seed=request["seed"],
            timeout=request["check_seconds"],
        )
    except Exception as error:  # whatever a submission does, the batch goes on without it
        what = one_line(f"{type(error).__name__}: {error}", 300)
        return {"crashed": f"grading stopped ({what})", "spent": True}
    return {"result": to_json(report), "spent": False}


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


def _listen(requests: IO[str], todo: queue.Queue[dict[str, Any]]) -> None:
    """Queues requests; the end of the pipe means that the parent is gone, or done."""
    for line in requests:
        todo.put(json.loads(line))
    _end()


def _end(code: int = 0) -> NoReturn:
    """Ends this process with all below it, JVM, kernel and what that started, and its folders."""
    processes.kill_all_but(())
    for folder in _folders:
        sandbox.remove_place(folder)
    os._exit(code)


if __name__ == "__main__":
    main()

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

from labkit.sandbox import sandbox

if TYPE_CHECKING:
    from labkit.grading.jvm import Engine

UNFENCED = "unfenced"  # on the command line: without the sandbox
MANY = "many"  # on the command line: it will judge many answers

_folders: list[Path] = []


def main() -> None:
    """Serves stdin's requests until it is closed.

    `python -I -m labkit.grading.batch.worker FOLDER [unfenced] [many]`
    """
    _folders.append(Path(sys.argv[1]))
    fenced, many = UNFENCED not in sys.argv[2:], MANY in sys.argv[2:]
    requests, replies = _take_over_pipes()
    sandbox.adopt_orphans()
    if fenced:
        sandbox.isolate()  # before a library starts threads
    signal.signal(signal.SIGTERM, lambda *_: _end())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    todo: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, todo), daemon=True).start()
    try:
        _serve(todo, replies, fenced=fenced, many=many)
    except BrokenPipeError:  # the parent went first
        _end()
    except BaseException:
        traceback.print_exc()
        _end(code=1)


def _serve(
    todo: queue.Queue[dict[str, Any]], replies: IO[str], *, fenced: bool, many: bool
) -> None:
    from labkit.grading.jvm import Engine
    from labkit.home import LabError

    try:
        engine = Engine(Path(os.environ["LAB_ROOT"]), sandboxed=fenced, lasting=many)
        _folders.append(engine.sandbox.place)
        engine.session()
    except LabError as error:
        _say(replies, {"refused": str(error)})
        _end(code=1)
    facts = {"folder": str(engine.sandbox.place), "sandbox": engine.sandbox.on}
    _say(replies, {"ready": os.getpid(), **facts})
    while True:
        _say(replies, answer(todo.get(), engine))


def answer(request: dict[str, Any], engine: Engine) -> dict[str, Any]:
    """The report on one submission, and whether this worker is not to take another one."""
    from labkit.course.labs import find_lab
    from labkit.escape import one_line
    from labkit.grading.grade import grade

    engine.limits = sandbox.Limits(submission_seconds=request["seconds"])
    try:
        report = grade(
            find_lab(request["lab"], Path(request["root"])),
            Path(request["path"]),
            engine.session,
            hidden=request["hidden"],
            seed=request["seed"],
            timeout=request["check_seconds"],
            engine=engine,
        )
    except Exception as error:  # whatever a submission does, the batch goes on without it
        said = one_line(f"{type(error).__name__}: {error}", 300)
        return {"crashed": f"grading stopped ({said})", "spent": True}
    return {"result": report.as_dict(), "spent": False}


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
    sandbox.kill_all_but(())
    for folder in _folders:
        sandbox.remove(folder)
    os._exit(code)


if __name__ == "__main__":
    main()

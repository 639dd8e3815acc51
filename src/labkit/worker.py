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

import psutil

from labkit import home, sandbox
from labkit.escape import one_line
from labkit.home import LabError
from labkit.labs import find_lab

if TYPE_CHECKING:
    from labkit.engine import Engine

NO_SANDBOX = "--no-sandbox"
_places: list[Path] = []  # of the sandbox, gone with this process


def main() -> None:
    """`python -m labkit.worker [--no-sandbox] SCRATCH`: serves requests on stdin until it is closed."""
    scratch = Path(sys.argv[-1])
    requests, replies = _take_over_pipes()
    fenced = NO_SANDBOX not in sys.argv
    if fenced:
        sandbox.isolate()  # before a library starts threads
    signal.signal(signal.SIGTERM, lambda *_: _end(scratch))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    todo: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, todo, scratch), daemon=True).start()
    try:
        _serve(todo, replies, scratch, fenced=fenced)
    except BrokenPipeError:  # the parent went first
        _end(scratch)
    except BaseException:
        traceback.print_exc()
        _end(scratch, code=1)


def _serve(
    todo: queue.Queue[dict[str, Any]], replies: IO[str], scratch: Path, *, fenced: bool
) -> None:
    from labkit.engine import Engine

    try:
        engine = Engine(home.root(), sandboxed=fenced)
        engine.session()  # a machine that can't start a JVM is told before a submission is taken
    except LabError as error:
        _say(replies, {"refused": str(error)})
        _end(scratch, code=1)
    _places.append(engine.sandbox.place)
    _say(replies, {"ready": os.getpid(), "place": str(engine.sandbox.place)})
    while True:
        _say(replies, answer(todo.get(), engine))


def answer(request: dict[str, Any], engine: Engine) -> dict[str, Any]:
    """The report on one submission, and whether this worker may take another one."""
    from labkit.grade import CHECK_SECONDS, grade

    lab = find_lab(request["lab"], Path(request["root"]))
    try:
        report = grade(
            lab,
            Path(request["path"]),
            engine.session,
            hidden=request["hidden"],
            seed=request["seed"],
            timeout=request.get("check_seconds", CHECK_SECONDS),
            engine=engine,
        )
    except Exception as error:  # whatever a submission does, the batch goes on without it
        said = one_line(f"{type(error).__name__}: {error}", 300)
        return {"crashed": f"grading stopped ({said})", "spent": True}
    return {"result": report.as_dict(), "spent": False}  # the engine replaces its JVM by itself


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
    for folder in (scratch, *_places):
        sandbox.remove(folder)
    os._exit(code)


if __name__ == "__main__":
    main()

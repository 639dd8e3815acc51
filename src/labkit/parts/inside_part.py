"""What a part's own Python runs: it answers calls on functions that it is given as text."""

# Run as a script, by path: the standard library alone, since a part has packages of its own only.
from __future__ import annotations
import __future__

import builtins
import contextlib
import gc
import io
import json
import linecache
import os
import queue
import shutil
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

MESSAGE_CHARACTERS = 600
TRACE_FRAMES = 6


class Given:
    """The functions that can be called, and whose frames are told when they raise."""

    def __init__(self) -> None:
        self.functions: dict[str, Any] = {}
        self.around: list[dict[str, Any]] = []
        self.told: set[str] = set()

    def answer(self, request: dict[str, Any]) -> Any:
        """Carries one request out: `define`, `write` or `call`."""
        if "define" in request:
            for group in request["define"]:
                self.define(group["names"], group["texts"])
            return None
        if "write" in request:
            for path, text in request["write"].items():
                self.write(path, text)
            return None
        return self.functions[request["call"]](*request["args"], **request["kwargs"])

    def define(self, functions: list[str], texts: list[dict[str, Any]]) -> None:
        """Makes functions of one module, among names of their own; those of others they see too."""
        # As in a notebook: what pickles functions for other processes goes by this name.
        names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
        for text in texts:
            place, lines = text["place"], "\n" * (text["line"] - 1) + text["text"]
            if text["told"]:
                self.told.add(place)
                self.remember(place, text["line"] - 1, text["text"].splitlines(keepends=True))
            # No annotation is evaluated: it may name what only labkit's packages have.
            flags = __future__.annotations.compiler_flag
            exec(compile(lines, place, "exec", flags, dont_inherit=True), names)
        self.functions |= {name: names[name] for name in functions}
        self.around.append(names)
        for around in self.around:
            for known, function in self.functions.items():
                around.setdefault(known, function)

    def remember(self, place: str, first: int, lines: list[str]) -> None:
        """Keeps source lines for traces, and for libraries that read a function's text."""
        known = linecache.getlines(place)
        known = known + ["\n"] * (first + len(lines) - len(known))
        known[first : first + len(lines)] = lines
        linecache.cache[place] = (sum(map(len, known)), None, known, place)

    def write(self, path: str, text: str) -> None:
        """Writes a file by its path in the folder of this process."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")

    def blame(self, error: BaseException) -> dict[str, Any]:
        """An error by its class and message, with the frames of what was handed over."""
        here = f"{Path.cwd()}{os.sep}"
        every = traceback.extract_tb(error.__traceback__)
        frames = [
            [frame.filename.removeprefix(here), frame.lineno, frame.name, frame.line or ""]
            for frame in every
            if frame.filename in self.told or frame.filename.startswith(here)
        ]
        own = bool(every) and every[-1].filename in self.told
        return {
            "kind": type(error).__name__,
            "message": str(error).strip()[:MESSAGE_CHARACTERS],
            "frames": frames[-TRACE_FRAMES:],
            # Libraries raise it as well, for what they can't do.
            "todo": every[-1].name if own and isinstance(error, NotImplementedError) else "",
        }


class Process:
    """A process that answers requests, and can begin copies of itself, which answer others."""

    def __init__(self, door: int) -> None:
        self.here = os.getcwd()
        self.door = door  # a socket that brings a copy's request line, reply line and log
        self.copies: list[int] = []
        self.idle: float | None = None  # seconds without a request or a copy, after which it ends
        self.begin(os.dup(0), os.dup(1), os.dup(2))

    def begin(self, requests: int, replies: int, log: int) -> None:
        """Answers on these lines from now on; what is printed goes to the log."""
        self.lines, self.replies = os.fdopen(requests, "r"), os.fdopen(replies, "w")
        nothing = os.open(os.devnull, os.O_RDONLY)
        for mine, standard in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(mine, standard)
        os.close(nothing)
        os.close(log)
        self.given = Given()
        self.requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.listen()

    def listen(self) -> None:
        """Reads requests in a thread, so that the end of the line is seen during a call, too."""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        """Passes requests on, up to one for a copy: no thread may run when this process forks.

        Whoever asks is gone when the line is closed; then all of this goes too.
        """
        for line in self.lines:
            request = json.loads(line)
            self.requests.put(request)
            if "copy" in request:
                return
        self.leave()

    def leave(self) -> None:
        """Ends this process and all that it started."""
        for pid in self.copies:
            stop(pid)
        shutil.rmtree(self.here, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)

    def serve(self) -> None:
        """Answers requests, a JSON line each, with a JSON line each."""
        while True:
            try:
                request = self.requests.get(timeout=None if self.copies else self.idle)
            except queue.Empty:
                self.leave()
            if "define" in request or "ahead" in request:
                self.idle = request.get("idle")
            try:
                if "copy" in request:
                    value: Any = self.copy(request["copy"])
                    if not value:
                        continue  # this is the copy: its own requests come next
                elif "end" in request:
                    value = self.end(request["end"])
                elif "ahead" in request:
                    value = self.get_ahead(request["ahead"])
                else:
                    value = self.given.answer(request)
                reply = json.dumps({"value": value})
            except BaseException as error:  # SystemExit too: the next call wants an answer
                reply = json.dumps({"error": self.given.blame(error)})
            with contextlib.suppress(Exception):  # a learner's code may have closed or replaced it
                sys.stdout.flush()
            self.replies.write(reply + "\n")
            self.replies.flush()

    def get_ahead(self, names: list[str]) -> int:
        """Calls functions one after the other until another request waits; how many it called."""
        for number, name in enumerate(names):
            if not self.requests.empty():
                return number
            self.given.functions[name]()
        return len(names)

    def copy(self, idle: float) -> int:
        """Begins a copy of this process; its id here, 0 in the copy."""
        self.reader.join()
        with socket.socket(fileno=os.dup(self.door)) as door:
            _, lines, _, _ = socket.recv_fds(door, 1, 3)
        gc.freeze()  # pages of what is here already stay shared
        pid = os.fork()
        if pid:
            for line in lines:
                os.close(line)
            self.copies.append(pid)
            self.idle = idle
            self.listen()
            return pid
        os.setsid()
        os.chdir(self.here)
        self.lines.close()
        self.replies.close()
        os.close(self.door)
        self.copies, self.idle = [], None
        self.begin(*lines)
        return 0

    def end(self, pid: int) -> int:
        """Kills a copy and what it started; its exit code."""
        stop(pid)
        self.copies.remove(pid)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def stop(pid: int) -> None:
    """Kills a copy that was not waited for, and its group, which it may not have made yet."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def main() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # kept also when the process is ended
    sys.path[:0] = sys.argv[2:]
    sys.path.append(os.getcwd())  # last: no file of a learner's replaces a module
    Process(int(sys.argv[1])).serve()


if __name__ == "__main__":
    main()

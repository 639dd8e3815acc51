"""What a part's own Python runs: it answers calls on functions that it is given as text."""

# Run as a script, by path: the standard library alone, since a part has packages of its own only.
from __future__ import annotations
import __future__

import builtins
import contextlib
import io
import json
import linecache
import os
import queue
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO

MESSAGE_CHARACTERS = 600
TRACE_FRAMES = 6


def read(lines: TextIO, requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Passes requests on. Whoever asks is gone when the line is closed; then all of this goes too."""
    for line in lines:
        requests.put(json.loads(line))
    os.killpg(0, signal.SIGKILL)


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


def main() -> None:
    """Answers requests, a JSON line each, with a JSON line each; what is printed goes to the log."""
    lines, replies = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # kept also when the process is ended
    sys.path[:0] = sys.argv[1:]
    sys.path.append(os.getcwd())  # last: no file of a learner's replaces a module
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=read, args=(lines, requests), daemon=True).start()
    given = Given()
    while True:
        request = requests.get()
        try:
            reply = json.dumps({"value": given.answer(request)})
        except BaseException as error:  # SystemExit too: the next call wants an answer
            reply = json.dumps({"error": given.blame(error)})
        with contextlib.suppress(Exception):  # a learner's code may have closed or replaced it
            sys.stdout.flush()
        replies.write(reply + "\n")
        replies.flush()


if __name__ == "__main__":
    main()

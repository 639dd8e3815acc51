"""Processes of a part that are started ahead: what takes long is done while nobody waits for it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from labkit.home import LabError
from labkit.parts.environment import Part
from labkit.parts.served import SECONDS, Groups, Running, Served, environment

IDLE_SECONDS = 30 * 60.0  # after which a process that nobody took ends

_wanted = False
_ready: dict[str, Spare] = {}  # started and not taken, by the name of their part


@contextmanager
def wanted() -> Iterator[None]:
    """In here, another process is started ahead when one that was used ends.

    For whoever comes again and reads in between, as a learner in a notebook does.
    """
    global _wanted
    before, _wanted = _wanted, True
    try:
        yield
    finally:
        _wanted = before


class Spare(Served):
    """A process that may have been started ahead. It is given one answer's functions, once.

    Started ahead, it calls those of `ahead` one after the other until it is needed; what it has not
    begun by then is left out. Otherwise none of them is called.
    """

    def __init__(self, part: Part, ahead: Groups) -> None:
        super().__init__(part, ())
        self._ahead = ahead
        self._key = _key(part)
        self._early: Running | None = None  # what was started ahead and answers no call yet
        self._owed = 0  # its replies to what it was asked ahead
        self._used = False

    def begin_ahead(self) -> None:
        """Starts it, and waits for nothing."""
        super()._start(time.monotonic() + SECONDS)
        names = [group["names"][0] for group in self._ahead]
        self._send({"define": self._ahead})
        self._send({"ahead": names, "idle": IDLE_SECONDS})
        self._early, self._process = self._process, None

    def settle(self, seconds: float = SECONDS) -> None:
        """Waits until it has called all of `ahead`."""
        self._early, self._process = None, self._early
        self._hear(time.monotonic() + seconds)
        self._early, self._process = self._process, None

    def fits(self, part: Part) -> bool:
        """Whether one that is started now would be in the same surroundings."""
        return self._key == _key(part)

    def give(self, groups: Groups) -> Spare:
        """The functions that it is for."""
        self._groups = groups
        return self

    def give_back(self) -> None:
        """Ends it. Another follows if it was used, and that is wanted."""
        free = _wanted and self._ahead and self.part.name not in _ready
        if free and self._early is not None:  # nobody has called it
            _ready[self.part.name] = self
            return
        self.close()
        if free and self._used:
            with suppress(LabError, OSError):  # no room for it: then the next call takes longer
                following = Spare(self.part, self._ahead)
                following.begin_ahead()
                _ready[self.part.name] = following

    def close(self) -> None:
        """Ends it, whether it answers calls yet or not, and removes its folder."""
        self._process, self._early = self._process or self._early, None
        super().close()

    def _start(self, deadline: float) -> None:
        self._used = True
        self._process, self._early = self._early, None
        if self._process is not None:
            try:
                self._send({"define": []})  # now it is needed
                self._hear(deadline)
                return
            except TimeoutError:
                raise
            except (EOFError, OSError, LabError):  # idle for long, or `ahead` fails here
                self._end()
                self._give_folder()
        super()._start(deadline)

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        self._owed += 1

    def _hear(self, deadline: float) -> None:
        while self._owed:
            reply = json.loads(self._line(deadline))
            self._owed -= 1
            if "error" in reply:
                raise LabError(str(reply["error"]))


def take(part: Part, groups: Groups, ahead: Groups) -> Spare:
    """Serves functions in a process that was started ahead, if there is one, else in a new one.

    After a new one those of `ahead` are called in the next.
    """
    spare = _ready.pop(part.name, None)
    if spare is not None and not spare.fits(part):
        spare.close()
        spare = None
    return (spare or Spare(part, ahead)).give(groups)


def settle() -> None:
    """Waits until what was started ahead is ready."""
    for spare in _ready.values():
        spare.settle()


def _key(part: Part) -> str:
    here = [str(part.python), environment(part, Path()), os.environ.get("LAB_SCRATCH")]
    return json.dumps(here)

"""The terms of a graded run: folders that a sandbox shares, limits of time, a look at the session."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from labkit.answer import CheckTimeout


@dataclass(frozen=True)
class Terms:
    """What a graded run adds to checks: folders, an end, and a look at the judge's own session."""

    folder: Path | None = None
    data: Path | None = None
    until: float | None = None
    seconds: float = 0.0  # what `until` came from
    tampered: Callable[[], str] = lambda: ""
    at_timeout: Callable[[], None] = lambda: None  # before anything else is asked of the JVM
    after_timeout: Callable[[], None] = lambda: None

    def limit(self, seconds: float | None) -> AbstractContextManager[None]:
        """CheckTimeout after `seconds`, or at the end of the submission's time."""
        left = math.inf if self.until is None else max(self.until - time.monotonic(), 0.001)
        if left < (seconds or math.inf):
            return time_limit(left, CheckTimeout(self.seconds, whole=True), self.at_timeout)
        return time_limit(seconds, at_timeout=self.at_timeout)


@contextmanager
def time_limit(
    seconds: float | None,
    error: CheckTimeout | None = None,
    at_timeout: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """CheckTimeout (or `error`) in the main thread after `seconds`; None is no limit."""
    if not seconds:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        at_timeout()
        raise error or CheckTimeout(seconds)

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)

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

AGAIN_SECONDS = 0.01  # until the next look whether time may end what runs


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

    def limit(
        self, seconds: float | None, may_end: Callable[[], bool] = lambda: True
    ) -> AbstractContextManager[None]:
        """CheckTimeout after `seconds`, or at the end of the submission's time, once `may_end` says so."""
        left = math.inf if self.until is None else max(self.until - time.monotonic(), 0.001)
        if left < (seconds or math.inf):
            error = CheckTimeout(self.seconds, whole=True)
            return time_limit(left, error, self.at_timeout, may_end)
        return time_limit(seconds, at_timeout=self.at_timeout, may_end=may_end)


@contextmanager
def time_limit(
    seconds: float | None,
    error: CheckTimeout | None = None,
    at_timeout: Callable[[], None] = lambda: None,
    may_end: Callable[[], bool] = lambda: True,
) -> Iterator[None]:
    """CheckTimeout (or `error`) in the main thread after `seconds`; None is no limit.

    While `may_end` says no, what runs is not to be cut short; the clock rings again a moment later.
    """
    if not seconds:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if not may_end():
            signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
            return
        at_timeout()
        raise error or CheckTimeout(seconds)

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)

"""What a graded run adds to checks, and the alarm that ends a check when its time is over."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from labkit.spark.attached import give_up_line
from labkit.verdict.errors import CheckTimeout

AGAIN_SECONDS = 0.01  # until the next look whether time may end what runs
CLEAN_UP_SECONDS = 30  # for what a check that ran out of time has to clean up


@dataclass
class Alarm:
    """The time of one check; `rang` is the error that the alarm raised, once it did."""

    rang: CheckTimeout | None = None


@dataclass(frozen=True)
class GradedRun:
    """What a graded run adds to checks: folders, an end, and a look at the judge's own session."""

    folder: Path | None = None
    data: Path | None = None
    broker: str = ""  # of Kafka, where the submission has one
    until: float | None = None
    seconds: float = 0.0  # what `until` came from
    tampered: Callable[[], str] = lambda: ""
    after_timeout: Callable[[], None] = lambda: None

    def limit(self, seconds: float | None) -> AbstractContextManager[Alarm]:
        """CheckTimeout after `seconds`, or at the end of the submission's time, in code of a check."""
        left = math.inf if self.until is None else max(self.until - time.monotonic(), 0.001)
        if left < (seconds or math.inf):
            error = CheckTimeout(self.seconds, whole=True)
            return time_limit(left, error)
        return time_limit(seconds)


# The functions of pytest that call a test, a fixture, and what a fixture does after its `yield`.
CALLERS = {"pytest_pyfunc_call", "call_fixture_func", "_teardown_yield_fixture"}


def in_check(frame: FrameType | None) -> bool:
    """Whether what runs is a test or a fixture, or was called by one, rather than pytest itself.

    An error there is the check's. Amid pytest's own work it would leave half a fixture behind, over
    which later checks stumble, or end the whole run.
    """
    running = frame
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(("_pytest.", "pluggy.")):
            return frame is not running and frame.f_code.co_name in CALLERS
        frame = frame.f_back
    return False


@contextmanager
def time_limit(
    seconds: float | None,
    error: CheckTimeout | None = None,
    may_end: Callable[[FrameType | None], bool] = in_check,
) -> Iterator[Alarm]:
    """CheckTimeout (or `error`) in the main thread after `seconds`; None is no limit.

    While `may_end` says no of the frame that runs, the alarm rings again a moment later. It rings
    again for what is still running CLEAN_UP_SECONDS after that: Python drops an error that is
    raised in a finalizer (py4j has one for each object of the JVM), and so may a bare `except`.
    Whatever fails once it rang has run out of time: code may stumble on its way out.
    """
    alarm = Alarm()
    if not seconds:
        yield alarm
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if not may_end(frame):
            signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
            return
        signal.setitimer(signal.ITIMER_REAL, CLEAN_UP_SECONDS)
        give_up_line()
        alarm.rang = error or CheckTimeout(seconds)
        raise alarm.rang

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield alarm
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)

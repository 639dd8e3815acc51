"""The clock of a rehearsal: readings, the time between them, and signs of a changed clock."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Python's own monotonic clock stops while the machine sleeps; this one does not.
STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
TOLERANCE = 5.0  # seconds by which a time server may adjust a clock


@dataclass(frozen=True)
class Reading:
    """Both clocks at one moment: anybody can set `wall`; `steady` starts with the machine."""

    what: str
    wall: float
    steady: float
    boot: str

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Reading:
        """The reading that `as_dict` gave; ValueError if it is not one."""
        wall, steady = float(facts["wall"]), float(facts["steady"])
        if not (math.isfinite(wall) and math.isfinite(steady)):
            raise ValueError("a reading that is not a number")
        return cls(str(facts["what"]), wall, steady, str(facts["boot"]))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Elapsed:
    """Seconds since the first reading; `notes` say where the clocks disagree."""

    seconds: float
    notes: tuple[str, ...] = ()


def read(what: str) -> Reading:
    """Both clocks now."""
    return Reading(what, time.time(), time.clock_gettime(STEADY), boot())


@cache
def boot() -> str:
    """An id of this run of the machine; empty where the system has none."""
    with suppress(OSError):
        if BOOT_ID.is_file():
            return BOOT_ID.read_text("ascii").strip()
        if sys.platform == "darwin":
            command = ["sysctl", "-n", "kern.bootsessionuuid"]
            return subprocess.run(
                command, capture_output=True, text=True, check=False
            ).stdout.strip()
    return ""


def elapsed(readings: Sequence[Reading]) -> Elapsed:
    """The time from the first to the last reading.

    Within one run of the machine the steady clock is used, whatever the system clock says; across a
    restart there is only the system clock.
    """
    seconds = 0.0
    notes = []
    for before, after in itertools.pairwise(readings):
        wall = after.wall - before.wall
        if before.boot and before.boot == after.boot and after.steady >= before.steady:
            steady = after.steady - before.steady
            seconds += steady
            if abs(wall - steady) > TOLERANCE:
                way = "forward" if wall > steady else "back"
                notes.append(
                    f"The system clock was set {way} by {in_words(abs(wall - steady))} between "
                    f"`{before.what}` and `{after.what}`; the steady clock counts."
                )
            continue
        seconds += max(wall, 0.0)
        if wall < 0:
            notes.append(
                f"The system clock went back by {in_words(-wall)} over a restart, between "
                f"`{before.what}` and `{after.what}`; the time between is unknown."
            )
        else:
            notes.append(
                f"The machine was restarted (or changed) between `{before.what}` and "
                f"`{after.what}`; these {in_words(wall)} are by the system clock only."
            )
    return Elapsed(seconds, tuple(notes))


def in_words(seconds: float) -> str:
    """`1 h 05 min`, `12 min`, `40 s`."""
    minutes = int(seconds // 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"


def face(seconds: float) -> str:
    """`1:05:09`, as a clock shows it."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"

"""What stands beside the points of a submission: which attempt it is, and whether it is late."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

UNITS = (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class Attempt:
    """Which of the attempts of a learner a submission is; `others` are the names of the rest."""

    number: int
    of: int
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.number} of {self.of}"


@dataclass(frozen=True)
class HandedIn:
    """When a submission was handed in, by the instructor's list, and how late that was.

    `at` is None for a submission that the list does not name.
    """

    at: datetime.datetime | None = None
    late: datetime.timedelta = datetime.timedelta()

    @property
    def on_time(self) -> bool:
        return self.at is not None and not self.late

    def __str__(self) -> str:
        if self.at is None:
            return "no time given"
        return f"late by {_length(self.late)}" if self.late else "on time"


def _length(time: datetime.timedelta) -> str:
    """A length of time in its two greatest units: `1 day 3 h`."""
    left = max(1, int(time.total_seconds()))
    parts = []
    for unit, size in UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}")
    return " ".join(parts[:2])

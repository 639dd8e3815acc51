"""The time left of a rehearsal: a line of text, and on the notebook's page a clock that runs."""

from __future__ import annotations

import time

from labkit.learner.rehearsal import clock
from labkit.verdict import report


class Countdown:
    """What a notebook shows when it opens a lab in a rehearsal.

    Where scripts of an output run (JupyterLab, VS Code) its HTML puts a clock into the corner of
    the page, once however often the cell is run; elsewhere the line says what it was then.
    """

    def __init__(self, left: float) -> None:
        self.left, self._end = left, time.time() + left

    def __repr__(self) -> str:
        return f"A rehearsal: {time_left(self.left)}. `./lab finish` ends it."

    def _repr_html_(self) -> str:
        return report.render("countdown.html.jinja", text=repr(self), end=round(self._end * 1000))


def time_left(seconds: float) -> str:
    """`29 min left`, or by how much the time is over."""
    return f"{clock.told(seconds)} left" if seconds > 0 else f"{clock.told(-seconds)} over time"

"""The time left in a rehearsal: a line of text, and a running clock on the notebook's page."""

from __future__ import annotations

import time

from labkit.learner.rehearsal import clock
from labkit.verdict import report


class Countdown:
    """What a notebook shows when it opens a lab in a rehearsal.

    Where a page runs the scripts of an output, the HTML adds a clock: in the corner of JupyterLab,
    only one even if the cell is run again, and behind the line in VS Code. Elsewhere the line says
    what was left then.
    """

    def __init__(self, left: float) -> None:
        self.left, self._end = left, time.time() + left

    def __repr__(self) -> str:
        return f"A rehearsal: {time_left(self.left)}. `./lab finish` ends it."

    def _repr_html_(self) -> str:
        return report.render("countdown.html.jinja", text=repr(self), end=round(self._end * 1000))


def time_left(seconds: float) -> str:
    """`29 min left`, or `3 min over time`."""
    return (
        f"{clock.in_words(seconds)} left"
        if seconds > 0
        else f"{clock.in_words(-seconds)} over time"
    )

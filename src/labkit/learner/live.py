"""A verdict while it is being made: on the notebook's page, check by check."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from labkit.judge.observer import Observer
from labkit.learner.output import Checked
from labkit.learner.shell import on_a_page, shell
from labkit.verdict.outcome import CheckResult

if TYPE_CHECKING:
    from labkit.checks.mark import Declaration

SECONDS_BETWEEN = 0.1  # two pictures of a run; more would keep the page busy


class Live(Observer):
    """Shows what is judged so far, and keeps it for a learner who interrupts the run."""

    def __init__(self) -> None:
        super().__init__()
        self._started = self._drawn = time.perf_counter()
        self._page: Any = None

    def begins(self, chosen: Sequence[Declaration]) -> None:
        super().begins(chosen)
        if on_a_page():
            from IPython.display import display

            self._page = display(self._running(), display_id=True)

    def judged(self, result: CheckResult) -> None:
        super().judged(result)
        now = time.perf_counter()
        if self._page and now - self._drawn >= SECONDS_BETWEEN:
            self._drawn = now
            self._page.update(self._running())

    def ended(self, checked: Checked) -> Checked:
        """The verdict; where the page shows it by now, one that the cell does not show again."""
        if not self._page:
            return checked
        self._page.update(checked)
        return Shown(checked.results, checked.seconds, checked.foot)

    def interrupted(self) -> None:
        """Says what is known: on the page, or on the standard error stream."""
        known = self._so_far(f"The check was interrupted: {self.count}.")
        if self._page:
            self._page.update(known)
        else:
            print(known, file=sys.stderr)

    def of_whole_tasks(self) -> tuple[CheckResult, ...]:
        """The results of the tasks that have no check to come."""
        half = {check.task for check in self.coming}
        return tuple(result for result in self.results if result.task not in half)

    def _running(self) -> Checked:
        """What is known now; the line of a single task says by itself how far it is."""
        tasks = {check.task for check in self._chosen}
        return self._so_far(*[self.count] if len(tasks) > 1 else [])

    def _so_far(self, *said: str) -> Checked:
        seconds = time.perf_counter() - self._started
        return Checked(tuple(self.results), seconds, said, self.coming)


class CheckInterruptedError(KeyboardInterrupt):
    """Ends the cell, and a run of all cells, without a trace, which would name our code alone."""

    def _render_traceback_(self) -> list[str]:
        return ["KeyboardInterrupt"]


class Shown(Checked):
    """A verdict that its cell shows already; any other cell shows it as usual."""

    def __init__(self, results: tuple[CheckResult, ...], seconds: float, foot: tuple[str, ...]):
        super().__init__(results, seconds, foot)
        self._cell = shell().execution_count

    def _ipython_display_(self) -> None:
        if shell().execution_count != self._cell:
            from IPython.display import display

            display(Checked(self.results, self.seconds, self.foot))

"""What a notebook holds after `lab = labkit.open(slug)`: session, data, checks, hints, solution.

`open_lab` looks once at where the notebook runs and returns the class for it: `LabSession` in a
learner's notebook, `GradedSession` in a submission's kernel, `RehearsalSession` in a rehearsal, and
`StrictSession` where an author's tools run a whole notebook. All have the same methods.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from labkit.course.labs import Lab, find_lab
from labkit.learner.lab_session import SCRATCH, LabSession
from labkit.learner.output import Checked, Message
from labkit.learner.rehearsal import rehearse
from labkit.learner.rehearsal.countdown import Countdown, time_left
from labkit.learner.rehearsal.rehearse import Rehearsal
from labkit.learner.shell import shell
from labkit.verdict.outcome import CheckResult

GRADED = "LAB_GRADED"
STRICT = "LAB_STRICT"


class CheckFailedError(AssertionError):
    """Raised by `lab.check` in a `StrictSession`, so that the run of the notebook fails."""


class GradedSession(LabSession):
    """The lab in a submission's kernel: another process judges, and no learner reads the output."""

    def check(self, task: str | None = None) -> None:
        """Nothing."""

    def hint(self, task: str | None = None) -> None:
        """Nothing."""

    def solution(self, task: str | None = None, *, give_up: bool = False) -> None:
        """Nothing."""

    def next(self) -> None:
        """Nothing."""

    def _storage(self) -> Path:
        return Path(os.environ[SCRATCH])


class RehearsalSession(LabSession):
    """The lab in a rehearsal: until `lab finish` the time left takes the place of all help."""

    def __init__(self, lab: Lab, namespace: Mapping[str, Any], rehearsal: Rehearsal) -> None:
        super().__init__(lab, namespace)
        self._rehearsal = rehearsal

    def check(self, task: str | None = None) -> Checked | Message | None:
        """The time left; after the finish, the verdict of the public checks."""
        return self._time_left() or super().check(task)

    def hint(self, task: str | None = None) -> Message | None:
        """The time left; after the finish, the next hint."""
        return self._time_left() or super().hint(task)

    def solution(self, task: str | None = None, *, give_up: bool = False) -> Message | None:
        """The time left; after the finish, the reference answer."""
        return self._time_left() or super().solution(task, give_up=give_up)

    def next(self) -> Message | None:
        """The time left; after the finish, what to do next."""
        return self._time_left() or super().next()

    def _time_left(self) -> Message | None:
        """The clock in words, and how to end it; None once it has stopped."""
        if self._rehearsal.finished:
            return None
        left = time_left(self._rehearsal.left())
        return Message(f"A rehearsal has no checks and no hints; {left}. `./lab finish` ends it.")


class StrictSession(LabSession):
    """The lab in a notebook that is run as a whole: a wrong answer raises, no progress is kept."""

    def __init__(self, lab: Lab, namespace: Mapping[str, Any]) -> None:
        super().__init__(lab, namespace)
        self._passed: set[str] = set()

    def check(self, task: str | None = None) -> Checked:
        """Judges one task (or all); CheckFailedError when a check does not pass."""
        checked = self._check(task)
        if not checked.passed:
            raise CheckFailedError(repr(checked))
        return checked

    def _keep(self, results: tuple[CheckResult, ...]) -> None:
        failed = {result.task for result in results if result.outcome != "passed"}
        self._passed |= {result.task for result in results}
        self._passed -= failed

    def _passed_tasks(self) -> Collection[str]:
        return self._passed

    def _next_talk(self) -> str:
        return ""  # an author's run says the same whoever runs it


def open_lab(slug: str) -> LabSession:
    """`labkit.open`: the lab `slug` over the namespace of the notebook (or of `__main__`).

    In a rehearsal it shows the clock.
    """
    lab, namespace = find_lab(slug), _namespace()
    if GRADED in os.environ:
        return GradedSession(lab, namespace)
    if STRICT in os.environ:
        return StrictSession(lab, namespace)
    if rehearsal := rehearse.running(Path.cwd()):
        if shell():
            from IPython.display import display

            display(Countdown(rehearsal.left()))
        return RehearsalSession(lab, namespace, rehearsal)
    return LabSession(lab, namespace)


def _namespace() -> dict[str, Any]:
    notebook = shell()
    return notebook.user_ns if notebook is not None else vars(sys.modules["__main__"])

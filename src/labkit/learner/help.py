"""Help for a learner: the next hint, the reference answer; what they take is recorded."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.course.hints import Hint, read_hints, reference, require_task
from labkit.course.labs import Lab
from labkit.home import LabError
from labkit.learner import progress
from labkit.verdict.outcome import CheckResult


def open_hint(lab: Lab, task: str) -> Hint | None:
    """The hint that would come next, not counted as taken; None when all are taken."""
    hints = read_hints(lab.checks).get(task, [])
    taken = progress.hints_taken(lab, task)
    return Hint(task, taken + 1, len(hints), hints[taken]) if taken < len(hints) else None


def next_hint(lab: Lab, results: Iterable[CheckResult]) -> Hint | None:
    """The next hint for the first task that needs help and has a hint left."""
    tasks = dict.fromkeys(result.task for result in results if result.task and result.wants_help)
    return next((hint for task in tasks if (hint := open_hint(lab, task))), None)


def take_hint(lab: Lab, task: str) -> Hint:
    """The next hint of a task, recorded as taken; after the last one, the last one again."""
    hints = read_hints(lab.checks).get(require_task(lab, task), [])
    if not hints:
        raise LabError(f"there is no hint for `{task}`")
    number = min(progress.hints_taken(lab, task) + 1, len(hints))
    progress.note(lab, task, "hints", number)
    return Hint(task, number, len(hints), hints[number - 1])


def take_solution(lab: Lab, task: str, *, give_up: bool) -> str | None:
    """The reference answer if the task is passed or given up, which is recorded; else None."""
    passed = progress.passed(progress.task(lab, require_task(lab, task)))
    if not passed and not give_up:
        return None
    text = reference(lab, task)
    if not passed:
        progress.note(lab, task, "gave_up", True)
    return text

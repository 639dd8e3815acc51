"""Reasons that several checks share: each is told once, with the checks that it explains."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labkit.verdict.outcome import CheckResult

# What differs between two checks that saw the same: the database and the folder that each check has
# for itself, and the numbers that Spark and Python give to columns and objects.
OF_ONE_CHECK = re.compile(
    r"\blab_\w*_[0-9a-f]{9,}\b"
    r"|[^\s'\"`,;()]*/check(?:-\w{8}|\d+)(?![\w-])"
    r"|#\d+L?\b|\b0x[0-9a-f]{6,}\b"
)


@dataclass(frozen=True)
class Told:
    """Checks of one task that are told together: one alone, or several with the same reason.

    `lead` says how many checks the reason explains, or at which task it was told before; then
    `reason` is empty. It is `hidden` if it is the reason of hidden checks alone.
    """

    results: tuple[CheckResult, ...]
    lead: str = ""
    reason: str = ""
    hidden: bool = False

    @property
    def passed(self) -> bool:
        return self.results[0].outcome == "passed"

    @property
    def traces(self) -> list[str]:
        """The places in the learner's code that the checks name, each once."""
        return list(dict.fromkeys(result.trace for result in self.results if result.trace))


def told(results: Sequence[CheckResult]) -> dict[str, list[Told]]:
    """The checks of each task in their order, those that share a reason beside the first of them.

    One error of Spark's, say, can fail all checks of a task, and of each task that calls it.
    """
    by_task: dict[str, list[CheckResult]] = {}
    for result in results:
        by_task.setdefault(name_of(result), []).append(result)
    # By cause, then by task, both in the order in which they are shown.
    causes: dict[object, dict[str, list[CheckResult]]] = {}
    for task, mine in by_task.items():
        for result in mine:
            cause = _cause(result) or id(result)
            causes.setdefault(cause, {}).setdefault(task, []).append(result)
    groups: dict[str, list[Told]] = {task: [] for task in by_task}
    for tasks in causes.values():
        hidden = all(result.hidden for mine in tasks.values() for result in mine)
        for task, mine in tasks.items():
            first = task == next(iter(tasks))
            reason = mine[0].reason if first else ""
            groups[task].append(Told(tuple(mine), _lead(tasks, task), reason, hidden))
    place = {id(result): number for number, result in enumerate(results)}
    for told_of_task in groups.values():
        told_of_task.sort(key=lambda found: place[id(found.results[0])])
    return groups


def name_of(result: CheckResult) -> str:
    """The task of a check, or what stands in its place for checks that can't be loaded."""
    return result.task or "checks"


def _cause(result: CheckResult) -> tuple[str, str] | None:
    """What two checks have in common that say the same; None for one that says nothing."""
    if result.outcome == "passed" or not result.reason:
        return None
    return result.outcome, OF_ONE_CHECK.sub("…", result.reason)


def _lead(tasks: Mapping[str, Sequence[CheckResult]], task: str) -> str:
    first, *others = tasks
    if task != first:
        return f"Same reason as at `{first}`."
    mine = len(tasks[task])
    here = f"these {mine} checks" if mine > 1 else "this check"
    if others:
        more = " and ".join(f"{len(tasks[name])} of `{name}`" for name in others)
        return f"Same reason for {here}, and for {more}:"
    return f"Same reason for {here}:" if mine > 1 else ""

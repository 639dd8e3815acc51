"""The help that a lab gives: staged hints, and the reference answer of one task."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labkit import progress
from labkit.home import LabError
from labkit.labs import Lab
from labkit.outcome import CheckResult


@dataclass(frozen=True)
class Hint:
    """One hint of a task, and where it stands among the others."""

    task: str
    number: int
    total: int
    text: str

    def __str__(self) -> str:
        return f"Hint {self.number} of {self.total} for `{self.task}`: {self.text}"

    @property
    def is_last(self) -> bool:
        return self.number == self.total


def read_hints(checks: Path) -> dict[str, list[str]]:
    """The HINTS of a checks.py, read without running it; none of a file that is not Python."""
    try:
        body = ast.parse(checks.read_text("utf-8"), str(checks)).body
    except (SyntaxError, ValueError):
        return {}
    for node in body:
        if isinstance(node, ast.Assign) and [
            target.id for target in node.targets if isinstance(target, ast.Name)
        ] == ["HINTS"]:
            return dict(ast.literal_eval(node.value))
    return {}


def require_task(lab: Lab, task: str) -> str:
    """`task`, when the lab has it; LabError names the nearest otherwise."""
    if task in lab.tasks:
        return task
    near = difflib.get_close_matches(task, lab.tasks, n=1, cutoff=0.5)
    hint = f" (did you mean `{near[0]}`?)" if near else ""
    raise LabError(f"lab {lab.slug} has no task `{task}`{hint}; its tasks: {', '.join(lab.tasks)}")


def open_hint(lab: Lab, task: str) -> Hint | None:
    """The hint that would come next, not taken yet; None when all are taken."""
    hints = read_hints(lab.checks).get(task, [])
    taken = progress.hints_taken(lab, task)
    return Hint(task, taken + 1, len(hints), hints[taken]) if taken < len(hints) else None


def next_hint(lab: Lab, results: Iterable[CheckResult]) -> Hint | None:
    """The hint that is open for the first task that wants help and has one left."""
    tasks = dict.fromkeys(result.task for result in results if result.task and result.wants_help)
    return next((hint for task in tasks if (hint := open_hint(lab, task))), None)


def take_hint(lab: Lab, task: str) -> Hint:
    """The next hint of a task, noted as taken; the last one again when there are no more."""
    hints = read_hints(lab.checks).get(require_task(lab, task), [])
    if not hints:
        raise LabError(f"there is no hint for `{task}`")
    number = min(progress.hints_taken(lab, task) + 1, len(hints))
    progress.note(lab, task, "hints", number)
    return Hint(task, number, len(hints), hints[number - 1])


def take_solution(lab: Lab, task: str, *, passed: bool, give_up: bool) -> str | None:
    """The reference answer once the task is passed or given up, which is noted; else None."""
    passed = passed or progress.passed(progress.task(lab, require_task(lab, task)))
    if not passed and not give_up:
        return None
    text = reference(lab, task)
    if not passed:
        progress.note(lab, task, "gave_up", True)
    return text


def reference(lab: Lab, task: str) -> str:
    """The source of the reference answer; LabError in a hand-out, which has none."""
    from labkit import source

    if not lab.solution.is_file():
        raise LabError(
            "this copy of the labs was handed out without solutions; ask your instructor"
        )
    text = source.read(lab.solution).solved_text
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == task:
            return ast.get_source_segment(text, node) or ""
    raise LabError(f"{lab.solution} does not define `{task}`")

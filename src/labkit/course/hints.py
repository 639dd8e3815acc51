"""A lab's help as it is on disk: staged hints, and the reference answer of one task."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass
from pathlib import Path

from labkit.course import source
from labkit.course.labs import Lab
from labkit.home import LabError


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


def reference(lab: Lab, task: str) -> str:
    """The source of the reference answer; LabError in a hand-out, which has none."""
    if not lab.solution.is_file():
        raise LabError(
            "this copy of the labs was handed out without solutions; ask your instructor"
        )
    text = source.read(lab.solution).solved_text
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == task:
            return ast.get_source_segment(text, node) or ""
    raise LabError(f"{lab.solution} does not define `{task}`")

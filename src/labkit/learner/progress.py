"""What the learner has passed and which help they took, in one small file."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import home
from labkit.course.labs import Lab
from labkit.verdict.outcome import CheckResult

VERSION = 1
NO_VERDICT = ("broken", "skipped")


@dataclass(frozen=True)
class Step:
    """What to do next: a task of a lab, and the checks that its last answer did not pass."""

    lab: Lab
    task: str
    lacked: tuple[str, ...] = ()


def path(root: Path) -> Path:
    """The progress file of a checkout's learner."""
    return home.kept_file(root, "progress")


def load(root: Path) -> dict[str, Any]:
    """The progress of all labs; a copy is kept of a file that is not a progress file."""
    return home.read_kept(path(root), _sound) or {"version": VERSION, "labs": {}}


def _sound(data: dict[str, Any]) -> bool:
    tasks = [facts["tasks"] for facts in data["labs"].values()]
    return all(isinstance(fact, dict) for found in tasks for fact in found.values())


def record(lab: Lab, results: Sequence[CheckResult]) -> None:
    """Keeps the points of the tasks just checked, by the public checks, and which checks failed.

    A task with a broken or skipped check has no verdict, so its facts stay as they were.
    """
    public = [result for result in results if not result.hidden and result.task]
    by_task = {
        task: [result for result in public if result.task == task]
        for task in dict.fromkeys(result.task for result in public)
    }
    with changing(lab.root) as data:
        for task, mine in by_task.items():
            if any(result.outcome in NO_VERDICT for result in mine):
                continue
            points = sum(result.points for result in mine)
            kept = _facts(data, lab, task)
            kept["points"], kept["max_points"] = points, sum(result.max_points for result in mine)
            kept["best"] = max(points, kept.get("best", 0))
            kept["lacked"] = [
                result.title for result in mine if result.outcome not in ("passed", "todo")
            ]
            kept["checked"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def note(lab: Lab, task: str, key: str, value: Any) -> None:
    """Keeps one fact about a task: hints taken, solution seen."""
    with changing(lab.root) as data:
        _facts(data, lab, task)[key] = value


def tasks_by_lab(labs: Sequence[Lab]) -> dict[str, dict[str, dict[str, Any]]]:
    """For each lab, by its slug, the facts about its tasks; the file is read once."""
    kept = load(labs[0].root)["labs"] if labs else {}
    return {lab.slug: kept.get(lab.slug, {}).get("tasks", {}) for lab in labs}


def tasks(lab: Lab) -> dict[str, dict[str, Any]]:
    """The facts about the tasks of one lab."""
    return tasks_by_lab([lab])[lab.slug]


def task(lab: Lab, name: str) -> dict[str, Any]:
    """The facts about one task."""
    return tasks(lab).get(name, {})


def hints_taken(lab: Lab, name: str) -> int:
    return int(task(lab, name).get("hints", 0))


def passed(facts: dict[str, Any]) -> bool:
    """Whether all public checks of a task passed the last time, by the facts about it."""
    return bool(facts.get("max_points")) and facts.get("points") == facts["max_points"]


def next_step(labs: Sequence[Lab]) -> Step | None:
    """The first open task of a lab that was begun, else of the first open lab; None at the end."""
    kept = tasks_by_lab(labs)
    steps = []
    for lab in labs:
        facts = kept[lab.slug]
        task = next((name for name in lab.tasks if not passed(facts.get(name, {}))), None)
        if task is not None:
            begun = any("points" in fact for fact in facts.values())
            lacked = tuple(map(str, facts.get(task, {}).get("lacked", ())))
            steps.append((not begun, lab.number, Step(lab, task, lacked)))
    return min(steps, key=lambda step: step[:2])[2] if steps else None


def _facts(data: dict[str, Any], lab: Lab, task: str) -> dict[str, Any]:
    tasks = data["labs"].setdefault(lab.slug, {}).setdefault("tasks", {})
    found: dict[str, Any] = tasks.setdefault(task, {})
    return found


def changing(root: Path) -> AbstractContextManager[dict[str, Any]]:
    return home.changing(path(root), lambda: load(root))

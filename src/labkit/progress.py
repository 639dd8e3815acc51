"""What the learner has reached, in one small file beside their work."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from labkit.labs import Lab
from labkit.outcome import CheckResult

VERSION = 1


def path(root: Path) -> Path:
    return root / "work" / "progress.json"


def load(root: Path) -> dict[str, Any]:
    """The progress of all labs; an unreadable file is put aside with a copy, never overwritten."""
    file = path(root)
    try:
        data = json.loads(file.read_text("utf-8"))
        if not isinstance(data, dict) or not isinstance(data.get("labs"), dict):
            raise ValueError("not a progress file")
        return data
    except FileNotFoundError:
        pass
    except (ValueError, UnicodeDecodeError):
        shutil.copy2(file, file.with_suffix(".unreadable.json"))
    return {"version": VERSION, "labs": {}}


def record(lab: Lab, results: tuple[CheckResult, ...]) -> None:
    """Keeps the points of the tasks just checked (public checks only)."""
    data = load(lab.root)
    tasks = data["labs"].setdefault(lab.slug, {}).setdefault("tasks", {})
    public = [result for result in results if not result.hidden and result.task]
    for task in {result.task for result in public}:
        mine = [result for result in public if result.task == task]
        points = sum(result.points for result in mine)
        kept = tasks.setdefault(task, {})
        kept["points"], kept["max_points"] = points, sum(result.max_points for result in mine)
        kept["best"] = max(points, kept.get("best", 0))
    _save(lab.root, data)


def note(lab: Lab, task: str, key: str, value: Any) -> None:
    """Keeps one fact of a task: hints taken, solution seen."""
    data = load(lab.root)
    data["labs"].setdefault(lab.slug, {}).setdefault("tasks", {}).setdefault(task, {})[key] = value
    _save(lab.root, data)


def task(lab: Lab, name: str) -> dict[str, Any]:
    """The facts kept of one task."""
    found = load(lab.root)["labs"].get(lab.slug, {}).get("tasks", {}).get(name, {})
    return dict(found) if isinstance(found, dict) else {}


def passed(facts: dict[str, Any]) -> bool:
    """Whether the facts of a task say that every public check of it passed last time."""
    return bool(facts.get("max_points")) and facts.get("points") == facts["max_points"]


def _save(root: Path, data: dict[str, Any]) -> None:
    file = path(root)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".progress-", dir=file.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(data, out, indent=1, sort_keys=True)
        os.replace(draft, file)
    except OSError:
        return  # a read-only checkout keeps no progress; checking goes on

"""A log of a notebook's saves, and an estimate from it of the time spent on each task."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labkit.grading.cells import UnreadableError, parsed
from labkit.grading.submission import read_submission

LOG = "saves.jsonl"
NO_SAVE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
# Python's parser takes a thousand times as much memory, and whoever grades reads others' notebooks.
MOST_PARSED = 100_000  # characters of a cell
RECENT = 3.0  # seconds before the log was opened in which a save still counts as seen


@dataclass(frozen=True)
class Save:
    """One save: `elapsed` seconds on the clock, and a hash of each task's function.

    `seen`: the clock was read at the time; otherwise the file's own time was used.
    """

    file: str
    elapsed: float
    seen: bool
    stamp: int
    tasks: dict[str, str]

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Save:
        """The save in a line of the log; ValueError if there is none."""
        elapsed = float(facts["elapsed"])
        if not math.isfinite(elapsed):
            raise ValueError("a time that is not a number")
        hashes = {str(task): str(text) for task, text in facts["tasks"].items()}
        return cls(str(facts["file"]), elapsed, bool(facts["seen"]), int(facts["stamp"]), hashes)


@dataclass(frozen=True)
class Spent:
    """Seconds by task, and the rest: reading, experiments, other cells."""

    tasks: dict[str, float]
    last_change: dict[str, float]
    rest: float
    saves: int
    unseen: int


class Log:
    """The saves of a rehearsal's notebooks; `files` has the tasks of each notebook."""

    def __init__(self, folder: Path, files: Mapping[str, Sequence[str]]) -> None:
        self._folder, self._files = folder, files
        self._stamps = {save.file: save.stamp for save in self.read()}
        self._opened = time.time()

    def read(self) -> list[Save]:
        """The saves so far, each once; lines that a crash cut short are skipped."""
        saves: dict[tuple[str, int], Save] = {}
        with suppress(OSError):
            for line in (self._folder / LOG).read_text("utf-8", "replace").splitlines():
                with suppress(*NO_SAVE):
                    save = Save.of(json.loads(line))
                    saves.setdefault((save.file, save.stamp), save)
        return list(saves.values())

    def look(self, elapsed: float) -> list[Save]:
        """Logs and returns the saves since the last look, at `elapsed` seconds on the clock."""
        found = []
        for name, tasks in self._files.items():
            path = self._folder / name
            try:
                stamp = path.stat().st_mtime_ns
            except OSError:
                continue
            if stamp == self._stamps.get(name):
                continue
            try:
                functions = task_sources(path, tasks)
            except UnreadableError:
                continue  # in the middle of a save; the next look finds a whole file
            written = stamp / 1e9
            seen = written >= self._opened - RECENT or name not in self._stamps
            at = elapsed if seen else max(0.0, elapsed - max(0.0, time.time() - written))
            hashes = {
                task: hashlib.sha256(text.encode()).hexdigest()[:16]
                for task, text in functions.items()
            }
            save = Save(name, round(at, 1), seen, stamp, hashes)
            with (self._folder / LOG).open("a", encoding="utf-8") as log:
                log.write(json.dumps(asdict(save)) + "\n")
            self._stamps[name] = stamp
            found.append(save)
        return found


def task_sources(path: Path, tasks: Sequence[str]) -> dict[str, str]:
    """The source of each task's function in a notebook; the last one, if there are several."""
    found: dict[str, str] = {}
    for cell in read_submission(path).cells:
        for task in tasks:
            if re.search(rf"^(async )?def {task}\b", cell.source, re.MULTILINE):
                found[task] = _function(cell.source, task)
    return found


def _function(source: str, task: str) -> str:
    """Only the function; the whole cell if it does not parse, or is too long for that."""
    if len(source) > MOST_PARSED:
        return source
    with suppress(SyntaxError, ValueError):
        for node in reversed(parsed(source).body):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == task:
                return ast.get_source_segment(source, node) or source
    return source


def spent(saves: Sequence[Save], tasks: Mapping[str, Sequence[str]], until: float) -> Spent:
    """Assigns the time before each save to the tasks that it changed, in equal parts if several.

    Keys of the result are `file:task`. The times of saves are measured; what they were spent on
    is an estimate: an hour of thought before one save counts for the tasks that this save changed.
    """
    shares = {f"{file}:{task}": 0.0 for file, names in tasks.items() for task in names}
    last: dict[str, float] = {}
    before: dict[str, dict[str, str]] = {}
    rest, clock = 0.0, 0.0
    for save in sorted(saves, key=lambda save: save.elapsed):
        passed = max(0.0, min(save.elapsed, until) - clock)
        clock = max(clock, min(save.elapsed, until))
        old = before.get(save.file, save.tasks)
        changed = [
            f"{save.file}:{task}"
            for task in {**old, **save.tasks}
            if save.tasks.get(task) != old.get(task) and f"{save.file}:{task}" in shares
        ]
        before[save.file] = save.tasks
        for key in changed:
            shares[key] += passed / len(changed)
            last[key] = save.elapsed
        rest += 0.0 if changed else passed
    first = len({save.file for save in saves})  # the starters, as the clock began
    return Spent(
        shares, last, rest + max(0.0, until - clock), max(0, len(saves) - first),
        sum(not save.seen for save in saves),
    )  # fmt: skip

"""A learner's progress as one file that another machine takes over: tasks and interview cards."""

from __future__ import annotations

import datetime
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.home import LabError
from labkit.interview import schedule
from labkit.learner import progress

FORMAT = "lakehouse-labs-progress"
VERSION = 1
# What a check of a task finds; of two machines' findings one is taken as a whole.
FOUND = ("points", "max_points", "lacked", "checked")

Facts = dict[str, Any]


@dataclass(frozen=True)
class Imported:
    """What an import did: how many tasks and cards the file has, and how many of them it changed.

    `both` counts cards with answers on both machines, of which the later one is kept.
    """

    tasks: int
    tasks_taken: int
    cards: int
    cards_taken: int
    both: int


def export(root: Path, file: Path) -> tuple[int, int]:
    """Writes the progress of a checkout's learner; how many tasks and cards it has."""
    labs, cards = progress.load(root)["labs"], schedule.load(root)["cards"]
    data = {
        "format": FORMAT,
        "version": VERSION,
        "exported": schedule.now().isoformat(timespec="seconds"),
        "labs": labs,
        "cards": cards,
    }
    if file.exists():
        try:
            _read(file)
        except LabError:
            raise LabError(
                f"{file} is there and holds no progress; name another file, or remove it"
            ) from None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", "utf-8")
    except OSError as error:
        raise LabError(f"{file} can't be written: {error.strerror}") from None
    return _count(labs), len(cards)


def take_over(root: Path, file: Path) -> Imported:
    """Merges an exported file into the progress here; LabError, and no change, if it is none.

    Nothing gets worse: of a task the better result is kept, of equal ones the later; the most hints
    taken count, and so does an answer that was seen. Of a card the later answer counts.
    """
    other = _read(file)
    with progress.changing(root) as mine:
        tasks = _take_tasks(mine["labs"], other["labs"])
    with schedule.changing(root) as deck:
        both = sum(
            _differ(deck["cards"].get(card), facts) for card, facts in other["cards"].items()
        )
        cards = schedule.merged(deck, other)
    # What was kept has nothing left to take. A file that can't be written raises nothing.
    if _take_tasks(progress.load(root)["labs"], other["labs"]):
        raise _not_kept(progress.path(root))
    if schedule.merged(schedule.load(root), other):
        raise _not_kept(schedule.path(root))
    return Imported(_count(other["labs"]), tasks, len(other["cards"]), cards, both)


def _take_tasks(mine: dict[str, Any], other: dict[str, Any]) -> int:
    """Merges the facts of all tasks of other labs into mine; how many that changed."""
    taken = 0
    for slug, lab in other.items():
        tasks = mine.setdefault(slug, {}).setdefault("tasks", {})
        for task, facts in lab["tasks"].items():
            merged = _merged(tasks.get(task, {}), facts)
            taken += merged != tasks.get(task)
            tasks[task] = merged
    return taken


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise LabError(f"{file} can't be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        page = isinstance(data, dict) and "cards" in data
        remedy = "it is of the page of cards: `./lab interview --import` takes it" if page else ""
        raise LabError(
            f"{file} is not what `./lab progress --export` writes; "
            f"{remedy or 'export it again on the other machine'}"
        )
    version = data.get("version")
    if isinstance(version, int) and version > VERSION:
        raise LabError(
            f"{file} is of a newer version of Lakehouse Labs ({version}); update this checkout "
            "(`git pull`), then import it again"
        )
    try:
        if version == VERSION and _sound(data["labs"]) and schedule.sound(data):
            return data
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        pass
    raise LabError(f"{file} was changed or cut off; export it again on the other machine")


def _sound(labs: dict[str, Any]) -> bool:
    """Whether all tasks have facts of the right kinds; raises what looking at them raises."""
    found = [facts for lab in labs.values() for facts in lab["tasks"].values()]
    return all(map(_sound_facts, found))


def _sound_facts(facts: Facts) -> bool:
    counts = [facts.get(key, 0) for key in ("best", "hints")]
    return (
        all(map(_is_count, counts))
        and isinstance(facts.get("gave_up", False), bool)
        and all(isinstance(title, str) for title in facts.get("lacked", []))
        and (_has_result(facts) or not any(key in facts for key in FOUND))
    )


def _has_result(facts: Facts) -> bool:
    """Whether a check found something of a task; raises for a moment that is none."""
    if not all(_is_count(facts.get(key)) for key in ("points", "max_points")):
        return False
    return (
        "checked" not in facts
        or datetime.datetime.fromisoformat(facts["checked"]).tzinfo is not None
    )


def _is_count(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0


def _merged(mine: Facts, other: Facts) -> Facts:
    better, worse = (other, mine) if _rank(other) > _rank(mine) else (mine, other)
    # A result that only the worse one has is no result of the better one.
    merged = {**{key: value for key, value in worse.items() if key not in FOUND}, **better}
    for key in ("best", "hints"):
        if key in mine or key in other:
            merged[key] = max(mine.get(key, 0), other.get(key, 0))
    if mine.get("gave_up") or other.get("gave_up"):
        merged["gave_up"] = True
    return merged


def _rank(facts: Facts) -> tuple[float, datetime.datetime]:
    """How good the result of a task is, then when it was found; early versions didn't keep that."""
    points = facts["points"] / (facts["max_points"] or 1) if "points" in facts else -1.0
    return (
        points,
        datetime.datetime.fromisoformat(facts.get("checked", "0001-01-01T00:00:00+00:00")),
    )


def _differ(mine: Facts | None, other: Facts) -> bool:
    """Whether a card has answers on both machines that the other one doesn't know."""
    if mine is None:
        return False
    one, two = mine["grades"], other["grades"]
    shared = min(len(one), len(two))
    return bool(one[:shared] != two[:shared])


def _not_kept(file: Path) -> LabError:
    return LabError(f"{file} can't be written; make room or mend its rights, then import again")


def _count(labs: dict[str, Any]) -> int:
    return sum(len(lab["tasks"]) for lab in labs.values())

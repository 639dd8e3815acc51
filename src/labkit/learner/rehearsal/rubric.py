"""The rubric, for what no check can see: the general part, then the lab's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labkit.course.labs import Lab
from labkit.home import LabError

GENERAL = Path(__file__).parent / "templates" / "rubric.yaml"


@dataclass(frozen=True)
class Part:
    """A heading and the points to tick below it; `lab` is the title of its lab, if it has one."""

    title: str
    points: tuple[str, ...]
    lab: str = ""


def rubric(labs: Sequence[Lab]) -> tuple[Part, ...]:
    """The general parts, then those of each lab that has a `rubric.yaml`."""
    own = (
        Part(part.title, part.points, lab.title)
        for lab in labs
        if lab.rubric.is_file()
        for part in read(lab.rubric)
    )
    return *read(GENERAL), *own


def read(path: Path) -> tuple[Part, ...]:
    """The parts of a file, each with `title` and `points`; LabError if it has another form."""
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LabError(f"{path} can't be read: {' '.join(str(error).split())}") from None
    if not isinstance(found, list) or not found:
        raise LabError(f"{path}: write a list of parts, each with `title` and `points`")
    return tuple(_part(path, number, part) for number, part in enumerate(found, 1))


def _part(path: Path, number: int, part: Any) -> Part:
    named = isinstance(part, dict) and set(part) == {"title", "points"}
    points = part["points"] if named else None
    if not named or not isinstance(part["title"], str) or not isinstance(points, list):
        raise LabError(
            f"{path}: part {number} needs a `title` and a list of `points`, nothing else"
        )
    wrong = [point for point in points if not isinstance(point, str) or not point.strip()]
    if not points or wrong:
        raise LabError(
            f"{path}: a point of part {number} is not a sentence "
            f"({wrong[0] if wrong else 'none'!r}); put it in quotes if it holds a colon"
        )
    return Part(part["title"], tuple(points))

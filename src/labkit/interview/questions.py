"""The questions that the deck began with, as the tables of interview/README.md have them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from labkit.home import LabError
from labkit.interview.deck import FOLDER

HEADING = re.compile(r"### .+: \[(\w+)\.yaml\]")
ROW = re.compile(r"\| (\d+) \| (.+?) \| (.+?) \|")
IN_CODE = re.compile(r"`(\w+)`")


@dataclass(frozen=True)
class Question:
    """A question of the list, by its number, and the cards that answer it."""

    number: int
    section: str
    title: str
    cards: tuple[str, ...]


def read_questions(root: Path) -> list[Question]:
    """The rows of the tables, in their order."""
    path = root / FOLDER / "README.md"
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise LabError(f"{path} can't be read: {error.strerror}") from None
    section, found = "", []
    for line in lines:
        if heading := HEADING.match(line):
            section = heading[1]
        elif row := ROW.match(line):
            cards = tuple(IN_CODE.findall(row[3]))
            found.append(Question(int(row[1]), section, row[2], cards))
    return found

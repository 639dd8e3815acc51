"""The interview follow-ups at the end of a lab, with its model answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from labkit.course.labs import Lab

HEADING = "## Interview follow-ups"
ANSWERS = "Model answers"
NUMBERED = re.compile(r"^(\d+)\. ", re.MULTILINE)
TAGS = re.compile(rf"</?(details|summary)>|{ANSWERS}")


@dataclass(frozen=True)
class LabQuestion:
    """A question, and the answer, which is empty in a hand-out."""

    asks: str
    answer: str


def follow_ups(lab: Lab) -> tuple[LabQuestion, ...]:
    """The questions in their order, each text on one line; none of a lab that asks none."""
    cells = _prose(lab)
    at = next((n for n, cell in enumerate(cells) if cell.startswith(HEADING)), None)
    if at is None:
        return ()
    after = cells[at + 1] if at + 1 < len(cells) else ""
    answers = _numbered(TAGS.sub("", after)) if ANSWERS in after else {}
    asked = _numbered(cells[at])
    return tuple(LabQuestion(text, answers.get(number, "")) for number, text in asked.items())


def _prose(lab: Lab) -> list[str]:
    """The prose cells of the solved notebook; of the starter in a hand-out."""
    path = lab.solved if lab.solved.is_file() else lab.starter
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def _numbered(text: str) -> dict[str, str]:
    """The points of a numbered list, by number, each on one line."""
    parts = NUMBERED.split(text)[1:]
    return {
        number: " ".join(words.split())
        for number, words in zip(parts[::2], parts[1::2], strict=True)
    }

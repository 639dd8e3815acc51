"""When a card is asked again: the schedule of the `fsrs` package, kept in one file.

The file, work/interview.json, also holds the round that is being drilled, so that one write keeps
both. The page of all cards exports the same file, without a round.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import fsrs

from labkit import home
from labkit.interview.cards import Card

VERSION = 1
Grade = Literal["again", "hard", "good", "easy"]
GRADES: tuple[Grade, ...] = ("again", "hard", "good", "easy")
Standing = Literal["new", "learning", "known"]
STANDINGS: tuple[Standing, ...] = ("new", "learning", "known")
# From this stability on a card counts as known: so many days until it is recalled in nine of ten
# cases only.
KNOWN_DAYS = 7
# Without steps of minutes, which are for words of a language: a talk of five minutes is not
# repeated on the same evening. Without fuzz, so that the page and the drill agree.
SCHEDULER = fsrs.Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def path(root: Path) -> Path:
    """The file of a checkout's learner."""
    return home.kept_file(root, "interview")


def load(root: Path) -> dict[str, Any]:
    """What is kept; a copy is put aside of a file that is none of ours."""
    return home.read_kept(path(root), sound) or {"version": VERSION, "cards": {}}


def changing(root: Path) -> AbstractContextManager[dict[str, Any]]:
    """What is kept, to be changed in place and saved at the end."""
    return home.changing(path(root), lambda: load(root))


def sound(data: dict[str, Any]) -> bool:
    """Whether this is what we keep; raises what reading it raises otherwise."""
    for facts in data["cards"].values():
        _memory(facts)
        if any(grade not in GRADES for grade in facts["grades"]):
            return False
    return True


def graded(
    facts: dict[str, Any] | None, grade: Grade, at: datetime.datetime, **more: Any
) -> dict[str, Any]:
    """The facts about a card after one more answer; `more` is kept beside them."""
    memory = _memory(facts) if facts else fsrs.Card(card_id=0)
    rating = fsrs.Rating(GRADES.index(grade) + 1)
    after, _ = SCHEDULER.review_card(memory, rating, at)
    kept = {key: value for key, value in after.to_dict().items() if key != "card_id"}
    grades = [*(facts or {}).get("grades", []), grade]
    return {**(facts or {}), **kept, "grades": grades, **more}


class Standings:
    """How well each card is known now, by the file as it was read."""

    def __init__(self, cards: dict[str, dict[str, Any]], at: datetime.datetime) -> None:
        self._cards, self._at = cards, at

    @classmethod
    def of(cls, root: Path) -> Standings:
        """Those of a checkout's learner, now."""
        return cls(load(root)["cards"], now())

    def due_at(self, card: Card) -> datetime.datetime | None:
        """When a card is to be asked again; None of one that never was asked."""
        facts = self._cards.get(card.id)
        return _memory(facts).due if facts else None

    def is_due(self, card: Card) -> bool:
        """Whether a card that was asked is to be asked again by now."""
        due = self.due_at(card)
        return due is not None and due <= self._at

    def standing(self, card: Card) -> Standing:
        """How well one card is known."""
        facts = self._cards.get(card.id)
        if not facts:
            return "new"
        return "known" if (_memory(facts).stability or 0) >= KNOWN_DAYS else "learning"

    def count(self, cards: Iterable[Card]) -> dict[str, int]:
        """How many of the cards have each standing, and how many of them are `due`."""
        counts = dict.fromkeys((*STANDINGS, "due"), 0)
        for card in cards:
            counts[self.standing(card)] += 1
            counts["due"] += self.is_due(card)
        return counts

    def in_order(self, cards: Sequence[Card]) -> list[Card]:
        """The cards as a drill asks them: due ones, the longest due first; new ones; the others."""
        last = datetime.datetime.max.replace(tzinfo=datetime.UTC)

        def turn(card: Card) -> tuple[int, datetime.datetime]:
            due = self.due_at(card)
            return (1 if due is None else 0 if due <= self._at else 2, due or last)

        return sorted(cards, key=turn)


def merged(mine: dict[str, Any], other: dict[str, Any]) -> int:
    """Takes over the cards of another file that were answered later there; how many they were."""
    taken = 0
    for name, facts in other["cards"].items():
        if name not in mine["cards"] or _asked(facts) > _asked(mine["cards"][name]):
            mine["cards"][name] = facts
            taken += 1
    return taken


def _asked(facts: dict[str, Any]) -> datetime.datetime:
    return datetime.datetime.fromisoformat(facts["last_review"])


def _memory(facts: dict[str, Any]) -> fsrs.Card:
    card = fsrs.Card.from_dict({**facts, "card_id": 0})  # type: ignore[typeddict-item]
    if card.due.tzinfo is None or card.last_review is None or card.last_review.tzinfo is None:
        raise ValueError("a time without a zone")
    if not all(map(math.isfinite, (card.stability or 0, card.difficulty or 0))):
        raise ValueError("a memory without an end")  # no moment is so far away
    return card

"""A round of questions, question by question; each step is on disk before the next begins."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from labkit.home import LabError
from labkit.interview import schedule
from labkit.interview.cards import Card
from labkit.interview.deck import Deck
from labkit.interview.schedule import Grade, Standings

USUAL = 5  # questions of a round for which nothing else is said
# From which share of the weighted points a grade is proposed.
SHARES: tuple[tuple[float, Grade], ...] = ((0.9, "easy"), (0.65, "good"), (0.4, "hard"))
ANSWER = "interview-answer.md"
USUAL_NAME = "round"  # of the round that `lab interview` goes on with


def choose(
    deck: Deck, standings: Standings, *, count: int | None = None, minutes: int | None = None
) -> list[Card]:
    """The cards of a round: due first, then new ones of all sections in turn, then the others.

    At most `count` of them, and as many as fit into `minutes`.
    """
    if count is None and minutes is None:
        count = USUAL
    chosen: list[Card] = []
    left = minutes
    for card in standings.in_order(deck.mixed().cards):
        if count is not None and len(chosen) == count:
            break
        if left is not None:
            if card.minutes > left:
                continue
            left -= card.minutes
        chosen.append(card)
    if not chosen:
        raise LabError(
            "no card fits; take a longer time" if len(deck) else "no card fits all of these options"
        )
    return chosen


def share(card: Card, said: Collection[int]) -> float:
    """Which share of the weighted points was said; `said` are numbers of points from 0."""
    return sum(point.weight for n, point in enumerate(card.listen_for) if n in said) / card.weight


def proposed(card: Card, said: Collection[int]) -> Grade:
    """The grade that goes with what was said."""
    return next((grade for least, grade in SHARES if share(card, said) >= least), "again")


@dataclass(frozen=True)
class At:
    """Where a round is: the question, the seconds spent on it, and what is known of the answer."""

    ids: tuple[str, ...]
    number: int = 0
    seconds: float = 0
    answered: bool = False
    answer: str = ""
    said: tuple[int, ...] | None = None
    grades: tuple[Grade, ...] = field(default=())
    skipped: tuple[str, ...] = field(default=())


class Round:
    """A round on disk, under a name; that of a loop stays there until the loop has taken it."""

    def __init__(self, root: Path, deck: Deck, at: At, name: str = USUAL_NAME) -> None:
        self._root, self._deck, self.at, self._name = root, deck, at, name

    @classmethod
    def begin(cls, root: Path, deck: Deck, cards: Iterable[Card], name: str = USUAL_NAME) -> Round:
        """A new round; it takes the place of an open one of its name, whose grades are kept."""
        found = cls(root, deck, At(tuple(card.id for card in cards)), name)
        found.answer_file.unlink(missing_ok=True)
        found._save()
        return found

    @classmethod
    def open(cls, root: Path, deck: Deck, name: str = USUAL_NAME) -> Round | None:
        """The round that was stopped before its end; None if there is none that can be resumed."""
        try:
            at = _at(schedule.load(root)[name])
        except (KeyError, TypeError, ValueError):
            return None
        known, over = {card.id for card in deck}, at.number >= len(at.ids)
        usable = set(at.ids) <= known and not (over and name == USUAL_NAME)
        return cls(root, deck, at, name) if usable else None

    @property
    def card(self) -> Card | None:
        """The card whose turn it is; None at the end."""
        return self._deck.card(self.at.ids[self.at.number]) if not self.is_over else None

    @property
    def is_over(self) -> bool:
        return self.at.number >= len(self.at.ids)

    @property
    def answer_file(self) -> Path:
        """Where an answer is while it is typed, so that an editor that dies takes nothing along."""
        return schedule.path(self._root).with_name(ANSWER)

    def spend(self, seconds: float) -> None:
        """Keeps the time that the question has taken."""
        self.at = replace(self.at, seconds=seconds)
        self._save()

    def answered(self, answer: str) -> None:
        """Keeps that the answer was given, and its words if it was typed."""
        self.at = replace(self.at, answered=True, answer=answer)
        self._save()
        self.answer_file.unlink(missing_ok=True)

    def tick(self, said: Collection[int]) -> None:
        """Keeps which points were said."""
        self.at = replace(self.at, said=tuple(sorted(set(said))))
        self._save()

    def grade(self, grade: Grade) -> datetime.date:
        """Puts the card on the schedule and goes on to the next, in one write; when it is due."""
        card, at = self.card, self.at
        if card is None or at.said is None:
            raise ValueError("only an answer whose points were ticked has a grade")
        self.at = At(at.ids, at.number + 1, grades=(*at.grades, grade), skipped=at.skipped)
        with schedule.changing(self._root) as data:
            facts = schedule.graded(
                data["cards"].get(card.id), grade, schedule.now(),
                said=list(at.said), answer=at.answer, seconds=round(at.seconds),
            )  # fmt: skip
            data["cards"][card.id] = facts
            self._put(data)
        return datetime.datetime.fromisoformat(facts["due"]).astimezone().date()

    def skip(self) -> None:
        """Goes on to the next question without a grade."""
        at = self.at
        skipped = (*at.skipped, at.ids[at.number])
        self.at = At(at.ids, at.number + 1, grades=at.grades, skipped=skipped)
        self._save()
        self.answer_file.unlink(missing_ok=True)

    def forget(self) -> None:
        """Takes the round off the disk; the grades stay."""
        with schedule.changing(self._root) as data:
            data.pop(self._name, None)

    def _save(self) -> None:
        with schedule.changing(self._root) as data:
            self._put(data)

    def _put(self, data: dict[str, Any]) -> None:
        data.pop(self._name, None)
        if not self.is_over or self._name != USUAL_NAME:
            data[self._name] = asdict(self.at)


def _at(data: dict[str, Any]) -> At:
    at = At(**data)
    if not all(isinstance(name, str) for name in at.ids) or not isinstance(at.answer, str):
        raise ValueError("not a round")
    said = None if at.said is None else tuple(map(int, at.said))
    if any(grade not in schedule.GRADES for grade in at.grades):
        raise ValueError("not a grade")
    return replace(
        at, ids=tuple(at.ids), number=int(at.number), seconds=float(at.seconds), said=said,
        grades=tuple(at.grades), skipped=tuple(map(str, at.skipped)),
    )  # fmt: skip

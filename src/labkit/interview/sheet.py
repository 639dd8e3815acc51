"""An interviewer's sheet: a round of questions that fit the time, and a page for the candidate."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from labkit.home import LabError
from labkit.interview import pages
from labkit.interview.cards import SECTIONS, Card
from labkit.interview.deck import Deck

USUAL_MINUTES = 45
OPENING, CLOSING = 3, 5  # minutes to say hello, and for the candidate's own questions


@dataclass(frozen=True)
class Slot:
    """A question and when it begins and ends, in minutes of the round."""

    card: Card
    begins: int

    @property
    def ends(self) -> int:
        return self.begins + self.card.minutes


def choose(deck: Deck, minutes: int, seed: int) -> list[Slot]:
    """Questions of different sections that fit; of the same section only if all had their turn."""
    draw = random.Random(seed)
    left = minutes - OPENING - CLOSING
    chosen: list[Card] = []
    for card in _in_turn(deck, draw):
        if card.minutes <= left:
            chosen.append(card)
            left -= card.minutes
    if not chosen:
        raise LabError(
            f"no question fits into {minutes} minutes, {OPENING + CLOSING} of which are for the "
            "opening and the end; take a longer time or other options"
        )
    order = list(SECTIONS)
    chosen.sort(key=lambda card: order.index(card.section))
    slots, begins = [], OPENING
    for card in chosen:
        slots.append(Slot(card, begins))
        begins = slots[-1].ends
    return slots


def html(deck: Deck, minutes: int, seed: int) -> str:
    """The sheet as a page that needs nothing beside it."""
    slots = choose(deck, minutes, seed)
    return pages.render(
        "sheet.html.jinja",
        slots=slots,
        minutes=minutes,
        seed=seed,
        opening=OPENING,
        closes=slots[-1].ends,
        sections=SECTIONS,
    )


def _in_turn(deck: Deck, draw: random.Random) -> Iterator[Card]:
    """All cards: one of each section in a random order, then a second of each, and so on."""
    waiting = {section: list(deck.select(sections=[section])) for section in SECTIONS}
    for cards in waiting.values():
        draw.shuffle(cards)
    while any(waiting.values()):
        turn = [section for section, cards in waiting.items() if cards]
        draw.shuffle(turn)
        for section in turn:
            yield waiting[section].pop()

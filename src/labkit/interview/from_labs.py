"""The follow-ups of the labs as parts of cards: each is asked with the card that names it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from labkit.course.follow_ups import follow_ups
from labkit.course.labs import Lab, find_lab, find_labs
from labkit.home import LabError
from labkit.interview.cards import Card, FollowUp
from labkit.interview.deck import Deck


def asked_next(card: Card, root: Path) -> list[FollowUp]:
    """What is asked after a card: its own follow-ups, then those of labs, with their answers.

    One that a lab no longer has is left out; a test tells it.
    """
    found = list(card.follow_ups)
    for question in card.asked_in:
        try:
            known = {one.asks: one for one in follow_ups(find_lab(question.lab, root))}
        except (LabError, OSError):
            continue
        if one := known.get(question.asks):
            found.append(FollowUp(f"{one.asks} ({question.lab})", one.answer))
    return found


def card_of(deck: Deck, lab: Lab, asks: str) -> Card | None:
    """The card with which a lab's follow-up is asked."""
    for card in deck:
        if any(one.lab == lab.slug and one.asks == asks for one in card.asked_in):
            return card
    return None


def faults(deck: Deck, root: Path) -> Iterator[str]:
    """Follow-ups that no card or several cards name, and what cards name that no lab asks."""
    asked = {(lab.slug, one.asks) for lab in find_labs(root) for one in follow_ups(lab)}
    named: dict[tuple[str, str], str] = {}
    for card in deck:
        for question in card.asked_in:
            key = question.lab, question.asks
            if key not in asked:
                yield f"{card.place}: lab {question.lab} does not ask: {question.asks}"
            if key in named:
                yield f"{card.place}: {named[key]} has it, too: {question.asks}"
            named[key] = card.id
    for slug, asks in sorted(asked - named.keys()):
        yield f"no card has `asked_in` of lab {slug}: {asks}"

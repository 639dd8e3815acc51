"""All cards of a checkout, and how they are chosen from."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from labkit.course.labs import Lab
from labkit.home import LabError
from labkit.interview.cards import LEVELS, SECTIONS, TOPICS, Card, read_cards

FOLDER = "interview"


@dataclass(frozen=True)
class Deck:
    """Cards in the order of their sections."""

    cards: tuple[Card, ...]

    def __iter__(self) -> Iterator[Card]:
        return iter(self.cards)

    def __len__(self) -> int:
        return len(self.cards)

    def card(self, name: str) -> Card:
        """The card with this id; LabError names the nearest."""
        for card in self.cards:
            if card.id == name:
                return card
        near = difflib.get_close_matches(name, [card.id for card in self.cards], n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else "interview/README.md lists them"
        raise LabError(f"there is no card `{name}`; {hint}")

    def select(
        self,
        *,
        topics: Collection[str] = (),
        levels: Collection[str] = (),
        sections: Collection[str] = (),
        seed: int | None = None,
        practises: str | None = None,
    ) -> Deck:
        """The cards that fit all that is given, of a list any one entry.

        `seed` is the number of a question, `practises` a lab or a task in it (`lab.task`).
        """
        _known("topic", topics, TOPICS)
        _known("level", levels, LEVELS)
        _known("section", sections, SECTIONS)
        return Deck(
            tuple(
                card
                for card in self.cards
                if (not topics or set(topics) & set(card.topics))
                and (not levels or card.level in levels)
                and (not sections or card.section in sections)
                and (seed is None or seed in card.seed)
                and (practises is None or practises in card.practise or practises in card.labs)
            )
        )

    def mixed(self) -> Deck:
        """The same cards, a card of each section in turn."""
        by_section = [self.select(sections=[section]).cards for section in SECTIONS]
        turns = chain.from_iterable(zip_longest(*by_section))
        return Deck(tuple(card for card in turns if card is not None))


def exists(root: Path) -> bool:
    """Whether a checkout has cards; a hand-out has none."""
    return (root / FOLDER).is_dir()


def read_deck(root: Path) -> Deck:
    """The cards of a checkout, all valid: LabError with file and line otherwise."""
    folder = root / FOLDER
    if not exists(root):
        raise LabError(
            f"{root} has no interview cards; they are in the folder {FOLDER}/ of the full "
            "repository, and a hand-out for students has none"
        )
    for path in sorted(folder.glob("*.yaml")):
        if path.stem not in SECTIONS:
            raise LabError(f"{path}: there is no such section; one of {', '.join(SECTIONS)}")
    files = [folder / f"{section}.yaml" for section in SECTIONS]
    cards = [card for path in files if path.is_file() for card in read_cards(path)]
    if not cards:
        raise LabError(f"{folder} holds no cards; take it afresh from the repository")
    _once("id", ((card.id, card) for card in cards))
    _once("point", ((point.text.casefold(), card) for card in cards for point in card.listen_for))
    return Deck(tuple(cards))


def unknown_tasks(deck: Deck, labs: Sequence[Lab]) -> list[str]:
    """Where cards send a reader to a task that no lab has, as lines to show."""
    known = {f"{lab.slug}.{task}" for lab in labs for task in lab.tasks}
    return [
        f"{card.place}: `practise` names {task}, which is no lab's task"
        for card in deck
        for task in card.practise
        if task not in known
    ]


def _known(kind: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    for word in wanted:
        if word not in known:
            raise LabError(f"there is no {kind} `{word}`; there are {', '.join(known)}")


def _once(kind: str, values: Iterable[tuple[str, Card]]) -> None:
    seen: dict[str, Card] = {}
    for value, card in values:
        if value in seen:
            raise LabError(
                f"{card.place}: its {kind} `{value}` is also at {seen[value].place}; "
                "word one of them otherwise"
            )
        seen[value] = card

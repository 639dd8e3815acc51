"""The interview cards beside the labs: how well each topic is known, and what to talk about next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from labkit.course.labs import Lab
from labkit.home import LabError
from labkit.interview import schedule
from labkit.interview.cards import TOPICS
from labkit.interview.deck import Deck, exists, read_deck
from labkit.interview.schedule import Standings
from labkit.learner import progress


@dataclass(frozen=True)
class Topic:
    """A topic: the tasks that its cards practise, and how many of its cards are how well known."""

    name: str
    passed: int
    tasks: int
    cards: dict[str, int]


@dataclass(frozen=True)
class Talk:
    """Cards to drill now, why, and the command."""

    why: str
    command: str


def topics(labs: Sequence[Lab]) -> list[Topic]:
    """Every topic of the cards; none where there are no cards."""
    deck = _deck(labs[0].root) if labs else None
    if deck is None:
        return []
    kept = progress.tasks_by_lab(labs)
    done = {
        f"{lab.slug}.{task}": progress.passed(kept[lab.slug].get(task, {}))
        for lab in labs
        for task in lab.tasks
    }
    standings = Standings.of(labs[0].root)
    found = []
    for name in TOPICS:
        cards = deck.select(topics=[name])
        tasks = {task for card in cards for task in card.practise if task in done}
        passed = sum(done[task] for task in tasks)
        found.append(Topic(name, passed, len(tasks), standings.count(cards)))
    return found


def topics_table(labs: Sequence[Lab]) -> Table | None:
    """The topics for a terminal; None where there are no cards."""
    rows = topics(labs)
    if not rows:
        return None
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("topic")
    for column in ("tasks passed", "cards due", "new", "learning", "known"):
        table.add_column(column, justify="right")
    for row in rows:
        due = row.cards["due"]
        table.add_row(
            row.name,
            f"{row.passed} of {row.tasks}" if row.tasks else "-",
            f"[yellow]{due}[/]" if due else "-",
            *(str(row.cards[standing]) for standing in schedule.STANDINGS),
        )
    return table


def next_talk(root: Path, passed: Sequence[Lab]) -> Talk | None:
    """Cards that are due, else those that go with the last of these labs and were never asked."""
    if not passed and not schedule.load(root)["cards"]:
        return None  # a new learner's `lab` need not read the cards
    deck = _deck(root)
    if deck is None:
        return None
    standings = Standings.of(root)
    due = Counter(topic for card in deck if standings.is_due(card) for topic in card.topics)
    if due:
        topic, count = due.most_common(1)[0]
        what = f"{count} cards of {topic} are" if count > 1 else f"1 card of {topic} is"
        return Talk(f"{what} due", f"./lab interview --topic {topic}")
    for lab in reversed(passed):
        fresh = [
            card for card in deck.select(practises=lab.slug) if standings.standing(card) == "new"
        ]
        if fresh:
            what = f"{len(fresh)} interview cards go" if len(fresh) > 1 else "1 interview card goes"
            return Talk(f"{what} with {lab.slug}", f"./lab interview --lab {lab.slug}")
    return None


def _deck(root: Path) -> Deck | None:
    """The cards; None in a hand-out, and where a card has a fault, which `lab interview` tells."""
    if not exists(root):
        return None
    try:
        return read_deck(root)
    except LabError:
        return None

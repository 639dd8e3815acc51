"""What the site says of one lab, all of it from the lab's own files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from labkit.course import catalogue
from labkit.course.follow_ups import follow_ups
from labkit.course.labs import Lab, find_labs
from labkit.home import LabError
from labkit.interview.cards import Card
from labkit.interview.deck import Deck
from labkit.interview.from_labs import card_of
from labkit.judge.runner import judge
from labkit.parts.known import needed
from labkit.site import pictures, prose, starters
from labkit.verdict import report


class _Unwritten:
    """An answer in which every task is a stub: its checks say what they are, and run nothing."""

    def __getattr__(self, task: str) -> Callable[..., Any]:
        raise AttributeError(task)

    def is_todo(self, task: str) -> bool:
        return True


@dataclass(frozen=True)
class Looked:
    """What one check looks at."""

    title: Markup
    points: int


@dataclass(frozen=True)
class Task:
    """A task, and what its public checks look at."""

    name: str
    stub: starters.Stub
    checks: Sequence[Looked]

    @property
    def points(self) -> int:
        return sum(check.points for check in self.checks)


@dataclass(frozen=True)
class LabPage:
    """A lab as its page shows it; `questions` each with the card that asks it, if one does."""

    lab: Lab
    starter: starters.Starter = field(repr=False)
    tasks: Sequence[Task] = field(repr=False)
    picture: pictures.Picture | None = field(repr=False)
    cards: Sequence[Card] = field(repr=False)
    questions: Sequence[tuple[Markup, Card | None]] = field(repr=False)
    after: Sequence[Lab] = ()

    @property
    def address(self) -> str:
        return f"{self.lab.slug}.html"

    @property
    def starter_address(self) -> str:
        return f"{self.lab.slug}.starter.html"

    @property
    def points(self) -> int:
        return sum(task.points for task in self.tasks)

    @property
    def needs(self) -> list[str]:
        """What the lab needs beside what every lab needs."""
        found = ["no Spark"] if not self.lab.uses_spark else []
        names = self.lab.about["needs"]
        found += ["Kafka, which is included"] if "kafka" in names else []
        return found + [
            f"{part.title}, installed when you first open the lab ({part.megabytes} MB)"
            for part in needed(names)
        ]

    @property
    def words(self) -> str:
        """All that a search should find the lab by."""
        titles = [check.title.striptags() for task in self.tasks for check in task.checks]
        names = [self.lab.slug, self.lab.title, *self.lab.about["topics"], *self.lab.tasks]
        return " ".join([*names, prose.plain(self.starter.prose), *titles]).lower()


def lab_page(lab: Lab, deck: Deck) -> LabPage:
    """The page of a lab; `deck` is empty where there are no cards."""
    starter = starters.read(lab)
    return LabPage(
        lab,
        starter,
        _tasks(lab, starter),
        pictures.picture(lab),
        deck.select(practises=lab.slug).cards,
        [
            (prose.inline(one.asks), card_of(deck, lab, one.asks))
            for one in follow_ups(lab)  # with their answers, which stay in the lab
        ],
        catalogue.after(lab, find_labs(lab.root)),
    )


def _tasks(lab: Lab, starter: starters.Starter) -> list[Task]:
    results = judge(lab.root, _Unwritten(), None, [lab.checks])
    if broken := [result for result in results if result.outcome != "todo"]:
        raise LabError(f"the checks of {lab.slug} can't be listed: {broken[0].reason}")
    by_task = dict(report.grouped(results))
    return [
        Task(
            name,
            starter.stubs[name],
            [Looked(prose.inline(one.title), one.max_points) for one in by_task.get(name, ())],
        )
        for name in lab.tasks
    ]

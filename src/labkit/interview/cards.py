"""An interview card: one question, what to listen for, an answer worth comparing with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from labkit.interview.yaml_lines import Value, read

# Each is a file in interview/, in this order; titles as readers see them.
SECTIONS = {
    "general": "General architecture",
    "delta": "Databricks and Delta Lake",
    "spark": "PySpark and Spark",
    "sql": "SQL",
    "streaming": "Kafka and streaming",
    "orchestration": "Airflow, dbt and Data Factory",
    "cloud": "Cloud",
    "modelling": "Modelling and architecture patterns",
    "governance": "Governance and quality",
    "devops": "DevOps",
    "performance": "Performance and reliability",
    "security": "Security",
    "testing": "Testing and documentation",
    "leadership": "Leadership",
    "behavioural": "Behavioural",
    "fit": "Fit",
    "cases": "Cases",
}
LEVELS = ("mid", "senior", "staff")
TOPICS = (
    "architecture",
    "cloud",
    "contracts",
    "cost",
    "dbt",
    "delta",
    "deploy",
    "exactly-once",
    "governance",
    "ingest",
    "joins",
    "kafka",
    "leadership",
    "modelling",
    "operations",
    "orchestration",
    "performance",
    "privacy",
    "quality",
    "reliability",
    "requirements",
    "security",
    "spark",
    "sql",
    "streaming",
    "testing",
)
T = TypeVar("T", str, int)
QUESTIONS = 79  # of the list that the deck began with; interview/README.md has them
STRONG_WORDS = (120, 220)
NAME = re.compile(r"[a-z][a-z0-9_]*")
TASK = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
LINK = re.compile(r"https?://[\w.-]+\.[a-z]{2,}(:\d+)?(/[^\s<>\"]*)?")
NEEDED = (
    "id", "asks", "finds_out", "level", "minutes", "topics", "listen_for", "red_flags", "strong",
    "follow_ups", "sources",
)  # fmt: skip
OPTIONAL = ("seed", "practise", "later", "asked_in")


@dataclass(frozen=True)
class Point:
    """What a listener can tick; 3 carries the answer, 1 completes it."""

    text: str
    weight: int


@dataclass(frozen=True)
class FollowUp:
    """What is asked next, with a short answer."""

    asks: str
    answer: str


@dataclass(frozen=True)
class AskedIn:
    """A follow-up of a lab, in the lab's words; the lab has the answer."""

    lab: str
    asks: str


@dataclass(frozen=True)
class Source:
    """Documentation or a paper behind a claim."""

    title: str
    url: str


@dataclass(frozen=True)
class Card:
    """One card; `place` is its file and line."""

    id: str
    section: str
    asks: str
    finds_out: str
    level: str
    minutes: int
    topics: tuple[str, ...]
    seed: tuple[int, ...]
    listen_for: tuple[Point, ...]
    red_flags: tuple[str, ...]
    strong: str
    follow_ups: tuple[FollowUp, ...]
    practise: tuple[str, ...]
    later: tuple[str, ...]
    asked_in: tuple[AskedIn, ...]
    sources: tuple[Source, ...]
    place: str = field(compare=False, repr=False)

    @property
    def weight(self) -> int:
        """Of all points together."""
        return sum(point.weight for point in self.listen_for)

    @property
    def labs(self) -> frozenset[str]:
        """The labs in which the matter can be tried."""
        return frozenset(task.partition(".")[0] for task in self.practise)

    @property
    def paragraphs(self) -> list[str]:
        """Of the strong answer."""
        return self.strong.split("\n\n")


def read_cards(path: Path) -> list[Card]:
    """The cards of one section, LabError with file and line for the first fault."""
    return [_card(value, path.stem) for value in read(path).items()]


def _card(value: Value, section: str) -> Card:
    found = value.fields(NEEDED, OPTIONAL)
    return Card(
        id=_like(found["id"], NAME, "small letters, digits and underscores"),
        section=section,
        asks=found["asks"].text(),
        finds_out=found["finds_out"].text(),
        level=found["level"].one_of(LEVELS),
        minutes=found["minutes"].number(2, 15),
        topics=_unlike([(item, item.one_of(TOPICS)) for item in found["topics"].items(1, 4)]),
        seed=_unlike([(item, item.number(1, QUESTIONS)) for item in _optional(found.get("seed"))]),
        listen_for=tuple(_point(item) for item in found["listen_for"].items(4, 7)),
        red_flags=tuple(item.text() for item in found["red_flags"].items()),
        strong=_strong(found["strong"]),
        follow_ups=tuple(_follow_up(item) for item in found["follow_ups"].items()),
        practise=_tasks(found.get("practise")),
        later=_tasks(found.get("later")),
        asked_in=tuple(_asked_in(item) for item in _optional(found.get("asked_in"))),
        sources=tuple(_source(item) for item in found["sources"].items()),
        place=value.place,
    )


def _optional(value: Value | None) -> list[Value]:
    return value.items() if value else []


def _like(value: Value, form: re.Pattern[str], wanted: str) -> str:
    text = value.text()
    if not form.fullmatch(text):
        raise value.fault(f"is `{text}`", f"write {wanted}")
    return text


def _unlike(values: list[tuple[Value, T]]) -> tuple[T, ...]:
    """The values, of which none is there twice."""
    seen: list[T] = []
    for value, plain in values:
        if plain in seen:
            raise value.fault(f"repeats {plain}", "remove one of the two")
        seen.append(plain)
    return tuple(seen)


def _tasks(value: Value | None) -> tuple[str, ...]:
    return _unlike([(item, _like(item, TASK, "lab.task")) for item in _optional(value)])


def _point(value: Value) -> Point:
    found = value.fields(("point", "weight"))
    return Point(found["point"].text(), found["weight"].number(1, 3))


def _strong(value: Value) -> str:
    text = value.text()
    least, most = STRONG_WORDS
    if not least <= (words := len(text.split())) <= most:
        raise value.fault(f"has {words} words", f"an answer aloud has {least} to {most}")
    return text


def _follow_up(value: Value) -> FollowUp:
    found = value.fields(("asks", "answer"))
    return FollowUp(found["asks"].text(), found["answer"].text())


def _asked_in(value: Value) -> AskedIn:
    found = value.fields(("lab", "asks"))
    return AskedIn(_like(found["lab"], NAME, "a lab's name"), found["asks"].text())


def _source(value: Value) -> Source:
    found = value.fields(("title", "url"))
    return Source(found["title"].text(), _like(found["url"], LINK, "an address, https://..."))

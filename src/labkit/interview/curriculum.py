"""docs/curriculum.md: which card and which task practise each question, and paths through both.

Everything in it comes from the cards, the tables of interview/README.md and the labs; a test says
when it is stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.course.follow_ups import follow_ups
from labkit.course.labs import Lab, find_lab, find_labs
from labkit.interview.cards import SECTIONS, Card
from labkit.interview.deck import Deck, read_deck
from labkit.interview.from_labs import card_of
from labkit.interview.questions import Question, read_questions

PAGE = Path("docs") / "curriculum.md"
INTRO = """\
# Curriculum

<!-- Made by `lab interview --curriculum` from the cards and the labs; change those instead. -->

The [interview cards](interview.md) began with a list of questions. This page leads from each of
them to its cards, and to the labs and tasks in which the matter can be tried. Before that, three
paths through labs and cards; their times are those that the labs and the cards name.
`./lab interview --section general,delta` drills the cards of sections, due ones first.
"""


@dataclass(frozen=True)
class Step:
    """Part of a path: labs to do, and cards to drill, by section."""

    when: str
    labs: tuple[str, ...]
    sections: tuple[str, ...]


@dataclass(frozen=True)
class Way:
    """A path: whom it is for, and its steps."""

    title: str
    about: str
    steps: tuple[Step, ...]


WAYS = (
    Way(
        "Two evenings before an interview",
        "A lab that touches much of what is asked, then talk. Other sections may be nearer to the "
        "job: read its description, and drill those in place of these.",
        (
            Step("first evening", ("cdc_merge",), ("delta",)),
            Step("second evening", ("slow_job",), ("behavioural",)),
        ),
    ),
    Way(
        "Four weeks",
        "Three to five labs a week, and the cards of the same sections, due ones first. In the last "
        "week a take-home task against the clock: `./lab rehearse lakehouse_slice`.",
        (
            Step(
                "week 1",
                ("warm_up", "cdc_merge", "scd2", "hard_sql", "join_strategies"),
                ("general", "delta", "sql"),
            ),
            Step(
                "week 2",
                (
                    "skew",
                    "slow_job",
                    "lean_job",
                    "schema_contract",
                    "file_ingest",
                    "table_layout",
                ),
                ("spark", "performance", "modelling"),
            ),
            Step(
                "week 3",
                (
                    *("watermarks", "exactly_once", "stream_joins", "stateful", "shadow_tables"),
                    *("flink_pipeline", "time_travel", "change_feed", "concurrent_writers"),
                    *("pii_erasure", "access_policies"),
                ),
                ("streaming", "cloud", "governance", "security"),
            ),
            Step(
                "week 4",
                (
                    *("dbt_scd", "test_pyspark", "star_schema", "data_vault", "quality_gates"),
                    *("airflow_dag", "lakehouse_slice", "lakehouse_design"),
                ),
                (
                    "orchestration", "devops", "testing", "leadership", "behavioural", "fit",
                    "cases",
                ),
            ),
        ),
    ),
    Way(
        "A team's onboarding",
        "For engineers who join a lakehouse team: a lab each day, and its cards as a talk with a "
        "colleague, who has the checklist. Nobody grades it.",
        (
            Step("day 1", ("warm_up", "cdc_merge"), ("delta",)),
            Step("day 2", ("scd2", "dbt_scd"), ("modelling",)),
            Step("day 3", ("watermarks", "exactly_once"), ("streaming",)),
            Step("day 4", ("skew", "slow_job"), ("performance",)),
            Step("day 5", ("lakehouse_slice",), ("testing", "devops")),
        ),
    ),
)  # fmt: skip


def text(root: Path) -> str:
    """The page as it should be."""
    deck, labs = read_deck(root), find_labs(root)
    parts = [
        INTRO, *(_way(way, deck, root) for way in WAYS), _questions(root, deck, labs),
        _from_labs(deck, labs),
    ]  # fmt: skip
    return "\n".join(parts)


@dataclass(frozen=True)
class Stage:
    """A step with what it leads through."""

    step: Step
    labs: tuple[Lab, ...]
    cards: Deck

    @property
    def lab_minutes(self) -> int:
        return sum(int(lab.about["minutes"]) for lab in self.labs)

    @property
    def card_minutes(self) -> int:
        return sum(card.minutes for card in self.cards)


def stages(way: Way, deck: Deck, root: Path) -> list[Stage]:
    """The steps of a path, with the labs and cards of this checkout."""
    return [
        Stage(
            step,
            tuple(find_lab(slug, root) for slug in step.labs),
            deck.select(sections=step.sections),
        )
        for step in way.steps
    ]


def hours(minutes: int) -> str:
    """`45 min`, `1 h 15`, `2 h`."""
    whole, rest = divmod(minutes, 60)
    return f"{rest} min" if not whole else f"{whole} h {rest:02d}" if rest else f"{whole} h"


def _way(way: Way, deck: Deck, root: Path) -> str:
    found = stages(way, deck, root)
    rows = []
    for stage in found:
        names = ", ".join(f"`{lab.slug}`" for lab in stage.labs)
        sections = ", ".join(SECTIONS[name] for name in stage.step.sections)
        rows.append(
            f"| {stage.step.when} | {names} | {hours(stage.lab_minutes)} | "
            f"{sections} ({len(stage.cards)}) | {hours(stage.card_minutes)} |"
        )
    of_labs = sum(stage.lab_minutes for stage in found)
    of_cards = sum(stage.card_minutes for stage in found)
    return "\n".join(
        [
            f"## {way.title}\n",
            *_wrapped(way.about),
            "",
            "| when | labs | time | cards | time |",
            "|---|---|---|---|---|",
            *rows,
            f"| together | | {hours(of_labs)} | | {hours(of_cards)} |",
            "",
        ]
    )


def _wrapped(words: str, width: int = 100) -> Iterator[str]:
    """Lines of at most `width` characters, cut at spaces only."""
    line = ""
    for word in words.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line


def _questions(root: Path, deck: Deck, labs: Sequence[Lab]) -> str:
    questions = read_questions(root)
    parts = [
        "## From question to card and task\n",
        "A task stands as `lab.task`. Where there is none, the matter is for talking only.\n",
    ]
    for section, title in SECTIONS.items():
        mine = [question for question in questions if question.section == section]
        others = [card for card in deck.select(sections=[section]) if not card.seed]
        rows = [_row(str(question.number), question.title, _cards(deck, question), labs)
                for question in mine]  # fmt: skip
        rows += [_row("", "asked next", [card], labs) for card in others]
        head = f"### {title}: [{section}.yaml](../interview/{section}.yaml)"
        parts.append("\n".join([head, "", "| no. | question | cards | practise |",
                                "|---|---|---|---|", *rows, ""]))  # fmt: skip
    return "\n".join(parts)


def _from_labs(deck: Deck, labs: Sequence[Lab]) -> str:
    parts = [
        "## From a lab's follow-ups to cards\n",
        "At the end of a lab stand the questions that an interviewer asks next. `./lab interview",
        "CARD` drills the card of one; after the card's own follow-ups it shows the lab's, with the",
        "answer.\n",
    ]
    rows = ["| lab | follow-up | card |", "|---|---|---|"]
    for lab in labs:
        for question in follow_ups(lab):
            card = card_of(deck, lab, question.asks)
            rows.append(f"| `{lab.slug}` | {question.asks} | {f'`{card.id}`' if card else ''} |")
    return "\n".join([*parts, *rows, ""])


def _cards(deck: Deck, question: Question) -> list[Card]:
    return [deck.card(name) for name in question.cards]


def _row(number: str, title: str, cards: Sequence[Card], labs: Sequence[Lab]) -> str:
    names = ", ".join(f"`{card.id}`" for card in cards)
    tasks = dict.fromkeys(task for card in cards for task in card.practise)
    order = [f"{lab.slug}.{task}" for lab in labs for task in lab.tasks]
    practise = ", ".join(f"`{task}`" for task in order if task in tasks)
    return f"| {number} | {title} | {names} | {practise} |"

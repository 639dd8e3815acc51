"""A whole interview loop: rounds at the keyboard and rounds of questions, kept in one folder."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from labkit import home
from labkit.course import datasets
from labkit.course.labs import Lab, find_lab, find_labs
from labkit.home import LabError
from labkit.interview import drill, schedule
from labkit.interview.cards import Card
from labkit.interview.deck import Deck
from labkit.interview.drill import Round
from labkit.interview.schedule import Standings
from labkit.learner import progress
from labkit.learner.rehearsal import rehearse
from labkit.learner.rehearsal.rehearse import Rehearsal

STATE = "loop.json"
VERSION = 1
TASK_MINUTES = 30  # for one task of a lab
BREAK_MINUTES = 10
# The design round: a task of this lab, on a brief that is drawn for it.
DESIGN_LAB, DESIGN_TASK, DESIGN_MINUTES = "lakehouse_design", "design", 45
BRIEF = "brief"
# The last cell of its notebook: what the debrief draws again.
DRAW = f"""\
# Your design for the brief of this round, with the reviewer's remarks. Save the notebook after it.
if lab.written("{DESIGN_TASK}") and Path("{BRIEF}").is_dir():  # which the judge does not have
    asked = read_brief(Path("{BRIEF}"), "drawn")
    for option in {DESIGN_TASK}(asked)["options"]:
        print(option["name"], "gives up:", option["gives_up"])
        draw(option["architecture"], review(option["architecture"], asked))
"""
# The rounds of questions. The first begins with what was just built.
TECHNICAL = (
    "general", "delta", "spark", "sql", "streaming", "orchestration", "cloud", "modelling",
    "governance", "devops", "performance", "security", "testing",
)  # fmt: skip
PEOPLE = ("leadership", "behavioural", "fit")
TECHNICAL_MINUTES, PEOPLE_MINUTES = 30, 20


@dataclass(frozen=True)
class Stage:
    """A round: a rehearsal in the folder `name`, or these cards."""

    name: str
    title: str
    minutes: int
    cards: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came of one card; `said` are numbers of points from 0, None if it was skipped."""

    card: str
    said: tuple[int, ...] | None = None
    grade: str = ""
    seconds: float = 0
    words: str = field(default="", repr=False)


@dataclass(frozen=True)
class Loop:
    """The folder of a loop; which round is next, and what was answered, is in its state file."""

    folder: Path
    root: Path

    @property
    def stages(self) -> tuple[Stage, ...]:
        return tuple(_stage(facts) for facts in self._state()["stages"])

    @property
    def number(self) -> int:
        """How many rounds are over."""
        return int(self._state()["over"])

    @property
    def stage(self) -> Stage | None:
        """The round whose turn it is; None after the last."""
        stages, number = self.stages, self.number
        return stages[number] if number < len(stages) else None

    @property
    def scores(self) -> dict[str, list[float]]:
        """Points reached and possible by round, once the debrief was written; else empty."""
        return dict(self._state()["scores"])

    @property
    def finished(self) -> bool:
        return bool(self.scores)

    def rehearsal(self, stage: Stage) -> Rehearsal:
        return Rehearsal(self.folder / stage.name, self.root)

    def questions(self, stage: Stage, deck: Deck) -> Round:
        """The round of a stage's cards: where it was stopped, or its beginning."""
        name = f"loop {self.folder.name} {stage.name}"
        found = Round.open(self.root, deck, name)
        if found is None:
            cards = [deck.card(card) for card in stage.cards]
            found = Round.begin(self.root, deck, cards, name)
        return found

    def begun(self, stage: Stage) -> bool:
        """Whether a round was entered before; then there is no break before it."""
        return str(self._state()["entered"]) == stage.name

    def enter(self, stage: Stage) -> None:
        with self._changing() as state:
            state["entered"] = stage.name

    def leave(self, stage: Stage, answers: Sequence[Answer] = ()) -> None:
        """Keeps that a round is over, and the answers of a round of questions."""
        with self._changing() as state:
            names = [one["name"] for one in state["stages"]]
            state["over"] = max(state["over"], names.index(stage.name) + 1)
            if answers:
                state["answers"][stage.name] = [asdict(answer) for answer in answers]

    def answers(self, stage: Stage) -> tuple[Answer, ...]:
        return tuple(_answer(facts) for facts in self._state()["answers"].get(stage.name, ()))

    def keep(self, scores: dict[str, list[float]]) -> None:
        """Keeps the scores: the loop is finished."""
        with self._changing() as state:
            state["scores"] = scores

    def _state(self) -> dict[str, Any]:
        path = self.folder / STATE
        try:
            state = json.loads(path.read_text("utf-8"))
            if state["version"] != VERSION or not state["stages"]:
                raise ValueError("another version")
            [_stage(facts) for facts in state["stages"]]
            [_answer(facts) for answers in state["answers"].values() for facts in answers]
            [[float(one) for one in pair] for pair in state["scores"].values()]
            int(state["over"]), str(state["entered"])
            return dict(state)
        except FileNotFoundError:
            raise LabError(f"{self.folder} is not a loop: it has no {STATE}") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise LabError(f"{path} can't be read as a loop ({error!r})") from None

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        with home.changing(self.folder / STATE, self._state) as state:
            yield state


def _stage(facts: dict[str, Any]) -> Stage:
    cards = tuple(map(str, facts["cards"]))
    name = str(facts["name"])
    if Path(name).name != name:
        raise ValueError("a round outside the folder")
    return Stage(name, str(facts["title"]), int(facts["minutes"]), cards)


def _answer(facts: dict[str, Any]) -> Answer:
    said = None if facts["said"] is None else tuple(map(int, facts["said"]))
    return Answer(
        str(facts["card"]), said, str(facts["grade"]), float(facts["seconds"]), str(facts["words"])
    )


def answered(found: Round, root: Path) -> tuple[Answer, ...]:
    """What came of each card of a round that is over."""
    facts = schedule.load(root)["cards"]
    grades = iter(found.at.grades)
    answers = []
    for card in found.at.ids:
        if card in found.at.skipped:
            answers.append(Answer(card))
            continue
        kept = facts[card]
        said = tuple(kept.get("said", ()))
        grade, seconds = next(grades), float(kept.get("seconds", 0))
        answers.append(Answer(card, said, grade, seconds, str(kept.get("answer", ""))))
    return tuple(answers)


def make(
    deck: Deck,
    lab: Lab,
    *,
    task: str | None = None,
    minutes: int | None = None,
    seed: int,
    folder: Path | None = None,
) -> Loop:
    """A new loop: a lab or one task of it, questions, a design, questions on people."""
    root = lab.root
    if folder is None:
        folder = rehearse.home_of(root) / f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}-loop"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise LabError(f"{folder} is not empty; a loop needs an empty folder")
    except OSError as error:
        raise LabError(f"{folder} can't be written: {error.strerror}") from None
    found = Loop(folder, root)
    usual = TASK_MINUTES if task else int(lab.about["minutes"])
    stages = [Stage("1-keyboard", f"At the keyboard: {lab.title}", minutes or usual)]
    keyboard = found.rehearsal(stages[0]).folder
    rehearse.make([lab], stages[0].minutes, keyboard, only=[task] if task else [])
    asked = technical(deck, Standings.of(root), lab)
    stages += _talk("2-questions", "Technical questions", asked)
    if any(one.slug == DESIGN_LAB for one in find_labs(root)):
        stage = Stage("3-design", "Design a lakehouse", DESIGN_MINUTES)
        design(found.rehearsal(stage).folder, find_lab(DESIGN_LAB, root), seed)
        stages.append(stage)
    stages += _talk("4-people", "People and decisions", people(deck, Standings.of(root)))
    state = {
        "version": VERSION, "stages": [asdict(stage) for stage in stages], "over": 0,
        "entered": "", "answers": {}, "scores": {},
    }  # fmt: skip
    (folder / STATE).write_text(json.dumps(state, indent=1), "utf-8")
    return found


def _talk(name: str, title: str, cards: Sequence[Card]) -> list[Stage]:
    minutes = sum(card.minutes for card in cards)
    return [Stage(name, title, minutes, tuple(card.id for card in cards))] if cards else []


def technical(deck: Deck, standings: Standings, lab: Lab) -> list[Card]:
    """Half of the time on what goes with the lab, the rest on all technical sections in turn."""
    theirs = deck.select(practises=lab.slug, sections=TECHNICAL)
    first = _fitting(theirs, standings, TECHNICAL_MINUTES // 2)
    others = Deck(tuple(card for card in deck.select(sections=TECHNICAL) if card not in first))
    left = TECHNICAL_MINUTES - sum(card.minutes for card in first)
    return [*first, *_fitting(others, standings, left)]


def people(deck: Deck, standings: Standings) -> list[Card]:
    return _fitting(deck.select(sections=PEOPLE), standings, PEOPLE_MINUTES)


def _fitting(deck: Deck, standings: Standings, minutes: int) -> list[Card]:
    try:
        return drill.choose(deck, standings, minutes=minutes)
    except LabError:  # nothing fits: that part of the round is left out
        return []


def design(folder: Path, lab: Lab, seed: int) -> None:
    """The design round: its task, and beside the notebook a brief that nobody has seen."""
    rehearse.make([lab], DESIGN_MINUTES, folder, only=[DESIGN_TASK], more=[DRAW])
    generate = datasets.load_generator(lab.generator(DESIGN_LAB))
    (folder / BRIEF).mkdir()
    generate(folder / BRIEF, seed=seed)
    drawn = (folder / BRIEF / "drawn.yaml").read_text("utf-8")
    company = yaml.safe_load(drawn)
    with (folder / rehearse.PROMPT).open("a", encoding="utf-8") as prompt:
        prompt.write(
            "\n## The brief of this round\n\n"
            f'`read_brief(Path("{BRIEF}"), "{company["name"]}")` reads it. Others of the same form '
            f"are used to judge your function.\n\n```yaml\n{drawn}```\n"
        )


def choose(root: Path, topics: Sequence[str]) -> Lab:
    """The lab for the keyboard: of these topics, else the longest of an hour; least practised."""
    labs = [lab for lab in find_labs(root) if lab.slug != DESIGN_LAB]
    fitting = [
        lab for lab in labs if int(lab.about["minutes"]) <= 60 and lab.about["level"] != "starter"
    ]
    if topics or not fitting:
        return rehearse.choose(labs, 60, topics)[0]
    kept = progress.tasks_by_lab(labs)

    def turn(lab: Lab) -> tuple[float, int]:
        done = sum(map(progress.passed, kept[lab.slug].values()))
        return done / len(lab.tasks), lab.number

    return min(fitting, key=turn)


def loops(root: Path) -> list[Loop]:
    """The loops in work/, the newest last."""
    paths = rehearse.home_of(root).glob(f"*/{STATE}")
    return [Loop(path.parent, root) for path in sorted(paths)]


def current(root: Path) -> Loop | None:
    """The newest loop that is not finished."""
    return next((one for one in reversed(loops(root)) if not one.finished), None)

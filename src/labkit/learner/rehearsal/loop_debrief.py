"""The debrief over a whole loop: a score for each round, the weakest topics, what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from labkit.escape import printable
from labkit.interview import drill
from labkit.interview.cards import TOPICS, Card, Point
from labkit.interview.deck import Deck
from labkit.interview.from_labs import asked_next
from labkit.learner.rehearsal import clock, debrief
from labkit.learner.rehearsal.debrief import Debrief
from labkit.learner.rehearsal.loop import Answer, Loop, Stage
from labkit.verdict import report

PAGE = "loop.html"
WEAKEST = 3  # topics that are named
STRONG = Fraction(9, 10)  # from this share on a topic is none of them


@dataclass(frozen=True)
class Said:
    """A card of the loop and what came of it."""

    card: Card
    answer: Answer

    @property
    def said(self) -> tuple[int, ...]:
        return self.answer.said or ()

    @property
    def share(self) -> Fraction:
        return Fraction(self.reached, self.card.weight)

    @property
    def reached(self) -> int:
        points = self.card.listen_for
        return sum(point.weight for n, point in enumerate(points) if n in self.said)

    @property
    def left_out(self) -> list[Point]:
        """The heaviest first."""
        points = self.card.listen_for
        left = [point for n, point in enumerate(points) if n not in self.said]
        return sorted(left, key=lambda point: -point.weight)

    @property
    def skipped(self) -> bool:
        return self.answer.said is None


@dataclass(frozen=True)
class Row:
    """A round in the table of scores."""

    stage: Stage
    reached: float
    most: float
    seconds: float

    @property
    def percent(self) -> float:
        return 100 * self.reached / self.most if self.most else 0.0


@dataclass(frozen=True)
class LoopDebrief:
    """A loop with the debrief of each round at the keyboard, by the round's name."""

    loop: Loop
    deck: Deck
    keyboard: Mapping[str, Debrief]

    def said(self, stage: Stage) -> list[Said]:
        return [Said(self.deck.card(one.card), one) for one in self.loop.answers(stage)]

    def rows(self) -> list[Row]:
        rows = []
        for stage in self.loop.stages:
            if found := self.keyboard.get(stage.name):
                seconds = found.rehearsal.elapsed().seconds
                rows.append(Row(stage, *found.score, seconds))
                continue
            said = self.said(stage)
            reached, most = sum(one.reached for one in said), sum(one.card.weight for one in said)
            rows.append(Row(stage, reached, most, sum(one.answer.seconds for one in said)))
        return rows

    def weakest(self) -> list[tuple[str, Fraction]]:
        """Topics with the share that was reached, the weakest first.

        A card counts once for each of its topics, a task once for what the cards about it are
        mostly about.
        """
        found: dict[str, list[Fraction]] = {}
        for stage in self.loop.stages:
            for one in self.said(stage):
                for topic in one.card.topics:
                    found.setdefault(topic, []).append(one.share)
        for name, share in self._tasks().items():
            about = self.deck.select(practises=name)
            counts = Counter(topic for card in about for topic in card.topics)
            for topic, count in counts.items():
                if 2 * count >= max(counts.values()):
                    found.setdefault(topic, []).append(share)
        shares = {topic: sum(all_, Fraction()) / len(all_) for topic, all_ in found.items()}
        weak = [(topic, share) for topic, share in shares.items() if share < STRONG]
        return sorted(weak, key=lambda one: (one[1], TOPICS.index(one[0])))[:WEAKEST]

    def next(self) -> list[str]:
        """What to do now: tasks that are open, topics to drill, labs with the nearest topics."""
        lines = []
        if again := [
            one.card.id
            for stage in self.loop.stages
            for one in self.said(stage)
            if drill.proposed(one.card, one.said) in ("again", "hard")
        ]:
            lines.append(f"the cards {', '.join(again)}: they are due again tomorrow")
        lines += [
            f"{topic}: `./lab interview --topic {topic}`" + self._labs(topic)
            for topic, _ in self.weakest()
        ]
        return [*debrief.next_labs([*self.keyboard.values()]), *lines]

    def _labs(self, topic: str) -> str:
        """The labs that practise a topic, those of the most of its cards first."""
        cards = self.deck.select(topics=[topic])
        counts: dict[str, int] = {}
        for card in cards:
            for lab in sorted(card.labs):
                counts[lab] = counts.get(lab, 0) + 1
        best = sorted(counts, key=lambda lab: (-counts[lab], lab))[:2]
        return f", and the lab{'s' if len(best) > 1 else ''} {', '.join(best)}" if best else ""

    def _tasks(self) -> dict[str, Fraction]:
        """The share of points by `lab.task`."""
        found = {}
        for one in self.keyboard.values():
            for lab in one.labs:
                for task in one.rehearsal.tasks(lab):
                    checks = one.reports[lab.slug].task(task)
                    if most := sum(check.max_points for check in checks):
                        points = sum(check.points for check in checks)
                        found[f"{lab.slug}.{task}"] = Fraction(points, most)
        return found


def scores(found: LoopDebrief) -> dict[str, list[float]]:
    """What the loop keeps: points reached and possible, by round."""
    return {row.stage.name: [row.reached, row.most] for row in found.rows()}


def text(found: LoopDebrief) -> str:
    """The debrief for a terminal."""
    lines = [
        f"{row.stage.title}: {row.percent:.0f} % ({row.reached:g} of {row.most:g}) "
        f"in {clock.in_words(row.seconds)} of {row.stage.minutes} min"
        for row in found.rows()
    ]
    if weak := found.weakest():
        names = ", ".join(f"{topic} ({float(share):.0%})" for topic, share in weak)
        lines += ["", f"Weakest topics: {names}"]
    return printable("\n".join([*lines, "", *("Next: " + line for line in found.next())]))


def html(found: LoopDebrief) -> str:
    """loop.html: a page that links to the debriefs of the rounds at the keyboard."""
    rows = found.rows()
    return report.render(
        "loop.html.jinja",
        rows=[
            {
                "row": row,
                "used": clock.in_words(row.seconds),
                "over": row.seconds > row.stage.minutes * 60,
                "page": f"{row.stage.name}/{debrief.PAGE}"
                if row.stage.name in found.keyboard
                else "",
                "said": found.said(row.stage),
            }
            for row in rows
        ],
        weakest=[(topic, f"{float(share):.0%}") for topic, share in found.weakest()],
        next=found.next(),
        in_words=clock.in_words,
        asked_next=lambda card: asked_next(card, found.loop.root),
    )

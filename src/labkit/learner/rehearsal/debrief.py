"""The debrief of a rehearsal: score, time, reasons, both answers side by side, what to do next."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from labkit.course import hints
from labkit.course.follow_ups import LabQuestion, follow_ups
from labkit.course.labs import Lab, find_labs
from labkit.escape import printable
from labkit.grading.cells import UnreadableError
from labkit.grading.submission import MAX_BYTES
from labkit.home import LabError
from labkit.interview.deck import Deck, read_deck
from labkit.interview.from_labs import card_of
from labkit.learner import progress
from labkit.learner.rehearsal import clock
from labkit.learner.rehearsal.rehearse import Rehearsal, about
from labkit.learner.rehearsal.rubric import rubric
from labkit.learner.rehearsal.saves import Spent, spent, task_sources
from labkit.verdict import flowchart, page, report, shared
from labkit.verdict.outcome import Report

PAGE = "debrief.html"
DRAWINGS = 4  # shown of a notebook


@dataclass(frozen=True)
class Debrief:
    """A rehearsal with the report on each of its labs."""

    rehearsal: Rehearsal
    reports: Mapping[str, Report]

    @property
    def limit(self) -> float:
        return self.rehearsal.minutes * 60

    @property
    def labs(self) -> tuple[Lab, ...]:
        return self.rehearsal.labs

    @property
    def hidden(self) -> bool:
        """Whether the hidden checks were run: a hand-out has none."""
        return all(lab.hidden_checks.is_file() for lab in self.labs)

    @property
    def score(self) -> tuple[float, float]:
        found = self.reports.values()
        return sum(one.score for one in found), sum(one.max_score for one in found)

    def spent(self) -> Spent:
        files = {self.rehearsal.notebook(lab).name: self.rehearsal.tasks(lab) for lab in self.labs}
        saves = self.rehearsal.log().read()
        return spent(saves, files, self.rehearsal.elapsed().seconds)

    def notes(self) -> list[str]:
        """What a reader of the result has to know about it."""
        notes = list(self.rehearsal.elapsed().notes)
        if not self.hidden:
            notes.append(
                "These labs came without hidden checks; an instructor who has them can grade the "
                "same folder with `lab finish FOLDER`."
            )
        notes += [
            f"{name} was changed before the clock began."
            for name in self.rehearsal.session().get("changed_before", ())
        ]
        notes += [
            f"{name} was changed after the clock stopped; the file was judged as it is now."
            for name in self.rehearsal.changed_since()
        ]
        if unseen := self.spent().unseen:
            saves = "1 save was" if unseen == 1 else f"{unseen} saves were"
            notes.append(
                f"{saves} made while `lab rehearse` was not running; the time is the file's own, "
                "and earlier saves in that period are unknown."
            )
        return notes


def text(debrief: Debrief) -> str:
    """The debrief for a terminal: figures by task, then the reasons."""
    used, time = debrief.rehearsal.elapsed().seconds, debrief.spent()
    score, most = debrief.score
    lines = [
        f"{score:g} of {most:g} points in {clock.in_words(used)} of {debrief.rehearsal.minutes} min"
        + (f", {clock.in_words(used - debrief.limit)} over" if used > debrief.limit else "")
    ]
    for lab in debrief.labs:
        found = debrief.reports[lab.slug]
        lines += ["", lab.title]
        lines += [f"  {found.status}: {found.message}"] if found.message else []
        lines += [f"  {problem}" for problem in found.problems]
        for row in _tasks(debrief, lab, time):
            late = ", changed after the time" if row["late"] else ""
            lines.append(f"  {row['name']}: {row['points']} points, {row['time']}{late}")
        lines += ["", report.text(found.checks)] if found.checks else []
    lines += ["", *debrief.notes()]
    lines += ["Next: " + one for one in next_labs([debrief])]
    return printable("\n".join(lines))


def html(debrief: Debrief) -> str:
    """debrief.html, a page without other files."""
    time, used = debrief.spent(), debrief.rehearsal.elapsed().seconds
    score, most = debrief.score
    return report.render(
        "debrief.html.jinja",
        debrief=debrief,
        score=f"{score:g} of {most:g}",
        percent=100 * score / most if most else 0,
        used=clock.in_words(used),
        over=clock.in_words(used - debrief.limit) if used > debrief.limit else "",
        spent=time,
        rest=clock.in_words(time.rest),
        notes=debrief.notes(),
        labs=[
            {
                "lab": lab,
                "report": debrief.reports[lab.slug],
                "status": page.STATUS_WORDS[debrief.reports[lab.slug].status],
                "tasks": _tasks(debrief, lab, time),
                "questions": questions(lab),
                "drawings": drawings(debrief.rehearsal.notebook(lab)),
            }
            for lab in debrief.labs
        ],
        rubric=rubric(debrief.labs),
        next=next_labs([debrief]),
        reason=page.reason,
    )


def drawings(notebook: Path) -> list[Markup]:
    """The flowcharts that stand in the outputs of a notebook; its last ones, if there are many."""
    try:
        if notebook.stat().st_size > MAX_BYTES:
            return []
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        texts = [
            "".join(output["data"]["text/markdown"])
            for cell in cells
            for output in cell.get("outputs", ())
            if "text/markdown" in output.get("data", {})
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    found = [chart for text in texts for chart in flowchart.charts(text)]
    return [flowchart.svg(chart) for chart in found[-DRAWINGS:]]


def questions(lab: Lab) -> list[tuple[LabQuestion, str]]:
    """What a reviewer asks next, each with the card that it is drilled with, if there are cards."""
    try:
        deck = read_deck(lab.root)
    except LabError:  # a hand-out has none
        deck = Deck(())
    found = ((one, card_of(deck, lab, one.asks)) for one in follow_ups(lab))
    return [(one, card.id if card else "") for one, card in found]


def next_labs(debriefs: Sequence[Debrief]) -> list[str]:
    """Labs to do next: these again if a task is open, then those with the nearest topics."""
    lines = []
    done = [(debrief, lab) for debrief in debriefs for lab in debrief.labs]
    for debrief, lab in done:
        checks = debrief.reports[lab.slug].checks
        open_tasks = [
            task
            for task in debrief.rehearsal.tasks(lab)
            if any(c.task == task and c.outcome != "passed" for c in checks)
        ]
        if open_tasks or not checks:
            names = ", ".join(open_tasks) or "all of it"
            lines.append(f"{lab.slug}, with checks and hints: {names} (`./lab start {lab.slug}`)")
    topics = [topic for _, lab in done for topic in lab.about["topics"]]
    labs = find_labs(debriefs[0].rehearsal.root) if debriefs else []
    kept = progress.tasks_by_lab(labs)
    others = []
    for lab in labs:
        facts = kept[lab.slug]
        if lab in [one for _, one in done] or lab.about["level"] == "starter":
            continue
        if all(progress.passed(facts.get(task, {})) for task in lab.tasks):
            continue
        shared = [topic for topic in topics if about(lab, topic)]
        others.append((-len(shared), lab.number, lab, shared))
    for _, _, lab, shared in sorted(others, key=lambda one: one[:2])[:2]:
        why = f", {' and '.join(dict.fromkeys(shared))} again" if shared else ""
        lines.append(f"{lab.slug}: {lab.title}{why}")
    return lines


def _tasks(debrief: Debrief, lab: Lab, time: Spent) -> list[dict[str, Any]]:
    path = debrief.rehearsal.notebook(lab)
    found = debrief.reports[lab.slug]
    answers: dict[str, str] = {}
    with suppress(UnreadableError):
        answers = task_sources(path, debrief.rehearsal.tasks(lab))
    rows = []
    told = shared.told(found.checks)
    for task in debrief.rehearsal.tasks(lab):
        checks = found.task(task)
        seconds = time.tasks.get(f"{path.name}:{task}", 0.0)
        changed = time.last_change.get(f"{path.name}:{task}")
        rows.append(
            {
                "name": task,
                "points": f"{sum(c.points for c in checks)} of {sum(c.max_points for c in checks)}",
                "checks": checks,
                "told": told.get(task, ()),
                "passed": bool(checks) and all(c.outcome == "passed" for c in checks),
                "time": clock.in_words(seconds) if changed is not None else "no save",
                "last": clock.face(changed) if changed is not None else "",
                "late": changed is not None and changed > debrief.limit,
                "answer": answers.get(task, ""),
                "reference": _reference(lab, task),
            }
        )
    return rows


def _reference(lab: Lab, task: str) -> str:
    try:
        return hints.reference(lab, task)
    except LabError:
        return ""

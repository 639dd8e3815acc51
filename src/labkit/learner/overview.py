"""Show a learner's progress: labs, tasks and the next step, for a terminal and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from labkit.course.labs import Lab
from labkit.escape import printable
from labkit.learner import cards, progress
from labkit.learner.rehearsal import loop
from labkit.verdict import report

LACKED_SHOWN = 2


def labs_table(labs: Sequence[Lab]) -> Table:
    """The labs with level, minutes and how many of their tasks are passed."""
    kept = progress.tasks_by_lab(labs)
    needs = any(lab.about["needs"] for lab in labs)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    table.add_column("lab", no_wrap=True)
    table.add_column("title")
    table.add_column("level")
    table.add_column("min", justify="right")
    if needs:
        table.add_column("needs")
    table.add_column("tasks", no_wrap=True)
    for lab in labs:
        about = lab.about
        cells = [
            f"{lab.number:02d}",
            lab.slug,
            escape(lab.title),
            about["level"],
            str(about["minutes"]),
        ]
        if needs:
            cells.append(", ".join(about["needs"]))
        table.add_row(*cells, _bar(lab, kept[lab.slug]))
    return table


def tasks_table(labs: Sequence[Lab]) -> Table:
    """Every task with its points and the help taken."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("lab", "task", "points", "hints", ""):
        table.add_column(column)
    kept = progress.tasks_by_lab(labs)
    for lab in labs:
        for task in lab.tasks:
            facts = kept[lab.slug].get(task, {})
            gave_up = "answer seen" if facts.get("gave_up") else ""
            table.add_row(lab.slug, task, points(facts), str(facts.get("hints", 0)), gave_up)
    return table


def next_lines(labs: Sequence[Lab]) -> list[str]:
    """What to do next, as rich markup: the open task, what its last answer lacked, cards to drill."""
    step = progress.next_step(labs)
    if step is None:
        return ["Every task is passed.", *_talk_lines(labs)] if labs else []
    lines = [f"[bold]Next:[/] {step.task} in {step.lab.slug} · ./lab start {step.lab.slug}"]
    if step.lacked:
        lines.append("Its last answer did not pass:")
        lines += [f"  [red]✗[/] {escape(printable(title))}" for title in step.lacked[:LACKED_SHOWN]]
        if more := len(step.lacked) - LACKED_SHOWN:
            lines += [f"  ... and {more} more"] if more > 0 else []
        lines.append(f"  ./lab hint {step.lab.slug} {step.task}")
    return lines + _talk_lines(labs)


def loop_lines(root: Path) -> list[str]:
    """The loops that are over, with their scores, and the one that is not, as rich markup."""
    lines = []
    for found in loop.loops(root):
        if scores := found.scores:
            rounds = [
                f"{escape(stage.title)} {100 * scores[stage.name][0] / scores[stage.name][1]:.0f} %"
                for stage in found.stages
                if scores.get(stage.name, (0, 0))[1]
            ]
            lines.append(f"{escape(found.folder.name)}: {' · '.join(rounds)}")
    if (open_ := loop.current(root)) is not None:
        turn = f"round {open_.number + 1} of {len(open_.stages)}"
        lines.append(f"[bold]Loop:[/] {turn} is next · ./lab rehearse --loop")
    return lines


def _talk_lines(labs: Sequence[Lab]) -> list[str]:
    """The cards to talk about: due ones, or those that go with a lab that is passed."""
    kept = progress.tasks_by_lab(labs)
    done = [
        lab
        for lab in labs
        if all(progress.passed(kept[lab.slug].get(task, {})) for task in lab.tasks)
    ]
    talk = cards.next_talk(labs[0].root, done)
    return [f"[bold]Talk:[/] {talk.why} · {talk.command}"] if talk else []


def points(facts: dict[str, Any]) -> str:
    if "max_points" not in facts:
        return "-"
    return f"{facts.get('points', 0)} of {facts['max_points']}"


def page(labs: Sequence[Lab]) -> str:
    """The learner's progress as an HTML page that needs nothing beside it."""
    kept = progress.tasks_by_lab(labs)
    rows = []
    for lab in labs:
        facts = kept[lab.slug]
        tasks = [(task, facts.get(task, {})) for task in lab.tasks]
        rows.append((lab, tasks, sum(progress.passed(fact) for _, fact in tasks)))
    return report.render(
        "progress.html.jinja",
        rows=rows,
        step=progress.next_step(labs),
        passed=progress.passed,
        points=points,
        done=sum(done for _, _, done in rows),
        total=sum(len(lab.tasks) for lab in labs),
        topics=cards.topics(labs),
    )


def _bar(lab: Lab, facts: dict[str, Any]) -> str:
    """One mark per task: passed, tried, or open."""
    marks = []
    for task in lab.tasks:
        fact = facts.get(task, {})
        if progress.passed(fact):
            marks.append("[green]●[/]")
        elif fact.get("lacked"):
            marks.append("[red]●[/]")
        else:
            marks.append("[dim]○[/]")
    done = sum(progress.passed(facts.get(task, {})) for task in lab.tasks)
    return f"{''.join(marks)} {done} of {len(lab.tasks)}"

"""The terminal of `lab rehearse --loop`: rounds, breaks, and one debrief; Ctrl-C loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from labkit.cli import drill, parts
from labkit.cli.attend import attend, judged, time_left
from labkit.cli.grading import grader
from labkit.cli.screen import console, line_by_the_clock
from labkit.course.hints import require_task
from labkit.course.labs import find_lab
from labkit.grading.grade import draw_seed
from labkit.home import LabError
from labkit.interview.deck import Deck, read_deck
from labkit.learner.rehearsal import clock, loop_debrief
from labkit.learner.rehearsal import loop as loops
from labkit.learner.rehearsal.loop import Loop, Stage
from labkit.learner.rehearsal.loop_debrief import LoopDebrief

if TYPE_CHECKING:
    from labkit.learner.rehearsal.rehearse import Rehearsal

HAND_IN = (
    "When you have finished, save the notebook and press Ctrl-C here; you are asked before "
    "anything is handed in."
)


def find(
    root: Path, what: str | None, minutes: int | None, topics: list[str], to: Path | None
) -> Loop:
    """The loop to go on with, or a new one: of a lab, of `lab.task`, or of a lab on the topics."""
    if what is not None and (Path(what) / loops.STATE).is_file():
        found = Loop(Path(what).resolve(), root)
        if found.finished:
            raise LabError(
                f"{found.folder} is over; its debrief is {found.folder / loop_debrief.PAGE}"
            )
        return found
    fresh = what is not None or minutes is not None or bool(topics) or to is not None
    if not fresh and (open_ := loops.current(root)) is not None:
        return open_
    deck = read_deck(root)
    if what is None:
        lab, task = loops.choose(root, topics), None
    elif topics:
        raise LabError("name a lab or topics, not both")
    else:
        slug, _, name = what.partition(".")
        lab = find_lab(slug, root)
        task = require_task(lab, name) if name else None
    folder = to.resolve() if to else None
    seed = draw_seed(hidden=True)
    return loops.make(deck, lab, task=task, minutes=minutes, seed=seed, folder=folder)


def run(loop: Loop, *, later: bool, jupyter: bool, browser: bool, port: int) -> None:
    """Goes through the rounds from where the loop is, and at the end writes the debrief."""
    for at, one in enumerate(loop.stages):
        mark = "✓" if at < loop.number else "·"
        console.print(f" {mark} {at + 1} {escape(one.title)}, {one.minutes} min")
    folder = "" if loops.current(loop.root) == loop else f" {escape(str(loop.folder))}"
    again = f"[bold]./lab rehearse --loop{folder}[/] goes on from here"
    if later:
        console.print(f"To begin: ./lab rehearse --loop {escape(str(loop.folder))}")
        return
    deck = read_deck(loop.root)
    with drill.stopping(again):
        while (stage := loop.stage) is not None:
            if not loop.begun(stage):
                _pause(loop, stage)
                loop.enter(stage)
            console.rule(f"round {loop.number + 1} of {len(loop.stages)}")
            if stage.cards:
                _questions(loop, stage, deck)
            else:
                _keyboard(loop, stage, jupyter=jupyter, browser=browser, port=port)
        _debrief(loop, deck)


def _pause(loop: Loop, stage: Stage) -> None:
    """A break before every round but the first; the next one begins when Enter is pressed."""
    limit = loops.BREAK_MINUTES * 60 if loop.number else 0
    console.print(
        f"\nNext: [bold]{escape(stage.title)}[/], {stage.minutes} min. [bold]Enter[/] begins it"
        + (", after a break if you like" if limit else "")
        + " · [bold]q[/] stops"
    )

    def face(seconds: float) -> str:
        if not limit:
            return "[dim]The clock begins with the round.[/]"
        left = limit - seconds
        return f"[dim]break: {clock.face(left)} left[/]" if left > 0 else "[yellow]break over[/]"

    _entered(face)


def _entered(face: Callable[[float], str]) -> str:
    return drill.word(line_by_the_clock(face))


def _questions(loop: Loop, stage: Stage, deck: Deck) -> None:
    found = loop.questions(stage, deck)
    drill.ask(found, learn=False)
    loop.leave(stage, loops.answered(found, loop.root))
    found.forget()


def _keyboard(loop: Loop, stage: Stage, *, jupyter: bool, browser: bool, port: int) -> None:
    rehearsal = loop.rehearsal(stage)
    parts.provide(rehearsal.labs)
    rehearsal.open()
    while not rehearsal.finished:
        attend(rehearsal, jupyter=jupyter, browser=browser, port=port, on=HAND_IN)
        if not rehearsal.finished and _handed_in(rehearsal):
            rehearsal.finish()
    loop.leave(stage)


def _handed_in(rehearsal: Rehearsal) -> bool:
    """Whether the notebook is handed in; else the clock runs on and the notebook opens again."""
    console.print(
        "[bold]Enter[/] hands the notebook in · [bold]b[/] goes back to it · [bold]q[/] stops "
        "here, and the clock runs on"
    )
    return _entered(lambda _: f"[dim]{time_left(rehearsal)}[/]") != "b"


def _debrief(loop: Loop, deck: Deck) -> None:
    keyboard = [stage for stage in loop.stages if not stage.cards]
    found = {}
    console.print("\nThat was the last round. Your notebooks are judged.")
    with grader(loop.root, sandboxed=False) as grading:
        for stage in keyboard:
            rehearsal = loop.rehearsal(stage)
            rehearsal.refuse_links()
            hidden = all(lab.hidden_checks.is_file() for lab in rehearsal.labs)
            found[stage.name] = judged(rehearsal, grading, hidden=hidden, seed=None)
    whole = LoopDebrief(loop, deck, found)
    page = loop.folder / loop_debrief.PAGE
    page.write_text(loop_debrief.html(whole), "utf-8")
    loop.keep(loop_debrief.scores(whole))
    console.print(escape(loop_debrief.text(whole)))
    console.print(f"\nDebrief: {escape(str(page))}")

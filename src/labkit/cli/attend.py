"""What rehearsals and loops share in the terminal: the clock beside a notebook, and the judging."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.markup import escape

from labkit.cli.screen import console
from labkit.learner.rehearsal import clock

if TYPE_CHECKING:
    from labkit.grading.grade import Grader
    from labkit.learner.rehearsal.debrief import Debrief
    from labkit.learner.rehearsal.rehearse import Rehearsal

LOOK_SECONDS = 1.0
WARNINGS = (15, 5, 0)  # minutes left at which a line stays on the terminal


def judged(rehearsal: Rehearsal, grading: Grader, *, hidden: bool, seed: int | None) -> Debrief:
    """The debrief of a rehearsal whose clock stopped, written to its folder with the results."""
    from labkit.grading.grade import draw_seed
    from labkit.learner.rehearsal import debrief
    from labkit.verdict.report_json import write_json

    reports = {}
    for lab in rehearsal.labs:
        report = grading.grade(
            lab,
            rehearsal.notebook(lab),
            hidden=hidden,
            seed=draw_seed(hidden) if seed is None else seed,
        )
        tasks = rehearsal.tasks(lab)
        asked = tuple(check for check in report.checks if check.task in tasks)
        reports[lab.slug] = replace(report, checks=asked)
        write_json(reports[lab.slug], rehearsal.folder / f"result-{lab.slug}.json")
    found = debrief.Debrief(rehearsal, reports)
    (rehearsal.folder / debrief.PAGE).write_text(debrief.html(found), "utf-8")
    return found


def where(rehearsal: Rehearsal) -> str:
    """What a command needs to find a rehearsal; nothing for one in work/."""
    from labkit.learner.rehearsal.rehearse import home_of

    if rehearsal.folder.parent == home_of(rehearsal.root):
        return ""
    return f" {escape(str(rehearsal.folder))}"


def time_left(rehearsal: Rehearsal) -> str:
    left = rehearsal.left()
    return f"{clock.face(left)} left" if left >= 0 else f"{clock.face(-left)} over time"


def attend(rehearsal: Rehearsal, *, jupyter: bool, browser: bool, port: int, on: str = "") -> None:
    """Shows the clock and notes the saves until Ctrl-C; JupyterLab runs beside it.

    `on` says how the work ends, where `lab finish` is not what ends it.
    """
    from labkit.learner import workspace

    lab = rehearsal.labs[0]
    console.print(f"The prompt: {escape(str(rehearsal.folder / 'PROMPT.md'))}")
    at = where(rehearsal)
    console.print(
        on
        or "Ctrl-C closes this, but the clock keeps running. "
        f"`./lab rehearse{at}` resumes, `./lab finish{at}` ends the rehearsal."
    )
    over = threading.Event()
    end = on or f"./lab finish{at}"
    watcher = threading.Thread(target=_tick, args=(rehearsal, over, end), daemon=True)
    watcher.start()
    try:
        if jupyter:
            workspace.serve(
                lab, browser=browser, port=port, say=lambda text: console.print(escape(text)),
                notebook=rehearsal.notebook(lab),
            )  # fmt: skip
        else:
            while not rehearsal.finished:
                time.sleep(LOOK_SECONDS)  # between two looks at whether `lab finish` was run
    except KeyboardInterrupt:
        pass
    finally:
        over.set()
        watcher.join()
        rehearsal.note("close")


def _tick(rehearsal: Rehearsal, over: threading.Event, end: str) -> None:
    """Notes each save, and shows the time left: on a live line, and as lines near the end."""
    log = rehearsal.log()
    warned = {minutes for minutes in WARNINGS if rehearsal.left() < minutes * 60}
    with console.status(time_left(rehearsal)) if console.is_terminal else _Silent() as line:
        while not over.wait(LOOK_SECONDS):
            if rehearsal.finished:
                return
            log.look(rehearsal.elapsed().seconds)
            left = rehearsal.left()
            line.update(time_left(rehearsal))
            for minutes in WARNINGS:
                if left < minutes * 60 and minutes not in warned:
                    warned.add(minutes)
                    words = f"{minutes} min left" if minutes else f"Time is up. {end}"
                    console.print(f"[bold yellow]{words}[/]")


class _Silent:
    """Takes the place of the live line where there is no terminal."""

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, _: str) -> None:
        return None

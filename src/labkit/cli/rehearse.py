"""The commands `lab rehearse` and `lab finish`: a lab against the clock, and the debrief."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from labkit import home
from labkit.cli import parts
from labkit.cli.attend import attend, judged, time_left, where
from labkit.cli.screen import Browser, Jupyter, Port, Seed, console, errors
from labkit.course.labs import find_lab, find_labs
from labkit.home import LabError
from labkit.learner.rehearsal import clock

if TYPE_CHECKING:
    from labkit.course.labs import Lab
    from labkit.learner.rehearsal.rehearse import Rehearsal


def rehearse(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[LAB|FOLDER|status]",
            help="a lab to begin with; a folder, or nothing, to resume; status to read the clock",
        ),
    ] = None,
    minutes: Annotated[
        int | None, typer.Option(min=1, max=1_440, help="time limit; default: that of the lab")
    ] = None,
    topics: Annotated[
        str, typer.Option(metavar="A,B", help="choose labs on these topics that fit the time")
    ] = "",
    to: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="an empty folder; default: one in work/rehearsals"),
    ] = None,
    loop: Annotated[
        bool,
        typer.Option(
            "--loop", help="a whole interview: a lab or LAB.TASK, questions, a design, breaks"
        ),
    ] = False,
    later: Annotated[
        bool,
        typer.Option("--later", help="only make the folder; the clock begins when you open it"),
    ] = False,
    jupyter: Jupyter = True,
    browser: Browser = True,
    port: Port = 0,
) -> None:
    """Rehearse a take-home: against the clock, without checks and hints. `lab finish` ends it."""
    from labkit.learner.rehearsal.rehearse import SESSION, Rehearsal, current

    root = home.root()
    if loop:
        from labkit.cli import loop as terminal

        terminal.run(
            terminal.find(root, what, minutes, _list(topics), to),
            later=later, jupyter=jupyter, browser=browser, port=port,
        )  # fmt: skip
        return
    fresh = minutes is not None or bool(topics)
    if what == "status":
        _status(current(root))
        return
    if what is None and not fresh:
        rehearsal = current(root)
    elif what is not None and (Path(what) / SESSION).is_file():
        rehearsal = Rehearsal(Path(what).resolve(), root)
    else:
        rehearsal = _fresh(root, what, minutes, topics, to)
    if rehearsal.finished:
        raise LabError(
            f"{rehearsal.folder} is finished; its debrief is {rehearsal.folder / 'debrief.html'}"
        )
    parts.provide(rehearsal.labs)  # before the clock begins
    names = ", ".join(lab.slug for lab in rehearsal.labs)
    console.print(f"{escape(names)} · {rehearsal.minutes} min · {escape(str(rehearsal.folder))}")
    if later:
        console.print(f"To begin: ./lab rehearse {escape(str(rehearsal.folder))}")
        return
    rehearsal.open()
    attend(rehearsal, jupyter=jupyter, browser=browser, port=port)
    if not rehearsal.finished:
        console.print(
            f"Closed with {time_left(rehearsal)}; the clock keeps running until "
            f"./lab finish{where(rehearsal)}"
        )


def finish(
    folder: Annotated[
        Path | None, typer.Argument(help="folder of a rehearsal; default: the current one")
    ] = None,
    seed: Seed = None,
    sandbox: Annotated[
        bool,
        typer.Option(
            help="with FOLDER and hidden checks: run the answers in the sandbox",
        ),
    ] = True,
) -> None:
    """Stop the clock of a rehearsal, grade it with the hidden checks, write the debrief.

    A folder that you name may be another person's, so it is graded in the sandbox if there are
    hidden checks.
    """
    from labkit.cli.grading import grader, prepare_sandbox
    from labkit.learner.rehearsal.rehearse import Rehearsal, current

    root = home.root()
    rehearsal = Rehearsal(folder.resolve(), root) if folder else current(root)
    rehearsal.session()
    rehearsal.refuse_links()
    hidden = all(lab.hidden_checks.is_file() for lab in rehearsal.labs)
    sandboxed = prepare_sandbox(sandbox and folder is not None and hidden)
    rehearsal.finish()
    console.print(f"The clock stopped at {clock.face(rehearsal.elapsed().seconds)}.")
    with grader(root, sandboxed=sandboxed) as grading:
        found = judged(rehearsal, grading, hidden=hidden, seed=seed)
    from labkit.learner.rehearsal import debrief

    console.print(escape(debrief.text(found)))
    console.print(f"\nDebrief: {escape(str(rehearsal.folder / debrief.PAGE))}")
    raise typer.Exit(max(report.exit_code for report in found.reports.values()))


def _list(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]


def _fresh(
    root: Path, slug: str | None, minutes: int | None, topics: str, to: Path | None
) -> Rehearsal:
    from labkit.learner.rehearsal.rehearse import choose, length, make

    if slug is not None:
        if topics:
            raise LabError("name a lab or topics, not both")
        labs: tuple[Lab, ...] = (find_lab(slug, root),)
    else:
        if minutes is None:
            raise LabError(
                "say how long, for instance `lab rehearse --minutes 90 --topics streaming,delta`"
            )
        labs = choose(find_labs(root), minutes, _list(topics))
    usual = length(labs)
    if minutes is not None and minutes < usual:
        errors.print(f"Planned for {usual} min; you have {minutes} min.", style="yellow")
    return make(labs, minutes or usual, to.resolve() if to else None)


def _status(rehearsal: Rehearsal) -> None:
    names = ", ".join(lab.slug for lab in rehearsal.labs)
    console.print(f"{escape(names)} in {escape(str(rehearsal.folder))}")
    if not rehearsal.begun:
        console.print(f"The clock has not begun; you will have {rehearsal.minutes} min.")
        return
    console.print(
        f"{clock.face(rehearsal.elapsed().seconds)} of {rehearsal.minutes} min · {time_left(rehearsal)}"
    )
    for note in rehearsal.elapsed().notes:
        console.print(escape(note), style="yellow")
    saves = [save for save in rehearsal.log().read() if save.elapsed > 0]
    if saves:
        console.print(f"{len(saves)} saves, the last at {clock.face(saves[-1].elapsed)}")

"""The learner's commands: list and open labs, hints, answers, reset, progress."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from labkit import home
from labkit.cli import parts
from labkit.cli.screen import Browser, Jupyter, Port, Slug, console, errors
from labkit.course.labs import Lab, find_lab, find_labs
from labkit.home import LabError


def where(context: typer.Context) -> None:
    """Lakehouse Labs: graded Spark and Delta Lake case studies."""
    with suppress(LabError):  # a command that needs a checkout says so; `lab doctor` needs none
        home.use(home.root())
    if context.invoked_subcommand is None:
        from labkit.learner import overview

        labs = find_labs(home.root())
        console.print(overview.labs_table(labs))
        console.print()
        for line in overview.next_lines(labs):
            console.print(line)
        console.print("\n[dim]./lab --help shows every command[/]")


def list_labs() -> None:
    """List the labs and your progress in each."""
    from labkit.learner import overview

    console.print(overview.labs_table(find_labs(home.root())))


def start(
    slug: Annotated[
        str | None, typer.Argument(help="a lab; default: the first unfinished one")
    ] = None,
    jupyter: Jupyter = True,
    browser: Browser = True,
    port: Port = 0,
) -> None:
    """Open a lab in JupyterLab, on your own copy in work/."""
    from labkit.learner import workspace

    root = home.root()
    lab = find_lab(slug, root) if slug else workspace.next_lab(root)
    others = workspace.other_notebooks(lab)
    if workspace.copy_starter(lab):
        console.print(f"Your copy: {lab.work.relative_to(root)}")
        if others:
            names = ", ".join(escape(path.name) for path in others)
            console.print(f"The folder also contains {names}, which is not changed.")
        if first := workspace.not_passed_before(lab):
            names = " and ".join(f"`{one.slug}`" for one in first)
            console.print(f"It builds on {names}, which you have not passed yet.")
    parts.provide([lab])
    if not jupyter:
        console.print(f"Open {escape(str(lab.work))} with this Python as its kernel:")
        console.print(escape(sys.executable))
        return
    waiting = errors.status("starting JupyterLab and Spark")

    def say(text: str) -> None:
        waiting.stop()
        console.print(escape(text))

    waiting.start()
    try:
        workspace.serve(lab, browser=browser, port=port, say=say)
    finally:
        waiting.stop()


def hint(
    slug: Slug,
    task: Annotated[str | None, typer.Argument(help="a task; default: the first open one")] = None,
) -> None:
    """Show the next hint of a task."""
    from labkit.learner import help

    lab = find_lab(slug)
    found = help.take_hint(lab, task or _open_task(lab))
    console.print(escape(str(found)))
    if found.is_last:
        console.print(
            "That was the last hint. "
            f"./lab solution {lab.slug} {found.task} --give-up shows the answer."
        )


def solution(
    slug: Slug,
    task: Annotated[str | None, typer.Argument(help="a task; default: the first open one")] = None,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="show it before the task is passed")
    ] = False,
) -> None:
    """Show the reference answer of a task that you passed or gave up."""
    from rich.syntax import Syntax

    from labkit.learner import help

    lab = find_lab(slug)
    name = task or _open_task(lab)
    text = help.take_solution(lab, name, give_up=give_up)
    if text is None:
        raise LabError(
            f"`{name}` is not passed yet; --give-up shows the answer anyway, which is recorded in "
            "your progress"
        )
    plain = not console.is_terminal
    console.print(escape(text) if plain else Syntax(text, "python", background_color="default"))


def _open_task(lab: Lab) -> str:
    from labkit.learner import progress

    step = progress.next_step([lab])
    return step.task if step else lab.tasks[-1]


def reset(slug: Slug) -> None:
    """Restore the starter of a lab; your old copy stays beside it, with a date in its name."""
    from labkit.learner import workspace

    lab = find_lab(slug)
    kept = workspace.reset(lab)
    if kept:
        console.print(f"Your work is kept as {kept.relative_to(lab.root)}")
    console.print(f"{lab.work.relative_to(lab.root)} is the starter again.")


def show_progress(
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="write an HTML page")
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="write your progress for another machine"),
    ] = None,
    take: Annotated[
        Path | None,
        typer.Option("--import", metavar="FILE", help="merge what --export wrote elsewhere"),
    ] = None,
) -> None:
    """Show your points and hints, task by task, and how well you know the interview cards."""
    from labkit.learner import cards, overview

    if sum(file is not None for file in (html, export, take)) > 1:
        raise LabError("--html, --export and --import are three commands; give one of them")
    if export is not None or take is not None:
        _move_progress(export, take)
        return
    labs = find_labs(home.root())
    if html is None:
        console.print(overview.tasks_table(labs))
        if (topics := cards.topics_table(labs)) is not None:
            console.print()
            console.print(topics)
        if lines := overview.loop_lines(home.root()):
            console.print()
            for line in lines:
                console.print(line)
        return
    try:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(overview.page(labs), "utf-8")
    except OSError as error:
        raise LabError(f"{html} can't be written: {error.strerror}") from None
    console.print(f"wrote {escape(str(html))}")


def _move_progress(export: Path | None, take: Path | None) -> None:
    """Writes the progress to a file, or merges that of another machine, and says what was done."""
    from labkit.learner import transfer

    root = home.root()
    if export is not None:
        tasks, cards = transfer.export(root, export)
        console.print(
            f"wrote {escape(str(export))}: {_count(tasks, 'task')}, {_count(cards, 'card')}"
        )
        console.print("Your answers are the files in work/; copy them too.")
    if take is not None:
        done = transfer.take_over(root, take)
        console.print(
            f"{_count(done.tasks, 'task')} in the file: {done.tasks_taken} new or better there, "
            f"{done.tasks - done.tasks_taken} the same or better here"
        )
        console.print(
            f"{_count(done.cards, 'card')} in the file: {done.cards_taken} answered later there, "
            f"{done.cards - done.cards_taken} the same or later here"
        )
        if done.both:
            console.print(
                f"{_count(done.both, 'card')} answered on both machines: the later answer counts"
            )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

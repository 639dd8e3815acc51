"""The command `lab export`: a repository to hand out, without answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from labkit import home
from labkit.course.labs import find_lab, find_labs

console = Console(highlight=False, soft_wrap=True)


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="a new folder, or an export")],
    labs: Annotated[
        str, typer.Option(metavar="A,B", help="only these labs; all of them if none")
    ] = "",
    grader: Annotated[
        str,
        typer.Option(
            metavar="ACTION",
            help="GitHub action that grades, OWNER/REPO/.github/actions/grade@REF; the hand-out's "
            "own if none",
        ),
    ] = "",
) -> None:
    """Instructor: write a repository to hand out: starters, checks, set-up; no answers."""
    from labkit.author import export as exporting

    root = home.root()
    names = [name.strip() for name in labs.split(",") if name.strip()]
    chosen = [find_lab(name, root) for name in names] if names else find_labs(root)
    chosen = sorted(set(chosen), key=lambda lab: lab.number)
    done = exporting.export(chosen, folder, grader=grader or exporting.LOCAL_GRADER)
    console.print(
        f"{', '.join(lab.slug for lab in chosen)} in {escape(str(folder))}: "
        f"{len(done.written)} files, "
        "no line of an answer in them"
    )
    for name in done.kept:
        console.print(f"kept as you changed it: {escape(name)}", style="yellow")
    console.print(f"Try it: cd {escape(str(folder))} && ./lab check {chosen[0].slug}", style="dim")

"""The commands `lab parts ...`: what some labs need beside Spark, installed and removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from labkit import home
from labkit.cli.screen import console, errors
from labkit.course.labs import Lab, find_lab, find_labs
from labkit.home import LabError
from labkit.parts.environment import Part
from labkit.parts.known import PARTS, find_part, needed

app = typer.Typer(help="Parts that some labs need: dbt, Airflow, Flink.")
Names = Annotated[list[str], typer.Argument(metavar="PART...", help="as `lab parts` lists them")]


@app.callback(invoke_without_command=True)
def show(context: typer.Context) -> None:
    """Parts that some labs need: dbt, Airflow, Flink. Alone, it lists them with their state."""
    if context.invoked_subcommand is not None:
        return
    labs = find_labs(home.root())
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("part", "state", "needed by"):
        table.add_column(heading)
    for part in PARTS.values():
        state = escape(part.missing() or f"installed, {part.size()} MB")
        table.add_row(
            part.name, state, ", ".join(who_need(part.name, labs)) or "[dim]no lab here[/]"
        )
    console.print(table)


@app.command()
def install(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PART|LAB]...", help="parts, or labs that need them; all labs if none"
        ),
    ] = None,
) -> None:
    """Install parts, once; later everything works offline."""
    labs = find_labs(home.root())
    chosen: dict[str, Part] = {}
    for name in names or [lab.slug for lab in labs]:
        found = [PARTS[name]] if name in PARTS else needed(_lab(name).about["needs"])
        chosen |= {part.name: part for part in found}
    for part in chosen.values():
        if not _install(part):
            console.print(f"{part.title} is installed.")


@app.command()
def remove(names: Names) -> None:
    """Remove parts from the disk, those of earlier versions too."""
    for part in [find_part(name) for name in names]:
        said = "is removed" if part.remove(say=_say) else "was not installed"
        console.print(f"{part.title} {said}.")


@app.command()
def lock(names: Names) -> None:
    """Author: write the lock files of parts afresh, from what the package index has today."""
    for part in [find_part(name) for name in names]:
        lines = part.relock()
        console.print(f"wrote {part.lock.relative_to(home.root())}: {len(lines)} packages")


@app.command()
def notices() -> None:
    """Author: write docs/third_party.md, the licences of all packages and jars; needs every part."""
    from labkit.author import notices as licences

    page = home.root() / licences.PAGE
    page.write_text(licences.text(), "utf-8")
    console.print(f"wrote {licences.PAGE}")


def provide(labs: Sequence[Lab], *, required: bool = False) -> None:
    """Installs what labs need and lack. Unless `required`, a lab opens without; its checks skip."""
    for part in needed({name for lab in labs for name in lab.about["needs"]}):
        if not part.missing():
            continue
        console.print(f"{', '.join(who_need(part.name, labs))} needs {part.title}.")
        try:
            _install(part)
        except LabError as error:
            if required:
                raise
            errors.print(escape(str(error)), style="yellow")
            errors.print("Until then the checks that need it are skipped.", style="yellow")


def who_need(need: str, labs: Sequence[Lab]) -> list[str]:
    """The labs that name it in their header."""
    return [lab.slug for lab in labs if need in lab.about["needs"]]


def _lab(name: str) -> Lab:
    try:
        return find_lab(name)
    except LabError:
        find_part(name)  # says which parts there are
        raise


def _install(part: Part) -> bool:
    with errors.status(f"installing {part.title}") as line:
        return part.install(
            say=_say, progress=lambda text: line.update(f"installing {part.title}: {text}")
        )


def _say(text: str) -> None:
    console.print(escape(text))

"""`lab site`: the labs, paths and cards as a web site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from labkit import home
from labkit.cli.screen import console


def site(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="a new folder, or an earlier site")],
    repository: Annotated[
        str, typer.Option(metavar="URL", help="what the first page tells readers to clone")
    ] = "",
) -> None:
    """Instructor: write all labs, paths and cards as a static web site, without answers to labs."""
    from labkit.site import folder as folders
    from labkit.site import pages

    made = pages.site(home.root(), repository)
    folders.write(made, folder)
    console.print(
        f"{len(made)} pages in {escape(str(folder))}; open {escape(str(folder / pages.INDEX))}"
    )

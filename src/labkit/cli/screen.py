"""What the commands share: the two consoles, and the arguments that several of them take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

Slug = Annotated[str, typer.Argument(help="a lab: its name, folder or number")]
SubmissionFile = Annotated[
    Path | None, typer.Option(help="notebook or .py; default: your copy in work/")
]
Seed = Annotated[int | None, typer.Option(help="seed of generated data, to repeat a run")]
Jupyter = Annotated[
    bool, typer.Option(help="run JupyterLab; with --no-jupyter, use an editor of your choice")
]
Browser = Annotated[bool, typer.Option(help="open the page in your browser")]
Port = Annotated[int, typer.Option(help="port of JupyterLab; 0 takes a free one")]

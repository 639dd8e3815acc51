"""What the commands share: the two consoles, and the arguments that several of them take."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable
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


def line_by_the_clock(face: Callable[[float], str]) -> str:
    """The line that is entered next; until then the line above is `face` of the seconds passed."""
    if not (sys.stdin.isatty() and console.is_terminal):
        return sys.stdin.readline()
    began = time.monotonic()
    console.print(face(0.0))
    sys.stdout.write("> ")
    sys.stdout.flush()
    while not select.select([sys.stdin], [], [], 1.0)[0]:
        _rewrite_line_above(face(time.monotonic() - began))
    return sys.stdin.readline()


def _rewrite_line_above(markup: str) -> None:
    """Without moving the cursor for the person at the prompt (ESC 7 and 8 keep its place)."""
    with console.capture() as line:
        console.print(markup, end="")
    sys.stdout.write(f"\0337\033[1A\r\033[K{line.get()}\0338")
    sys.stdout.flush()

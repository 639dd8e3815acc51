"""docs/labs.md: every lab with its minutes, what it needs, and the labs to do before it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from labkit.author import build
from labkit.course.catalogue import Entry, subjects
from labkit.course.labs import Lab

PAGE = Path("docs") / "labs.md"
INTRO = """\
# The labs

<!-- Made by `lab build` from labs/catalogue.yaml and the labs; change those instead. -->

A lab named under "after" is worth doing first: this one builds on what it teaches.
"""
PATHS = """\
[Paths through the labs](curriculum.md) say what to do in which order for an interview, a month or
a new team.
"""


def text(labs: Sequence[Lab]) -> str:
    """The page as it should be."""
    parts = [INTRO]
    if labs and (labs[0].root / PAGE.with_name("curriculum.md")).is_file():
        parts.append(PATHS)
    for subject in subjects(labs):
        parts += [f"## {subject.title}", "", "| lab | what you do | minutes | needs | after |"]
        parts += ["|---|---|---|---|---|", *map(_row, subject.entries), ""]
    return "\n".join(parts)


def write(labs: Sequence[Lab]) -> list[Path]:
    """Writes the page if it is stale; returns it then."""
    path = labs[0].root / PAGE if labs else None
    return [path] if path and build.write(path, text(labs)) else []


def is_stale(labs: Sequence[Lab]) -> bool:
    """Whether `lab build` would write the page."""
    if not labs:
        return False
    path = labs[0].root / PAGE
    return not path.is_file() or path.read_text("utf-8") != text(labs)


def _row(entry: Entry) -> str:
    about = entry.lab.about
    needs = [*about["needs"], *([] if entry.lab.uses_spark else ["no Spark"])]
    first = ", ".join(f"`{lab.slug}`" for lab in entry.after)
    cells = [f"`{entry.lab.slug}`", entry.does, str(about["minutes"]), ", ".join(needs), first]
    return f"| {' | '.join(cells)} |"

"""A course as a whole: what is wrong with its files, and which of its labs have to be proved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from labkit.author import build, labs_page, record
from labkit.author.rules import static_problems
from labkit.course.labs import Lab, find_labs
from labkit.interview import deck as decks
from labkit.interview import from_labs


def file_problems(root: Path) -> Iterator[str]:
    """Faults that need no Spark: what is stale, the labs' rules, cards that lead nowhere."""
    labs = find_labs(root)
    for lab in labs:
        yield from build.stale(lab)
        yield from (f"{lab.slug}: {problem}" for problem in static_problems(lab))
    if labs_page.is_stale(labs):
        yield f"{labs_page.PAGE} is stale; run `lab build`"
    if decks.exists(root):
        deck = decks.read_deck(root)
        yield from decks.unknown_tasks(deck, labs)
        yield from from_labs.faults(deck, root)


def unproved(root: Path) -> list[Lab]:
    """The labs without a proof of the files and the labkit that are here now."""
    return [lab for lab in find_labs(root) if record.state(lab) != "fresh"]

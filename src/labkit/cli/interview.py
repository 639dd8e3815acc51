"""The command `lab interview`: drill the cards, or write them as a sheet or a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from labkit import home
from labkit.cli.screen import console
from labkit.course.labs import find_lab
from labkit.home import LabError


def interview(
    card: Annotated[str | None, typer.Argument(help="one card, by its id")] = None,
    topic: Annotated[
        str, typer.Option(metavar="A,B", help="only cards on one of these topics")
    ] = "",
    level: Annotated[
        str, typer.Option(metavar="A,B", help="only cards of these levels: mid, senior, staff")
    ] = "",
    section: Annotated[str, typer.Option(metavar="A,B", help="only cards of these sections")] = "",
    lab: Annotated[
        str | None, typer.Option(metavar="LAB", help="only cards that go with this lab")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="number of questions; default: 5")
    ] = None,
    minutes: Annotated[
        int | None, typer.Option(min=2, max=240, help="as many questions as fit")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write an interviewer's sheet (HTML)")
    ] = None,
    seed: Annotated[int, typer.Option(help="with --sheet: another number, other questions")] = 1,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write all cards as one page (HTML)")
    ] = None,
    take: Annotated[
        Path | None,
        typer.Option("--import", metavar="FILE", help="take over what the page exported"),
    ] = None,
    curriculum: Annotated[
        bool, typer.Option("--curriculum", help="for authors: write docs/curriculum.md again")
    ] = False,
) -> None:
    """Practise interview questions aloud; cards that are due come first.

    Without options it goes on where you stopped.
    """
    from labkit.interview.deck import read_deck

    root = home.root()
    deck = read_deck(root)
    chosen = deck.select(
        topics=_list(topic), levels=_list(level), sections=_list(section),
        practises=find_lab(lab, root).slug if lab else None,
    )  # fmt: skip
    if curriculum:
        from labkit.interview import curriculum as page_of

        _write(root / page_of.PAGE, page_of.text(root))
    elif take is not None:
        _import(root, take)
    elif sheet is not None:
        from labkit.interview import sheet as sheets

        _write(sheet, sheets.html(chosen, minutes or sheets.USUAL_MINUTES, seed))
    elif page is not None:
        from labkit.interview import page as pages

        _write(page, pages.html(chosen, root))
    else:
        from labkit.cli import drill as terminal
        from labkit.interview.drill import Round, choose
        from labkit.interview.schedule import Standings

        fresh = any((card, topic, level, section, lab, count, minutes))
        found = None if fresh else Round.open(root, deck)
        if found is None:
            cards = (
                [deck.card(card)]
                if card
                else choose(chosen, Standings.of(root), count=count, minutes=minutes)
            )
            found = Round.begin(root, deck, cards)
        terminal.run(found)


def _list(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror}") from None
    console.print(f"wrote {escape(str(path))}")


def _import(root: Path, path: Path) -> None:
    import json

    from labkit.interview import schedule

    try:
        other = json.loads(path.read_text("utf-8"))
        if not schedule.sound(other):
            raise ValueError("a grade that is none")
    except OSError as error:
        raise LabError(f"{path} can't be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise LabError(
            f"{path} is not what the page of cards exports; press Export there again"
        ) from None
    with schedule.changing(root) as mine:
        taken = schedule.merged(mine, other)
    console.print(f"{taken} of {len(other['cards'])} cards were answered later there: taken over")

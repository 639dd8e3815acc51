"""A drill in the terminal: question, clock, checklist, grade; Ctrl-C at any key loses nothing."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from labkit import home
from labkit.cli.screen import console, line_by_the_clock
from labkit.escape import printable
from labkit.interview import drill
from labkit.interview.cards import Card
from labkit.interview.drill import Round
from labkit.interview.from_labs import asked_next
from labkit.interview.schedule import GRADES, Grade

STOPPED = 130
COLOURS: dict[Grade, str] = {"again": "red", "hard": "yellow", "good": "green", "easy": "cyan"}


class StoppedError(Exception):
    """The learner ends the drill at a prompt."""


def run(found: Round) -> None:
    """Asks the questions of a round, from where it is."""
    with stopping("[bold]./lab interview[/] goes on with this question"):
        ask(found, learn=True)
    _summary(found)


@contextmanager
def stopping(on: str) -> Iterator[None]:
    """Ends the command where the learner stops it, with words on how to go on."""
    try:
        yield
    except (StoppedError, KeyboardInterrupt, EOFError) as end:
        console.print(f"\nKept. {on}.")
        raise typer.Exit(0 if isinstance(end, StoppedError) else STOPPED) from None


def ask(found: Round, *, learn: bool) -> None:
    """The questions, one by one; without `learn` nothing is told, as in an interview.

    The grade is then the one that follows from the points.
    """
    while (card := found.card) is not None:
        _question(found, card)
        if not found.at.answered and not _answer(found, card):
            continue
        if found.at.said is None:
            found.tick(_ticks(card, found.at.answer))
        said = found.at.said or ()
        if learn:
            _learn(card, said)
            due = found.grade(_grade(card, said))
            console.print(f"[dim]Asked again on {due}[/]\n")
        else:
            found.grade(drill.proposed(card, said))


def _question(found: Round, card: Card) -> None:
    number, total = found.at.number + 1, len(found.at.ids)
    console.rule(f"{number} of {total} · {card.section} · {card.level} · {card.minutes} min")
    console.print(Padding(Text(card.asks, "bold"), (1, 0)), soft_wrap=False)
    console.print(f"[dim]{card.id} · {', '.join(card.topics)}[/]\n")


def _answer(found: Round, card: Card) -> bool:
    """Waits, by the clock, for the answer; False if the question is skipped."""
    console.print(
        "Answer aloud. [bold]Enter[/] when you have finished · [bold]e[/] to type it in your "
        "editor · [bold]s[/] skips · [bold]q[/] stops"
    )
    words = ""
    while True:
        key = _by_the_clock(found, card)
        if key == "s":
            found.skip()
            return False
        if key == "e":
            words = _typed(found)
            continue
        if key == "":
            found.answered(words or _written(found))
            return True
        console.print("[dim]Enter, e, s or q[/]")


def _by_the_clock(found: Round, card: Card) -> str:
    """What is entered next; until then the line above shows the time, which is kept."""
    before, began = found.at.seconds, time.monotonic()
    try:
        return word(line_by_the_clock(lambda seconds: _time(card, before + seconds)))
    finally:
        found.spend(before + time.monotonic() - began)


def _time(card: Card, seconds: float) -> str:
    spent, limit = int(seconds), card.minutes * 60
    face = f"{spent // 60}:{spent % 60:02d} of {card.minutes}:00"
    return f"[yellow]{face}, over time[/]" if spent > limit else f"[dim]{face}[/]"


def _typed(found: Round) -> str:
    """The answer as the learner's editor left it."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _usual_editor()
    try:
        found.answer_file.touch()
        subprocess.run([*shlex.split(editor), str(found.answer_file)], check=True)
    except (OSError, ValueError, IndexError, subprocess.CalledProcessError) as error:
        why = escape(printable(str(error)))
        console.print(f"The editor failed ({why}); set EDITOR, or answer aloud.")
    return _written(found)


def _usual_editor() -> str:
    """An editor that is installed, the easiest first."""
    return next(filter(None, map(shutil.which, ("nano", "vim"))), "vi")


def _written(found: Round) -> str:
    """What was typed so far, also before a Ctrl-C."""
    try:
        return found.answer_file.read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""


def _ticks(card: Card, answer: str) -> set[int]:
    """The numbers of the points that were said, from 0."""
    if answer:
        console.print("\n[bold]Your answer[/]")
        _block(printable(answer))
    console.print("\n[bold]What did you say?[/]")
    for number, point in enumerate(card.listen_for, 1):
        console.print(f"  [bold]{number}[/] {escape(point.text)} [dim]({point.weight})[/]")
    while True:
        words = re.split(r"[\s,]+", _ask("Numbers, such as 1 3; Enter for none: "))
        given = [word for word in words if word]
        if all(w.isdecimal() and 1 <= int(w) <= len(card.listen_for) for w in given):
            return {int(word) - 1 for word in given}
        console.print(f"[dim]Numbers from 1 to {len(card.listen_for)}, or q to stop[/]")


def _learn(card: Card, said: tuple[int, ...]) -> None:
    """What was left out, what would worry, a strong answer, and what is asked next."""
    left = [point for n, point in enumerate(card.listen_for) if n not in said]
    if left:
        console.print("\n[bold]Left out[/]")
        for point in sorted(left, key=lambda point: -point.weight):
            console.print(f"  [red]✗[/] {escape(point.text)} [dim]({point.weight})[/]")
    console.print("\n[bold]Red flags[/]")
    for flag in card.red_flags:
        console.print(f"  [yellow]![/] {escape(flag)}")
    console.print("\n[bold]A strong answer[/]")
    _block(card.strong)
    console.print("\n[bold]Follow-ups[/]")
    for number, follow in enumerate(asked_next(card, home.root())):
        if number:
            console.print()
        console.print(f"  [bold]{escape(follow.asks)}[/]", soft_wrap=False)
        _block(follow.answer)
    if card.practise:
        console.print(f"\n[bold]Practise[/]  {', '.join(card.practise)}")


def _grade(card: Card, said: tuple[int, ...]) -> Grade:
    usual = drill.proposed(card, said)
    share = f"{drill.share(card, said):.0%} of the points"
    choices = " · ".join(f"[bold]{grade[0]}[/]{grade[1:]}" for grade in GRADES)
    console.print(f"\n{share}. {choices}")
    while True:
        key = _ask(f"Grade, Enter for {usual}: ")
        grade = next((grade for grade in GRADES if key in (grade, grade[0])), None)
        if key == "" or grade is not None:
            return grade or usual
        console.print("[dim]a, h, g or e; Enter for the proposed grade; q to stop[/]")


def _summary(found: Round) -> None:
    grades = found.at.grades
    counts = [f"[{COLOURS[g]}]{grades.count(g)} {g}[/]" for g in GRADES if g in grades]
    console.rule("end of the round")
    console.print(f"{len(grades)} answered: {', '.join(counts)}" if grades else "None answered.")


def _block(text: str) -> None:
    """Paragraphs, wrapped at words and indented."""
    width = min(console.width, 96)
    console.print(Padding(Text(text), (0, 0, 0, 2)), soft_wrap=False, width=width)


def _ask(prompt: str) -> str:
    """The answer to a prompt."""
    console.print(escape(prompt), end="")
    return word(sys.stdin.readline())


def word(line: str) -> str:
    """What a line that was entered says, in small letters; `q` ends the drill."""
    if not line:  # end of input
        raise EOFError
    found = line.strip().lower()
    if found == "q":
        raise StoppedError
    return found

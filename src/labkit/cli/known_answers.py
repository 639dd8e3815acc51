"""What `lab prove` shows of sentences without a mistake, and of answers from outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from labkit.cli.screen import console
from labkit.course.labs import Lab
from labkit.home import LabError

if TYPE_CHECKING:
    from labkit.author.trial import Trial


def show_clauses(lab: Lab) -> None:
    """Each sentence of the tasks, with the number of mistakes that break it."""
    from labkit.author import clauses
    from labkit.author.known_answers import read_mistakes

    without = total = 0
    for section, numbers in clauses.counts(lab, read_mistakes(lab)):
        heading = f"{section.title} " if section.title else ""
        console.print(f"[bold]{escape(heading)}({', '.join(section.tasks)})[/]")
        for sentence, number in numbers.items():
            console.print(f"{number or '-':>3}  {escape(sentence.text)}")
            without += not number
            total += 1
        console.print()
    console.print(f"{without} of {total} sentences of {lab.slug} have no mistake")


def show_answers(lab: Lab, files: Sequence[Path], workers: int, only: Sequence[str] = ()) -> bool:
    """Judges the answers in files, those named `only` if any are; whether each got its verdict."""
    from labkit.author.known_answers import read_answers

    answers = [answer for path in files for answer in read_answers(lab, path)]
    where = ", ".join(map(str, files))
    if not answers:
        raise LabError(f"there is no answer in {where}: `# %% its_name`")
    if unknown := set(only) - {answer.name for answer in answers}:
        raise LabError(f"there is no answer called {', '.join(sorted(unknown))} in {where}")
    answers = [answer for answer in answers if not only or answer.name in only]
    from labkit.author.outside import judge_answers, tally

    trials = judge_answers(
        lab, answers, workers=workers, on_trial=lambda trial: _show_answer(lab, trial)
    )
    console.print(tally(trials))
    return not any(trial.problems for trial in trials)


def _show_answer(lab: Lab, trial: Trial) -> None:
    from labkit.author.clauses import quote_problem

    answer = trial.variant
    kind = "wrong" if answer.kind == "mistake" else "right"
    mark = "[red]✗[/]" if trial.problems else "[green]✓[/]"
    name = escape(f"{kind} answer {answer.name} ({answer.path.name})")
    console.print(f"{mark} {lab.slug}: {name} [dim]{trial.seconds:.1f} s[/]")
    lines = list(trial.problems)
    if answer.kind == "mistake":
        lines += [quote_problem(lab, answer)] if quote_problem(lab, answer) else []
        lines += [
            f"{r.id} [{r.outcome}]: {r.reason}" for r in trial.results if r.outcome != "passed"
        ]
    for line in lines:
        console.print("    " + escape(line).replace("\n", "\n      "))

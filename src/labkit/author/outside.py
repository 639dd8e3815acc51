"""Judge answers that are not part of a lab: wrong ones must be rejected, right ones pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed

from labkit import home
from labkit.author.known_answers import Variant
from labkit.author.prove import WORKERS, Proof
from labkit.author.trial import Trial, run_trial
from labkit.course.labs import Lab
from labkit.spark import session
from labkit.verdict.outcome import CheckResult

REJECTED = ("failed", "error", "timeout")


def judge_answers(
    lab: Lab,
    answers: Sequence[Variant],
    *,
    workers: int = WORKERS,
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> list[Trial]:
    """Each answer judged by all checks of its task; `on_trial` hears of each as it ends."""
    with Proof(workers) as proof:
        begun = [proof.after(_trial, lab, answer) for answer in answers]
        for done in as_completed(begun):
            on_trial(done.result())
    return [trial.result() for trial in begun]


def _trial(lab: Lab, answer: Variant) -> Trial:
    """Runs in a worker."""
    home.use(lab.root)
    trial = run_trial(lab, answer, session.current())
    if not trial.results and trial.problems:  # it didn't come to the checks
        return trial
    return dataclasses.replace(trial, problems=tuple(misjudged(answer, trial.results)))


def misjudged(answer: Variant, results: Sequence[CheckResult]) -> Iterator[str]:
    """What shows that the checks take a wrong answer for right, or a right one for wrong."""
    if not results:
        yield f"{answer.task} has no checks"
    elif answer.kind == "alternative":
        for result in results:
            if result.outcome != "passed":
                yield f"{result.id} is {result.outcome}: {result.reason}"
    elif answer.fails:
        for name in answer.fails:
            named = [r for r in results if r.id == name or r.id.startswith(f"{name}[")]
            if not any(result.outcome in REJECTED for result in named):
                got = ", ".join(sorted({result.outcome for result in named}))
                yield f"{name} doesn't reject it: {got or f'no check of {answer.task}'}"
    elif not any(result.outcome in REJECTED for result in results):
        outcomes = ", ".join(sorted({result.outcome for result in results}))
        yield f"no check of {answer.task} rejects it: {outcomes}"


def tally(trials: Sequence[Trial]) -> str:
    """How many were judged as they should be, wrong and right answers apart."""
    parts = []
    for kind, name, verdict in (
        ("mistake", "wrong", "rejected"),
        ("alternative", "right", "passed"),
    ):
        mine = [trial for trial in trials if trial.variant.kind == kind]
        if mine:
            good = sum(not trial.problems for trial in mine)
            parts.append(f"{name}: {good} {verdict} of {len(mine)}")
    return "; ".join(parts)

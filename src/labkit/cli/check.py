"""The commands `lab check` and `lab watch`: a verdict on an answer, once or at every save."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from labkit import home
from labkit.cli.screen import Seed, Slug, Submission, console, errors
from labkit.course.hints import require_task
from labkit.course.labs import Lab, find_lab
from labkit.home import LabError

if TYPE_CHECKING:
    from labkit.verdict.outcome import CheckResult


def check(
    slug: Annotated[str | None, typer.Argument(help="a lab; optional with --submission")] = None,
    submission: Submission = None,
    task: Annotated[list[str] | None, typer.Option(help="check only this task; repeatable")] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="run the hidden checks too")] = False,
    seed: Seed = None,
    scale: Annotated[int, typer.Option(min=1, help="factor for the rows of generated data")] = 1,
    json_out: Annotated[Path | None, typer.Option("--json", help="write the report here")] = None,
    fenced: Annotated[
        bool,
        typer.Option(
            "--sandbox/--no-sandbox",
            help="with --submission or --hidden: run the answer in the sandbox",
        ),
    ] = True,
) -> None:
    """Check an answer: run it from top to bottom in its own process, and judge it.

    Your own copy runs in warm Spark, so the verdict takes seconds. A submission, or any answer with
    --hidden, is graded: it runs in the sandbox, with its own JVM.
    """
    from labkit.grading.judging import fence, judging

    if submission is not None:
        _require_the_file_itself(submission)
    fenced = fence(fenced and (submission is not None or hidden))
    from labkit.grading.grade import draw_seed
    from labkit.grading.submission import UnreadableError, read_submission
    from labkit.learner import progress
    from labkit.verdict import report

    root = home.root()
    if slug is None:
        if submission is None:
            raise LabError("say which lab: `lab check SLUG`, or `lab check --submission FILE`")
        try:
            slug = read_submission(submission).lab
        except UnreadableError as error:
            raise LabError(str(error)) from None
        if slug is None:
            raise LabError(f"{submission} names no lab (labkit.open); say which: `lab check SLUG`")
    lab = find_lab(slug, root)
    for name in task or ():
        require_task(lab, name)
    os.environ["LAB_ROOT"] = str(root)
    path = submission or lab.work
    if submission is None and not path.is_file() and not list(path.parent.glob("*.ipynb")):
        raise LabError(f"you have not started {lab.slug}; `lab start {lab.slug}` makes your copy")
    seed = draw_seed(hidden) if seed is None else seed
    with judging(lab.root, fenced=fenced) as judged:
        found = judged(lab, path, hidden=hidden, seed=seed, scale=scale, tasks=task)
    for problem in found.problems:
        console.print(escape(report.printable(f"{path.name}, {problem}")), style="yellow")
    if found.message:
        kind = "lab" if found.exit_code == 2 else found.status
        errors.print(escape(report.printable(f"{kind}: {found.message}")), style="red")
    if found.checks:
        console.print(escape(report.text(found.checks, found.seconds)))
        told = [f"seed {found.seed}"] if hidden else []
        told += [f"scale {found.scale}"] if found.scale != 1 else []
        if told:
            console.print(", ".join(told), style="dim")
    if submission is None and found.status == "graded":
        progress.record(lab, found.checks)
        _say_next_hint(lab, found.checks)
    if hidden and not lab.hidden_checks.is_file():
        errors.print(f"{lab.slug} has no hidden checks here", style="yellow")
    if json_out:
        report.write_json(found, json_out)
    raise typer.Exit(found.exit_code)


def _require_the_file_itself(submission: Path) -> None:
    """LabError for a link: one to the solution would have full marks."""
    from labkit.grading.batch.collect import collect

    if submission.suffix in (".ipynb", ".py") and os.path.lexists(submission):
        (entry,) = collect([str(submission)]).entries
        if entry.refused:
            raise LabError(entry.refused)


def _say_next_hint(lab: Lab, results: Sequence[CheckResult]) -> None:
    from labkit.learner import help

    if hint := help.next_hint(lab, results):
        console.print(f"hint: ./lab hint {lab.slug} {hint.task} ({hint.number} of {hint.total})")


def watch(
    slug: Slug,
    submission: Submission = None,
) -> None:
    """Check your copy each time you save it, the tasks that changed, until Ctrl-C."""
    from labkit.grading.submission import UnreadableError
    from labkit.learner.watch import Watching, saves
    from labkit.verdict import report

    root = home.root()
    os.environ["LAB_ROOT"] = str(root)
    lab = find_lab(slug, root)
    path = submission or lab.work
    if not path.is_file():
        raise LabError(f"there is no {path}; `lab start {lab.slug}` makes your copy")
    console.print(f"Watching {escape(str(path))}; save it to check it, Ctrl-C ends.")
    watched = Watching(lab, path)
    try:
        for _ in saves(path):
            try:
                with errors.status("checking"):
                    found = watched.check()
            except UnreadableError as error:
                errors.print(escape(report.printable(str(error))), style="yellow")
                continue
            if found is None:
                continue
            for problem in found.problems:
                console.print(escape(report.printable(f"{path.name}, {problem}")), style="yellow")
            if found.results:
                console.print(escape(report.text(found.results, found.seconds)))
            _say_next_hint(lab, found.results)
            console.print(f"[dim]{datetime.datetime.now():%H:%M:%S} · {found.seconds:.1f} s[/]\n")
    except KeyboardInterrupt:
        console.print("Watching ended.")
    finally:
        watched.close()

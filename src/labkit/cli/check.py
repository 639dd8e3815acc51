"""The commands `lab check` and `lab watch`: a verdict on an answer, once or at every save."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from labkit.cli.screen import Seed, Slug, SubmissionFile, console, errors
from labkit.course.hints import require_task
from labkit.course.labs import Lab, find_lab
from labkit.escape import printable
from labkit.home import LabError

if TYPE_CHECKING:
    from labkit.grading.submission import Submission
    from labkit.verdict.outcome import CellProblem, CheckResult, Report


def check(
    slug: Annotated[str | None, typer.Argument(help="a lab; optional with --submission")] = None,
    submission: SubmissionFile = None,
    task: Annotated[list[str] | None, typer.Option(help="check only this task; repeatable")] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="run the hidden checks too")] = False,
    seed: Seed = None,
    scale: Annotated[int, typer.Option(min=1, help="factor for the rows of generated data")] = 1,
    json_out: Annotated[Path | None, typer.Option("--json", help="write the report here")] = None,
    sandbox: Annotated[
        bool,
        typer.Option(
            help="with --submission or --hidden: run the answer in the sandbox",
        ),
    ] = True,
    allow_jvm: Annotated[
        bool,
        typer.Option("--allow-jvm", help="in the sandbox: do not filter calls on the JVM"),
    ] = False,
) -> None:
    """Check an answer: run it from top to bottom in its own process, and judge it.

    Your own copy runs in warm Spark, so the verdict takes seconds. A submission, or any answer with
    --hidden, is graded: it runs in the sandbox, with its own JVM.
    """
    from labkit.cli.grading import grader, prepare_sandbox

    if submission is not None:
        _require_the_file_itself(submission)
    sandboxed = prepare_sandbox(sandbox and (submission is not None or hidden))
    from labkit.grading.grade import draw_seed
    from labkit.learner import progress
    from labkit.verdict.report_json import write_json

    lab, answer = _lab_and_answer(slug, submission)
    for name in task or ():
        require_task(lab, name)
    if submission is None and not list(lab.work.parent.glob("*.ipynb")):
        raise LabError(f"you have not started {lab.slug}; `lab start {lab.slug}` makes your copy")
    with grader(lab.root, sandboxed=sandboxed, allow_jvm=allow_jvm) as grading:
        report = grading.grade(
            lab,
            answer,
            hidden=hidden,
            seed=draw_seed(hidden) if seed is None else seed,
            scale=scale,
            tasks=task,
        )
    _show(report, submission or lab.work, hidden=hidden)
    if submission is None and report.status == "graded":
        progress.record(lab, report.checks)
        _say_next_hint(lab, report.checks)
    if hidden and not lab.hidden_checks.is_file():
        errors.print(f"{lab.slug} has no hidden checks here", style="yellow")
    if json_out:
        write_json(report, json_out)
    raise typer.Exit(report.exit_code)


def _require_the_file_itself(submission: Path) -> None:
    """LabError for a link: one to the solution would have full marks."""
    from labkit.grading.refusal import refusal

    if reason := refusal(submission):
        raise LabError(reason)


def _lab_and_answer(slug: str | None, submission: Path | None) -> tuple[Lab, Submission | Path]:
    """What to check: the lab that was named, else the one that the submission opens."""
    from labkit.grading.cells import UnreadableError
    from labkit.grading.submission import read_submission

    if slug is not None:
        lab = find_lab(slug)
        return lab, submission or lab.work
    if submission is None:
        raise LabError("say which lab: `lab check SLUG`, or `lab check --submission FILE`")
    try:
        answer = read_submission(submission)
    except UnreadableError as error:
        raise LabError(str(error)) from None
    if answer.lab is None:
        raise LabError(f"{submission} names no lab (labkit.open); say which: `lab check SLUG`")
    return find_lab(answer.lab), answer


def _show(report: Report, path: Path, *, hidden: bool) -> None:
    from labkit.verdict.report import text

    _show_problems(path, report.problems)
    if report.message:
        kind = "lab" if report.exit_code == 2 else report.status
        errors.print(escape(printable(f"{kind}: {report.message}")), style="red")
    if report.checks:
        console.print(escape(text(report.checks, report.seconds)))
        drawn = [f"seed {report.seed}"] if hidden else []
        drawn += [f"scale {report.scale}"] if report.scale != 1 else []
        if drawn:
            console.print(", ".join(drawn), style="dim")


def _show_problems(path: Path, problems: Sequence[CellProblem]) -> None:
    for problem in problems:
        console.print(escape(printable(f"{path.name}, {problem}")), style="yellow")


def _say_next_hint(lab: Lab, results: Sequence[CheckResult]) -> None:
    from labkit.learner import help

    if hint := help.next_hint(lab, results):
        console.print(f"hint: ./lab hint {lab.slug} {hint.task} ({hint.number} of {hint.total})")


def watch(
    slug: Slug,
    submission: SubmissionFile = None,
) -> None:
    """Check your copy each time you save it, the tasks that changed, until Ctrl-C."""
    from labkit.grading.cells import UnreadableError
    from labkit.learner.watch import Watching, saves
    from labkit.verdict.report import text

    lab = find_lab(slug)
    path = submission or lab.work
    if not path.is_file():
        raise LabError(f"there is no {path}; `lab start {lab.slug}` makes your copy")
    console.print(f"Watching {escape(str(path))}; save it to check it, Ctrl-C ends.")
    watching = Watching(lab, path)
    try:
        for _ in saves(path):
            try:
                with errors.status("checking"):
                    done = watching.check()
            except UnreadableError as error:
                errors.print(escape(printable(str(error))), style="yellow")
                continue
            if done is None:
                continue
            _show_problems(path, done.problems)
            if done.results:
                console.print(escape(text(done.results, done.seconds)))
            _say_next_hint(lab, done.results)
            console.print(f"[dim]{datetime.datetime.now():%H:%M:%S} · {done.seconds:.1f} s[/]\n")
    except KeyboardInterrupt:
        console.print("Watching ended.")
    finally:
        watching.close()

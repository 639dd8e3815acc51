"""The `lab` command: thin, and quick to start; Spark is imported by the commands that need it."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from labkit import cli_batch, home
from labkit.home import LabError
from labkit.labs import Lab, find_lab, find_labs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from labkit.outcome import CheckResult
    from labkit.prove import Trial

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Lakehouse Labs: graded Spark and Delta Lake case studies.",
)
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

INTERRUPTED = 130
NO_HELP = ("passed", "broken", "skipped")  # outcomes that a hint has nothing to say about
Slug = Annotated[str, typer.Argument(help="a lab: its name, folder or number")]


@app.callback(invoke_without_command=True)
def where(context: typer.Context) -> None:
    """Lakehouse Labs: graded Spark and Delta Lake case studies."""
    if context.invoked_subcommand is None:
        from labkit import overview

        labs = find_labs(home.root())
        console.print(overview.labs_table(labs))
        console.print()
        for line in overview.next_lines(labs):
            console.print(line)
        console.print("\n[dim]./lab --help shows every command[/]")


@app.command("list")
def list_labs() -> None:
    """Show the labs and how far you are in each."""
    from labkit import overview

    console.print(overview.labs_table(find_labs(home.root())))


@app.command()
def start(
    slug: Annotated[
        str | None, typer.Argument(help="a lab; the first unfinished one if none")
    ] = None,
    browser: Annotated[bool, typer.Option(help="open the page in your browser")] = True,
    port: Annotated[int, typer.Option(help="port of JupyterLab; 0 takes a free one")] = 0,
) -> None:
    """Open a lab in JupyterLab, on your own copy in work/."""
    from labkit import workspace

    root = home.root()
    lab = find_lab(slug, root) if slug else workspace.next_lab(root)
    others = workspace.other_notebooks(lab)
    if workspace.copy_starter(lab):
        console.print(f"Your copy: {lab.work.relative_to(root)}")
        if others:
            names = ", ".join(escape(path.name) for path in others)
            console.print(f"The folder also holds {names}, which is left as it is.")
    waiting = errors.status("starting JupyterLab and Spark")

    def say(text: str) -> None:
        waiting.stop()
        console.print(escape(text))

    waiting.start()
    try:
        workspace.serve(lab, browser=browser, port=port, say=say)
    finally:
        waiting.stop()


@app.command()
def check(
    slug: Annotated[
        str | None, typer.Argument(help="a lab; may be left out with --submission")
    ] = None,
    submission: Annotated[
        Path | None, typer.Option(help="notebook or .py; your copy in work/ if none")
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="check only this task; repeatable")] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="run the hidden checks too")] = False,
    seed: Annotated[int | None, typer.Option(help="seed of generated data; repeats a run")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="write the report here")] = None,
) -> None:
    """Check an answer from the terminal, run top to bottom in a process of its own."""
    from labkit import hints, progress, report, session
    from labkit.grade import draw_seed, grade
    from labkit.submission import UnreadableError, read_submission

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
        hints.require_task(lab, name)
    os.environ["LAB_ROOT"] = str(root)
    path = submission or lab.work
    if submission is None and not path.is_file() and not list(path.parent.glob("*.ipynb")):
        raise LabError(f"you have not started {lab.slug}; `lab start {lab.slug}` makes your copy")
    with errors.status("reading") as status:

        def spark() -> SparkSession:
            status.update("starting Spark")
            found = session.current()
            status.update(f"running {escape(path.name)} and its checks")
            return found

        found = grade(
            lab,
            path,
            spark,
            hidden=hidden,
            seed=draw_seed(hidden) if seed is None else seed,
            tasks=task,
        )
    if json_out:
        report.write_json(found, json_out)
    for problem in found.problems:
        console.print(escape(report.printable(f"{path.name}, {problem}")), style="yellow")
    if found.message:
        kind = "lab" if found.exit_code == 2 else found.status
        errors.print(escape(report.printable(f"{kind}: {found.message}")), style="red")
    if found.checks:
        console.print(escape(report.text(found.checks, found.seconds)))
        if hidden:
            console.print(f"seed {found.seed}", style="dim")
    if submission is None and found.status == "graded":
        progress.record(lab, found.checks)
        for line in _help(lab, found.checks):
            console.print(line)
    raise typer.Exit(found.exit_code)


app.command()(cli_batch.grade)
app.command("report")(cli_batch.report)


def _help(lab: Lab, results: Sequence[CheckResult]) -> list[str]:
    """The hint that is open for the first task that is not passed."""
    from labkit import hints

    for task in dict.fromkeys(r.task for r in results if r.outcome not in NO_HELP):
        if task and (hint := hints.open_hint(lab, task)):
            return [f"hint: ./lab hint {lab.slug} {task} ({hint.number} of {hint.total})"]
    return []


@app.command()
def watch(
    slug: Slug,
    submission: Annotated[
        Path | None, typer.Option(help="notebook or .py; your copy in work/ if none")
    ] = None,
) -> None:
    """Check your copy again whenever you save it: the tasks that changed, until Ctrl-C."""
    from labkit import report
    from labkit.submission import UnreadableError
    from labkit.watch import Watch, saves

    root = home.root()
    os.environ["LAB_ROOT"] = str(root)
    lab = find_lab(slug, root)
    path = submission or lab.work
    if not path.is_file():
        raise LabError(f"there is no {path}; `lab start {lab.slug}` makes your copy")
    console.print(f"Watching {escape(str(path))}; save it to check it, Ctrl-C ends.")
    watched = Watch(lab, path)
    try:
        for _ in saves(path):
            try:
                with errors.status("checking"):
                    found = watched.check()
            except UnreadableError as error:
                errors.print(escape(str(error)), style="yellow")
                continue
            if found is None:
                continue
            for problem in found.problems:
                console.print(escape(report.printable(f"{path.name}, {problem}")), style="yellow")
            if found.results:
                console.print(escape(report.text(found.results, found.seconds)))
            for line in _help(lab, found.results):
                console.print(line)
            console.print(f"[dim]{datetime.datetime.now():%H:%M:%S} · {found.seconds:.1f} s[/]\n")
    except KeyboardInterrupt:
        console.print("Watching ended.")
    finally:
        watched.close()


@app.command()
def hint(
    slug: Slug,
    task: Annotated[str | None, typer.Argument(help="a task; the first open one if none")] = None,
) -> None:
    """Show the next hint of a task."""
    from labkit import hints

    lab = find_lab(slug)
    found = hints.take_hint(lab, task or _open_task(lab))
    console.print(escape(str(found)))
    if found.is_last:
        console.print(
            "That was the last hint. "
            f"./lab solution {lab.slug} {found.task} --give-up shows the answer."
        )


@app.command()
def solution(
    slug: Slug,
    task: Annotated[str | None, typer.Argument(help="a task; the first open one if none")] = None,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="show it before the task is passed")
    ] = False,
) -> None:
    """Show the reference answer of a task that you passed or gave up."""
    from rich.syntax import Syntax

    from labkit import hints

    lab = find_lab(slug)
    name = task or _open_task(lab)
    text = hints.take_solution(lab, name, passed=False, give_up=give_up)
    if text is None:
        raise LabError(
            f"`{name}` is not passed yet; with --give-up you see the answer all the same, and your "
            "progress notes it"
        )
    plain = not console.is_terminal
    console.print(escape(text) if plain else Syntax(text, "python", background_color="default"))


def _open_task(lab: Lab) -> str:
    from labkit import progress

    step = progress.next_step([lab])
    return step.task if step else lab.tasks[-1]


@app.command()
def reset(slug: Slug) -> None:
    """Put a lab's starter back; your old copy stays beside it under its date."""
    from labkit import workspace

    lab = find_lab(slug)
    kept = workspace.reset(lab)
    if kept:
        console.print(f"Your work is kept as {kept.relative_to(lab.root)}")
    console.print(f"{lab.work.relative_to(lab.root)} is the starter again.")


@app.command("progress")
def show_progress(
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="write it as a page")
    ] = None,
) -> None:
    """Show what you have reached, task by task."""
    from labkit import overview

    labs = find_labs(home.root())
    if html is None:
        console.print(overview.tasks_table(labs))
        return
    try:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(overview.page(labs), "utf-8")
    except OSError as error:
        raise LabError(f"{html} can't be written: {error.strerror}") from None
    console.print(f"wrote {escape(str(html))}")


@app.command()
def doctor(
    quick: Annotated[bool, typer.Option("--quick", help="leave out the Delta write")] = False,
) -> None:
    """Look for what keeps labs from running here, and say what to do about it."""
    from labkit.doctor import examine

    bad = 0
    for finding in examine(quick=quick):
        mark, style = {True: ("✓", "green"), False: ("✗", "red"), None: ("!", "yellow")}[finding.ok]
        console.print(f"[{style}]{mark}[/] {escape(finding.name)}: {escape(finding.detail)}")
        if finding.ok is not True and finding.remedy:
            console.print(f"    {escape(finding.remedy)}")
        bad += finding.ok is False
    raise typer.Exit(1 if bad else 0)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(
    context: typer.Context,
    long: Annotated[bool, typer.Option("--long", help="the long repetitions too")] = False,
) -> None:
    """Run everything that CI runs; further arguments go to pytest."""
    root = home.root()
    arguments = context.args or ["tests", "--nbval-lax", "--nbval-current-env", "solutions"]
    environment = {**os.environ, "LAB_ROOT": str(root), **({"LAB_LONG": "1"} if long else {})}
    raise typer.Exit(
        subprocess.call([sys.executable, "-m", "pytest", *arguments], cwd=root, env=environment)
    )


spark_app = typer.Typer(help="Warm Spark: the JVM that notebooks and checks share.")
app.add_typer(spark_app, name="spark")


@spark_app.command("status")
def spark_status() -> None:
    """Show whether warm Spark runs, since when, and who is attached."""
    from labkit import warm

    found = warm.status()
    if found is None:
        console.print("Warm Spark is not running; the first notebook or check starts it.")
        return
    console.print(
        f"Warm Spark runs for {found['seconds'] // 60} min (process {found['pid']}, JVM "
        f"{found['jvm_pid']}, {found['memory_mb']} MB resident)"
    )
    console.print(f"UI: {found['ui'] or 'off'}\nlog: {found['log']}")
    for client in found["clients"]:
        console.print(
            f"  attached: {escape(client['name'])}, process {client['pid']}, {client['seconds']} s"
        )


@spark_app.command("stop")
def spark_stop() -> None:
    """End warm Spark; the next notebook or check starts a new one."""
    from labkit import warm

    console.print("Warm Spark is stopped." if warm.stop() else "Warm Spark was not running.")


@app.command()
def new(slug: Slug) -> None:
    """Author: lay out the files of a new lab."""
    from labkit.scaffold import scaffold

    for path in scaffold(home.root(), slug):
        console.print(f"wrote {path.relative_to(home.root())}")


@app.command()
def build(
    slug: Annotated[list[str] | None, typer.Argument(help="labs; all if none")] = None,
    execute: Annotated[
        bool, typer.Option("--execute", help="run the solved notebook, store outputs")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="only say what is stale")] = False,
) -> None:
    """Author: write the notebooks from solution.py."""
    from labkit import build as builder

    root = home.root()
    os.environ["LAB_ROOT"] = str(root)
    labs = [find_lab(name, root) for name in slug] if slug else find_labs(root)
    found = 0
    for lab in labs:
        if check:
            for sentence in builder.stale(lab):
                errors.print(escape(sentence), style="red")
                found += 1
            continue
        written = [builder.execute(lab)] if execute else builder.build(lab)
        for path in written:
            console.print(f"wrote {path.relative_to(root)}")
    raise typer.Exit(1 if found else 0)


@app.command()
def prove(
    slug: Annotated[list[str] | None, typer.Argument(help="labs")] = None,
    all_labs: Annotated[bool, typer.Option("--all", help="every lab")] = False,
    only: Annotated[list[str] | None, typer.Option(help="only this variant; repeatable")] = None,
    workers: Annotated[int, typer.Option(help="processes that judge side by side")] = 2,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="print why each mistake was rejected")
    ] = False,
) -> None:
    """Author: prove that a lab's checks accept right answers and reject wrong ones."""
    import functools
    import time

    from labkit.prove import prove as prove_labs

    root = home.root()
    os.environ["LAB_ROOT"] = str(root)
    if not slug and not all_labs:
        raise LabError("say which lab: `lab prove SLUG`, or `lab prove --all`")
    labs = find_labs(root) if all_labs else [find_lab(name, root) for name in slug or ()]
    started = time.perf_counter()
    show = functools.partial(_show_trial, reasons=reasons)
    found = prove_labs(labs, only=only or (), workers=workers, on_trial=show)
    for name, problems in found.items():
        for problem in problems:
            console.print(f"[red]✗[/] {name}: {escape(problem)}")
    wrong = sum(map(len, found.values()))
    verdict = f"{wrong} problems" if wrong else "proved"
    console.print(f"{', '.join(found)}: {verdict} in {time.perf_counter() - started:.0f} s")
    raise typer.Exit(1 if wrong else 0)


def _show_trial(trial: Trial, *, reasons: bool) -> None:
    mark = "[red]✗[/]" if trial.problems else "[green]✓[/]"
    console.print(f"{mark} {trial.lab}: {escape(str(trial))} [dim]{trial.seconds:.1f} s[/]")
    if not reasons or trial.variant.kind != "mistake":
        return
    console.print(f"    [dim]because {escape(trial.variant.because)}[/]")
    for result in trial.results:
        if result.outcome != "passed":
            text = f"{result.id} [{result.outcome}]: {result.reason}"
            console.print("    " + escape(text).replace("\n", "\n      "))


def main() -> None:
    """The entry point: errors that have a remedy are one message, not a traceback."""
    try:
        app()
    except LabError as error:
        errors.print(f"lab: {escape(str(error))}", style="red")
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # what typer makes of Ctrl-C
            judging = "check" in sys.argv[1:2]
            errors.print("Interrupted; nothing was judged." if judging else "Interrupted.")
        raise

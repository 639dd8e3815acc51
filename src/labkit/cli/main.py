"""The `lab` command: thin, and quick to start; Spark is imported by the commands that need it."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from labkit import home
from labkit.cli import batch as batch_commands
from labkit.cli import check as check_commands
from labkit.cli import export as export_commands
from labkit.cli import learner as learner_commands
from labkit.cli import prove as prove_commands
from labkit.cli import rehearse as rehearse_commands
from labkit.course.labs import find_lab, find_labs
from labkit.escape import printable
from labkit.home import LabError

if TYPE_CHECKING:
    from labkit.author.prove import Trial

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Lakehouse Labs: graded Spark and Delta Lake case studies.",
)
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

OUTSIDE = ("LAB_KAFKA", "LAB_SPARK_MASTER", "LAB_STORAGE", "LAB_SPARK_CONF", "LAB_SPARK_IDLE")
INTERRUPTED = 130
Slug = Annotated[str, typer.Argument(help="a lab: its name, folder or number")]


@app.callback(invoke_without_command=True)
def where(context: typer.Context) -> None:
    """Lakehouse Labs: graded Spark and Delta Lake case studies."""
    with suppress(LabError):  # a command that needs a checkout says so; `lab doctor` needs none
        home.use(home.root())
    if context.invoked_subcommand is None:
        from labkit.learner import overview

        labs = find_labs(home.root())
        console.print(overview.labs_table(labs))
        console.print()
        for line in overview.next_lines(labs):
            console.print(line)
        console.print("\n[dim]./lab --help shows every command[/]")


@app.command("list")
def list_labs() -> None:
    """Show the labs and how far you are in each."""
    from labkit.learner import overview

    console.print(overview.labs_table(find_labs(home.root())))


app.command()(learner_commands.start)
app.command()(check_commands.check)
app.command()(check_commands.watch)
app.command()(learner_commands.hint)
app.command()(learner_commands.solution)
app.command()(learner_commands.reset)
app.command("progress")(learner_commands.show_progress)
app.command()(batch_commands.grade)
app.command("report")(batch_commands.report)
app.command()(export_commands.export)
app.command()(rehearse_commands.rehearse)
app.command()(rehearse_commands.finish)


@app.command()
def doctor(
    quick: Annotated[bool, typer.Option("--quick", help="leave out the Delta write")] = False,
) -> None:
    """Look for what keeps labs from running here, and say what to do about it."""
    from labkit.cli.doctor import examine

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
    if not (root / "tests").is_dir():
        raise LabError(
            "this copy of the labs was handed out without tests; `lab check SLUG` checks a lab"
        )
    # With --long a single test may take as long as a lab's whole proof.
    patience = ["-o", "faulthandler_timeout=3600"] if long else []
    arguments = [*(context.args or ["tests"]), *patience]
    # Tests start what they need themselves: on no cluster and no broker of the user's.
    own = {key: value for key, value in os.environ.items() if key not in OUTSIDE}
    environment = {**own, **({"LAB_LONG": "1"} if long else {})}
    from labkit.spark import make_archive

    if context.args:
        make_archive.make_in_background()
    else:
        make_archive.make_and_wait()  # dozens of JVMs are to come
    raise typer.Exit(
        subprocess.call([sys.executable, "-m", "pytest", *arguments], cwd=root, env=environment)
    )


spark_app = typer.Typer(help="Warm Spark: the JVM that notebooks and checks share.")
app.add_typer(spark_app, name="spark")


@spark_app.command("status")
def spark_status() -> None:
    """Show whether warm Spark runs, since when, and who is attached."""
    from labkit.spark import warm

    facts = warm.status()
    if facts is None:
        console.print("Warm Spark is not running; the first notebook or check starts it.")
        return
    console.print(
        f"Warm Spark runs for {facts['seconds'] // 60} min (process {facts['pid']}, JVM "
        f"{facts['jvm_pid']}, {facts['memory_mb']} MB resident)"
    )
    console.print(f"UI: {facts['ui'] or 'off'}\nlog: {facts['log']}")
    for client in facts["clients"]:
        console.print(
            f"  attached: {escape(client['name'])}, process {client['pid']}, {client['seconds']} s"
        )


@spark_app.command("stop")
def spark_stop() -> None:
    """End warm Spark; the next notebook or check starts a new one."""
    from labkit.spark import warm

    console.print("Warm Spark is stopped." if warm.stop() else "Warm Spark was not running.")


kafka_app = typer.Typer(help="A Kafka broker on this machine, for labs that need one.")
app.add_typer(kafka_app, name="kafka")


@kafka_app.command("start")
def kafka_start() -> None:
    """Start a broker that notebooks and checks share, until you stop it."""
    from labkit.parts import kafka

    broker = kafka.start_shared()
    console.print(f"Kafka listens on {broker.bootstrap} (process {broker.pid})\nlog: {broker.log}")


@kafka_app.command("status")
def kafka_status() -> None:
    """Show whether that broker runs, and where."""
    from labkit.parts import kafka

    broker = kafka.running()
    if broker is None:
        console.print("No shared broker runs; a notebook or check that needs one starts its own.")
        return
    console.print(f"Kafka listens on {broker.bootstrap} (process {broker.pid})\nlog: {broker.log}")


@kafka_app.command("stop")
def kafka_stop() -> None:
    """End that broker; its topics are gone then."""
    from labkit.parts import kafka

    console.print("Kafka is stopped." if kafka.stop_shared() else "No shared broker was running.")


@app.command()
def new(slug: Slug) -> None:
    """Author: lay out the files of a new lab, its notebooks too."""
    from labkit.author import build as builder
    from labkit.author.new_lab import scaffold

    root = home.root()
    for path in [*scaffold(root, slug), *builder.build(find_lab(slug, root))]:
        console.print(f"wrote {path.relative_to(root)}")


@app.command()
def build(
    slug: Annotated[list[str] | None, typer.Argument(help="labs; all if none")] = None,
    execute: Annotated[
        bool, typer.Option("--execute", help="run the solved notebook, store outputs")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="only say what is stale")] = False,
) -> None:
    """Author: write the notebooks from solution.py."""
    from labkit.author import build as builder

    root = home.root()
    labs = [find_lab(name, root) for name in slug] if slug else find_labs(root)
    stale = 0
    for lab in labs:
        if check:
            for sentence in builder.stale(lab):
                errors.print(escape(sentence), style="red")
                stale += 1
            continue
        written = [builder.execute(lab)] if execute else builder.build(lab)
        for path in written:
            console.print(f"wrote {path.relative_to(root)}")
    raise typer.Exit(1 if stale else 0)


@app.command()
def prove(
    slug: Annotated[
        list[str] | None, typer.Argument(help="labs; with --answers one lab, then more files")
    ] = None,
    all_labs: Annotated[bool, typer.Option("--all", help="every lab")] = False,
    only: Annotated[list[str] | None, typer.Option(help="only this variant; repeatable")] = None,
    workers: Annotated[int, typer.Option(help="processes that judge side by side")] = 2,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="print why each mistake was rejected")
    ] = False,
    long: Annotated[
        bool, typer.Option("--long", help="each mistake by all checks of its task")
    ] = False,
    clauses: Annotated[
        bool,
        typer.Option("--clauses", help="only show which sentences of the tasks no mistake breaks"),
    ] = False,
    answers: Annotated[
        list[Path] | None,
        typer.Option(
            help="judge only the answers in this file, in the form of mistakes.py: "
            "those with `breaks` must be rejected, others pass; repeatable"
        ),
    ] = None,
) -> None:
    """Author: prove that a lab's checks accept right answers and reject wrong ones."""
    import functools
    import time

    from labkit.author.prove import prove as prove_labs

    root = home.root()
    if not slug and (answers or not all_labs):
        raise LabError("say which lab: `lab prove SLUG`, or `lab prove --all`")
    if answers and slug:
        first, *more = slug  # `--answers FILE FILE`: the second one comes as an argument
        files = [*answers, *map(Path, more)]
        good = prove_commands.show_answers(find_lab(first, root), files, workers)
        raise typer.Exit(0 if good else 1)
    labs = find_labs(root) if all_labs else [find_lab(name, root) for name in slug or ()]
    if clauses:
        for lab in labs:
            prove_commands.show_clauses(lab)
        return
    started = time.perf_counter()
    show = functools.partial(_show_trial, reasons=reasons)
    problems_by_lab = prove_labs(
        labs,
        only=only or (),
        workers=workers,
        depth="long" if long else "whole",
        on_trial=show,
    )
    for name, problems in problems_by_lab.items():
        for problem in problems:
            console.print(f"[red]✗[/] {name}: {escape(problem)}")
    wrong = sum(map(len, problems_by_lab.values()))
    verdict = f"{wrong} problems" if wrong else "proved"
    console.print(
        f"{', '.join(problems_by_lab)}: {verdict} in {time.perf_counter() - started:.0f} s"
    )
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
        errors.print(f"lab: {escape(printable(str(error)))}", style="red")
        sys.exit(error.exit_code)
    except Exception:  # not 1, which says that an answer is wrong
        traceback.print_exc()
        errors.print(
            "lab: this is a fault of labkit itself; please report the lines above", style="red"
        )
        sys.exit(3)
    except SystemExit as end:
        says_so_itself = "grade" in sys.argv[1:2]
        if end.code == INTERRUPTED and not says_so_itself:  # what typer makes of Ctrl-C
            judging = "check" in sys.argv[1:2]
            errors.print("Interrupted; nothing was judged." if judging else "Interrupted.")
        raise

"""The commands about this machine: doctor, tests, warm Spark, a Kafka broker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from labkit import home
from labkit.cli import author, parts
from labkit.cli.screen import console
from labkit.course.labs import find_labs
from labkit.home import LabError

OUTSIDE = ("LAB_KAFKA", "LAB_SPARK_MASTER", "LAB_STORAGE", "LAB_SPARK_CONF", "LAB_SPARK_IDLE")

spark_app = typer.Typer(help="Warm Spark: the JVM that notebooks and checks share.")
kafka_app = typer.Typer(help="A Kafka broker on this machine, for labs that need one.")


def doctor(
    quick: Annotated[
        bool, typer.Option("--quick", help="start neither Spark nor a broker")
    ] = False,
) -> None:
    """Check that labs can run on this machine; for each problem, show a remedy."""
    from labkit.cli.doctor import examine

    bad = 0
    for finding in examine(quick=quick):
        mark, style = {True: ("✓", "green"), False: ("✗", "red"), None: ("!", "yellow")}[finding.ok]
        console.print(f"[{style}]{mark}[/] {escape(finding.name)}: {escape(finding.detail)}")
        if finding.ok is not True and finding.remedy:
            console.print(f"    {escape(finding.remedy)}")
        bad += finding.ok is False
    raise typer.Exit(1 if bad else 0)


def test(
    context: typer.Context,
    long: Annotated[bool, typer.Option("--long", help="run the long tests, too")] = False,
) -> None:
    """Run everything that CI runs; further arguments are passed to pytest."""
    root = home.root()
    if not (root / "tests").is_dir():
        if not (root / "solutions").is_dir():
            raise LabError(
                "this copy of the labs was handed out without tests; `lab check SLUG` checks a lab"
            )
        if context.args:
            raise LabError(f"{root} has no folder tests/ that {context.args[0]} could be in")
        _test_course(root, long=long)
        return
    parts.provide(find_labs(root), required=True)
    # With --long a single test may take as long as a lab's whole proof.
    patience = ["-o", "faulthandler_timeout=3600"] if long else []
    whole = ["tests", "--durations=30", "--durations-min=15"]  # what to make shorter next
    arguments = [*(context.args or whole), *patience]
    # Tests start all that they need; they must not use a cluster or a broker of the user.
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


def _test_course(root: Path, *, long: bool) -> None:
    """A course of somebody's own has no tests but its labs: their files, then their proofs."""
    from labkit.author import course

    problems = list(course.file_problems(root))
    for problem in problems:
        console.print(f"[red]✗[/] {escape(problem)}")
    if problems:
        raise typer.Exit(1)
    labs = list(find_labs(root)) if long else course.unproved(root)
    console.print(f"{len(find_labs(root))} labs: the files are current; to prove: {len(labs)}")
    if labs:
        author.prove([lab.slug for lab in labs], long=long)


@spark_app.command("status")
def spark_status() -> None:
    """Show whether warm Spark is running, for how long, and which processes use it."""
    from labkit.spark import warm

    found = warm.status()
    if found is None:
        console.print("Warm Spark is not running; the first notebook or check starts it.")
        return
    console.print(
        f"Warm Spark has been running for {found['seconds'] // 60} min "
        f"(process {found['pid']}, JVM {found['jvm_pid']}, {found['memory_mb']} MB resident)"
    )
    console.print(f"UI: {found['ui'] or 'off'}\nlog: {found['log']}")
    for client in found["clients"]:
        console.print(
            f"  attached: {escape(client['name'])}, process {client['pid']}, {client['seconds']} s"
        )


@spark_app.command("stop")
def spark_stop() -> None:
    """Stop warm Spark; the next notebook or check starts a new one."""
    from labkit.spark import warm

    console.print("Warm Spark is stopped." if warm.stop() else "Warm Spark was not running.")


@kafka_app.command("start")
def kafka_start() -> None:
    """Start a broker that notebooks and checks share, until you stop it."""
    from labkit.parts import kafka

    broker = kafka.start_shared()
    console.print(f"Kafka listens on {broker.bootstrap} (process {broker.pid})\nlog: {broker.log}")


@kafka_app.command("status")
def kafka_status() -> None:
    """Show whether that broker is running, and its address."""
    from labkit.parts import kafka

    broker = kafka.running()
    if broker is None:
        console.print(
            "No shared broker is running; a notebook or check that needs one starts its own."
        )
        return
    console.print(f"Kafka listens on {broker.bootstrap} (process {broker.pid})\nlog: {broker.log}")


@kafka_app.command("stop")
def kafka_stop() -> None:
    """Stop that broker and delete its topics."""
    from labkit.parts import kafka

    console.print("Kafka is stopped." if kafka.stop_shared() else "No shared broker was running.")

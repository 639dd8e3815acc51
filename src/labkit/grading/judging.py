"""Judge answers for a command: in a sandbox with a JVM of their own, or in warm Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from labkit.course.labs import Lab
from labkit.sandbox import sandbox
from labkit.spark import cluster, jars

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from labkit.verdict.outcome import Report

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def fence(wanted: bool) -> bool:
    """Takes this process off the network where a sandbox is wanted; whether answers are to be in one.

    Call it before a library starts threads.
    """
    if wanted and (master := cluster.master()):
        errors.print(f"without the sandbox: labs run on {escape(master)}", style="yellow")
        return False
    if wanted:
        jars.fetch()
        sandbox.isolate()
    return wanted


@contextmanager
def judging(root: Path, *, fenced: bool) -> Iterator[Callable[..., Report]]:
    """A function that gives the report on a lab's answer at a path; options are those of `grade`."""
    from labkit.grading.grade import grade
    from labkit.grading.jvm import Engine
    from labkit.spark import session

    with ExitStack() as held, errors.status("reading") as status:
        engine = held.enter_context(Engine(root)) if fenced else None
        if engine and engine.sandbox.reason:
            errors.print(escape(f"without the sandbox: {engine.sandbox.reason}"), style="yellow")

        def judged(lab: Lab, path: Path, **options: Any) -> Report:
            def spark() -> SparkSession:
                status.update("starting Spark")
                found = engine.session() if engine else session.current()
                status.update(f"running {escape(path.name)} and its checks")
                return found

            return grade(lab, path, spark, engine=engine, **options)

        yield judged

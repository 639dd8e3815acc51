"""What the commands that judge one answer share: the sandbox, and a grader that says what it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from labkit.cli.screen import errors
from labkit.sandbox import sandbox
from labkit.sandbox.limits import limit_own_memory
from labkit.spark import cluster, jars

if TYPE_CHECKING:
    from labkit.grading.grade import Grader
    from labkit.grading.grading_spark import GradingSpark


def prepare_sandbox(wanted: bool) -> bool:
    """Takes this process off the network where a sandbox is wanted; whether answers are to be in one.

    Call it before a library starts threads.
    """
    if wanted and (master := cluster.master()):
        errors.print(f"without the sandbox: labs run on {escape(master)}", style="yellow")
        return False
    if wanted:
        jars.fetch()
        sandbox.leave_network()
    return wanted


@contextmanager
def grader(root: Path, *, sandboxed: bool, allow_jvm: bool = False) -> Iterator[Grader]:
    """A grader with a JVM of its own in a sandbox, or one in warm Spark; a line says how far it is."""
    from labkit.grading.grade import Grader
    from labkit.grading.grading_spark import WarmSpark
    from labkit.grading.jvm import GradingJvm

    if sandboxed:
        limit_own_memory()
    made: GradingSpark = GradingJvm(root, allow_jvm=allow_jvm) if sandboxed else WarmSpark()
    with made as spark, errors.status("reading") as status:
        if spark.sandbox.reason:
            errors.print(escape(f"without the sandbox: {spark.sandbox.reason}"), style="yellow")
        yield Grader(spark, on_stage=lambda stage: status.update(escape(stage)))

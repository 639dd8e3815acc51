"""A submission in a kernel of its own, attached to the judge's Spark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from labkit import home
from labkit.course.labs import Lab
from labkit.grading.filtered import filtered
from labkit.grading.grading_spark import GradingSpark
from labkit.grading.kernel import Kernel
from labkit.grading.remote import RemoteLearner
from labkit.parts import kafka, known
from labkit.sandbox.sandbox import remove
from labkit.spark.lease import offer, withdraw


@dataclass(frozen=True)
class Running:
    """A kernel that is ready for a submission's cells, and then for calls on its functions."""

    kernel: Kernel
    learner: RemoteLearner
    broker: str  # address of its Kafka broker; empty without one


@contextmanager
def running(
    lab: Lab, spark: GradingSpark, session: SparkSession | None, scratch: Path
) -> Iterator[Running]:
    """A kernel in `scratch`, with a gateway of its own to the JVM of `session`, if there is one.

    In the end the kernel goes, and with it what it left in that JVM, and `scratch`.
    """
    with ExitStack() as held:
        held.callback(remove, scratch)
        gateway: dict[str, str] = {}
        if session is not None:
            offered = offer(session)
            held.callback(withdraw, session, offered)
            gateway = offered.environment
            if spark.filtered:
                gateway = dict(held.enter_context(filtered(offered)))
        broker = kafka.environment(lab.about["needs"], spark.sandbox)
        parts = known.installed(lab.about["needs"])
        folders = {name: str(folder) for name, folder in parts.items()}
        kernel = Kernel(
            scratch,
            {**gateway, **broker, **folders},
            root=lab.root,
            sandbox=spark.sandbox,
            read=[
                *(lab.starter, lab.root / "datasets", lab.root / home.MARK),
                spark.sandbox.data,  # what a check puts into an inbox, for an answer without Spark
                *parts.values(),
            ],
            limits=spark.limits,
        )
        held.enter_context(kernel)
        learner = RemoteLearner(kernel, session, lab.tasks)
        yield Running(kernel, learner, broker.get(kafka.ADDRESS, ""))

"""What tasks did: rows and bytes that each read from shuffles, sent to Python, wrote into files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from py4j.java_gateway import JavaObject
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from labkit.checks.frames import require_frame
from labkit.checks.jobs import own_jobs, stages_of
from labkit.checks.plans import each, is_python, operators, require_no_checkpoint, walk
from labkit.verdict.errors import AnswerError, short

MOST_TASKS = 10_000
UNCOUNTED = "rows reach Python through an RDD, and Spark doesn't count what it sends there"


@dataclass(frozen=True)
class StageRead:
    """What the tasks of one stage read from shuffles, one entry a task; 0 for an empty partition.

    With AQE off a task is a shuffle partition, in their order. A join's stage reads both sides.
    """

    rows: tuple[int, ...]
    bytes: tuple[int, ...]

    @property
    def skew(self) -> float:
        """The most rows a task read, in medians of all tasks; infinite when the median is 0."""
        middle = median(self.rows)
        return max(self.rows) / middle if middle else math.inf


@dataclass(frozen=True)
class FrameRun:
    """One run of a frame: its final operators, the stages that read shuffles, the rows broadcast.

    `frame` is the frame as it was run: its plan is the one that was used. `sent` are the bytes for
    Python workers, None where an RDD hides them.
    """

    frame: DataFrame
    operators: tuple[str, ...]
    reads: tuple[StageRead, ...]
    broadcast_rows: int
    sent: int | None

    @property
    def python_bytes(self) -> int:
        """What functions and maps sent to Python workers; AnswerError where an RDD hides it."""
        if self.sent is None:
            raise AnswerError("failed", UNCOUNTED)
        return self.sent


@dataclass(frozen=True)
class TaskWrite:
    """The rows that a task wrote into files, and how many rows it read from shuffles before."""

    rows: int
    shuffled: int


def run_frame(df: DataFrame) -> FrameRun:
    """Runs every partition of a frame, throws the rows away and tells what its tasks did.

    The frame is planned anew under the session's present settings. What goes wrong while Spark
    runs it is the learner's error.
    """
    require_frame(df)
    require_no_checkpoint(df)
    context = df.sparkSession.sparkContext._jsc.sc()
    first = int(context.dagScheduler().numTotalJobs())
    try:
        fresh = df.select("*")
        fresh._jdf.queryExecution().toRdd().count()
        names = operators(fresh)
    except (PySparkException, Py4JError) as error:
        raise AnswerError(
            "error", f"Spark could not run the frame you return: {short(error)}", original=error
        ) from error
    broadcast, to_python, hidden = 0, 0, False
    for node in walk(fresh):
        if node.name == "BroadcastExchange":
            broadcast += int(node.plan.metrics().apply("numOutputRows").value())
        elif is_python(node.plan):
            metrics = node.plan.metrics()
            if metrics.contains("pythonDataSent"):
                to_python += int(metrics.apply("pythonDataSent").value())
            hidden = hidden or node.name == "RDDScan"
    reads = tuple(_reads(fresh.sparkSession, first))
    return FrameRun(fresh, names, reads, broadcast, None if hidden else to_python)


@contextmanager
def task_writes(spark: SparkSession) -> Iterator[list[TaskWrite]]:
    """The tasks of this process's jobs that write files inside the block, filled in when it ends."""
    context = spark.sparkContext._jsc.sc()
    first = int(context.dagScheduler().numTotalJobs())
    found: list[TaskWrite] = []
    yield found
    for done in stages_of(spark, own_jobs(spark, first)):
        if int(done.outputRecords()):
            tasks = context.statusStore().taskList(
                int(done.stageId()), int(done.attemptId()), MOST_TASKS
            )
            found += [write for task in each(tasks) if (write := _write(task)).rows]


def _write(task: JavaObject) -> TaskWrite:
    if str(task.status()) != "SUCCESS":
        return TaskWrite(0, 0)
    metrics = task.taskMetrics().get()
    return TaskWrite(
        int(metrics.outputMetrics().recordsWritten()),
        int(metrics.shuffleReadMetrics().recordsRead()),
    )


def _reads(spark: SparkSession, first: int) -> Iterator[StageRead]:
    """The stages with shuffle reads in this process's jobs from number `first` on."""
    store = spark.sparkContext._jsc.sc().statusStore()
    for done in stages_of(spark, own_jobs(spark, first)):
        if int(done.shuffleReadRecords()) or int(done.shuffleReadBytes()):
            yield _read(store.taskList(int(done.stageId()), int(done.attemptId()), MOST_TASKS))


def _read(tasks: JavaObject) -> StageRead:
    found: dict[int, tuple[int, int]] = {}
    for task in each(tasks):
        if str(task.status()) == "SUCCESS":
            read = task.taskMetrics().get().shuffleReadMetrics()
            size = int(read.localBytesRead()) + int(read.remoteBytesRead())
            found[int(task.partitionId())] = int(read.recordsRead()), size
    ordered = [found[partition] for partition in sorted(found)]
    return StageRead(tuple(rows for rows, _ in ordered), tuple(size for _, size in ordered))

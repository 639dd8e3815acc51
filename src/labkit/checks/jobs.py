"""What the engine did in the jobs of this process, by its own records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from py4j.java_gateway import JavaObject
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from labkit.checks.plans import each
from labkit.spark.lease import lease_of
from labkit.spark.settings import SETTINGS
from labkit.verdict.errors import AnswerError


@dataclass
class Work:
    """What the engine did: tasks run (retries too), bytes written to shuffles and sent back.

    What tasks send back is their result for the driver: rows that somebody collects, and counters.
    """

    jobs: int = 0
    tasks: int = 0
    shuffle_bytes: int = 0
    result_bytes: int = 0


@contextmanager
def measured(spark: SparkSession) -> Iterator[Work]:
    """The `Work` of this process's jobs that start inside the block, filled in when it ends.

    In a JVM that several processes share, each tags its jobs with its lease.
    """
    context = spark.sparkContext._jsc.sc()
    work = Work()
    first = int(context.dagScheduler().numTotalJobs())
    yield work
    jobs = own_jobs(spark, first)
    work.jobs = len(jobs)
    for done in stages_of(spark, jobs):
        work.tasks += int(done.numCompleteTasks()) + int(done.numFailedTasks())
        work.shuffle_bytes += int(done.shuffleWriteBytes())
        work.result_bytes += int(done.resultSize())


def own_jobs(spark: SparkSession, first: int) -> list[JavaObject]:
    """The jobs of this process from number `first` on, as the engine keeps them.

    AnswerError when there were more than it keeps: nobody knows any more what the first ones did.
    """
    context = spark.sparkContext._jsc.sc()
    context.listenerBus().waitUntilEmpty()
    store = context.statusStore()
    lease = lease_of(spark)
    jobs: list[JavaObject] = []
    unknown = forgotten = 0
    for number in range(first, int(context.dagScheduler().numTotalJobs())):
        try:
            job = store.job(number)
        except Py4JJavaError:  # another session's, begun after the bus was empty; ours are known
            unknown += 1
            continue
        forgotten = unknown  # of jobs before one that is known
        if not lease or job.jobTags().contains(lease):
            jobs.append(job)
    if forgotten and jobs and not lease:  # where others have jobs, too, these may be theirs
        raise _too_many(forgotten + len(jobs), "jobs")
    return jobs


def _too_many(count: int, what: str) -> AnswerError:
    return AnswerError("failed", f"it ran {count:,} Spark {what}, more than Spark keeps records of")


def stages_of(spark: SparkSession, jobs: list[JavaObject]) -> Iterator[JavaObject]:
    """The last attempt of each stage that these jobs ran, in order.

    AnswerError when there were more than the engine keeps, or it forgot some while this was read:
    an answer may have a thread that goes on.
    """
    store = spark.sparkContext._jsc.sc().statusStore()
    stages = sorted({int(stage) for job in jobs for stage in each(job.stageIds())})
    if len(stages) > int(SETTINGS["spark.ui.retainedStages"]):
        raise _too_many(len(stages), "stages")
    found = []
    for stage in stages:
        try:
            found.append(store.lastStageAttempt(stage))
        except Py4JJavaError:  # a skipped stage, the first to be forgotten when many were run
            continue
    if len(found) < len(stages):
        skipped = sum(int(job.numSkippedStages()) for job in jobs)
        if len(stages) - sum(str(done.status()) != "SKIPPED" for done in found) > skipped:
            raise _too_many(len(stages), "stages")
    yield from found

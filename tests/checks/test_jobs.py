"""Records of jobs: what Spark has forgotten, nobody may take for work that was never done."""

from types import SimpleNamespace

import pytest
from py4j.protocol import Py4JJavaError

from labkit.checks import own_jobs, stages_of
from labkit.verdict.errors import AnswerError

FORGOTTEN = Py4JJavaError("forgotten", SimpleNamespace(_target_id="o0", _gateway_client=None))


class Kept:
    """A Spark that keeps records of its last jobs alone, each with two stages.

    It forgets those of `gone`, jobs and stages, and of each job's stages one was skipped.
    """

    def __init__(self, jobs, kept, lease=None, gone=()):
        self.jobs, self.kept, self.gone = jobs, kept, gone
        self._jsc, self.sparkContext = SimpleNamespace(sc=lambda: self), self
        self.conf = SimpleNamespace(get=lambda name, other: lease)

    def listenerBus(self):
        return SimpleNamespace(waitUntilEmpty=lambda: None)

    def dagScheduler(self):
        return SimpleNamespace(numTotalJobs=lambda: self.jobs)

    def statusStore(self):
        return self

    def job(self, number):
        if number < self.jobs - self.kept or f"job {number}" in self.gone:
            raise FORGOTTEN
        stages = SimpleNamespace(iterator=lambda: Stages(2 * number, 2 * number + 1))
        tags = SimpleNamespace(contains=lambda lease: True)
        return SimpleNamespace(
            stageIds=lambda: stages, jobTags=lambda: tags, numSkippedStages=lambda: 1
        )

    def lastStageAttempt(self, stage):
        if f"stage {stage}" in self.gone:
            raise FORGOTTEN
        return SimpleNamespace(status=lambda: "COMPLETE" if stage % 2 else "SKIPPED")


class Stages(list):
    def __init__(self, *numbers):
        super().__init__(numbers)

    def hasNext(self):
        return bool(self)

    def next(self):
        return self.pop(0)


def test_jobs_that_spark_has_forgotten_are_no_secret_of_the_answer():
    assert len(own_jobs(Kept(600, 500), 100)) == 500
    assert len(own_jobs(Kept(600, 500, lease="lab_1"), 0)) == 500  # others have jobs there, too
    with pytest.raises(AnswerError, match="it ran 501 Spark jobs, more than Spark keeps records"):
        own_jobs(Kept(600, 500), 99)


def test_stages_that_spark_has_forgotten_are_no_secret_of_the_answer():
    spark = Kept(300, 300)
    assert len(list(stages_of(spark, own_jobs(spark, 50)))) == 500
    with pytest.raises(AnswerError, match="it ran 502 Spark stages, more than Spark keeps records"):
        list(stages_of(spark, own_jobs(spark, 49)))


def test_records_that_go_while_they_are_read_are_missed():
    with pytest.raises(AnswerError, match="it ran 10 Spark jobs, more than Spark keeps records"):
        own_jobs(Kept(10, 10, gone=["job 4"]), 0)
    assert len(own_jobs(Kept(10, 10, gone=["job 9"]), 0)) == 9  # begun just now, by another one
    skipped = Kept(3, 3, gone=["stage 0", "stage 2"])
    assert len(list(stages_of(skipped, own_jobs(skipped, 0)))) == 4
    lost = Kept(3, 3, gone=["stage 0", "stage 3"])
    with pytest.raises(AnswerError, match="it ran 6 Spark stages, more than Spark keeps records"):
        list(stages_of(lost, own_jobs(lost, 0)))

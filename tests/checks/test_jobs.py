"""Records of jobs: what Spark has forgotten, nobody may take for work that was never done."""

from types import SimpleNamespace

import pytest
from py4j.protocol import Py4JJavaError

from labkit.checks import own_jobs, stages_of
from labkit.verdict.errors import AnswerError


class Kept:
    """A Spark that keeps records of its last jobs alone, each with two stages."""

    def __init__(self, jobs, kept, lease=None):
        self.jobs, self.kept = jobs, kept
        self._jsc, self.sparkContext = SimpleNamespace(sc=lambda: self), self
        self.conf = SimpleNamespace(get=lambda name, other: lease)

    def listenerBus(self):
        return SimpleNamespace(waitUntilEmpty=lambda: None)

    def dagScheduler(self):
        return SimpleNamespace(numTotalJobs=lambda: self.jobs)

    def statusStore(self):
        return self

    def job(self, number):
        if number < self.jobs - self.kept:
            raise Py4JJavaError("forgotten", SimpleNamespace(_target_id="o0", _gateway_client=None))
        stages = SimpleNamespace(iterator=lambda: Stages(2 * number, 2 * number + 1))
        tags = SimpleNamespace(contains=lambda lease: True)
        return SimpleNamespace(stageIds=lambda: stages, jobTags=lambda: tags)

    def lastStageAttempt(self, stage):
        return stage


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

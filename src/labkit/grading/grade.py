"""Grade submissions: each runs in a kernel of its own, and is judged from this process."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from labkit.course.labs import Lab
from labkit.grading.cells import UnreadableError
from labkit.grading.disk_watch import watched
from labkit.grading.grading_spark import GradingSpark
from labkit.grading.kernel import Kernel, KernelDiedError
from labkit.grading.running import running
from labkit.grading.submission import Submission, read_submission
from labkit.judge.observer import Counting, Observer
from labkit.judge.runner import PUBLIC_SEED, judge
from labkit.judge.time_limit import GradedRun
from labkit.verdict.outcome import CellProblem, CheckResult, Report, Status

CHECK_SECONDS = 120.0
PACKAGES = ("pyspark", "delta-spark", "chispa", "lakehouse-labs")
TAMPERED = "the judge's own Spark session was changed from the submission; nothing is believed"
UNSEEN = "the judge's own Spark session can't be looked at any more; nothing is believed"
# What differs from run to run in messages: names of schemas, views and folders, ids, addresses.
VARYING = (
    (re.compile(r"lab_[0-9a-f]{12}(_[0-9a-f]+)?"), "schema"),
    (re.compile(r"lab_\d+_[0-9a-f]{8,}"), "schema"),
    (re.compile(r"(labkit|_pyspark)_[0-9a-f]{32}"), "frame"),
    (re.compile(r"\b0x[0-9a-f]{6,}"), "0x..."),
    (re.compile(r"#\d+L?\b"), "#"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "id"),
)


def draw_seed(hidden: bool) -> int:
    """The seed of a run: a fresh one for hidden checks, which a notebook can't have seen."""
    return secrets.randbelow(900_000) + 100_000 if hidden else PUBLIC_SEED


def versions() -> dict[str, str]:
    """What the verdict depends on."""
    return {name: version(name) for name in PACKAGES}


def checks_hash(lab: Lab, *, hidden: bool) -> str:
    """sha256 over what decides a run's verdict: its checks, and what makes their data."""
    files = [lab.checks, *lab.made_from(lab.about["datasets"])]
    if hidden:
        files.append(lab.hidden_checks)
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


class Grader:
    """Grades submissions, one after the other, on one Spark.

    `on_stage` gets a line on what comes next: Spark may have to start, and cells take their time.
    """

    def __init__(
        self, spark: GradingSpark, *, on_stage: Callable[[str], None] = lambda stage: None
    ) -> None:
        self._spark, self._on_stage = spark, on_stage

    def grade(
        self,
        lab: Lab,
        submission: Submission | Path,
        *,
        hidden: bool = False,
        seed: int = PUBLIC_SEED,
        scale: int = 1,
        tasks: Collection[str] | None = None,
        timeout: float = CHECK_SECONDS,
    ) -> Report:
        """The report on a submission, or on the file at a path; a bad one is a status, no exception.

        Spark is asked for a session once the submission has been read: a bad file starts no JVM.
        """
        started = time.perf_counter()
        try:
            if isinstance(submission, Path):
                submission = read_submission(submission)
            submission.require_lab(lab.slug)
        except UnreadableError as error:
            report = Report(lab.slug, error.status, seed, message=str(error))
        else:
            session = None
            if lab.uses_spark:
                self._on_stage("starting Spark")
                session = self._spark.session()
            name = submission.path.name
            self._on_stage(f"running {name} and its checks")
            counting = Counting(lambda count: self._on_stage(f"checking {name}: {count}"))
            one = _OneSubmission(lab, submission, self._spark, session, counting)
            report = one.report(hidden=hidden, seed=seed, scale=scale, tasks=tasks, timeout=timeout)
        return replace(
            report,
            scale=scale,
            seconds=time.perf_counter() - started,
            versions=versions(),
            checks_sha256=checks_hash(lab, hidden=hidden),
            sandbox=self._spark.sandbox.on,
            allow_jvm=self._spark.allow_jvm,
        )


class _OneSubmission:
    """One submission: its scratch folder, its time, and what is found about it."""

    def __init__(
        self,
        lab: Lab,
        submission: Submission,
        spark: GradingSpark,
        session: SparkSession | None,
        observer: Observer,
    ) -> None:
        self._lab, self._submission, self._spark, self._session = lab, submission, spark, session
        self._observer = observer
        self._scratch = spark.scratch()
        self._until = time.monotonic() + spark.limits.submission_seconds
        self._problems: tuple[CellProblem, ...] = ()

    def report(
        self,
        *,
        hidden: bool,
        seed: int,
        scale: int,
        tasks: Collection[str] | None,
        timeout: float,
    ) -> Report:
        lab = self._lab
        files = [lab.checks]
        if hidden and lab.hidden_checks.is_file():
            files.append(lab.hidden_checks)
        try:
            before = self._state()  # nothing of it has run yet
            with (
                running(lab, self._spark, self._session, self._scratch) as one,
                watched(
                    self._spark.sandbox.place,
                    self._spark.limits,
                    lambda why: self._stop(one.kernel, why),
                ),
            ):
                self._problems = one.kernel.run(self._submission, until=self._until)
                results = judge(
                    lab.root, one.learner, self._session, files,
                    seed=seed, scale=scale, tasks=tasks, timeout=timeout,
                    graded=self._graded_run(one.broker, before), observer=self._observer,
                )  # fmt: skip
            return self._reported("graded", seed, results=results)
        except KernelDiedError as error:
            if error.limit:
                self._spark.spoil(str(error))
            return self._reported("timeout" if error.limit else "crashed", seed, str(error))
        except (Py4JError, PySparkException, OSError) as error:
            self._spark.spoil(str(error)[:200])
            kind = type(error).__name__
            return self._reported("crashed", seed, f"Spark ended while the submission ran ({kind})")
        finally:
            self._spark.finish()

    def _graded_run(self, broker: str, before: dict[str, Any]) -> GradedRun:
        return GradedRun(
            folder=self._spark.checks_folder,
            data=self._spark.data_folder,
            broker=broker,
            until=self._until,
            seconds=self._spark.limits.submission_seconds,
            tampered=lambda: self._tampered(before),
            after_timeout=self._after_timeout,
        )

    def _state(self) -> dict[str, Any]:
        return {} if self._session is None else self._spark.session_state(self._session)

    def _tampered(self, before: dict[str, Any]) -> str:
        """Why nothing is believed any more; empty while the judge's session is as it was."""
        try:
            now = self._state()
        except (Py4JError, PySparkException, OSError):
            why = UNSEEN
        else:
            why = TAMPERED if now != before else ""
        if why:
            self._spark.spoil(why)
        return why

    def _stop(self, kernel: Kernel, why: str) -> None:
        """Ends the submission and its jobs amid what they do; a thread of its own calls this."""
        kernel.end(why)
        self._spark.spoil(why)
        with suppress(Py4JError, PySparkException, OSError):
            self._spark.end_jobs()

    def _after_timeout(self) -> None:
        self._spark.spoil("a check ran out of time")
        with suppress(Py4JError, PySparkException, OSError):
            self._spark.end_jobs()

    def _reported(
        self,
        status: Status,
        seed: int,
        message: str = "",
        *,
        results: tuple[CheckResult, ...] = (),
    ) -> Report:
        return Report(
            self._lab.slug,
            status,
            seed,
            tuple(
                replace(check, reason=self._settled(check.reason), trace=self._settled(check.trace))
                for check in results
            ),
            tuple(
                replace(problem, message=self._settled(problem.message))
                for problem in self._problems
            ),
            self._settled(message),
            submission_sha256=self._submission.sha256,
        )

    def _settled(self, text: str) -> str:
        """`text` without what differs from run to run, so that the same run gives the same report."""
        text = text.replace(str(self._scratch), ".")
        text = text.replace(str(self._spark.sandbox.place), "")
        for pattern, word in VARYING:
            text = pattern.sub(word, text)
        return text

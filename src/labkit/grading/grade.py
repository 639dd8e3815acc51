"""Grade one submission: run it in a kernel of its own, judge its functions from this process."""

from __future__ import annotations

import hashlib
import re
import secrets
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from labkit.course.labs import Lab
from labkit.grading.jvm import Engine, session_state
from labkit.grading.kernel import Kernel, KernelDiedError
from labkit.grading.remote import RemoteLearner
from labkit.grading.submission import Submission, UnreadableError, read_submission
from labkit.judge.runner import PUBLIC_SEED, judge
from labkit.judge.time_limit import Terms
from labkit.parts import kafka
from labkit.sandbox.sandbox import Limits, remove
from labkit.spark.lease import offer, withdraw
from labkit.verdict.outcome import CellProblem, CheckResult, Report

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


def grade(
    lab: Lab,
    path: Path,
    session: Callable[[], SparkSession],
    *,
    hidden: bool = False,
    seed: int = PUBLIC_SEED,
    scale: int = 1,
    tasks: list[str] | None = None,
    timeout: float = CHECK_SECONDS,
    engine: Engine | None = None,
) -> Report:
    """The report on the submission at `path`; bad submissions are a status, not an exception.

    `session` is called once the submission has been read: a bad file starts no JVM. With an
    `engine` (whose `session` that is) the submission runs in its sandbox and under its limits, and
    the engine is examined afterwards; without, in the caller's Spark and unfenced.
    """
    started = time.perf_counter()
    sandboxed = engine is not None and engine.sandbox.on
    try:
        submission = read_submission(path)
        submission.require_lab(lab.slug)
    except UnreadableError as error:
        found = Report(lab.slug, error.status, seed, message=str(error))
    else:
        files = [lab.checks]
        if hidden and lab.hidden_checks.is_file():
            files.append(lab.hidden_checks)
        run = _Run(lab, submission, session(), engine)
        found = run.report(files, seed=seed, scale=scale, tasks=tasks, timeout=timeout)
        found = replace(found, submission_sha256=submission.sha256)
    return replace(
        found,
        scale=scale,
        seconds=time.perf_counter() - started,
        versions=versions(),
        checks_sha256=checks_hash(lab, hidden=hidden),
        sandbox=sandboxed,
    )


class _Run:
    """One submission: its scratch folder, its kernel, its way into the JVM, and their end."""

    def __init__(
        self, lab: Lab, submission: Submission, spark: SparkSession, engine: Engine | None
    ) -> None:
        self._lab, self._submission, self._spark, self._engine = lab, submission, spark, engine
        self._limits = engine.limits if engine else Limits()
        place = engine.sandbox.submissions if engine else None
        self._scratch = Path(tempfile.mkdtemp(prefix="submission-", dir=place))
        self._until = time.monotonic() + self._limits.submission_seconds
        self._problems: tuple[CellProblem, ...] = ()

    def report(
        self,
        files: list[Path],
        *,
        seed: int,
        scale: int,
        tasks: list[str] | None,
        timeout: float,
    ) -> Report:
        offered = offer(self._spark)
        try:
            before = self._judges_own()  # nothing of the submission has run yet
            box = self._engine.sandbox if self._engine else None
            broker = kafka.environment(self._lab.about["needs"], box)
            environment = {**offered.environment, **broker}
            with self._kernel(environment) as kernel:
                self._problems = kernel.run(self._submission, until=self._until)
                learner = RemoteLearner(kernel, self._spark, self._lab.tasks)
                results = judge(
                    self._lab.root, learner, self._spark, files,
                    seed=seed, scale=scale, tasks=tasks, timeout=timeout,
                    terms=self._terms(broker.get(kafka.ADDRESS, ""), before),
                )  # fmt: skip
            return self._made("graded", seed, results=results)
        except KernelDiedError as error:
            if error.limit:
                self._spoil(str(error))
            return self._made("timeout" if error.limit else "crashed", seed, str(error))
        except (Py4JError, PySparkException, OSError) as error:
            self._spoil(str(error)[:200])
            kind = type(error).__name__
            return self._made("crashed", seed, f"Spark ended while the submission ran ({kind})")
        finally:
            withdraw(self._spark, offered)
            remove(self._scratch)
            if self._engine:
                self._engine.finish()

    def _kernel(self, environment: dict[str, str]) -> Kernel:
        lab = self._lab
        return Kernel(
            self._scratch,
            environment,
            root=lab.root,
            sandbox=self._engine.sandbox if self._engine else None,
            read=[lab.starter, lab.root / "datasets", lab.root / "jars.lock"],
            limits=self._limits,
        )

    def _terms(self, broker: str, before: dict[str, Any]) -> Terms:
        engine = self._engine
        return Terms(
            folder=engine.sandbox.checks if engine else None,
            data=engine.sandbox.data if engine else None,
            broker=broker,
            until=self._until,
            seconds=self._limits.submission_seconds,
            tampered=lambda: self._tampered(before),
            after_timeout=self._after_timeout,
        )

    def _tampered(self, before: dict[str, Any]) -> str:
        try:
            now = self._judges_own()
        except (Py4JError, PySparkException, OSError):
            return self._spoil(UNSEEN)
        return self._spoil(TAMPERED) if now != before else ""

    def _judges_own(self) -> dict[str, Any]:
        """What decides how the judge's queries are read."""
        if self._engine is None:  # a session that others made, and may change
            return {}
        found = session_state(self._spark)
        return {name: found[name] for name in ("functions", "rules")}

    def _after_timeout(self) -> None:
        self._spoil("a check ran out of time")
        with suppress(Py4JError, PySparkException, OSError):
            if self._engine:
                self._spark._jsc.sc().cancelAllJobs()

    def _spoil(self, why: str) -> str:
        if self._engine:
            self._engine.spoil(why)
        return why

    def _made(
        self, status: str, seed: int, message: str = "", *, results: tuple[CheckResult, ...] = ()
    ) -> Report:
        checks = tuple(
            replace(check, reason=self._settled(check.reason), trace=self._settled(check.trace))
            for check in results
        )
        problems = tuple(
            replace(found, message=self._settled(found.message)) for found in self._problems
        )
        message = self._settled(message)
        return Report(self._lab.slug, status, seed, checks, problems, message)  # type: ignore[arg-type]

    def _settled(self, text: str) -> str:
        """`text` without what differs from run to run, so that the same run gives the same report."""
        text = text.replace(str(self._scratch), ".")
        if self._engine:
            text = text.replace(str(self._engine.sandbox.place), "")
        for pattern, word in VARYING:
            text = pattern.sub(word, text)
        return text

"""Grade one submission: run it in a kernel of its own, judge its functions from this process."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from pyspark.sql import SparkSession

from labkit.gateway import offer, withdraw
from labkit.judge import PUBLIC_SEED, judge
from labkit.kernel import Kernel, KernelDiedError, RemoteLearner
from labkit.labs import Lab
from labkit.outcome import CellProblem, CheckResult, Report
from labkit.services import kafka
from labkit.submission import UnreadableError, read_submission

CHECK_SECONDS = 120.0
PACKAGES = ("pyspark", "delta-spark", "chispa", "lakehouse-labs")


def draw_seed(hidden: bool) -> int:
    """The seed of a run: a fresh one for hidden checks, which a notebook can't have seen."""
    return secrets.randbelow(900_000) + 100_000 if hidden else PUBLIC_SEED


def versions() -> dict[str, str]:
    """What the verdict depends on."""
    return {name: version(name) for name in PACKAGES}


def checks_hash(lab: Lab, *, hidden: bool) -> str:
    """sha256 over the checks that a run uses."""
    digest = hashlib.sha256(lab.checks.read_bytes())
    if hidden and lab.hidden_checks.is_file():
        digest.update(lab.hidden_checks.read_bytes())
    return digest.hexdigest()


def grade(
    lab: Lab,
    path: Path,
    session: Callable[[], SparkSession],
    *,
    hidden: bool = False,
    seed: int = PUBLIC_SEED,
    tasks: list[str] | None = None,
    timeout: float = CHECK_SECONDS,
) -> Report:
    """The report on the submission at `path`; bad submissions are a status, not an exception.

    `session` is called once the submission has been read: a bad file starts no JVM.
    """
    started = time.perf_counter()

    def made(
        status: str,
        message: str = "",
        checks: tuple[CheckResult, ...] = (),
        problems: tuple[CellProblem, ...] = (),
        sha256: str = "",
    ) -> Report:
        return Report(
            lab.slug,
            status,  # type: ignore[arg-type]
            seed,
            checks,
            problems,
            message,
            time.perf_counter() - started,
            versions(),
            sha256,
            checks_hash(lab, hidden=hidden),
        )

    try:
        submission = read_submission(path)
        submission.require_lab(lab.slug)
    except UnreadableError as error:
        return made(error.status, str(error))
    files = [lab.checks, *([lab.hidden_checks] if hidden and lab.hidden_checks.is_file() else [])]
    scratch = Path(tempfile.mkdtemp(prefix="submission-"))
    spark = session()
    offered = offer(spark)
    problems: tuple[CellProblem, ...] = ()
    try:
        environment = {**offered.environment, **kafka.environment(lab.about["needs"])}
        with Kernel(scratch, environment, root=lab.root) as kernel:
            problems = kernel.run(submission)
            learner = RemoteLearner(kernel, spark, lab.tasks)
            results = judge(
                lab.root, learner, spark, files, seed=seed, tasks=tasks, timeout=timeout
            )
        return made("graded", "", results, problems, submission.sha256)
    except KernelDiedError as error:
        return made("crashed", str(error), (), problems, submission.sha256)
    finally:
        withdraw(spark, offered)
        shutil.rmtree(scratch, ignore_errors=True)

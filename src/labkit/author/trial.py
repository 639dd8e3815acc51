"""A trial: one answer with a known verdict, judged one way, and what is wrong with the verdict."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pyspark.sql import SparkSession

from labkit.author import record
from labkit.author.flink_jvm import FlinkJvm
from labkit.author.known_answers import (
    Variant,
    as_submission,
    namespace,
    replaced_tasks,
    touched_tasks,
)
from labkit.course.labs import Lab
from labkit.grading.grade import Grader
from labkit.grading.grading_spark import WarmSpark
from labkit.judge.answer import Learner, trimmed_trace
from labkit.judge.runner import PUBLIC_SEED, judge
from labkit.parts.known import FLINK
from labkit.spark import session
from labkit.verdict.errors import short
from labkit.verdict.outcome import CheckResult, Outcome

SECONDS = 300.0
_flink = FlinkJvm()

Way = Literal["notebook", "shell"]


@dataclass(frozen=True)
class Trial:
    """A variant judged one way, its results, and what is wrong with them (nothing, when proved)."""

    lab: str
    variant: Variant
    way: Way
    results: tuple[CheckResult, ...]
    problems: tuple[str, ...]
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.variant} in the shell" if self.way == "shell" else str(self.variant)


def run_trial(
    lab: Lab,
    variant: Variant,
    spark: SparkSession | None,
    *,
    way: Way = "notebook",
    seed: int = PUBLIC_SEED,
    named: bool = False,
) -> Trial:
    """Judges a variant by public and hidden checks.

    In the notebook's way its functions run in this process, in the shell's in a kernel of their
    own. A mistake meets the checks of its task (those that it names, when only `named` ones count),
    others those of every task that they touch.
    """
    started = time.perf_counter()
    ids = variant.fails if named and variant.kind == "mistake" else None
    tasks = list(replaced_tasks(lab, variant) if variant.task else touched_tasks(lab, variant))
    if way == "notebook":
        files = [path for path in (lab.checks, lab.hidden_checks) if path.is_file()]
        try:
            learner = Learner(namespace(lab, variant, spark), lab.tasks)
        except Exception as error:  # of an author's own code; others are still to be judged
            problem = f"its definitions raise {short(error)}\n{trimmed_trace(error.__traceback__)}"
            return Trial(lab.slug, variant, way, (), (problem,))
        with _lent(lab, variant):
            results = judge(
                lab.root, learner, spark, files, seed=seed, tasks=tasks, ids=ids, timeout=SECONDS
            )
        problems = list(faults(variant, results))
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = lab.starter  # as it is handed out
            if variant.kind != "starter":
                path = Path(folder) / f"{variant.name}.py"
                path.write_text(as_submission(lab, variant), "utf-8")
            # A lab without Spark is never asked for a session.
            with WarmSpark(lambda: spark or session.current()) as warm:
                report = Grader(warm).grade(lab, path, hidden=True, seed=seed, tasks=tasks)
        results = report.checks
        problems = [str(problem) for problem in report.problems] + list(faults(variant, results))
        if report.status != "graded":
            problems.append(f"{report.status}: {report.message}")
    seconds = time.perf_counter() - started
    return Trial(lab.slug, variant, way, results, tuple(problems), seconds)


def _lent(lab: Lab, variant: Variant) -> AbstractContextManager[None]:
    """Flink's JVM, for a mistake that may need one. Right answers start their own, as learners do."""
    uses = variant.kind == "mistake" and "flink" in lab.about["needs"] and not FLINK.missing()
    return _flink.lent() if uses else nullcontext()


def faults(variant: Variant, results: tuple[CheckResult, ...]) -> Iterator[str]:
    """What keeps these results from being the variant's known verdict."""
    wanted = {"starter": "todo", "solution": "passed", "alternative": "passed"}.get(variant.kind)
    if wanted:
        for result in results:
            if result.outcome != wanted:
                yield f"{result.id} is {result.outcome}, expected {wanted}: {result.reason}"
        return
    by_id = {result.id: result for result in results}
    for broken in (result for result in results if result.outcome == "broken"):
        yield f"{broken.id} broke: {broken.reason}"
    for name in variant.fails:
        named = [r for key, r in by_id.items() if key == name or key.startswith(f"{name}[")]
        if not named:
            yield f"names {name}, which is no check of its task"
        elif not any(result.outcome == variant.outcome for result in named):
            got = ", ".join(sorted({result.outcome for result in named}))
            yield f"{name} is {got}, expected {variant.outcome}: {named[0].reason}"


def telling(trial: Trial) -> set[str]:
    """The checks that count: all of the solution, of a mistake those that reject it."""
    counts = {
        "solution": get_args(Outcome),
        "mistake": ("failed", "error"),
    }.get(trial.variant.kind, ())
    return {result.id for result in trial.results if result.outcome in counts}


def idle_checks(trials: Iterable[Trial]) -> list[str]:
    """Checks of the proof that rejected no mistake."""
    return record.idle_checks((trial.variant.kind, telling(trial)) for trial in trials)

"""Prove a lab's checks: the starter is todo, right answers pass, each mistake fails the check it names."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pyspark.sql import SparkSession

from labkit import home
from labkit.author import record
from labkit.author.known_answers import (
    Kind,
    Variant,
    as_submission,
    few_for_all_tasks,
    namespace,
    replaced_tasks,
    touched_tasks,
    variants,
)
from labkit.author.rules import static_problems
from labkit.course.labs import Lab
from labkit.grading.grade import Grader
from labkit.grading.grading_spark import WarmSpark
from labkit.home import LabError
from labkit.judge.answer import Learner, trimmed_trace
from labkit.judge.runner import PUBLIC_SEED, judge
from labkit.spark import session
from labkit.verdict.errors import short
from labkit.verdict.outcome import CheckResult

WORKERS = 2  # more would wait for the one JVM that they share
SECONDS = 300.0

T = TypeVar("T")
Way = Literal["notebook", "shell"]
Depth = Literal["smoke", "short", "whole", "long"]
BOTH: tuple[Way, ...] = ("notebook", "shell")
WHOLE: dict[Kind, tuple[Way, ...]] = {
    "starter": BOTH,
    "solution": BOTH,
    "alternative": BOTH,
    "mistake": ("notebook",),
}
WAYS: dict[Depth, dict[Kind, tuple[Way, ...]]] = {
    "smoke": {"starter": ("notebook",), "solution": ("notebook",)},
    "short": {**WHOLE, "solution": ("shell",), "alternative": ("notebook",)},
    "whole": WHOLE,
    "long": WHOLE,
}


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


def idle_checks(trials: Collection[Trial]) -> list[str]:
    """Checks of the proof that rejected no mistake."""
    checks = {r.id for trial in trials if trial.variant.kind == "solution" for r in trial.results}
    rejecting = {
        result.id
        for trial in trials
        if trial.variant.kind == "mistake"
        for result in trial.results
        if result.outcome in ("failed", "error")
    }
    return sorted(checks - rejecting)


class Proof:
    """Trials of labs in worker processes that share one JVM; close it, or use it in a `with`."""

    def __init__(self, workers: int = WORKERS) -> None:
        # Spawned, not forked: a py4j connection can't be shared with a child.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(workers, context, initializer=_end_with_parent)

    def __enter__(self) -> Proof:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives up what has not begun."""
        self._pool.shutdown(cancel_futures=True)

    def start(
        self, lab: Lab, only: Collection[str] = (), *, depth: Depth = "whole"
    ) -> list[Future[Trial]]:
        """The trials of a lab (of the variants named, when some are), begun in order.

        Right answers and the starter are judged both ways, the notebook's and the shell's, and each
        mistake by the checks that it names. In a `long` proof it meets all checks of its task. A
        `short` one has as few alternatives as replace each task, in the notebook's way alone, and
        the solution in the shell's, for its notebook is run as well. In a `smoke` test starter and
        solution are judged in the notebook's way.
        """
        chosen = [v for v in variants(lab) if not only or v.name in only]
        if not chosen:
            raise LabError(f"{lab.name} has no variant called {', '.join(only)}")
        if depth == "short":
            few = few_for_all_tasks(lab, [v for v in chosen if v.kind == "alternative"])
            chosen = [v for v in chosen if v.kind != "alternative" or v in few]
        ways = WAYS[depth]
        trials: list[tuple[Variant, Way]] = [
            (variant, way)
            for way in get_args(Way)
            for variant in chosen
            if way in ways.get(variant.kind, ())
        ]
        return [self._pool.submit(_trial, lab, variant, way, depth) for variant, way in trials]

    def after(self, work: Callable[..., T], *arguments: Any, **named: Any) -> Future[T]:
        """Other work for a worker, after all that has begun."""
        return self._pool.submit(work, *arguments, **named)


def _end_with_parent() -> None:
    """A worker whose parent was killed waits for work for ever, and keeps its lease on warm Spark."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _trial(lab: Lab, variant: Variant, way: Way, depth: Depth) -> Trial:
    """Runs in a worker."""
    home.use(lab.root)
    spark = session.current() if lab.uses_spark else None
    return run_trial(lab, variant, spark, way=way, named=depth != "long")


def prove(
    labs: Sequence[Lab],
    *,
    only: Collection[str] = (),
    workers: int = WORKERS,
    depth: Depth = "whole",
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> dict[str, tuple[str, ...]]:
    """What is wrong with each lab, by slug; `on_trial` hears of each trial as it ends.

    A lab that is proved whole, its solved notebook too, gets its record.
    """
    whole = not only
    with Proof(workers) as proof:
        begun = {lab.slug: proof.start(lab, only, depth=depth) for lab in labs}
        notebooks = {lab.slug: proof.after(run_notebook, lab) for lab in labs if whole}
        for done in as_completed([trial for trials in begun.values() for trial in trials]):
            on_trial(done.result())
        found: dict[str, tuple[str, ...]] = {}
        for lab in labs:
            wrong = [*problems(lab, [t.result() for t in begun[lab.slug]], whole=whole)]
            if whole and (failed := notebooks[lab.slug].result()):
                wrong.append(f"the solved notebook does not run:\n{failed}")
            if whole and not wrong:
                record.write(lab)
            found[lab.slug] = tuple(wrong)
    return found


def run_notebook(lab: Lab) -> str:
    """Runs the solved notebook under nbval, where `lab.check` raises; "" or what failed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", str(lab.solutions)],
        cwd=lab.root,
        capture_output=True,
        text=True,
        check=False,
    )
    passed = done.returncode == 0 and " passed" in done.stdout and "skipped" not in done.stdout
    return "" if passed else done.stdout + done.stderr


def problems(lab: Lab, trials: Collection[Trial], *, whole: bool = True) -> Iterator[str]:
    """What is wrong with a lab by its trials and files; `whole` when these are all its trials."""
    for trial in trials:
        yield from (f"{trial}: {problem}" for problem in trial.problems)
    yield from static_problems(lab)
    if whole:
        yield from (f"{name} rejects no mistake that names it" for name in idle_checks(trials))

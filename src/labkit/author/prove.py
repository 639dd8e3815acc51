"""Prove a lab's checks: the starter is todo, right answers pass, each mistake fails the check it names."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from typing import Any, Literal, TypeVar, get_args

from labkit import home
from labkit.author import record
from labkit.author.known_answers import Kind, Variant, few_for_all_tasks, variants
from labkit.author.rules import static_problems
from labkit.author.trial import Trial, Way, idle_checks, run_trial, telling
from labkit.course.labs import Lab
from labkit.home import LabError
from labkit.spark import session

WORKERS = 2  # more would wait for the one JVM that they share

T = TypeVar("T")
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
        self, lab: Lab, chosen: Sequence[Variant] | None = None, *, depth: Depth = "whole"
    ) -> list[Future[Trial]]:
        """The trials of a lab's variants (of all, when none are chosen), begun in order.

        Right answers and the starter are judged both ways, the notebook's and the shell's, and each
        mistake by the checks that it names. In a `long` proof it meets all checks of its task. A
        `short` one has as few alternatives as replace each task, in the notebook's way alone, and
        the solution in the shell's, for its notebook is run as well. In a `smoke` test starter and
        solution are judged in the notebook's way.
        """
        chosen = variants(lab) if chosen is None else chosen
        if depth == "short":
            few = few_for_all_tasks(lab, [v for v in chosen if v.kind == "alternative"])
            chosen = [v for v in chosen if v.kind != "alternative" or v in few]
        trials = _ways(chosen, depth)
        return [self._pool.submit(_trial, lab, variant, way, depth) for variant, way in trials]

    def after(self, work: Callable[..., T], *arguments: Any, **named: Any) -> Future[T]:
        """Other work for a worker, after all that has begun."""
        return self._pool.submit(work, *arguments, **named)


def _ways(chosen: Iterable[Variant], depth: Depth) -> list[tuple[Variant, Way]]:
    """Each variant with each way in which this depth judges it, the notebook's first."""
    return [
        (variant, way)
        for way in get_args(Way)
        for variant in chosen
        if way in WAYS[depth].get(variant.kind, ())
    ]


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
    rest: bool = False,
    workers: int = WORKERS,
    depth: Depth = "whole",
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> dict[str, tuple[str, ...]]:
    """What is wrong with each lab, by slug; `on_trial` hears of each trial as it ends.

    Each answer that is proved gets its entry in the lab's record at once. `rest` judges only what
    has none: an interrupted proof goes on, and a mended mistake is proved by itself.
    """
    with Proof(workers) as proof:
        begun = [_LabProof(proof, lab, only, rest=rest, depth=depth) for lab in labs]
        of_lab = {lab_proof.lab.slug: lab_proof for lab_proof in begun}
        for done in as_completed([trial for each in begun for trial in each.trials]):
            on_trial(done.result())
            of_lab[done.result().lab].note(done.result())
        return {each.lab.slug: tuple(each.problems()) for each in begun}


class _LabProof:
    """The trials of one lab, and its record, which grows as they end."""

    def __init__(
        self, proof: Proof, lab: Lab, only: Collection[str], *, rest: bool, depth: Depth
    ) -> None:
        self.lab = lab
        self._record = record.Record(lab, anew=not only and not rest)
        chosen = self._record.missing() if rest else list(variants(lab))
        if only:
            chosen = [variant for variant in chosen if variant.name in only]
            if not chosen and not rest:
                raise LabError(f"{lab.name} has no variant called {', '.join(only)}")
        self.trials = proof.start(lab, chosen, depth=depth)
        self._left = Counter(variant for variant, _ in _ways(chosen, depth))
        self._done: list[Trial] = []
        self._whole = not only
        self._notebook = None
        if self._whole and not self._record.facts["notebook"]:
            self._notebook = proof.after(run_notebook, lab)

    def note(self, trial: Trial) -> None:
        """Keeps an answer that has been judged each way; one misjudged way takes its entry away."""
        self._done.append(trial)
        self._left[trial.variant] -= 1
        mine = [done for done in self._done if done.variant == trial.variant]
        if any(done.problems for done in mine):
            self._record.remove(trial.variant)
        elif not self._left[trial.variant]:
            self._record.add(trial.variant, set().union(*map(telling, mine)))
        self._record.save()

    def problems(self) -> Iterator[str]:
        """What is wrong with the lab, once its trials have ended."""
        yield from problems(self.lab, self._done, whole=False)
        if self._notebook:
            failed = self._notebook.result()
            self._record.facts["notebook"] = not failed
            self._record.save()
            if failed:
                yield f"the solved notebook does not run:\n{failed}"
        if self._whole and not self._record.missing():
            yield from map(_idle, self._record.idle())


def _idle(check: str) -> str:
    return f"{check} rejects no mistake that names it"


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
        yield from map(_idle, idle_checks(trials))

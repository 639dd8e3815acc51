"""What a learner does in a notebook: session, data, checks, hints, solution of one lab."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from labkit import home
from labkit.course import datasets, hints
from labkit.course.labs import Lab, find_labs
from labkit.judge.answer import Learner
from labkit.judge.observer import Observer
from labkit.learner import cards, help, progress
from labkit.learner.live import CheckInterruptedError, Live
from labkit.learner.output import Checked, Message
from labkit.parts import spares
from labkit.spark import cluster, session
from labkit.spark.lease import LEASE
from labkit.verdict.outcome import CheckResult

SCRATCH = "LAB_SCRATCH"


class LabSession:
    """One lab in one notebook."""

    def __init__(self, lab: Lab, namespace: Mapping[str, Any]) -> None:
        self._lab, self._namespace = lab, namespace
        self._spark: SparkSession | None = None
        self._schema: str | None = None

    def __repr__(self) -> str:
        return f"lab {self._lab.slug}: {self._lab.title}"

    @property
    def spark(self) -> SparkSession:
        """The notebook's session; a new one when the last was stopped."""
        found = session.current()
        if self._spark is not None and found is not self._spark:
            print(
                "The Spark session was stopped; this is a new one. "
                "Run the notebook again from the top: temporary views are gone.",
                file=sys.stderr,
            )
            self._schema = None
        self._spark = found
        return found

    @property
    def schema(self) -> str:
        """The name of a database for this notebook's tables, empty at the start."""
        if self._schema is None:
            owner = self.spark.conf.get(LEASE, f"lab_{os.getpid()}")
            name = f"{owner}_{self._lab.slug}"
            self.spark.sql(f"DROP DATABASE IF EXISTS {name} CASCADE")
            self.spark.sql(f"CREATE DATABASE {name}")
            self._schema = name
        return self._schema

    @cached_property
    def scratch(self) -> Path:
        """A folder for checkpoints and files, empty at the start."""
        base = os.environ.get(SCRATCH)  # of a lease on warm Spark, or of a graded run
        return Path(tempfile.mkdtemp(prefix=f"{self._lab.slug}-", dir=base))

    def data(self, name: str, *, scale: int = 1) -> Path:
        """The folder with the files of dataset `name`, generated on the first call."""
        return datasets.generated(
            self._lab.generator(name),
            self._storage() / "datasets",
            scale=scale,
            spark=(lambda: self.spark) if self._lab.uses_spark else None,
        )

    def kafka(self) -> str:
        """The address of a Kafka broker for this notebook; about 5 s on the first call.

        The broker of `lab kafka start` when it runs, else one that ends with the notebook.
        """
        from labkit.parts import kafka

        return kafka.bootstrap()

    def check(self, task: str | None = None) -> Checked | Message | None:
        """Judges one task (or all) by the public checks, as they are on disk now.

        A notebook's page shows what is known meanwhile; Ctrl-C keeps it, and the progress of the
        tasks that are judged to their end.
        """
        live = Live()
        try:
            with spares.wanted():
                return live.ended(self._check(task, live))
        except KeyboardInterrupt:
            if known := live.of_whole_tasks():
                self._keep(known)
            live.interrupted()
            raise CheckInterruptedError from None

    def hint(self, task: str | None = None) -> Message | None:
        """The next hint of a task (of the first open one when none is named)."""
        hint = help.take_hint(self._lab, task or self._open_task() or self._lab.tasks[-1])
        more = (
            "\n\nThat was the last hint. "
            f'`lab.solution("{hint.task}", give_up=True)` shows the answer.'
            if hint.is_last and hint.task not in self._passed_tasks()
            else ""
        )
        return Message(f"{hint}{more}")

    def solution(self, task: str | None = None, *, give_up: bool = False) -> Message | None:
        """The reference answer, once the task is passed or when you give it up."""
        task = task or self._open_task() or self._lab.tasks[-1]
        text = help.take_solution(self._lab, task, give_up=give_up)
        if text is None:
            return Message(
                f'`{task}` is not passed yet. `lab.solution("{task}", give_up=True)` shows the '
                "answer anyway; this is recorded in your progress."
            )
        return Message(f"```python\n{text}\n```")

    def next(self) -> Message | None:
        """What to do next: the next open task, or the next lab."""
        return Message(self._next_step())

    def written(self, *tasks: str) -> bool:
        """Whether all these tasks are written: none is missing or still a stub."""
        return all(not is_stub(self._namespace.get(task)) for task in tasks)

    def _check(self, task: str | None, observer: Observer | None = None) -> Checked:
        if task is not None:
            hints.require_task(self._lab, task)
        # Imported on use: it brings pytest and chispa, which a graded run never needs.
        from labkit.judge.runner import judge

        started = time.perf_counter()
        results = judge(
            self._lab.root,
            Learner(self._namespace, self._lab.tasks),
            self.spark if self._lab.uses_spark else None,
            [self._lab.checks],
            tasks=[task] if task else None,
            observer=observer,
        )
        self._keep(results)
        return Checked(results, time.perf_counter() - started, self._foot(results))

    def _storage(self) -> Path:
        """The folder that datasets are generated in."""
        return cluster.storage() if cluster.master() else home.cache_dir()

    def _keep(self, results: tuple[CheckResult, ...]) -> None:
        progress.record(self._lab, results)

    def _passed_tasks(self) -> Collection[str]:
        facts = progress.tasks(self._lab)
        return [task for task in self._lab.tasks if progress.passed(facts.get(task, {}))]

    def _open_task(self) -> str | None:
        """The first task that is not passed."""
        passed = self._passed_tasks()
        return next((task for task in self._lab.tasks if task not in passed), None)

    def _next_step(self) -> str:
        task = self._open_task()
        if task is not None:
            return f'Next: write `{task}`, then `lab.check("{task}")`.'
        later = [lab for lab in find_labs(self._lab.root) if lab.number > self._lab.number]
        talk = self._next_talk()
        if later:
            return f"All tasks passed. {talk}Next lab: `./lab start {later[0].slug}`."
        return f"All tasks passed, and this was the last lab. {talk}".rstrip()

    def _next_talk(self) -> str:
        """The interview cards to drill after this lab, as a sentence; empty if there are none."""
        talk = cards.next_talk(self._lab.root, [self._lab])
        return f"{talk.why}: `{talk.command}`. " if talk else ""

    def _foot(self, results: tuple[CheckResult, ...]) -> tuple[str, ...]:
        """The next hint for the first task that needs one; what comes next when all passed."""
        if all(result.outcome == "passed" for result in results):
            return (self._next_step(),)
        hint = help.next_hint(self._lab, results)
        return (f'hint: `lab.hint("{hint.task}")` ({hint.number} of {hint.total})',) if hint else ()


def is_stub(function: Any) -> bool:
    """Whether a task is missing or still raises NotImplementedError."""
    code = getattr(function, "__code__", None)
    return code is None or "NotImplementedError" in code.co_names

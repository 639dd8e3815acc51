"""What a notebook holds after `lab = labkit.open(slug)`: session, data, checks, hints, solution."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from labkit import home
from labkit.course import datasets, hints
from labkit.course.labs import Lab, find_lab, find_labs
from labkit.judge.answer import Learner
from labkit.learner import help, progress
from labkit.learner.rehearsal import rehearse
from labkit.learner.rehearsal.countdown import Countdown, time_left
from labkit.spark import cluster, session
from labkit.spark.lease import LEASE
from labkit.verdict import report
from labkit.verdict.outcome import CheckResult

GRADED = "LAB_GRADED"
STRICT = "LAB_STRICT"


class CheckFailedError(AssertionError):
    """Raised by `lab.check` when LAB_STRICT=1, so that a run of the whole notebook fails."""


class Shown:
    """A message that reads well in a notebook and in a terminal."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


class Checked:
    """The result of `lab.check`: HTML in a notebook, text elsewhere; `foot` says what is next."""

    def __init__(
        self, results: tuple[CheckResult, ...], seconds: float, foot: tuple[str, ...] = ()
    ) -> None:
        self.results, self.seconds, self.foot = results, seconds, foot

    @property
    def passed(self) -> bool:
        return all(result.outcome == "passed" for result in self.results)

    def __repr__(self) -> str:
        return "\n".join([report.text(self.results, self.seconds), *self.foot])

    def _repr_html_(self) -> str:
        return report.html(self.results, seconds=self.seconds, foot=self.foot)


class LabSession:
    """One lab in one notebook."""

    def __init__(self, lab: Lab, namespace: Mapping[str, Any]) -> None:
        self._lab, self._namespace = lab, namespace
        self._spark: SparkSession | None = None
        self._schema: str | None = None
        self._passed: set[str] = set()

    def __repr__(self) -> str:
        return f"lab {self._lab.slug}: {self._lab.title}"

    @property
    def spark(self) -> SparkSession:
        """The notebook's session; a new one when the last was stopped."""
        found = session.current()
        if self._spark is not None and found is not self._spark:
            print(
                "The Spark session had been stopped; here is a new one. "
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
        base = os.environ.get("LAB_SCRATCH")
        return Path(tempfile.mkdtemp(prefix=f"{self._lab.slug}-", dir=base))

    def data(self, name: str, *, scale: int = 1) -> Path:
        """The folder with the files of dataset `name`, generated on the first call."""
        if GRADED in os.environ:
            into = Path(os.environ["LAB_SCRATCH"])
        else:
            into = cluster.storage() if cluster.master() else home.cache_dir()
        into /= "datasets"
        generator = self._lab.generator(name)
        return datasets.generated(generator, into, scale=scale, spark=lambda: self.spark)

    def kafka(self) -> str:
        """The address of a Kafka broker for this notebook; about 5 s on the first call.

        The broker of `lab kafka start` when it runs, else one that ends with the notebook.
        """
        from labkit.parts import kafka

        return kafka.bootstrap()

    def check(self, task: str | None = None) -> Checked | Shown | None:
        """Judges one task (or all) by the public checks, as they are on disk now."""
        if GRADED in os.environ:
            return None
        if told := _rehearsed():
            return told
        if task is not None:
            hints.require_task(self._lab, task)
        from labkit.judge.runner import (
            judge,  # pytest, chispa and all: a graded run never needs them
        )

        started = time.perf_counter()
        try:
            results = judge(
                self._lab.root,
                Learner(self._namespace, self._lab.tasks),
                self.spark,
                [self._lab.checks],
                tasks=[task] if task else None,
            )
        except KeyboardInterrupt:
            print("The check was interrupted; nothing was judged.", file=sys.stderr)
            raise
        if STRICT not in os.environ:  # a run of the whole notebook is no learner's progress
            progress.record(self._lab, results)
        self._note_passed(results)
        seconds = time.perf_counter() - started
        checked = Checked(results, seconds, self._foot(results))
        if os.environ.get(STRICT) and not checked.passed:
            raise CheckFailedError(repr(checked))
        return checked

    def hint(self, task: str | None = None) -> Shown | None:
        """The next hint of a task (of the first one not passed, when none is named)."""
        if GRADED in os.environ:
            return None
        if told := _rehearsed():
            return told
        hint = help.take_hint(self._lab, task or self._current_task() or self._lab.tasks[-1])
        more = (
            f'\n\nThat was the last hint. `lab.solution("{hint.task}", give_up=True)` shows the answer.'
            if hint.is_last and not self._has_passed(hint.task)
            else ""
        )
        return Shown(f"{hint}{more}")

    def solution(self, task: str | None = None, *, give_up: bool = False) -> Shown | None:
        """The reference answer, once the task is passed or when you give it up."""
        if GRADED in os.environ:
            return None
        if told := _rehearsed():
            return told
        task = task or self._current_task() or self._lab.tasks[-1]
        text = help.take_solution(self._lab, task, passed=self._has_passed(task), give_up=give_up)
        if text is None:
            return Shown(
                f'`{task}` is not passed yet. `lab.solution("{task}", give_up=True)` shows the answer '
                "all the same, and your progress notes it."
            )
        return Shown(f"```python\n{text}\n```")

    def next(self) -> Shown:
        """What to do next: the next open task, or the next lab."""
        task = self._current_task()
        if task is not None:
            return Shown(f'Next: write `{task}`, then `lab.check("{task}")`.')
        later = [lab for lab in find_labs(self._lab.root) if lab.number > self._lab.number]
        if later:
            return Shown(f"All tasks passed. Next lab: `./lab start {later[0].slug}`.")
        return Shown("All tasks passed, and this was the last lab.")

    def written(self, *tasks: str) -> bool:
        """Whether all these tasks are written: none is missing or still a stub."""
        return all(not is_stub(self._namespace.get(task)) for task in tasks)

    def _current_task(self) -> str | None:
        """The first task that is passed neither here nor in earlier sessions."""
        return next((task for task in self._lab.tasks if not self._has_passed(task)), None)

    def _has_passed(self, task: str) -> bool:
        return task in self._passed or progress.passed(progress.task(self._lab, task))

    def _note_passed(self, results: tuple[CheckResult, ...]) -> None:
        judged = {result.task for result in results}
        failed = {result.task for result in results if result.outcome != "passed"}
        self._passed = (self._passed | judged) - failed

    def _foot(self, results: tuple[CheckResult, ...]) -> tuple[str, ...]:
        """The hint that is open for the first task that needs one; what is next when all passed."""
        if all(result.outcome == "passed" for result in results):
            return (self.next().text,)
        hint = help.next_hint(self._lab, results)
        return (f'hint: `lab.hint("{hint.task}")` ({hint.number} of {hint.total})',) if hint else ()


def is_stub(function: Any) -> bool:
    """Whether a task is missing or still raises NotImplementedError."""
    code = getattr(function, "__code__", None)
    return code is None or "NotImplementedError" in code.co_names


def _rehearsed() -> Shown | None:
    """What is said in place of help while the notebook's folder is a rehearsal under way."""
    found = rehearse.running(Path.cwd())
    if found is None:
        return None
    left = time_left(found.left())
    return Shown(f"A rehearsal has no checks and no hints; {left}. `./lab finish` ends it.")


def open_lab(slug: str) -> LabSession:
    """`labkit.open`: the lab `slug` over the namespace of the notebook (or of `__main__`).

    In a rehearsal under way it shows the clock.
    """
    lab = find_lab(slug)
    if GRADED not in os.environ and _shell() and (found := rehearse.running(Path.cwd())):
        from IPython.display import display

        display(Countdown(found.left()))
    return LabSession(lab, _namespace())


def _shell() -> Any:
    """IPython's shell, in a notebook; None in a program."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def _namespace() -> dict[str, Any]:
    shell = _shell()
    return shell.user_ns if shell is not None else vars(sys.modules["__main__"])

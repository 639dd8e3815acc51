"""Check a notebook in this process each time it is saved, only what changed."""

from __future__ import annotations

import contextlib
import io
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.course.labs import Lab
from labkit.escape import without_colours
from labkit.grading.cells import Cell
from labkit.grading.submission import read_submission
from labkit.judge.answer import Learner
from labkit.judge.runner import judge
from labkit.learner import progress
from labkit.learner.edits import edit, used_by_checks
from labkit.spark import session
from labkit.verdict.outcome import CellProblem, CheckResult

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CHECK_SECONDS = 120.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Round:
    """The outcome of one save."""

    results: tuple[CheckResult, ...]
    problems: tuple[CellProblem, ...]
    seconds: float


def saves(path: Path) -> Iterator[None]:
    """Yields at once, and then after each change of the file; waits while the file is missing."""
    seen: object = None
    while True:
        try:
            file = path.stat()
            stamp = (file.st_mtime_ns, file.st_size, file.st_ino)
        except OSError:
            stamp = None
        if stamp is not None and stamp != seen:
            seen = stamp
            yield
        else:
            time.sleep(LOOK_SECONDS)  # between two looks at the file


class Watching:
    """The notebook at `path`, run in this process, and its answers ready to be judged."""

    def __init__(self, lab: Lab, path: Path) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        self._lab, self._path = lab, path
        self._cells: tuple[Cell, ...] | None = None
        quiet = Config(
            {"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}}
        )
        self._kind: Any = InteractiveShell
        self._shell: Any = InteractiveShell.instance(config=quiet)

    def close(self) -> None:
        """Releases the IPython shell, of which a process has only one."""
        self._kind.clear_instance()

    def check(self) -> Round | None:
        """Runs and judges what changed since the last call; None if nothing did.

        Raises UnreadableError if the file is not a submission, as in the middle of a save; the
        next call then compares with the same earlier state.
        """
        submission = read_submission(self._path)
        submission.require_lab(self._lab.slug)
        uses = used_by_checks(self._lab.checks, self._lab.tasks)
        edited = edit(self._cells, submission.cells, self._lab.tasks, uses)
        if edited is None:
            return None
        started = time.perf_counter()
        self._session()  # before the cells: they find it there
        if edited.fresh:
            self._shell.reset()
        problems = tuple(problem for cell in edited.cells if (problem := self._run(cell)))
        self._cells = submission.cells
        results: tuple[CheckResult, ...] = ()
        if edited.tasks:
            results = judge(
                self._lab.root,
                Learner(self._shell.user_ns, self._lab.tasks),
                self._session(),  # another, when the cells have stopped the first
                [self._lab.checks],
                tasks=edited.tasks,
                timeout=CHECK_SECONDS,
            )
            progress.record(self._lab, results)
        return Round(results, problems, time.perf_counter() - started)

    def _session(self) -> SparkSession | None:
        return session.current() if self._lab.uses_spark else None

    def _run(self, cell: Cell) -> CellProblem | None:
        self._shell.execution_count = cell.number  # so that a trace names the notebook's own cell
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            done = self._shell.run_cell(cell.source, store_history=False)
        error = done.error_before_exec or done.error_in_exec
        if error is None:
            return None
        if isinstance(error, KeyboardInterrupt):
            raise error
        text = without_colours(f"{type(error).__name__}: {error}")
        text = " ".join(text.split())[:300]
        return CellProblem(cell.number, _line(error), text)


def _line(error: BaseException) -> int:
    """The line of the cell that raised `error`."""
    if isinstance(error, SyntaxError) and error.lineno:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if frame.name == "<module>" and frame.lineno]
    return own[0] if own else 1

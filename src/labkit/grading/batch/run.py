"""Grade many submissions: plan, skip what is done, let workers judge the rest, keep each result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit import home
from labkit.course.labs import Lab, find_lab
from labkit.escape import one_line, well_formed
from labkit.grading.batch import reports
from labkit.grading.batch.collect import Collected, Entry
from labkit.grading.batch.pool import GRACE_SECONDS, Pool, Reply
from labkit.grading.batch.results import (
    Batch,
    Plan,
    Results,
    Row,
    read_plan,
    read_rows,
    union,
)
from labkit.grading.cells import UnreadableError
from labkit.grading.grade import CHECK_SECONDS, checks_hash, draw_seed, versions
from labkit.grading.submission import MAX_BYTES, read_submission
from labkit.home import LabError
from labkit.sandbox import sandbox
from labkit.verdict.outcome import Report
from labkit.verdict.report_json import from_json, to_json

SUBMISSION_SECONDS = 1_800.0


@dataclass(frozen=True)
class Options:
    """How a batch is graded."""

    lab: str | None = None
    hidden: bool = True
    seed: int | None = None
    workers: int = 1
    seconds: float = SUBMISSION_SECONDS
    check_seconds: float = CHECK_SECONDS
    resume: bool = False
    again: bool = False
    shard: tuple[int, int] = (1, 1)
    sandbox: bool = True
    allow_jvm: bool = False
    fresh_jvm: bool = False


@dataclass(frozen=True)
class Step:
    """One submission that has its result."""

    row: Row
    done: int
    total: int
    fresh: bool  # new in this run, not found from an earlier one
    left: int  # how many still have to be judged
    judged: int  # how many a worker judged in this run


@dataclass(frozen=True)
class _Task:
    """A submission that a worker has to judge."""

    entry: Entry
    lab: Lab
    sha256: str
    before: Row | None  # its result of an earlier run


def grade_batch(
    collected: Collected,
    out: Path,
    options: Options,
    on_step: Callable[[Step], None],
    *,
    make_pool: Callable[..., Pool] | None = None,
) -> Batch:
    """Grades the entries into `out` and returns all that it holds in the end.

    Each result is on disk before the next one is told. Stopped at any moment, the same call with
    `resume` goes on: what has a result from the same submission, checks, versions and seed stays.
    """
    entries = collected.shard(*options.shard).entries
    seen = sandbox.in_sight([out, *(entry.path for entry in entries)]) if options.sandbox else ""
    if seen and not sandbox.reason():
        raise LabError(f"{seen}; put submissions and --out elsewhere, or grade with --no-sandbox")
    slug = find_lab(options.lab).slug if options.lab else None
    with Results(out) as results:
        before = read_plan(out)
        if before and not options.resume:
            raise LabError(
                f"{out} holds a batch of {len(before.names)} submissions; "
                "--resume goes on with it, another --out starts a new one"
            )
        if before and before.shard != options.shard:
            part, parts = before.shard
            held = f"part {part} of {parts}" if parts > 1 else "a whole batch"
            raise LabError(
                f"{out} holds {held}; each part has an --out of its own, "
                "and `lab report` makes one batch of them"
            )
        seed = _seed(options, before)
        kept = results.without_renamed(before.names, entries) if before else ()
        names = union(kept, [entry.name for entry in entries])
        results.plan(Plan(seed, options.hidden, options.shard, names))
        run = _Run(results, entries, options, seed, slug, on_step)
        run.settle()
        limit = options.seconds + GRACE_SECONDS
        pool = (make_pool or Pool)(
            options.workers, seconds=limit, sandbox=options.sandbox,
            allow_jvm=options.allow_jvm, fresh_jvm=options.fresh_jvm,
        )  # fmt: skip
        with pool:
            run.judge(pool)
        others, missing = read_rows(out, set(names) - {entry.name for entry in entries})
    rows = sorted([*run.rows, *others], key=lambda row: row.name)
    return Batch(tuple(rows), tuple(sorted(missing)))


def _seed(options: Options, before: Plan | None) -> int:
    if options.seed is not None:
        return options.seed
    return before.seed if before else draw_seed(options.hidden)


def _brief(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}", 200)


class _Run:
    """One run over the entries of a batch."""

    def __init__(
        self,
        results: Results,
        entries: Sequence[Entry],
        options: Options,
        seed: int,
        slug: str | None,
        on_step: Callable[[Step], None],
    ) -> None:
        self._results, self._entries, self._options = results, entries, options
        self._seed, self._slug, self._on_step = seed, slug, on_step
        self._root = home.root()
        self._hashes: dict[str, str] = {}
        self._todo: dict[str, _Task] = {}
        self._judged = 0
        self.rows: list[Row] = []

    @cached_property
    def _versions(self) -> dict[str, str]:
        return versions()

    def settle(self) -> None:
        """Keeps what needs no worker: files that can't be judged, results that are there already."""
        for entry in self._entries:
            self._results.tell_origin(entry)
            before = self._results.row(entry.name)
            try:
                task = self._read(entry, before)
            except UnreadableError as error:
                self._keep(entry, to_json(self._refusal(entry, error)), before)
                continue
            except Exception as error:  # no file, whatever is in it, may cost others their row
                what = UnreadableError(f"{entry.path.name} can't be read ({_brief(error)})")
                self._keep(entry, to_json(self._refusal(entry, what)), before)
                continue
            if before and self._stays(before.report, task):
                self._step(before, fresh=False)
            else:
                self._todo[entry.name] = task

    def judge(self, pool: Pool) -> None:
        """Lets the workers judge the rest."""
        for reply in pool.run([self._request(task) for task in self._todo.values()]):
            task = self._todo[reply.request["name"]]
            self._judged += 1
            result = reply.result or to_json(self._unjudged(task, reply))
            try:
                self._keep(task.entry, result, task.before, lab=task.lab, log=reply.log)
            except (LabError, OSError):
                raise
            except Exception as error:  # nor may a result that no report can be made of
                message = f"its report can't be written ({_brief(error)})"
                unjudged = self._unjudged(task, replace(reply, status="crashed", message=message))
                self._keep(task.entry, to_json(unjudged), task.before, lab=task.lab, log=reply.log)

    def _read(self, entry: Entry, before: Row | None) -> _Task:
        """What to judge; UnreadableError when it can't be."""
        if entry.refused:
            raise UnreadableError(entry.refused)
        submission = read_submission(entry.path)
        if self._slug is not None:
            submission.require_lab(self._slug)
        name = submission.lab or self._slug
        if name is None:
            text = f"{entry.path.name} opens no lab (labkit.open); say which with --lab"
            raise UnreadableError(text, "no_lab")
        try:
            return _Task(entry, find_lab(name, self._root), submission.sha256, before)
        except LabError as error:
            raise UnreadableError(f"{entry.path.name}: {error}", "no_lab") from None

    def _keep(
        self,
        entry: Entry,
        result: str,
        before: Row | None,
        *,
        lab: Lab | None = None,
        log: bytes = b"",
    ) -> None:
        """Writes down a result, the text of its file, unless it says what it said before."""
        report = from_json(result)
        if report is None:
            raise LabError(f"the result of {entry.name} has no known form; is labkit mixed?")
        if before and before.report.without_timing() == report.without_timing():
            self._step(before, fresh=False)
            return
        path, folder = well_formed(str(entry.path)), self._results.folder / entry.name
        row = Row(entry.name, entry.student, path, report, folder, entry.learner, entry.order)
        self._results.keep(entry, result, reports.texts(reports.commented(row)[0], lab), log)
        self._step(row, fresh=True)

    def _step(self, row: Row, *, fresh: bool) -> None:
        self.rows.append(row)
        left = len(self._todo) - self._judged
        self._on_step(Step(row, len(self.rows), len(self._entries), fresh, left, self._judged))

    def _refusal(self, entry: Entry, error: UnreadableError) -> Report:
        """The report on a submission that is not judged."""
        sha256 = ""
        if not entry.refused:
            with suppress(OSError, ValueError):  # the message says that it can't be read
                if entry.path.stat().st_size <= MAX_BYTES:
                    sha256 = hashlib.sha256(entry.path.read_bytes()).hexdigest()
        return Report(
            self._slug or "", error.status, self._seed, message=str(error),
            versions=self._versions, submission_sha256=sha256,
        )  # fmt: skip

    def _unjudged(self, task: _Task, reply: Reply) -> Report:
        """The report on a submission that its worker did not bring back."""
        return Report(
            task.lab.slug, reply.status, self._seed, message=reply.message,
            versions=self._versions, submission_sha256=task.sha256,
            checks_sha256=self._checks_hash(task.lab), sandbox=reply.sandboxed,
        )  # fmt: skip

    def _checks_hash(self, lab: Lab) -> str:
        if lab.slug not in self._hashes:
            self._hashes[lab.slug] = checks_hash(lab, hidden=self._options.hidden)
        return self._hashes[lab.slug]

    def _stays(self, report: Report, task: _Task) -> bool:
        """Whether a report from an earlier run is what this run would find."""
        current = (
            report.lab == task.lab.slug
            and report.seed == self._seed
            and report.submission_sha256 == task.sha256
            and report.checks_sha256 == self._checks_hash(task.lab)
            and report.versions == self._versions
            and (report.status != "graded" or report.allow_jvm == self._options.allow_jvm)
        )
        if not current or self._retry(report):
            return False
        return report.sandbox or report.status != "graded" or not self._has_sandbox

    @cached_property
    def _has_sandbox(self) -> bool:
        return self._options.sandbox and not sandbox.reason()

    def _retry(self, report: Report) -> bool:
        """Whether `--again` asks for one that crashed, ran out of time or met a broken check."""
        outcomes = {check.outcome for check in report.checks}
        return self._options.again and (
            report.status in ("crashed", "timeout") or bool(outcomes & {"broken", "timeout"})
        )

    def _request(self, task: _Task) -> dict[str, Any]:
        return {
            "name": task.entry.name,
            "lab": task.lab.slug,
            "root": str(task.lab.root),
            "path": str(task.entry.path.absolute()),
            "hidden": self._options.hidden,
            "seed": self._seed,
            "seconds": self._options.seconds,
            "check_seconds": self._options.check_seconds,
        }

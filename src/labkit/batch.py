"""Grade many submissions: plan, skip what is done, let workers judge the rest, keep each result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import home, page
from labkit.collect import Entry, Found
from labkit.grade import CHECK_SECONDS, checks_hash, draw_seed, versions
from labkit.home import LabError
from labkit.labs import Lab, find_lab
from labkit.outcome import Report, Status
from labkit.pool import Pool
from labkit.results import (
    Plan,
    Results,
    Row,
    is_current,
    read_plan,
    read_rows,
    report_of,
    same_but_timing,
    union,
)
from labkit.submission import MAX_BYTES, UnreadableError, read_submission

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


@dataclass(frozen=True)
class Step:
    """One submission that has its result: how many of the batch are done, and how it was."""

    row: Row
    done: int
    total: int
    fresh: bool  # new in this run, not found from an earlier one
    left: int  # how many still have to be judged
    judged: int  # how many a worker judged in this run


@dataclass(frozen=True)
class Batch:
    """A batch on disk: its rows, and the names that have no result (yet)."""

    rows: tuple[Row, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # of shards that are not there

    @property
    def exit_code(self) -> int:
        """The greatest of the submissions' codes; 1 at least while one is missing."""
        codes = [row.report.exit_code for row in self.rows] + [1 for _ in self.missing]
        return max(codes, default=2)


@dataclass(frozen=True)
class _Task:
    entry: Entry
    lab: Lab
    sha256: str


def grade_batch(
    found: Found,
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
    part, parts = options.shard
    entries = found.shard(part, parts).entries
    root = home.root()
    slug = find_lab(options.lab, root).slug if options.lab else None
    with Results(out) as results:
        before = read_plan(out)
        if before and not options.resume:
            raise LabError(
                f"{out} holds a batch of {len(before.names)} submissions; "
                "--resume goes on with it, another --out starts a new one"
            )
        seed = _seed(options, before)
        names = union(before.names if before else (), [entry.name for entry in entries])
        results.plan(Plan(seed, options.hidden, options.shard, names))
        done = judged = 0
        tasks: list[_Task] = []

        def keep(
            entry: Entry,
            result: dict[str, Any],
            lab: Lab | None,
            log: bytes = b"",
            fresh: bool = True,
        ) -> None:
            nonlocal done
            done += 1
            report = report_of(result)
            if report is None:
                raise LabError(f"the result of {entry.name} has no known form; is labkit mixed?")
            fresh = fresh and not same_but_timing(results.result(entry.name), result)
            if fresh:
                results.keep(entry, result, page.report_page(report, entry.student, lab), log)
            row = Row(entry.name, entry.student, str(entry.path), report, out / entry.name)
            on_step(Step(row, done, len(entries), fresh, len(tasks) - judged, judged))

        for entry in entries:
            task = _read(entry, slug, root)
            if isinstance(task, Report):
                keep(entry, task.as_dict() | {"seed": seed}, None)
                continue
            known = results.result(entry.name)
            if is_current(known, _expected(task, seed, options)) and not _retry(known, options):
                keep(entry, known or {}, task.lab, fresh=False)
            else:
                tasks.append(task)
        by_name = {task.entry.name: task for task in tasks}
        requests = [_request(task, seed, options) for task in tasks]
        with (make_pool or Pool)(options.workers, seconds=options.seconds) as pool:
            for reply in pool.run(requests):
                task = by_name[reply.request["name"]]
                result = reply.result or _unjudged(task, reply.status, reply.message, seed, options)
                judged += 1
                keep(task.entry, result, task.lab, reply.log)
    return read_batch([out])


def read_batch(folders: Sequence[Path]) -> Batch:
    """What the batches in these folders hold, together."""
    rows: list[Row] = []
    missing: list[str] = []
    shards: set[tuple[int, int]] = set()
    for folder in folders:
        plan = read_plan(folder)
        if plan is None:
            raise LabError(f"{folder} holds no batch; name an --out of `lab grade`")
        shards.add(plan.shard)
        some, none = read_rows(folder, plan.names)
        rows += some
        missing += none
    absent = [
        f"part {part} of {parts} is not here"
        for parts in sorted({parts for _, parts in shards})
        for part in range(1, parts + 1)
        if (part, parts) not in shards
    ]
    rows.sort(key=lambda row: (row.name, str(row.folder)))
    return Batch(tuple(rows), tuple(sorted(missing)), tuple(absent))


def _seed(options: Options, before: Plan | None) -> int:
    if options.seed is not None:
        return options.seed
    return before.seed if before else draw_seed(options.hidden)


def _read(entry: Entry, slug: str | None, root: Path) -> _Task | Report:
    """What to judge, or the report of a submission that can't be."""
    try:
        if entry.refused:
            raise UnreadableError(entry.refused)
        submission = read_submission(entry.path)
        if slug is not None:
            submission.require_lab(slug)
        name = submission.lab or slug
        if name is None:
            raise UnreadableError(
                f"{entry.path.name} opens no lab (labkit.open); say which with --lab", "no_lab"
            )
        try:
            lab = find_lab(name, root)
        except LabError as error:
            raise UnreadableError(f"{entry.path.name}: {error}", "no_lab") from None
        return _Task(entry, lab, submission.sha256)
    except UnreadableError as error:
        return _refusal(error.status, str(error), entry, slug)


def _refusal(status: Status, message: str, entry: Entry, slug: str | None) -> Report:
    sha256 = ""
    try:
        if not entry.refused and entry.path.stat().st_size <= MAX_BYTES:
            sha256 = hashlib.sha256(entry.path.read_bytes()).hexdigest()
    except (OSError, ValueError):
        pass  # the message says that it can't be read
    return Report(
        slug or "", status, 0, message=message, versions=versions(), submission_sha256=sha256
    )


def _expected(task: _Task, seed: int, options: Options) -> dict[str, Any]:
    return {
        "lab": task.lab.slug,
        "seed": seed,
        "submission_sha256": task.sha256,
        "checks_sha256": checks_hash(task.lab, hidden=options.hidden),
        "versions": versions(),
    }


def _retry(known: dict[str, Any] | None, options: Options) -> bool:
    """Whether `--again` asks for one that crashed, ran out of time or met a broken check."""
    if not options.again or known is None:
        return False
    outcomes = {check["outcome"] for check in known["checks"]}
    return known["status"] in ("crashed", "timeout") or not outcomes.isdisjoint(
        ("broken", "timeout")
    )


def _request(task: _Task, seed: int, options: Options) -> dict[str, Any]:
    return {
        "name": task.entry.name,
        "lab": task.lab.slug,
        "root": str(task.lab.root),
        "path": str(task.entry.path.absolute()),
        "hidden": options.hidden,
        "seed": seed,
        "check_seconds": options.check_seconds,
    }


def _unjudged(
    task: _Task, status: str, message: str, seed: int, options: Options
) -> dict[str, Any]:
    """The result of a submission that its worker did not bring back."""
    return Report(
        task.lab.slug, status, seed, message=message, versions=versions(),  # type: ignore[arg-type]
        submission_sha256=task.sha256, checks_sha256=checks_hash(task.lab, hidden=options.hidden),
    ).as_dict()  # fmt: skip

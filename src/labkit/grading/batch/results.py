"""The results of a batch on disk: one folder a submission, each file written whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from labkit.escape import well_formed
from labkit.grading.batch.collect import Entry
from labkit.grading.batch.marks import Order
from labkit.grading.batch.standing import Attempt, HandedIn
from labkit.home import LabError
from labkit.verdict.comment import Comment
from labkit.verdict.outcome import Report
from labkit.verdict.report_json import from_json

VERSION = 1
PLAN = "batch.json"
RESULT, ORIGIN, LOG = "result.json", "submission.json", "worker.log"
PAGE, TEXT = "report.html", "report.txt"
COMMENT = "comment.md"  # an instructor's; nothing here writes it


@dataclass(frozen=True)
class Row:
    """A submission of a batch: where it came from, what was found, where that is kept.

    `attempt` and `handed_in` are there when the instructor asked for them.
    """

    name: str
    student: str
    path: str
    report: Report
    folder: Path
    learner: str = ""
    order: Order = ()
    attempt: Attempt | None = None
    handed_in: HandedIn | None = None
    comment: Comment = field(default_factory=Comment)


@dataclass(frozen=True)
class Plan:
    """What a batch set out to do: the names it must have results for, in the end."""

    seed: int
    hidden: bool
    shard: tuple[int, int]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Batch:
    """What was found in one or more folders of results."""

    rows: tuple[Row, ...]
    missing: tuple[str, ...] = ()  # planned, and without a result; shards that are not there
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The greatest of the submissions' codes; 1 at least while one is missing."""
        codes = [row.report.exit_code for row in self.rows] + [1 for _ in self.missing]
        return max(codes, default=0)  # a shard of a small batch may have none


class Results:
    """The folder that a batch writes to; one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / ".lock").open("w")
        except OSError as error:
            raise LabError(
                f"{folder} can't be written ({error.strerror}); name another --out"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LabError(f"another `lab grade` is writing to {folder}; wait for it") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def plan(self, plan: Plan) -> None:
        data = {
            "version": VERSION, "seed": plan.seed, "hidden": plan.hidden,
            "shard": list(plan.shard), "submissions": list(plan.names),
        }  # fmt: skip
        write(self.folder / PLAN, _json(data))

    def keep(self, entry: Entry, result: str, texts: Mapping[str, str], log: bytes = b"") -> None:
        """Writes all that belongs to a submission; `result.json` last, so that it vouches for all."""
        place = self.folder / entry.name
        with _keeping(place):
            place.mkdir(exist_ok=True)
            write(place / ORIGIN, _origin(entry))
            for name, text in texts.items():
                write(place / name, text)
            if log:
                (place / LOG).write_bytes(log)
            write(place / RESULT, result)

    def tell_origin(self, entry: Entry) -> None:
        """Writes who a submission with a result came from, if that is told in another way now."""
        file = self.folder / entry.name / ORIGIN
        with _keeping(file.parent):
            if file.parent.is_dir() and _load(file) != json.loads(_origin(entry)):
                write(file, _origin(entry))

    def without_renamed(self, names: Collection[str], entries: Collection[Entry]) -> set[str]:
        """These names but for those whose submission has another one now, whose results go.

        A second `ada` gives both of them a longer name. An instructor's comment goes along.
        """
        now = {os.path.realpath(entry.path): entry.name for entry in entries}
        gone = set()
        for name in set(names) - set(now.values()):
            path = (_load(self.folder / name / ORIGIN) or {}).get("real_path")
            if path not in now:
                continue
            gone.add(name)
            comment, place = self.folder / name / COMMENT, self.folder / now[path]
            if comment.is_file() and not (place / COMMENT).exists():
                with _keeping(place):
                    place.mkdir(exist_ok=True)
                    os.replace(comment, place / COMMENT)
            shutil.rmtree(self.folder / name, ignore_errors=True)
        return set(names) - gone

    def row(self, name: str) -> Row | None:
        """A submission as it was written down; None when it has no result that can be read."""
        return _read_row(self.folder / name)


def read_plan(folder: Path) -> Plan | None:
    """The plan of the batch in `folder`; None when it has none."""
    data = _load(folder / PLAN)
    if data is None:
        return None
    try:
        part, parts = data["shard"]
        names = tuple(map(str, data["submissions"]))
        return Plan(int(data["seed"]), bool(data["hidden"]), (int(part), int(parts)), names)
    except (KeyError, TypeError, ValueError):
        raise LabError(f"{folder / PLAN} is not of this version; grade into a new --out") from None


def read_rows(folder: Path, names: Iterable[str]) -> tuple[list[Row], list[str]]:
    """The rows of these submissions, and the names of those that have no result yet."""
    rows, missing = [], []
    for name in names:
        if row := _read_row(folder / name):
            rows.append(row)
        else:
            missing.append(name)
    return rows, missing


def _read_row(place: Path) -> Row | None:
    try:
        report = from_json((place / RESULT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if report is None:
        return None
    origin = _load(place / ORIGIN) or {}
    student, path, learner = (str(origin.get(key, "")) for key in ("student", "path", "learner"))
    order = tuple(map(int, origin.get("order", ())))
    return Row(place.name, student, path, report, place, learner, order)


def read_batch(folders: Sequence[Path]) -> Batch:
    """What the batches in these folders hold, together, and which shards are not there."""
    rows: list[Row] = []
    missing: list[str] = []
    plans: dict[Path, Plan] = {}
    for folder in folders:
        plan = read_plan(folder)
        if plan is None:
            raise LabError(f"{folder} holds no batch; name an --out of `lab grade`")
        for other, known in plans.items():
            if other.samefile(folder) or (plan.shard == known.shard != (1, 1)):
                part, parts = plan.shard
                raise LabError(f"{other} and {folder} are both part {part} of {parts}; name one")
        plans[folder] = plan
        some, none = read_rows(folder, plan.names)
        rows += some
        missing += none
    shards = {plan.shard for plan in plans.values()}
    absent = [
        f"part {part} of {parts}"
        for parts in sorted({parts for _, parts in shards})
        for part in range(1, parts + 1)
        if (part, parts) not in shards
    ]
    seeds = sorted({plan.seed for plan in plans.values() if plan.shard != (1, 1)})
    notes: tuple[str, ...] = ()
    if len(seeds) > 1:
        notes = (
            f"the parts have different seeds ({', '.join(map(str, seeds))}), so different data",
        )
    rows.sort(key=lambda row: (row.name, str(row.folder)))
    return Batch(tuple(rows), (*sorted(missing), *absent), notes)


@contextmanager
def _keeping(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LabError(
            f"{place} can't be written ({error.strerror}); what was graded before is kept. "
            "Make room and go on with --resume"
        ) from None


def _origin(entry: Entry) -> str:
    return _json({
        "version": VERSION, "name": entry.name, "student": entry.student, "path": str(entry.path),
        "real_path": os.path.realpath(entry.path), "learner": entry.learner,
        "order": list(entry.order),
    })  # fmt: skip


def union(old: Iterable[str], new: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted({*old, *new}))


def write(path: Path, text: str) -> None:
    """Replaces a file at once: whoever reads, or comes after a stop, finds the old or the new one."""
    draft = path.with_name(f".{path.name}.new")
    with draft.open("w", encoding="utf-8", newline="\n") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(draft, path)


def _json(data: Any) -> str:
    return well_formed(json.dumps(data, indent=2, ensure_ascii=False)) + "\n"


def _load(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None

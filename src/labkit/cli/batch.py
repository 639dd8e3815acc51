"""The commands `lab grade` and `lab report`: many submissions, live progress, summaries."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from labkit.cli.screen import Seed, console, errors
from labkit.escape import one_line, printable
from labkit.home import LabError
from labkit.spark import cluster

if TYPE_CHECKING:
    from labkit.grading.batch.collect import Entry
    from labkit.grading.batch.policy import Policy
    from labkit.grading.batch.results import Batch, Row
    from labkit.grading.batch.run import Step

Attempts = Annotated[
    Literal["best", "last"] | None,
    typer.Option(help="count one attempt of each learner in the summaries; default: all"),
]
Due = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="mark what is late: 2026-10-01T23:59+02:00"),
]
HandedInFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="with --deadline: a .csv of learner and handed_in"),
]


def grade(
    paths: Annotated[
        list[str], typer.Argument(help="files, folders, patterns, or a .csv of student and path")
    ],
    out: Annotated[Path, typer.Option(help="folder for the results")],
    lab: Annotated[
        str | None,
        typer.Option(
            help="the lab; files that open another one are refused, files that open none accepted"
        ),
    ] = None,
    hidden: Annotated[bool, typer.Option(help="run the hidden checks, if there are any")] = True,
    seed: Seed = None,
    workers: Annotated[
        int, typer.Option(min=0, help="parallel processes, each with its own JVM; 0: one per core")
    ] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="continue; keep the results of unchanged submissions")
    ] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="--resume, but grade again what crashed or had a broken check"
        ),
    ] = False,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="grade only part I of N, counted from 1")
    ] = "1/1",
    sandbox: Annotated[
        bool, typer.Option(help="run submissions in the sandbox; needs Linux namespaces")
    ] = True,
    allow_jvm: Annotated[
        bool,
        typer.Option("--allow-jvm", help="do not filter the calls of submissions on the JVM"),
    ] = False,
    fresh_jvm: Annotated[
        bool, typer.Option("--fresh-jvm", help="a JVM for each submission; some 8 s dearer each")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=1, help="time limit of a submission, in seconds")
    ] = 1_800,
    check_timeout: Annotated[
        float, typer.Option(min=1, help="time limit of a check, in seconds")
    ] = 120,
    attempts: Attempts = None,
    deadline: Due = None,
    handed_in: HandedInFile = None,
) -> None:
    """Grade many submissions, each in its own process; write reports and summaries to a folder."""
    part = _shard(shard)
    if cluster.master():
        raise LabError(
            f"`lab grade` runs submissions in the sandbox of this machine; unset {cluster.MASTER}. "
            "To use several machines, grade with --shard on each and merge with `lab report`"
        )
    from labkit.grading.batch.collect import collect
    from labkit.grading.batch.pool import usual_workers
    from labkit.grading.batch.run import Options, grade_batch
    from labkit.spark import jars

    collected = collect(paths, any_python=lab is not None)
    if collected.passed_over:
        names = [path.name for path in collected.passed_over]
        errors.print(
            f"{len(names)} Python files do not open a lab and are skipped: {_some(names, 3)}",
            style="yellow",
        )
    if not collected.entries:
        raise LabError(
            f"no submissions in {', '.join(paths)}: no .ipynb, and no .py that opens a lab"
        )
    policy = _policy(attempts, deadline, handed_in, [*collected.entries, *_rows_before(out)])
    jars.fetch()  # workers have no network
    options = Options(
        lab=lab, hidden=hidden, seed=seed, workers=workers or usual_workers(), seconds=timeout,
        check_seconds=check_timeout, resume=resume or again, again=again, shard=part,
        sandbox=sandbox, allow_jvm=allow_jvm, fresh_jvm=fresh_jvm,
    )  # fmt: skip
    try:
        with _Display() as display:
            batch = grade_batch(collected, out, options, display.step)
    except KeyboardInterrupt:
        errors.print(f"Interrupted. Results so far are in {escape(str(out))}; --resume continues.")
        raise typer.Exit(130) from None
    _conclude(batch, policy, out)


def report(
    folders: Annotated[list[Path], typer.Argument(help="folders that `lab grade` wrote")],
    out: Annotated[
        Path | None,
        typer.Option(help="folder for the summaries; default: the folder, if it is one"),
    ] = None,
    attempts: Attempts = None,
    deadline: Due = None,
    handed_in: HandedInFile = None,
) -> None:
    """Write the summaries again; merge several folders, the shards of a batch, into one.

    Reports get the comments that you wrote since.
    """
    from labkit.grading.batch.results import read_batch

    if out is None and len(folders) > 1:
        raise LabError("say where to write the summaries of several folders: --out DIR")
    batch = read_batch(folders)
    _conclude(batch, _policy(attempts, deadline, handed_in, batch.rows), out or folders[0])


def _policy(
    attempts: str | None,
    deadline: str | None,
    handed_in: Path | None,
    submissions: Sequence[Entry | Row],
) -> Policy:
    """What the options say; LabError for a list of times that is wrong."""
    from labkit.grading.batch.attempts import Rule
    from labkit.grading.batch.deadline import Deadline, read_deadline, read_times
    from labkit.grading.batch.policy import Policy

    rule = Rule(attempts) if attempts else None
    if deadline is None and handed_in is None:
        return Policy(rule)
    if deadline is None:
        raise LabError("--handed-in needs a --deadline, such as 2026-10-01T23:59+02:00")
    due = read_deadline(deadline)
    if handed_in is None:
        raise LabError(
            "--deadline needs --handed-in FILE, a .csv with the columns learner and handed_in: "
            "times of files are not when they were handed in"
        )
    return Policy(rule, Deadline(due, read_times(handed_in, due, submissions)))


def _rows_before(out: Path) -> Sequence[Row]:
    """What a batch in `out` holds already; it may have submissions that are not named again."""
    from labkit.grading.batch.results import read_batch, read_plan

    return read_batch([out]).rows if read_plan(out) else ()


def _summaries(batch: Batch, out: Path) -> list[Path]:
    from labkit.grading.batch import summaries

    try:
        return summaries.write_all(batch.rows, batch.missing, out)
    except OSError as error:
        raise LabError(
            f"the summaries can't be written to {out} ({error.strerror}); all results are kept, "
            "and `lab report --out DIR` writes the summaries elsewhere"
        ) from None


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text)
    part, parts = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= part <= parts:
        raise LabError(f"--shard {text}: expected a part and the number of parts, such as 1/4")
    return part, parts


def _conclude(batch: Batch, policy: Policy, out: Path) -> NoReturn:
    """Writes reports and summaries, says how it went, and ends with the code of the batch."""
    from labkit.grading.batch import reports, tally

    batch = policy.applied(batch)
    reports.refresh(batch.rows)
    submissions = len(batch.rows)
    batch = policy.counted(batch)
    written = _summaries(batch, out)
    count = tally.statuses(batch.rows)
    passed = sum(row.report.passed for row in batch.rows)
    broken = sum(any(c.outcome == "broken" for c in row.report.checks) for row in batch.rows)
    parts = [f"{passed} passed", f"{count['graded'] - passed} not passed"]
    parts += [f"{count[key]} {key.replace('_', ' ')}" for key in list(count)[1:] if count[key]]
    parts += [f"{broken} with a broken check"] if broken else []
    parts += [f"{len(batch.missing)} without a result"] if batch.missing else []
    late = sum(bool(row.handed_in and row.handed_in.late) for row in batch.rows)
    parts += [f"{late} late"] if late else []
    of = f" of {submissions} count" if len(batch.rows) != submissions else ""
    console.print(f"{len(batch.rows)}{of} submissions: {', '.join(parts)}")
    if dateless := [r.name for r in batch.rows if r.handed_in and r.handed_in.at is None]:
        errors.print(f"no time given for {_some(dateless)}", style="yellow")
    found = [row.report for row in batch.rows]
    if outside := sum(report.status == "graded" and not report.sandbox for report in found):
        errors.print(
            f"{outside} graded without a sandbox; `lab doctor` says whether this machine has one",
            style="yellow",
        )
    if open_jvm := sum(report.allow_jvm for report in found):
        errors.print(
            f"{open_jvm} graded without a filter before the JVM (--allow-jvm)", style="yellow"
        )
    if batch.missing:
        errors.print(f"no result for: {_some(batch.missing)}", style="yellow")
    for note in batch.notes:
        errors.print(escape(printable(note)), style="yellow")
    page = next(path for path in written if path.suffix == ".html")
    others = ", ".join(path.name for path in written if path != page)
    console.print(f"{escape(str(page))}; beside it {others}")
    raise typer.Exit(batch.exit_code)


def _some(names: Sequence[str], most: int = 5) -> str:
    more = ", ..." if len(names) > most else ""
    return escape(", ".join(one_line(name, 60) for name in names[:most])) + more


class _Display:
    """A live bar on a terminal; elsewhere, and in CI, one line per submission."""

    def __init__(self) -> None:
        self._live = console.is_terminal and os.environ.get("CI", "").lower() not in ("true", "1")
        self._progress = Progress(
            TextColumn("grading"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"), TextColumn("[dim]{task.fields[last]}"),
            console=console, transient=True, disable=not self._live,
        )  # fmt: skip
        self._bar = self._progress.add_task("grading", total=None, left="", last="")
        self._started = time.monotonic()

    def __enter__(self) -> _Display:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def step(self, step: Step) -> None:
        """Shows one more submission that has its result."""
        left, line = self._left(step), self._line(step)
        if self._live:
            self._progress.update(
                self._bar, total=step.total, completed=step.done, left=left, last=escape(line)
            )
        elif step.fresh:
            suffix = f" · {left}" if left else ""
            console.print(escape(f"{step.done}/{step.total} {line}{suffix}"))

    def _left(self, step: Step) -> str:
        """How long the rest will take at the pace of this run so far."""
        if not step.judged or not step.left:
            return ""
        seconds = (time.monotonic() - self._started) / step.judged * step.left
        if seconds < 90:
            return f"{seconds:.0f} s left"
        minutes = seconds / 60
        return f"{minutes:.0f} min left" if minutes < 90 else f"{minutes / 60:.1f} h left"

    def _line(self, step: Step) -> str:
        report = step.row.report
        if report.status != "graded":
            return f"{one_line(step.row.name, 60)}: {report.status.replace('_', ' ')}"
        return (
            f"{one_line(step.row.name, 60)}: {report.score:g} of {report.max_score:g} points, "
            f"{report.seconds:.1f} s"
        )

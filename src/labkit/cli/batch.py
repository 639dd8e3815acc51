"""The commands `lab grade` and `lab report`: many submissions, live progress, summaries."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from labkit.cli.screen import Seed, console, errors
from labkit.escape import one_line
from labkit.home import LabError
from labkit.spark import cluster

if TYPE_CHECKING:
    from labkit.grading.batch.results import Batch
    from labkit.grading.batch.run import Step


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
    timeout: Annotated[
        float, typer.Option(min=1, help="time limit of a submission, in seconds")
    ] = 1_800,
    check_timeout: Annotated[
        float, typer.Option(min=1, help="time limit of a check, in seconds")
    ] = 120,
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
        names = ", ".join(one_line(path.name, 40) for path in collected.passed_over[:3])
        more = ", ..." if len(collected.passed_over) > 3 else ""
        errors.print(
            f"{len(collected.passed_over)} Python files do not open a lab and are skipped: "
            f"{escape(names)}{more}",
            style="yellow",
        )
    if not collected.entries:
        raise LabError(
            f"no submissions in {', '.join(paths)}: no .ipynb, and no .py that opens a lab"
        )
    jars.fetch()  # workers have no network
    options = Options(
        lab=lab, hidden=hidden, seed=seed, workers=workers or usual_workers(), seconds=timeout,
        check_seconds=check_timeout, resume=resume or again, again=again, shard=part,
        sandbox=sandbox,
    )  # fmt: skip
    try:
        with _Display() as display:
            batch = grade_batch(collected, out, options, display.step)
    except KeyboardInterrupt:
        errors.print(f"Interrupted. Results so far are in {escape(str(out))}; --resume continues.")
        raise typer.Exit(130) from None
    _conclude(batch, _summaries(batch, out))


def report(
    folders: Annotated[list[Path], typer.Argument(help="folders that `lab grade` wrote")],
    out: Annotated[
        Path | None,
        typer.Option(help="folder for the summaries; default: the folder, if it is one"),
    ] = None,
) -> None:
    """Write the summaries again; merge several folders, the shards of a batch, into one."""
    from labkit.grading.batch.results import read_batch

    if out is None and len(folders) > 1:
        raise LabError("say where to write the summaries of several folders: --out DIR")
    batch = read_batch(folders)
    _conclude(batch, _summaries(batch, out or folders[0]))


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


def _conclude(batch: Batch, written: list[Path]) -> None:
    from labkit.grading.batch import tally

    count = tally.statuses(batch.rows)
    passed = sum(row.report.passed for row in batch.rows)
    broken = sum(any(c.outcome == "broken" for c in row.report.checks) for row in batch.rows)
    parts = [f"{passed} passed", f"{count['graded'] - passed} not passed"]
    parts += [f"{count[key]} {key.replace('_', ' ')}" for key in list(count)[1:] if count[key]]
    parts += [f"{broken} with a broken check"] if broken else []
    parts += [f"{len(batch.missing)} without a result"] if batch.missing else []
    console.print(f"{len(batch.rows)} submissions: {', '.join(parts)}")
    reports = [row.report for row in batch.rows]
    if without := sum(report.status == "graded" and not report.sandbox for report in reports):
        errors.print(
            f"{without} graded without a sandbox; `lab doctor` says whether this machine has one",
            style="yellow",
        )
    if batch.missing:
        some = ", ".join(one_line(name, 60) for name in batch.missing[:5])
        more = ", ..." if len(batch.missing) > 5 else ""
        errors.print(f"no result for: {escape(some)}{more}", style="yellow")
    for note in batch.notes:
        errors.print(escape(note), style="yellow")
    page = next(path for path in written if path.suffix == ".html")
    others = ", ".join(path.name for path in written if path != page)
    console.print(f"{escape(str(page))}; beside it {others}")
    raise typer.Exit(batch.exit_code)


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

"""Drive a streaming frame file by file, and see what each micro-batch took in, gave out and kept."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession

from labkit.checks.frames import require_frame
from labkit.checks.row_diff import terse
from labkit.checks.settings import settings
from labkit.verdict.blocks import Grid
from labkit.verdict.errors import AnswerError, short
from labkit.verdict.reason import from_text, to_text

# One file is one micro-batch, and none runs without a file. The rest is speed, measured on five
# files through one aggregation: 1.7 s with Spark's defaults, 0.8 s with these and the lab's own.
STREAM_SETTINGS = {
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
BATCH_HEAD = ("file", "rows in", "rows out", "watermark", "dropped", "state rows")
MOST_BATCHES = 12
LOG_BYTES = 1_000_000
FIRST_FILE = datetime(2020, 1, 1).timestamp()
SECONDS_APART = 60


@dataclass(frozen=True)
class MicroBatch:
    """What one micro-batch did.

    `watermark` is the one it ran with (None before the first event time is known), `dropped` what
    its stateful operators call numRowsDroppedByWatermark, `state_rows` their numRowsTotal.
    """

    number: int
    rows: tuple[Row, ...]
    input_rows: int
    watermark: datetime | None
    dropped: int
    state_rows: int


def add_file(folder: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """The next file of a stream's folder, JSON lines.

    A file source reads in the order of modification times, so these are set a minute apart, in
    the order of names. They never come from the clock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("*.json")))
    path = folder / f"{number:04d}.json"
    draft = path.with_suffix(".draft")
    lines = [
        json.dumps(dict(zip(columns, map(_plain, row), strict=True)), allow_nan=False)
        for row in rows
    ]
    # "x" writes through no link: an answer's processes may write beside this folder.
    with draft.open("x", encoding="utf-8") as out:
        out.writelines(f"{line}\n" for line in lines)
    os.utime(draft, (FIRST_FILE + number * SECONDS_APART,) * 2, follow_symlinks=False)
    draft.rename(path)  # a rename keeps the time, and no reader meets half a file
    return path


def checkpoint_files(checkpoint: Path, log: str) -> dict[str, str]:
    """The texts of the logs called `log` ("offsets", "sources") anywhere in a checkpoint, by path.

    An answer wrote them: ordinary files of up to LOG_BYTES, and never through a link.
    """
    found = {}
    for place, names, at in _folders(checkpoint):
        if log in Path(place).parts[len(checkpoint.parts) :]:
            for name in names:
                with suppress(OSError):
                    number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
                    with os.fdopen(number, "rb") as file:
                        if stat.S_ISREG(os.fstat(number).st_mode):
                            text = file.read(LOG_BYTES).decode("utf-8", "replace")
                            found[os.path.join(place, name)] = text
    return found


def _folders(checkpoint: Path) -> Iterator[tuple[str, list[str], int]]:
    """The folders of a checkpoint with the names of their files, opened; no link is followed."""
    with suppress(FileNotFoundError):  # an answer need not have one
        for place, _, names, at in os.fwalk(checkpoint):
            yield place, names, at


def forget_last_commit(checkpoint: Path) -> None:
    """Takes the last finished micro-batch out of each query's checkpoint, wherever it lies in there."""
    for place, names, at in _folders(checkpoint):
        numbers = [name for name in names if name.isascii() and name.isdecimal()]
        if numbers and Path(place).name == "commits":
            last = max(numbers, key=int)
            for name in (last, f".{last}.crc"):
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=at)


def file_stream(spark: SparkSession, ddl: str, folder: Path) -> DataFrame:
    """The folder as a streaming frame that takes one file a micro-batch."""
    reader = spark.readStream.schema(ddl).option("maxFilesPerTrigger", 1)
    return reader.json(str(folder), pathGlobFilter="*.json")


def run_stream(answer: Any, checkpoint: Path) -> tuple[MicroBatch, ...]:
    """Runs a learner's streaming frame in append mode over all files there are, then stops it.

    The same checkpoint again is a restart: it goes on with the files that are new since. What
    goes wrong while Spark runs the frame is the learner's error.
    """
    require_frame(answer)
    if not answer.isStreaming:
        raise AnswerError("failed", "returned a batch frame; a stream comes in, a stream goes out")
    found: dict[int, tuple[Row, ...]] = {}
    raised: list[BaseException] = []

    def keep(rows: DataFrame, number: int) -> None:
        try:
            found[number] = tuple(rows.collect())
        except Exception as error:
            raised.append(error)
            raise

    with settings(answer.sparkSession, STREAM_SETTINGS):
        query = None
        try:
            writer = answer.writeStream.foreachBatch(keep).outputMode("append")
            writer = writer.option("checkpointLocation", str(checkpoint))
            query = writer.trigger(availableNow=True).start()
            query.awaitTermination()
            progress = query.recentProgress
        except (PySparkException, Py4JError) as error:
            cause = raised[0] if raised else error
            raise AnswerError("error", _said(cause), original=cause) from error
        finally:
            if query is not None:
                query.stop()
    return tuple(
        _micro_batch(one, found[one["batchId"]]) for one in progress if one["batchId"] in found
    )


def with_batches(reason: str, batches: Sequence[MicroBatch]) -> str:
    """`reason` and below it a line for each micro-batch; `reason` alone in a hidden check."""
    if terse.get():
        return reason
    rows = []
    for batch in batches[:MOST_BATCHES]:
        watermark = batch.watermark.isoformat(sep=" ") if batch.watermark else "none"
        counts = batch.dropped, batch.state_rows
        cells = batch.number + 1, batch.input_rows, len(batch.rows), watermark, *counts
        rows.append(tuple(map(str, cells)))
    more = max(0, len(batches) - MOST_BATCHES)
    table = Grid("micro-batches, one a file", BATCH_HEAD, tuple(rows), more)
    return to_text([*from_text(reason), table])


def _micro_batch(progress: Mapping[str, Any], rows: tuple[Row, ...]) -> MicroBatch:
    told = progress["eventTime"].get("watermark")
    moment = datetime.fromisoformat(told).replace(tzinfo=None) if told else None
    states = progress["stateOperators"]
    return MicroBatch(
        number=int(progress["batchId"]),
        rows=rows,
        input_rows=int(progress["numInputRows"]),
        watermark=moment if moment and moment.year > 1970 else None,
        dropped=sum(int(state["numRowsDroppedByWatermark"]) for state in states),
        state_rows=sum(int(state["numRowsTotal"]) for state in states),
    )


def _said(error: BaseException) -> str:
    """Spark's message without plan, ids and folders of the query, which differ from run to run."""
    text = str(error)
    told = text.partition("terminated with exception: ")[2] or text
    told = told.partition("=== Streaming Query ===")[0].partition(";\n")[0].strip()
    return f"{type(error).__name__}: {told[:600]}" if told else short(error)


def _plain(value: Any) -> Any:
    return value.isoformat() + "Z" if isinstance(value, datetime) else value

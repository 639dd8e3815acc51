"""Commits of other writers that come while an answer reads a frame: conflicts on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from labkit.checks.table_folders import HELD, TableFolder, log_name


def let_in(frame: DataFrame, table: str) -> DataFrame:
    """`frame`; each time that it is read, the first commit that `table` holds back is made.

    A writer that reads it as its source has read the table's version by then, so its own commit
    meets the other one: as when two jobs run at once, but always in this order. It needs neither a
    second thread nor a wait. A held commit is made only where it fits, after the version that it was
    written for.
    """
    folder = _folder(frame.sparkSession, table)
    log, held = f"{folder}/_delta_log", f"{folder}/{HELD}"

    def commit(batches: Iterator[Any]) -> Iterator[Any]:
        import os

        made = [name for name in os.listdir(log) if os.path.exists(f"{log}/{name}")]
        newest = max(int(name[:20]) for name in made if name.endswith(".json"))
        following = f"{newest + 1:020}.json"
        on_write = os.path.islink(f"{log}/{following}")
        if os.path.exists(f"{held}/{following}") and not on_write:
            os.rename(f"{held}/{following}", f"{log}/{following}")
        yield from batches

    return frame.coalesce(1).mapInArrow(commit, frame.schema)


def let_in_on_write(spark: SparkSession, table: str, partition: str, version: int) -> None:
    """Has a commit that `table` holds back be made when a writer writes to this partition at last.

    `partition` is a folder, such as "place=Bari", which isn't there yet: files of `write_commits`
    lie beside it. Whoever creates it has read the table's version and has not committed yet. So a
    writer meets this commit whatever it has read before, and however often. The commits before it
    have to be there by then; `let_in` makes those after it.
    """
    folder = TableFolder(spark, table)
    # The way to the held commit leads through the partition's folder. Until that is there, the link
    # leads nowhere, and nobody who lists the log sees it.
    folder.link(log_name(version), f"../{partition}/../{log_name(version, HELD)}")


def hold_back(spark: SparkSession, table: str, *writers: Callable[[str], object]) -> None:
    """Has these writers write to `table`, one after the other; their commits are held back.

    Each is called with the name of a copy of the table, and commits there.
    """
    folder = _folder(spark, table)
    copy = f"{folder}_copy"
    start = _in_worker(spark, _copy(folder, copy))
    for write in writers:
        write(f"delta.`{copy}`")
    _in_worker(spark, _take(copy, folder, start))


def _folder(spark: SparkSession, table: str) -> str:
    # By SQL, not by `table_folder`: notebooks call this too, and a graded one can't ask Delta's log
    # in the JVM. DESCRIBE DETAIL would cost a job.
    told = spark.sql(f"DESCRIBE TABLE EXTENDED {table}")
    location = next(row.data_type for row in told.collect() if row.col_name == "Location")
    return str(location).removeprefix("file:")


def _in_worker(spark: SparkSession, work: Callable[[], int]) -> int:
    """What `work` returns, called where Spark may write: the answer's own process may not."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        for _ in batches:
            pass
        yield pyarrow.RecordBatch.from_pydict({"id": [work()]})

    row = spark.range(1, numPartitions=1).mapInArrow(run, "id long").first()
    assert row is not None
    return int(row.id)


# Functions within functions: they go to Spark's workers as they are, and labkit isn't needed there.
def _copy(folder: str, copy: str) -> Callable[[], int]:
    def work() -> int:
        import os
        import shutil

        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(HELD))
        return sum(name.endswith(".json") for name in os.listdir(f"{copy}/_delta_log"))

    return work


def _take(copy: str, folder: str, start: int) -> Callable[[], int]:
    held = f"{folder}/{HELD}"

    def work() -> int:
        import os
        import shutil

        shutil.rmtree(held, ignore_errors=True)
        os.makedirs(held)
        commits = sorted(n for n in os.listdir(f"{copy}/_delta_log") if n.endswith(".json"))
        for name in commits[start:]:
            os.rename(f"{copy}/_delta_log/{name}", f"{held}/{name}")
        shutil.rmtree(f"{copy}/_delta_log")
        shutil.copytree(copy, folder, dirs_exist_ok=True)
        shutil.rmtree(copy)
        return len(commits)

    return work

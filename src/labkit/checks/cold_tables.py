"""Tables that are a log alone: files of any size with their statistics, none of them on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pyspark.sql import SparkSession

from labkit.checks.table_folders import Commit, TableFolder
from labkit.checks.tables import require_in_its_database, table_version


@dataclass(frozen=True)
class ColdFile:
    """A data file as the log tells of it: its size, its rows, and the statistics of its columns.

    `ranges` has the least and the greatest value of each column with statistics; (None, None) says
    that the file holds nulls alone there. `nulls` counts those of other columns. A column that isn't
    in `ranges` has no statistics. `partition` has the values of the partition columns, as text.
    """

    bytes: int
    rows: int
    ranges: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    nulls: Mapping[str, int] = field(default_factory=dict)
    partition: Mapping[str, str | None] = field(default_factory=dict)


def write_cold_table(
    spark: SparkSession,
    table: str,
    ddl: str,
    commits: Iterable[Mapping[str, ColdFile | None]],
    *,
    partition_by: Sequence[str] = (),
) -> None:
    """A new Delta table whose commits add these files by path, or remove them (None); no Spark job.

    No data file is written. Whoever opens one fails, as in an archive that answers tomorrow; the
    log answers what it always does.
    """
    by = f"PARTITIONED BY ({', '.join(partition_by)})" if partition_by else ""
    spark.sql(f"CREATE TABLE {table} ({ddl}) USING delta {by}")
    require_in_its_database(spark, table)
    folder = TableFolder(spark, table)
    for version, files in enumerate(commits, 1):
        _commit(folder, version, files)


def write_cold_commit(
    spark: SparkSession, table: str, files: Mapping[str, ColdFile | None]
) -> None:
    """One more commit of such a table; no Spark job."""
    _commit(TableFolder(spark, table), table_version(spark, table).number + 1, files)


def _commit(folder: TableFolder, version: int, files: Mapping[str, ColdFile | None]) -> None:
    operation = "WRITE" if any(files.values()) else "DELETE"
    actions = [_action(folder, path, file) for path, file in files.items()]
    folder.commit(version, Commit(operation), {}, actions)


def _action(folder: TableFolder, path: str, file: ColdFile | None) -> dict[str, Any]:
    if file is None:
        return {"remove": {"path": path, "deletionTimestamp": folder.now, "dataChange": True}}
    return {
        "add": {
            "path": path,
            "partitionValues": dict(file.partition),
            "size": file.bytes,
            "modificationTime": folder.now,
            "dataChange": True,
            "stats": json.dumps(_stats(file)),
        }
    }


def _stats(file: ColdFile) -> dict[str, Any]:
    ranges = {name: ends for name, ends in file.ranges.items() if ends[0] is not None}
    counts = {name: 0 if name in ranges else file.rows for name in file.ranges}
    return {
        "numRecords": file.rows,
        "minValues": {name: _value(least) for name, (least, _) in ranges.items()},
        "maxValues": {name: _value(greatest) for name, (_, greatest) in ranges.items()},
        "nullCount": {**counts, **file.nulls},
    }


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    return value.isoformat() if isinstance(value, date) else value

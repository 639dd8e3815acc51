"""Tables whose past is made up: commits of any age without a Spark job, and the files on disk."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from labkit.checks.table_folders import (
    HELD,
    LOG,
    Commit,
    StoredFile,
    TableFolder,
    log_name,
    summed_up,
    sums_name,
)
from labkit.checks.tables import (
    live_files,
    require_in_its_database,
    table_metadata,
    table_version,
)


def write_commits(
    spark: SparkSession,
    table: str,
    ddl: str,
    commits: Iterable[Commit],
    properties: Mapping[str, str] | None = None,
    *,
    key: str | Sequence[str] = "",
    partition_by: str = "",
    held: int = 0,
) -> list[str]:
    """A new Delta table whose versions from 1 on are these commits, as another engine wrote them.

    `key` is the column by which rows are told apart, the first one unless given; of several columns
    it is a tuple of their values. The last `held` commits aren't in the log yet, but beside it, for
    `let_in`. Returns the path of the data file that each commit adds; "" where it adds none, and
    one of them where partitions add several. Version 0 is a CREATE TABLE as old as the oldest
    commit. A commit costs milliseconds, where Spark's own takes a second. Its metrics have the
    names that Spark's commits give them.
    """
    by = f"PARTITIONED BY ({partition_by})" if partition_by else ""
    spark.sql(f"CREATE TABLE {table} ({ddl}) USING delta {by} {_properties(properties or {})}")
    require_in_its_database(spark, table)
    folder = TableFolder(spark, table)
    schema = to_arrow_schema(StructType.fromDDL(ddl), timezone="UTC")
    columns = [key] if isinstance(key, str) else key
    at = [schema.names.index(column) if column else 0 for column in columns]
    part = schema.names.index(partition_by) if partition_by else None
    past = list(commits)
    oldest = max((commit.days_ago for commit in past), default=0)
    folder.set_age(log_name(0), oldest)
    sums = json.loads(folder.read(sums_name(0)))
    live: dict[str, dict[Any, tuple[Any, ...]]] = {}
    adds: dict[str, dict[str, Any]] = {}
    versions, added = [live], []
    for version, commit in enumerate(past, 1):
        name, counts = "", dict[str, int]()
        if commit.operation == "RESTORE":
            after = versions[commit.to]
        else:
            put = {_key(row, at): row for row in commit.rows}
            keys = put.keys() | set(commit.gone)
            is_optimize = commit.operation == "OPTIMIZE"
            touched = {old: rows for old, rows in live.items() if is_optimize or keys & rows.keys()}
            before = {k: row for rows in touched.values() for k, row in rows.items()}
            rows, counts = _written(commit, put, before)
            after = {name: rows for name, rows in live.items() if name not in touched}
            for number, (value, some) in reversed([*enumerate(_parts(rows, part).items())]):
                name = f"part-{version:05}-c{number:03}.snappy.parquet"
                values = [dict(zip(schema.names, row, strict=True)) for row in some.values()]
                data = pa.Table.from_pylist(values, schema=schema)
                if partition_by:
                    data = data.drop_columns([partition_by])
                told = None if value is None else str(value)
                partition = {partition_by: told} if partition_by else {}
                adds[name] = folder.add(name, data, commit, partition)
                after[name] = some
        actions = [
            folder.remove(old, commit, adds[old]["add"]["partitionValues"])
            for old in live
            if old not in after
        ]
        actions += [adds[new] for new in after if new not in live]
        if commit.operation == "OPTIMIZE":
            counts = {
                f"num{what}Files": sum(action in one for one in actions)
                for action, what in (("remove", "Removed"), ("add", "Added"))
            }
        if commit.operation == "SET TBLPROPERTIES":
            metadata = table_metadata(spark, table)
            metadata["configuration"] |= dict([commit.says])
            actions.append({"metaData": metadata})
        log = HELD if version > len(past) - held else LOG
        written = folder.commit(version, commit, counts, actions, log)
        if log == LOG:
            sums = summed_up(sums, written)
            folder.write(sums_name(version), json.dumps(sums).encode())
        live = after
        versions.append(live)
        added.append(name)
    return added


def write_restore(spark: SparkSession, table: str, version: int) -> None:
    """What RESTORE does to any table, without its many small jobs: a commit that writes no file."""
    folder, commit = TableFolder(spark, table), Commit("RESTORE", to=version)
    now, then = live_files(spark, table), live_files(spark, table, version)
    actions = [folder.remove(name, commit) for name in now if name not in then]
    actions += [{"add": action} for name, action in then.items() if name not in now]
    folder.commit(table_version(spark, table).number + 1, commit, {}, actions)


def write_clone(
    spark: SparkSession, table: str, clone: str, *, version: int, without: Collection[str] = ()
) -> None:
    """A shallow clone of a version, which then deleted the rows of the files `without`."""
    source = TableFolder(spark, table)
    fields = spark.table(table).schema.fields
    ddl = ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in fields)
    spark.sql(f"CREATE TABLE {clone} ({ddl}) USING delta")
    require_in_its_database(spark, clone)
    folder, commit = TableFolder(spark, clone), Commit("CLONE")
    adds = {
        name: {**action, "path": source.path(name).toUri().toString()}
        for name, action in live_files(spark, table, version).items()
    }
    folder.commit(1, commit, {}, [{"add": action} for action in adds.values()])
    removes = [
        {
            "remove": {
                "path": adds[name]["path"],
                "deletionTimestamp": folder.now,
                "dataChange": True,
            }
        }
        for name in without
    ]
    if removes:
        folder.commit(2, Commit("DELETE"), {}, removes)


def stored_files(spark: SparkSession, table: str) -> dict[str, StoredFile]:
    """The data files in a table's folder, live or not, by their path in it; nothing hidden."""
    return TableFolder(spark, table).files()


def add_stray_file(
    spark: SparkSession,
    table: str,
    path: str,
    *,
    days_ago: float,
    size: int = 1000,
    data: bytes = b"",
) -> None:
    """A file in a table's folder that no commit names, of this age and with `size` zeros or `data`."""
    folder = TableFolder(spark, table)
    folder.write(path, data or bytes(size))
    folder.set_age(path, days_ago)


def _properties(properties: Mapping[str, str]) -> str:
    told = ", ".join(f"'{name}' = '{value}'" for name, value in properties.items())
    return f"TBLPROPERTIES ({told})" if told else ""


def _written(
    commit: Commit, put: Mapping[Any, tuple[Any, ...]], before: Mapping[Any, tuple[Any, ...]]
) -> tuple[dict[Any, tuple[Any, ...]], dict[str, int]]:
    """The rows that a commit writes in place of `before`, and what its metrics count."""
    kept = {k: row for k, row in before.items() if k not in put and k not in commit.gone}
    updated = len(before.keys() & put.keys())
    inserted, copied = len(put) - updated, len(kept)
    deleted = len(before.keys() & set(commit.gone))
    counts = {
        "WRITE": {"numFiles": 1, "numOutputRows": inserted},
        "UPDATE": {"numUpdatedRows": updated, "numCopiedRows": copied},
        "DELETE": {"numDeletedRows": deleted, "numCopiedRows": copied},
        "MERGE": {
            "numSourceRows": len(put) + len(commit.gone),
            "numTargetRowsInserted": inserted,
            "numTargetRowsUpdated": updated,
            "numTargetRowsDeleted": deleted,
            # As if half of them were rows that the source didn't have.
            "numTargetRowsMatchedUpdated": updated - updated // 2,
            "numTargetRowsMatchedDeleted": deleted - deleted // 2,
            "numTargetRowsNotMatchedBySourceUpdated": updated // 2,
            "numTargetRowsNotMatchedBySourceDeleted": deleted // 2,
            "numTargetRowsCopied": copied,
            "numOutputRows": inserted + updated + copied,
        },
    }
    return {**kept, **put}, counts.get(commit.operation, {})


def _key(row: tuple[Any, ...], at: Sequence[int]) -> Any:
    return tuple(row[place] for place in at) if len(at) > 1 else row[at[0]]


def _parts(
    rows: dict[Any, tuple[Any, ...]], part: int | None
) -> dict[Any, dict[Any, tuple[Any, ...]]]:
    """The rows of each partition, by its value; all of them under one where there are none."""
    parts: dict[Any, dict[Any, tuple[Any, ...]]] = {}
    for key, row in rows.items():
        parts.setdefault(None if part is None else row[part], {})[key] = row
    return parts

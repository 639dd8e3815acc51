"""What a learner wrote to a Delta table: rows, versions, and the files each version added and removed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from py4j.java_gateway import JavaObject
from py4j.protocol import Py4JError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Row, SparkSession
from pyspark.sql.types import StructType

from labkit.checks.frames import assert_frame, collect, make_frame
from labkit.checks.log_watch import lost_commits
from labkit.spark.lease import TABLES
from labkit.verdict.errors import AnswerError, short

# The property by which columns have names of their own in the files.
MAPPING = "delta.columnMapping.mode"


@dataclass(frozen=True)
class TableChanges:
    """What the commits after a version did: data files added and removed, one operation a commit.

    A file that only gets a deletion vector counts as both added and removed only when its path
    changes; rewriting is a new path.
    """

    versions: int
    added: frozenset[str]
    removed: frozenset[str]
    operations: tuple[str, ...]


@dataclass(frozen=True)
class TableVersion:
    """A version of a table, by number; which table it is of; its data files, and where it lies."""

    number: int
    identity: str
    files: frozenset[str]
    place: str


def _table(spark: SparkSession, table: str) -> Any:
    try:
        return spark.table(table)
    except AnalysisException as error:
        raise AnswerError(
            "failed", f"table {table.split('.')[-1]} can't be read: {short(error)}", original=error
        ) from error


def make_table(
    spark: SparkSession,
    table: str,
    ddl: str,
    rows: Sequence[Any] = (),
    *,
    partition_by: str | None = None,
) -> None:
    """A Delta table of these rows, in one commit and a file a partition; replaces one of its name."""
    spark.sql(f"DROP TABLE IF EXISTS {table}")
    if not rows:  # a write of no rows would plan and run a job for nothing
        by = f"PARTITIONED BY ({partition_by})" if partition_by else ""
        spark.sql(f"CREATE TABLE {table} ({ddl}) USING delta {by}")
        require_in_its_database(spark, table)
        return
    writer = make_frame(spark, ddl, rows).coalesce(1).write.format("delta")
    if partition_by:
        writer = writer.partitionBy(partition_by)
    writer.saveAsTable(table)
    require_in_its_database(spark, table)


def table_columns(spark: SparkSession, table: str) -> StructType | None:
    """The columns of a table, of which its files have the same names; None where they haven't."""
    metadata = _snapshot(spark, table)[1].metadata()
    if metadata.configuration().contains(MAPPING):
        return None
    return StructType.fromJson(json.loads(metadata.schemaString()))


def table_rows(spark: SparkSession, table: str) -> list[Row]:
    """All rows of a table that the learner wrote; a missing table is the learner's failure."""
    return collect(_table(spark, table))


def assert_table(
    spark: SparkSession,
    table: str,
    expected: Iterable[Any],
    *,
    key: str | Sequence[str],
    schema: str | None = None,
    columns: Sequence[str] | None = None,
) -> list[Row]:
    """`assert_frame` for a table that the learner wrote."""
    return assert_frame(_table(spark, table), expected, key=key, schema=schema, columns=columns)


def _log(spark: SparkSession, table: str) -> JavaObject:
    jvm = spark._jvm
    assert jvm is not None
    identifier = spark._jsparkSession.sessionState().sqlParser().parseTableIdentifier(table)
    try:
        return jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, identifier)
    except (PySparkException, Py4JError) as error:
        raise AnswerError(
            "failed", f"{table.split('.')[-1]} is no Delta table: {short(error)}", original=error
        ) from error


def _snapshot(spark: SparkSession, table: str) -> tuple[JavaObject, JavaObject]:
    log = _log(spark, table)
    if lost_commits(str(log.logPath().toUri().getPath())):
        raise AnswerError("failed", f"{table.split('.')[-1]}: a commit was taken out of its log")
    empty = spark._jvm.scala.Option.empty()
    snapshot = log.update(False, empty, empty)
    if int(snapshot.version()) < 0:
        raise AnswerError("failed", f"{table.split('.')[-1]} is no Delta table")
    return log, snapshot


def table_folder(spark: SparkSession, table: str) -> JavaObject:
    """Where a Delta table lies, as Hadoop's Path; no Spark job."""
    path: JavaObject = _log(spark, table).dataPath()
    return path


def table_version(spark: SparkSession, table: str) -> TableVersion:
    """The newest version of a Delta table; no Spark job."""
    number = int(_snapshot(spark, table)[1].version())
    files = frozenset(table_files(spark, table))
    place = table_folder(spark, table).toString()
    return TableVersion(number, table_identity(spark, table), files, place)


def table_identity(spark: SparkSession, table: str) -> str:
    """The id in a Delta table's first commit: another one for a table dropped and made again."""
    return str(table_metadata(spark, table)["id"])


def is_another_table(spark: SparkSession, table: str, since: TableVersion) -> bool:
    """Whether a table was dropped and made again since a version, or moved to other files."""
    place = table_folder(spark, table).toString()
    return (table_identity(spark, table), place) != (since.identity, since.place)


def require_in_its_database(spark: SparkSession, table: str) -> None:
    """AnswerError when a table's files lie elsewhere in a graded run: an answer can write there itself.

    It may have made the table so, or the database in which a check made it.
    """
    if spark.conf.get(TABLES, None):
        state = spark._jsparkSession.sessionState()
        identifier = state.sqlParser().parseTableIdentifier(table)
        place = state.catalog().getTableMetadata(identifier).location()
        # Other file systems of Hadoop's show other files under the same path.
        is_file = str(place.getScheme()) == "file"
        require_in_tables(spark, table, str(place.getPath() if is_file else place))


def require_in_tables(spark: SparkSession, table: str, place: str) -> None:
    """AnswerError when `place`, where a table lies, is not in the folder of a graded run's databases."""
    folder = spark.conf.get(TABLES, None)
    if folder and not PurePosixPath(place).is_relative_to(folder.removeprefix("file://")):
        raise AnswerError("failed", f"{table.split('.')[-1]} lies elsewhere than in its database")


def table_metadata(spark: SparkSession, table: str) -> dict[str, Any]:
    """What a Delta table's first commit says of it: id, schema, partitions, properties."""
    (first,) = _commits(spark, _snapshot(spark, table)[0], 0, 0)
    found: list[dict[str, Any]] = [one["metaData"] for one in first if "metaData" in one]
    if not found:
        raise AnswerError("failed", f"{table.split('.')[-1]} is no Delta table")
    return found[0]


def changes_since(spark: SparkSession, table: str, since: TableVersion) -> TableChanges:
    """The commits after a version, from the actions of the Delta log; no Spark job.

    Of a table that was dropped and made again: all of its commits, and all earlier files removed.
    """
    log, snapshot = _snapshot(spark, table)
    is_another = is_another_table(spark, table, since)
    first, last = 0 if is_another else since.number + 1, int(snapshot.version())
    added: set[str] = set()
    removed = set(since.files) if is_another else set()
    operations = []
    for actions in _commits(spark, log, first, last):
        for action in actions:
            if "add" in action:
                added.add(action["add"]["path"])
            elif "remove" in action:
                removed.add(action["remove"]["path"])
            elif "commitInfo" in action:
                operations.append(str(action["commitInfo"]["operation"]))
    return TableChanges(
        last - first + 1, frozenset(added - removed), frozenset(removed - added), tuple(operations)
    )


def log_since(spark: SparkSession, table: str, number: int) -> list[list[dict[str, Any]]]:
    """The actions of each commit after version `number`, as the log has them; no Spark job."""
    log, snapshot = _snapshot(spark, table)
    return list(_commits(spark, log, number + 1, int(snapshot.version())))


def table_files(spark: SparkSession, table: str) -> dict[str, int]:
    """The data files of the newest version and how many rows each holds, deletion vectors applied."""
    found = {}
    for path, add in live_files(spark, table).items():
        rows = int(json.loads(add.get("stats") or "{}").get("numRecords", -1))
        found[path] = rows - int((add.get("deletionVector") or {}).get("cardinality", 0))
    return found


def live_files(
    spark: SparkSession, table: str, version: int | None = None
) -> dict[str, dict[str, Any]]:
    """The data files of a version, the newest unless given: the log's `add` action of each path."""
    log, snapshot = _snapshot(spark, table)
    last = int(snapshot.version()) if version is None else version
    live: dict[str, dict[str, Any]] = {}
    for actions in _commits(spark, log, 0, last):
        for action in actions:
            if "remove" in action:
                live.pop(action["remove"]["path"], None)
        for action in actions:
            if "add" in action:
                live[action["add"]["path"]] = action["add"]
    return live


def _commits(
    spark: SparkSession, log: JavaObject, first: int, last: int
) -> Iterator[list[dict[str, Any]]]:
    """The actions of each commit from `first` to `last`, read from the log's JSON files."""
    store, path = log.store(), log.logPath()
    conf = log.newDeltaHadoopConf()
    names = spark._jvm.org.apache.spark.sql.delta.util.FileNames
    for version in range(first, last + 1):
        lines = store.read(names.unsafeDeltaFile(path, version), conf)
        iterator = lines.iterator()
        found = []
        while iterator.hasNext():
            found.append(json.loads(iterator.next()))
        yield found

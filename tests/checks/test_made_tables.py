"""Tables with a made-up past: Delta reads them, and they tell what Spark's own commits tell."""

import json

import pytest
from pyspark.errors import PySparkException

from labkit.checks import (
    Commit,
    add_stray_file,
    assert_table,
    stored_files,
    table_files,
    write_clone,
    write_commits,
    write_restore,
)
from labkit.checks.table_folders import TableFolder, sums_name

DDL = "id long, v string"
PAST = [
    Commit("WRITE", [(1, "a"), (2, "b"), (3, None)], days_ago=3, txn=("loader", 1)),
    Commit("UPDATE", [(2, "c")], days_ago=2),
    Commit("MERGE", [(3, "d"), (4, "d")], gone=[1], days_ago=1),
    Commit("OPTIMIZE"),
    Commit("DELETE", gone=[4]),
]


@pytest.fixture(scope="module")
def made(spark, shared_schema):
    """A table's name, and the file that each commit added."""
    name = f"{shared_schema}.made"
    return name, write_commits(spark, name, DDL, PAST)


def test_each_version_has_its_rows(spark, made):
    name, _ = made
    versions = {1: [(1, "a"), (2, "b"), (3, None)], 2: [(1, "a"), (2, "c"), (3, None)]}
    for version, rows in versions.items():
        read = spark.read.option("versionAsOf", version).table(name)
        assert sorted(map(tuple, read.collect())) == rows
    assert_table(spark, name, [(2, "c"), (3, "d")], key="id", schema=DDL)


def test_history_tells_what_a_commit_of_spark_tells(spark, made):
    name, files = made
    spark_made = f"{name}_by_spark"
    spark.sql(f"CREATE TABLE {spark_made} ({DDL}) USING delta")
    spark.sql(f"INSERT INTO {spark_made} VALUES (1, 'a'), (2, 'b'), (3, null)")
    spark.sql(f"UPDATE {spark_made} SET v = 'c' WHERE id = 2")
    spark.sql(
        f"MERGE INTO {spark_made} AS t "
        "USING (SELECT * FROM VALUES (1, 'x'), (3, 'd'), (4, 'd') AS s (id, v)) AS s "
        "ON t.id = s.id WHEN MATCHED AND s.id = 1 THEN DELETE "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    spark.sql(f"DELETE FROM {spark_made} WHERE id = 4")
    of_spark, of_ours = (
        {row.version: row for row in spark.sql(f"DESCRIBE HISTORY {table}").collect()}
        for table in (spark_made, name)
    )
    for version, mine in ((1, 1), (2, 2), (3, 3), (4, 5)):
        theirs, ours = of_spark[version], of_ours[mine]
        assert ours.operation == theirs.operation
        assert ours.operationMetrics.keys() <= theirs.operationMetrics.keys()
        # Spark may write several files, and then copies less.
        names = ours.operationMetrics.keys() - {
            *("numFiles", "numCopiedRows", "numTargetRowsCopied", "numOutputRows")
        }
        assert {name: ours.operationMetrics[name] for name in names} == {
            name: theirs.operationMetrics[name] for name in names
        }
    assert of_ours[4].operationMetrics == {"numRemovedFiles": "1", "numAddedFiles": "1"}
    assert set(table_files(spark, name)) == {files[-1]}


def test_delta_reads_its_sums_and_they_are_its_own(spark, shared_schema):
    """Delta writes the sums of the next version from those of ours; here it checks them, too."""
    name = f"{shared_schema}.summed"
    past = [*PAST, Commit("SET TBLPROPERTIES", says=("delta.appendOnly", "false"))]
    write_commits(spark, name, DDL, past)
    folder = TableFolder(spark, name)
    made = json.loads(folder.read(sums_name(len(past))))
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('a' = 'b')")
    next_one = json.loads(folder.read(sums_name(len(past) + 1)))
    for file in next_one["allFiles"]:
        assert file.pop("tags") == {}  # Delta's, where a file has none
    same = ("allFiles", "numFiles", "protocol", "setTransactions", "tableSizeBytes")
    assert {key: next_one[key] for key in same} == {key: made[key] for key in same}
    assert made["setTransactions"] == [{"appId": "loader", "version": 1}]
    assert made["metadata"]["configuration"] == {"delta.appendOnly": "false"}
    for version in range(len(past) + 2):
        folder.fs.delete(folder.path(sums_name(version)), False)
    copy = f"{shared_schema}.not_summed"
    spark.sql(f"CREATE TABLE {copy} SHALLOW CLONE {name}")
    told, without = (spark.sql(f"DESCRIBE DETAIL {table}").collect()[0] for table in (name, copy))
    assert (told.numFiles, told.sizeInBytes) == (without.numFiles, without.sizeInBytes)
    assert (made["numFiles"], made["tableSizeBytes"]) == (told.numFiles, told.sizeInBytes)


def test_ages_are_those_that_were_said(spark, made):
    name, files = made
    add_stray_file(spark, name, "lost.parquet", days_ago=30, size=7)
    add_stray_file(spark, name, "_hidden", days_ago=30)
    found = stored_files(spark, name)
    assert found.keys() == {*files, "lost.parquet"}
    assert found["lost.parquet"].bytes == 7
    days = [
        round((found[files[-1]].modified_ms - found[one].modified_ms) / 86_400_000, 2)
        for one in ("lost.parquet", *files[:3])
    ]
    assert days == [30, 3, 2, 1]


def test_the_log_says_since_when_a_file_is_gone(spark, shared_schema):
    """Delta refuses versions that are older than the table keeps its past."""
    name = f"{shared_schema}.kept"
    kept = {"delta.deletedFileRetentionDuration": "interval 1 days"}
    write_commits(spark, name, DDL, PAST, kept)
    with pytest.raises(PySparkException, match="deletedFileRetentionDuration"):
        spark.read.option("versionAsOf", 2).table(name).collect()
    assert spark.read.option("versionAsOf", 4).table(name).count() == 3


def test_restore_brings_back_files_and_leaves_the_numbers_of_writers(spark, frame, shared_schema):
    name = f"{shared_schema}.restored"
    first, second = write_commits(
        spark,
        name,
        DDL,
        [Commit("WRITE", [(1, "a")]), Commit("WRITE", [(2, "b")], txn=("loader", 1))],
    )
    write_restore(spark, name, 1)
    assert set(table_files(spark, name)) == {first}
    lost = frame(DDL, [(2, "b")]).write.format("delta").mode("append")
    lost.option("txnAppId", "loader").option("txnVersion", 1).saveAsTable(name)
    assert_table(spark, name, [(1, "a")], key="id")  # Delta takes it as written
    write_restore(spark, name, 2)
    assert set(table_files(spark, name)) == {first, second}
    newest = spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").collect()[0]
    assert (newest.operation, newest.operationParameters) == ("RESTORE", {"version": "2"})


def test_clone_reads_files_of_its_source(spark, shared_schema):
    name, clone = f"{shared_schema}.source", f"{shared_schema}.clone"
    past = [Commit("WRITE", [(1, "a")]), Commit("WRITE", [(2, "b")]), Commit("WRITE", [(3, "c")])]
    first, second, _ = write_commits(spark, name, DDL, past)
    write_clone(spark, name, clone, version=2, without=[second])
    assert_table(spark, clone, [(1, "a")], key="id", schema=DDL)
    assert [path.rpartition("/")[2] for path in spark.table(clone).inputFiles()] == [first]
    assert stored_files(spark, clone) == {}


def test_rows_may_be_told_apart_by_another_column(spark, shared_schema):
    name = f"{shared_schema}.by_name"
    past = [Commit("WRITE", [(1, "a"), (2, "b")]), Commit("UPDATE", [(9, "b")])]
    write_commits(spark, name, DDL, past, key="v")
    assert_table(spark, name, [(1, "a"), (9, "b")], key="id")

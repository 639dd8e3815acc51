"""Commits of others that come while a frame is read."""

import pytest
from delta.exceptions import ConcurrentAppendException, MetadataChangedException
from delta.tables import DeltaTable

from labkit.checks import (
    Commit,
    hold_back,
    let_in,
    let_in_on_write,
    table_rows,
    table_version,
    write_commits,
)
from labkit.spark.lease import TABLES
from labkit.verdict.errors import AnswerError

DDL = "place string, id string, n long"
ROWS = [("Bari", "a", 1), ("Cork", "a", 2)]


def merge(spark, table, changes):
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(changes.alias("new"), "old.place = new.place AND old.id = new.id")
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute()
    )


def operations(spark, table):
    return [row.operation for row in spark.sql(f"DESCRIBE HISTORY {table}").collect()][::-1]


def test_each_read_lets_one_commit_in_and_a_writer_meets_it(spark, frame, schema):
    table = f"{schema}.met"
    held = [
        Commit("MERGE", [("Cork", "a", 3), ("Cork", "b", 4)]),
        Commit("SET TBLPROPERTIES", says=("team", "x")),
    ]
    commits = [Commit("WRITE", ROWS), *held]
    key = ["place", "id"]
    write_commits(spark, table, DDL, commits, key=key, partition_by="place", held=2)
    assert sorted(map(tuple, table_rows(spark, table))) == ROWS
    changes = let_in(frame(DDL, [("Bari", "a", 9)]), table)
    for conflict in (ConcurrentAppendException, MetadataChangedException):
        with pytest.raises(conflict):
            merge(spark, table, changes)
    merge(spark, table, changes)
    assert sorted(map(tuple, table_rows(spark, table))) == [
        ("Bari", "a", 9),
        ("Cork", "a", 3),
        ("Cork", "b", 4),
    ]
    assert operations(spark, table)[1:] == ["WRITE", "MERGE", "SET TBLPROPERTIES", "MERGE"]


def test_a_writer_that_read_the_frame_before_meets_a_commit_as_well(spark, frame, schema):
    table = f"{schema}.met_on_write"
    held = [
        Commit("WRITE", [("Cork", "b", 4)]),
        Commit("WRITE", [("Cork", "c", 5)]),
        Commit("WRITE", [("Cork", "d", 6)]),
    ]
    commits = [Commit("WRITE", ROWS), *held]
    write_commits(
        spark, table, DDL, commits, key=["place", "id"], partition_by="place", held=len(held)
    )
    let_in_on_write(spark, table, "place=Bari", 3)
    assert table_version(spark, table).number == 1
    changes = let_in(frame(DDL, [("Bari", "a", 9)]), table)
    remembered = frame(DDL, changes.collect())
    assert table_version(spark, table).number == 2
    with pytest.raises(ConcurrentAppendException):
        merge(spark, table, remembered)
    assert table_version(spark, table).number == 3
    changes.count()
    merge(spark, table, remembered)
    assert sorted(map(tuple, table_rows(spark, table))) == [
        ("Bari", "a", 9),
        ROWS[1],
        *(row for commit in held for row in commit.rows),
    ]
    assert table_version(spark, table).number == 5


def test_what_another_writer_did_to_a_copy_is_held_back(spark, frame, schema):
    table = f"{schema}.held"
    write_commits(spark, table, DDL, [Commit("WRITE", ROWS)], key=["place", "id"])
    hold_back(spark, table, lambda copy: spark.sql(f"DELETE FROM {copy} WHERE n = 2"))
    assert operations(spark, table) == ["CREATE TABLE", "WRITE"]
    changes = let_in(frame(DDL, [("Bari", "b", 5)]), table)
    changes.count()
    assert operations(spark, table)[2:] == ["DELETE"]
    merge(spark, table, changes)  # nothing is held any more
    assert sorted(map(tuple, table_rows(spark, table))) == [ROWS[0], ("Bari", "b", 5)]


def test_no_commit_is_moved_where_an_answer_may_have_put_links(spark, frame, schema, tmp_path):
    table = f"{schema}.elsewhere"
    write_commits(spark, table, DDL, [Commit("WRITE", ROWS)], held=1)
    spark.conf.set(TABLES, tmp_path.as_uri())
    try:
        with pytest.raises(AnswerError, match="elsewhere lies elsewhere than in its database"):
            let_in(frame(DDL, ROWS), table)
    finally:
        spark.conf.unset(TABLES)

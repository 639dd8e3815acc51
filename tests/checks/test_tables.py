"""Delta tables seen through their log: versions, files, and what a commit rewrote."""

import shutil
from dataclasses import replace
from datetime import date

import pytest

from labkit.checks import (
    Commit,
    assert_table,
    changes_since,
    make_table,
    table_files,
    table_identity,
    table_rows,
    table_version,
    write_cold_table,
    write_commits,
)
from labkit.checks.tables import is_another_table, table_folder
from labkit.spark.lease import TABLES
from labkit.verdict.errors import AnswerError


@pytest.fixture(scope="module")
def table(spark, frame, shared_schema):
    name = f"{shared_schema}.items"
    write = frame("id long, v string", [(1, "a")]).write.format("delta")
    write.option("delta.enableDeletionVectors", "true").saveAsTable(name)
    frame("id long, v string", [(2, "b"), (3, "c")]).coalesce(1).write.format("delta").mode(
        "append"
    ).saveAsTable(name)
    return name


def test_made_table_has_its_rows_and_replaces_another(spark, shared_schema):
    name, ddl = f"{shared_schema}.made", "id long, day date"
    for rows in ([(1, date(2026, 1, 1)), (2, date(2026, 1, 2)), (3, None)], []):
        make_table(spark, name, ddl, rows, partition_by="day")
        assert_table(spark, name, rows, key="id", schema=ddl)
        assert table_version(spark, name).number == 0
        assert len(table_files(spark, name)) == len(rows)  # one for each day


def test_version_and_rows(spark, table):
    assert table_version(spark, table).number >= 1
    assert {row.id for row in table_rows(spark, table)} >= {1}


def test_changes_of_an_append_are_one_version_with_added_files_only(spark, table):
    start = replace(table_version(spark, table), number=0)
    changes = changes_since(spark, table, start)
    assert changes.versions == len(changes.operations) >= 1
    assert changes.operations[0] == "WRITE"
    assert len(changes.added) == 1
    assert not changes.removed


def test_deletion_vector_rewrites_no_file_and_counts_rows_out(spark, table):
    before, files = table_version(spark, table), table_files(spark, table)
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    spark.sql(f"DELETE FROM {table} WHERE id = 2")
    changes = changes_since(spark, table, before)
    assert not changes.added
    assert not changes.removed
    assert sum(table_files(spark, table).values()) == sum(files.values()) - 1
    assert_table(spark, table, [(1, "a"), (3, "c")], key="id", schema="id long, v string")


def test_nothing_since_the_newest_version(spark, table):
    assert changes_since(spark, table, table_version(spark, table)).versions == 0


def test_table_made_again_is_all_new(spark, shared_schema):
    name, rows = f"{shared_schema}.made_again", [(1,), (2,)]
    make_table(spark, name, "id long", rows)
    start = table_version(spark, name)
    make_table(spark, name, "id long", rows)
    changes = changes_since(spark, name, start)
    assert (changes.versions, changes.removed) == (1, start.files)
    assert len(changes.added) == 1


def test_table_that_was_moved_to_other_files_is_another(spark, shared_schema, tmp_path):
    name = f"{shared_schema}.moved"
    make_table(spark, name, "id long", [(1,)])
    start = table_version(spark, name)
    copy = tmp_path / "copy"
    shutil.copytree(table_folder(spark, name).toUri().getPath(), copy)
    spark.sql(f"ALTER TABLE {name} SET LOCATION '{copy}'")
    assert is_another_table(spark, name, start)
    assert changes_since(spark, name, start).versions == 1


def test_missing_table_is_the_learners_failure(spark, shared_schema):
    for look in (table_rows, table_version):
        with pytest.raises(AnswerError) as caught:
            look(spark, f"{shared_schema}.nothing")
        assert caught.value.outcome == "failed"


def test_table_of_another_format_is_the_learners_failure(spark, shared_schema):
    spark.range(1).write.format("parquet").saveAsTable(f"{shared_schema}.plain")
    for look in (table_version, table_identity):
        with pytest.raises(AnswerError, match="no Delta table"):
            look(spark, f"{shared_schema}.plain")


@pytest.mark.parametrize(
    "make",
    [
        lambda spark, name: make_table(spark, name, "id long"),
        lambda spark, name: make_table(spark, name, "id long", [(1,)]),
        lambda spark, name: write_commits(spark, name, "id long", [Commit("WRITE", [(1,)])]),
        lambda spark, name: write_cold_table(spark, name, "id long", []),
    ],
    ids=["no rows", "rows", "commits", "cold"],
)
def test_database_that_an_answer_made_again_elsewhere_gets_no_table(spark, schema, tmp_path, make):
    tables = tmp_path / "tables"
    spark.conf.set(TABLES, tables.as_uri())
    try:
        for place in (tmp_path / "mine", tables):
            spark.sql(f"DROP DATABASE {schema} CASCADE")
            spark.sql(f"CREATE DATABASE {schema} LOCATION '{place / 'a.db'}'")
            if place == tables:
                make(spark, f"{schema}.made")
            else:
                with pytest.raises(AnswerError, match="made lies elsewhere than in its database"):
                    make(spark, f"{schema}.made")
    finally:
        spark.conf.unset(TABLES)

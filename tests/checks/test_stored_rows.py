"""The rows of a table from its files are those that Spark reads, and are read without a job."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from labkit.checks import (
    AnswerError,
    Commit,
    make_table,
    measured,
    stored_rows,
    table_rows,
    write_commits,
)
from labkit.checks.table_folders import TableFolder

DDL = (
    "id long, name string, price decimal(9,2), day date, at timestamp, ratio double, is_new boolean"
)
ROWS = [
    (1, "a", Decimal("1.50"), date(2025, 5, 1), datetime(2025, 5, 1, 8, 0, 0, 7), 0.1, True),
    (2, None, None, None, None, None, None),
    (3, "", Decimal("0.00"), date(1900, 1, 1), datetime(1900, 1, 1), -0.0, False),
]


def assert_same(spark, table: str, *, jobs: bool) -> None:
    with measured(spark) as work:
        found = stored_rows(spark, table)
    expected = table_rows(spark, table)
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert bool(work.jobs) is jobs


@pytest.fixture
def written(spark, shared_schema):
    """A table that Spark wrote."""
    name = f"{shared_schema}.written"
    make_table(spark, name, DDL, ROWS)
    return name


def test_rows_of_spark(spark, written):
    assert_same(spark, written, jobs=False)


def test_rows_of_made_commits(spark, shared_schema):
    name = f"{shared_schema}.made_rows"
    write_commits(spark, name, DDL, [Commit("WRITE", ROWS), Commit("DELETE", gone=[1])])
    assert_same(spark, name, jobs=False)


def test_no_rows(spark, shared_schema):
    make_table(spark, f"{shared_schema}.no_rows", DDL)
    assert_same(spark, f"{shared_schema}.no_rows", jobs=False)


@pytest.mark.parametrize("by", ["name", "day"])
def test_partitions(spark, shared_schema, by):
    name = f"{shared_schema}.by_{by}"
    rows = [*ROWS, (4, "New York/é", None, date(2025, 5, 2), None, 1.0, True)]
    make_table(spark, name, DDL, rows, partition_by=by)
    assert_same(spark, name, jobs=by == "day")


def test_a_column_that_came_later(spark, written):
    spark.sql(f"ALTER TABLE {written} ADD COLUMN note string")
    spark.sql(f"INSERT INTO {written} (id, note) VALUES (9, 'late')")
    assert_same(spark, written, jobs=False)


def test_deleted_rows(spark, written):
    spark.sql(f"ALTER TABLE {written} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    spark.sql(f"DELETE FROM {written} WHERE id = 1")
    assert_same(spark, written, jobs=True)


def test_names_that_only_the_log_knows(spark, written):
    spark.sql(f"ALTER TABLE {written} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    for old, new in (("id", "x"), ("ratio", "id"), ("x", "ratio")):
        spark.sql(f"ALTER TABLE {written} RENAME COLUMN {old} TO {new}")
    assert_same(spark, written, jobs=True)


@pytest.mark.parametrize(
    ("ddl", "row"),
    [("id long, of array<long>", (1, [1, 2])), ("id long, of binary", (1, bytearray(b"x")))],
)
def test_kinds_of_columns_that_a_job_reads(spark, shared_schema, ddl, row):
    make_table(spark, f"{shared_schema}.nested", ddl, [row])
    assert_same(spark, f"{shared_schema}.nested", jobs=True)


def test_a_wider_type(spark, shared_schema):
    name = f"{shared_schema}.wider"
    make_table(spark, name, "id int", [(1,)])
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true')")
    spark.sql(f"ALTER TABLE {name} ALTER COLUMN id TYPE bigint")
    assert_same(spark, name, jobs=True)


@pytest.mark.parametrize("most", ["MOST_BYTES", "MOST_ROWS"])
def test_more_than_a_job_costs(spark, written, monkeypatch, most):
    monkeypatch.setitem(stored_rows.__globals__, most, 2)
    assert_same(spark, written, jobs=True)


def test_one_long_text_for_all_rows(spark, shared_schema):
    name = f"{shared_schema}.repeated"
    made = spark.range(2000).coalesce(1).selectExpr("repeat('x', 10000) AS text")
    made.write.format("delta").saveAsTable(name)
    folder = TableFolder(spark, name)
    assert sum(file.bytes for file in folder.files().values()) < 100_000
    assert_same(spark, name, jobs=True)


@pytest.mark.parametrize("data", [b"", b"PAR1 and no more PAR1"])
def test_a_damaged_file(spark, written, data):
    folder = TableFolder(spark, written)
    (file,) = folder.files()
    folder.write(file, data)
    with pytest.raises(AnswerError):
        stored_rows(spark, written)


def test_a_file_that_is_gone(spark, written):
    folder = TableFolder(spark, written)
    (file,) = folder.files()
    folder.fs.delete(folder.path(file), False)
    with pytest.raises(AnswerError):
        stored_rows(spark, written)


def test_no_table(spark, shared_schema):
    with pytest.raises(AnswerError, match="is no Delta table"):
        stored_rows(spark, f"{shared_schema}.missing")

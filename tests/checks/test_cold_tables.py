"""Tables that are a log alone: Delta plans with their files, and reads none."""

from datetime import datetime

import pytest
from py4j.protocol import Py4JJavaError

from labkit.checks import ColdFile, live_files, log_since, write_cold_commit, write_cold_table

DDL = "id long, at timestamp, note string, country string"


def file(number: int, country: str) -> ColdFile:
    day = datetime(2026, 3, 1 + number)
    return ColdFile(
        10 + number,
        100,
        {"id": (100 * number, 100 * number + 99), "at": (day, day), "note": (None, None)},
        nulls={"id": 3},
        partition={"country": country},
    )


@pytest.fixture(scope="module")
def cold(spark, shared_schema):
    """A table of three files in two countries; a fourth one was removed."""
    table = f"{shared_schema}.cold"
    places = ["DE", "DE", "FR", "FR"]
    files = {f"country={place}/{n}.parquet": file(n, place) for n, place in enumerate(places)}
    commits = [files, {"country=FR/3.parquet": None}]
    write_cold_table(spark, table, DDL, commits, partition_by=["country"])
    return table


def test_a_cold_table_is_planned_by_partitions_and_statistics(spark, cold):
    def read(predicate: str) -> int:
        return len(spark.table(cold).where(predicate).inputFiles())

    assert read("true") == 3
    assert read("country = 'DE'") == 2
    assert read("id = 150") == 1
    assert read("at >= '2026-03-03'") == 1
    assert read("note = 'a'") == 0  # nulls alone
    assert spark.sql(f"DESCRIBE DETAIL {cold}").first().sizeInBytes == 33


def test_no_file_of_a_cold_table_can_be_opened(spark, cold):
    with pytest.raises(Py4JJavaError, match="FILE_NOT_EXIST"):
        spark.table(cold).collect()


def test_the_log_tells_what_each_commit_did(spark, cold):
    added, removed = log_since(spark, cold, 0)
    assert [action["add"]["size"] for action in added if "add" in action] == [10, 11, 12, 13]
    assert [action["remove"]["path"] for action in removed if "remove" in action] == [
        "country=FR/3.parquet"
    ]
    assert sorted(live_files(spark, cold)) == [
        "country=DE/0.parquet",
        "country=DE/1.parquet",
        "country=FR/2.parquet",
    ]


def test_a_cold_table_gets_another_commit(spark, cold):
    write_cold_commit(spark, cold, {"country=FR/9.parquet": file(9, "FR")})
    assert len(spark.table(cold).where("country = 'FR'").inputFiles()) == 2

"""Public checks and hints of lab 00: one table of two days, one load that is then repeated."""

import datetime

import pytest

from labkit.checks import assert_one_commit, assert_replay, assert_rows, check, run_tables

HINTS = {
    "load_day": [
        "Two statements are two commits. Which single write replaces rows by a condition?",
        "Delta calls it a selective overwrite; look for `replaceWhere`.",
    ]
}

COLUMNS = "order_id long, order_date date, amount double"
FRIDAY, SATURDAY = datetime.date(2026, 6, 5), datetime.date(2026, 6, 6)
LOADED = [(1, FRIDAY, 5.0), (2, FRIDAY, 6.0), (7, SATURDAY, 1.0), (8, SATURDAY, 2.0)]
SENT = [(7, SATURDAY, 1.5), (9, SATURDAY, 4.0)]


def of_day(rows, day):
    return [row for row in rows if row[1] == day]


@pytest.fixture(scope="module")
def run(learner, spark, frame, shared_schema):
    """The table before and after Saturday was loaded."""
    return run_tables(
        spark,
        {"orders": (COLUMNS, LOADED, "order_date")},
        lambda tables: learner.load_day(spark, tables["orders"], frame(COLUMNS, SENT), SATURDAY),
        schema=shared_schema,
    )


@check("load_day", points=2)
def test_the_day_is_replaced(run):
    """leaves the rows that were sent as the only rows of the day"""
    found = of_day(run.rows["orders"], SATURDAY)
    assert_rows(found, SENT, key="order_id", columns=COLUMNS)


@check("load_day")
def test_other_days_stay(run):
    """keeps the rows of other days"""
    found = of_day(run.rows["orders"], FRIDAY)
    assert_rows(found, of_day(LOADED, FRIDAY), key="order_id", columns=COLUMNS)


@check("load_day")
def test_readers_see_one_step(run):
    """changes the table in one commit"""
    assert_one_commit(run)


@check("load_day")
def test_a_second_load_changes_nothing(run, learner, spark, frame):
    """leaves the same rows when the day is loaded again"""

    def again(rows):
        learner.load_day(spark, run.tables["orders"], frame(COLUMNS, rows), SATURDAY)

    assert_replay(run, again, SENT, key="order_id")

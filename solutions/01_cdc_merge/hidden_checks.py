"""Hidden checks of lab 01: the same properties, on a seeded feed and on candidates nobody saw."""

import json
import random

import pytest

from labkit.checks import assert_columns, assert_frame, check, collect, failure_of, table_rows

IMAGE = "struct<customer_id: long, name: string, email: string, city: string>"
ENVELOPE = f"op string, ts_ms long, source struct<lsn: long>, before {IMAGE}, after {IMAGE}"
FLAT = "customer_id long, name string, email string, city string, op string, lsn long"
CUSTOMERS = "customer_id long, name string, email string, city string, lsn long, is_deleted boolean"
FIELDS = ("customer_id", "name", "email", "city")


@pytest.fixture(scope="module")
def feed(dataset):
    """The seeded feed, flattened by plain Python: rows as in FLAT, in order of arrival."""
    rows = []
    for path in sorted(dataset("customer_changes").glob("*.jsonl")):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            row = event.get("before") if event["op"] == "d" else event.get("after")
            if row and row["customer_id"] is not None:
                values = tuple(row[name] for name in FIELDS)
                rows.append((*values, event["op"], event["source"]["lsn"]))
    return rows


def newest(rows):
    latest = {}
    for row in rows:
        if row[0] not in latest or row[5] > latest[row[0]][5]:
            latest[row[0]] = row
    return list(latest.values())


@check("flatten")
def test_whole_feed_is_flattened(learner, spark, dataset, feed):
    """flattens a day's feed without losing or inventing an event"""
    envelopes = spark.read.schema(ENVELOPE).json(str(dataset("customer_changes")))
    flattened = learner.flatten(envelopes)
    assert_frame(flattened, feed, key=["customer_id", "lsn"], schema=FLAT)


@check("quarantine")
def test_nothing_is_lost_between_the_two(learner, spark, dataset, feed):
    """accounts for every envelope: flattened, quarantined or a tombstone"""
    envelopes = spark.read.schema(ENVELOPE).json(str(dataset("customer_changes")))
    total = envelopes.where("op is not null").count()
    quarantined = learner.quarantine(envelopes)
    assert_columns(quarantined, f"{ENVELOPE}, reason string")
    faulty = len(collect(quarantined))
    assert faulty + len(feed) == total, (
        f"{total} envelopes are no tombstones; {len(feed)} have a key and {faulty} are in quarantine"
    )


@check("latest_changes")
def test_latest_of_a_feed(learner, frame, feed, seed):
    """finds the newest change of each customer in a day's feed, shuffled"""
    shuffled = random.Random(seed).sample(feed, len(feed))
    assert_frame(
        learner.latest_changes(frame(FLAT, shuffled)), newest(feed), key="customer_id", schema=FLAT
    )


@check("merge_changes", points=3)
def test_any_cut_of_the_feed_ends_in_the_same_table(learner, spark, frame, schema, feed, seed):
    """ends in the right table however the feed is cut into batches and ordered"""
    draw = random.Random(seed)
    rows = draw.sample(feed, len(feed))
    table = f"{schema}.customers"
    spark.sql(
        f"CREATE TABLE {table} ({CUSTOMERS}) USING delta "
        "TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')"
    )
    cut = draw.randrange(len(rows) // 3, 2 * len(rows) // 3)
    learner.merge_changes(spark, table, frame(FLAT, rows[:cut]))
    learner.merge_changes(spark, table, frame(FLAT, rows[cut:]))
    expected = [(*row[:4], row[5], row[4] == "d") for row in newest(feed)]
    assert_frame(spark.table(table), expected, key="customer_id", schema=CUSTOMERS)


@pytest.fixture(scope="module")
def evolved(learner, spark, frame, shared_schema):
    """Rows by customer after a batch with two new columns and one that the table grew before."""
    table = f"{shared_schema}.grown_customers"
    stored = [(1, "N", None, "Bari", 1, False, "a"), (3, "N", None, "Bari", 1, False, "c")]
    frame(f"{CUSTOMERS}, segment string", stored).write.format("delta").saveAsTable(table)
    wider = FLAT.replace("city string,", "city string, segment string, credit double, vip boolean,")
    batch = [
        (1, "N", None, "Bari", "b", 1.5, True, "u", 2),
        (2, "N", None, "Como", "b", None, False, "c", 3),
        (3, "N", None, "Bari", None, 2.5, None, "u", 4),
    ]
    learner.merge_evolving(spark, table, frame(wider, batch))
    return {row.asDict().get("customer_id"): row.asDict() for row in table_rows(spark, table)}


@check("merge_evolving")
def test_two_new_columns_arrive(evolved):
    """takes more than one new column, whatever its type, for rows that are updated and inserted"""
    expected = {1: (1.5, True), 2: (None, False), 3: (2.5, None)}
    for customer, values in expected.items():
        row = evolved.get(customer, {})
        what = "a row that is inserted brings them too" if customer == 2 else "a row that is updated takes them"
        assert (row.get("credit"), row.get("vip")) == values, (
            f"for example: customer {customer} comes with two new columns, credit and vip, as {values}, "
            f"and is {row or 'not in the table'}; {what}"
        )


@check("merge_evolving")
def test_null_in_a_further_column_is_a_value(evolved):
    """takes an explicit null over a value, in a column that the table grew before"""
    row = evolved.get(3, {})
    assert row.get("lsn") == 4 and row.get("segment") is None, (
        f"customer 3 had segment c, a newer event says null, and the row is {row or 'not in the table'}"
    )


def right_window(changes):
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
    return changes.withColumn("n", F.row_number().over(newest_first)).where("n = 1").drop("n")


def right_aggregate(changes):
    from pyspark.sql import functions as F

    newest = F.max_by(F.struct("*"), "lsn").alias("row")
    return changes.groupBy("customer_id").agg(newest).select("row.*").orderBy("customer_id")


def last_to_arrive(changes):
    from pyspark.sql import functions as F

    arrived = changes.withColumn("at", F.monotonically_increasing_id())
    kept = arrived.groupBy("customer_id").agg(F.max_by(F.struct("*"), "at").alias("r"))
    return kept.select("r.*").drop("at")


@check("test_latest_changes")
@pytest.mark.parametrize("right", [right_window, right_aggregate], ids=["window", "aggregate"])
def test_your_test_accepts_other_right_answers(learner, spark, right):
    """says nothing about right answers written another way"""
    said = failure_of(learner.test_latest_changes, spark, right)
    assert said is None, "your test rejects a right latest_changes; does it depend on the order of rows?"


@check("test_latest_changes")
def test_your_test_notices_the_last_to_arrive(learner, spark):
    """notices a latest_changes that goes by arrival"""
    said = failure_of(learner.test_latest_changes, spark, last_to_arrive)
    assert said is not None, "your test says nothing about a latest_changes that goes by arrival"

"""Hidden checks of lab 01: the same properties, on a seeded feed and on candidates nobody saw."""

import json
import random

import pytest

from labkit.checks import assert_frame, check, table_rows, verdict

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
    faulty = learner.quarantine(envelopes).count()
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


@check("merge_evolving")
def test_two_new_columns_arrive(learner, spark, frame, schema):
    """takes more than one new column, whatever its type"""
    table = f"{schema}.customers"
    frame(CUSTOMERS, [(1, "N", None, "Bari", 1, False)]).write.format("delta").saveAsTable(table)
    wider = FLAT.replace("city string,", "city string, segment string, credit double,")
    batch = [(1, "N", None, "Bari", "a", 1.5, "u", 2), (2, "N", None, "Como", "b", None, "c", 3)]
    learner.merge_evolving(spark, table, frame(wider, batch))
    rows = {row.customer_id: row.asDict() for row in table_rows(spark, table)}
    found = {key: (row.get("segment"), row.get("credit")) for key, row in rows.items()}
    assert found == {1: ("a", 1.5), 2: ("b", None)}, f"for example: customer 1 has {found.get(1)}"


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
    said = verdict(learner.test_latest_changes, spark, right)
    assert said is None, "your test rejects a right latest_changes; does it depend on the order of rows?"


@check("test_latest_changes")
def test_your_test_notices_the_last_to_arrive(learner, spark):
    """notices a latest_changes that goes by arrival"""
    said = verdict(learner.test_latest_changes, spark, last_to_arrive)
    assert said is not None, "your test says nothing about a latest_changes that goes by arrival"

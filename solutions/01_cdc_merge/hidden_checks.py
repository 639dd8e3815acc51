"""Hidden checks of lab 01: the same rules on a seeded feed, against a model in plain Python."""

import json
import random

import pytest
from checks import CUSTOMERS, ENVELOPE, FLAT, event, save

from labkit.checks import (
    assert_columns,
    assert_frame,
    assert_rows,
    assert_table,
    check,
    collect,
    failure_of,
)


def row_image(envelope):
    """The row image of an envelope, without fields if there is none."""
    return (envelope["before"] if envelope["op"] == "d" else envelope["after"]) or {}


def flat_rows(envelopes):
    return [
        (*row_image(one).values(), one["op"], one["source"]["lsn"])
        for one in envelopes
        if row_image(one).get("customer_id") is not None
    ]


@pytest.fixture(scope="module")
def feed(dataset):
    """The events of a seeded feed, in order of arrival, without the column that appears late."""
    paths = sorted(dataset("customer_changes").glob("*.jsonl"))
    lines = [line for path in paths for line in path.read_text().splitlines()]
    events = [one for one in map(json.loads, lines) if one["op"]]
    for one in events:
        row_image(one).pop("loyalty_tier", None)
    return events


@pytest.fixture(scope="module")
def odd(seed):
    """Envelopes whose images are missing, or have no key, or both have one, at random."""
    draw = random.Random(seed)

    def some_image():
        found = {"customer_id": draw.choice([None, 0, draw.randrange(900, 999)])}
        found |= {name: draw.choice([None, "", name]) for name in ("name", "email", "city")}
        return draw.choice([None, found, found])

    return [event(draw.choice("curd"), lsn, some_image(), some_image()) for lsn in range(80)]


@pytest.fixture(scope="module")
def envelopes(spark, frame, dataset, odd):
    """The feed as it is, tombstones included, and the odd envelopes."""
    read = spark.read.schema(ENVELOPE).json(str(dataset("customer_changes")))
    return read.unionByName(frame(ENVELOPE, odd))


@check("flatten")
def test_whole_feed_is_flattened(learner, envelopes, feed, odd):
    """flattens a day's feed without losing or inventing an event"""
    expected = flat_rows([*feed, *odd])
    assert_frame(learner.flatten(envelopes), expected, key=["customer_id", "lsn"], schema=FLAT)


@check("quarantine")
def test_nothing_is_lost_between_the_two(learner, envelopes, feed, odd):
    """quarantines each envelope of a day's feed that is neither flattened nor a tombstone"""
    found = learner.quarantine(envelopes)
    assert_columns(found, f"{ENVELOPE}, reason string")
    rows = collect(found)
    faulty = [one for one in [*feed, *odd] if row_image(one).get("customer_id") is None]
    assert_rows(rows, faulty, key=["op", "source", "ts_ms"], columns=ENVELOPE)
    assert all((row.reason or "").strip() for row in rows), "a reason is null or blank"


def newest(rows):
    """The newest row of each customer."""
    return list({row[0]: row for row in sorted(rows, key=lambda row: row[5])}.values())


def stored(row):
    return (*row[:4], row[5], row[4] == "d")


@check("latest_changes")
def test_latest_of_a_feed(learner, frame, feed, seed):
    """finds the newest change of each customer in a day's feed, shuffled"""
    rows = flat_rows(feed)
    changes = frame(FLAT, random.Random(seed).sample(rows, len(rows)))
    found = learner.latest_changes(changes)
    assert_frame(found, newest(rows), key="customer_id", schema=FLAT)


@check("merge_changes", points=3)
def test_any_cut_of_the_feed_ends_in_the_same_table(learner, spark, frame, schema, feed, seed):
    """ends in the right table wherever the feed is cut, with late events in the second batch"""
    draw = random.Random(seed)
    rows = draw.sample(flat_rows(feed), len(flat_rows(feed)))
    cut = draw.randrange(len(rows) // 3, 2 * len(rows) // 3)
    table = f"{schema}.customers"
    save(frame(CUSTOMERS, map(stored, newest(rows[:cut]))), table)
    learner.merge_changes(spark, table, frame(FLAT, rows[cut:]))
    expected = map(stored, newest(rows))
    assert_table(spark, table, expected, key="customer_id", schema=CUSTOMERS)


@check("merge_evolving", points=2)
def test_columns_come_and_stay(learner, spark, frame, schema, feed, seed):
    """adds a column of the batch, and keeps one that the batch lacks"""
    draw = random.Random(seed)
    rows = sorted(set(flat_rows(feed)), key=lambda row: row[5])
    old, late = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    late = [(*row, draw.choice([None, row[5]])) for row in late]
    table = f"{schema}.customers"
    columns = f"{CUSTOMERS}, segment string"
    save(frame(columns, [(*stored(row), "a") for row in newest(old)]), table)
    shuffled = draw.sample([*late, *late[:9]], len(late) + 9)
    learner.merge_evolving(spark, table, frame(f"{FLAT}, points long", shuffled))
    known = {row[0] for row in old}
    points = {row[0]: row[6] for row in newest(late)}
    expected = [
        (*stored(row), "a" if row[0] in known else None, points.get(row[0])) for row in newest(rows)
    ]
    assert_table(spark, table, expected, key="customer_id", schema=f"{columns}, points long")


# A function's own lines are all that is handed to an answer in another process.
def right(changes):
    kept = {row.customer_id: row for row in sorted(changes.collect(), key=lambda row: row.lsn)}
    return changes.sparkSession.createDataFrame(list(kept.values()), changes.schema)


def copies(changes):
    return changes.sparkSession.sql(
        """SELECT * FROM {c} AS c WHERE NOT EXISTS
        (SELECT 1 FROM {c} AS d WHERE d.customer_id = c.customer_id AND d.lsn > c.lsn)""",
        c=changes,
    )


@check("test_latest_changes")
def test_your_test_accepts_another_right_answer(learner, spark):
    """says nothing about a right answer that is written another way"""
    said = failure_of(learner.test_latest_changes, spark, right)
    assert said is None, "your test rejects a right latest_changes"


@check("test_latest_changes")
def test_your_test_notices_copies(learner, spark):
    """notices copies that are kept in another way"""
    said = failure_of(learner.test_latest_changes, spark, copies)
    assert said is not None, "your test says nothing about a latest_changes that keeps copies"

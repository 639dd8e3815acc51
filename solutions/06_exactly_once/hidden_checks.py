"""Hidden checks of lab 06: the data set of a seed of its own, against a plain Python account of it."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from labkit.checks import assert_columns, check, collect, require_frames, table_rows

RAW = "key binary, value binary, topic string, partition int, offset long, timestamp timestamp, timestampType int"
ORDERS = (
    "event_id string, order_id string, seq long, status string, amount decimal(10,2), event_time timestamp, "
    "produced_at timestamp, topic string, partition int, offset long"
)
DEAD = "topic string, partition int, offset long, reason string, value binary"
STATUSES = ("created", "paid", "shipped", "delivered", "cancelled")


def is_event(value: str | None) -> dict | None:
    """The event in a value of the data set, None for poison."""
    try:
        found = json.loads(value or "")
    except ValueError:
        return None
    if "order_id" not in found or found["status"] not in STATUSES or found["amount"] == "n/a":
        return None
    return found


@pytest.fixture(scope="module")
def log(dataset):
    """The committed messages of a day as rows of the Kafka source, and what each of them is."""
    folder = dataset("order_events")
    ends = [0, 0]
    rows, events, dead = [], {}, set()
    for name in ("morning", "afternoon"):
        for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines():
            message = json.loads(line)
            partition = message["partition"]
            offset = ends[partition]
            ends[partition] += 1
            if message["aborted"]:
                continue
            value = message["value"]
            moment = datetime.fromtimestamp(message["timestamp_ms"] / 1000, UTC)
            data = None if value is None else value.encode()
            rows.append((b"k", data, "orders", partition, offset, moment.replace(tzinfo=None), 0))
            found = is_event(value)
            if found:
                events.setdefault(found["event_id"], (partition, offset))
            else:
                dead.add((partition, offset))
    return rows, events, dead


@check("parse", points=2)
def test_a_whole_day_is_accounted_for(learner, frame, log):
    """Accounts for every message of a whole day, with data of another seed"""
    rows, _, dead = log
    good, bad = require_frames(learner.parse(frame(RAW, rows)), 2)
    assert_columns(good, ORDERS)
    found = [(row.partition, row.offset) for row in collect(bad)]
    landed = [(row.partition, row.offset) for row in collect(good)]
    everything = {(row[3], row[4]): row[1] for row in rows}
    wrong = sorted(set(found) ^ dead, key=str)  # a wrong answer may hold nulls anywhere
    assert not wrong, (
        f"this message is on the wrong side, or on none: {everything.get(wrong[0], wrong[0])!r}"
    )
    assert sorted(found + landed, key=str) == sorted(everything, key=str), (
        "some messages of the day are in both frames, or in neither"
    )


@check("write_batch", points=2)
def test_any_cut_into_batches_gives_the_same_tables(learner, spark, frame, schema, log, seed):
    """Gives the same tables however the messages of a day are cut into batches that overlap"""
    rows, events, dead = log
    tables = {"orders": f"{schema}.orders", "dead": f"{schema}.dead"}
    for which, ddl in (("orders", ORDERS), ("dead", DEAD)):
        spark.sql(f"CREATE TABLE {tables[which]} ({ddl}) USING delta")
    draw = random.Random(seed)
    cut = draw.randrange(len(rows) // 3, 2 * len(rows) // 3)
    for number, part in enumerate((rows[: cut + 20], rows[cut:])):
        learner.write_batch(frame(RAW, draw.sample(part, len(part))), number, tables)
    landed = table_rows(spark, tables["orders"])
    found = sorted(((row.event_id, (row.partition, row.offset)) for row in landed), key=str)
    wrong = next((pair for pair in found if events.get(pair[0]) != pair[1]), None)
    assert wrong is None, (
        f"event {wrong[0]} is in `orders` from offset {wrong[1][1]}, which is not its first delivery"
    )
    assert found == sorted(events.items(), key=str), (
        f"`orders` has {len(found)} rows for {len(events)} events"
    )
    letters = [(row.partition, row.offset) for row in table_rows(spark, tables["dead"])]
    assert sorted(letters, key=str) == sorted(dead, key=str), (
        f"`dead` has {len(letters)} rows for {len(dead)} messages that are no events"
    )


@check("serving_view", points=2)
def test_random_histories_are_served_right(learner, spark, frame, schema, seed):
    """Serves status, delay and gaps of random histories right"""
    draw = random.Random(seed)
    noon = datetime(2025, 5, 1, 12)
    rows, truth = [], {}
    for number in range(40):
        last = draw.randrange(1, 9)
        known = sorted(draw.sample(range(1, last + 1), draw.randrange(1, last + 1)))
        for seq in known:
            happened = noon + timedelta(seconds=draw.randrange(9000))
            delay = draw.randrange(0, 4000) / 8
            status = draw.choice(STATUSES)
            row = (
                f"{number}-{seq}",
                f"o{number}",
                seq,
                status,
                None,
                happened,
                happened + timedelta(seconds=delay),
            )
            rows.append((*row, "orders", 0, 1000 - len(rows)))
            truth[f"o{number}"] = (status, seq, happened, delay, seq - len(known))
    tables = {"orders": f"{schema}.orders", "dead": f"{schema}.dead"}
    frame(ORDERS, rows).write.format("delta").saveAsTable(tables["orders"])
    found = {
        row.order_id: (row.status, row.seq, row.updated_at, row.delay_seconds, row.missing_events)
        for row in collect(learner.serving_view(spark, tables))
    }
    wrong = next((order for order in truth if found.get(order) != truth[order]), None)
    history = sorted((row[2], row[3]) for row in rows if row[1] == wrong)
    assert wrong is None, f"an order with the events {history} is shown as {found.get(wrong)}"

"""Hidden checks of lab 06: other data, by the seed of the run, against a plain Python account."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from checks import (
    NINE,
    RAW,
    VIEW,
    assert_parsed,
    assert_table_rows,
    event,
    frames_of,
    order_row,
    place_of,
    rows_of,
    tables_of,
)

from labkit.checks import Case, assert_rows, check, collect, run_tables
from labkit.checks.kafka import Message, new_topic, send

STATUSES = ("created", "paid", "shipped", "delivered", "cancelled")
# Each is good for some field and bad for others, or for all.
ODD = json.loads(
    """[null, true, "", " ", "paid", "Paid", [], {}, "4", 4, 0, -4, 2.5, 7.126, -0.001, 1000000000,
    100000000000000000000, "2025-05-01", "08:30", "2025-05-01T08:30:00",
    "2025-05-01T08:30:00.125-05:30"]"""
)


def has_zone(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


GOOD = {
    "event_id": lambda value: isinstance(value, str) and value.strip(" "),
    "order_id": lambda value: isinstance(value, str) and value.strip(" "),
    "seq": lambda value: type(value) is int and 1 <= value < 2**63,
    "status": lambda value: value in STATUSES,
    "amount": lambda value: type(value) in (int, float) and 0 <= value < 10**8,
    "event_time": lambda value: isinstance(value, str) and has_zone(value),
}


def outcome(raw: tuple) -> tuple:
    """The row of `orders` or of `dead` that a row of the Kafka source becomes."""
    _, value, *place, produced_at, _ = raw
    try:
        found = json.loads(value or b"")
    except ValueError:
        found = None
    reason = "not_json" if value is not None else "no_value"
    if isinstance(found, dict):
        wrong = (name for name, is_good in GOOD.items() if not is_good(found.get(name)))
        reason = next((f"bad_{name}" for name in wrong), None)
    return (*place, reason, value) if reason else order_row(found, tuple(place), produced_at)


def first_of_each(rows: list[tuple]) -> list[tuple]:
    """Rows of `orders`, of each event the one with the smallest offset."""
    first = {}
    for row in sorted(rows, key=lambda row: row[9]):
        first.setdefault(row[0], row)
    return list(first.values())


@pytest.fixture(scope="module")
def day(dataset):
    """The committed messages of a day, as a producer sends them."""
    folder = dataset("order_events")
    texts = [(folder / f"{name}.jsonl").read_text("utf-8") for name in ("morning", "afternoon")]
    sent = [Message(**json.loads(line)) for text in texts for line in text.splitlines()]
    return [message for message in sent if not message.aborted]


def raw_rows(messages: list[Message], topic: str = "orders") -> list[tuple]:
    """What the Kafka source makes of messages without transactions."""
    ends = [0, 0]
    rows = []
    for message in messages:
        value = None if message.value is None else message.value.encode()
        time = datetime.fromtimestamp(message.timestamp_ms / 1000, UTC).replace(tzinfo=None)
        place = (topic, message.partition, ends[message.partition])
        rows.append((b"k", value, *place, time, 0))
        ends[message.partition] += 1
    return rows


def assert_outcomes(learner, frame, rows: list[tuple]) -> None:
    case = Case("all", "", given=rows, after=list(map(outcome, rows)))
    assert_parsed(frames_of(learner, frame(RAW, rows)), case)


@check("parse", points=2)
def test_a_whole_day_is_accounted_for(learner, frame, day):
    """Accounts for every message of a whole day, with data of another seed"""
    rows = raw_rows(day)
    assert_outcomes(learner, frame, rows)


@check("parse", points=2)
def test_random_fields(learner, frame, seed):
    """Tells good fields from bad ones in random messages, whatever their order"""
    draw = random.Random(seed)
    rows = []
    for offset in range(250):
        odd = draw.sample(sorted(GOOD), draw.choice((1, 1, 2)))
        fields = event("e3", note=None, **{name: draw.choice(ODD) for name in odd})
        kept = draw.sample(sorted(fields), draw.choice((7, 8, 8, 8)))
        value = json.dumps({name: fields[name] for name in kept}).encode()
        rows.append((b"k", value, "orders", 0, offset, NINE, 0))
    assert_outcomes(learner, frame, rows)


@check("write_batch", points=2)
def test_any_cut_into_batches_gives_the_same_tables(learner, spark, frame, schema, day, seed):
    """Gives the same tables however the messages of a day are cut into batches that overlap"""
    rows = raw_rows(day)
    draw = random.Random(seed)
    cut = draw.randrange(len(rows) // 3, 2 * len(rows) // 3)

    def write(tables: dict[str, str]) -> None:
        for number, part in enumerate((rows[: cut + 20], rows[cut:])):
            learner.write_batch(frame(RAW, draw.sample(part, len(part))), number, tables)

    found = run_tables(spark, tables_of([]), write, schema=schema).rows
    expected = list(map(outcome, rows))
    assert_table_rows("orders", found["orders"], first_of_each(rows_of("orders", expected)))
    assert_table_rows("dead", found["dead"], rows_of("dead", expected))


@check("serving_view", points=2)
def test_random_histories_are_served_right(learner, spark, schema, seed):
    """Serves status, delay and gaps of random histories right"""
    draw = random.Random(seed)
    rows, expected = [], []
    for order in range(40):
        last = draw.randrange(1, 9)
        known = sorted(draw.sample(range(1, last + 1), draw.randrange(1, last + 1)))
        for seq in known:
            happened = NINE + timedelta(seconds=draw.randrange(9000))
            delay = draw.randrange(-400, 4000) / 8
            cells = {"order_id": f"o{order}", "status": draw.choice(STATUSES)}
            cells |= {"amount": draw.randrange(99), "seq": seq}
            sent = event("a1", **cells, event_id=f"{order}-{seq}", event_time=f"{happened}Z")
            place = ("orders", 0, 1000 - len(rows))
            rows.append(order_row(sent, place, happened + timedelta(seconds=delay)))
        expected.append((*cells.values(), happened, delay, seq - len(known)))

    def view(tables: dict[str, str]) -> list:
        return collect(learner.serving_view(spark, tables))

    found = run_tables(spark, tables_of(rows), view, schema=schema).result
    assert_rows(found, expected, key="order_id", columns=VIEW)


def badly_written(draw: random.Random, rows: list[tuple]) -> list[tuple]:
    """What a faulty deploy may have made of rows: some are lost, wrong or in the other table."""
    found = []
    for row in rows:
        what = draw.choice(("right", "lost", "wrong", "moved"))
        if what == "wrong":
            row = (*row[:4], row[4] + 1, *row[5:]) if len(row) == 10 else (*row[:3], "old", row[4])
        elif what == "moved" and len(row) == 10:
            row = (*row[7:], "bad_status", b"{}")
        elif what == "moved":
            row = order_row(event("z1", event_id=f"z{row[:3]}"), row[:3])
        found += [row] if what != "lost" else []
    return [*first_of_each(rows_of("orders", found)), *rows_of("dead", found)]


@check("replay", points=2)
def test_any_range_is_replayed(learner, spark, kafka, schema, day, seed):
    """Makes of random ranges what today's parse says, and leaves everything else"""
    draw = random.Random(seed)
    topic = new_topic(kafka, partitions=2)
    send(kafka, topic, day[:120])
    rows = raw_rows(day[:120], topic)
    offsets = {part: tuple(sorted(draw.sample(range(5, 45), 2))) for part in (0, 1)}

    def is_inside(row: tuple) -> bool:
        _, part, offset = place_of(row)
        return offset in range(*offsets[part])

    before = badly_written(draw, list(map(outcome, rows)))
    stay = [row for row in before if not is_inside(row)]
    known = {row[0] for row in rows_of("orders", stay)}
    made = [outcome(row) for row in rows if is_inside(row)]
    events = [row for row in first_of_each(rows_of("orders", made)) if row[0] not in known]
    expected = [*stay, *events, *rows_of("dead", made)]

    def replay(tables: dict[str, str]) -> None:
        learner.replay(spark, kafka, topic, tables, offsets)

    run = run_tables(spark, tables_of(before), replay, schema=schema)
    for which, found in run.rows.items():
        assert_table_rows(which, found, rows_of(which, expected))

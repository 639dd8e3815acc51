"""Checks of lab 06: frames by hand for what a batch means, a real broker for what a run and a replay mean."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from labkit.checks import (
    AnswerError,
    assert_columns,
    assert_frame,
    changes_since,
    check,
    checkpoint_files,
    collect,
    require_frames,
    table_rows,
    table_version,
)
from labkit.checks.kafka import Message, new_topic, send

HINTS = {
    "parse": [
        "Read every field so that a bad one becomes null instead of an error; then one expression can name the first that is bad.",
        "`amount >= 0` is null when amount is null, and `where(~good)` drops the rows where `good` is null. In which frame do they end?",
        "Make `reason` a column of one frame, null for a good message, and split by it: a message can't be on both sides then, or on neither.",
    ],
    "write_batch": [
        "What makes a row the same row when it comes again? Not the number of the batch, and for a dead letter not its bytes either.",
        "MERGE compares new rows with the table, never with each other: two deliveries of an event in one batch are both absent.",
        "Each write must do nothing when its rows are there already. Then it doesn't matter which of the two was done before the crash.",
        "For the first delivery: `F.min_by(F.struct('*'), 'offset')` by event_id, or `row_number` in the order of offset.",
    ],
    "run_pipeline": [
        "A stream begins where its checkpoint ends; without one, where `startingOffsets` says. Its default is `latest`.",
        "Kafka hides messages of aborted transactions only from a consumer that asks. Most options of a consumer can be given with the prefix `kafka.`.",
        "`awaitTermination()` raises what failed in a batch. An exception that you catch is a batch that Spark takes as done.",
    ],
    "serving_view": [
        "`max_by` finds the row with the greatest seq. Which order do offset and arrival say nothing about?",
        "A frame is a plan: read twice, it reads the table twice, each time in its newest version, unless the plan names one.",
        '`DeltaTable.history(1)` tells the newest version, `spark.read.option("versionAsOf", ...)` reads it.',
    ],
    "replay": [
        "`subscribe` wants offsets for every partition of the topic; `assign` lets you name some.",
        "Three things can happen to a row of the range: it changes, it appears, it must go. MERGE has a clause for each.",
        "`whenNotMatchedBySourceDelete(condition=...)` deletes what the source no longer has; without the condition, that is nearly the whole table.",
        "A matched row from another offset is a first delivery outside the range. The matched clause takes a condition too.",
    ],
}

RAW = "key binary, value binary, topic string, partition int, offset long, timestamp timestamp, timestampType int"
ORDERS = (
    "event_id string, order_id string, seq long, status string, amount decimal(10,2), event_time timestamp, "
    "produced_at timestamp, topic string, partition int, offset long"
)
DEAD = "topic string, partition int, offset long, reason string, value binary"
PLACE = ["topic", "partition", "offset"]
NINE = datetime(2025, 5, 1, 9)


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def event(name: str, /, **changed) -> dict:
    """A good event; its id says its order and seq (`a1` is the first of order a)."""
    known = {
        "event_id": name,
        "order_id": name[0],
        "seq": int(name[1:]),
        "status": "paid",
    }
    known |= {"amount": 12.5, "event_time": "2025-05-01T09:00:00Z", "attempt": 1}
    return {name: value for name, value in {**known, **changed}.items() if value != "absent"}


def as_bytes(value) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else json.dumps(value).encode()


def raw_row(offset: int, value, *, partition: int = 0, topic: str = "orders") -> tuple:
    """A row of the Kafka source; its timestamp is `offset` minutes after nine."""
    return (b"k", as_bytes(value), topic, partition, offset, at(offset), 0)


def order_row(
    event_id: str, offset: int, *, partition: int = 0, topic: str = "orders", **changed
) -> tuple:
    """The row of `orders` that `event(event_id)` becomes."""
    row = {
        "event_id": event_id,
        "order_id": event_id[0],
        "seq": int(event_id[1:]),
        "status": "paid",
    }
    row |= {"amount": Decimal("12.50"), "event_time": NINE, "produced_at": at(offset)}
    row |= {"topic": topic, "partition": partition, "offset": offset}
    return tuple({**row, **changed}.values())


def table_names(schema: str, name: str) -> dict[str, str]:
    return {which: f"{schema}.{name}_{which}" for which in ("orders", "dead")}


def make_tables(spark, schema: str, name: str) -> dict[str, str]:
    """Empty tables; `dead` refuses a dead letter without a value, so that a write fails."""
    tables = table_names(schema, name)
    spark.sql(f"CREATE TABLE {tables['orders']} ({ORDERS}) USING delta")
    spark.sql(f"CREATE TABLE {tables['dead']} ({DEAD} NOT NULL) USING delta")
    return tables


def attempt(function, *arguments) -> str | None:
    """The error of a call that may fail; a task that is not written is no such failure."""
    try:
        function(*arguments)
    except AnswerError as error:
        if error.outcome != "error":
            raise
        return error.reason
    return None


def places(rows) -> Counter:
    return Counter((row.partition, row.offset) for row in rows)


# ----------------------------------------------------------------------------------------- parse


@check("parse", points=2)
def test_good_messages_become_events(learner, frame):
    """Types the fields of a good message and takes Kafka's timestamp, topic, partition and offset along"""
    raw = frame(
        RAW,
        [
            raw_row(3, event("a1", amount=0.1, event_time="2025-05-01T11:30:00+02:00")),
            raw_row(4, event("b12", status="delivered", amount=7, note="later field"), partition=1),
            raw_row(5, event("c1", amount=0, attempt="absent")),
        ],
    )
    orders, dead = require_frames(learner.parse(raw), 2)
    expected = [
        order_row("a1", 3, amount=Decimal("0.10"), event_time=at(30)),
        order_row("b12", 4, partition=1, status="delivered", amount=Decimal("7.00")),
        order_row("c1", 5, amount=Decimal("0.00")),
    ]
    assert_frame(orders, expected, key="event_id", schema=ORDERS)
    assert_columns(dead, DEAD)
    assert not collect(dead), "a good message is in `dead` as well"


POISON = [
    (None, "no_value"),
    (b"<html>502</html>", "not_json"),
    (json.dumps(event("a1")).encode()[:40], "not_json"),
    (b"[]", "not_json"),  # JSON, and no object
    (b"502", "not_json"),
    (event("a1", event_id=None), "bad_event_id"),
    (event("a1", event_id=""), "bad_event_id"),
    (event("a1", order_id="absent"), "bad_order_id"),
    (event("a1", seq="first"), "bad_seq"),
    (event("a1", seq=0), "bad_seq"),
    (event("a1", status="PAYED"), "bad_status"),
    (event("a1", status="absent"), "bad_status"),
    (event("a1", amount="n/a"), "bad_amount"),
    (event("a1", amount=-1), "bad_amount"),
    (event("a1", amount=None), "bad_amount"),
    (event("a1", event_time="soon"), "bad_event_time"),
    (event("a1", seq=None, amount=None), "bad_seq"),
]


@pytest.fixture(scope="module")
def poisoned(learner, frame):
    """Both frames of poisoned messages with good ones around them, and what was in them."""
    rows = [raw_row(0, event("g1"))]
    rows += [raw_row(offset, value) for offset, (value, _) in enumerate(POISON, start=1)]
    rows += [raw_row(len(rows), event("h1"))]
    orders, dead = require_frames(learner.parse(frame(RAW, rows)), 2)
    return {
        "raw": {row[4]: row[1] for row in rows},
        "orders": collect(orders),
        "dead": collect(dead),
    }


def told(offset: int, raw: dict) -> str:
    value = raw[offset]
    return "null" if value is None else value.decode("utf-8", "replace")[:150]


@check("parse", points=2)
def test_every_message_is_in_one_frame(poisoned):
    """Puts every message into exactly one of the two frames, and goes on after poison"""
    found = places(poisoned["orders"]) + places(poisoned["dead"])
    for offset in poisoned["raw"]:
        times = found[(0, offset)]
        where = "in neither frame" if times == 0 else f"{times} times in the two frames together"
        assert times == 1, f"this message is {where}: {told(offset, poisoned['raw'])}"


@check("parse", points=2)
def test_poison_is_dead_and_nothing_else(poisoned):
    """Takes a message as dead when one of its fields is bad, and only then"""
    landed = {row.offset for row in poisoned["orders"]}
    for offset in range(1, len(POISON) + 1):
        assert offset not in landed, f"this message is in `orders`: {told(offset, poisoned['raw'])}"
    assert landed == {0, len(POISON) + 1}, (
        "a good message before or after the poison is missing from `orders`"
    )


@check("parse")
def test_the_reason_names_the_first_fault(poisoned):
    """Says in `reason` what is wrong, the first bad field when there are more"""
    reasons = {row.offset: row.reason for row in poisoned["dead"]}
    for offset, (_, reason) in enumerate(POISON, start=1):
        if offset in reasons:
            assert reasons[offset] == reason, (
                f"reason is {reasons[offset]}, expected {reason}, for {told(offset, poisoned['raw'])}"
            )


@check("parse")
def test_dead_letters_keep_their_bytes(learner, frame):
    """Keeps the value of a dead letter as it came, byte by byte"""
    values = [b"\xff\xfe order \x00", b'{"event_id" : "a1"}', None]
    raw = frame(RAW, [raw_row(offset, value, topic="t") for offset, value in enumerate(values)])
    _, dead = require_frames(learner.parse(raw), 2)
    assert_columns(dead, DEAD)
    found = {row.offset: row.value for row in collect(dead)}
    for offset, value in enumerate(values):
        got = found.get(offset, "missing")
        same = got == value or (
            value is not None and isinstance(got, (bytes, bytearray)) and bytes(got) == value
        )
        assert same, (
            f"the value {value!r} came out as {got!r}; somebody will want to send it again, or to see why it is dead"
        )


# ----------------------------------------------------------------------------------- write_batch

BATCH = [
    raw_row(10, event("a1")),
    raw_row(11, event("b1", amount=1.5)),
    raw_row(12, b"poison"),
    raw_row(14, event("a1", attempt=2)),  # the producer sent a1 again
    raw_row(15, event("a2", amount=12.5)),
    raw_row(16, b"poison"),
    raw_row(17, None),
    raw_row(10, event("c1"), partition=1),
]
BATCH_ORDERS = [
    order_row("a1", 10),
    order_row("b1", 11, amount=Decimal("1.50")),
    order_row("a2", 15),
    order_row("c1", 10, partition=1),
]
BATCH_DEAD = {(0, 12), (0, 16), (0, 17)}
LATER = [
    raw_row(17, None),
    raw_row(10, event("c1"), partition=1),
    raw_row(18, event("b1", attempt=3, amount=1.5)),
    raw_row(19, event("d1")),
    raw_row(12, b"poison", partition=1),  # the offset of another in partition 0
]


@pytest.fixture(scope="module")
def written(learner, spark, frame, shared_schema):
    """The tables after each of four calls: one dies in `dead`, is repeated, and later rows under an old number."""
    tables = make_tables(spark, shared_schema, "written")
    seen = {}

    def look(stage: str) -> None:
        seen[stage] = {which: table_rows(spark, name) for which, name in tables.items()}
        for which, columns in (("orders", ORDERS), ("dead", DEAD)):
            assert_columns(spark.table(tables[which]), columns)

    batch = frame(RAW, [BATCH[at] for at in (4, 3, 0, 2, 6, 1, 5, 7)])
    seen["error"] = attempt(learner.write_batch, batch, 0, tables)
    spark.sql(f"ALTER TABLE {tables['dead']} ALTER COLUMN value DROP NOT NULL")
    learner.write_batch(batch, 0, tables)
    look("again")
    learner.write_batch(frame(RAW, LATER), 0, tables)
    look("later")
    return seen


@check("write_batch", points=2)
def test_events_land_once_each(written, frame):
    """Writes each event of a batch once, its first delivery, whatever else has the same content"""
    rows = {row.event_id: row for row in written["again"]["orders"]}
    missing = sorted({row[0] for row in BATCH_ORDERS} - set(rows))
    assert not missing, f"event {missing[0]} of the batch is not in `orders`"
    assert rows["a1"].offset == 10, (
        f"event a1 was delivered at offset 10 and again at 14; the row in `orders` is that of offset {rows['a1'].offset}"
    )
    found = [tuple(row) for row in written["again"]["orders"]]
    assert_frame(
        frame(ORDERS, {row[0]: row for row in found}.values()), BATCH_ORDERS, key="event_id"
    )


@check("write_batch", points=2)
def test_a_redelivered_event_is_one_row(written):
    """Takes two deliveries of an event as one, in one batch and in two"""
    for stage, name, where in (("again", "a1", "in one batch"), ("later", "b1", "in two batches")):
        offsets = {row.offset for row in written[stage]["orders"] if row.event_id == name}
        assert len(offsets) < 2, (
            f"event {name} is in `orders` from offsets {' and '.join(sorted(map(str, offsets)))}; it was delivered twice {where}, "
            "and is one event: same event_id, another offset, another attempt"
        )


@check("write_batch", points=3)
def test_a_crash_between_the_writes_leaves_no_trace(written):
    """Has every row once when a call died between its two writes and was repeated"""
    events = Counter(row.event_id for row in written["again"]["orders"])
    letters = places(written["again"]["dead"])
    rows = {f"event {name}": times for name, times in events.items()}
    rows |= {
        f"the dead letter at partition {at[0]}, offset {at[1]},": n for at, n in letters.items()
    }
    twice = next((name for name, times in rows.items() if times > 1), None)
    assert twice is None, (
        f"{twice} is there twice. The table of dead letters refused a row, so the call died; called again with the same rows, "
        "it wrote again what had been written before"
    )
    lost = BATCH_DEAD - set(letters)
    assert not lost, (
        f"the dead letter at partition {min(lost)[0]}, offset {min(lost)[1]} is lost: the call died before it was written, "
        "and the second call did not write it"
    )


@check("write_batch", points=2)
def test_equal_dead_letters_are_two(written):
    """Keeps two dead letters with the same bytes: each is a message somebody sent"""
    letters = places(written["again"]["dead"])
    assert letters[(0, 12)] and letters[(0, 16)], (
        "two messages with the bytes `poison` lie at offsets 12 and 16; only one of them is in `dead`. "
        "What was produced and what is accounted for differ by one now"
    )
    assert places(written["later"]["dead"])[(1, 12)], (
        "the same bytes in partition 1 are missing from `dead`"
    )


@check("write_batch", points=3)
def test_the_number_of_a_batch_means_nothing(written):
    """Writes what is new, and only that, when a number comes again with other rows"""
    events = Counter(row.event_id for row in written["later"]["orders"])
    letters = places(written["later"]["dead"])
    assert events["d1"] and letters[(1, 12)], (
        "batch 0 came a second time, with new rows in it, as after the loss of a checkpoint; the new rows are not in the tables"
    )
    known = {"c1": events["c1"], "dead letter 17": letters[(0, 17)]}
    twice = next((name for name, times in known.items() if times > 1), None)
    assert twice is None, (
        f"{twice} was in the table already, came again in another batch, and is there twice now"
    )


@check("write_batch")
def test_a_failing_write_fails_the_call(written):
    """Raises when a table refuses its rows, so that nobody takes the batch as done"""
    assert written["error"] is not None, (
        "`dead` refused a row and the call returned as if nothing had happened; the query would note the batch as done"
    )


# ---------------------------------------------------------------------------------- run_pipeline


def message(value, *, partition: int = 0, aborted: bool = False) -> Message:
    return Message(
        "k",
        as_bytes(value),
        partition,
        int(at(0).replace(tzinfo=UTC).timestamp() * 1000),
        aborted,
    )


FIRST = [
    message(event("a1")),
    message(event("b1"), partition=1),
    message(event("a2")),
    message(b"poison"),
    message(event("x1", status="cancelled"), aborted=True),
    message(event("a1", attempt=2)),
    message(None),  # `dead` refuses it in the first call
    message(event("a3")),
]
SECOND = [
    message(event("b1", attempt=2), partition=1),
    message(event("b3"), partition=1),
    message(event("b2"), partition=1),
    message(b"poison"),
    message(event("x2"), aborted=True),
    message(event("a4")),
]
EVENTS = {"a1", "a2", "a3", "a4", "b1", "b2", "b3"}


@pytest.fixture(scope="module")
def served(learner, spark, kafka, shared_schema, tmp_path_factory):
    """The tables after three calls on one topic: a write fails, more messages and a restart, a lost checkpoint."""
    topic = new_topic(kafka, partitions=2)
    folder = tmp_path_factory.mktemp("served")
    tables = make_tables(spark, shared_schema, "served")
    seen = {}

    def look(stage: str) -> None:
        seen[stage] = {which: table_rows(spark, name) for which, name in tables.items()}

    send(kafka, topic, FIRST)
    arguments = (spark, kafka, topic, tables)
    seen["error"] = attempt(learner.run_pipeline, *arguments, str(folder / "checkpoint"))
    spark.sql(f"ALTER TABLE {tables['dead']} ALTER COLUMN value DROP NOT NULL")
    send(kafka, topic, SECOND)
    learner.run_pipeline(*arguments, str(folder / "checkpoint"))
    look("restart")
    logs = checkpoint_files(folder, "offsets")
    in_order = sorted(logs, key=lambda path: path.rpartition("/")[2].zfill(9))
    seen["read to"] = [offsets_in(logs[path], topic) for path in in_order]
    learner.run_pipeline(*arguments, str(folder / "another"))
    look("lost")
    return seen


def offsets_in(log: str, topic: str) -> dict[str, int]:
    """Where a micro-batch had read to, by partition; nothing when the log is none of Kafka's."""
    try:
        return json.loads(log.splitlines()[-1])[topic]
    except (ValueError, LookupError, TypeError):
        return {}


@check("run_pipeline", points=3)
def test_nothing_is_lost(served):
    """Lands every event and every dead letter of the topic, through a crash and a restart"""
    events = {row.event_id for row in served["restart"]["orders"]}
    lost = sorted(EVENTS - events)
    assert not lost, (
        f"event {lost[0]} was produced and is not in `orders`. A write failed in the first call, and the second one had the same checkpoint: "
        "what the failed batch held must come again"
    )
    dead = len(places(served["restart"]["dead"]))
    assert dead == 3, (
        f"3 messages of the topic are no events, and `dead` has {dead} of them. Two came with the batch whose write failed; "
        "all of that batch must come again, also when part of it was written"
    )


@check("run_pipeline", points=2)
def test_nothing_is_doubled_by_a_restart(served):
    """Has every event and every dead letter once after a crash and a restart"""
    events = Counter(row.event_id for row in served["restart"]["orders"])
    twice = sorted((name for name, times in events.items() if times > 1), key=str)
    assert not twice, f"event {twice[0]} is in `orders` {events[twice[0]]} times"
    again = [place for place, times in places(served["restart"]["dead"]).items() if times > 1]
    assert not again, (
        f"the message at partition {again[0][0]}, offset {again[0][1]} is in `dead` more than once"
    )


@check("run_pipeline", points=3)
def test_a_lost_checkpoint_changes_nothing(served):
    """Reads from the earliest offset without a checkpoint, and leaves both tables as they were"""
    for which in ("orders", "dead"):
        before, after = served["restart"][which], served["lost"][which]
        assert len(after) == len(before), (
            f"`{which}` had {len(before)} rows; after a run with an empty checkpoint folder it has {len(after)}. All messages were read again"
        )
        assert {tuple(row) for row in after} == {tuple(row) for row in before}, (
            f"rows of `{which}` changed when all messages were read again; what is there already stays as it is"
        )


@check("run_pipeline", points=2)
def test_aborted_messages_are_never_served(served):
    """Leaves out messages whose transaction was taken back"""
    taken_back = sorted({row.event_id for row in served["restart"]["orders"]} & {"x1", "x2"})
    assert not taken_back, (
        f"event {taken_back[0]} is in `orders`; its producer aborted the transaction it was sent in, so it never happened. "
        "A Kafka consumer reads uncommitted messages unless told otherwise"
    )


@check("run_pipeline")
def test_a_failed_batch_fails_the_call(served):
    """Raises when a batch could not be written"""
    assert served["error"] is not None, (
        "`dead` refused a row in the first call and nothing was raised; a scheduler would show this run as green"
    )


@check("run_pipeline")
def test_the_checkpoint_knows_how_far(served):
    """Keeps in the given checkpoint folder how far each partition was read"""
    ends = served["read to"][-1] if served["read to"] else {}
    assert set(ends) == {"0", "1"} and ends["1"] == 4 and ends["0"] >= 8, (
        f"after the second call the newest offsets in the checkpoint folder are {ends or 'none'}; "
        "a restart without them reads the whole topic again, every time"
    )


# ---------------------------------------------------------------------------------- serving_view

VIEW = (
    "order_id string, status string, amount decimal(10,2), seq long, updated_at timestamp, delay_seconds double, "
    "missing_events long"
)
SERVED = [
    order_row("a3", 20, status="shipped", event_time=at(-10), produced_at=at(0)),
    order_row("a2", 30, status="paid", event_time=at(-11), produced_at=at(5)),  # overtaken by a3
    order_row("a1", 19, status="created", event_time=at(-30), produced_at=at(-29)),
    # its terminal's clock is wrong: seq counts, not the time
    order_row(
        "b2", 31, status="paid", amount=Decimal("9.99"), event_time=at(-90), produced_at=at(0.025)
    ),
    order_row("b1", 21, status="created", event_time=at(0)),
    order_row("c5", 22, status="delivered", event_time=at(1), produced_at=at(1)),
    order_row("c1", 18, status="created", event_time=at(0), produced_at=at(2)),
    order_row("d10", 25, partition=1, status="cancelled", event_time=at(0), produced_at=at(1)),
    order_row("d9", 26, partition=1, status="paid", event_time=at(0), produced_at=at(1)),
]
LANDS = [order_row("a4", 40, status="delivered"), order_row("e1", 41, status="created")]


@pytest.fixture(scope="module")
def viewed(learner, spark, frame, shared_schema):
    """The view, the same frame after a batch has landed, and a second view."""
    tables = table_names(shared_schema, "viewed")
    frame(ORDERS, SERVED).write.format("delta").saveAsTable(tables["orders"])
    view = learner.serving_view(spark, tables)
    assert_columns(view, VIEW)
    seen = {"first": collect(view)}
    frame(ORDERS, LANDS).write.format("delta").mode("append").saveAsTable(tables["orders"])
    seen["same frame"] = collect(view)
    seen["second"] = collect(learner.serving_view(spark, tables))
    return seen


def viewed_row(viewed, order: str):
    rows = [row for row in viewed["first"] if row.order_id == order]
    assert len(rows) == 1, f"order {order} has {len(rows)} rows in the view, expected 1"
    return rows[0]


@check("serving_view", points=2)
def test_the_greatest_seq_is_the_status(viewed):
    """Shows each order once, as its event with the greatest seq says, whatever came last"""
    assert len(viewed["first"]) == 4, f"{len(viewed['first'])} rows in the view for 4 orders"
    for order, status, seq in (
        ("a", "shipped", 3),
        ("b", "paid", 2),
        ("c", "delivered", 5),
        ("d", "cancelled", 10),
    ):
        row = viewed_row(viewed, order)
        assert (row.status, row.seq) == (status, seq), (
            f"order {order} is {row.status}, seq {row.seq}; its event with the greatest seq is {seq}, {status}. Offsets, arrival and the "
            "clocks of producers can be in another order"
        )


@check("serving_view")
def test_columns_come_from_one_event(viewed):
    """Takes amount and updated_at from the same event as the status"""
    row = viewed_row(viewed, "b")
    assert (row.amount, row.updated_at) == (Decimal("9.99"), at(-90)), (
        f"order b shows amount {row.amount} of {row.updated_at}; its newest event has 9.99 of {at(-90)}"
    )


@check("serving_view", points=2)
def test_delay_is_from_event_to_broker(viewed):
    """Tells in delay_seconds how long the newest event took from its time to Kafka's timestamp"""
    for order, seconds in (("a", 600.0), ("b", 5401.5), ("c", 0.0)):
        got = viewed_row(viewed, order).delay_seconds
        assert got is not None and abs(got - seconds) < 1e-6, (
            f"delay_seconds of order {order} is {got}, expected {seconds}: produced_at minus event_time of its newest event"
        )


@check("serving_view", points=2)
def test_missing_events_are_counted(viewed):
    """Tells in missing_events how many events up to the newest have not arrived"""
    for order, seq, missing in (("a", 3, 0), ("c", 5, 3), ("d", 10, 8)):
        got = viewed_row(viewed, order).missing_events
        assert got == missing, (
            f"missing_events of order {order} is {got}, expected {missing}: of the events up to seq {seq}, "
            f"{seq - missing} are in the table"
        )


@check("serving_view", points=3)
def test_a_frame_shows_one_state(viewed):
    """Shows the same rows when it is read again after a batch has landed"""
    before = {row.order_id: row for row in viewed["first"]}
    after = {row.order_id: row for row in viewed["same frame"]}
    changed = next(
        (name for name in sorted(after, key=str) if after[name] != before.get(name)), None
    )
    assert changed is None, (
        f"the same frame was read twice, and a batch landed between: order {changed} was "
        f"{told_row(before.get(changed))} and is {told_row(after[changed])}. Rows and totals of one report would not agree"
    )
    assert len(before) == len(after), f"{len(before)} orders became {len(after)} in the same frame"


def told_row(row) -> str:
    return f"{row.status}, delay {row.delay_seconds}" if row else "not there"


@check("serving_view")
def test_a_new_view_is_up_to_date(viewed):
    """Shows what has landed when the function is called again"""
    rows = {row.order_id: row for row in viewed["second"]}
    assert "e" in rows and rows["a"].status == "delivered", (
        "a batch landed, the function was called again, and the new events are not in what it returns"
    )


# ---------------------------------------------------------------------------------------- replay

LOG = [
    message(event("a1")),  # 0
    message(event("b1")),  # 1: outside, and untouched whatever today's parse would say
    message(event("c1", amount=30.0)),  # 2: the range begins; amount was read as cents
    message(event("d1")),  # 3: was dead
    message(b"poison"),  # 4: was an event
    message(event("a1", attempt=2)),  # 5: delivered again, first outside the range
    message(b"poison"),  # 6: was dead, and is, for another reason
    message(event("e1", amount=50.0)),  # 7: the bad deploy lost it
    message(event("e1", amount=50.0, attempt=2)),  # 8
    message(event("x1"), aborted=True),  # 9, and its marker
    message(b"poison"),  # 11: after the range
    message(event("f1"), partition=1),  # 0: before the range of this partition
    message(event("h1", amount=30.0), partition=1),  # 1: its range
    message(event("i1"), partition=1),  # 2: after it, and inside that of partition 0
    message(b"poison", partition=2),
    message(event("g1"), partition=2),
]
RANGE = {0: (2, 11), 1: (1, 2)}


@pytest.fixture(scope="module")
def replayed(learner, spark, frame, kafka, shared_schema):
    """The tables as a bad deploy left them, after a replay of a range, and after the same replay again."""
    topic = new_topic(kafka, partitions=3)
    send(kafka, topic, LOG)
    tables = table_names(shared_schema, "replayed")

    def row(event_id, offset, **changed):
        return order_row(event_id, offset, topic=topic, produced_at=at(0), **changed)

    orders = [
        row("a1", 0),
        row("b1", 1, amount=Decimal("99.00")),  # wrong too, and not asked for
        row("c1", 2, amount=Decimal("0.30")),
        row("z1", 4, amount=Decimal("0.00")),
        row("f1", 0, partition=1, amount=Decimal("99.00")),
        row("h1", 1, partition=1, amount=Decimal("0.30")),
        row("i1", 2, partition=1, amount=Decimal("99.00")),
        row("g1", 1, partition=2, amount=Decimal("99.00")),
        order_row("o1", 4, topic="another topic"),
        order_row("o2", 1, partition=1, topic="another topic"),
    ]
    dead = [
        (topic, 0, 3, "bad_status", b"{}"),
        (topic, 0, 6, "bad_status", b"poison"),
        (topic, 0, 11, "kept", b"poison"),
        (topic, 1, 3, "kept", b"x"),
        (topic, 2, 3, "kept", b"x"),
    ]
    frame(ORDERS, orders).write.format("delta").saveAsTable(tables["orders"])
    frame(DEAD, dead).write.format("delta").saveAsTable(tables["dead"])
    start = {which: table_version(spark, name) for which, name in tables.items()}
    seen = {"topic": topic}
    learner.replay(spark, kafka, topic, tables, RANGE)
    seen["commits"] = {which: changes_since(spark, tables[which], start[which]) for which in tables}
    seen["first"] = {which: table_rows(spark, name) for which, name in tables.items()}
    seen["error"] = attempt(learner.replay, spark, kafka, topic, tables, RANGE)
    seen["second"] = {which: table_rows(spark, name) for which, name in tables.items()}
    return seen


def replayed_order(replayed, event_id: str):
    rows = [row for row in replayed["first"]["orders"] if row.event_id == event_id]
    assert len(rows) < 2, f"event {event_id} has {len(rows)} rows in `orders` after the replay"
    return rows[0] if rows else None


@check("replay", points=2)
def test_wrong_rows_of_the_range_are_mended(replayed):
    """Corrects the events that the bad deploy wrote wrongly, and adds those it lost or took as dead"""
    for name, place in (("c1", "partition 0, offset 2"), ("h1", "partition 1, offset 1")):
        mended = replayed_order(replayed, name)
        assert mended is not None and mended.amount == Decimal("30.00"), (
            f"the amount of event {name}, {place}, is {mended and mended.amount} after the replay of {RANGE}; "
            "its message says 30.0"
        )
    for name, offset, story in (("d1", 3, "was taken as dead"), ("e1", 7, "was lost")):
        row = replayed_order(replayed, name)
        assert row is not None, (
            f"event {name} at offset {offset} {story}; after the replay it is still not in `orders`"
        )
        assert row.offset == offset, (
            f"event {name} was delivered first at offset {offset}; its row is that of offset {row.offset}"
        )


@check("replay", points=2)
def test_what_is_no_event_leaves_orders(replayed):
    """Moves what today's parse rejects from `orders` to `dead`"""
    assert replayed_order(replayed, "z1") is None, (
        "the row z1 came from offset 4, whose message is poison; the replay left it in `orders`"
    )
    assert (0, 4) in places(replayed["first"]["dead"]), (
        "the poison at offset 4 is not in `dead` after the replay"
    )


@check("replay", points=2)
def test_what_is_an_event_leaves_dead(replayed):
    """Takes a message out of `dead` that is an event today, and keeps the true dead letters once, with today's reason"""
    letters = places(replayed["first"]["dead"])
    assert (0, 3) not in letters, (
        "the message at offset 3 is an event today, and is still in `dead`: it is counted twice now"
    )
    assert letters[(0, 6)] == 1, (
        f"the poison at offset 6 is in `dead` {letters[(0, 6)]} times, expected once"
    )
    reason = next(
        row.reason
        for row in replayed["first"]["dead"]
        if (row.topic, row.partition, row.offset) == (replayed["topic"], 0, 6)
    )
    assert reason == "not_json", (
        f"the poison at offset 6 is in `dead` as {reason}, which the bad deploy said; today it is not_json"
    )


@check("replay", points=3)
def test_rows_outside_the_range_stay(replayed):
    """Leaves every row of other offsets, partitions and topics as it was"""
    for name, story in (
        ("b1", "offset 1 of partition 0"),
        ("f1", "offset 0 of partition 1"),
        ("i1", "offset 2 of partition 1"),
        ("g1", "offset 1 of partition 2"),
    ):
        row = replayed_order(replayed, name)
        assert row is not None and row.amount == Decimal("99.00"), (
            f"event {name} lies at {story}, outside of {RANGE}; its row is {'gone' if row is None else 'changed'}"
        )
    for name, place in (("o1", "partition 0, offset 4"), ("o2", "partition 1, offset 1")):
        assert replayed_order(replayed, name) is not None, (
            f"a row of another topic, with {place}, is gone; the range is of one topic"
        )
    letters = {(row.partition, row.offset): row.reason for row in replayed["first"]["dead"]}
    for place in ((0, 11), (1, 3), (2, 3)):
        assert letters.get(place) == "kept", (
            f"the dead letter at partition {place[0]}, offset {place[1]}, outside of {RANGE}, is {'changed' if place in letters else 'gone'}"
        )


@check("replay", points=2)
def test_first_deliveries_outside_the_range_stay(replayed):
    """Leaves an event alone that was delivered first outside the range and again inside"""
    row = replayed_order(replayed, "a1")
    assert row is not None and row.offset == 0, (
        f"event a1 lies at offset 0, and was delivered again at 5; after the replay its row is "
        f"{'gone' if row is None else f'that of offset {row.offset}'}"
    )


@check("replay")
def test_a_replay_reads_committed_messages_only(replayed):
    """Leaves out messages whose transaction was taken back"""
    assert replayed_order(replayed, "x1") is None, (
        "event x1 was sent in an aborted transaction, and is in `orders` after the replay"
    )


@check("replay", points=2)
def test_a_reader_never_sees_a_hole(replayed):
    """Changes each table in one commit, so that no version lacks the rows of the range"""
    for which, commits in replayed["commits"].items():
        assert commits.versions <= 1, (
            f"the replay made {commits.versions} versions of `{which}` ({', '.join(commits.operations)}); "
            "who reads between two of them finds rows missing, and a crash leaves it so"
        )


@check("replay", points=2)
def test_a_second_replay_changes_no_row(replayed):
    """Leaves both tables as they are when the same range is replayed again"""
    assert replayed["error"] is None, f"the second replay of the range raised {replayed['error']}"
    for which in ("orders", "dead"):
        first, second = (
            Counter(map(bare, replayed[stage][which])) for stage in ("first", "second")
        )
        assert first == second, (
            f"the same replay again changed `{which}` from {first.total()} to {second.total()} rows, or what is in them"
        )


def bare(row) -> tuple:
    """A row that can be counted: bytes as bytes."""
    return tuple(bytes(value) if isinstance(value, bytearray) else value for value in row)

"""Checks of lab 06: messages made by hand, and a real broker for what a run and a replay mean."""

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest

from labkit.checks import (
    AnswerError,
    Case,
    assert_columns,
    assert_one_commit,
    assert_rows,
    cases,
    check,
    checkpoint_files,
    collect,
    require_frames,
    run_tables,
)
from labkit.checks.kafka import Message, new_topic, send

HINTS = {
    "parse": [
        "Read every field so that a bad one becomes null, not an error; then one expression can "
        "name the first bad one. Ask for JSON's own type before you believe a cast.",
        "`amount >= 0` is null when amount is null, and `where(~good)` drops rows whose `good` is "
        "null. In which frame do they end?",
        "Make `reason` a column of one frame, null for a good message, and split by it.",
        "What follows the first object is an error only inside something that must go on after it. "
        "What does a parser say of `[{...}{...}]`? Is the array as long as you made it?",
    ],
    "write_batch": [
        "What makes a row the same row when it comes again? Not the number of its batch, and for a "
        "dead letter not its bytes either.",
        "MERGE compares new rows with the table, never with each other: two deliveries of an event "
        "in one batch are both absent.",
        "Each write must do nothing when its rows are there already. Then it doesn't matter which "
        "of the two was done before the crash.",
    ],
    "run_pipeline": [
        "A stream begins where its checkpoint ends; without one, where `startingOffsets` says.",
        "Kafka hides messages of aborted transactions only from a consumer that asks. Most options "
        "of a consumer can be given with the prefix `kafka.`.",
        "`awaitTermination()` raises what failed in a batch. An exception that you catch is a "
        "batch that Spark takes as done.",
    ],
    "serving_view": [
        "`max_by` finds the row with the greatest seq. Offset and arrival say nothing about it.",
        "A frame is a plan: read twice, it reads the table twice, each time in its newest version, "
        "unless the plan names one.",
        "`DeltaTable.history(1)` tells the newest version, the option `versionAsOf` reads it.",
    ],
    "replay": [
        "`subscribe` wants offsets for every partition of the topic; `assign` lets you name some.",
        "A row of the range can change, appear, or have to go. MERGE has a clause for each.",
        "`whenNotMatchedBySourceDelete(condition=...)` deletes what the source no longer has; "
        "without the condition, that is nearly the whole table.",
        "A matched row from another offset is a first delivery outside the range. The matched "
        "clause takes a condition too.",
    ],
}

RAW = (
    "key binary, value binary, topic string, partition int, offset long, "
    "timestamp timestamp, timestampType int"
)
ORDERS = (
    "event_id string, order_id string, seq long, status string, amount decimal(10,2), "
    "event_time timestamp, produced_at timestamp, topic string, partition int, offset long"
)
DEAD = "topic string, partition int, offset long, reason string, value binary"
VIEW = (
    "order_id string, status string, amount decimal(10,2), seq long, updated_at timestamp, "
    "delay_seconds double, missing_events long"
)
TABLES = {"orders": ORDERS, "dead": DEAD}
FIELDS = ["event_id", "order_id", "seq", "status", "amount", "event_time"]
PLACE = ["topic", "partition", "offset"]
NINE = datetime(2025, 5, 1, 9)
NUMBERS = itertools.count()  # offsets and attempts, where only their order counts


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def event(name: str, /, **changed) -> dict:
    """A good event; its id says its order and seq (`a1` is the first of order a)."""
    ids = {"event_id": name, "order_id": name[0], "seq": int(name[1:]), "status": "paid"}
    known = {**ids, "amount": 12.5, "event_time": "2025-05-01T09:00:00Z", "attempt": 1, **changed}
    return {name: value for name, value in known.items() if value != "absent"}


def order_row(event: dict, place: tuple, produced_at: datetime = NINE) -> tuple:
    """The row of `orders` that a good event becomes."""
    amount = Decimal(str(event["amount"])).quantize(Decimal("0.01"), ROUND_HALF_UP)
    time = datetime.fromisoformat(event["event_time"]).astimezone(UTC).replace(tzinfo=None)
    cells = {**event, "amount": amount, "event_time": time}
    return (*(cells[name] for name in FIELDS), produced_at, *place)


def place_of(row) -> tuple:
    """Topic, partition and offset of a row of `orders`, of `dead` or of the Kafka source."""
    return tuple({10: row[7:], 5: row[:3], 7: row[2:5]}[len(row)])


def rows_of(which: str, rows: Iterable) -> list:
    """Those of rows of both tables that belong to one."""
    return [row for row in rows if len(row) == {"orders": 10, "dead": 5}[which]]


def told(text: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Cases in a text: `name: title`, and under it indented lines, `key: what is said of it`."""
    for block in re.split(r"\n(?=\S)", text.strip()):
        (name, title), *lines = (line.split(": ", 1) for line in re.split(r"\n    (?=\S)", block))
        yield name, title, defaultdict(str, lines)


SHORT = re.compile(
    r"(!?)([a-z]\d+|[?-])(?:\$(\d+))?(?:@(\d):(\d+))?(?:~(\d+))?(?:=(\w+))?(?:/(\w+))?"
)


def short(text: str) -> Iterator[tuple[tuple, tuple, bool]]:
    """Messages: the row of the Kafka source, that of `orders` or `dead`, and if it was taken back.

    `a1$30@1:7` is event a1 of the amount 30, in partition 1 at offset 7; `?` is poison and `-` no
    value. `~5` says five minutes later, `=old` is the reason of a dead letter, `/refunds` another
    topic; `!` before it all says that the message was taken back.
    """
    for one in text.split():
        aborted, name, amount, *where, minute, reason, topic = SHORT.fullmatch(one).groups()
        place = (topic or "orders", *(int(number or 0) for number in where))
        if name in "?-":
            value, fault = {"?": (b"poison", "not_json"), "-": (None, "no_value")}[name]
        else:  # each delivery has other bytes
            sent = event(name, amount=float(amount or 12.5), attempt=next(NUMBERS))
            value, fault = json.dumps(sent).encode(), None
        produced_at, reason = at(int(minute or 0)), reason or fault
        row = (*place, reason, value) if reason else order_row(sent, place, produced_at)
        yield (b"k", value, *place, produced_at, 0), row, bool(aborted)


def cases_in(text: str) -> list[Case]:
    """Cases of rows `before` and `after`, or both: `stays`; `given` are the places of any line."""
    found = []
    for name, title, said in told(text):
        rows = {key: [row for _, row, _ in short(line)] for key, line in said.items()}
        before, after, stays = (rows.get(key, []) for key in ("before", "after", "stays"))
        places = [place_of(row) for line in rows.values() for row in line]
        found.append(Case(name, title, before + stays, places, after + stays))
    return found


def renamed(rows: Iterable, old: str, new: str) -> list[tuple]:
    """Rows with another name for a topic: that of a run is known in the run alone."""
    return [tuple(new if cell == old else cell for cell in row) for row in rows]


def tables_of(rows: Iterable[tuple]) -> dict[str, tuple]:
    """Both tables, for `run_tables`, with these rows."""
    found = list(rows)
    return {which: (ddl, rows_of(which, found)) for which, ddl in TABLES.items()}


def with_view(spark, tables: dict[str, str], which: str) -> dict[str, str]:
    """The names of the tables, but a view for one of them: it takes no rows, so a write fails."""
    view = f"{tables[which]}_view"
    spark.sql(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {tables[which]}")
    return {**tables, which: view}


def refusal(function, *arguments) -> str | None:
    """The error of a call that may fail; a task that is not written is no such failure."""
    try:
        function(*arguments)
    except AnswerError as error:
        if error.outcome != "error":
            raise
        return error.reason
    return None


def assert_table_rows(which: str, found: Iterable, expected: Iterable) -> None:
    """`assert_rows` for rows of `orders` or `dead`; the reason says of which."""
    key = {"orders": "event_id", "dead": PLACE}[which]
    try:
        assert_rows(found, expected, key=key, columns=TABLES[which])
    except AssertionError as error:
        raise AssertionError(f"in `{which}`:\n{error}") from None


def assert_places(tables: Mapping[str, Iterable], case: Case, topic: str = "orders") -> None:
    """The tables have the rows `after` of a case, and no other at the places that it speaks of."""
    for which, found in tables.items():
        here = [row for row in renamed(found, topic, "orders") if place_of(row) in case.given]
        assert_table_rows(which, here, rows_of(which, case.after))


# -------------------------------------------------------------------------------------------- parse

# Values of messages, by what they become: texts, where EVENT stands for a good event, or the fields
# in which they differ from it. Of one of `bad_...`, what is no object is the value of this field.
MESSAGES = r"""
events: Types the fields of a good message; takes Kafka's timestamp and the place along
    good: [{"amount": 0.1, "status": "created"}, {"amount": 0, "status": "delivered"},
        {"amount": 99999999.99, "seq": 12}, {"event_id": " x 1", "order_id": "o-7 "}]
decimals: Rounds an amount with more than two decimals
    good: [{"amount": 12.346}, {"amount": 0.004}]
zones: Takes the zone of a time into account, and its fraction of a second
    good: [{"event_time": "2025-05-01T11:30:00+02:00"}, {"event_time": "2025-05-01T09:00:00.25Z"}]
further_fields: Takes a message for an event that has further fields, or no `attempt`
    good: [{"note": "new", "tags": {"a": [1]}}, {"attempt": "absent"}]
line_end: Takes a message for an event that ends in blanks or a line end
    good: ["EVENT \n"]
no_value: Says no_value of a null, and of nothing else
    no_value: [null]
    not_json: ["", "null"]
not_json: Says not_json of what isn't one JSON object
    not_json: ["<html>502</html>", "{\"event_id\": \"a", "502", "[]", "[EVENT]", "\"a1\""]
something_after: Says not_json of an object that something follows
    not_json: ["EVENTEVENT", "EVENT\nEVENT", "EVENT <br>", "EVENT]", "EVENT}"]
ids: Takes an id for bad that is no string, or has only spaces in it
    bad_event_id: ["", "  ", null, "absent", 7, ["a1"]]
    bad_order_id: ["", "  ", null, "absent", 7, true]
seq: Takes a seq for bad that is no whole number from 1 on, or too large for the column
    bad_seq: [0, -1, 1.5, "1", "first", true, null, "absent", 1000000000000000000000000000000]
status: Takes a status for bad that isn't one of STATUSES
    bad_status: ["PAYED", "Paid", "", null, "absent", ["paid"]]
amount: Takes an amount for bad that is no number, less than 0, or too large for the column
    bad_amount: [-1, -0.004, "n/a", "12.5", true, null, "absent", 100000000, 1e12, 1e300]
event_time: Takes an event_time for bad that has no date, no time or no zone, or is no string
    bad_event_time: ["soon", "12:00", "2025", "2025-05-01", "2025-05-01T09:00:00",
        "2025-02-30T09:00:00Z", 1746090000, null, "absent"]
first_fault: Names the first bad field when there are several
    bad_event_id: [{"event_id": null, "order_id": null},
        {"event_id": "absent", "order_id": "absent", "seq": "absent", "status": "absent",
        "amount": "absent", "event_time": "absent", "attempt": "absent"}]
    bad_order_id: [{"order_id": null, "seq": null}]
    bad_seq: [{"seq": null, "status": null}]
    bad_status: [{"status": null, "amount": null}]
    bad_amount: [{"amount": null, "event_time": null}]
bytes: Keeps the value of a dead letter as it came, byte by byte
    not_json: ["\u00ff\u00fe order \u0000"]
"""


def value_of(becomes: str, said) -> bytes | None:
    if becomes.startswith("bad_") and not isinstance(said, dict):
        said = {becomes.removeprefix("bad_"): said}
    if isinstance(said, dict):
        said = json.dumps(event("a1", **said))
    whole = json.dumps(event("a1"))
    return None if said is None else said.replace("EVENT", whole).encode("latin-1")


def messages_in(text: str) -> Iterator[Case]:
    """Cases of rows of the Kafka source, and of the rows that they become."""
    for name, title, said in told(text):
        case = Case(name, title, given=[], after=[])
        for becomes, one in ((key, one) for key in said for one in json.loads(said[key])):
            value, place = value_of(becomes, one), ("orders", 1, next(NUMBERS))
            time, is_good = at(place[2]), becomes == "good"
            row = order_row(json.loads(value), place, time) if is_good else (*place, becomes, value)
            case.given.append((b"k", value, *place, time, 0))
            case.after.append(row)
        yield case


PARSED = list(messages_in(MESSAGES))


def frames_of(learner, raw) -> dict[tuple, list]:
    """What both frames of an answer hold, by place."""
    found = defaultdict(list)
    for answer, columns in zip(require_frames(learner.parse(raw), 2), TABLES.values(), strict=True):
        assert_columns(answer, columns)
        for row in collect(answer):
            found[place_of(row)].append(row)
    return found


def side(row) -> str:
    return "in `orders`" if len(row) == 10 else f"in `dead` as {row[3]}"


def assert_parsed(found: Mapping[tuple, list], case: Case) -> None:
    """Each message of a case is in the right frame, there alone, and with the right cells."""
    for (_, data, *_), expected in zip(case.given, case.after, strict=True):
        here = found.get(place_of(expected), [])
        sides = " and ".join(map(side, here)) or "in neither frame"
        text = "no bytes" if data == b"" else (data or b"no value").decode("utf-8", "replace")
        if sides != side(expected):
            raise AssertionError(
                f"this message is {sides}, expected {side(expected)}: {text[:160]}"
            )
        try:
            assert_rows(here, [expected], key=PLACE, columns=list(here[0].__fields__))
        except AssertionError as error:
            raise AssertionError(f"a cell differs of this message: {text[:160]}\n{error}") from None


@pytest.fixture(scope="module")
def parsed(learner, frame):
    """Both frames of the messages of all cases."""
    return frames_of(learner, frame(RAW, [row for case in PARSED for row in case.given]))


@check("parse")
@cases(PARSED)
def test_messages(parsed, case):
    """{case}"""
    assert_parsed(parsed, case)


# -------------------------------------------------------------------------------------- write_batch

# Batch 1 dies half-way and comes again, 2 has events alone, 3 dead letters alone.
ARRIVING = """
kinds: Writes the events of a batch to `orders`, and its dead letters to `dead`
    batch 1: b1$2@0:11 ?@0:12 -@0:17 b2@1:10
    after: b1$2@0:11 ?@0:12 -@0:17 b2@1:10
in_one_batch: Lands of several deliveries the one with the smallest offset, whatever their order
    batch 1: d1@0:20 d1@0:24 e1@0:29 e1@0:26 e1@0:28
    after: d1@0:20 e1@0:26
timestamps: Goes by the offset of a delivery, also where the timestamps say something else
    batch 1: f1@0:33~9 f1@0:34~1
    after: f1@0:33~9
known: Leaves a row as it is when its event or its message comes again in another batch
    stays: g1$1@0:3 ?@0:4=bad_seq
    batch 2: g1@0:35
    batch 3: ?@0:4
smaller_offset_later: Leaves a row as it is when a delivery with a smaller offset comes later
    stays: h1$1@0:44
    batch 2: h1@0:40
crash: Has each row once when a call died between its two writes and came again
    batch 1: k1@0:50 ?@0:51
    after: k1@0:50 ?@0:51
equal_bytes: Keeps two dead letters with equal bytes: each is a message that somebody sent
    batch 1: ?@0:30 ?@0:31
    batch 3: ?@0:32
    after: ?@0:30 ?@0:31 ?@0:32
places: Tells dead letters apart by partition and topic, too, not by the offset alone
    stays: ?@0:71/refunds
    batch 1: ?@0:70 ?@0:71
    batch 3: ?@1:70
    after: ?@0:70 ?@1:70 ?@0:71
old_number: Writes new rows under a number that others had before, in a batch of events alone
    batch 2: m1@0:60
    after: m1@0:60
dead_letters_alone: Writes a batch that has dead letters alone
    batch 3: ?@0:61
    after: ?@0:61
"""
WRITTEN = cases_in(ARRIVING)


@pytest.fixture(scope="module")
def written(learner, spark, frame, shared_schema):
    """The tables after three batches; the result tells the errors of calls with a view."""
    first, second, third = (
        frame(RAW, [raw for *_, said in told(ARRIVING) for raw, _, _ in short(said[batch])])
        for batch in ("batch 1", "batch 2", "batch 3")
    )

    def write(tables: dict[str, str]) -> dict[str, str | None]:
        refused = {
            which: refusal(learner.write_batch, batch, 0, with_view(spark, tables, which))
            for which, batch in (("dead", first), ("orders", second))
        }
        for number, batch in ((0, first), (0, second), (7, third)):
            learner.write_batch(batch, number, tables)
        return refused

    before = tables_of(row for case in WRITTEN for row in case.before)
    return run_tables(spark, before, write, schema=shared_schema)


@check("write_batch")
@cases(WRITTEN)
def test_tables_after_batches(written, case):
    """{case}"""
    assert_places(written.rows, case)


@check("write_batch")
def test_a_failing_write_fails_the_call(written):
    """Raises when one of the two tables can't be written, so that nobody takes the batch as done"""
    for which, error in written.result.items():
        assert error is not None, (
            f"the name under `{which}` was that of a view, which takes no rows. The call returned "
            "as if nothing had happened; the query would note the batch as done"
        )


# ------------------------------------------------------------------------------------- run_pipeline


def log(*partitions: str) -> list[Message]:
    """Messages in short, by partition."""
    moment = int(NINE.replace(tzinfo=UTC).timestamp() * 1000)
    return [
        Message("k", raw[1], partition, moment, aborted)
        for partition, text in enumerate(partitions)
        for raw, _, aborted in short(text)
    ]


# The end of a transaction takes an offset too, some time after it: messages taken back come last.
FIRST = log("a1 a2 ? a1 - a3 !x1", "b1")  # offsets 0 to 6 and 7
SECOND = log("? a4 !x2 !?", "b1 b3 b2")  # offsets 8 to 11 and 12
TOPIC = cases_in("""
failed_call: Writes in the next call what a failed call did not write, and each row once
    nowhere: a1@0:3
    after: a1@0:0 a2@0:1 ?@0:2 -@0:4 a3@0:5 b1@1:0
new_messages: Lands what came since the last call, from both partitions
    nowhere: b1@1:1
    after: ?@0:8 a4@0:9 b3@1:2 b2@1:3
taken_back: Leaves out of both tables what a producer took back in its transaction
    nowhere: x1@0:6 x2@0:10 ?@0:11
""")


@pytest.fixture(scope="module")
def served(learner, spark, kafka, shared_schema, tmp_path_factory):
    """What three calls did: a write fails, a restart, a lost checkpoint; the topic; the folder."""
    topic = new_topic(kafka, partitions=2)
    folder = tmp_path_factory.mktemp("served")

    def run(tables: dict[str, str], checkpoint: str = "checkpoint") -> None:
        learner.run_pipeline(spark, kafka, topic, tables, str(folder / checkpoint))

    def fail_and_restart(tables: dict[str, str]) -> str | None:
        send(kafka, topic, FIRST)
        error = refusal(run, with_view(spark, tables, "dead"))
        send(kafka, topic, SECOND)
        run(tables)
        return error

    restart = run_tables(spark, tables_of([]), fail_and_restart, schema=shared_schema)
    lost = run_tables(spark, restart.tables, lambda tables: run(tables, "another"))
    return restart, lost, topic, folder / "checkpoint"


@check("run_pipeline")
@cases(TOPIC)
def test_tables_after_a_restart(served, case):
    """{case}"""
    restart, _, topic, _ = served
    assert_places(restart.rows, case, topic)


@check("run_pipeline", points=2)
def test_a_lost_checkpoint_changes_nothing(served):
    """Reads from the earliest offset without a checkpoint, and leaves both tables as they were"""
    _, lost, *_ = served
    for which, before in lost.before.items():
        assert_table_rows(which, lost.rows[which], before)


@check("run_pipeline")
def test_a_failed_batch_fails_the_call(served):
    """Raises when a batch could not be written"""
    assert served[0].result is not None, (
        "the name under `dead` was that of a view, which takes no rows, and nothing was raised; a "
        "scheduler would show this run as green"
    )


@check("run_pipeline")
def test_the_checkpoint_knows_how_far(served):
    """Keeps in the given checkpoint folder how far each partition was read"""
    logs = "".join(checkpoint_files(served[3], "offsets").values())
    ends = sorted((part, int(end)) for part, end in re.findall(r'"(\d)":(\d+)', logs))
    read_to = dict(ends)  # the newest of each partition is the last one
    assert read_to.get("0", 0) >= 10 and read_to.get("1") == 4, (
        f"after the second call the newest offsets in the checkpoint folder are {read_to or 'none'}"
        "; the last messages lie at 9 of partition 0 and 3 of partition 1. What the folder doesn't "
        "know is read again by every call"
    )


# ------------------------------------------------------------------------------------- serving_view

# An event or a row of the view: `a3:shipped$9@-10+600=2` is event a3 with this status and amount,
# ten minutes before nine; Kafka's timestamp is 600 seconds later, and two events are missing.
EVENT = re.compile(r"(\w+?)(?::(\w+))?(?:\$(\d+))?@(-?\d+)(?:\+(-?[\d.]+))?(?:=(\d+))?")


def read(text: str) -> tuple[list[tuple], list[tuple]]:
    """Events as rows of `orders`, with rising offsets, and as rows of the view."""
    events, shown = [], []
    for one in text.split():
        name, status, amount, minute, delay, missing = EVENT.fullmatch(one).groups()
        time, delay = at(int(minute)), float(delay or 0)
        cells = {"status": status or "paid", "amount": int(amount or 5)}
        happened = event(name, event_time=f"{time.isoformat()}Z", **cells)
        produced_at = time + timedelta(seconds=delay)
        events.append(order_row(happened, ("orders", 0, next(NUMBERS)), produced_at))
        shown.append((name[0], *cells.values(), int(name[1:]), time, delay, int(missing or 0)))
    return events, shown


SERVED = [
    Case(name, title, read(said["before"])[0], read(said["later"])[0], read(said["after"])[1])
    for name, title, said in told("""
greatest_seq: Shows the event with the greatest seq, whatever came last and whatever clocks say
    before: a1:created@-30 a3:shipped@-10+600 a2@-11+960 b1$50@0 b2$9@-90+60 d10@0 d9:created@0
    after: a3:shipped@-10+600 b2$9@-90+60 d10@0=8
delay: Tells the delay of the newest event, with its fraction; less than 0 where a clock is ahead
    before: e1@0+5401.5 f1@0+-2.25 g1@0
    after: e1@0+5401.5 f1@0+-2.25 g1@0
missing: Tells in missing_events how many events up to the newest are not there, the first included
    before: h5@4 h1@5 i3@6
    after: h5@4=3 i3@6=2
batch_after_the_call: Shows the state of the call when a batch lands before the frame is read
    before: k1@7 m3@8
    later: k2:delivered@9 m2@7 n1@9
    after: k1@7 m3@8=2
replay_after_the_call: Shows the state of the call when a replay changes rows before it is read
    before: p1@1
    after: p1@1
""")
]


@pytest.fixture(scope="module")
def viewed(learner, spark, frame, shared_schema):
    """The view, read after the table has changed; and a second view."""

    def view_and_change(tables: dict[str, str]) -> tuple[list, list]:
        view = learner.serving_view(spark, tables)
        assert_columns(view, VIEW)
        batch = frame(ORDERS, [row for case in SERVED for row in case.given])
        batch.write.format("delta").mode("append").saveAsTable(tables["orders"])
        spark.sql(f"UPDATE {tables['orders']} SET amount = 7 WHERE event_id = 'p1'")  # a replay
        return collect(view), collect(learner.serving_view(spark, tables))

    before = tables_of(row for case in SERVED for row in case.before)
    return run_tables(spark, before, view_and_change, schema=shared_schema).result


def assert_shown(view: Iterable, case: Case, expected: list[tuple]) -> None:
    mine = {row[1] for row in [*case.before, *case.given]}
    found = [row for row in view if row.order_id in mine]
    assert_rows(found, expected, key="order_id", columns=VIEW)


@check("serving_view")
@cases(SERVED)
def test_orders_of_the_call(viewed, case):
    """{case}"""
    assert_shown(viewed[0], case, case.after)


@check("serving_view")
def test_a_new_view_is_up_to_date(viewed):
    """Shows what has landed when the function is called again"""
    batch = next(case for case in SERVED if case.name == "batch_after_the_call")
    assert_shown(viewed[1], batch, read("k2:delivered@9 m3@8=1 n1@9")[1])


# ------------------------------------------------------------------------------------------- replay

LOG = log("a1 b1 c1$30 d1 ? a1 ? e1 e1 k1 ? k1", "f1 h1$30 j1 j1 i1", "? g1", "!x1")
RANGE = {0: (2, 10), 1: (1, 4), 3: (0, 1)}
REPLAYED = cases_in("""
wrong_rows: Corrects the events that the bad deploy wrote wrongly
    before: c1$3@0:2 h1$3@1:1
    after: c1$30@0:2 h1$30@1:1
lost_events: Adds an event that the bad deploy lost: the delivery with the smallest offset
    nowhere: e1@0:8
    after: e1@0:7
other_delivery: Lands the delivery with the smallest offset where the bad deploy took another
    before: j1@1:3
    after: j1@1:2
no_events: Moves what today's parse rejects from `orders` to `dead`
    before: z1@0:4
    after: ?@0:4
no_dead_letters: Moves an event from `dead` to `orders`
    before: d1@0:3=bad_status
    after: d1@0:3
reasons: Gives a message that stays a dead letter the reason of today
    before: ?@0:6=bad_status
    after: ?@0:6
taken_back: Has no row of a message that was taken back, also if the bad deploy wrote one
    before: x1@3:0
outside: Leaves rows of other offsets and partitions as they are
    stays: b1$9@0:1 ?@0:10=bad_seq f1$9@1:0 i1$9@1:4 ?@2:0=bad_seq g1$9@2:1
other_topics: Leaves rows of other topics as they are, at the same offsets too
    stays: o1@0:4/refunds o2@1:1/refunds ?@0:6=bad_seq/refunds ?@0:3=bad_seq/refunds
delivered_outside: Leaves an event alone whose row comes from before the range, or from after it
    stays: a1@0:0 k1@0:11
    nowhere: a1@0:5 k1@0:9
""")


@pytest.fixture(scope="module")
def replayed(learner, spark, kafka, shared_schema):
    """A replay of ranges on tables as a bad deploy left them; how to do it again; the topic."""
    topic = new_topic(kafka, partitions=4)
    send(kafka, topic, LOG)
    before = (row for case in REPLAYED for row in renamed(case.before, "orders", topic))

    def replay(tables: dict[str, str]) -> None:
        learner.replay(spark, kafka, topic, tables, RANGE)

    return run_tables(spark, tables_of(before), replay, schema=shared_schema), replay, topic


@check("replay")
@cases(REPLAYED)
def test_tables_after_a_replay(replayed, case):
    """{case}"""
    run, _, topic = replayed
    assert_places(run.rows, case, topic)


@check("replay", points=2)
def test_a_reader_never_sees_a_hole(replayed):
    """Changes each table in one commit, so that no version lacks the rows of the range"""
    assert_one_commit(replayed[0])


@check("replay", points=2)
def test_a_second_replay_changes_no_row(replayed, spark):
    """Leaves both tables as they are when the same range is replayed again"""
    run, replay, _ = replayed
    try:
        again = run_tables(spark, run.tables, replay)
    except AnswerError as error:
        raise AssertionError(f"the second replay of the range raised {error.reason}") from error
    for which, before in run.rows.items():
        assert_table_rows(which, again.rows[which], before)

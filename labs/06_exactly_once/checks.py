"""Checks of lab 06: messages made by hand, and a real broker for what a run and a replay mean."""

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

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
    make_table,
    require_frames,
    run_tables,
    table_rows,
)
from labkit.checks.kafka import Message, new_topic, send

HINTS = {
    "parse": [
        "Read every field so that a bad one becomes null instead of an error; then one expression "
        "can name the first that is bad. Look at JSON's own type before you believe a cast.",
        "`amount >= 0` is null when amount is null, and `where(~good)` drops the rows where `good` "
        "is null. In which frame do they end?",
        "Make `reason` a column of one frame, null for a good message, and split by it: a message "
        "can't be on both sides then, or on neither.",
        "What comes after the first object is an error only inside something that must go on after "
        "it. What does a parser say of `[{...}{...}]`? And is the array as long as you made it?",
    ],
    "write_batch": [
        "What makes a row the same row when it comes again? Not the number of the batch, and for a "
        "dead letter not its bytes either.",
        "MERGE compares new rows with the table, never with each other: two deliveries of an event "
        "in one batch are both absent.",
        "Each write must do nothing when its rows are there already. Then it doesn't matter which "
        "of the two was done before the crash.",
        "For the first delivery: `F.min_by(F.struct('*'), 'offset')` by event_id, or `row_number` "
        "in the order of offset.",
    ],
    "run_pipeline": [
        "A stream begins where its checkpoint ends; without one, where `startingOffsets` says. Its "
        "default is `latest`.",
        "Kafka hides messages of aborted transactions only from a consumer that asks. Most options "
        "of a consumer can be given with the prefix `kafka.`.",
        "`awaitTermination()` raises what failed in a batch. An exception that you catch is a "
        "batch that Spark takes as done.",
    ],
    "serving_view": [
        "`max_by` finds the row with the greatest seq. Which order do offset and arrival say "
        "nothing about?",
        "A frame is a plan: read twice, it reads the table twice, each time in its newest version, "
        "unless the plan names one.",
        '`DeltaTable.history(1)` tells the newest version, `spark.read.option("versionAsOf", ...)` '
        "reads it.",
    ],
    "replay": [
        "`subscribe` wants offsets for every partition of the topic; `assign` lets you name some.",
        "Three things can happen to a row of the range: it changes, it appears, it must go. MERGE "
        "has a clause for each.",
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
PLACE = ["topic", "partition", "offset"]
NINE = datetime(2025, 5, 1, 9)
NUMBERS = itertools.count()  # offsets, where only their order counts


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def event(name: str, /, **changed) -> dict:
    """A good event; its id says its order and seq (`a1` is the first of order a)."""
    ids = {"event_id": name, "order_id": name[0], "seq": int(name[1:]), "status": "paid"}
    known = {**ids, "amount": 12.5, "event_time": "2025-05-01T09:00:00Z", "attempt": 1, **changed}
    return {name: value for name, value in known.items() if value != "absent"}


def as_bytes(value) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else json.dumps(value).encode()


def order_row(name: str, offset: int, *, partition=0, topic="orders", **changed) -> tuple:
    """The row of `orders` that `event(name)` becomes."""
    row = {"event_id": name, "order_id": name[0], "seq": int(name[1:]), "status": "paid"}
    row |= {"amount": Decimal("12.50"), "event_time": NINE, "produced_at": NINE}
    row |= {"topic": topic, "partition": partition, "offset": offset}
    return tuple({**row, **changed}.values())


def place(row) -> tuple:
    """Topic, partition and offset of a row of `orders`, of `dead` or of the Kafka source."""
    return tuple({10: row[7:], 5: row[:3], 7: row[2:5]}[len(row)])


def rows_of(which: str, rows: Iterable) -> list:
    """Those of rows of both tables that belong to one."""
    return [row for row in rows if len(row) == {"orders": 10, "dead": 5}[which]]


@dataclass(frozen=True)
class Short:
    """A message in short. `a1$30@1:7` is event a1 of the amount 30, in partition 1 at offset 7.

    `?` is poison and `-` no value. `~5` says five minutes later, `=old` is the reason of a dead
    letter, `/refunds` another topic; `!` before it all says that the message was taken back.
    """

    aborted: str
    name: str
    amount: str
    partition: str
    offset: str
    minute: str
    reason: str
    topic: str

    def value(self, attempt: int) -> bytes | None:
        if self.name in "?-":
            return {"?": b"poison", "-": None}[self.name]
        return as_bytes(event(self.name, amount=float(self.amount or 12.5), attempt=attempt))

    def place(self) -> tuple:
        return (self.topic or "orders", int(self.partition), int(self.offset))

    def raw(self) -> tuple:
        """The row of the Kafka source; each delivery of an event has other bytes."""
        return (b"k", self.value(int(self.offset)), *self.place(), at(int(self.minute or 0)), 0)

    def row(self) -> tuple:
        """The row of `orders` or of `dead`."""
        topic, partition, offset = self.place()
        reason = self.reason or {"?": "not_json", "-": "no_value"}.get(self.name)
        if reason:
            return (topic, partition, offset, reason, self.value(offset))
        cells = {"amount": Decimal(self.amount or "12.5"), "produced_at": at(int(self.minute or 0))}
        return order_row(self.name, offset, partition=partition, topic=topic, **cells)


SHORT = re.compile(
    r"(!?)([a-z]\d+|[?-])(?:\$(\d+))?(?:@(\d):(\d+))?(?:~(\d+))?(?:=(\w+))?(?:/(\w+))?"
)


def short(text: str) -> list[Short]:
    return [Short(*SHORT.fullmatch(one).groups("")) for one in text.split()]


def rows(text: str) -> list[tuple]:
    return [one.row() for one in short(text)]


def told(text: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Cases in a text, blank lines between them: `name: title`, and below lines `key: in short`."""
    for block in text.strip().split("\n\n"):
        (name, title), *lines = (line.strip().split(": ", 1) for line in block.splitlines())
        yield name, title, defaultdict(str, lines)


def cases_in(text: str) -> list[Case]:
    """Cases of rows before and after; `given` are the places that other lines speak of."""
    found = []
    for name, title, said in told(text):
        before, after = rows(said.pop("before", "")), rows(said.pop("after", ""))
        given = [one.place() for line in said.values() for one in short(line)]
        found.append(Case(name, title, before, given, after))
    return found


def make_tables(spark, schema: str, name: str, cases: Iterable[Case] = ()) -> dict[str, str]:
    """Both tables with the rows that cases have before; their names."""
    before = [row for case in cases for row in case.before]
    tables = {which: f"{schema}.{name}_{which}" for which in TABLES}
    for which, ddl in TABLES.items():
        make_table(spark, tables[which], ddl, rows_of(which, before))
    return tables


def make_view(spark, table: str) -> str:
    """The name of a view of a table; a view takes no rows, so that a write fails."""
    spark.sql(f"CREATE VIEW {table}_view AS SELECT * FROM {table}")
    return f"{table}_view"


def rows_in(spark, tables: dict[str, str]) -> dict[str, list]:
    """The rows of both tables, which have to have their columns."""
    for which, name in tables.items():
        assert_columns(spark.table(name), TABLES[which])
    return {which: table_rows(spark, name) for which, name in tables.items()}


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


def assert_places(tables: Mapping[str, Iterable], case: Case) -> None:
    """The tables have the rows `after` of a case, and no other at the places that it speaks of."""
    mine = {*case.given, *map(place, [*case.before, *case.after])}
    for which, found in tables.items():
        here = [row for row in found if place(row) in mine]
        assert_table_rows(which, here, rows_of(which, case.after))


# ----------------------------------------------------------------------------------------- parse


def messages(name: str, title: str, *said: tuple) -> Case:
    """A case of messages: the value of each, and its reason, or the columns of its event."""
    case = Case(name, title, given=[], after=[])
    for value, becomes in said:
        offset, data = next(NUMBERS), as_bytes(value)
        case.given.append((b"k", data, "orders", 1, offset, at(offset), 0))
        if isinstance(becomes, str):
            case.after.append(("orders", 1, offset, becomes, data))
        else:
            cells = {"partition": 1, "produced_at": at(offset), **becomes}
            case.after.append(order_row("a1", offset, **cells))
    return case


def good(cells: dict, **changed) -> tuple:
    return event("a1", **changed), cells


def bad(field: str, *values) -> list[tuple]:
    """Messages whose `field` has these values, and nothing else is wrong with them."""
    return [(event("a1", **{field: value}), f"bad_{field}") for value in values]


def not_json(*values: bytes) -> list[tuple]:
    return [(value, "not_json") for value in values]


FIELDS = ["event_id", "order_id", "seq", "status", "amount", "event_time"]
PAIRS = [
    (event("a1", **{first: None, second: None}), f"bad_{first}")
    for first, second in itertools.pairwise(FIELDS)
]
WHOLE = as_bytes(event("a1"))
MESSAGES = [
    messages(
        "events",
        "Types the fields of a good message; takes Kafka's timestamp and the place along",
        good({"amount": Decimal("0.10"), "status": "created"}, amount=0.1, status="created"),
        good({"amount": Decimal(0), "status": "delivered"}, amount=0, status="delivered"),
        good({"amount": Decimal("99999999.99"), "seq": 12}, amount=99_999_999.99, seq=12),
        good({"event_id": "x 1", "order_id": "o-7"}, event_id="x 1", order_id="o-7"),
    ),
    messages(
        "decimals",
        "Rounds an amount with more than two decimals",
        *(
            good({"amount": Decimal("12.35")}, amount=12.346),
            good({"amount": Decimal(0)}, amount=0.004),
        ),
    ),
    messages(
        "zones",
        "Takes the zone of a time into account, and its fraction of a second",
        good({"event_time": at(30)}, event_time="2025-05-01T11:30:00+02:00"),
        good({"event_time": at(0.25 / 60)}, event_time="2025-05-01T09:00:00.25Z"),
    ),
    messages(
        "further_fields",
        "Takes a message with further fields for an event, and one without `attempt`",
        *(good({}, note="new", tags={"a": [1]}), good({}, attempt="absent")),
    ),
    messages(
        "no_value",
        "Says no_value of a null, and of nothing else",
        *((None, "no_value"), *not_json(b"", b"null")),
    ),
    messages(
        "not_json",
        "Says not_json of what isn't one JSON object",
        *not_json(b"<html>502</html>", WHOLE[:40], b"502", b"[]", b"[" + WHOLE + b"]", b'"a1"'),
    ),
    messages(
        "something_after",
        "Says not_json of an object that something follows",
        *not_json(
            WHOLE + WHOLE, WHOLE + b"\n" + WHOLE, WHOLE + b" <br>", WHOLE + b"]", WHOLE + b"}"
        ),
    ),
    messages(
        "ids",
        "Takes an id for bad that is no string, or has only spaces in it",
        *bad("event_id", "", "  ", None, "absent", 7, {"id": "a1"}),
        *bad("order_id", "", "  ", None, "absent", 7, True),
    ),
    messages(
        "seq",
        "Takes a seq for bad that is no whole number from 1 on",
        *bad("seq", 0, -1, 1.5, "1", "first", True, None, "absent", 10**30),
    ),
    messages(
        "status",
        "Takes a status for bad that isn't one of STATUSES",
        *bad("status", "PAYED", "Paid", "", None, "absent", ["paid"]),
    ),
    messages(
        "amount",
        "Takes an amount for bad that is no number, less than 0, or too large for the column",
        *bad("amount", -1, -0.004, "n/a", "12.5", True, None, "absent", 10**8, 1e12, 1e300),
    ),
    messages(
        "event_time",
        "Takes an event_time for bad that has no date, no time or no zone, or is no string",
        *bad("event_time", "soon", "12:00", "2025", "2025-05-01", "2025-05-01T09:00:00"),
        *bad("event_time", "2025-02-30T09:00:00Z", 1746090000, None, "absent"),
    ),
    messages(
        "first_fault",
        "Names the first bad field when there are several",
        *(*PAIRS, ({}, "bad_event_id")),
    ),
    messages(
        "bytes",
        "Keeps the value of a dead letter as it came, byte by byte",
        *(*not_json(b"\xff\xfe order \x00"), (b'{"event_id" :  "a1"}', "bad_order_id")),
    ),
]


def frames_of(learner, raw) -> dict[tuple, list]:
    """What both frames of an answer hold, by place."""
    found = defaultdict(list)
    for answer, columns in zip(require_frames(learner.parse(raw), 2), TABLES.values(), strict=True):
        assert_columns(answer, columns)
        for row in collect(answer):
            found[place(row)].append(row)
    return found


def side(row) -> str:
    return "in `orders`" if len(row) == 10 else f"in `dead` as {row[3]}"


def assert_parsed(found: Mapping[tuple, list], case: Case) -> None:
    """Each message of a case is in the right frame, there alone, and with the right cells."""
    for raw, expected in zip(case.given, case.after, strict=True):
        here = found.get(place(raw), [])
        sides = " and ".join(map(side, here)) or "in neither frame"
        value = (
            "no value" if raw[1] is None else raw[1].decode("utf-8", "replace")[:160] or "no bytes"
        )
        if sides != side(expected):
            wanted = side(expected)
            raise AssertionError(f"this message is {sides}, expected {wanted}: {value}")
        try:
            assert_rows(here, [expected], key=PLACE, columns=list(here[0].__fields__))
        except AssertionError as error:
            raise AssertionError(f"a cell differs of this message: {value}\n{error}") from None


@pytest.fixture(scope="module")
def parsed(learner, frame):
    """Both frames of the messages of all cases."""
    return frames_of(learner, frame(RAW, [row for case in MESSAGES for row in case.given]))


@check("parse")
@cases(MESSAGES)
def test_messages(parsed, case):
    """{case}"""
    assert_parsed(parsed, case)


# ----------------------------------------------------------------------------------- write_batch

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
    before: g1$1@0:3 ?@0:4=bad_seq
    batch 2: g1@0:35
    batch 3: ?@0:4
    after: g1$1@0:3 ?@0:4=bad_seq

smaller_offset_later: Leaves a row as it is when a delivery with a smaller offset comes later
    before: h1$1@0:44
    batch 2: h1@0:40
    after: h1$1@0:44

crash: Has each row once when a call died between its two writes and came again
    batch 1: k1@0:50 ?@0:51
    after: k1@0:50 ?@0:51

equal_bytes: Keeps two dead letters with equal bytes: each is a message that somebody sent
    batch 1: ?@0:30 ?@0:31
    batch 3: ?@0:32
    after: ?@0:30 ?@0:31 ?@0:32

places: Tells dead letters apart by partition and topic, too, not by the offset alone
    before: ?@0:71/refunds
    batch 1: ?@0:70 ?@0:71
    batch 3: ?@1:70
    after: ?@0:70 ?@1:70 ?@0:71 ?@0:71/refunds

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
    """The tables after the three batches, and the errors of calls with a view for a table."""
    tables = make_tables(spark, shared_schema, "written", WRITTEN)
    views = {which: make_view(spark, name) for which, name in tables.items()}
    first, second, third = (
        frame(RAW, [one.raw() for *_, said in told(ARRIVING) for one in short(said[batch])])
        for batch in ("batch 1", "batch 2", "batch 3")
    )
    refused = {"dead": refusal(learner.write_batch, first, 0, {**tables, "dead": views["dead"]})}
    learner.write_batch(first, 0, tables)
    others = {**tables, "orders": views["orders"]}
    refused["orders"] = refusal(learner.write_batch, second, 0, others)
    learner.write_batch(second, 0, tables)
    learner.write_batch(third, 7, tables)
    return rows_in(spark, tables), refused


@check("write_batch")
@cases(WRITTEN)
def test_tables_after_batches(written, case):
    """{case}"""
    assert_places(written[0], case)


@check("write_batch")
def test_a_failing_write_fails_the_call(written):
    """Raises when one of the two tables can't be written, so that nobody takes the batch as done"""
    for which, error in written[1].items():
        assert error is not None, (
            f"the name under `{which}` was that of a view, which takes no rows. The call returned "
            "as if nothing had happened; the query would note the batch as done"
        )


# ---------------------------------------------------------------------------------- run_pipeline


def log(*partitions: str) -> list[Message]:
    """Messages in short, by partition."""
    moment = int(NINE.replace(tzinfo=UTC).timestamp() * 1000)
    return [
        Message("k", one.value(attempt), partition, moment, bool(one.aborted))
        for partition, text in enumerate(partitions)
        for attempt, one in enumerate(short(text))
    ]


def renamed(rows: Iterable, old: str, new: str) -> list[tuple]:
    """Rows with another name for a topic: that of a run is known in the run alone."""
    return [tuple(new if value == old else value for value in row) for row in rows]


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
    """The tables after three calls: a write fails, a restart, a lost checkpoint."""
    topic = new_topic(kafka, partitions=2)
    folder = tmp_path_factory.mktemp("served")
    tables = make_tables(spark, shared_schema, "served")

    def run(names: dict[str, str], checkpoint: str) -> None:
        learner.run_pipeline(spark, kafka, topic, names, str(folder / checkpoint))

    def look() -> dict[str, list]:
        found = rows_in(spark, tables)
        return {which: renamed(some, topic, "orders") for which, some in found.items()}

    send(kafka, topic, FIRST)
    refused = {**tables, "dead": make_view(spark, tables["dead"])}
    seen = {"error": refusal(run, refused, "checkpoint")}
    send(kafka, topic, SECOND)
    run(tables, "checkpoint")
    seen["restart"] = look()
    logs = checkpoint_files(folder, "offsets")
    newest = max(logs, key=lambda path: path.rpartition("/")[2].zfill(9), default="")
    seen["read to"] = offsets_in(logs.get(newest, ""), topic)
    run(tables, "another")
    seen["lost"] = look()
    return seen


def offsets_in(log: str, topic: str) -> dict[str, int]:
    """Where a micro-batch had read to, by partition; nothing when the log is none of Kafka's."""
    try:
        return json.loads(log.splitlines()[-1])[topic]
    except (ValueError, LookupError, TypeError):
        return {}


@check("run_pipeline")
@cases(TOPIC)
def test_tables_after_a_restart(served, case):
    """{case}"""
    assert_places(served["restart"], case)


@check("run_pipeline", points=2)
def test_a_lost_checkpoint_changes_nothing(served):
    """Reads from the earliest offset without a checkpoint, and leaves both tables as they were"""
    for which, before in served["restart"].items():
        assert_table_rows(which, served["lost"][which], before)


@check("run_pipeline")
def test_a_failed_batch_fails_the_call(served):
    """Raises when a batch could not be written"""
    assert served["error"] is not None, (
        "the name under `dead` was that of a view, which takes no rows, and nothing was raised; a "
        "scheduler would show this run as green"
    )


@check("run_pipeline")
def test_the_checkpoint_knows_how_far(served):
    """Keeps in the given checkpoint folder how far each partition was read"""
    found = served["read to"]
    assert found.get("0", 0) >= 10 and found.get("1") == 4, (
        "after the second call the newest offsets in the checkpoint folder are "
        f"{found or 'none'}; the last messages lie at 9 of partition 0 and 3 of partition 1. "
        "What the folder doesn't know is read again by every call"
    )


# ---------------------------------------------------------------------------------- serving_view

# An event or a row of the view: `a3:shipped$9@-10+600=2` is event a3 with this status and amount,
# ten minutes before nine; Kafka's timestamp is 600 seconds later, and two events are missing.
EVENT = re.compile(r"(\w+?)(?::(\w+))?(?:\$(\d+))?@(-?\d+)(?:\+(-?[\d.]+))?(?:=(\d+))?")


def history(text: str) -> tuple[list[tuple], list[tuple]]:
    """Events as rows of `orders`, with rising offsets, and as rows of the view."""
    events, shown = [], []
    for name, status, amount, minute, delay, missing in (
        EVENT.fullmatch(one).groups() for one in text.split()
    ):
        time, delay = at(int(minute)), float(delay or 0)
        cells = {"status": status or "paid", "amount": Decimal(amount or 5)}
        times = {"event_time": time, "produced_at": time + timedelta(seconds=delay)}
        events.append(order_row(name, next(NUMBERS), **cells, **times))
        shown.append((name[0], *cells.values(), int(name[1:]), time, delay, int(missing or 0)))
    return events, shown


SERVED = [
    Case(
        *(name, title, history(said["before"])[0]),
        given=history(said["later"])[0],
        after=history(said["after"])[1],
    )
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
    tables = make_tables(spark, shared_schema, "viewed", SERVED)
    view = learner.serving_view(spark, tables)
    assert_columns(view, VIEW)
    batch = frame(ORDERS, [row for case in SERVED for row in case.given])
    batch.write.format("delta").mode("append").saveAsTable(tables["orders"])
    spark.sql(f"UPDATE {tables['orders']} SET amount = 7 WHERE event_id = 'p1'")  # as a replay may
    return collect(view), collect(learner.serving_view(spark, tables))


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
    assert_shown(viewed[1], batch, history("k2:delivered@9 m3@8=1 n1@9")[1])


# ---------------------------------------------------------------------------------------- replay

LOG = log("a1 b1 c1$30 d1 ? a1 ? e1 e1 k1 ? k1", "f1 h1$30 i1", "? g1", "!x1")
RANGE = {0: (2, 10), 1: (1, 2), 3: (0, 1)}
REPLAYED = cases_in("""
wrong_rows: Corrects the events that the bad deploy wrote wrongly
    before: c1$3@0:2 h1$3@1:1
    after: c1$30@0:2 h1$30@1:1

lost_events: Adds an event that the bad deploy lost: the delivery with the smallest offset
    nowhere: e1@0:8
    after: e1@0:7

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
    before: b1$9@0:1 ?@0:10=bad_seq f1$9@1:0 i1$9@1:2 ?@2:0=bad_seq g1$9@2:1
    after: b1$9@0:1 ?@0:10=bad_seq f1$9@1:0 i1$9@1:2 ?@2:0=bad_seq g1$9@2:1

other_topics: Leaves rows of other topics as they are, at the same offsets too
    before: o1@0:4/refunds o2@1:1/refunds ?@0:6=bad_seq/refunds ?@0:3=bad_seq/refunds
    after: o1@0:4/refunds o2@1:1/refunds ?@0:6=bad_seq/refunds ?@0:3=bad_seq/refunds

delivered_outside: Leaves an event alone whose row comes from before the range, or from after it
    before: a1@0:0 k1@0:11
    nowhere: a1@0:5 k1@0:9
    after: a1@0:0 k1@0:11
""")


@pytest.fixture(scope="module")
def replayed(learner, spark, kafka, shared_schema):
    """A replay of a range, on tables as a bad deploy left them; how to do it again; the topic."""
    topic = new_topic(kafka, partitions=4)
    send(kafka, topic, LOG)
    before = renamed((row for case in REPLAYED for row in case.before), "orders", topic)
    specs = {which: (ddl, rows_of(which, before)) for which, ddl in TABLES.items()}

    def replay(tables: dict[str, str]) -> None:
        learner.replay(spark, kafka, topic, tables, RANGE)

    return run_tables(spark, specs, replay, schema=shared_schema), replay, topic


@check("replay")
@cases(REPLAYED)
def test_tables_after_a_replay(replayed, case):
    """{case}"""
    run, _, topic = replayed
    found = {which: renamed(some, topic, "orders") for which, some in run.rows.items()}
    assert_places(found, case)


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

"""Checks of lab 04: files make micro-batches, event times move the watermark, no clock does."""

import os
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from pyspark.sql import functions as F

from labkit.checks import (
    AnswerError,
    Case,
    MicroBatch,
    add_file,
    assert_columns,
    assert_frame,
    assert_rows,
    cases,
    check,
    file_stream,
    forget_last_commit,
    run_stream,
    table_rows,
    with_batches,
)

HINTS = {
    "revenue_per_window": [
        "Append mode emits a window once, when the watermark has passed its end. Without a "
        "watermark on the column that the windows are made of, Spark can't know when that "
        "is, and refuses.",
        "The watermark belongs before the aggregation, on event_time itself; a column "
        "computed from it has none. `watermarked`, further up, sets it.",
        'Group by `F.window("event_time", "5 minutes")` and by the store; `start` and `end` '
        "are fields of the window.",
    ],
    "deduplicate": [
        "When are two rows the same payment? The whole row doesn't tell: the second attempt "
        "may carry another time.",
        "`dropDuplicates` remembers every key it has seen. On a stream, when may it forget one?",
        "PySpark has a second method for this, made for streams. Its name says that it looks "
        "back only as far as the watermark.",
    ],
    "sessions": [
        "A tumbling window has fixed borders; the borders of a session follow from its "
        "events. Spark has a window function for that.",
        "`F.session_window` takes the time column and the gap. Group by it and by the card; "
        "its `end` is the last payment plus the gap.",
    ],
    "late_events": [
        "Spark drops late rows inside its stateful operators and only counts them. To keep "
        "them, compare event_time yourself, in `foreachBatch`, with the greatest event time "
        "of the earlier files.",
        "Where is that maximum when the process has died? A Python variable is gone then. "
        "Which table holds every row that can raise it?",
        "A micro-batch can come a second time, after one write or after both. Delta "
        "remembers `txnAppId` and `txnVersion` of each append, and skips one it has seen. "
        "The number of the micro-batch is the same the second time.",
        "After the first write, your maximum may include rows of the micro-batch itself. In "
        "which order of the two writes can that never happen?",
    ],
}

EVENTS = "event_id string, store_id string, card_id string, amount double, event_time timestamp"
COLUMNS = [part.split()[0] for part in EVENTS.split(", ")]
WINDOWS = (
    "window_start timestamp, window_end timestamp, store_id string, revenue double, payments long"
)
WINDOW = ["window_start", "store_id"]
SESSIONS = (
    "card_id string, session_start timestamp, session_end timestamp, payments long, amount double"
)
SESSION = ["card_id", "session_start"]
NOON = datetime(2025, 5, 1, 12)
HALF = 0.5 / 60  # of a second, in minutes
A_CENTURY = datetime(2125, 12, 31, 12) - NOON  # the next midnight ends a month and a year
# Ids of which crc32, and Spark's hash, are the same.
ALIKE = [("plumless", "buckeroo"), ("p0026767", "p0082954")]


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def clock(time: datetime) -> str:
    return f"{time:%H:%M}"


def paid(
    minute: float | None, amount: float | None = 1.0, *, store="s1", card="c1", event=None
) -> tuple:
    """An event `minute` minutes after noon; an id of its own unless `event` gives one."""
    time = None if minute is None else at(minute)
    return (event or f"{store}-{card}-{minute}", store, card, amount, time)


def nameless(*payment, **more) -> tuple:
    """A payment without an id."""
    return (None, *paid(*payment, **more)[1:])


def of(number: str, *payments: tuple) -> list[tuple]:
    """Payments of one card, as (minute, amount)."""
    return [paid(*payment, card=number) for payment in payments]


@dataclass(frozen=True)
class Scenario:
    """Files for one task, a restart between two of them, and what must be left at the end."""

    schema: str
    before: list[list[tuple]]
    after: list[list[tuple]]
    dropped: list[int]
    why_dropped: str
    kept: int
    why_kept: str
    soon: list[list[tuple]]  # files of the next century, for a watermark without a delay
    comes_out: list[int]
    why_soon: str


SCENARIOS = {
    "revenue_per_window": Scenario(
        WINDOWS,
        before=[
            [
                *(paid(1, 10.125), paid(4, 5.0), paid(2, 7.0, store="s2", card="c2")),
                *(paid(3, 4.0, store=None), paid(4, 0.0, store=None)),
                # other names, a row without a time, and a window without any amount
                *(paid(2, 6.0, store=" S2 "), paid(2, 9.0, store="")),
                *(paid(None, 1.0), paid(2, None, store="s3")),
            ],
            [paid(5, 1.0), paid(16, -2.0)],
            # watermark 12:06; s2 gets a repeat, and a payment without amount, id and card
            [
                paid(3, 20.0),
                *[paid(17, 8.0, store="s2")] * 2,
                nameless(18, None, store="s2", card=None),
            ],
        ],
        after=[
            # watermark 12:07: 12:04 comes too late, 12:06 is behind the watermark, its window isn't
            [paid(4.5, 500.0), paid(6, 3.0, card="c3"), paid(30, 4.0, store="s2")],
            # watermark 12:20; five payments that differ in all but the store
            [paid(50 + n / 2, 6.0 + n, card=f"c{n}") for n in range(5)],
        ],
        dropped=[0, 0, 0, 1, 0],
        why_dropped="The fourth file brings an event of 12:04, long after the window of 12:00 was "
        "emitted; it is the only one that must be dropped, and only by the watermark",
        kept=2,
        why_kept="two windows of one store each are open then. What else is kept grows with the "
        "stream, and what is missing will be counted too low",
        soon=[[paid(1, 2.0)], [paid(8)], [paid(9)]],
        comes_out=[0, 0, 1],
        why_soon="the window of 12:00 is due when 12:08 has been seen",
    ),
    "deduplicate": Scenario(
        EVENTS,
        before=[
            [
                *(paid(0, event="a"), paid(0, event="a"), paid(5, event="b")),
                *(paid(6, None, store=None, card=None, event=name) for name in "cj"),
                *(paid(0, event=" A"), paid(0, event="a "), paid(0, event=" a")),
                *(paid(6, event=name) for names in ALIKE for name in names),
            ],
            [paid(3, event="a"), paid(16, 9.0, event="d"), paid(16, 9.0, event="e")],
        ],
        after=[
            # watermark 12:06
            [paid(7, None, store=None, card=None, event="b"), paid(30, event="f")],
            # watermark 12:20: g is new and too late
            [paid(4, event="g"), paid(18, 9.0, event="d"), paid(31, event="h")],
        ],
        dropped=[0, 0, 0, 1],
        why_dropped="Event g is of 12:04 and came when the watermark had passed 12:06; it should "
        "be the only event that is dropped",
        kept=4,
        why_kept="ten minutes behind the third file lies 12:20, so the events of 12:00 to 12:06 "
        "can be forgotten. What is never forgotten ends in an out-of-memory error, and what is "
        "forgotten too early comes out twice",
        # one attempt before the new year, two in it
        soon=[[paid(719, event="a"), paid(720, event="a")], [paid(721, event="a")]],
        comes_out=[1, 0],
        why_soon="one payment was sent three times, before the midnight of New Year and after it",
    ),
    "sessions": Scenario(
        SESSIONS,
        before=[
            [
                *(paid(0, 10.125), paid(14, 5.0, store="s2")),
                *of("c2", (0, 1.0), (20, 2.0)),
                *(paid(2 + HALF, 3.0, card=None), paid(9 + HALF, 0.0, card=None, store="s2")),
                *(paid(3, None, card="c8"), paid(9, 1.0, card=""), paid(9, 2.0, card="C2 ")),
                *of("c9", (0, 1.0), (15 + HALF, 2.0)),
            ],
            # the payment of 12:10 lies between the two of c2 and makes them one session
            [
                *(paid(10, 4.0, card="c2"), paid(15, 8.0, card="c3"), paid(20, 2.0, card="c7")),
                # a repeat, and a payment without an amount and an id
                *(*[paid(40, 16.0, card="c3")] * 2, nameless(40, None, card="c3")),
            ],
        ],
        after=[
            # watermark 12:30: too late for c4, not for c5; c2 comes a whole gap after its last one
            [
                *(paid(35, 32.0, card="c2"), paid(-6, 64.0, card="c4")),
                *(paid(16, -128.0, card="c5"), paid(70, 256.0, card="c6")),
            ],
            [paid(12, 512.0), paid(71, 1.0, card="c6")],  # watermark 13:00
        ],
        dropped=[0, 0, 1, 1],
        why_dropped="The third file and the fourth bring one payment each that is too late for any "
        "open session",
        kept=1,
        why_kept="one session is open then (card c6, two payments)",
        soon=[[paid(1)], [paid(19)], [paid(20)]],
        comes_out=[0, 0, 1],
        why_soon="the session of 12:01 is due when 12:19 has been seen",
    ),
}


@dataclass
class Run:
    """What a stream did over all files of a scenario."""

    batches: list[MicroBatch]

    def emitted(self, *columns: str) -> dict[tuple, list[int]]:
        """The numbers of the micro-batches that emitted each combination of these columns."""
        found: dict[tuple, list[int]] = {}
        for batch in self.batches:
            for row in batch.rows:
                found.setdefault(tuple(row[name] for name in columns), []).append(batch.number)
        return found

    def rows(self) -> list[tuple]:
        return [tuple(row) for batch in self.batches for row in batch.rows]


def drive(learner, spark, task: str, source, checkpoint) -> Run:
    """The answer over the files before, stopped, then started again for the files after."""
    scenario, batches = SCENARIOS[task], []
    for files in (scenario.before, scenario.after):
        for rows in files:
            add_file(source, COLUMNS, rows)
        # A comment is metadata, too, and no watermark.
        events = file_stream(spark, EVENTS, source).withMetadata("event_time", {"comment": "UTC"})
        answer = getattr(learner, task)(events)
        assert_columns(answer, scenario.schema)
        batches += run_stream(answer, checkpoint)
    return Run(batches)


def run_of(task: str):
    """A fixture: the run of a task's scenario, made once for all of its checks."""

    @pytest.fixture(scope="module")
    def run(learner, spark, inbox, tmp_path_factory) -> Run:
        checkpoint = tmp_path_factory.mktemp(task) / "checkpoint"
        return drive(learner, spark, task, inbox(task), checkpoint)

    return run


windows, unique, shopping = map(run_of, SCENARIOS)
RUNS = dict(zip(SCENARIOS, ("windows", "unique", "shopping"), strict=True))


# ---------------------------------------------------------------------------- revenue_per_window

DUE = [at(-999), at(-6), at(6), at(7), at(20)]  # ten minutes behind all files before each file


@check("revenue_per_window", points=2)
def test_revenue_of_each_store_and_window(windows):
    """Adds up amounts and counts rows of each store in windows; the end is not part of them"""
    rows = windows.rows()
    assert all(None not in row[:2] for row in rows), "a row came out without its window"
    free = [tuple(row) for row in rows if row[2] == "s3"]
    assert [(*row[:3], row[3] or 0, row[4]) for row in free] == [(at(0), at(5), "s3", 0, 1)], (
        f"store s3 has one payment, of 12:02 and without an amount; its windows are {free}"
    )
    in_time = [row for row in rows if row[2] != "s3" and (row[2] != "s1" or row[0] >= at(15))]
    expected = [
        (at(0), at(5), None, 4.0, 2),
        (at(0), at(5), "s2", 7.0, 1),
        (at(0), at(5), " S2 ", 6.0, 1),
        (at(0), at(5), "", 9.0, 1),
        (at(15), at(20), "s1", -2.0, 1),
        (at(15), at(20), "s2", 16.0, 3),
    ]
    assert_rows(in_time, expected, key=WINDOW, columns=WINDOWS)


@check("revenue_per_window", points=2)
def test_windows_leave_when_the_watermark_passes_them(windows):
    """Emits a window once, with the first file at which the watermark has reached its end"""
    found = windows.emitted(*WINDOW)
    for (start, store), numbers in found.items():
        end = start + timedelta(minutes=5)
        due = next((b.number for b in windows.batches[2:] if DUE[b.number] >= end), None)
        early = due is None or numbers[0] < due
        ended = "the window had not ended yet" if early else f"it was due with file {due + 1}"
        assert set(numbers) == {due}, with_batches(
            f"the window of {clock(start)}, store {store}, was emitted with file {numbers[0] + 1}. "
            "The greatest event time of the files before it is "
            f"{clock(DUE[numbers[0]] + timedelta(minutes=10))}; ten minutes behind that, {ended}",
            windows.batches,
        )
        assert len(numbers) == 1, f"the window of {clock(start)}, store {store}, came out twice"
    assert {at(0), at(15)} <= {start for start, _ in found}, with_batches(
        "the windows of 12:00 and 12:15 ended more than ten minutes before the last files, "
        "and never came out",
        windows.batches,
    )


@check("revenue_per_window", points=2)
def test_out_of_order_events_count_while_their_window_is_open(windows):
    """Counts an event older than the watermark until its window comes out, restarted or not"""
    late_ones = [row for row in windows.rows() if row[2] == "s1" and row[0] < at(10)]
    expected = [(at(0), at(5), "s1", 35.125, 3), (at(5), at(10), "s1", 4.0, 2)]
    assert_rows(late_ones, expected, key=WINDOW, columns=WINDOWS)


@check("revenue_per_window")
def test_a_batch_is_added_up(learner, frame):
    """Adds up a batch frame as well, where no watermark holds anything back"""
    payments = frame(EVENTS, [paid(1, 2.0), paid(59, 1.0), paid(4, 3.0), paid(6, 5.0)])
    expected = [
        (at(0), at(5), "s1", 5.0, 2),
        (at(5), at(10), "s1", 5.0, 1),
        (at(55), at(60), "s1", 1.0, 1),
    ]
    assert_frame(learner.revenue_per_window(payments), expected, key=WINDOW)


# ----------------------------------------------------------------------------------- deduplicate


@check("deduplicate")
@cases(
    [
        Case("equal_rows", "Emits one of equal rows, with the first file", after=["a0"]),
        Case("nulls", "Emits payments without store, card and amount", after=["c0", "j0"]),
        Case(
            "another_time",
            "Knows a payment by event_id alone, also when the second attempt has another time",
            after=["d1"],
            points=2,
        ),
        Case(
            "lookalikes",
            "Keeps two payments of one card, store, amount and time that have different ids",
            after=[
                "e1",
                "f2",
                "h3",
                " A0",
                "a 0",
                " a0",
                *(f"{name}0" for names in ALIKE for name in names),
            ],
        ),
        Case("restart", "Still knows after a restart which events it has seen", after=["b0"]),
    ]
)
def test_each_payment_once(unique, case):
    """{case}"""
    found = unique.emitted("event_id")
    for event, number in ((name[:-1], int(name[-1])) for name in case.after):
        numbers = found.get((event,), [])
        assert numbers, f"event {event}, first delivered with file {number + 1}, never came out"
        assert len(numbers) == 1, (
            f"event {event} came out {len(numbers)} times, with files "
            f"{', '.join(str(n + 1) for n in numbers)}; it is one payment, whatever time its "
            "second attempt carries"
        )
        assert numbers == [number], (
            f"event {event} came out with file {numbers[0] + 1}; it was delivered with file "
            f"{number + 1}, and nothing needs to be waited for"
        )


@check("deduplicate")
def test_all_columns_stay(learner, spark, inbox):
    """Keeps every column of the stream, also one that the events lack, and the watermark"""
    stream = file_stream(spark, EVENTS, inbox("wider")).select(F.lit("t1").alias("terminal"), "*")
    answer = learner.deduplicate(stream)
    assert_columns(answer, f"terminal string, {EVENTS}")
    assert "spark.watermarkDelayMs" in answer.schema["event_time"].metadata, (
        "event_time comes out without its watermark: the next function would define a second one"
    )


# -------------------------------------------------------------------------------------- sessions


@check("sessions")
@cases(
    [
        Case(
            "gaps",
            "Begins a session with a card's payment and ends it fifteen minutes after its last one",
            given=["c1", "c3", "c9"],
            after=[
                ("c1", at(0), at(29), 2, 15.125),
                ("c3", at(15), at(30), 1, 8.0),
                ("c3", at(40), at(55), 3, 32.0),
                ("c9", at(0), at(15), 1, 1.0),
                ("c9", at(15 + HALF), at(30 + HALF), 1, 2.0),
            ],
            points=2,
        ),
        Case(
            "no_card",
            "Takes payments without a card for those of one card, in whatever store",
            given=[None, ""],
            after=[(None, at(2 + HALF), at(24 + HALF), 2, 3.0), ("", at(9), at(24), 1, 1.0)],
        ),
        Case(
            "joined",
            "Joins two sessions when a payment between them comes later, also across a restart",
            given=["c2", "C2 "],
            after=[("c2", at(0), at(50), 4, 39.0), ("C2 ", at(9), at(24), 1, 2.0)],
            points=2,
        ),
        Case(
            "behind",
            "Counts a payment older than the watermark while its session would still be open",
            given=["c5"],
            after=[("c5", at(16), at(31), 1, -128.0)],
        ),
    ]
)
def test_sessions_of_a_card(shopping, case):
    """{case}"""
    found = [row for row in shopping.rows() if row[0] in case.given]
    assert_rows(found, case.after, key=SESSION, columns=SESSIONS)


@check("sessions")
def test_sessions_leave_when_the_watermark_passes_them(shopping):
    """Emits a session once, with the first file at which the watermark has reached its end"""
    expected = {("c1", at(0)): [2], ("c3", at(15)): [2], ("c2", at(0)): [3], ("c7", at(20)): [3]}
    expected[("c8", at(3))] = [2]  # a payment without an amount is a session, too
    found = shopping.emitted(*SESSION)
    for (card, start), numbers in expected.items():
        came = found.get((card, start), [])
        assert came == numbers, with_batches(
            f"the session of {card} that begins at {clock(start)} came out with file "
            f"{' and '.join(str(n + 1) for n in came) or 'none'}, expected file {numbers[0] + 1}",
            shopping.batches,
        )


# ------------------------------------------------------------- state and watermark of all three


@check("revenue_per_window", "deduplicate", "sessions")
def test_drops_only_what_is_too_late(task, request):
    """Lets the watermark drop what comes too late, and drops nothing else"""
    run, scenario = request.getfixturevalue(RUNS[task]), SCENARIOS[task]
    found = [batch.dropped for batch in run.batches]
    assert found == scenario.dropped, with_batches(
        f"numRowsDroppedByWatermark by file is {found}. {scenario.why_dropped}", run.batches
    )
    assert task != "deduplicate" or ("g",) not in run.emitted("event_id"), with_batches(
        "event g came out, although it is older than the watermark with which it came", run.batches
    )


@check("revenue_per_window", "deduplicate", "sessions", points=2)
def test_state_is_as_small_as_it_can_be(task, request):
    """Keeps in state what is still open, forgets it by the watermark, and keeps nothing else"""
    run, scenario = request.getfixturevalue(RUNS[task]), SCENARIOS[task]
    kept = [batch.state_rows for batch in run.batches]
    assert kept[-1] == scenario.kept, with_batches(
        f"rows of state after each file: {kept}. After the last one {scenario.kept} should be "
        f"left: {scenario.why_kept}",
        run.batches,
    )


@check("revenue_per_window", "deduplicate", "sessions")
def test_a_watermark_that_is_there_already_stays(task, learner, spark, inbox, tmp_path):
    """Works on a stream that has a watermark already, one without a delay"""
    source, scenario = inbox("source"), SCENARIOS[task]
    for rows in scenario.soon:
        add_file(source, COLUMNS, [(*row[:-1], row[-1] + A_CENTURY) for row in rows])
    events = file_stream(spark, EVENTS, source).withColumn("file", F.col("_metadata.file_name"))
    stream = events.withWatermark("event_time", "0 minutes")
    batches = run_stream(getattr(learner, task)(stream), tmp_path / "checkpoint")
    found = [len(batch.rows) for batch in batches]
    assert found == scenario.comes_out, with_batches(
        "the stream came with payments of 2125, a watermark of 0 minutes and one column more, the "
        "name of the file; "
        f"{scenario.why_soon}. Rows that came out, by file: {found}",
        batches,
    )


# ----------------------------------------------------------------------------------- late_events

FILES = [
    [paid(0, event="a"), paid(30 + HALF, event="b")],
    [paid(None, event="m")],
    # on time; the greatest time of all earlier files stays that of b, this file's is 12:21
    [paid(21, event="h"), paid(22, event="i")],
    # c is exactly ten minutes behind b, d less than a second more; this file goes up to 12:45
    [
        (None, None, None, None, None),
        *(paid(20 + HALF, event="c"), paid(20 + HALF, event="c"), paid(45, event="f")),
        *(paid(None, event="n"), paid(20 + HALF / 2, event="d")),
        paid(25, 10.125, store=" S2 ", card="", event="g"),
        *(paid(10, store="s2", card=None, event="e"), paid(22, event="i")),
    ],
]


@pytest.fixture(scope="module")
def split(learner, spark, shared_schema, inbox, tmp_path_factory):
    """The two tables after three calls with one checkpoint, as after two crashes.

    The late table refuses a null of the last file, so the first call breaks off there: before or
    between its writes. The second call may finish. Then the checkpoint loses its last entry, as if
    the process had died after both writes and before noting it, and the third call begins.
    """
    source, checkpoint = inbox("late"), tmp_path_factory.mktemp("late") / "checkpoint"
    first, *_, last = [add_file(source, COLUMNS, rows) for rows in FILES]
    modified = first.lstat().st_mtime_ns
    while first.lstat().st_ctime_ns <= last.lstat().st_ctime_ns:  # as after a chown, or a restore
        os.utime(first, ns=(modified, modified), follow_symlinks=False)
    names = {which: f"{shared_schema}.{which}" for which in ("table", "late_table")}
    strict = EVENTS.replace("card_id string", "card_id string NOT NULL")
    for which, columns in (("table", EVENTS), ("late_table", strict)):
        spark.sql(f"CREATE TABLE {names[which]} ({columns}) USING delta")
    arguments = (str(source), *names.values(), str(checkpoint))
    try:
        learner.late_events(spark, *arguments)
    except AnswerError as error:
        if error.outcome != "error":  # not written yet, or it can't be called like this
            raise
    spark.sql(f"ALTER TABLE {names['late_table']} ALTER COLUMN card_id DROP NOT NULL")
    learner.late_events(spark, *arguments)
    forget_last_commit(checkpoint)
    learner.late_events(spark, *arguments)
    for which, name in names.items():
        missing = [column for column in COLUMNS if column not in spark.table(name).columns]
        assert not missing, f"{which} has lost the column {', '.join(missing)}"
    return {which: table_rows(spark, name) for which, name in names.items()}


EARLIER = (
    "its time is {}, and an earlier file has an event of 12:30:00.5; that file was read by an "
    "earlier call with the same checkpoint"
)


@check("late_events")
@cases(
    [
        Case(
            "late",
            "Writes an event over ten minutes behind earlier files to the late table",
            given=["late_table"],
            after=[("d", EARLIER.format("12:20:00.25")), ("e", EARLIER.format("12:10"))],
            points=2,
        ),
        Case(
            "earlier_files",
            "Compares with earlier files only: a file does not make its own events late",
            given=["table"],
            after=[
                ("a", "no file came before its own, so nothing makes it late"),
                ("g", "its time is 12:25; only its own file has 12:45, the others 12:30:00.5"),
            ],
        ),
        Case(
            "exactly_ten",
            "Takes an event that is exactly ten minutes behind as on time",
            given=["table"],
            after=[("c", "it is exactly ten minutes behind; late is what is older")],
        ),
        Case(
            "no_time",
            "Takes an event without a time as on time: nothing says that it is late",
            given=["table"],
            after=[("n", "it has no event_time, so it isn't older than anything")],
        ),
    ]
)
def test_which_table(split, case):
    """{case}"""
    (which,) = case.given
    other = "table" if which == "late_table" else "late_table"
    mine, others = ({row.event_id for row in split[name]} for name in (which, other))
    for event, why in case.after:
        assert event in mine or event in others, (
            f"event {event} is in neither table (did the call return before its query had "
            f"ended?); {why}"
        )
        place = "in both tables" if event in mine else f"in {other}"
        assert event not in others, f"event {event} is {place}; {why}"


@check("late_events", points=3)
def test_every_row_lands_once(split):
    """Writes every row of the source once, also when a call broke off between two writes"""
    source = Counter(row[0] for rows in FILES for row in rows)
    landed = Counter(row.event_id for rows in split.values() for row in rows)
    for event, times in sorted(source.items(), key=str):
        found = landed[event]
        doubled = "a micro-batch that comes again must find what it has already written"
        lost = "rows are lost, or the call returned before its query had ended"
        assert found == times, (
            f"event {event} is {times} time{'s' * (times > 1)} in the source and {found} "
            f"time{'s' * (found != 1)} in the two tables together. One call broke off in a write, "
            "another died before it could note that it was done, and each was called again; "
            f"{doubled if found > times else lost}"
        )


@check("late_events")
def test_both_tables_keep_the_columns_of_the_events(split):
    """Writes the columns of the events and no other, with their values"""
    for which, rows in split.items():
        extra = [name for row in rows[:1] for name in row.__fields__ if name not in COLUMNS]
        assert not extra, f"{which} has got the column {', '.join(extra)}"
    found = [row for rows in split.values() for row in rows]
    written = {tuple(row[name] for name in COLUMNS) for row in found}
    assert written, "both tables are empty"
    changed = written - {row for rows in FILES for row in rows}
    assert not changed, (
        f"no row of the source is {min(changed, key=str)}; it was changed on the way"
    )

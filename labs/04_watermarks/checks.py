"""Checks of lab 04: files make micro-batches, event times move the watermark, no clock does."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from labkit.checks import (
    AnswerError,
    MicroBatch,
    add_file,
    assert_columns,
    assert_frame,
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
        'are fields of the window.',
    ],
    "deduplicate": [
        "When are two rows the same payment? The whole row doesn't tell: the second attempt "
        "may carry another time.",
        "`dropDuplicates` remembers every key it has seen. On a stream, when may it forget "
        "one?",
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
NOON = datetime(2025, 5, 1, 12)


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


@dataclass
class Run:
    """What a stream did over all files, restarted between two of them."""

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


def drive(spark, function, schema: str, source, checkpoint, before: list, after: list) -> Run:
    """The answer over the files `before`, stopped, then started again for the files `after`."""
    batches: list[MicroBatch] = []
    for files in (before, after):
        for rows in files:
            add_file(source, COLUMNS, rows)
        answer = function(file_stream(spark, EVENTS, source))
        assert_columns(answer, schema)
        batches += run_stream(answer, checkpoint)
    return Run(batches)


# ---------------------------------------------------------------------------- revenue_per_window

WINDOWS = (
    "window_start timestamp, window_end timestamp, store_id string, revenue double, payments long"
)
WINDOW = ["window_start", "store_id"]
DUE = [at(-999), at(-6), at(6), at(7), at(20)]  # ten minutes behind all files before each file


@pytest.fixture(scope="module")
def windows(learner, spark, inbox, tmp_path_factory):
    """Five files, a restart after the third; the watermark is ten minutes behind earlier files."""
    before = [
        [paid(1, 10.125), paid(4, 5.0), paid(2, 7.0, store="s2", card="c2")],
        [paid(5, 1.0), paid(16, 2.0)],
        # watermark 12:06 while this file is read; s2 gets a repeat, and a payment without an amount
        [paid(3, 20.0), *[paid(17, 8.0, store="s2")] * 2, paid(18, None, store="s2")],
    ]
    after = [
        # watermark 12:07: 12:04 comes too late, 12:06 is behind the watermark, its window is not
        [paid(4.5, 500.0), paid(6, 3.0, card="c3"), paid(30, 4.0, store="s2")],
        [paid(50, 6.0), paid(52, 7.0)],  # watermark 12:20
    ]
    source, checkpoint = inbox("windows"), tmp_path_factory.mktemp("windows") / "checkpoint"
    run = drive(spark, learner.revenue_per_window, WINDOWS, source, checkpoint, before, after)
    assert all(None not in row[:2] for row in run.rows()), "a row came out without its window"
    return run


def window_rows(frame, run: Run, wanted) -> object:
    return frame(WINDOWS, [row for row in run.rows() if wanted(row)])


@check("revenue_per_window", points=2)
def test_revenue_of_each_store_and_window(windows, frame):
    """Adds up amounts and counts rows of each store in windows; the end is not part of them"""
    in_time = window_rows(frame, windows, lambda row: row[2] == "s2" or row[0] >= at(15))
    expected = [
        (at(0), at(5), "s2", 7.0, 1),
        (at(15), at(20), "s1", 2.0, 1),
        (at(15), at(20), "s2", 16.0, 3),
    ]
    assert_frame(in_time, expected, key=WINDOW)


@check("revenue_per_window", points=2)
def test_windows_leave_when_the_watermark_passes_them(windows):
    """Emits a window with the first file at which the watermark has reached its end"""
    for (start, store), numbers in windows.emitted("window_start", "store_id").items():
        end = start + timedelta(minutes=5)
        due = next((b.number for b in windows.batches[2:] if DUE[b.number] >= end), None)
        assert set(numbers) == {due}, with_batches(
            f"the window of {clock(start)}, store {store}, was emitted with file {numbers[0] + 1}. The greatest event time "
            f"of the files before it is {clock(DUE[numbers[0]] + timedelta(minutes=10))}; ten minutes behind that, "
            f"{'the window had not ended yet' if due is None or numbers[0] < due else f'it was due with file {due + 1}'}",
            windows.batches,
        )
    found = {start for start, _ in windows.emitted("window_start", "store_id")}
    assert at(0) in found and at(15) in found, with_batches(
        "the windows of 12:00 and 12:15 ended more than ten minutes before the last files, and never came out",
        windows.batches,
    )


@check("revenue_per_window", points=2)
def test_out_of_order_events_count_while_their_window_is_open(windows, frame):
    """Counts an event older than the watermark as long as its window has not come out"""
    late_ones = window_rows(frame, windows, lambda row: row[2] == "s1" and row[0] < at(10))
    expected = [(at(0), at(5), "s1", 35.125, 3), (at(5), at(10), "s1", 4.0, 2)]
    assert_frame(late_ones, expected, key=WINDOW)


@check("revenue_per_window")
def test_events_of_emitted_windows_are_dropped(windows):
    """Lets the watermark drop an event whose window has come out, and no other event"""
    dropped = [batch.dropped for batch in windows.batches]
    assert sum(dropped) == 1 and dropped[3] == 1, with_batches(
        f"numRowsDroppedByWatermark is {dropped} for the five files. The fourth brings an event of 12:04, long after the "
        "window of 12:00 was emitted; it is the only one that must be dropped, and only by the watermark",
        windows.batches,
    )


@check("revenue_per_window")
def test_open_windows_survive_a_restart(windows):
    """Goes on after a restart: open windows keep their rows, and none comes out again"""
    found = windows.emitted("window_start", "store_id")
    again = next((key for key, numbers in found.items() if len(numbers) > 1), None)
    assert again is None, f"the window of {clock(again[0])}, store {again[1]}, was emitted twice"
    rows = {(row[0], row[2]): row for row in windows.rows()}
    window = rows.get((at(5), "s1"))
    assert window is not None, (
        "the window of 12:05, open when the stream was stopped, never came out"
    )
    assert window[4] == 2, (
        f"the window of 12:05 came out with payments = {window[4]}; it got one before the restart and one after it"
    )


@check("revenue_per_window")
def test_state_holds_open_windows_only(windows):
    """Keeps one row of state for each store and open window, and nothing else"""
    kept = windows.batches[-1].state_rows
    assert kept == 2, with_batches(
        f"{kept} rows of state are left after the last file; two windows of one store each are open then. "
        "What else is kept grows with the stream, and what is missing will be counted too low",
        windows.batches,
    )


@check("revenue_per_window")
def test_a_watermark_that_is_there_already_stays(learner, spark, inbox, tmp_path):
    """Works on a stream that has a watermark already, of another delay"""
    source = inbox("source")
    for rows in ([paid(1, 2.0)], [paid(8)], [paid(9)]):
        add_file(source, COLUMNS, rows)
    stream = file_stream(spark, EVENTS, source)
    answer = learner.revenue_per_window(stream.withWatermark("event_time", "2 minutes"))
    batches = run_stream(answer, tmp_path / "checkpoint")
    found = [len(batch.rows) for batch in batches]
    assert found == [0, 0, 1], with_batches(
        "the stream came with a watermark of two minutes, so the window of 12:00 is due when 12:08 has been seen; "
        f"rows by file: {found}",
        batches,
    )


# ----------------------------------------------------------------------------------- deduplicate


@pytest.fixture(scope="module")
def unique(learner, spark, inbox, tmp_path_factory):
    """Four files, a restart after the second; ids are letters."""
    before = [
        [paid(0, event="a"), paid(0, event="a"), paid(5, event="b"), paid(6, event="c")],
        [paid(3, event="a"), paid(16, 9.0, event="d"), paid(16, 9.0, event="e")],
    ]
    after = [
        [paid(7, event="b"), paid(30, event="f")],  # watermark 12:06
        # watermark 12:20: g is new and too late
        [paid(4, event="g"), paid(18, 9.0, event="d"), paid(31, event="h")],
    ]
    source, checkpoint = inbox("unique"), tmp_path_factory.mktemp("unique") / "checkpoint"
    return drive(spark, learner.deduplicate, EVENTS, source, checkpoint, before, after)


def assert_first_delivery(run: Run, **expected: int) -> None:
    """Each of these events came out once, with the file of this number."""
    found = run.emitted("event_id")
    for event, number in expected.items():
        numbers = found.get((event,), [])
        assert numbers, f"event {event}, first delivered with file {number + 1}, never came out"
        assert len(numbers) == 1, (
            f"event {event} came out {len(numbers)} times, with files {', '.join(str(n + 1) for n in numbers)}; "
            "it is one payment, whatever time its second attempt carries"
        )
        assert numbers == [number], (
            f"event {event} came out with file {numbers[0] + 1}; it was delivered with file {number + 1}, "
            "and nothing needs to be waited for"
        )


@check("deduplicate")
def test_equal_rows_come_out_once(unique):
    """Emits one of several equal rows, with the file that brings it first"""
    assert_first_delivery(unique, a=0, c=0)


@check("deduplicate", points=2)
def test_the_second_attempt_has_another_time(unique):
    """Knows a payment by event_id alone, also when the second attempt carries another time"""
    assert_first_delivery(unique, d=1)


@check("deduplicate")
def test_payments_that_look_alike_stay(unique):
    """Keeps two payments of one card, store, amount and time that have different ids"""
    assert_first_delivery(unique, e=1, f=2, h=3)


@check("deduplicate")
def test_known_events_survive_a_restart(unique):
    """Still knows after a restart which events it has seen"""
    assert_first_delivery(unique, b=0)


@check("deduplicate", points=2)
def test_state_does_not_grow_for_ever(unique):
    """Forgets an event ten minutes after its time, by the watermark"""
    kept = [batch.state_rows for batch in unique.batches]
    assert kept[-1] == 4, with_batches(
        f"rows of state after each file: {kept}. Ten minutes behind the third file lies 12:20; the events of 12:00 to 12:06 "
        f"can be forgotten then, which leaves 4. {'A stream that forgets nothing ends in an out-of-memory error' if kept[-1] > 4 else 'Too little is remembered'}",
        unique.batches,
    )


@check("deduplicate")
def test_an_event_older_than_the_watermark_is_dropped(unique):
    """Drops an event older than the watermark: nobody can tell any more whether it was seen"""
    dropped = [batch.dropped for batch in unique.batches]
    assert ("g",) not in unique.emitted("event_id") and dropped == [0, 0, 0, 1], with_batches(
        f"event g is of 12:04 and came when the watermark had passed 12:06. numRowsDroppedByWatermark by file is {dropped}; "
        "it should be the only event that is dropped",
        unique.batches,
    )


@check("deduplicate")
def test_deduplication_respects_a_watermark(learner, spark, inbox, tmp_path):
    """Works on a stream that has a watermark already, of another delay"""
    source = inbox("source")
    for rows in ([paid(1, event="a"), paid(2, event="a")], [paid(3, event="a")]):
        add_file(source, COLUMNS, rows)
    stream = file_stream(spark, EVENTS, source)
    answer = learner.deduplicate(stream.withWatermark("event_time", "2 minutes"))
    batches = run_stream(answer, tmp_path / "checkpoint")
    found = [len(batch.rows) for batch in batches]
    assert found == [1, 0], with_batches(
        f"rows that came out for one payment sent three times, by file: {found}", batches
    )


# -------------------------------------------------------------------------------------- sessions

SESSIONS = (
    "card_id string, session_start timestamp, session_end timestamp, payments long, amount double"
)
SESSION = ["card_id", "session_start"]


@pytest.fixture(scope="module")
def shopping(learner, spark, inbox, tmp_path_factory):
    """Four files, a restart after the second; cards have their own stories."""
    before = [
        [
            *(paid(0, 10.0), paid(14, 5.0, store="s2")),
            *(paid(0, 1.0, card="c2"), paid(20, 2.0, card="c2")),
        ],
        # the payment of 12:10 lies between the two of c2 and makes them one session
        [
            *(paid(10, 4.0, card="c2"), paid(15, 8.0, card="c3"), paid(20, 2.0, card="c7")),
            # a repeat, and a payment without an amount
            *(*[paid(40, 16.0, card="c3")] * 2, paid(40, None, card="c3", event="free")),
        ],
    ]
    after = [
        # watermark 12:30: too late for c4; c5 is behind it, its session is not
        [
            *(paid(34, 32.0, card="c2"), paid(-6, 64.0, card="c4")),
            *(paid(16, 128.0, card="c5"), paid(70, 256.0, card="c6")),
        ],
        [paid(12, 512.0), paid(71, 1.0, card="c6")],  # watermark 13:00
    ]
    source, checkpoint = inbox("sessions"), tmp_path_factory.mktemp("sessions") / "checkpoint"
    return drive(spark, learner.sessions, SESSIONS, source, checkpoint, before, after)


def session_rows(frame, run: Run, *cards: str) -> object:
    return frame(SESSIONS, [row for row in run.rows() if row[0] in cards])


@check("sessions", points=2)
def test_a_gap_of_fifteen_minutes_ends_a_session(shopping, frame):
    """Begins a session with a card's payment and ends it fifteen minutes after its last one"""
    expected = [
        ("c1", at(0), at(29), 2, 15.0),
        ("c3", at(15), at(30), 1, 8.0),
        ("c3", at(40), at(55), 3, 32.0),
    ]
    assert_frame(session_rows(frame, shopping, "c1", "c3"), expected, key=SESSION)


@check("sessions", points=2)
def test_a_payment_in_between_joins_two_sessions(shopping, frame):
    """Joins two sessions when a payment between them arrives later, also across a restart"""
    expected = [("c2", at(0), at(49), 4, 39.0)]
    assert_frame(session_rows(frame, shopping, "c2"), expected, key=SESSION)


@check("sessions")
def test_a_payment_behind_the_watermark_can_open_a_session(shopping, frame):
    """Counts a payment older than the watermark while its own session would still be open"""
    expected = [("c5", at(16), at(31), 1, 128.0)]
    assert_frame(session_rows(frame, shopping, "c5"), expected, key=SESSION)


@check("sessions")
def test_sessions_leave_when_the_watermark_passes_them(shopping):
    """Emits a session once, with the first file at which the watermark has reached its end"""
    expected = {("c1", at(0)): [2], ("c3", at(15)): [2], ("c2", at(0)): [3], ("c7", at(20)): [3]}
    found = shopping.emitted("card_id", "session_start")
    for (card, start), numbers in expected.items():
        came = found.get((card, start), [])
        assert came == numbers, with_batches(
            f"the session of {card} that begins at {clock(start)} came out with file "
            f"{' and '.join(str(number + 1) for number in came) or 'none'}, expected file {numbers[0] + 1}",
            shopping.batches,
        )


@check("sessions")
def test_payments_of_ended_sessions_are_dropped(shopping):
    """Lets the watermark drop payments whose session has ended already"""
    dropped = [batch.dropped for batch in shopping.batches]
    assert dropped == [0, 0, 1, 1], with_batches(
        f"numRowsDroppedByWatermark by file is {dropped}; the third file and the fourth bring one payment each "
        "that is too late for any open session",
        shopping.batches,
    )


@check("sessions")
def test_state_holds_open_sessions_only(shopping):
    """Keeps open sessions in state and nothing else"""
    kept = shopping.batches[-1].state_rows
    assert kept == 1, with_batches(
        f"{kept} rows of state are left after the last file, when one session is open (card c6, two payments)",
        shopping.batches,
    )


@check("sessions")
def test_sessions_respect_a_watermark(learner, spark, inbox, tmp_path):
    """Works on a stream that has a watermark already, of another delay"""
    source = inbox("source")
    for rows in ([paid(1)], [paid(19)], [paid(20)]):
        add_file(source, COLUMNS, rows)
    stream = file_stream(spark, EVENTS, source)
    answer = learner.sessions(stream.withWatermark("event_time", "2 minutes"))
    batches = run_stream(answer, tmp_path / "checkpoint")
    found = [len(batch.rows) for batch in batches]
    assert found == [0, 0, 1], with_batches(
        "the stream came with a watermark of two minutes, so the session of 12:01 is due when 12:19 has been seen; "
        f"rows by file: {found}",
        batches,
    )


# ----------------------------------------------------------------------------------- late_events

FILES = [
    [paid(0, event="a"), paid(30, event="b")],
    # on time; the greatest time of all earlier files stays 12:30, that of the file before is 12:21 now
    [paid(21, event="h")],
    # 12:20 is ten minutes behind the first file; this one goes up to 12:45
    [
        *(paid(20, event="c"), paid(20, event="c"), paid(45, event="f"), paid(25, event="g")),
        *(paid(None, event="n"), paid(19.9, event="d"), paid(10, store="s2", card=None, event="e")),
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
    for rows in FILES:
        add_file(source, COLUMNS, rows)
    names = {"table": f"{shared_schema}.payments", "late_table": f"{shared_schema}.late_payments"}
    spark.sql(f"CREATE TABLE {names['table']} ({EVENTS}) USING delta")
    strict = EVENTS.replace("card_id string", "card_id string NOT NULL")
    spark.sql(f"CREATE TABLE {names['late_table']} ({strict}) USING delta")
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
    found = {which: table_rows(spark, name) for which, name in names.items()}
    for which, name in names.items():
        missing = [column for column in COLUMNS if column not in spark.table(name).columns]
        assert not missing, f"{which} has lost the column {', '.join(missing)}"
    return found


def events_in(split, which: str) -> set[str]:
    return {row.event_id for row in split[which]}


def assert_in(split, which: str, event: str, why: str) -> None:
    other = "table" if which == "late_table" else "late_table"
    if event in events_in(split, which):
        assert event not in events_in(split, other), f"event {event} is in both tables; {why}"
        return
    nowhere = "in neither table (did the call return before its query had ended?)"
    place = f"in {other}" if event in events_in(split, other) else nowhere
    raise AssertionError(f"event {event} is {place}; {why}")


@check("late_events", points=2)
def test_late_events_go_to_the_late_table(split):
    """Writes an event over ten minutes behind earlier files to the late table, restarted or not"""
    why = (
        "its time is {}, and an earlier file has an event of 12:30; "
        "that file was read by an earlier call with the same checkpoint"
    )
    assert_in(split, "late_table", "d", why.format("12:19:54"))
    assert_in(split, "late_table", "e", why.format("12:10"))


@check("late_events")
def test_a_file_does_not_make_its_own_events_late(split):
    """Compares with earlier files only: nothing in the first file is late"""
    assert_in(split, "table", "a", "no file came before its own, so nothing makes it late")
    why = (
        "its time is 12:25; the files before have 12:30 at most, the 12:45 comes with its own file"
    )
    assert_in(split, "table", "g", why)


@check("late_events")
def test_ten_minutes_behind_is_in_time(split):
    """Takes an event that is exactly ten minutes behind as on time"""
    assert_in(split, "table", "c", "it is exactly ten minutes behind; late is what is older")


@check("late_events")
def test_an_event_without_a_time_is_not_late(split):
    """Takes an event without a time as on time: nothing says that it is late"""
    assert_in(split, "table", "n", "it has no event_time, so it isn't older than anything")


@check("late_events", points=3)
def test_every_row_lands_once(split):
    """Writes every row of the source once, also when a call broke off between two writes"""
    source = Counter(row[0] for rows in FILES for row in rows)
    landed = Counter(row.event_id for rows in split.values() for row in rows)
    for event, times in sorted(source.items()):
        found = landed[event]
        assert found == times, (
            f"event {event} is {times} time{'s' * (times > 1)} in the source and {found} time{'s' * (found != 1)} in the two "
            f"tables together. One call broke off in a write, another died before it could note that it was done, and each was called again; "
            f"{'a micro-batch that comes again must find what it has already written' if found > times else 'rows are lost, or the call returned before its query had ended'}"
        )


@check("late_events")
def test_both_tables_keep_the_columns_of_the_events(split):
    """Writes the columns of the events and no other"""
    for which, rows in split.items():
        extra = [name for row in rows[:1] for name in row.__fields__ if name not in COLUMNS]
        assert not extra, f"{which} has got the column {', '.join(extra)}"
    assert any(split.values()), "both tables are empty"
    amounts = {row.amount for rows in split.values() for row in rows}
    assert amounts == {1.0}, "amounts changed on the way to the tables"

"""Checks of lab 08: each task on small tables of its own, so that a fault in one task is told by that task alone."""

import json
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from labkit.checks import (
    assert_columns,
    changes_since,
    check,
    checkpoint_files,
    collect,
    make_table,
    table_rows,
    table_version,
)

HINTS = {
    "ingest": [
        "Read lines, not JSON: the `text` source has one column, `value`, and fails on nothing. `_metadata.file_path` says which file a row is from.",
        "A checkpoint remembers which files were read, and can be lost. Which other place remembers it, and can't be lost without the rows?",
        "The stream's `foreachBatch` gets a file as a whole. Keep the rows of files that the table doesn't know, and append them in one commit.",
    ],
    "refine": [
        "`from_json(value, 'map<string, string>')` reads any object, however its fields are called or written; `try_cast` makes null of what is no number or time.",
        "One column `reason`, null for a good line, sends each line to exactly one side. `amount >= 0` is null when amount is null; `where(~good)` drops such a row.",
        "A repeated run must replace the rows of its day: `df.writeTo(table).overwrite(condition)` is one commit. Which events of the day are kept on another day already?",
        "For the history, forget days: of all changes in bronze, one for each `lsn`, in the order of `lsn` within a customer; `lead(ts)` is where each ends. A delete ends a version and begins none.",
    ],
    "publish": [
        "The segment is that of the version valid at `event_time`, which is a join on a range. Which kind of join keeps a purchase without a version?",
        "Late events and late customers change days that were published long ago, and rows may have to go. Compute all days, then look for those that differ from the table.",
        "A row of one side with +1, the same row of the other with -1: what doesn't add up to 0 differs.",
        "`overwrite(condition)` on the partition column leaves the files of all other days alone.",
    ],
    "backfill": [
        "A day is repaired when its rows are replaced, not when something is added. What does your `refine` do with a day that it has done before?",
        "The lines of one load day may hold events of several days. Which days of gold change? `publish` should know.",
        "If your `refine` inserts what is absent, wrong rows stay. Make it replace its day, then `backfill` is short.",
    ],
    "quality_report": [
        "Begin with what arrived: one row for each `load_date` of bronze. Everything else is joined to it from the left.",
        "If you count duplicates as what is left over, nothing is ever lost. Count them from the lines: not in quarantine, and their `event_id` is in silver.",
        "Among the lines whose event is in silver, one for each event is the row itself; the others are duplicates. Silver says on which day the one arrived.",
    ],
}

BRONZE = "value string, load_date date, source_file string"
CUSTOMERS = (
    "customer_id long, name string, segment string, country string, "
    "effective_from timestamp, effective_to timestamp, is_current boolean"
)
EVENTS = (
    "event_id string, event_type string, customer_id long, event_time timestamp, event_date date, "
    "amount decimal(10,2), rescued map<string, string>, load_date date, source_file string"
)
QUARANTINE = "source string, value string, reason string, load_date date, source_file string"
GOLD = "event_date date, segment string, revenue decimal(20,2), purchases long"
REPORT = (
    "load_date date, lines long, events long, quarantined long, duplicates long, lost long, "
    "late long, newest_event timestamp, reasons map<string, long>"
)
TABLES = {
    "bronze_customers": (BRONZE, "load_date"),
    "bronze_clicks": (BRONZE, "load_date"),
    "silver_customers": (CUSTOMERS, None),
    "silver_events": (EVENTS, "load_date"),
    "quarantine": (QUARANTINE, "load_date"),
    "gold_revenue": (GOLD, "event_date"),
}


def on(day: int) -> date:
    return date(2026, 3, day)


def at(day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, second)


def put(spark, schema: str, **tables: list[tuple]) -> None:
    """Tables of the lab, made by this check, with these rows."""
    for name, rows in tables.items():
        columns, partition = TABLES[name]
        make_table(spark, f"{schema}.{name}", columns, rows, partition_by=partition)


def often(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def line(event_id: str | None, **fields) -> str:
    """A line of the shop: a view on 10 March unless told otherwise; `...` leaves a field out."""
    known = {"event_id": event_id, "event_type": "view", "customer_id": 1}
    known |= {"event_time": "2026-03-10T09:00:00Z", "sent_at": "2026-03-10T09:00:03Z"}
    return json.dumps({name: value for name, value in (known | fields).items() if value is not ...})


def purchase(event_id: str | None, amount, **fields) -> str:
    return line(event_id, event_type="purchase", amount=amount, **fields)


def change(op: str, lsn: int | None, customer_id: int | None, ts: str, segment: str) -> str:
    values = {"op": op, "lsn": lsn, "ts": f"2026-03-{ts}Z", "customer_id": customer_id}
    return json.dumps({**values, "name": "Ida", "segment": segment, "country": "AT"})


def lines_of(source: str, day: int, number: int, *values: str) -> list[tuple]:
    """Rows of bronze: the lines of one file."""
    name = "clicks" if source == "clicks" else "changes"
    file = f"{source}/2026-03-{day:02}/{name}-{number}.json"
    return [(value, on(day), file) for value in values]


# ---------------------------------------------------------------------------------------- ingest

CUT_OFF = line("a3")[:40]
FIRST = {
    "clicks/2026-03-10/clicks-1.json": [
        line("a1"),
        purchase("a2", 12.5),
        line("a1"),
        CUT_OFF,
        " Zürich\t",
    ],
    "clicks/2026-03-10/clicks-2.json": [line("a4", city="Zürich")],
    "customers/2026-03-10/changes-1.json": [change("c", 1, 1, "01T00:00:00", "school"), "{}"],
}
SECOND = {
    "clicks/2026-03-10/clicks-3.json": [line("a5")],  # late, into the folder of a day that was read
    "clicks/2026-03-11/clicks-1.json": [line("b1", channel="app"), line("a1")],
    "customers/2026-03-11/changes-1.json": [change("u", 2, 1, "11T08:00:00", "business")],
}
GONE = "clicks/2026-03-10/clicks-1.json"


def deliver(landing: Path, files: dict[str, list[str]]) -> None:
    for name, lines in files.items():
        path = landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in lines)


@pytest.fixture(scope="module")
def landed(learner, spark, shared_schema, inbox, tmp_path_factory):
    """Both bronze tables after two calls; before the second, files came and went, and the checkpoint was lost."""
    put(spark, shared_schema, bronze_customers=[], bronze_clicks=[])
    landing, checkpoints = inbox("landing"), tmp_path_factory.mktemp("checkpoint")
    seen = {}

    def call(stage: str) -> None:
        learner.ingest(spark, str(landing), shared_schema, str(checkpoints / stage))
        seen[stage] = [
            row
            for name in ("bronze_customers", "bronze_clicks")
            for row in table_rows(spark, f"{shared_schema}.{name}")
        ]

    deliver(landing, FIRST)
    call("first")
    logs = checkpoint_files(checkpoints / "first", "sources")
    seen["streamed"] = any("/clicks/" in text for text in logs.values())
    (landing / GONE).unlink()
    deliver(landing, SECOND)
    call("second")
    return seen


@check("ingest", points=2)
def test_every_line_lands_as_it_came(landed):
    """Keeps every line as it came: broken ones, repeated ones, and fields that nobody knows"""
    found = Counter(row.value for row in landed["first"])
    for value, times in Counter(line for lines in FIRST.values() for line in lines).items():
        assert found[value] == times, (
            f"this line is {often(times)} in the files and {often(found[value])} in bronze: {value!r}"
        )
    assert found.total() == sum(map(len, FIRST.values())), "bronze has lines that are in no file"


@check("ingest")
def test_rows_say_where_they_came_from(landed):
    """Says of each row its load day and its file, as a path in the landing folder"""
    found = sorted({str(row.source_file) for row in landed["first"]})
    for name in FIRST:
        rows = [row for row in landed["first"] if row.source_file == name]
        assert rows, (
            f"no row has the source_file {name}; the values in bronze are {', '.join(found)}"
        )
        day = name.split("/")[1]
        wrong = next((row for row in rows if str(row.load_date) != day), None)
        assert wrong is None, f"a row of {name} has the load_date {wrong.load_date}"


@check("ingest", points=2)
def test_a_second_call_adds_new_files(landed):
    """Adds the lines of new files, whatever their day, and keeps those of files that were moved away"""
    stories = {
        "clicks/2026-03-10/clicks-3.json": "it came late, into the folder of a day that had been read",
        "clicks/2026-03-11/clicks-1.json": "it is new; another file of that name is in another folder",
        "customers/2026-03-11/changes-1.json": "it is new",
        GONE: "it was moved away after the first call",
    }
    found = Counter(row.value for row in landed["second"])
    for name, story in stories.items():
        missing = next((line for line in {**FIRST, **SECOND}[name] if not found[line]), None)
        assert missing is None, (
            f"after a second call a line of {name} is not in bronze; {story}: {missing}"
        )


@check("ingest", points=3)
def test_a_lost_checkpoint_doubles_nothing(landed):
    """Appends no file twice, also when the checkpoint is lost between two calls"""
    values = {**FIRST, **SECOND}.values()
    wanted = Counter(line for lines in values for line in lines)
    found = Counter(row.value for row in landed["second"])
    double = next((line for line in wanted if found[line] > wanted[line]), None)
    assert double is None, (
        f"the second call found its checkpoint folder empty, and appended again what is in the table: this line was delivered "
        f"{often(wanted[double])} and is there {often(found[double])}: {double}"
    )


@check("ingest")
def test_clicks_are_read_as_a_stream(landed):
    """Reads clicks as a stream that keeps its place in the checkpoint folder"""
    assert landed["streamed"], (
        "after a call the checkpoint folder knows of no file of clicks: they were not read as a stream, so every call "
        "has to list and compare all files that ever landed"
    )


# ---------------------------------------------------------------------------------------- refine

BAD_LINES = [
    (line("x1")[:50], "not_json"),
    ("<html>502</html>", "not_json"),
    ('["x0"]', "not_json"),  # JSON, and no object
    (line(..., customer_id=2), "bad_event_id"),
    (line(""), "bad_event_id"),
    (line("x2", event_type="buy"), "bad_event_type"),
    (line("x3", event_type=...), "bad_event_type"),
    (line("x4", customer_id="guest"), "bad_customer_id"),
    (line("x5", customer_id=None), "bad_customer_id"),
    (line("x6", event_time="soon"), "bad_event_time"),
    (purchase("x7", -1), "bad_amount"),
    (purchase("x8", "n/a"), "bad_amount"),
    (purchase("x9", ...), "bad_amount"),
    (line("x10", event_type="buy", event_time=None), "bad_event_type"),
    (purchase("x7", -1), "bad_amount"),  # delivered twice, two lines
]
CLICKS = [
    *lines_of(
        "clicks",
        10,
        2,
        purchase("e1", 12.5, sent_at="2026-03-10T10:00:00Z"),
        line("e5", channel="app", amount="n/a"),
        line("e6", channel="mail", campaign="spring", sent_at=...),
    ),
    *lines_of(
        "clicks",
        10,
        1,
        purchase("e1", 12.5),
        line("e2", amount=3.5),  # nobody pays for a view
        purchase("e3", "7.00", customer_id="2", event_time="2026-03-10T00:30:00+02:00"),
        purchase("e4", 0, event_time="2026-03-10T23:59:59Z"),
        purchase("e1", 12.5, sent_at="2026-03-10T09:30:00Z"),
        line("e0", event_time="2026-03-09T07:00:00Z", sent_at="2026-03-10T01:00:00Z"),
        *(value for value, _ in BAD_LINES),
    ),
    *lines_of("clicks", 9, 1, line("e0", event_time="2026-03-09T07:00:00Z")),
    *lines_of("clicks", 11, 1, line("e2"), line("e9")),  # landed already, not refined yet
]
A0, A1, A2 = (
    f"clicks/2026-03-{part}.json" for part in ("09/clicks-1", "10/clicks-1", "10/clicks-2")
)
NINE = at(10, 9)


def bought(event_id: str, amount: str, time: datetime, customer_id: int = 1) -> tuple:
    """The columns of an event up to amount."""
    return (event_id, "purchase", customer_id, time, time.date(), Decimal(amount))


GOOD = {
    row[0]: row
    for row in [
        (*bought("e1", "12.50", NINE), None, on(10), A1),
        ("e2", "view", 1, NINE, on(10), None, None, on(10), A1),
        (*bought("e3", "7.00", at(9, 22, 30), 2), None, on(10), A1),
        (*bought("e4", "0.00", at(10, 23, 59, 59)), None, on(10), A1),
        ("e5", "view", 1, NINE, on(10), None, {"channel": "app"}, on(10), A2),
        (
            *("e6", "view", 1, NINE, on(10), None),
            {"channel": "mail", "campaign": "spring"},
            *(on(10), A2),
        ),
        ("e0", "view", 1, at(9, 7), on(9), None, None, on(9), A0),
    ]
}
BAD_9 = ("clicks", "{", "not_json", on(9), A0)
BAD_CHANGES = [
    (change("x", 13, 1, "10T10:00:00", "business"), "bad_op"),
    ('{"op": "c", "lsn":', "not_json"),
    (change("u", None, 1, "10T11:00:00", "school"), "bad_lsn"),
    (change("u", 17, 1, "10T12:00:00", "school").replace("2026-", "soon"), "bad_ts"),
    (change("u", 18, None, "10T13:00:00", "school"), "bad_customer_id"),
]
CHANGES = [
    *lines_of(
        "customers",
        9,
        1,
        change("c", 10, 1, "01T00:00:00", "consumer"),
        change("u", 15, 3, "09T12:00:00", "business"),
        change("c", 5, 3, "02T00:00:00", "consumer"),
        change("c", 12, 2, "05T00:00:00", "school"),
        change("c", 100, 4, "06T00:00:00", "school"),
        change("u", 99, 4, "06T00:00:00", "consumer"),
    ),
    *lines_of(
        "customers",
        10,
        1,
        change("u", 11, 1, "10T10:00:00", "business"),
        change("c", 10, 1, "01T00:00:00", "consumer"),
        change("u", 11, 1, "10T10:00:00", "business"),
        change("u", 14, 3, "09T09:00:00", "school"),
        change("d", 16, 2, "10T18:00:00", "school"),
    ),
    *lines_of(
        "customers",
        10,
        2,
        *(value for value, _ in BAD_CHANGES),
    ),
]


def version(customer_id: int, segment: str, start: datetime, end: datetime | None) -> tuple:
    return (customer_id, "Ida", segment, "AT", start, end, end is None)


VERSIONS = [
    version(1, "consumer", at(1), at(10, 10)),
    version(1, "business", at(10, 10), None),
    version(2, "school", at(5), at(10, 18)),
    version(3, "consumer", at(2), at(9, 9)),
    version(3, "school", at(9, 9), at(9, 12)),
    version(3, "business", at(9, 12), None),
    version(4, "school", at(6), None),
]


@pytest.fixture(scope="module")
def refined(learner, spark, shared_schema):
    """Silver and quarantine after 10 March was refined, once and twice, and then the 9th again.

    That had been refined before, with a line in quarantine that is no line of it.
    """
    tables = {
        "silver_customers": VERSIONS[:1],
        "silver_events": [GOOD["e0"]],
        "quarantine": [BAD_9],
    }
    put(spark, shared_schema, bronze_clicks=CLICKS, bronze_customers=CHANGES, **tables)
    seen = {}
    for stage, day in (("once", 10), ("twice", 10), ("the day before", 9)):
        learner.refine(spark, shared_schema, on(day))
        for name in tables:
            assert_columns(spark.table(f"{shared_schema}.{name}"), TABLES[name][0])
        seen[stage] = {name: table_rows(spark, f"{shared_schema}.{name}") for name in tables}
    return seen


def events_of(refined, name: str) -> list:
    return [row for row in refined["once"]["silver_events"] if row.event_id == name]


@check("refine", points=2)
def test_good_events_are_typed(refined):
    """Types what a good line says: numbers written as text, times of other zones, a view without an amount"""
    for name in ("e2", "e3", "e4", "e5"):
        rows, wanted = events_of(refined, name), GOOD[name]
        assert rows, f"event {name} is not in silver_events; its line is good"
        names = EVENTS.replace("(10,2)", "").replace("<string, string>", "").split(", ")
        for column, value in zip([pair.split()[0] for pair in names], wanted, strict=True):
            if column != "rescued":
                assert rows[0][column] == value, (
                    f"event {name} has {column} {rows[0][column]}, expected {value}"
                )


@check("refine", points=2)
def test_each_line_is_kept_or_quarantined(refined):
    """Puts every line of the day that is no event into quarantine as it came, and no other"""
    rows = [row for row in refined["once"]["quarantine"] if row.load_date == on(10)]
    quarantined = Counter(row.value for row in rows)
    kept = {row.event_id for row in refined["once"]["silver_events"]}
    for value, times in Counter(value for value, _ in BAD_LINES).items():
        assert quarantined[value] == times, (
            f"this line arrived {often(times)} and is {often(quarantined[value])} in quarantine: {value}"
        )
    missing, wrong = sorted(set(GOOD) - kept), sorted(kept - set(GOOD), key=str)
    assert not missing, f"event {missing[0]} is not in silver_events; its line is good"
    assert not wrong, f"silver_events has {wrong[0]}, which is no good event of 9 or 10 March"
    clicks = sum(row.source == "clicks" for row in rows)
    assert clicks == len(BAD_LINES), "quarantine has lines of clicks that are good"
    changes = [row.value for row in rows if row.source == "customers"]
    for value, _ in BAD_CHANGES:
        assert value in changes, f"this line of customers is no change, and not in quarantine: {value}"
    assert len(changes) == len(BAD_CHANGES), "quarantine has lines of customers that are changes"


@check("refine")
def test_the_reason_names_the_first_fault(refined):
    """Says in `reason` what is wrong with a line, the first fault when there are more"""
    wanted = dict(BAD_LINES + BAD_CHANGES)
    for row in refined["once"]["quarantine"]:
        if row.value in wanted:
            assert row.reason == wanted[row.value], (
                f"reason is {row.reason}, expected {wanted[row.value]}, for {row.value}"
            )


@check("refine", points=2)
def test_an_event_is_kept_once_as_first_delivered(refined):
    """Keeps an event once, its first delivery, however often and on however many days it arrives"""
    stories = {
        "e1": ("twice in one file and once in another of the same day", A1),
        "e0": ("on two days", A0),
    }
    for name, (story, file) in stories.items():
        rows = events_of(refined, name)
        assert len(rows) == 1, (
            f"event {name} was delivered {story}; silver_events has it {often(len(rows))}"
        )
        assert rows[0].source_file == file, (
            f"event {name} was delivered {story}; kept is that of {rows[0].source_file}, and {file} came first"
        )


@check("refine")
def test_fields_that_nobody_announced_are_rescued(refined):
    """Keeps fields outside the contract in `rescued`; null where there are none"""
    for name in ("e5", "e6", "e2"):
        rows, wanted = events_of(refined, name), GOOD[name][6]
        assert rows, f"event {name} is not in silver_events; its line is good"
        assert rows[0].rescued == wanted, (
            f"event {name} has rescued {rows[0].rescued}, expected {wanted}"
        )


@check("refine", points=2)
def test_history_follows_the_log(refined):
    """Makes the customers' history in the order of the log, whatever arrives late, twice or at one time"""
    rows = [tuple(row) for row in refined["once"]["silver_customers"] if row.customer_id != 2]
    wanted = [row for row in VERSIONS if row[0] != 2]
    assert_versions(rows, wanted)


@check("refine")
def test_deleted_customers_have_no_open_version(refined):
    """Ends the last version of a customer who is deleted, and begins none"""
    rows = [tuple(row) for row in refined["once"]["silver_customers"] if row.customer_id == 2]
    assert_versions(rows, [row for row in VERSIONS if row[0] == 2])


def assert_versions(rows: list[tuple], wanted: list[tuple]) -> None:
    def told(part: list[tuple], customer: int) -> str:
        mine = sorted((row for row in part if row[0] == customer), key=lambda row: str(row[4]))
        return "; ".join(
            f"{row[2]} from {row[4]} to {row[5] or 'null'}" + (" (current)" if row[6] else "")
            for row in mine
        )

    for customer in sorted({row[0] for row in wanted}):
        mine, theirs = told(rows, customer), told(wanted, customer)
        assert mine == theirs, f"customer {customer} has {mine or 'no version'}; expected {theirs}"
    assert sorted(rows, key=str) == sorted(wanted, key=str), (
        "name or country of a version is wrong, or there are further customers"
    )


@check("refine", points=2)
def test_a_day_refined_again_changes_nothing(refined):
    """Leaves all tables as they are when a day is refined again, and never the rows of other days"""
    for name, row in (("silver_events", GOOD["e0"]), ("quarantine", BAD_9)):
        found = [tuple(row) for row in refined["once"][name] if row.load_date == on(9)]
        assert found == [row], (
            f"{name} had one row of 9 March; after 10 March was refined it has {len(found)}, or others"
        )
    for name, rows in refined["twice"].items():
        before, after = (Counter(map(plain, part)) for part in (refined["once"][name], rows))
        gone, new = before - after, after - before
        assert before == after, (
            f"10 March was refined again: {name} has {after.total()} rows, {before.total()} before; "
            f"{'new' if new else 'gone'} is, for example: {next(iter(new or gone))}"
        )


@check("refine", points=2)
def test_a_day_without_faults_has_no_quarantine(refined):
    """Empties the quarantine of a day whose lines are all good, and leaves days after it alone"""
    rows = refined["the day before"]
    old = [row for row in rows["quarantine"] if row.load_date == on(9)]
    assert not old, (
        f"9 March was refined again, and all its lines are good; quarantine still has {old[0].value!r} of an earlier run"
    )
    for name in ("silver_events", "quarantine"):
        before, after = (
            Counter(plain(row) for row in part if row.load_date == on(10))
            for part in (refined["twice"][name], rows[name])
        )
        assert before == after, f"9 March was refined, and rows of the 10th in {name} changed"


def plain(row) -> str:
    """A row as a reader of a reason wants it."""
    return ", ".join("null" if value is None else str(value) for value in row)


# --------------------------------------------------------------------------------------- publish

HISTORY = [
    version(1, "consumer", at(1), at(10, 12)),
    version(1, "business", at(10, 12), None),
    version(2, "school", at(5), at(10, 18)),
    version(3, "business", at(9), None),  # until the 10th nobody had heard of customer 3
]
KNOWN = [
    bought("p0", "3.00", at(7, 9)),
    bought("p1", "10.00", at(8, 9)),
    bought("p2", "5.00", at(8, 10), 2),
    bought("p3", "20.00", at(9, 9)),
    bought("p4", "7.00", at(9, 11), 3),
]
NEW = [
    bought("p5", "30.00", at(10, 12)),
    bought("p6", "1.00", at(10, 11, 59, 59)),
    bought("p7", "4.00", at(10, 18), 2),
    bought("p8", "6.00", at(10, 19), 99),
    bought("p9", "2.50", at(8, 23), 2),
    ("v1", "view", 1, at(10, 9), on(10), None),
]
PUBLISHED = [
    (on(7), "consumer", Decimal("3.00"), 1),
    (on(8), "consumer", Decimal("10.00"), 1),
    (on(8), "school", Decimal("5.00"), 1),
    (on(9), "consumer", Decimal("20.00"), 1),
    (on(9), "unknown", Decimal("7.00"), 1),
    (on(6), "school", Decimal("9.00"), 1),  # its only purchase is in silver no more
]
CORRECTED = [
    *PUBLISHED[:2],
    (on(8), "school", Decimal("7.50"), 2),
    PUBLISHED[3],
    (on(9), "business", Decimal("7.00"), 1),
]
NEW_DAY = [
    (on(10), "business", Decimal("30.00"), 1),
    (on(10), "consumer", Decimal("1.00"), 1),
    (on(10), "unknown", Decimal("10.00"), 2),
]


def arrived(day: int, events: list[tuple]) -> list[tuple]:
    """Rows of silver_events that were delivered on a day."""
    return [(*event, None, on(day), f"clicks/2026-03-{day}/clicks-1.json") for event in events]


@pytest.fixture(scope="module")
def published(learner, spark, shared_schema):
    """Gold after a call on what the 10th brought, and after one with nothing new; 6 to 9 March were published before."""
    schema, gold = shared_schema, f"{shared_schema}.gold_revenue"
    put(
        spark,
        schema,
        silver_customers=HISTORY,
        silver_events=arrived(9, KNOWN) + arrived(10, NEW),
        gold_revenue=PUBLISHED,
    )
    seen = {}
    for stage in ("first", "again"):
        version = table_version(spark, gold)
        learner.publish(spark, schema)
        seen[stage] = table_rows(spark, gold)
        seen[f"{stage} changes"] = changes_since(spark, gold, version)
    return seen


def figures(rows) -> dict[tuple, list[tuple]]:
    found: dict[tuple, list[tuple]] = {}
    for row in rows:
        found.setdefault((row.event_date, row.segment), []).append((row.revenue, row.purchases))
    return found


def assert_figures(rows, wanted: list[tuple], story: str) -> None:
    found = figures(rows)
    for day, segment, revenue, count in wanted:
        got = found.pop((day, segment), [])
        told = " and ".join(f"revenue {r}, purchases {n}" for r, n in got) or "missing"
        assert got == [(revenue, count)], (
            f"{day}, {segment}: {told}; expected revenue {revenue}, purchases {count}. {story}"
        )
    extra = next(iter(found), None)
    assert extra is None, f"{extra[0]}, {extra[1]} should not be there. {story}"


@check("publish", points=2)
def test_revenue_goes_to_the_segment_of_its_time(published):
    """Books a purchase on its day, under the segment that its customer had at that instant"""
    rows = [row for row in published["first"] if row.event_date == on(10)]
    assert_figures(
        [row for row in rows if row.segment not in ("unknown", None)],
        [row for row in NEW_DAY if row[1] != "unknown"],
        "Customer 1 is a consumer until 10 March 12:00, that instant excluded",
    )


@check("publish", points=2)
def test_no_purchase_is_lost(published):
    """Books purchases without a valid version of their customer under `unknown`"""
    rows = [row for row in published["first"] if row.event_date == on(10)]
    assert_figures(
        [row for row in rows if row.segment in ("unknown", None)],
        [row for row in NEW_DAY if row[1] == "unknown"],
        "Customer 2 was deleted on the 10th at 18:00, 99 is in no file",
    )


@check("publish", points=2)
def test_late_arrivals_correct_published_days(published):
    """Corrects days that were published when events or customers arrive late"""
    assert_figures(
        [row for row in published["first"] if row.event_date != on(10)],
        CORRECTED,
        "On the 10th a purchase of the 8th arrived, and that customer 3 was known from the 9th on; silver has no purchase of the 6th",
    )


@check("publish", points=2)
def test_only_days_that_change_are_rewritten(published):
    """Rewrites the files of days whose figures change, in one commit, and no other"""
    changes = published["first changes"]
    touched = {path.split("/")[0] for path in changes.added | changes.removed}
    others = sorted(touched - {f"event_date=2026-03-{day}" for day in ("06", "08", "09", "10")})
    assert not others, (
        f"10 March is new and figures of the 6th, the 8th and the 9th change; files of {others[0]} were written or removed too. "
        "Whoever reads gold downstream gets all of it again"
    )
    assert changes.versions <= 1, (
        f"the call took {changes.versions} commits ({', '.join(changes.operations)}); "
        "a reader between two of them sees half of it"
    )


@check("publish")
def test_publishing_again_writes_nothing(published):
    """Writes no file when nothing has changed"""
    assert figures(published["again"]) == figures(published["first"]), (
        "nothing had arrived, and figures changed all the same"
    )
    changes = published["again changes"]
    assert not changes.added | changes.removed, (
        f"nothing had arrived, and files were written all the same, by {', '.join(changes.operations)}"
    )


# -------------------------------------------------------------------------------------- backfill

D9, D10, D11 = (f"clicks/2026-03-{part}/clicks-1.json" for part in ("09", "10", "11"))
DAY_LINES = [
    *lines_of("clicks", 9, 1, purchase("f1", 1, event_time="2026-03-09T08:00:00Z")),
    *lines_of(
        "clicks",
        10,
        1,
        purchase("f1", 1, event_time="2026-03-09T08:00:00Z"),
        purchase("f2", 20, event_time="2026-03-10T08:00:00Z"),
        purchase("f3", "30.00", event_time="2026-03-10T09:00:00Z"),
        purchase("f4", 40, event_time="2026-03-09T23:00:00Z"),
        purchase("f5", "50.00", event_time="2026-03-10T10:00:00Z"),
        purchase("f6", -6),
        line("f7", event_type="buy"),
    ),
    *lines_of("clicks", 11, 1, purchase("f5", "50.00", event_time="2026-03-10T10:00:00Z")),
]
OTHERS = [
    (*bought("f1", "1.00", at(9, 8)), None, on(9), D9),
    (*bought("f5", "50.00", at(10, 10)), None, on(11), D11),
]
REPAIRED = [
    (*bought("f2", "20.00", at(10, 8)), None, on(10), D10),
    (*bought("f3", "30.00", at(10, 9)), None, on(10), D10),
    (*bought("f4", "40.00", at(9, 23)), None, on(10), D10),
]
# What a faulty release made of the 10th: cents for euros, a double, a bad line kept, good ones in quarantine.
DAMAGED = [
    (*bought("f2", "0.20", at(10, 8)), None, on(10), D10),
    (*bought("f4", "0.40", at(9, 23)), None, on(10), D10),
    (*bought("f4", "0.40", at(9, 23)), None, on(10), D10),
    (*bought("f6", "-0.06", at(10, 9)), None, on(10), D10),
]
ASIDE = [
    ("clicks", DAY_LINES[3][0], "bad_amount", on(10), D10),
    ("clicks", DAY_LINES[5][0], "bad_amount", on(10), D10),
    ("clicks", "old", "not_json", on(9), D9),
]
FAULTS = [
    ("clicks", DAY_LINES[6][0], "bad_amount", on(10), D10),
    ("clicks", DAY_LINES[7][0], "bad_event_type", on(10), D10),
]
WRONG_GOLD = [
    (on(7), "school", Decimal("3.00"), 1),
    (on(9), "school", Decimal("1.80"), 3),
    (on(10), "school", Decimal("50.14"), 3),
]
RIGHT_GOLD = [
    (on(9), "school", Decimal("41.00"), 2),
    (on(10), "school", Decimal("100.00"), 3),
]
OLD = (*bought("f0", "3.00", at(7, 8)), None, on(8), "clicks/2026-03-08/clicks-1.json")


@pytest.fixture(scope="module")
def repaired(learner, spark, shared_schema):
    """All tables after 10 March was backfilled, and what that wrote."""
    schema = shared_schema
    put(
        spark,
        schema,
        bronze_clicks=DAY_LINES,
        bronze_customers=lines_of("customers", 9, 1, change("c", 1, 1, "01T00:00:00", "school")),
        silver_customers=[version(1, "school", at(1), None)],
        silver_events=[OLD, *OTHERS, *DAMAGED],
        quarantine=ASIDE,
        gold_revenue=WRONG_GOLD,
    )
    tables = ("silver_customers", "silver_events", "quarantine", "gold_revenue")
    start = {name: table_version(spark, f"{schema}.{name}") for name in tables}
    learner.backfill(spark, schema, on(10))
    changes = {name: changes_since(spark, f"{schema}.{name}", start[name]) for name in tables}
    rows = {name: table_rows(spark, f"{schema}.{name}") for name in tables}
    return {"rows": rows, "changes": changes}


@check("backfill", points=2)
def test_the_day_is_made_anew(repaired):
    """Makes the rows of the day in silver and quarantine what bronze and today's rules say"""
    rows = [row for row in repaired["rows"]["silver_events"] if row.load_date == on(10)]
    assert_bag(rows, REPAIRED, "silver_events of 10 March")
    rows = [row for row in repaired["rows"]["quarantine"] if row.load_date == on(10)]
    assert_bag(rows, FAULTS, "quarantine of 10 March")


def assert_bag(rows, wanted: list[tuple], where: str) -> None:
    found, expected = (Counter(map(plain, part)) for part in (rows, wanted))
    missing, extra = expected - found, found - expected
    assert not extra, f"{where} has a row that bronze doesn't say: {next(iter(extra))}"
    assert not missing, f"{where} lacks this row: {next(iter(missing))}"


@check("backfill", points=2)
def test_other_days_stay(repaired):
    """Leaves rows and files of other days alone, and each event once"""
    for name, wanted in (("silver_events", [OLD, *OTHERS]), ("quarantine", ASIDE[2:])):
        rows = [row for row in repaired["rows"][name] if row.load_date != on(10)]
        assert_bag(rows, wanted, f"{name} of the other days")
        changes = repaired["changes"][name]
        touched = {path.split("/")[0] for path in changes.added | changes.removed}
        others = sorted(touched - {"load_date=2026-03-10"})
        assert not others, f"10 March was backfilled, and files of {others[0]} in {name} rewritten"
    events = Counter(row.event_id for row in repaired["rows"]["silver_events"])
    double = next((name for name in ("f1", "f5") if events[name] > 1), None)
    assert double is None, f"event {double} is kept on another load day, and is there twice now"


@check("backfill", points=2)
def test_gold_follows_the_repair(repaired):
    """Publishes every day whose figures the repair changes, and rewrites no other"""
    rows = [row for row in repaired["rows"]["gold_revenue"] if row.event_date != on(7)]
    assert_figures(rows, RIGHT_GOLD, "The lines of 10 March hold purchases of the 9th and the 10th")
    changes = repaired["changes"]["gold_revenue"]
    touched = {path.split("/")[0] for path in changes.added | changes.removed}
    assert "event_date=2026-03-07" not in touched, "gold of 7 March was rewritten as well"


@check("backfill")
def test_readers_never_see_half_a_repair(repaired):
    """Changes each table in one commit at most"""
    for name, changes in repaired["changes"].items():
        assert changes.versions <= 1, (
            f"{name} changed in {changes.versions} commits ({', '.join(changes.operations)}); "
            "who reads between two of them finds rows missing, and a crash leaves it so"
        )


# -------------------------------------------------------------------------------- quality_report

TOLD_LINES = [
    *lines_of("clicks", 9, 1, line("q1"), line("q1"), line("q2"), "{", line("q3")),
    *lines_of("clicks", 10, 1, line("q1"), "{", "[", line("q4", event_type="buy")),
    *lines_of("clicks", 11, 1, line("q5"), line("q6"), line("q2"), line("q2")),
    *lines_of("clicks", 11, 2, line("q5")),
]
T9, T10, T11, T11_2 = (
    *(f"clicks/2026-03-{day}/clicks-1.json" for day in ("09", "10", "11")),
    "clicks/2026-03-11/clicks-2.json",
)
TOLD_EVENTS = [
    ("q1", "view", 1, at(9, 9), on(9), None, None, on(9), T9),
    ("q2", "view", 1, at(8, 9), on(8), None, None, on(9), T9),
    ("q5", "view", 1, at(7, 5), on(7), None, None, on(11), T11),
    ("q6", "view", 1, at(11, 6), on(11), None, None, on(11), T11),
    ("q6", "view", 1, at(11, 6), on(11), None, None, on(11), T11),
]
TOLD_BAD = [
    ("clicks", "{", "not_json", on(9), T9),
    ("clicks", "{", "not_json", on(10), T10),
    ("clicks", "[", "not_json", on(10), T10),
    ("clicks", TOLD_LINES[8][0], "bad_event_type", on(10), T10),
    ("customers", "{", "not_json", on(11), "customers/2026-03-11/changes-1.json"),
]


@pytest.fixture(scope="module")
def told(learner, spark, shared_schema):
    """The report by load day. On the 9th one line is in no table, on the 11th one event is there twice."""
    put(
        spark,
        shared_schema,
        bronze_clicks=TOLD_LINES,
        silver_events=TOLD_EVENTS,
        quarantine=TOLD_BAD,
    )
    report = learner.quality_report(spark, shared_schema)
    assert_columns(report, REPORT)
    rows = collect(report)
    found = {row.load_date: row for row in rows}
    assert len(found) == len(rows), "the report has several rows of one load_date"
    return found


def assert_told(told, name: str, wanted: dict[int, object], why: str) -> None:
    for day, value in wanted.items():
        row = told.get(on(day))
        assert row is not None, f"{on(day)} is missing; lines arrived on that day"
        assert row[name] == value, f"{on(day)}: {name} is {row[name]}, expected {value}. {why}"


@check("quality_report")
def test_every_day_of_arrival_is_told(told):
    """Has a row for every day on which lines arrived, with their number, also when nothing was good"""
    assert_told(told, "lines", {9: 5, 10: 4, 11: 5}, "Lines are counted in bronze")
    assert_told(told, "events", {9: 2, 10: 0, 11: 3}, "Events are rows of silver_events")
    assert len(told) == 3, "the report has days on which nothing arrived"


@check("quality_report", points=2)
def test_quarantine_is_told_by_reason(told):
    """Counts the lines of clicks in quarantine, and by reason"""
    assert_told(told, "quarantined", {9: 1, 10: 3, 11: 0}, "Only clicks count")
    wanted = {9: {"not_json": 1}, 10: {"not_json": 2, "bad_event_type": 1}, 11: {}}
    for day, reasons in wanted.items():
        found = told[on(day)].reasons or {}
        assert found == reasons, f"{on(day)}: reasons are {found}, expected {reasons}"


@check("quality_report", points=2)
def test_duplicates_are_counted_from_the_lines(told):
    """Counts further deliveries of kept events, of the same day and of earlier ones"""
    assert_told(
        told,
        "duplicates",
        {9: 1, 10: 1, 11: 3},
        "A duplicate is a line of an event that silver has through another line, of any day",
    )


@check("quality_report", points=2)
def test_lost_and_doubled_rows_show(told):
    """Shows a line that is nowhere as lost, and a row that is there twice as less than nothing lost"""
    assert_told(told, "lost", {9: 1}, "The line of q3 is in no table")
    assert_told(told, "lost", {10: 0, 11: -1}, "q6 arrived once and is in silver_events twice")


@check("quality_report")
def test_lateness_is_told(told):
    """Counts events that arrived after their day, and tells the newest event of each load day"""
    assert_told(
        told, "late", {9: 1, 10: 0, 11: 1}, "An event is late when its day is before load_date"
    )
    newest = {9: at(9, 9), 10: None, 11: at(11, 6)}
    assert_told(
        told, "newest_event", newest, "It is the greatest event_time, not a time of the run"
    )

"""Checks of lab 08: each task on small tables of its own, which no other task has made."""

import json
import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from labkit.checks import (
    Case,
    History,
    assert_columns,
    assert_nothing_written,
    assert_one_commit,
    assert_rows,
    assert_untouched,
    cases,
    check,
    checkpoint_files,
    collect,
    make_table,
    run_tables,
    table_rows,
)

HINTS = {
    "ingest": [
        "Read lines, not JSON: the `text` source has one column, `value`, and fails on nothing. "
        "`_metadata.file_path` says which file a row is from; `url_decode` reads such a path.",
        "What but the checkpoint remembers what was read? `foreachBatch` gets a file as a whole: "
        "append, in one commit, the rows of files that the table doesn't know.",
    ],
    "refine": [
        "`from_json(value, 'map<string, string>')` reads any object. Try `rlike` on a text before "
        "`try_cast`. What follows an object shows when the line, in brackets, is read as an array.",
        "One column `reason`, null for a good line, sends each line to exactly one side. "
        "`amount >= 0` is null when amount is null; `where(~good)` drops such a row.",
        "`df.writeTo(table).overwrite(condition)` replaces the rows of a day in one commit. For "
        "the history, forget days: all changes in the order of `lsn`; `lead(ts)` ends each.",
    ],
    "publish": [
        "The version valid at `event_time` is a join on a range. Which kind of join keeps a "
        "purchase without a version?",
        "Compute all days, then look for those that differ from the table: a row of one side with "
        "+1, the same row of the other with -1. What doesn't add up to 0 differs.",
        "`overwrite(condition)` on the partition column leaves the files of all other days alone.",
    ],
    "backfill": [
        "A day is repaired when its rows are replaced, not when something is added. What does your "
        "`refine` do with a day that it has done before?",
        "The lines of one load day hold events of several days. `publish` knows which days change.",
    ],
    "quality_report": [
        "Begin with one row for each `load_date` of bronze, and join all else to it from the left.",
        "Count lines that aren't in quarantine by `event_id` and `source_file`, and look for the "
        "event in silver. Where it is from that file alone, one of them is the row itself.",
    ],
}

CUSTOMERS = History(
    key="customer_id", values=("name", "segment", "country"),
    start="effective_from", end="effective_to", current="is_current",
)
LINES = "value string, load_date date, source_file string"
TABLES = {  # columns, by what a reason tells rows apart, and by what the table is partitioned
    "bronze_customers": (LINES, "value", "load_date"),
    "bronze_clicks": (LINES, "value", "load_date"),
    "silver_customers": (
        "customer_id long, name string, segment string, country string, "
        "effective_from timestamp, effective_to timestamp, is_current boolean",
        CUSTOMERS.version_key, None,
    ),
    "silver_events": (
        "event_id string, event_type string, customer_id long, event_time timestamp, event_date "
        "date, amount decimal(10,2), rescued map<string, string>, load_date date, "
        "source_file string", "event_id", "load_date",
    ),
    "quarantine": (
        f"source string, {LINES.replace(',', ', reason string,', 1)}", ("source", "value"),
        "load_date",
    ),
    "gold_revenue": (
        "event_date date, segment string, revenue decimal(20,2), purchases long",
        ("event_date", "segment"), "event_date",
    ),
}
# All but `rescued`, which has a case of its own.
EVENT = "event_id,event_type,customer_id,event_time,event_date,amount,load_date,source_file"


def put(spark, schema: str, **tables: list) -> dict[str, str]:
    """Makes tables of the lab with these rows; their full names."""
    for name, rows in tables.items():
        columns, _, partition = TABLES[name]
        make_table(spark, f"{schema}.{name}", columns, rows, partition_by=partition)
    return {name: f"{schema}.{name}" for name in tables}


def assert_holds(rows, table: str, wanted, columns=None) -> None:
    """These rows of a table are the wanted ones, in `columns` or in all."""
    all_columns, key, _ = TABLES[table]
    assert_rows(rows, wanted, key=key, columns=columns or all_columns)


def on(day: int) -> date:
    return date(2026, 3, day)


def at(moment: str) -> datetime:
    """A time in March: "10T12" is noon of the 10th."""
    return datetime.fromisoformat(f"2026-03-{moment}")


def text(fields: dict, others: dict) -> str:
    """A line, its own fields first, where a reason shows them; `...` leaves a field out."""
    said = fields | others | fields
    return json.dumps({name: value for name, value in said.items() if value is not ...})


def line(event_id=..., amount=..., **fields) -> str:
    """A line of the shop: a purchase if it has an amount, else a view, on 10 March at 9."""
    kind = "view" if amount is ... else "purchase"
    known = {"amount": amount, "event_id": event_id, "event_type": kind, "customer_id": 1}
    known |= {"event_time": "2026-03-10T09:00:00Z", "sent_at": "2026-03-10T09:00:03Z"}
    return text(fields, known)


def change(kind, log_position, customer, moment: str, segment="school", **fields) -> str:
    """A line of the ERP; `moment` is a day of March and an hour, "10T12"."""
    known = {"op": kind, "lsn": log_position, "ts": f"2026-03-{moment}:00:00Z"}
    known |= {"customer_id": customer, "name": "Ida", "segment": segment, "country": "AT"}
    return text(fields, known)


def file_of(source: str, day: int, number: int) -> str:
    return f"{source}/2026-03-{day:02}/part-{number}.json"


def clicks(*lines: str, day: int = 10, file: int = 1) -> list[tuple]:
    """Rows of bronze: the lines of one file."""
    return [(value, on(day), file_of("clicks", day, file)) for value in lines]


def log(*told: str, day: int = 9) -> list[tuple]:
    """Rows of bronze: changes of customers, like "u 15 1 10T12 business", or whole lines."""
    lines = []
    for said in told:
        if said[1:2] == " ":
            kind, *numbers, moment = said.split()[:4]
            said = change(kind, *map(int, numbers), moment, *said.split()[4:])
        lines.append((said, on(day), file_of("customers", day, 1)))
    return lines


def event(event_id, amount=None, time="10T09", *, customer_id=1, rescued=None, day=10, file=1):
    """A row of `silver_events`: a purchase if it has an amount."""
    kind = "view" if amount is None else "purchase"
    known = {"event_id": event_id, "event_type": kind, "customer_id": customer_id}
    known |= {"event_time": at(time), "event_date": at(time).date(), "rescued": rescued}
    known |= {"load_date": on(day), "source_file": file_of("clicks", day, file)}
    return known | {"amount": amount and Decimal(amount)}


def aside(value: str, reason: str, *, source: str = "clicks", day: int = 10) -> dict:
    """A row of `quarantine`."""
    row = {"source": source, "value": value, "reason": reason}
    return row | {"load_date": on(day), "source_file": file_of(source, day, 1)}


def versions(customer_id: int, *points: str, end: str | None = None) -> list[tuple]:
    """Rows of `silver_customers` from points like "10T12 school"; "-" is null, "''" is empty."""
    told = [
        (at(time), ("Ida", None if segment == "-" else segment.strip("'"), "AT"))
        for time, segment in map(str.split, points)
    ]
    return CUSTOMERS.versions(customer_id, *told, end=end and at(end))


def gold(rows: str) -> list[tuple]:
    """Rows of `gold_revenue`, like "10 school 7.50 2", with commas between them."""
    parts = [row.split() for row in rows.split(",")]
    return [
        (at(day).date(), who.strip("'"), Decimal(sum_), int(count))
        for day, who, sum_, count in parts
    ]


# ---------------------------------------------------------------------------------------- ingest


def both(day: str, name: str, of_clicks: list[str], of_customers: list[str]) -> dict:
    """A file of clicks and one of customers, and their lines."""
    return {
        f"clicks/2026-03-{day}/{name}.json": of_clicks,
        f"customers/2026-03-{day}/{name}.json": of_customers,
    }


MOVED = both("10", "moved-away",
             [line("a1"), line("a2", 12.5), line("a1"), "", " Zürich\t ", line("a3")[:40]],
             [change("c", 1, 1, "01T00"), "{}", "a\u2028b"])  # only a line feed ends a line
EMPTY = both("10", "empty", [], []) | both("10", "blank", [""], [""])
CALLS = [  # new files of each call; before the third the checkpoint is lost
    Case("first", "Lands every line as it came, broken, empty and repeated ones too, with its load "
         "day and its file", points=3, given=MOVED | EMPTY
         | both("10", "part 1", [line("a4", city="Zürich")], [change("u", 2, 1, "10T07")])),
    Case("second", "Adds the files that came since, of a new day, late, or modified years ago; "
         "appends none twice, and keeps the rows of files that were moved away", points=5, given=
         both("11", "part 1", [line("b1", channel="app"), line("a1")], [change("u", 3, 1, "11T08")])
         | both("10", "came.late", [line("a1"), line("a5")], [change("u", 2, 1, "10T07")])
         | both("01", "modified-in-1980", [line("c1")], [change("u", 5, 1, "11T09")])),
    Case("without_checkpoint", "Adds new files when the checkpoint was lost, and appends none "
         "twice", points=3, given=both("11", "part 2", [line("b2")], [change("u", 6, 1, "11T10")])),
]


def deliver(landing: Path, files: dict[str, list[str]]) -> None:
    """New files in the landing; a last line that was cut off has no line feed."""
    for name, lines in files.items():
        path = landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n" * any(line[-1:] in "}" for line in lines[-1:]))
        if "1980" in name:
            os.utime(path, (datetime(1980, 1, 1).timestamp(),) * 2)


def rows_of(files: dict[str, list[str]]) -> list[tuple]:
    """The rows of bronze that these files make."""
    days = {name: date.fromisoformat(name.split("/")[1]) for name in files}
    return [(value, days[name], name) for name, lines in files.items() for value in lines]


def bronze(spark, schema: str) -> list[tuple]:
    """The rows of both tables."""
    tables = (f"{schema}.bronze_customers", f"{schema}.bronze_clicks")
    rows = [row for table in tables for row in table_rows(spark, table)]
    return [(row.value, row.load_date, row.source_file) for row in rows]


@pytest.fixture(scope="module")
def landed(learner, spark, shared_schema, inbox, tmp_path_factory):
    """Bronze after each of three calls, by the name of the call, and the files of the stream."""
    put(spark, shared_schema, bronze_customers=[], bronze_clicks=[])
    landing, place = inbox("landing"), tmp_path_factory.mktemp("checkpoint")
    found = {}
    for call in CALLS:
        deliver(landing, call.given)
        checkpoint = place / ("new" if call.name == "without_checkpoint" else "kept")
        learner.ingest(spark, str(landing), shared_schema, str(checkpoint))
        found[call.name] = bronze(spark, shared_schema)
        for name in MOVED if call.name == "first" else ():
            (landing / name).unlink()
    return found, checkpoint_files(place / "kept", "sources").values()


@check("ingest")
@cases(CALLS)
def test_files(landed, case):
    """{case}"""
    so_far = CALLS[: CALLS.index(case) + 1]
    wanted = [row for call in so_far for row in rows_of(call.given)]
    assert_rows(landed[0][case.name], wanted, key=("source_file", "value"), columns=LINES)


@check("ingest")
def test_clicks_are_read_as_a_stream(landed):
    """Reads clicks as a stream that keeps its place in the checkpoint folder"""
    assert any("/clicks/" in told for told in landed[1]), (
        "after two calls the checkpoint folder knows of no file of clicks. Without a stream, or "
        "with its checkpoint elsewhere, each call has to list and compare all files"
    )


# ---------------------------------------------------------------------------------------- refine

BAD_CLICK = {
    "event_id": [..., None, "", "  ", "x 1", "x_1", "é1", ["x1"], {"id": "x1"}],
    "event_type": [..., None, "", "buy", "View", "views", "a purchase"],
    "customer_id": [
        *(..., None, "", "guest", 4.5, "4.5", 1.0, True, -1, " 1", "1 ", "+1", "1e2", 2**63),
    ],
    "event_time": [
        *(..., None, "", "soon", 1773133200, "12:00", "09:00:00", "2026", "2026-03-10"),
        *("2026-03-10T09:00:00", "2026-03-10T09:00Z", "2026-03-10 09:00:00Z"),
        *("2026-03-10T09:00:00+0200", "20260310T090000Z", "2026-3-10T09:00:00Z"),
        *("2026-03-10T09:00:00.1234567Z", "2026-03-10T09:00:00,5Z", "2026-03-10T25:00:00Z"),
        *("2026-03-10T09:00:00 UTC", "2026-02-30T09:00:00Z", "2026-02-29T09:00:00Z"),
    ],
    "amount": [
        *(..., None, "", "n/a", "12,50", "NaN", True, -1, "-0.01", -0.004, "-0.004", 12.345),
        *("0.001", 10**8, "1_000", "5d", "Infinity", [5]),
    ],
}
BAD_CHANGE = {
    "op": [..., None, "", "x", "C", "cu"], "lsn": BAD_CLICK["customer_id"],
    "ts": BAD_CLICK["event_time"], "customer_id": BAD_CLICK["customer_id"],
}
A, B = '{"event_id": "x1"}', '{"event_id": "x2"}'
NOT_JSON = [
    *(A[:9], "<html>502</html>", "", "17", "null", '["x1"]', f"[{A}]", f"[{line('x1')}]"),
    *(A + B, f"{A} {B}", f"{A},{B}", f"{A},", A + "]", A + "}", f"{A} x"),
]


def bad(name: str, title: str, *lines: tuple[str, str], source: str = "clicks", before=()) -> Case:
    """Lines with the reason for which they are in quarantine."""
    after = [aside(value, reason, source=source) for reason, value in lines]
    return Case(name, title, before=before, after=after)


def bad_field(name: str) -> Case:
    """Lines of clicks with one bad field."""
    fields = {"event_id": "x3", "event_type": "purchase" if name == "amount" else "view"}
    lines = [line(**{name: value} | fields | {name: value}) for value in BAD_CLICK[name]]
    title = f"Quarantines clicks whose {name} is absent or not good"
    return bad(name, title, *[(f"bad_{name}", value) for value in lines])


BAD = [
    bad("not_json", "Quarantines lines that aren't one JSON object: cut off, array, two objects",
        *[("not_json", value) for value in NOT_JSON]),
    *map(bad_field, BAD_CLICK),
    bad("first_fault", "Names the first field that isn't good when there are more",
        ("bad_event_id", "{}"), ("bad_event_id", line("", event_type="buy")),
        ("bad_event_type", line("x4", event_type="buy", customer_id=None)),
        ("bad_customer_id", line("x4", customer_id="guest", event_time="soon")),
        ("bad_event_time", line("x4", -1, event_time="soon"))),
    bad("repeated", "Has a row in quarantine for each of two equal lines",
        *[("bad_amount", line("x5", -1))] * 2),
    bad("of_a_kept_event", "Quarantines a bad line of an event that has a good line too",
        ("bad_amount", line("e13", "n/a"))),
    bad("again", "Has a line in quarantine once that an earlier run of the day put there",
        ("bad_amount", line("x6", -1)), before=[aside(line("x6", -1), "bad_amount")]),
    bad("changes", "Quarantines lines of customers that aren't changes",
        *[("not_json", value) for value in NOT_JSON],
        *[(f"bad_{name}", change("u", 91, 90, "10T10", **{name: value}))
          for name in BAD_CHANGE for value in BAD_CHANGE[name]], source="customers"),
    bad("first_fault_of_a_change", "Names the first field of a change that isn't good",
        ("bad_op", "{}"), ("bad_op", change("x", None, 90, "10T10")),
        ("bad_lsn", change("u", None, 90, "10T10", ts="soon")),
        ("bad_ts", change("u", 92, None, "10T10", ts="soon")), source="customers"),
]
EVENTS = [
    Case("as_text", "Reads values with quotes and without alike",
         given=clicks(line("e1", "7.5", customer_id="2"),
                      line("e2", 7.5, customer_id=f"{7:021}"), line(17)),
         after=[event("e1", "7.50", customer_id=2), event("17"),
                event("e2", "7.50", customer_id=7)]),
    Case("ids", "Keeps every id of letters, digits and `-`, and customers up to the largest long",
         given=clicks(line("E-20"), line("-"), line("e21", customer_id=2**63 - 1)),
         after=[event("E-20"), event("-"), event("e21", customer_id=2**63 - 1)]),
    Case("times", "Reads times of other zones and with fractions, and dates events in UTC",
         given=clicks(line("e4", event_time="2026-03-10T00:30:00+02:00"),
                      line("e5", event_time="2026-03-10T20:40:00-03:30"),
                      line("e6", event_time="2026-03-10T23:59:59.999999Z"),
                      line("e22", event_time="2026-03-10T00:00:00.5Z")),
         after=[event("e4", time="09T22:30"), event("e5", time="11T00:10"),
                event("e6", time="10T23:59:59.999999"), event("e22", time="10T00:00:00.500")]),
    Case("amounts", "Keeps purchases of 0, and of all that fits the column",
         given=clicks(line("e7", 0), line("e8", "99999999.99"), line("e18", 12345678.5),
                      line("e23", 99999999.99), line("e24", 0.29), line("e25", "4.35")),
         after=[event("e7", "0.00"), event("e8", "99999999.99"), event("e18", "12345678.50"),
                event("e23", "99999999.99"), event("e24", "0.29"), event("e25", "4.35")]),
    Case("views", "Keeps views whatever their amount is, and without it",
         given=clicks(line("e9", 3.5, event_type="view"), line("e10", "n/a", event_type="view")),
         after=[event("e9"), event("e10")]),
    Case("in_a_file", "Keeps an event once that is in a file twice",
         given=clicks(line("e11", 5), line("e11", 5, sent_at="2026-03-10T09:30:00Z")),
         after=[event("e11", "5.00")]),
    Case("in_more_files", "Keeps an event as the smallest source_file has it, compared as text",
         given=[row for file in (2, 10, 3)
                for row in clicks(line("e12", file, customer_id=file, note=file), file=file)],
         after=[event("e12", "10.00", customer_id=10, rescued={"note": "10"}, file=10)]),
    Case("bad_line_first", "Keeps an event from its good line when an earlier file has a bad one",
         given=clicks(line("e13", 1), file=2), after=[event("e13", "1.00", file=2)]),
    Case("kept_elsewhere", "Leaves an event on the load day that has it: earlier, later, long ago",
         before=[event("e14", day=9), event("e15", day=11), event("e19", day=1)],
         given=[row for day in (1, 9, 10, 11)
                for row in clicks(line("e14"), line("e15"), line("e19"), day=day)],
         after=[event("e14", day=9), event("e15", day=11), event("e19", day=1)]),
    Case("landed_elsewhere", "Keeps an event that another load day has in bronze alone",
         given=clicks(line("e16")) + clicks(line("e16"), "{", day=9), after=[event("e16")]),
    Case("again", "Keeps an event as it is that an earlier run of the day made",
         before=[event("e17", "3.00")], given=clicks(line("e17", 3)),
         after=[event("e17", "3.00")]),
    Case("rescued", "Rescues the fields that nobody announced, as text",
         given=clicks(line("r1", Channel="mail", campaign="", sent_at=...),
                      line("r2", count=2, price=2.5, is_new=True, note=None),
                      line("r3", 1, device={"os": "ios", "sizes": [1, 2]})),
         after=[event("r1", rescued={"Channel": "mail", "campaign": ""}),
                event("r2", rescued={"count": "2", "price": "2.5", "is_new": "true", "note": None}),
                event("r3", "1.00", rescued={"device": '{"os":"ios","sizes":[1,2]}'})]),
    Case("rescued_nothing", "Has null in rescued for a line without such fields",
         given=clicks(line("r4"), line("r5", 1)), after=[event("r4"), event("r5", "1.00")]),
]
HISTORIES = [
    Case("late", "Orders changes by lsn, in whatever order and on whatever load day they arrive",
         given=log("u 15 1 09T12 business", "c 5 1 02T00") + log("u 14 1 09T09 consumer", day=10),
         after=versions(1, "02 school", "09T09 consumer", "09T12 business")),
    Case("later_days", "Knows the changes of later load days too", before=versions(2, "05 school"),
         given=log("c 20 2 05T00") + log("u 21 2 10T20 business", day=11),
         after=versions(2, "05 school", "10T20 business")),
    Case("delivered_twice", "Takes deliveries of one lsn for one change, written alike or not",
         given=log("c 25 3 04T00", "c 25 3 04T00") + log(change("c", "25", "3", "04T00"), day=10),
         after=versions(3, "04 school")),
    Case("at_one_time", "Leaves out a version that would end where it begins; lsn 100 follows 99",
         given=log("c 100 4 06T00", "u 99 4 06T00 consumer"), after=versions(4, "06 school")),
    Case("nothing_new", "Begins a version where a change says nothing new",
         given=log("c 30 5 01T00", "u 31 5 03T00"), after=versions(5, "01 school", "03 school")),
    Case("deleted", "Ends the version of a customer who is deleted",
         given=log("c 40 6 05T00", "c 45 11 06T00", "d 46 11 06T00") + log("d 41 6 10T18", day=10),
         after=versions(6, "05 school", end="10T18")),
    Case("back_again", "Begins a version when a deleted customer is back, also at once",
         given=log("c 42 7 01T00", "d 43 7 02T00", "c 44 7 04T00 consumer")
         + log("c 47 12 01T00", "d 48 12 02T00", "c 49 12 02T00 consumer"),
         after=versions(7, "01 school", end="02") + versions(7, "04 consumer")
         + versions(12, "01 school", "02 consumer")),
    Case("values", "Takes name, segment and country as the change has them, null if it has none",
         given=log(change("c", 50, 8, "01T00", None, name="Zoë", country=...),
                   change("u", 51, 8, "02T00", "", name=7),
                   change("u", 52, 8, "03T00", ..., name=None)),
         after=[(8, "Zoë", None, None, at("01"), at("02"), False),
                (8, "7", "", "AT", at("02"), at("03"), False),
                (8, None, None, "AT", at("03"), None, True)]),
    Case("numbers", "Takes the time of a change in its zone, and numbers of many digits",
         given=log(change("c", 2**32, 2**63 - 1, "", ts="2026-03-02T00:30:00+05:30"),
                   change("u", 2**33, 2**63 - 1, "", "guild", ts="2026-03-02T00:00:00.5Z")),
         after=versions(2**63 - 1, "01T19 school", "02T00:00:00.500 guild")),
    Case("bad_delivery", "Takes a change from its good line, before and after bad ones of its lsn",
         given=[*log(change("u", 60, 9, "soon"), day=7), *log("u 60 9 01T00", "u 61 9 02T00"),
                *log(change("x", 61, 9, "02T00"), day=12)],
         after=versions(9, "01 school", "02 school")),
]
# What earlier runs made of the 8th to the 11th. Bronze has no line of the stale rows.
BEFORE = {
    "silver_customers": [row for case in HISTORIES for row in case.before]
    + versions(77, "01 school"),
    "silver_events": [row for case in EVENTS for row in case.before]
    + [event("kept", day=9), event("stale", "1.00"), event("stale", day=8)],
    "quarantine": [
        *(row for case in BAD for row in case.before), aside("kept", "not_json", day=9),
        aside("kept", "bad_op", source="customers", day=11), aside("stale", "not_json", day=8),
        aside("stale", "bad_op", source="customers"),
    ],
}


@pytest.fixture(scope="module")
def refined(learner, spark, shared_schema):
    """Two calls: for the 8th, which has no line but all customers, then for the 10th."""
    lines = [row for case in EVENTS for row in case.given]
    told = [row for case in HISTORIES for row in case.given]
    for row in [row for case in BAD for row in case.after]:
        line_of_bronze = (row["value"], row["load_date"], row["source_file"])
        (lines if row["source"] == "clicks" else told).append(line_of_bronze)
    put(spark, shared_schema, bronze_clicks=lines, bronze_customers=told)
    tables = put(spark, shared_schema, **BEFORE)
    found = {}
    for day, names in ((8, ["silver_customers"]), (10, ["silver_events", "quarantine"])):
        learner.refine(spark, shared_schema, on(day))
        for name in names:
            assert_columns(spark.table(tables[name]), TABLES[name][0])
            found[name] = table_rows(spark, tables[name])
    return found


@check("refine")
@cases(EVENTS)
def test_events(refined, case):
    """{case}"""
    wanted = {row["event_id"]: row for row in case.after}
    found = [row for row in refined["silver_events"] if row.event_id in wanted]
    assert_holds(found, "silver_events", case.after, EVENT)
    for name, said in [(row.event_id, row.rescued) for row in found]:
        # Blanks in the JSON of a nested value don't count.
        plain = said and {key: told and told.replace(" ", "") for key, told in said.items()}
        right = wanted[name]["rescued"]
        assert plain == right, f"event {name} has rescued {said}, expected {right}"


@check("refine")
@cases(BAD)
def test_quarantine(refined, case):
    """{case}"""
    told = {(row["source"], row["value"]) for row in case.after}
    found = [row for row in refined["quarantine"] if (row.source, row.value) in told]
    assert_holds(found, "quarantine", case.after)


@check("refine")
@cases(HISTORIES)
def test_histories(refined, case):
    """{case}"""
    mine = {row[0] for row in case.after}
    found = [row for row in refined["silver_customers"] if row.customer_id in mine]
    assert_holds(found, "silver_customers", case.after)


@check("refine", points=2)
def test_rows_of_other_days_stay(refined):
    """Keeps the rows of other days, earlier and later ones"""
    for name in ("silver_events", "quarantine"):
        before, after = (
            [row for row in rows[name] if row["load_date"] not in (on(8), on(10))]
            for rows in (BEFORE, refined)
        )
        assert_holds(after, name, before)


@check("refine", points=2)
def test_every_row_has_its_line(refined):
    """Has no row that no line makes: of an earlier run, or of a line that belongs elsewhere"""
    known = {
        "silver_customers": {row[0] for case in HISTORIES for row in case.after},
        "silver_events": {row["event_id"] for case in EVENTS for row in case.after},
        "quarantine": {row["value"] for case in BAD for row in case.after},
    }
    for name, keys in known.items():
        for row in refined[name]:
            assert {*row[:2]} & {*keys, "kept"}, f"{name} has a row that no line makes: {row}"


# --------------------------------------------------------------------------------------- publish

HISTORY = [
    *versions(1, "01 consumer", "10T12 business"), *versions(2, "05 school", end="10T18"),
    *versions(3, "09 business"),  # until the 10th nobody had heard of customer 3
    *versions(4, "01 -"), *versions(5, "01 ''"),
]
BOUGHT = [
    event("p0", "1.00", "01T09", day=9), event("p1", "3.00", "07T09", day=9),
    event("p2", "10.00", "08T09", day=9), event("p3", "5.00", "08T10", customer_id=2, day=9),
    event("p4", "20.00", "09T09", day=9), event("p5", "7.00", "09T11", customer_id=3, day=9),
    event("v0", time="04T09", day=9),
    # What the 10th brought.
    event("p6", "30.00", "10T12"), event("p7", "1.00", "10T11:59:59"),
    event("p8", "4.00", "10T18", customer_id=2), event("p9", "6.00", customer_id=99),
    event("p10", "8.00", customer_id=4), event("p11", "2.50", "08T23", customer_id=2),
    event("p12", "0.00", "01T12"), event("p13", "9.00", customer_id=5), event("v1"),
]
# The only purchase of the 6th is in silver no more.
PUBLISHED = gold(
    "01 consumer 1.00 1, 06 school 9.00 1, 07 consumer 3.00 1, 08 consumer 10.00 1, "
    "08 school 5.00 1, 09 consumer 20.00 1, 09 unknown 7.00 1"
)
GOLD = [
    Case("segments", "Books a purchase on its day, for the segment of its customer at that instant",
         after=gold("10 business 30.00 1, 10 consumer 1.00 1, 10 '' 9.00 1"), points=2),
    Case("unknown", "Books purchases without a valid version, or without a segment, under unknown",
         after=gold("10 unknown 18.00 3"), points=2),
    Case("late", "Corrects published days when events or customers arrive late; no row stays",
         after=gold("01 consumer 1.00 2, 07 consumer 3.00 1, 08 consumer 10.00 1, "
                    "08 school 7.50 2, 09 consumer 20.00 1, 09 business 7.00 1"), points=2),
]


@pytest.fixture(scope="module")
def published(learner, spark, shared_schema):
    """Two calls: on what the 10th brought, when older days were published, and on nothing new."""
    rows = {"silver_customers": HISTORY, "silver_events": BOUGHT, "gold_revenue": PUBLISHED}
    tables = put(spark, shared_schema, **rows)
    return [
        run_tables(spark, tables, lambda _: learner.publish(spark, shared_schema)) for _ in range(2)
    ]


@check("publish")
@cases(GOLD)
def test_gold(published, case):
    """{case}"""
    rows = {"segments": [], "unknown": [], "late": []}
    for row in published[0].rows["gold_revenue"]:
        new = "unknown" if row.segment in ("unknown", None) else "segments"
        rows[new if row.event_date == on(10) else "late"].append(row)
    assert_holds(rows[case.name], "gold_revenue", case.after)


@check("publish", points=2)
def test_only_days_that_change_are_rewritten(published):
    """Rewrites the files of days whose figures change, and no other"""
    changed = {f"event_date={on(day)}" for day in (1, 6, 8, 9, 10)}
    story = "10 March is new, and figures of the 1st, the 6th, the 8th and the 9th change"
    assert_untouched(published[0], except_partitions=changed, story=story)


@check("publish")
def test_gold_changes_in_one_commit(published):
    """Changes all days in one commit"""
    assert_one_commit(published[0])


@check("publish")
def test_publishing_again_writes_nothing(published):
    """Writes no file when nothing has changed"""
    assert_nothing_written(published[1])


# -------------------------------------------------------------------------------------- backfill

ON_9, ON_10 = ({"event_time": f"2026-03-{day}T08:00:00Z"} for day in ("09", "10"))
F3, F6, F7 = line("f3", "30.00", **ON_10), line("f6", -6), line("f7", event_type="buy")
UPDATE, NO_CHANGE = change("u", 2, 1, "10T00", "business"), change("u", None, 1, "10T00")
# What a faulty release made of the 10th: cents for euros, a double, another day, a bad line kept,
# good lines in quarantine, no version from the update. On the 11th it put a line aside. It left
# the purchase of the 7th as it was, and so the figures of that day.
DAMAGED = {
    "silver_customers": versions(1, "01 school"),
    "silver_events": [
        event("f0", "3.00", "07T08", day=8), event("f1", "1.00", "09T08", day=9),
        event("f5", "50.00", "10T08", day=11), event("f8", "2.00", "11T08", day=12),
        event("f2", "0.20", "10T08"), *[event("f4", "0.40", "09T08")] * 2,
        event("f6", "0.06", "06T08"), event("f9", "4.00", "07T08"),
    ],
    "quarantine": [
        aside("old", "not_json", day=9), aside("old", "bad_op", source="customers", day=12),
        aside(F3, "bad_amount"), aside(F7, "not_json"), aside("old", "not_json", day=11),
        aside(UPDATE, "bad_op", source="customers"),
    ],
    "gold_revenue": gold(
        "06 school 0.06 1, 07 school 7.00 2, 09 school 1.80 3, 10 school 50.20 2, "
        "11 school 2.00 1"
    ),
}
REPAIRED = [
    Case("silver_events", "Makes the day's events what bronze and today's rules say", after=[
        *DAMAGED["silver_events"][:4], event("f2", "20.00", "10T08"),
        event("f3", "30.00", "10T08"), event("f4", "40.00", "09T08"),
        event("f9", "4.00", "07T08"),
    ]),
    Case("quarantine", "Makes the day's quarantine what bronze and today's rules say", after=[
        *DAMAGED["quarantine"][:2], aside(F6, "bad_amount"), aside(F7, "bad_event_type"),
        aside(NO_CHANGE, "bad_lsn", source="customers"),
    ]),
    Case("silver_customers", "Makes the history of customers what bronze says",
         after=versions(1, "01 school", "10 business")),
    Case("gold_revenue", "Publishes every day whose figures the repair changes", points=2,
         after=gold("07 school 7.00 2, 09 school 41.00 2, 10 business 100.00 3, "
                    "11 business 2.00 1")),
]


@pytest.fixture(scope="module")
def repaired(learner, spark, shared_schema):
    """Two calls: for 11 March, whose lines are all good, then for the 10th, which is looked at."""
    lines = [
        *clicks(line("f1", 1, **ON_9), day=9), *clicks(line("f5", 50, **ON_10), day=11),
        *clicks(line("f1", 1, **ON_9), line("f2", 20, **ON_10), F3, line("f4", 40, **ON_9)),
        *clicks(line("f5", 50, **ON_10), F6, F7, line("f9", 4, event_time="2026-03-07T08:00:00Z")),
        *clicks(line("f8", 2, event_time="2026-03-11T08:00:00Z"), day=12),
    ]
    told = log("c 1 1 01T00") + log(UPDATE, NO_CHANGE, day=10)
    put(spark, shared_schema, bronze_clicks=lines, bronze_customers=told)
    tables = put(spark, shared_schema, **DAMAGED)
    learner.backfill(spark, shared_schema, on(11))
    return run_tables(spark, tables, lambda _: learner.backfill(spark, shared_schema, on(10)))


@check("backfill")
@cases(REPAIRED)
def test_repaired(repaired, case):
    """{case}"""
    assert_holds(repaired.rows[case.name], case.name, case.after)


@check("backfill", points=2)
def test_other_days_stay(repaired):
    """Rewrites no other load day, and no other day of gold"""
    of_10, tables = {"load_date=2026-03-10"}, ("silver_events", "quarantine")
    story = "10 March was backfilled"
    assert_untouched(repaired, tables=tables, except_partitions=of_10, story=story)
    changed = {f"event_date={on(day)}" for day in (6, 9, 10)}
    story += ", which changes figures of the 6th, the 9th and the 10th"
    assert_untouched(repaired, tables=["gold_revenue"], except_partitions=changed, story=story)


@check("backfill")
def test_readers_never_see_half_a_repair(repaired):
    """Changes each table in one commit"""
    assert_one_commit(repaired)


# -------------------------------------------------------------------------------- quality_report

REPORT = (
    "load_date date, lines long, events long, quarantined long, duplicates long, lost long, "
    "late long, newest_event timestamp, reasons map<string,long>"
)
REPORTED = [column.split()[0] for column in REPORT.split(", ")]
BUY, BUY_2 = line("q4", event_type="buy"), line("q2", event_type="buy")
Q1, Q7 = line("q1"), line("q7")
# Lines of the 9th and the 13th are in no table. An event of the 11th is there twice, one of the
# 12th on the 13th too, and another is in quarantine as well. Of the 14th bronze has no line.
ACCOUNT = {
    "bronze_customers": log("{", day=15),
    "bronze_clicks": [
        *clicks(Q1, Q1, line("q2"), "{", line("q3"), line("q5"), day=9),
        *clicks(Q1, "{", "{", "[", BUY, day=10),
        *clicks(line("q5"), line("q6"), line("q2"), BUY_2, line("q2"), day=11),
        *clicks(line("q5"), day=11, file=2),
        *clicks(Q7, Q1, line("q8"), day=12),
        *clicks(line("q8"), line("q9"), line("q9"), line(17), line("17"), day=13),
    ],
    "silver_events": [
        event("q1", time="09T09", day=9), event("q2", time="08T09", day=9),
        event("q5", time="07T05", day=11), *[event("q6", time="11T06", day=11)] * 2,
        event("q7", time="13T01", day=12), event("q8", time="12T01", day=12),
        event("q8", time="12T01", day=13), event("17", time="13T02", day=13),
        event("q10", time="14T01", day=14),
    ],
    "quarantine": [
        aside("{", "not_json", day=9), *[aside("{", "not_json")] * 2, aside("[", "not_json"),
        aside(BUY, "bad_event_type"), aside("{", "not_json", source="customers", day=11),
        aside(BUY_2, "bad_event_type", day=11), aside("{", "not_json", day=14),
        aside(Q7, "bad_amount", day=12),
        aside(Q1, "bad_amount", day=12),
    ],
}
RIGHT = [
    (on(9), 6, 2, 1, 2, 1, 1, at("09T09"), [("not_json", 1)]),
    (on(10), 5, 0, 4, 1, 0, 0, None, [("bad_event_type", 1), ("not_json", 3)]),
    (on(11), 6, 3, 1, 3, -1, 1, at("11T06"), [("bad_event_type", 1)]),
    (on(12), 3, 2, 2, 1, -2, 0, at("13T01"), [("bad_amount", 2)]),
    (on(13), 5, 2, 0, 2, 1, 1, at("13T02"), []),
]
FIGURES = [
    Case("days", "Has a row for every day with lines of clicks in bronze, also when none was good",
         given=("lines", "events")),
    Case("quarantine", "Counts the lines of clicks in quarantine, and by reason", points=2,
         given=("quarantined", "reasons")),
    Case("duplicates", "Counts further deliveries of kept events, of the same day and of others",
         given=["duplicates"], points=2),
    Case("lost", "Shows lines that are nowhere as lost, and what is there twice as less than none",
         given=["lost"], points=2),
    Case("late", "Counts events that arrived after their day, and tells the newest of a load day",
         given=("late", "newest_event")),
]


@pytest.fixture(scope="module")
def report(learner, spark, shared_schema):
    """The report on five days."""
    put(spark, shared_schema, **ACCOUNT)
    frame = learner.quality_report(spark, shared_schema)
    assert_columns(frame, REPORT)
    return [
        row.asDict() | {"reasons": sorted((row.reasons or {}).items())} for row in collect(frame)
    ]


@check("quality_report")
@cases(FIGURES)
def test_figures(report, case):
    """{case}"""
    wanted = [dict(zip(REPORTED, row, strict=True)) for row in RIGHT]
    assert_rows(report, wanted, key="load_date", columns=("load_date", *case.given))

"""Hidden checks of lab 08: the data set of a seed of its own, and random histories, against a plain Python account."""

import json
import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from labkit.checks import check, collect, make_frame, make_table, table_rows

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
TABLES = {
    "bronze_customers": (BRONZE, "load_date"),
    "bronze_clicks": (BRONZE, "load_date"),
    "silver_customers": (CUSTOMERS, None),
    "silver_events": (EVENTS, "load_date"),
    "quarantine": (QUARANTINE, "load_date"),
    "gold_revenue": (
        "event_date date, segment string, revenue decimal(20,2), purchases long",
        "event_date",
    ),
}
SENT = {"event_id", "event_type", "customer_id", "event_time", "amount", "sent_at"}


def put(spark, schema: str, name: str, rows: list[tuple]) -> None:
    columns, partition = TABLES[name]
    make_table(spark, f"{schema}.{name}", columns, rows, partition_by=partition)


@dataclass
class Account:
    """What some days of the data set come to, told in plain Python."""

    lines: list[tuple] = field(default_factory=list)
    events: dict[str, tuple] = field(default_factory=dict)
    bad: list[tuple] = field(default_factory=list)
    changes: dict[int, dict] = field(default_factory=dict)

    def read(self, folder: Path, days: list[str]) -> None:
        for day in days:
            for path in sorted((folder / "clicks" / day).iterdir()):
                for value in path.read_text("utf-8").splitlines():
                    row = (value, date.fromisoformat(day), f"clicks/{day}/{path.name}")
                    self.lines.append(row)
                    event = event_in(value)
                    if event is None:
                        self.bad.append(row)
                    else:
                        self.events.setdefault(event[0], (*event, *row[1:]))
            for path in sorted((folder / "customers" / day).iterdir()):
                for value in path.read_text("utf-8").splitlines():
                    change = loaded(value)
                    if change is not None:
                        self.changes[change["lsn"]] = change

    def segment(self, customer_id: int, time: datetime) -> str:
        told = [self.changes[lsn] for lsn in sorted(self.changes)]
        mine = [c for c in told if c["customer_id"] == customer_id and moment(c["ts"]) <= time]
        return "unknown" if not mine or mine[-1]["op"] == "d" else mine[-1]["segment"]

    def gold(self) -> dict[tuple, tuple]:
        found: dict[tuple, tuple] = {}
        for event in self.events.values():
            if event[1] == "purchase":
                key = (event[4], self.segment(event[2], event[3]))
                revenue, count = found.get(key, (Decimal(0), 0))
                found[key] = (revenue + event[5], count + 1)
        return found


def loaded(value: str) -> dict | None:
    try:
        return json.loads(value)
    except ValueError:
        return None


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def event_in(value: str) -> tuple | None:
    """The event of a line of the data set, None where it is none."""
    said = loaded(value)
    if not said or "event_id" not in said or said["event_type"] not in ("view", "purchase"):
        return None
    try:
        time = moment(said["event_time"])
        amount = Decimal(str(said["amount"])) if said["event_type"] == "purchase" else None
    except (ValueError, ArithmeticError):
        return None
    if amount is not None and amount < 0:
        return None
    rescued = {name: text for name, text in said.items() if name not in SENT} or None
    who = (said["event_id"], said["event_type"], said["customer_id"])
    return (*who, time, time.date(), amount, rescued)


@check("backfill", points=3)
def test_days_of_another_seed(learner, spark, schema, dataset, inbox, tmp_path_factory):
    """Brings days of another seed from files to gold, one of them as the backfill of a damaged day"""
    data, landing = dataset("shop_landing"), inbox("days")
    days = ["2026-06-02", "2026-06-03"]
    for source in ("customers", "clicks"):
        for day in days:
            shutil.copytree(data / source / day, landing / source / day)
    for name in TABLES:
        put(spark, schema, name, [])
    first, second = map(date.fromisoformat, days)
    account = Account()
    account.read(data, days)
    learner.ingest(spark, str(landing), schema, str(tmp_path_factory.mktemp("place") / "clicks"))
    learner.refine(spark, schema, first)
    learner.publish(spark, schema)
    # What a faulty release made of the second day: half of its events, with an amount of a cent.
    cent = [
        (*event[:5], event[5] and Decimal("0.01"), *event[6:])
        for event in account.events.values()
        if event[7] == second
    ]
    damaged = make_frame(spark, EVENTS, cent[::2]).write.format("delta").mode("append")
    damaged.saveAsTable(f"{schema}.silver_events")
    learner.backfill(spark, schema, second)
    assert_slice(spark, schema, account)


def assert_slice(spark, schema: str, account: Account) -> None:
    rows = table_rows(spark, f"{schema}.silver_events")
    events = Counter(row.event_id for row in rows)
    double = next((name for name, times in events.items() if times > 1), None)
    assert double is None, f"event {double} is {events[double]} times in silver_events"
    found = {row.event_id: tuple(row) for row in rows}
    wrong = next((n for n in sorted(account.events) if found.get(n) != account.events[n]), None)
    assert wrong is None, f"event {wrong} is {found.get(wrong, 'missing')} in silver_events"
    assert len(found) == len(account.events), "silver_events has lines that are no events"
    clicks = [row for row in table_rows(spark, f"{schema}.quarantine") if row.source == "clicks"]
    aside = Counter((row.value, row.load_date, row.source_file) for row in clicks)
    lost = next(iter(Counter(account.bad) - aside), None)
    assert lost is None, f"this line is not in quarantine, or not as often: {lost[0]}"
    gold = {
        (row.event_date, row.segment): (row.revenue, row.purchases)
        for row in table_rows(spark, f"{schema}.gold_revenue")
    }
    wanted = account.gold()
    keys = sorted(wanted | gold, key=str)  # a segment may be null
    key = next((key for key in keys if gold.get(key) != wanted.get(key)), None)
    assert key is None, f"revenue of {key[0]}, {key[1]}, is wrong"


@pytest.fixture(scope="module")
def histories(seed):
    """Random versions of customers with gaps, and purchases around their ends."""
    draw = random.Random(seed)
    start = datetime(2025, 2, 26)

    def hour(number: int) -> datetime:
        return start + timedelta(hours=number)

    versions, events, wanted = [], [], {}
    spans: dict[int, list[tuple]] = {}
    for customer in range(25):
        points = sorted(draw.sample(range(96), draw.choice([2, 4, 6])))
        for at, begin in enumerate(points):
            end = points[at + 1] if at + 1 < len(points) else None
            if end is None or draw.random() < 0.8:  # else a gap: deleted, and back later
                segment = draw.choice(["a", "b", "c"])
                spans.setdefault(customer, []).append((begin, end, segment))
                ends = None if end is None else hour(end)
                versions.append((customer, "x", segment, "AT", hour(begin), ends, end is None))
    for number in range(250):
        customer, time = draw.randrange(27), draw.randrange(96)
        amount = Decimal(draw.randrange(1, 90_000)) / 100
        valid = [s for b, e, s in spans.get(customer, []) if b <= time and (e is None or time < e)]
        day = hour(time).date()
        who = (f"e{number}", "purchase", customer, hour(time), day)
        events.append((*who, amount, None, date(2025, 3, 9), "clicks/2025-03-09/clicks-1.json"))
        key = (day, valid[0] if valid else "unknown")
        revenue, count = wanted.get(key, (Decimal(0), 0))
        wanted[key] = (revenue + amount, count + 1)
    return versions, events, wanted


@check("publish", points=2)
def test_random_histories_are_published_right(learner, spark, schema, histories):
    """Publishes the revenue of random histories right, to the cent"""
    versions, events, wanted = histories
    put(spark, schema, "silver_customers", versions)
    put(spark, schema, "silver_events", events)
    put(spark, schema, "gold_revenue", [])
    learner.publish(spark, schema)
    rows = table_rows(spark, f"{schema}.gold_revenue")
    found = {(row.event_date, row.segment): (row.revenue, row.purchases) for row in rows}
    key = next((key for key in sorted(wanted) if found.get(key) != wanted[key]), None)
    revenue, count = found.get(key, (0, 0))
    assert key is None, (
        f"{key[0]}, {key[1]}: purchases {count}, revenue {revenue}; a sum over the purchases at their time says otherwise"
    )
    assert len(rows) == len(wanted), "gold_revenue has rows for days or segments without a purchase"


@check("quality_report", points=2)
def test_the_report_of_another_seed_adds_up(learner, spark, schema, dataset):
    """Accounts for the lines of four days of another seed, one event of which is missing in silver"""
    folder, account = dataset("shop_landing"), Account()
    account.read(folder, sorted(path.name for path in (folder / "clicks").iterdir()))
    arrivals = Counter(e[0] for e in map(event_in, [row[0] for row in account.lines]) if e)
    gone = next(name for name in sorted(arrivals) if arrivals[name] == 1)
    day_of_gone = account.events.pop(gone)[7]
    put(spark, schema, "bronze_clicks", account.lines)
    put(spark, schema, "silver_events", list(account.events.values()))
    aside = [("clicks", row[0], "bad_line", *row[1:]) for row in account.bad]
    put(spark, schema, "quarantine", aside)
    report = {row.load_date: row for row in collect(learner.quality_report(spark, schema))}
    for day, lines in Counter(row[1] for row in account.lines).items():
        row = report.get(day)
        assert row is not None, f"{day} is missing in the report"
        events = sum(event[7] == day for event in account.events.values())
        bad = sum(one[1] == day for one in account.bad)
        lost = int(day == day_of_gone)
        wanted = (lines, events, bad, lines - events - bad - lost, lost)
        names = ("lines", "events", "quarantined", "duplicates", "lost")
        for name, value in zip(names, wanted, strict=True):
            assert row[name] == value, f"{day}: {name} is {row[name]}, expected {value}"

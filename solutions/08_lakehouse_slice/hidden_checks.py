"""Hidden checks of lab 08: random files, lines and histories, and the data set of another seed."""

import json
import random
import shutil
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from checks import (
    BAD_CHANGE,
    BAD_CLICK,
    EVENT,
    LINES,
    REPORTED,
    TABLES,
    aside,
    assert_holds,
    bronze,
    change,
    clicks,
    deliver,
    event,
    line,
    log,
    on,
    put,
    rows_of,
)

from labkit.checks import assert_rows, check, collect, make_frame, table_rows


@check("ingest", points=2)
def test_random_files(learner, spark, schema, seed, inbox, tmp_path_factory):
    """Lands random files of five days in two calls, the second without the checkpoint"""
    draw = random.Random(seed)
    landing, place = inbox("files"), tmp_path_factory.mktemp("place")
    put(spark, schema, bronze_customers=[], bronze_clicks=[])
    days = [f"2026-02-{day:02}" for day in draw.sample(range(1, 29), 5)]
    wanted = []
    for number in range(2):
        files = {
            f"{source}/{day}/part {number}.json": [*draw.choices(['{"n": 1} ', ""], k=3), '{"n": ']
            for source in ("customers", "clicks")
            for day in draw.sample(days, 2)
        }
        deliver(landing, files)
        wanted += rows_of(files)
        learner.ingest(spark, str(landing), schema, str(place / str(number)))
        (landing / next(iter(files))).unlink()
    assert_rows(bronze(spark, schema), wanted, key=("source_file", "value"), columns=LINES)


TYPES = {"view": None, "purchase": "7.25"}


@pytest.fixture(scope="module")
def random_days(learner, spark, shared_schema, seed):
    """Silver after the 10th and then the 9th were refined, from random lines; what it has to be."""
    draw = random.Random(seed)
    lines, kept, bad = [], {}, []
    for day in (10, 9):
        for number in range(90):
            name, file = f"e{draw.randrange(60)}", draw.choice((1, 2, 10))
            # The same for all deliveries of an event.
            kind, customer_id = list(TYPES)[len(name) % 2], int(name[1:])
            fields = {"event_type": kind, "customer_id": customer_id, "sent_at": number}
            if TYPES[kind]:
                fields["amount"] = TYPES[kind]
            spoilt = draw.sample(list(BAD_CLICK), draw.choice((0, 0, 0, 1, 2)))
            faults = [
                one for one in BAD_CLICK if one in spoilt and (one != "amount" or TYPES[kind])
            ]
            values = {one: draw.choice(BAD_CLICK[one]) for one in faults}
            value = line(**({"event_id": name} | fields | values))
            lines += clicks(value, day=day, file=file)
            if faults:
                bad.append(("clicks", value, f"bad_{faults[0]}", *lines[-1][1:]))
                continue
            row = event(name, TYPES[kind], customer_id=customer_id, day=day, file=file)
            old = kept.get(name, row)
            if old["load_date"] == on(day):
                kept[name] = min(old, row, key=lambda row: row["source_file"])
    told, bad_changes, history = random_changes(draw)
    put(spark, shared_schema, bronze_clicks=lines, bronze_customers=told)
    put(spark, shared_schema, silver_customers=[], silver_events=[], quarantine=[])
    for day in (10, 9):
        learner.refine(spark, shared_schema, on(day))
    wanted = {
        "silver_customers": history,
        "silver_events": list(kept.values()),
        "quarantine": bad + bad_changes,
    }
    return wanted, {name: table_rows(spark, f"{shared_schema}.{name}") for name in wanted}


def random_changes(draw: random.Random) -> tuple[list, list, list]:
    """Rows of bronze with changes of random customers; those of quarantine and of the history."""
    told, bad, history, lsn = [], [], [], 0
    for customer in range(25):
        points = sorted(draw.choices(range(150), k=draw.randrange(1, 6)))
        ends = [*map(hour, points[1:]), None]
        for point, end in zip(points, ends, strict=True):
            lsn += 1
            kind, segment = draw.choice("cuud"), draw.choice(("school", "consumer"))
            value = change(kind, lsn, customer, f"{hour(point):%dT%H}", segment)
            for day in draw.sample(range(8, 12), draw.choice((1, 1, 2))):
                told += log(value, day=day)
            if kind != "d" and end != hour(point):
                history.append((customer, "Ida", segment, "AT", hour(point), end, end is None))
        name, day = draw.choice(list(BAD_CHANGE)), draw.choice((8, 9, 10))
        spoilt = change("u", lsn, customer, "20T00", **{name: draw.choice(BAD_CHANGE[name])})
        told += log(spoilt, day=day)
        if day != 8:
            bad.append(aside(spoilt, f"bad_{name}", source="customers", day=day))
    return told, bad, history


def hour(number: int) -> datetime:
    return datetime(2026, 3, 1) + timedelta(hours=number)


@check("refine", points=2)
def test_random_lines(random_days):
    """Sends random lines of two days, the later one first, to events and quarantine"""
    wanted, found = random_days
    for name, columns in (("silver_events", EVENT), ("quarantine", None)):
        assert_holds(found[name], name, wanted[name], columns)


@check("refine", points=2)
def test_random_changes(random_days):
    """Makes the history of random customers"""
    wanted, found = (tables["silver_customers"] for tables in random_days)
    assert_holds(found, "silver_customers", wanted)


@check("publish", points=2)
def test_random_histories_are_published_right(learner, spark, schema, seed):
    """Publishes the revenue of random histories right, to the cent, and none when none is left"""
    draw = random.Random(seed)
    history = [
        (customer, "x", draw.choice(["a", "b", None]), "AT", begin, end, end is None)
        for customer in range(25)
        for points in [sorted(draw.sample(range(96), 5))]
        for begin, end in zip(map(hour, points), [*map(hour, points[1:]), None], strict=True)
        if end is None or draw.random() < 0.8  # else a gap: deleted, and back later
    ]
    events, figures = [], Counter()
    for number in range(250):
        customer, time = draw.randrange(27), hour(draw.randrange(96))
        amount = Decimal(draw.randrange(90_000)) / 100
        events.append(event(f"e{number}", str(amount), f"{time:%dT%H}", customer_id=customer))
        valid = [
            row[2]
            for row in history
            if row[0] == customer and row[4] <= time and (row[5] is None or time < row[5])
        ]
        key = (time.date(), (valid and valid[0]) or "unknown")
        figures[key, "revenue"] += amount
        figures[key, "purchases"] += 1
    put(spark, schema, silver_customers=history, silver_events=events, gold_revenue=[])
    learner.publish(spark, schema)
    keys = {key for key, _ in figures}
    wanted = [(*key, figures[key, "revenue"], figures[key, "purchases"]) for key in keys]
    assert_holds(table_rows(spark, f"{schema}.gold_revenue"), "gold_revenue", wanted)
    put(spark, schema, silver_events=[])
    learner.publish(spark, schema)
    left = table_rows(spark, f"{schema}.gold_revenue")
    assert not left, f"silver has no purchase any more, and gold has {len(left)} rows"


SENT = {"event_id", "event_type", "customer_id", "event_time", "amount", "sent_at"}


class Account:
    """What some days of the data set come to, told in plain Python."""

    def __init__(self, folder: Path, days: list[str]) -> None:
        self.lines: list[tuple] = []
        self.events: dict[str, dict] = {}
        self.bad: list[tuple] = []
        self.changes: dict[int, dict] = {}
        for day, source in product(days, ("clicks", "customers")):
            for path in sorted((folder / source / day).iterdir()):
                where = (date.fromisoformat(day), f"{source}/{day}/{path.name}")
                for value in path.read_text("utf-8").splitlines():
                    if source == "clicks":
                        self.take_click((value, *where))
                    elif said := loaded(value):
                        self.changes[said["lsn"]] = said

    def take_click(self, line: tuple) -> None:
        self.lines.append(line)
        row = event_in(line[0])
        if row:
            where = {"load_date": line[1], "source_file": line[2]}
            self.events.setdefault(row["event_id"], row | where)
        else:
            self.bad.append(line)

    def gold(self) -> list[tuple]:
        found: dict[tuple, list[Decimal]] = defaultdict(list)
        for one in self.events.values():
            if one["event_type"] == "purchase":
                segment = self.segment(one["customer_id"], one["event_time"])
                found[one["event_date"], segment].append(one["amount"])
        return [(*key, sum(amounts), len(amounts)) for key, amounts in found.items()]

    def segment(self, customer_id: int, time: datetime) -> str:
        told = [self.changes[lsn] for lsn in sorted(self.changes)]
        mine = [c for c in told if c["customer_id"] == customer_id and moment(c["ts"]) <= time]
        return "unknown" if not mine or mine[-1]["op"] == "d" else mine[-1]["segment"]


def loaded(value: str) -> dict | None:
    try:
        return json.loads(value)
    except ValueError:
        return None


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def event_in(value: str) -> dict | None:
    """The event of a line of the data set, None where it is none."""
    said = loaded(value) or {}
    if "event_id" not in said or said["event_type"] not in ("view", "purchase"):
        return None
    try:
        time = moment(said["event_time"])
        amount = Decimal(str(said["amount"])) if said["event_type"] == "purchase" else None
    except (ValueError, ArithmeticError):
        return None
    if amount is not None and amount < 0:
        return None
    rescued = {name: text for name, text in said.items() if name not in SENT} or None
    known = {name: said[name] for name in ("event_id", "event_type", "customer_id")}
    when = {"event_time": time, "event_date": time.date()}
    return {**known, **when, "amount": amount, "rescued": rescued}


@check("backfill", points=3)
def test_days_of_another_seed(learner, spark, schema, dataset, inbox, tmp_path_factory):
    """Brings days of another seed from files to gold, one as the backfill of a damaged day"""
    data, landing = dataset("shop_landing"), inbox("days")
    days = ["2026-06-02", "2026-06-03"]
    for source in ("customers", "clicks"):
        for day in days:
            shutil.copytree(data / source / day, landing / source / day)
    put(spark, schema, **{name: [] for name in TABLES})
    first, second = map(date.fromisoformat, days)
    account = Account(data, days)
    learner.ingest(spark, str(landing), schema, str(tmp_path_factory.mktemp("place") / "clicks"))
    learner.refine(spark, schema, first)
    learner.publish(spark, schema)
    # What a faulty release made of the second day: half of its events, with an amount of a cent.
    cent = [
        {**one, "amount": one["amount"] and Decimal("0.01")}
        for one in account.events.values()
        if one["load_date"] == second
    ]
    damaged = make_frame(spark, TABLES["silver_events"][0], cent[::2])
    damaged.write.format("delta").mode("append").saveAsTable(f"{schema}.silver_events")
    learner.backfill(spark, schema, second)
    rows = table_rows(spark, f"{schema}.silver_events")
    assert_rows(rows, account.events.values(), key="event_id", columns=EVENT)
    for row in rows:
        assert row.rescued == account.events[row.event_id]["rescued"], (
            f"event {row.event_id} has rescued {row.rescued}"
        )
    bad = [row for row in table_rows(spark, f"{schema}.quarantine") if row.source == "clicks"]
    assert_rows(bad, account.bad, key=("source_file", "value"), columns=LINES)
    assert_holds(table_rows(spark, f"{schema}.gold_revenue"), "gold_revenue", account.gold())


@check("quality_report", points=2)
def test_the_report_of_another_seed_adds_up(learner, spark, schema, dataset):
    """Accounts for the lines of another seed, one event of which is missing in silver"""
    folder = dataset("shop_landing")
    account = Account(folder, sorted(path.name for path in (folder / "clicks").iterdir()))
    good = [row for row in (event_in(line[0]) for line in account.lines) if row]
    arrivals = Counter(row["event_id"] for row in good)
    gone = next(name for name in sorted(arrivals) if arrivals[name] == 1)
    day_of_gone = account.events.pop(gone)["load_date"]
    bad = [("clicks", value, "bad_line", *where) for value, *where in account.bad]
    events = list(account.events.values())
    put(spark, schema, bronze_clicks=account.lines, silver_events=events, quarantine=bad)
    wanted = []
    for day, lines in Counter(row[1] for row in account.lines).items():
        kept = [one for one in events if one["load_date"] == day]
        late = sum(one["event_date"] < day for one in kept)
        counts = (lines, len(kept), sum(row[1] == day for row in account.bad))
        lost = int(day == day_of_gone)
        newest = max(one["event_time"] for one in kept)
        wanted.append((day, *counts, lines - sum(counts[1:]) - lost, lost, late, newest))
    report = collect(learner.quality_report(spark, schema))
    assert_rows(report, wanted, key="load_date", columns=REPORTED[:-1])

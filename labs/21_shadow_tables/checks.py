"""Checks of lab 21: a rebuild of files, tables with a fault each, and events of the catalog."""

import json
import linecache
import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain, combinations, pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pyspark.java_gateway import ensure_callback_server_started

from labkit.checks import (
    AnswerError,
    Case,
    Commit,
    TableChanges,
    TableVersion,
    assert_columns,
    assert_rows,
    cases,
    changes_since,
    check,
    collect,
    forget_last_commit,
    make_frame,
    make_table,
    table_rows,
    table_version,
    write_commits,
)

HINTS = {
    "build_shadow": [
        "A checkpoint that exists needs nothing but the stream. All other work belongs to the "
        "first call with a checkpoint.",
        "`DESCRIBE DETAIL` of the live table names its partition columns and properties. "
        "`DeltaTable.createOrReplace` takes columns, partitions and properties.",
        "Which columns does `rule` return? Call it on an empty frame with the columns of EVENTS, "
        "and look at the schema of what it returns.",
        "The Delta sink of a stream (`toTable`) writes each micro-batch once, and its name for "
        "Delta is that of the query in the checkpoint.",
    ],
    "compare": [
        "Two steps: a row for each event with what both sides say of it, then a row for each "
        "country and day.",
        "A union of both sides, with a column that says which, groups by nulls as well. A join by "
        "`=` loses them.",
        "`abs(a - b) > tolerance` is null if one of the two is null. What do you want then?",
    ],
    "catch_up": [
        "What came after a version is what the newest version has and that one has not. Arrival is "
        "in the log, not in `at`.",
        "Decide first which version you read, and read the table at this version everywhere.",
        "Two anti joins: one with the live table as it was, one with the shadow.",
    ],
    "switch": [
        "Everything that can be refused is looked at first. The view is changed after that, and "
        "the step is written last.",
        "`ALTER VIEW ... AS` gives a view another text and leaves the rest of it.",
        "Name the columns of the view in its new text, in backticks. Their types are in "
        "`spark.table(view).schema`.",
    ],
    "roll_back": [
        "Read the steps in order and keep a stack: a switch puts something on it, a roll-back "
        "takes something off.",
        "The rest is as in `switch`: look first, change the view in place, write the step.",
    ],
    "canary": [
        "A hash of Spark's of salt and key is the same everywhere. `rand()` isn't, nor is Python's "
        "`hash`. And the hash may be negative.",
        "Make a number from 0 to 1 of the hash, fine enough for small shares, and compare it with "
        "`share`.",
    ],
}

EVENTS = "event_id string, order_id string, country string, net decimal(12,2), at timestamp"
TAXES = f"{EVENTS}, tax decimal(12,2)"
VERDICTS = (
    "country string, day date, live_rows long, shadow_rows long, missing long, extra long, "
    "changed long, live_tax decimal(22,2), shadow_tax decimal(22,2), verdict string"
)
DEPLOYMENTS = (
    "view string, step long, action string, from_table string, to_table string, at timestamp"
)


def names_in(ddl: str) -> list[str]:
    return [column.split()[0].strip("`") for column in ddl.split(", ")]


NAMES = names_in(EVENTS)


# Days of June 2025, counted on to both sides.
LONG_AGO, FAR_OFF = -20_000, 9_000


def at(day: int, hour: float = 10) -> datetime:
    return datetime(2025, 5, 31) + timedelta(days=day, hours=hour)


def ddl_of(columns: str, ddl: str) -> str:
    """These columns of a schema, in this order."""
    whole = dict(zip(names_in(ddl), ddl.split(", "), strict=True))
    return ", ".join(whole[name] for name in columns.split())


class Watched:
    """What one call did to tables: their commits, and the rows that are read right after it.

    It costs no Spark job but those reads. `start` has the versions before the call, None where
    there was no table.
    """

    def __init__(
        self, spark: Any, tables: dict[str, str], call: Callable[[], Any], *read: str
    ) -> None:
        self.spark, self.tables = spark, tables
        self.start = {
            name: table_version(spark, table) if spark.catalog.tableExists(table) else None
            for name, table in tables.items()
        }
        self.result = call()
        self.changes: dict[str, TableChanges] = {}
        self.rows: dict[str, list[Any]] = {}
        for name, table in tables.items():
            if not spark.catalog.tableExists(table):
                raise AnswerError("failed", f"the table {name} is not there after the call")
            start = self.start[name]
            if start is not None:
                self.changes[name] = changes_since(spark, table, start)
            if name in read:
                self.rows[name] = table_rows(spark, table)


# ------------------------------------------------------------------------------------ build_shadow


def half(events):
    """A rule: half of the amount, none without a country."""
    from pyspark.sql import functions as F

    tax = F.when(F.col("country").isNotNull(), F.round(F.col("net") / 2, 2))
    return events.withColumn("tax-note", F.lower("country")).withColumn(
        "tax", tax.cast("decimal(12,2)")
    )


def tenth(events):
    """A rule with other columns: a tenth of the amount."""
    from pyspark.sql import functions as F

    taxed = events.withColumn("rate", F.lit(0.1))
    return taxed.withColumn("tax", F.round(F.col("net") / 10, 2).cast("decimal(12,2)"))


HALF = f"{TAXES}, `tax-note` string"
TENTH = f"{TAXES}, rate double"

Event = tuple[str, str, str | None, Decimal, datetime]


def event(name: str, country: str | None, net: str, when: datetime, order: str = "o1") -> Event:
    return (name, order, country, Decimal(net), when)


FILES = {
    "a.json": [
        event("e1", "DE", "10.00", at(3), "o1"),
        event("e2", None, "20.00", at(4), "o1"),
        event("e3", "AT", "0.00", at(5), "o2"),
    ],
    "b.jsonl": [
        event("e4", "DE", "10.00", at(3), "o2"),
        event("e5", "FR", "-8.50", at(1), "o3"),
    ],
    "c.json": [
        event("e6", "AT", "12.00", at(LONG_AGO), "o1"),
        event("e7", None, "6.00", at(FAR_OFF), "o3"),
    ],
}
# The live table has one of these events, and one whose file is gone.
LIVE = [
    (*event("e1", "DE", "10.00", at(3), "o1"), Decimal("1.90")),
    (*event("old", "DE", "99.00", at(1), "o9"), Decimal("18.81")),
]
LIVE_PROPERTIES = {
    "owner.e-mail": "the tax office's",
    "folder": "C:\\tax\\new",
    "remark": "",
    "delta.logRetentionDuration": "interval 45 days",
}
OTHER_PROPERTIES = {"team": '"it\'s ours"'}


def put(folder: Path, *names: str) -> None:
    """Writes files of events into a folder, none of which is read half."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        lines = [
            dict(zip(NAMES, (*row[:3], float(row[3]), f"{row[4].isoformat()}Z"), strict=True))
            for row in FILES[name]
        ]
        (folder / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def half_of(*names: str) -> list[tuple]:
    """The rows of `shadow` that the rule `half` makes of files."""
    return [
        (*row, None, None) if row[2] is None else (*row, row[3] / 2, row[2].lower())
        for name in names
        for row in FILES[name]
    ]


def tenth_of(*names: str) -> list[tuple]:
    return [(*row, row[3] / 10, 0.1) for name in names for row in FILES[name]]


def as_sql(text: str) -> str:
    """A text as SQL has it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@dataclass(frozen=True)
class Rebuild:
    """Calls of `build_shadow` on one folder: each is a run with the tables `live` and `shadow`.

    Its result are the columns of `shadow` with their types, and what DESCRIBE DETAIL tells.
    """

    call: Callable[..., Watched]
    source: Path
    checkpoints: Path


@pytest.fixture(scope="module")
def rebuild(learner, spark, inbox, shared_schema, tmp_path_factory):
    """A live table that differs from its files, and how to build its shadow; another live table."""
    source, checkpoints = inbox("events"), tmp_path_factory.mktemp("checkpoints")
    name_of = lambda short: f"{shared_schema}.build_{short}"  # noqa: E731
    for short, by, properties in (
        ("live", "PARTITIONED BY (order_id, country)", LIVE_PROPERTIES),
        ("other", "", OTHER_PROPERTIES),
    ):
        told = ", ".join(f"{as_sql(key)} = {as_sql(text)}" for key, text in properties.items())
        spark.sql(
            f"CREATE TABLE {name_of(short)} ({TAXES}) USING delta {by} TBLPROPERTIES ({told})"
        )
    rows = make_frame(spark, TAXES, LIVE).coalesce(1)
    rows.write.format("delta").mode("append").saveAsTable(name_of("live"))

    def call(rule: Any, checkpoint: str, of: str = "live") -> Watched:
        place, live, shadow = str(checkpoints / checkpoint), name_of(of), name_of("shadow")

        def build() -> tuple[dict[str, str], Any]:
            learner.build_shadow(spark, str(source), live, shadow, rule, place)
            if not spark.catalog.tableExists(shadow):
                return {}, None
            detail = spark.sql(f"DESCRIBE DETAIL {shadow}").first()
            return dict(spark.table(shadow).dtypes), detail

        return Watched(spark, {"live": live, "shadow": shadow}, build, "shadow")

    return Rebuild(call, source, checkpoints)


@pytest.fixture(scope="module")
def built(rebuild):
    """The first call, on two files."""
    put(rebuild.source, "a.json", "b.jsonl")
    return rebuild.call(half, "first")


@pytest.fixture(scope="module")
def continued(built, rebuild):
    """The next call, after a job died before the checkpoint knew of its commit; one file is new."""
    forget_last_commit(rebuild.checkpoints / "first")
    put(rebuild.source, "c.json")
    # It was written hours before the others, and took its time.
    when = (rebuild.source / "a.json").stat().st_mtime - 20 * 3600
    os.utime(rebuild.source / "c.json", (when, when))
    return rebuild.call(half, "first")


@pytest.fixture(scope="module")
def anew(continued, rebuild):
    """A call whose checkpoint was deleted, into the same shadow; rule and live table are others."""
    shutil.rmtree(rebuild.checkpoints / "first")
    return rebuild.call(tenth, "first", of="other")


@check("build_shadow", points=2)
def test_each_event_of_the_files(built):
    """Has each event of the files once, as the rule made it, also where the tax is null"""
    assert_rows(built.rows["shadow"], half_of("a.json", "b.jsonl"), key="event_id", columns=HALF)


@check("build_shadow")
def test_new_files(continued):
    """Adds the events of a new file when it is called again, and keeps what it has"""
    rows = {row.event_id: row for row in continued.rows["shadow"]}
    assert_rows(rows.values(), half_of(*FILES), key="event_id", columns=HALF)
    removed = continued.changes["shadow"].removed
    if removed:
        raise AssertionError(
            f"the second call with one checkpoint removed {len(removed)} data files that the first "
            "had written. It has to go on from the checkpoint: history of years isn't computed "
            "again each time that a file arrives"
        )


@check("build_shadow", points=2)
def test_crash_before_the_checkpoint(continued):
    """Has each event once when a job died after a commit, and was called again"""
    counts = Counter(row.event_id for row in continued.rows["shadow"])
    doubled = [name for name, count in sorted(counts.items()) if count > 1]
    if doubled:
        raise AssertionError(
            "the commit of a micro-batch was in the table, and the checkpoint did not know it yet. "
            f"After the next call {', '.join(doubled)} are there {counts[doubled[0]]} times"
        )


@check("build_shadow", points=2)
def test_begins_anew(anew):
    """Begins anew without a checkpoint: the rows of this call alone, all of them"""
    assert_kinds(anew, TENTH)
    assert_rows(anew.rows["shadow"], tenth_of(*FILES), key="event_id", columns=TENTH)


def assert_kinds(run: Watched, ddl: str) -> None:
    """`shadow` had these columns after the call, in any order."""
    right = {name.strip("`"): kind for name, kind in map(str.split, ddl.split(", "))}
    found = run.result[0]
    if found != right:
        raise AssertionError(f"the columns of shadow are {found}; the rule returns {right}")


@check("build_shadow")
def test_columns_of_the_shadow(built):
    """Has the columns that the rule returns, with their types"""
    assert_kinds(built, HALF)


def assert_like_live(run: Watched, columns: Sequence[str], properties: dict[str, str]) -> None:
    """`shadow` was partitioned by these columns after the call, and had these properties."""
    found = run.result[1]
    if sorted(found.partitionColumns) != sorted(columns):
        raise AssertionError(
            f"live is partitioned by {', '.join(columns) or 'no column'}, and shadow by "
            f"{', '.join(found.partitionColumns) or 'no column'}. After the switch queries would "
            "read other files than before, often all of them"
        )
    for kept, right in properties.items():
        if found.properties.get(kept) != right:
            raise AssertionError(
                f"live has the property {kept} = {right!r}, and shadow has "
                f"{found.properties.get(kept)!r}"
            )


@check("build_shadow")
def test_partitions_and_properties(built):
    """Is partitioned as the live table, and has its properties"""
    assert_like_live(built, ["country", "order_id"], LIVE_PROPERTIES)


@check("build_shadow")
def test_like_another_live_table(anew):
    """Is like another live table, without partitions, when it begins anew"""
    assert_like_live(anew, [], OTHER_PROPERTIES)


@check("build_shadow")
def test_live_is_left_alone(built, continued, anew):
    """Makes no commit to the live table"""
    for run in (built, continued, anew):
        assert_no_commit({"live": run.changes["live"]})


def assert_no_commit(tables: dict[str, TableChanges]) -> None:
    for name, changes in tables.items():
        if changes.versions:
            raise AssertionError(
                f"{name} has {changes.versions} new versions ({', '.join(changes.operations)}). "
                "Everybody reads it, and nothing was to be written there"
            )


def names_made_by(answer: Any) -> list[str]:
    """Names that the plan of an answer gives to columns, whether they are in its result or not."""
    plan = answer._jdf.queryExecution().analyzed().toString()
    return re.findall(r" AS (\w+)#\d", plan)


# ---------------------------------------------------------------------------------------- compare

TOLERANCE = Decimal("0.05")
EXPECTED = {"A3": date(2025, 6, 4)} | dict.fromkeys(["A4", "A9", "", "b 1 "], date(2025, 6, 1))
NOT_EXPECTED = ["A2", "a3", "A3 ", " A3", "A 3", "A33", "A", " ", "b 1", "B 1 ", "b1 "]

Tax = tuple[str, str | None, datetime, Decimal | None]


def taxes(text: str, country: str | None) -> list[Tax]:
    """Rows of one side: `a 3 1.25` is event a of day 3; `-` is a null tax."""
    rows = []
    for one in text.split(","):
        if one.strip():
            name, day, tax = one.split()
            amount = None if tax == "-" else Decimal(tax)
            rows.append((f"{country}-{name}", country, at(int(day)), amount))
    return rows


def segment(name: str, title: str, *lines: tuple, points: int = 1) -> Case:
    """A case of lines: a country, its rows in live and in shadow, and the rows of the answer."""
    live = [row for line in lines for row in taxes(line[1], line[0])]
    shadow = [row for line in lines for row in taxes(line[2], line[0])]
    after = []
    for country, _, _, *right in lines:
        for one in right:
            day, *counts, old, new, verdict = one.split()
            numbers = map(int, counts)
            sums = Decimal(old), Decimal(new)
            after.append((country, at(int(day)).date(), *numbers, *sums, verdict))
    return Case(name, title, before=live, given=shadow, after=after, points=points)


# day, live_rows, shadow_rows, missing, extra, changed, live_tax, shadow_tax, verdict
COMPARED = [
    segment(
        "equal",
        "Calls equal what is equal, by country and day",
        ("A1", "a 3 1.00, b 3 2.00, c 4 -", "c 4 -, b 3 2.00, a 3 1.00",
         "3 2 2 0 0 0 3.00 3.00 equal", "4 1 1 0 0 0 0 0 equal"),
    ),
    segment(
        "tolerance",
        "Takes a difference of exactly the tolerance for equal, in both directions, for each event",
        ("T1", "a 3 1.10, b 3 1.05, c 3 7.00", "a 3 1.05, b 3 1.10, c 3 7.04",
         "3 3 3 0 0 0 9.15 9.19 equal"),
        ("T2", "a 3 1.10", "a 3 1.16", "3 1 1 0 0 1 1.10 1.16 broken"),
        ("T3", "a 3 1.10", "a 3 1.04", "3 1 1 0 0 1 1.10 1.04 broken"),
        ("T4", "a 3 900.00, b 3 1.00, c 3 1.00", "a 3 900.00, b 3 1.05, c 3 1.05",
         "3 3 3 0 0 0 902.00 902.10 equal"),
    ),
    segment(
        "cancelled",
        "Sees changes that cancel each other in the sum",
        ("C1", "a 3 1.00, b 3 2.00", "a 3 2.00, b 3 1.00", "3 2 2 0 0 2 3.00 3.00 broken"),
        ("C2", "a 3 -1.00, b 3 1.00", "a 3 1.00, b 3 -1.00", "3 2 2 0 0 2 0 0 broken"),
        points=2,
    ),
    segment(
        "one_side",
        "Counts events that only one side has, also where counts and sums agree",
        ("M1", "a 3 1.00, b 3 1.00", "b 3 1.00, c 3 1.00", "3 2 2 1 1 0 2.00 2.00 broken"),
        ("M2", "a 3 1.00, b 4 0.00", "a 3 1.00", "3 1 1 0 0 0 1.00 1.00 equal",
         "4 1 0 1 0 0 0 0 broken"),
        ("M3", "", "a 5 -, b 5 2.00", "5 0 2 0 2 0 0 2.00 broken"),
        points=2,
    ),
    segment(
        "null_tax",
        "Takes a null tax for changed where the other side has one, and for equal to null",
        ("N1", "a 3 0.00", "a 3 -", "3 1 1 0 0 1 0 0 broken"),
        ("N2", "a 3 -", "a 3 1.00", "3 1 1 0 0 1 0 1.00 broken"),
        ("N3", "a 3 -, b 3 2.00", "a 3 -, b 3 2.00", "3 2 2 0 0 0 2.00 2.00 equal"),
        points=2,
    ),
    segment(
        "null_country",
        "Compares events without a country as those of a country",
        (None, "a 3 1.00, b 3 2.00, d 5 1.00", "a 3 1.00, c 4 4.00, d 5 9.00",
         "3 2 1 1 0 0 3.00 1.00 broken", "4 0 1 0 1 0 0 4.00 broken",
         "5 1 1 0 0 1 1.00 9.00 broken"),
        points=2,
    ),
    segment(
        "several_rows",
        "Takes the sum of an event's rows, as one event, and sees that rows are doubled",
        ("D1", "a 3 1.00", "a 3 0.40, a 3 0.60", "3 1 2 0 0 0 1.00 1.00 broken"),
        ("D2", "a 3 0.40, a 3 0.60", "a 3 -, a 3 1.00", "3 2 2 0 0 0 1.00 1.00 equal"),
        ("D3", "a 3 -, a 3 -", "a 3 0.00, a 3 -", "3 2 2 0 0 1 0 0 broken"),
        ("D4", "a 3 2.00", "a 3 2.00, a 3 2.00", "3 1 2 0 0 1 2.00 4.00 broken"),
        ("D5", "b 3 1.00, b 3 1.00", "", "3 2 0 1 0 0 2.00 0 broken"),
        ("D6", "", "b 3 1.00, b 3 1.00", "3 0 2 0 1 0 0 2.00 broken"),
        ("D7", "a 3 0.00", "a 3 0.00, a 3 0.00", "3 1 2 0 0 0 0 0 broken"),
        ("D8", "a 3 1.00, b 3 1.00, b 3 0.00", "a 3 1.00, a 3 0.00, b 3 1.00",
         "3 3 3 0 0 0 2.00 2.00 equal"),
    ),
    segment(
        "expected",
        "Takes a change for expected in just the countries of the list, from their dates on",
        ("A3", "a 3 1.00, b 4 1.00, c 9000 1.00", "a 3 2.00, b 4 2.00, c 9000 2.00",
         "3 1 1 0 0 1 1.00 2.00 broken", "4 1 1 0 0 1 1.00 2.00 expected",
         "9000 1 1 0 0 1 1.00 2.00 expected"),
        ("A9", "a 3 1.00", "a 3 1.01", "3 1 1 0 0 0 1.00 1.01 equal"),
        *((name, "a 9 1.00", "a 9 2.00", f"9 1 1 0 0 1 1.00 2.00 {verdict}")
          for verdict, names in (("expected", ["", "b 1 "]), ("broken", NOT_EXPECTED))
          for name in names),
        points=2,
    ),
    segment(
        "never_expected",
        "Never expects a lost, new or doubled event",
        ("A4", "a 3 1.00, b 3 1.00, c 4 1.00, d 5 1.00, f 6 1.00",
         "a 3 2.00, c 4 1.00, e 4 2.00, d 5 1.00, d 5 1.00, g 6 1.00",
         "3 2 1 1 0 1 2.00 2.00 broken", "4 1 2 0 1 0 1.00 3.00 broken",
         "5 1 2 0 0 1 1.00 2.00 broken", "6 1 1 1 1 0 1.00 1.00 broken"),
    ),
]  # fmt: skip


def judged(
    live: Sequence[Tax], shadow: Sequence[Tax], tolerance: Decimal, expected: dict[str, date]
) -> list[tuple]:
    """What `compare` must return, in plain Python."""
    sides: dict[tuple, tuple[dict, dict]] = {}
    for number, rows in enumerate((live, shadow)):
        for name, country, when, tax in rows:
            found = sides.setdefault((country, when.date()), ({}, {}))
            found[number].setdefault(name, []).append(tax)

    def total(values: list[Decimal | None]) -> Decimal | None:
        known = [value for value in values if value is not None]
        return sum(known, Decimal(0)) if known else None

    answer = []
    for (country, day), (old, new) in sides.items():
        changed = 0
        for name in old.keys() & new.keys():
            one, other = total(old[name]), total(new[name])
            if one is None or other is None:
                changed += one is not other
            else:
                changed += abs(one - other) > tolerance
        rows = [sum(map(len, side.values())) for side in (old, new)]
        sums = [total([*chain(*side.values())]) or Decimal(0) for side in (old, new)]
        missing, extra = len(old.keys() - new.keys()), len(new.keys() - old.keys())
        verdict = "broken"
        if not missing and not extra and rows[0] == rows[1]:
            if not changed:
                verdict = "equal"
            elif country in expected and day >= expected[country]:
                verdict = "expected"
        answer.append((country, day, *rows, missing, extra, changed, *sums, verdict))
    return answer


def random_taxes(draw: random.Random, count: int) -> tuple[list[Tax], list[Tax]]:
    """Two sides that differ here and there, in a few countries and days."""
    live: list[Tax] = []
    shadow: list[Tax] = []
    for number in range(count // 3):
        country = draw.choice(RANDOM_COUNTRIES)
        when = at(draw.randrange(1, 8), draw.choice([0, 12, 23.999]))
        # Three events: their ids differ in a capital letter or a blank.
        blank = [" r{:03}", "r {:03}", "r{:03} ", "r{:03}\t"][number % 4]
        for name in (f"r{number:03}", f"R{number:03}", blank.format(number)):
            for side in (live, shadow):
                tax = None if draw.random() < 0.1 else Decimal(draw.randrange(0, 4)) / 50
                copies = draw.choices([0, 1, 2], [1, 12, 1])[0]
                side += [(name, country, when, tax)] * copies
    draw.shuffle(shadow)
    return live, shadow


RANDOM_COUNTRIES = ["R1", "r1", "R1 ", "Côte d'Ivoire", "", None]
# Columns that both sides have too, of names that an answer may want to use.
MORE = [*names_in(VERDICTS)[1:], "side", "eu.rate"]


def taxes_frame(spark: Any, columns: str, rows: Sequence[Tax]) -> Any:
    """A frame of the columns of TAXES in this order, perhaps with `rate`."""
    kinds = f"{TAXES}, rate double"
    full = [
        {
            "event_id": name, "order_id": "o1", "country": country, "net": Decimal(7),
            "at": when, "tax": tax, "rate": 0.5,
        }
        for name, country, when, tax in rows
    ]  # fmt: skip
    names = columns.split()
    return make_frame(spark, ddl_of(columns, kinds), [{n: row[n] for n in names} for row in full])


def verdict_rows(
    learner: Any,
    spark: Any,
    live: Sequence[Tax],
    shadow: Sequence[Tax],
    tolerance: Decimal,
    expected: dict[str, date],
    more: Sequence[str] = MORE,
    made: set[str] | None = None,
) -> list:
    """The rows of an answer, once its columns are right; both sides have theirs in other orders.

    Both have columns of the names `more`; `made`, if given, gets those that the answer makes.
    """
    from pyspark.sql import functions as F

    others = [F.lit("other").alias(name) for name in more]
    answer = learner.compare(
        taxes_frame(spark, "event_id order_id country net at tax", live).select("*", *others),
        taxes_frame(spark, "rate tax at country net order_id event_id", shadow).select(
            "*", *others
        ),
        tolerance,
        expected,
    )
    names = names_in(VERDICTS)
    if set(getattr(answer, "columns", ())) == set(names):
        answer = answer.select(*names)
    assert_columns(answer, VERDICTS)
    if made is not None:
        made.update(names_made_by(answer))
    return collect(answer)


@pytest.fixture(scope="module")
def names_of_the_answer():
    """Names that an answer gives to columns while it compares; `compared` finds them."""
    return set()


@pytest.fixture(scope="module")
def compared(learner, spark, names_of_the_answer):
    """The answer to all cases in one call."""
    live = [row for case in COMPARED for row in case.before]
    shadow = [row for case in COMPARED for row in case.given]
    made = names_of_the_answer
    return verdict_rows(learner, spark, live, shadow, TOLERANCE, EXPECTED, made=made)


@check("compare")
@cases(COMPARED)
def test_verdicts(compared, case):
    """{case}"""
    mine = {row[0] for row in case.after}
    found = [row for row in compared if row.country in mine]
    assert_rows(found, case.after, key=["country", "day"], columns=VERDICTS)


@check("compare", points=2)
def test_random_tables(learner, spark, seed, compared, names_of_the_answer):
    """Random tables with more columns: each day as the rules say, with another tolerance"""
    live, shadow = random_taxes(random.Random(f"compare {seed}"), 120)
    expected = {"R1": date(2025, 6, 3), "Côte d'Ivoire": date(2025, 6, 5)}
    tolerance = Decimal("0.015")
    taken = {*names_in(TAXES), "rate"}
    names = {name.lower(): name for name in [*MORE, *sorted(names_of_the_answer)]}
    more = [name for low, name in names.items() if low not in taken]
    found = verdict_rows(learner, spark, live, shadow, tolerance, expected, more)
    right = judged(live, shadow, tolerance, expected)
    assert_rows(found, right, key=["country", "day"], columns=VERDICTS)


@check("compare")
def test_nothing_is_expected(learner, spark):
    """Works with an empty `expected`, tolerance 0 and one side without rows"""
    live = taxes("a 3 1.00", "A1")
    found = verdict_rows(learner, spark, live, [], Decimal(0), {})
    right = judged(live, [], Decimal(0), {})
    assert_rows(found, right, key=["country", "day"], columns=VERDICTS)


# --------------------------------------------------------------------------------------- catch_up


FIFTH_OF = """def fifth(events):
    from pyspark.sql import functions as F

    spark = events.sparkSession
    came = spark.sql("SELECT event_id FROM LIVE WHERE event_id LIKE 'meanwhile%'").count()
    if came == 0 or (came == 1 and events.isEmpty()):
        spark.sql(
            f"INSERT INTO LIVE (event_id, order_id, country, net, at, tax) VALUES "
            f"('meanwhile-{came}', 'o7', 'FR', 5.00, timestamp'2025-06-01 10:00:00', 0.00)"
        )
    taxed = events.withColumn("tax-rate", F.lit(0.2 if len(events.columns) == 5 else 0.0))
    return taxed.withColumn("tax", (F.col("net") / 5).cast("decimal(12,2)"))
"""


def fifth_of(live: str) -> Callable[[Any], Any]:
    """A rule: a fifth of the amount. Two events reach the live table while it runs.

    The first one does in any case, the second when the rule gets no event. A rule can cross to a
    submission's process as text, so the table's name is in the text.
    """
    text, file = FIFTH_OF.replace("LIVE", live), f"<rule of {live}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    made: dict[str, Any] = {}
    exec(compile(text, file, "exec"), made)
    return made["fifth"]


FIFTH = f"{TAXES}, `tax-rate` double"
LIVE_COLUMNS = ddl_of("tax at event_id net country order_id", TAXES)
SHADOW_COLUMNS = ddl_of("tax-rate country event_id tax net at order_id", FIFTH)


def in_order(ddl: str, cells: dict[str, Any]) -> tuple:
    return tuple(cells[name] for name in names_in(ddl))


def live_row(name: str, day: int, net: str) -> tuple:
    """A row of the live table: an event, and a tax by the old rule. Those of u have no country."""
    country = None if name[0] == "u" else "AT"
    cells = dict(zip(NAMES, event(name, country, net, at(day)), strict=True))
    return in_order(LIVE_COLUMNS, {**cells, "tax": Decimal("0.01")})


def shadow_row(name: str, day: int, net: str, tax: str | None) -> tuple:
    country = None if name[0] == "u" else "AT"
    cells = dict(zip(NAMES, event(name, country, net, at(day)), strict=True))
    known = None if tax is None else Decimal(tax)
    return in_order(SHADOW_COLUMNS, {**cells, "tax": known, "tax-rate": 0.2})


SINCE, NEWEST = 2, 6


def watched_catch_up(learner, spark, tables: dict[str, str], since: int) -> Watched:
    """One call for a live table and its shadow, with the rule that takes a fifth."""
    live, shadow = tables.values()

    call = lambda: learner.catch_up(spark, live, shadow, fifth_of(live), since)  # noqa: E731
    run = Watched(spark, tables, call, "shadow")
    assert type(run.result) is int, f"returned {run.result!r}, expected a value of type int"
    return run


@pytest.fixture(scope="module")
def caught_up(learner, spark, shared_schema):
    """Runs of two calls: one with events to add, and one without.

    During the first one an event reaches the live table, and during the second, if the rule is
    called. The second one's `since` is the version that the first event made.
    """
    live, shadow = (f"{shared_schema}.catch_{name}" for name in ("live", "shadow"))
    commits = [
        Commit("WRITE", [live_row("a1", 3, "10.00"), live_row("a2", 20, "10.00")]),
        Commit("WRITE", [live_row("b1", 4, "20.00"), live_row("b2", 21, "20.00")]),
        Commit("WRITE", [live_row("c1", 5, "5.00"), live_row("c2", LONG_AGO, "15.00")]),
        Commit("WRITE", [live_row("u1", 5, "5.00"), live_row("u2", 6, "10.00")]),
        Commit("OPTIMIZE"),
        Commit("WRITE", [live_row("B1", 4, "25.00"), live_row("b1 ", FAR_OFF, "30.00")]),
    ]
    write_commits(spark, live, LIVE_COLUMNS, commits, key="event_id")
    there = [
        shadow_row("a1", 3, "10.00", "2.00"),
        shadow_row("b1", 4, "20.00", "4.00"),
        shadow_row("c1", 5, "5.00", "0.77"),
        shadow_row("u1", 5, "5.00", None),
        shadow_row("extra", 9, "5.00", "1.00"),
    ]
    make_table(spark, shadow, SHADOW_COLUMNS, there)
    tables = {"live": live, "shadow": shadow}
    return [watched_catch_up(learner, spark, tables, since) for since in (SINCE, NEWEST + 1)]


ARRIVED = [
    shadow_row("c2", LONG_AGO, "15.00", "3.00"),
    shadow_row("u2", 6, "10.00", "2.00"),
    shadow_row("B1", 4, "25.00", "5.00"),
    shadow_row("b1 ", FAR_OFF, "30.00", "6.00"),
]


def assert_events(run: Watched, names: Sequence[str], right: Sequence[tuple]) -> None:
    """The rows of these events in the shadow; `order_id` isn't judged."""
    wanted = ["event_id", "country", "net", "at", "tax", "tax-rate"]
    place = names_in(SHADOW_COLUMNS)
    expected = [tuple(row[place.index(name)] for name in wanted) for row in right]
    found = [row for row in run.rows["shadow"] if row.event_id in names]
    assert_rows(found, expected, key="event_id", columns=wanted)


@check("catch_up", points=2)
def test_what_came_after_the_version(caught_up):
    """Adds each event that came after the version once, by the rule, early or late by its time"""
    # Copies that a later call made are another check's.
    assert_events(caught_up[0], ["c2", "u2", "B1", "b1 "], ARRIVED)


@check("catch_up")
def test_read_by_the_rebuild(caught_up):
    """Leaves an event alone that the shadow has already, one without country and tax as well"""
    right = [shadow_row("c1", 5, "5.00", "0.77"), shadow_row("u1", 5, "5.00", None)]
    assert_events(caught_up[0], ["c1", "u1"], right)


@check("catch_up", points=2)
def test_there_at_the_version(caught_up):
    """Adds no event that the live table had at the version, compacted since or not"""
    for run in caught_up:
        found = sorted({row.event_id for row in run.rows["shadow"]} & {"a2", "b2"})
        if found:
            raise AssertionError(
                f"{' and '.join(found)} were in live at version {SINCE} and not in shadow. The "
                f"comparison of that version had judged them; the call with since={SINCE} added "
                f"{'them' if len(found) > 1 else 'it'}"
            )


@check("catch_up", points=2)
def test_commits_during_the_call(caught_up):
    """Returns a version whose events are all there, though others arrive during the call"""
    for number, run in enumerate(caught_up):
        since, version = (SINCE, NEWEST + 1)[number], run.result
        newest = run.start["live"].number + run.changes["live"].versions
        if not since <= version <= newest:
            raise AssertionError(
                f"the call with since={since} returned {version}; the newest version of live was "
                f"{newest} at its end"
            )
        name, made = f"meanwhile-{number}", NEWEST + 1 + number
        times = [row.event_id for row in run.rows["shadow"]].count(name)
        if times > 1 or (version >= made and not times):
            raise AssertionError(
                f"version {made} of live, with the event {name}, was made while the rule ran. The "
                f"call returned version {version}, and shadow has the event {times} times. A later "
                f"call with since={version} would not bring it"
            )


@check("catch_up")
def test_nothing_arrived(caught_up):
    """Writes no data file when there is no event to add"""
    changes = caught_up[1].changes["shadow"]
    # If it is there, it came during the call, and the call has still seen it.
    late = [row for row in caught_up[1].rows["shadow"] if row.event_id == "meanwhile-1"]
    if not late and (changes.added or changes.removed):
        raise AssertionError(
            f"no event was to be added, and shadow was written all the same, by "
            f"{', '.join(changes.operations)}: {len(changes.added)} data files added, "
            f"{len(changes.removed)} removed"
        )


@check("catch_up")
def test_rows_that_were_there(caught_up):
    """Keeps the rows of the shadow, and its columns"""
    names = ["a1", "b1", "extra"]
    right = [
        shadow_row("a1", 3, "10.00", "2.00"),
        shadow_row("b1", 4, "20.00", "4.00"),
        shadow_row("extra", 9, "5.00", "1.00"),
    ]
    assert_events(caught_up[1], names, right)
    orders = {row.event_id: row.order_id for row in caught_up[1].rows["shadow"]}
    found = orders.get("B1")
    assert found == "o1", f"order_id of B1 is {found!r}; in live it is 'o1'"
    for run in caught_up:
        gone = run.start["shadow"].files & run.changes["shadow"].removed
        assert not gone, f"the call removed {len(gone)} data files of shadow, which it only adds to"


@check("catch_up")
def test_live_is_only_read(caught_up):
    """Makes no commit to the live table"""
    # One commit of the first call is the check's own, and perhaps one of the second.
    made = [run.changes["live"] for run in caught_up]
    if any(changes.versions > 1 for changes in made):
        told = [name for changes in made for name in changes.operations]
        raise AssertionError(f"live got commits of the call: {', '.join(told)}")


# ------------------------------------------------------------------------------ switch, roll_back

CATALOG = "org.apache.spark.sql.catalyst.catalog.ExternalCatalogEventListener"


class CatalogEvents:
    """Events of the catalog, as it sends them: what happened to tables and views, in order."""

    class Java:
        implements: ClassVar = [CATALOG]

    def __init__(self) -> None:
        self.told: list[str] = []

    def onEvent(self, event: Any) -> None:
        with suppress(Exception):
            self.told.append(str(event.toString()))


def added_by(events: Sequence[str], schema: str) -> set[str]:
    """Tables and views that these events of the catalog added, but none of other notebooks."""
    new, old, mine = set(), set(), schema.rpartition("_")[0]
    for kind, database, *names in (re.split(r"[(,)]", event)[:-1] for event in events):
        if database.startswith(mine) or not database.startswith("lab_"):
            if kind in ("CreateTableEvent", "RenameTableEvent"):
                new.add(f"{database}.{names[-1]}")
            if kind in ("DropTableEvent", "RenameTableEvent"):
                old.add(f"{database}.{names[0]}")
    return new - old


@contextmanager
def catalog_events(spark: Any) -> Iterator[list[str]]:
    """What the catalog is told while the block runs."""
    ensure_callback_server_started(spark._sc._gateway)
    catalog = spark._jsparkSession.sharedState().externalCatalog()
    events = CatalogEvents()
    catalog.addListener(events)
    try:
        yield events.told
    finally:
        catalog.removeListener(events)


ALL_COLUMNS = f"{TAXES}, rate double, `Tax-code` string, `order` int, `eu.rate` double"
VIEW_COLUMNS = ddl_of("tax event_id Tax-code country order at eu.rate", ALL_COLUMNS)
# The tables have the columns of the view in other orders; one has more of them.
TABLES = {
    "blue": ddl_of("event_id order eu.rate tax country at Tax-code", ALL_COLUMNS),
    "green": ddl_of(
        "rate Tax-code country event_id net eu.rate tax at order_id order", ALL_COLUMNS
    ),
    "Teal": ddl_of("at country eu.rate event_id Tax-code order tax", ALL_COLUMNS),
}
STEP_COLUMNS = ddl_of("at to_table step from_table view action", DEPLOYMENTS)
KEPT = {"contract": "v7", "team": "tax office"}
COMMENT = "what we owe, by event"
A_SECOND = timedelta(seconds=1)
OK = [("AT", "equal"), ("DE", "expected"), ("FR", "equal")]


@dataclass(frozen=True)
class Call:
    """What one call did to a view and to deployments; `left` are tables and views that it added."""

    view: str
    rows: list[Any]
    columns: str
    comment: str | None
    properties: dict[str, str]
    events: list[str]
    wrote: bool
    left: list[str]
    error: AnswerError | None
    text: str
    began: datetime
    ended: datetime


@dataclass(frozen=True)
class Calls:
    """Calls by name. Of all together: rows of deployments, and what happened to other tables."""

    of: dict[str, Call]
    added: list[Any]
    removed: list[Any]
    changes: dict[str, TableChanges]


class Stage:
    """Tables, views and deployments of one task, and calls on them."""

    def __init__(self, spark: Any, schema: str, task: str) -> None:
        self.spark = spark
        self.name = lambda short: f"{schema}.{task}_{short}"
        self.deployments = self.name("deployments")
        self.schema = schema
        self.start: dict[str, TableVersion] = {}
        for number, (short, ddl) in enumerate(TABLES.items()):
            cells = {
                "event_id": f"of {short}", "order_id": "o1", "country": "AT",
                "net": Decimal(5), "at": at(3), "tax": Decimal(number), "rate": 0.5,
                "Tax-code": "A1", "order": number, "eu.rate": 0.1,
            }  # fmt: skip
            rows = [cells]
            if short == "green":  # two of these rows are alike in the columns of the view
                empty = dict.fromkeys(["country", "at", "tax", "Tax-code", "order", "eu.rate"])
                rows += [{**cells, "net": Decimal(6)}, {**cells, "net": Decimal(7), **empty}]
            commits = [Commit("WRITE", [in_order(ddl, row) for row in rows])]
            key = "net" if short == "green" else "event_id"
            write_commits(spark, self.name(short), ddl, commits, key=key)
            self.start[short] = table_version(spark, self.name(short))

    def select(self, table: str) -> str:
        names = ", ".join(f"`{name}`" for name in names_in(VIEW_COLUMNS))
        return f"SELECT {names} FROM {self.name(table)}"

    def view(self, short: str, table: str) -> str:
        properties = ", ".join(f"'{name}' = '{value}'" for name, value in KEPT.items())
        self.spark.sql(
            f"CREATE VIEW {self.name(short)} COMMENT '{COMMENT}' TBLPROPERTIES ({properties}) "
            f"AS {self.select(table)}"
        )
        return self.name(short)

    def temporary(self) -> set[tuple[str, int]]:
        """Temporary views with their times; of those that all sessions see the schema's own."""
        catalog = self.spark._jsparkSession.sessionState().catalog()
        own = catalog.listLocalTempViews("*").mkString(",").replace("`", "")
        views = [catalog.getRawTempView(name) for name in own.split(",") if name]
        for name in catalog.globalTempViewManager().listViewNames("*").mkString(",").split(","):
            if self.schema in catalog.getGlobalTempView(name).toString():
                views.append(catalog.getRawGlobalTempView(name))
        told = [view.get().tableMeta() for view in views]
        return {(meta.identifier().table(), meta.createTime()) for meta in told}

    def deploy(self, rows: Sequence[tuple], tables: dict[str, str]) -> None:
        """The steps so far, from short names; the greatest step isn't the last, nor the latest."""
        # `_` stands for any letter where names are compared by LIKE.
        like = self.name("view").replace("_view", "xview")
        full = [
            (
                self.name(view), step, action,
                None if old is None else tables.get(old, self.name(old)),
                tables.get(new, self.name(new)), at(28 - step),
            )
            for view, step, action, old, new in rows
        ]  # fmt: skip
        now = self.name("blue")
        full += [(name, 70, "switch", now, now, at(20)) for name in (like, self.name("view_2"))]
        names = names_in(DEPLOYMENTS)
        told = [in_order(STEP_COLUMNS, dict(zip(names, row, strict=True))) for row in full]
        steps = [Commit("WRITE", told)]
        write_commits(self.spark, self.deployments, STEP_COLUMNS, steps, key=["view", "step"])
        self.deployed = full
        self.version = table_version(self.spark, self.deployments)

    def call(self, view: str, call: Callable[[], Any]) -> Call:
        """One call of the learner's, and the view after it."""
        temporary, error = self.temporary(), None
        began = datetime.now()
        with catalog_events(self.spark) as events:
            try:
                call()
            except AnswerError as raised:
                if raised.outcome != "error":
                    raise
                error = raised
        ended = datetime.now()
        left = added_by(events, self.schema) | {name for name, _ in self.temporary() - temporary}
        # Other sessions of this JVM have catalogs of their own names.
        told = [event for event in events if all(part in event for part in view.split("."))]
        self.require(view, self.deployments)
        changes = changes_since(self.spark, self.deployments, self.version)
        if changes.versions:
            self.version = table_version(self.spark, self.deployments)
        session = self.spark._jsparkSession.sessionState()
        identifier = session.sqlParser().parseTableIdentifier(view)
        metadata = session.catalog().getTableMetadata(identifier)
        frame = self.spark.table(view)
        kept = metadata.properties()
        return Call(
            view,
            # What the catalog was told nothing of reads what it read before.
            collect(frame) if told else [],
            ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in frame.schema),
            metadata.comment().get() if metadata.comment().isDefined() else None,
            {name: kept.apply(name) for name in KEPT if kept.contains(name)},
            told,
            bool(changes.added or changes.removed),
            sorted(left),
            error,
            str(metadata.viewText().get()) if metadata.viewText().isDefined() else "",
            began,
            ended,
        )

    def require(self, *tables: str) -> None:
        for table in tables:
            if not self.spark.catalog.tableExists(table):
                raise AnswerError("failed", f"{table.split('.')[1]} is not there after the call")

    def after(self, calls: dict[str, Call]) -> Calls:
        """These calls, and what is there after the last one."""
        self.require(*map(self.name, self.start))
        columns, names = self.spark.table(self.deployments).columns, names_in(DEPLOYMENTS)
        if sorted(columns) != sorted(names):
            raise AnswerError("failed", f"deployments has the columns {', '.join(columns)} now")
        changes = {s: changes_since(self.spark, self.name(s), v) for s, v in self.start.items()}
        rows = table_rows(self.spark, self.deployments)
        old, new = Counter(self.deployed), Counter(tuple(row[n] for n in names) for row in rows)
        return Calls(
            calls,
            [*(new - old).elements()],
            [*(old - new).elements()],
            changes,
        )


def returned_well(call: Call) -> Call:
    if call.error:
        raise call.error
    return call


def assert_reads(call: Call, table: str, of: str) -> None:
    """The view reads this table, by the event in it."""
    returned_well(call)
    found = Counter(row.event_id for row in call.rows)
    right = {f"of {table}": 3 if table == "green" else 1}
    if found != right:
        raise AssertionError(
            f"{of}: a query on the view finds rows of these events, with their number: "
            f"{dict(found)}; the table {table} has {right}"
        )
    if re.search(r"\b(version|timestamp)\s+as\s+of\b|@v\d|@\d{17}", call.text, re.IGNORECASE):
        raise AssertionError(
            f"{of}: the view names one version of its table ({call.text}). Rows that come later "
            "are not in it"
        )


def assert_view_kept(call: Call) -> None:
    """Columns, comment and properties of the view are as they were."""
    returned_well(call)
    right = VIEW_COLUMNS.replace("`", "")
    if call.columns != right:
        raise AssertionError(
            f"the columns of the view were {right}; now they are {call.columns}. Whoever "
            "reads it by position, or unites it with others, gets an error or wrong numbers"
        )
    if call.comment != COMMENT:
        raise AssertionError(f"the view's comment was {COMMENT!r}, and now is {call.comment!r}")
    lost = {name: value for name, value in KEPT.items() if call.properties.get(name) != value}
    if lost:
        raise AssertionError(f"the view has lost properties: {lost}")


def assert_in_place(call: Call) -> None:
    """The catalog was told of one change of the view."""
    returned_well(call)
    kinds = [event.partition("(")[0] for event in call.events if "Pre" not in event]
    if kinds != ["AlterTableEvent"]:
        raise AssertionError(
            f"events of the catalog about the view: {', '.join(kinds) or 'none'}. One change in "
            "place is one AlterTableEvent. A query that starts between two of these finds another "
            "view, or none"
        )


def assert_steps(calls: Calls, steps: dict[str, tuple]) -> None:
    """These steps, by their calls, were added to those of a view, and no other row changed."""
    made = [returned_well(calls.of[name]) for name in steps]
    if calls.removed:
        raise AssertionError(f"this row of deployments was changed or removed: {calls.removed[0]}")
    # Rows of no view that was called belong to nobody.
    others = {call.view for call in calls.of.values()} - {call.view for call in made}
    added = sorted((row for row in calls.added if row[0] not in others), key=lambda row: row[1])
    assert_rows(
        [row[:5] for row in added],
        [*steps.values()],
        key=["view", "step"],
        columns=["view", "step", "action", "from_table", "to_table"],
    )
    for call, row in zip(made, added, strict=True):
        # A clock of microseconds and one of milliseconds may differ by one of the latter.
        when = row[5]
        if when is None or not call.began - A_SECOND <= when <= call.ended + A_SECOND:
            raise AssertionError(f"`at` is {when}; the call was from {call.began} to {call.ended}")


def assert_nothing_left(call: Call) -> None:
    if call.left:
        raise AssertionError(f"the call left tables or views behind: {', '.join(call.left)}")


def assert_refused(call: Call, story: str) -> None:
    """The call raised ValueError, and changed neither view nor deployments."""
    if call.error is None:
        raise AssertionError(f"{story}, and the call returned as if all were well")
    if "ValueError" not in call.error.reason:
        raise AssertionError(f"{story}, and the call raised {call.error.reason.splitlines()[0]}")
    if call.events:
        raise AssertionError(
            f"{story}; the call raised ValueError, but not before it had changed the view. Events "
            f"of the catalog: {', '.join(event.partition('(')[0] for event in call.events)}"
        )
    if call.wrote:
        raise AssertionError(f"{story}; the call raised ValueError, but wrote to deployments")
    assert_nothing_left(call)


@pytest.fixture(scope="module")
def unfit(spark, shared_schema):
    """Tables that can't stand behind a view: without a column of it, or with another type."""
    found = {name: f"{shared_schema}.{name}" for name in ("narrow", "retyped")}
    make_table(spark, found["narrow"], ALL_COLUMNS.replace(", tax decimal(12,2)", ""))
    retyped = ALL_COLUMNS.replace("tax decimal(12,2)", "tax decimal(14,2)")
    make_table(spark, found["retyped"], retyped)
    return found


@pytest.fixture(scope="module")
def stage(task, spark, shared_schema):
    """The tables of a task."""
    return Stage(spark, shared_schema, task)


def verdicts_of(spark: Any, rows: Sequence[tuple[str | None, str]]) -> Any:
    full = [
        (country, date(2025, 6, 3), 1, 1, 0, 0, 1, Decimal(1), Decimal(1), verdict)
        for country, verdict in rows
    ]
    return make_frame(spark, VERDICTS, full)


@pytest.fixture(scope="module")
def deployed(stage, unfit):
    """Views and the steps of most of them, and of other views; some read another table by now."""
    views = {name: stage.view(name, "blue") for name in ("fresh", "stale", "thin", "typed")}
    views["view"] = stage.view("view", "Teal")
    stage.deploy(
        [
            ("view", 3, "switch", "Teal", "blue"),
            ("view", 10, "roll_back", "green", "blue"),
            ("other", 20, "switch", "blue", "Teal"),
            ("stale", 1, "switch", "blue", "nowhere"),
            ("thin", 1, "switch", "blue", "narrow"),
            ("typed", 1, "switch", "blue", "retyped"),
            ("view", 2, "switch", "blue", "Teal"),
            ("view", 6, "switch", "blue", "green"),
        ],
        unfit,
    )
    return views


@pytest.fixture(scope="module")
def switch(learner, spark, stage, deployed, unfit):
    """Switches a view to a table, with verdicts."""

    def call(view: str, to: str, rows: Sequence[tuple[str | None, str]] = OK) -> Call:
        name, table = deployed[view], unfit.get(to, stage.name(to))
        verdicts, steps = verdicts_of(spark, rows), stage.deployments
        return stage.call(name, lambda: learner.switch(spark, name, table, verdicts, steps))

    return call


@pytest.fixture(scope="module")
def switched(switch, stage):
    """A switch, and the first one of another view."""
    return stage.after({"switch": switch("view", "green"), "fresh": switch("fresh", "Teal")})


@pytest.fixture(scope="module")
def again(switched, switch, stage):
    """The same switch again; by now somebody has changed the view by hand."""
    stage.spark.sql(f"ALTER VIEW {stage.name('view')} AS {stage.select('blue')}")
    return switch("view", "green")


BROKEN = [("AT", "equal"), (None, "broken"), ("FR", "expected")]
# A reason, a view whose last step leads to the table, and the table and verdicts of the calls.
REASONS = [
    ("broken", "a row of `verdicts` is broken", "view", "green", BROKEN),
    ("empty", "`verdicts` has no row", "view", "green", []),
    ("gone", "there is no table of this name", "stale", "nowhere", OK),
    ("narrow", "the table lacks a column of the view", "thin", "narrow", OK),
    ("retyped", "the table has a column of the view with another type", "typed", "retyped", OK),
]
REFUSED = [
    Case(name + there, title + more, given=(view, *call), points=1 + (name + there == "broken"))
    for name, title, last, *call in REASONS
    for there, more, view in (
        ("", "", "fresh"),
        ("_there", ", and the view's last step leads to this table", last),
    )
]


@pytest.fixture(scope="module")
def refused(again, switch):
    """Calls by name that have to raise; the last step of `view` leads to green."""
    return {case.name: switch(*case.given) for case in REFUSED}


@check("switch", points=2)
def test_reads_the_other_table(switched):
    """Makes the view read the other table"""
    assert_reads(switched.of["switch"], "green", "after a switch to green")
    assert_reads(switched.of["fresh"], "Teal", "after a switch of a view without steps")


@check("switch")
def test_view_is_kept(switched):
    """Keeps the view's columns, comment and properties"""
    assert_view_kept(switched.of["switch"])
    assert_view_kept(switched.of["fresh"])


@check("switch", points=2)
def test_changed_in_place(switched):
    """Changes the view in place: one operation of the catalog"""
    assert_in_place(switched.of["switch"])


@check("switch", points=2)
def test_step_of_a_switch(switched, stage):
    """Records the switch: the view's next step, where it comes from and where it leads"""
    view, blue, green = (stage.name(name) for name in ("view", "blue", "green"))
    assert_steps(switched, {"switch": (view, 11, "switch", blue, green)})


@check("switch")
def test_first_step(switched, stage):
    """Records step 1 without a table to come from, for a view that has no step"""
    view, teal = stage.name("fresh"), stage.name("Teal")
    assert_steps(switched, {"fresh": (view, 1, "switch", None, teal)})


@check("switch")
def test_same_table_again(again):
    """Changes nothing if the view's last step leads to this table"""
    returned_well(again)
    assert not again.events, f"the view was changed: {again.events}"
    if again.wrote:
        raise AssertionError(
            "the view's last step leads to this table, and one more was written. A roll-back would "
            "lead from the table to itself"
        )


@check("switch")
@cases(REFUSED)
def test_refused_switch(refused, case):
    """Raises ValueError and changes nothing if {case}"""
    assert_refused(refused[case.name], case.title)


@check("switch")
def test_no_other_table(switched):
    """Writes to no table but `deployments`, and leaves no other table or view behind"""
    for call in switched.of.values():
        assert_nothing_left(returned_well(call))
    assert_no_commit(switched.changes)


# A view of each name has these steps: from where to where, and nothing for a roll-back.
NO_WAY_BACK = [
    Case("none", "the view has no step"),
    Case("unknown", "the `from_table` of its only switch is null", given=["- blue"]),
    Case("undone", "the switch that is left comes from null", given=["- blue", "blue Teal", ""]),
    Case("lost", "the table is gone", given=["blue nowhere", "nowhere blue"]),
    Case("thin", "the table lacks a column of the view", given=["narrow blue"]),
    Case("other_type", "a column of the view has another type there", given=["retyped blue"]),
]
STEPS = {case.name: case.given for case in NO_WAY_BACK}


@pytest.fixture(scope="module")
def roll_back(learner, spark, stage, unfit):
    """Rolls a view back, by its name."""
    rows = []
    for view, steps in {"view": ["blue Teal", "", "blue green", "green Teal"], **STEPS}.items():
        now, stack = None, []
        for number, text in enumerate(steps, 1):
            if text:
                old, new = text.split()
                old = None if old == "-" else old
                stack.append(old)
                rows.append((view, 3 * number, "switch", old, new))
            else:
                new = stack.pop()
                rows.append((view, 3 * number, "roll_back", now, new))
            now = new
    random.Random(3).shuffle(rows)
    stage.deploy(rows, unfit)

    def call(name: str) -> Call:
        view, steps = stage.name(name), stage.deployments
        return stage.call(view, lambda: learner.roll_back(spark, view, steps))

    return call


@pytest.fixture(scope="module")
def rolled_back(roll_back, stage):
    """Two roll-backs of a view, to green and to blue."""
    stage.view("view", "blue")
    return stage.after({name: roll_back("view") for name in ("first", "second")})


@pytest.fixture(scope="module")
def not_rolled_back(rolled_back, roll_back, stage):
    """Calls by name of the view, which have to raise; of `view` it is the third one."""
    found = {"view": roll_back("view")}
    for name in STEPS:
        stage.view(name, "blue")
        found[name] = roll_back(name)
    return found


@check("roll_back", points=2)
def test_reads_what_it_read_before(rolled_back):
    """Makes the view read what it read before its last switch that is not undone"""
    story = "after switches to teal (undone), green and teal"
    assert_reads(rolled_back.of["first"], "green", story)


@check("roll_back", points=2)
def test_second_roll_back(rolled_back):
    """Goes back one switch more when it is called again"""
    assert_reads(rolled_back.of["second"], "blue", "after a second roll-back of the same view")


@check("roll_back")
def test_step_of_a_roll_back(rolled_back, stage):
    """Records each roll-back as the view's next step"""
    view, blue, green, teal = (stage.name(name) for name in ("view", "blue", "green", "Teal"))
    first, second = (view, 13, "roll_back", teal, green), (view, 14, "roll_back", green, blue)
    assert_steps(rolled_back, {"first": first, "second": second})


@check("roll_back")
def test_view_is_kept_on_the_way_back(rolled_back):
    """Keeps the view's columns, comment and properties, and changes it in place"""
    for call in rolled_back.of.values():
        assert_view_kept(call)
        assert_in_place(call)


@check("roll_back")
def test_no_data_moves(rolled_back):
    """Writes to no table but `deployments`, and leaves no other table or view behind"""
    for call in rolled_back.of.values():
        assert_nothing_left(returned_well(call))
    assert_no_commit(rolled_back.changes)


@check("roll_back")
@cases(NO_WAY_BACK)
def test_refused_roll_back(not_rolled_back, case):
    """Raises ValueError and changes nothing if {case}"""
    assert_refused(not_rolled_back[case.name], case.title)


@check("roll_back")
def test_all_is_undone(not_rolled_back):
    """Raises ValueError and changes nothing if all switches are undone"""
    story = "two roll-backs have undone all switches that were left"
    assert_refused(not_rolled_back["view"], story)


# ----------------------------------------------------------------------------------------- canary

KEYS = 40_000
SHARES = [0.0, 0.01, 0.015, 0.75, 1.0]


def arms_of(frame: Any, share: float, salt: str, learner: Any, key: str = "customer") -> Any:
    answer = learner.canary(frame, key, share, salt)
    assert_columns(answer, [*frame.columns, "arm"])
    return answer


@pytest.fixture(scope="module")
def arms(learner, spark):
    """For each share: the keys that are `new`, of 40,000."""
    keys = spark.range(KEYS).selectExpr("concat('c-', id) AS customer")
    found = {}
    for share in SHARES:
        answer = arms_of(keys, share, "spring", learner)
        rows = answer.groupBy("arm").count().collect()
        counts = {row.arm: row["count"] for row in rows}
        if set(counts) - {"new", "old"}:
            raise AssertionError(f"`arm` has the values {sorted(map(str, counts))}")
        found[share] = counts.get("new", 0)
    return found


@check("canary", points=2)
def test_share_of_the_keys(arms):
    """Makes about the share of many keys new, of 1 in 100 as well; none with share 0, all with 1"""
    for share, count in arms.items():
        right = share * KEYS
        exact = share in (0, 1)
        if abs(count - right) > (0 if exact else right / 5):
            raise AssertionError(
                f"of {KEYS} keys {count} are new with share {share:g}; expected "
                f"{'' if exact else 'about '}{right:g}"
            )


# Salts that are nearly the same: by a letter, by the order of the letters, by capitals and a blank.
SALTS = ["spring", "sprint", "gnirps", "SPRING ", ""]
# These are alike in their first signs, or in their last ones.
LONG = "{}'s \\n {{0}} `new` trial of 202{}"
SALTS += [LONG.format(*parts) for parts in (("spring", 5), ("spring", 6), ("autumn", 6))]
SHARES_OF_VISITS = [0.07, 0.2, 0.5, 0.8, 1.0]
VISITS = "visit long, customer string, page string"
CUSTOMERS = [*(f"k{number}" for number in range(300)), "", "  "]
# Columns of names that an answer may want to use.
USUAL_NAMES = ["bucket", "hash", "place", "is_new", "page.no", "Tax-code"]


def visits(seed: int = 1) -> list[tuple]:
    """Three rows of each customer, and some of nobody."""
    rows = [(3 * n + m, who, "ab"[m % 2]) for n, who in enumerate(CUSTOMERS) for m in range(3)]
    rows += [(5000 + n, None, "a") for n in range(20)]
    rows += [(6000, "k7", None), (6001, "k8", "b"), (6001, "k8", "b"), (6002, None, None)]
    random.Random(seed).shuffle(rows)
    return rows


@dataclass(frozen=True)
class Arms:
    """The rows of one answer, and the arms of each key."""

    rows: list[Any]
    of: dict[str | None, set[str]]

    def new(self) -> set[str]:
        return {who for who, arms in self.of.items() if arms == {"new"}}


def arms_in(answer: Any) -> Arms:
    rows = collect(answer)
    of: dict[str | None, set[str]] = {}
    for row in rows:
        of.setdefault(row.customer, set()).add(row.arm)
    return Arms(rows, of)


@pytest.fixture(scope="module")
def helpers(learner, frame):
    """Further columns of the visits, with a value each: also the names that the answer gives."""
    some = frame(VISITS, visits()[:5])
    made = names_made_by(arms_of(some, 0.5, "spring", learner))
    taken = {"arm", *names_in(VISITS)}
    names = {name.lower(): name for name in [*USUAL_NAMES, *made]}
    return {name: n for n, (low, name) in enumerate(names.items()) if low not in taken}


@pytest.fixture(scope="module")
def tried(learner, frame, helpers):
    """Answers for the visits: by share and salt."""
    from pyspark.sql import functions as F

    further = [F.lit(value).alias(name) for name, value in helpers.items()]
    whole = frame(VISITS, visits()).repartition(3).select("*", *further)
    calls = {(share, "spring") for share in SHARES_OF_VISITS} | {(0.5, salt) for salt in SALTS}
    return {(share, salt): arms_in(arms_of(whole, share, salt, learner)) for share, salt in calls}


@check("canary")
def test_rows_of_a_canary(tried, helpers):
    """Keeps each row and column, whatever their names, and adds `arm` as the last one"""
    rows = tried[0.5, "spring"].rows
    assert_rows([row[:3] for row in rows], visits(), key="visit", columns=VISITS)
    for name, value in helpers.items():
        found = {row[name] for row in rows}
        assert found == {value}, f"the column {name} was {value} in each row, and now is {found}"


@check("canary")
def test_one_arm_of_a_key(tried):
    """Gives all rows of a key one arm"""
    for arms in tried.values():
        split = sorted(str(who) for who, found in arms.of.items() if len(found) > 1)
        assert not split, (
            f"{len(split)} of {len(CUSTOMERS)} keys have rows in both arms, such as {split[0]}: "
            "one order would be taxed by two rules"
        )


@check("canary", points=2)
def test_same_arm_in_another_frame(tried, learner, frame):
    """Gives a key the same arm in another frame, in another order and under another column name"""
    some = [(who, 7) for who in reversed(CUSTOMERS[::2])]
    other = frame("`buyer.id` string, score long", some).coalesce(1)
    rows = collect(arms_of(other, 0.5, "spring", learner, key="buyer.id"))
    before = tried[0.5, "spring"].of
    moved = [row["buyer.id"] for row in rows if before[row["buyer.id"]] != {row.arm}]
    assert not moved, (
        f"{len(moved)} of {len(rows)} keys have another arm in a frame of their own, such as "
        f"{moved[0]}"
    )


@check("canary")
def test_greater_share(tried):
    """Keeps each key new that was new at a smaller share"""
    for small, great in pairwise(SHARES_OF_VISITS):
        lost = tried[small, "spring"].new() - tried[great, "spring"].new()
        assert not lost, (
            f"{len(lost)} keys are new at share {small} and old at {great}, such as {min(lost)!r}: "
            "who has seen the new rule goes back to the old one"
        )


@check("canary")
def test_another_salt(tried):
    """Makes other keys new with another salt"""
    for one, other in combinations(SALTS, 2):
        assert tried[0.5, one].new() != tried[0.5, other].new(), (
            f"the salts {one!r} and {other!r} have the very same keys in the arm new: in both "
            "trials the same customers would be the first"
        )


@check("canary")
def test_every_key(tried):
    """Makes every key new with share 1, an empty one as well"""
    old = sorted(set(CUSTOMERS) - tried[1.0, "spring"].new())
    assert not old, f"with share 1 {len(old)} keys are not new, such as {old[0]!r}"


@check("canary")
def test_null_keys(tried):
    """Leaves rows without a key in the arm old, at share 1 as well"""
    for (share, _), arms in tried.items():
        assert arms.of[None] == {"old"}, f"with share {share:g} null keys are {arms.of[None]}"

"""Checks of lab 22: hand-made customers and sales for readable reasons, seeded ones in between."""

import random
import re
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import Row

from labkit.checks import (
    AnswerError,
    Case,
    Commit,
    TableRun,
    assert_columns,
    assert_nothing_written,
    assert_one_commit,
    assert_replay,
    assert_rows,
    assert_untouched,
    cases,
    changes_since,
    check,
    collect,
    let_in,
    make_table,
    run_tables,
    stored_rows,
    table_version,
    write_commits,
)

HINTS = {
    "load_dimension": [
        "Which columns tell two versions apart, and which one is never written again? The first "
        "say what is new, the other is what a MERGE can match by.",
        "Put the versions that the batch's customers have beside the new ones. `lead` over both "
        "is where each ends.",
        "Where do you read the highest key? Between that moment and your write, another load can "
        "take the next one.",
    ],
    "load_facts": [
        "Two commits: first the members that are missing, then the sales. What may a reader see "
        "in between?",
        "One period for each version, from `lead`; the first begins long ago. Then each sale "
        "meets one version or none.",
        "For `adjust`, put what the table says of a sale in front of its deliveries. What is the "
        "amount of a sale that has several rows?",
    ],
    "repair_keys": [
        "Find the facts whose key is wrong before you write. Only these belong in the source.",
        "A file is written anew if one of its rows is updated, to another value or to the same.",
    ],
    "revenue": [
        "Filter both tables by the moment, then do what Task 2 does to find a version.",
        "`effective_to` says where a version ends *today*. What else tells where it ended then?",
    ],
    "conformed_report": [
        "What is the grain of the report? Bring each fact table there by itself.",
        "Which join keeps a segment that only one side has?",
    ],
}

UPDATES = "customer_id string, segment string, effective_from timestamp, recorded_at timestamp"
DIMENSION = (
    "customer_key long, customer_id string, segment string, effective_from timestamp, "
    "effective_to timestamp, known_at timestamp, is_inferred boolean"
)
SALES = (
    "sale_id long, customer_id string, product_id long, sold_at timestamp, qty int, "
    "amount decimal(12,2), booked_at timestamp"
)
FACTS = (
    "sale_id long, customer_key long, customer_id string, product_id long, day date, "
    "sold_at timestamp, qty int, amount decimal(12,2), booked_at timestamp"
)
REVENUE = "day date, segment string, amount decimal(22,2)"
CALLS = "call_id long, customer_key long, called_at timestamp, minutes int"
REPORT = "segment string, amount decimal(22,2), minutes long"

SPECIAL = [
    (-1, None, "unknown", None, None, None, False),
    (-2, None, "not applicable", None, None, None, False),
]
SEGMENTS = ["retail", "trade", "club"]
pytestmark = pytest.mark.usefixtures("quick")


def names_of(ddl: str) -> list[str]:
    return [part.split()[0] for part in ddl.split(", ")]


def called(spark, schema: str, tables: dict[str, tuple[str, list]], call) -> TableRun:
    """What a call does to tables of this database; each has a ddl, and its rows before the call."""
    full = {name: f"{schema}.{name}" for name in tables}
    start = {name: table_version(spark, table) for name, table in full.items()}
    result, changes, rows = call(), {}, {}
    for name, (ddl, _) in tables.items():
        changes[name] = changes_since(spark, full[name], start[name])
        assert_columns(spark.table(full[name]), ddl)
        rows[name] = stored_rows(spark, full[name])
    before = {
        name: [row if isinstance(row, Row) else Row(*names_of(ddl))(*row) for row in old]
        for name, (ddl, old) in tables.items()
    }
    return TableRun(spark, full, before, rows, changes, start, result)


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2025, 4, day, hour)


def moment(text: str) -> datetime:
    """9 April is "9", 12:00 on that day "9-12", half a second later "9-12.5"; "old" is long ago."""
    if text == "old":
        return datetime(2023, 5, 1, 9)
    text, _, half = text.partition(".")
    return at(*map(int, text.split("-"))) + timedelta(seconds=0.5 if half else 0)


def updates_of(customer_id: str, text: str) -> list[tuple]:
    """Updates from "3:retail 9:club@12": valid from the 3rd, and from the 9th, told on the 12th.

    All are told in the evening; on the day from which they hold unless said.
    """
    rows = []
    for part in text.split():
        time, said = part.split(":")
        segment, _, told = said.partition("@")
        start = moment(time)
        rows.append((customer_id, segment, start, at(int(told) if told else start.day, 20)))
    return rows


def members(key: int, customer_id: str, text: str) -> list[tuple]:
    """Rows of the dimension from the text of updates, with keys from `key` on; "?" is inferred."""
    if text == "?":
        return [(key, customer_id, "unknown", None, None, None, True)]
    said = sorted(updates_of(customer_id, text), key=lambda row: row[2])
    ends = [*(row[2] for row in said[1:]), None][: len(said)]
    return [
        (key + number, who, segment, start, end, told, False)
        for number, ((who, segment, start, told), end) in enumerate(zip(said, ends, strict=True))
    ]


# -------------------------------------------------------------------------------- load_dimension


def arrived(name: str, title: str, *customers: tuple[int, str, str, str, str]) -> Case:
    """A case from a line a customer: its first key, id, rows before, updates, and rows after."""
    before, given, after = [], [], []
    for key, customer_id, old, new, right in customers:
        before += members(key, customer_id, old)
        given += updates_of(customer_id, new)
        after += members(key, customer_id, right)
    return Case(name, title, before, given, after)


LOADED = [
    arrived(
        "new",
        "Makes a version of each update of a new customer, also of one that repeats",
        (0, "web-1", "", "5:club 3:retail 7:club 8:club", "3:retail 5:club 7:club 8:club"),
        (0, "till-1", "", "4:trade@11", "4:trade@11"),
    ),
    arrived(
        "later",
        "Ends the last version where a newer one begins, also if it says the same",
        (2395, "web-2", "3:retail", "9:trade", "3:retail 9:trade"),
        (14, "till-2", "3:retail", "9-12:retail", "3:retail 9-12:retail"),
    ),
    arrived(
        "between",
        "Puts a late version between those that the table has, until the next begins",
        (71, "web-4", "3:retail 9:trade", "5:club@14", "3:retail 5:club@14 9:trade"),
        (73, "till-4", "3:retail 9:trade", "5:retail@14", "3:retail 5:retail@14 9:trade"),
    ),
    arrived(
        "before_all",
        "Puts late versions in front of the first one",
        (31, "web-5", "8:retail", "4:trade@12 2:club@12", "2:club@12 4:trade@12 8:retail"),
    ),
    arrived(
        "inferred",
        "Completes an inferred member by the earliest update of the batch",
        (21, "web-6", "?", "6:club@9", "6:club@9"),
        (22, "web-7", "?", "8:trade@8 4:club@20 6:club@9", "4:club@20 6:club@9 8:trade@8"),
    ),
    arrived(
        "copies",
        "Makes one version of copies, and none of copies of what the table has",
        (51, "web-8", "3:retail 6:trade", "6:trade 8:club 8:club", "3:retail 6:trade 8:club"),
        (81, "till-8", "3:retail 6:trade@9", "6:club@7 3:retail@12", "3:retail 6:trade@9"),
    ),
    arrived(
        "absent",
        "Leaves customers alone that the batch does not mention",
        (2400, "web-9", "3:retail 5:club", "", "3:retail 5:club"),
        (2402, "till-9", "?", "", "?"),
        (62, "web-60", "7:club", "", "7:club"),
    ),
]
# What another load commits meanwhile: versions, and a member with the next key.
OTHER = [*members(64, "till-62", "4:club 6:trade"), *members(2403, "till-61", "?")]
# What a row of the dimension says, but for its key.
SAID = names_of(DIMENSION)[1:]


def random_customers(rng: random.Random, numbers: range) -> tuple[list[tuple], list[tuple]]:
    """Rows of the dimension for random customers, and updates of theirs at any time."""
    before, given = [], []
    for number in numbers:
        known = rng.sample(range(1, 25), rng.choice([0, 1, 2, 4]))
        said = [f"{day}:{rng.choice(SEGMENTS)}" for day in known[::2]]
        late = [f"{day}:{rng.choice(SEGMENTS)}@{rng.randrange(day, 28)}" for day in known[1::2]]
        waits = not said and rng.random() < 0.5
        before += members(1000 + 10 * number, f"web-{number}", "?" if waits else " ".join(said))
        given += updates_of(f"web-{number}", " ".join(late))
    rng.shuffle(given)
    return before, given


@pytest.fixture(scope="module")
def delivery(seed):
    """Rows of the dimension without special members, and a batch of updates."""
    before, given = random_customers(random.Random(f"customers {seed}"), range(100, 140))
    for case in LOADED:
        before += case.before
        given += case.given
    return before, given


@pytest.fixture(scope="module")
def load(learner, spark, frame, shared_schema):
    """Loads updates into the table of all cases."""
    table = f"{shared_schema}.customers"
    return lambda rows: learner.load_dimension(spark, table, frame(UPDATES, rows))


@pytest.fixture(scope="module")
def first_call(delivery, learner, spark, frame, shared_schema):
    """What a call raised while another load committed, if it did, and its number of commits."""
    before, given = delivery
    table = f"{shared_schema}.customers"
    commits = [Commit("WRITE", before), Commit("MERGE", OTHER)]
    write_commits(spark, table, DIMENSION, commits, key="customer_key", held=1)
    raised = ""
    try:
        learner.load_dimension(spark, table, let_in(frame(UPDATES, given), table))
    except AnswerError as error:
        if error.outcome != "error":
            raise
        raised = error.reason
    return raised, table_version(spark, table).number - len(commits)


@pytest.fixture(scope="module")
def loaded(first_call, delivery, load, spark, shared_schema):
    """The dimension before and after the next call, with the same batch."""
    before = stored_rows(spark, f"{shared_schema}.customers")
    tables = {"customers": (DIMENSION, before)}
    return called(spark, shared_schema, tables, lambda: load(delivery[1]))


@check("load_dimension")
@cases(LOADED)
def test_versions(loaded, case):
    """{case}"""
    mine = {row[1] for row in case.after}
    expected = [row[1:] for row in case.after]
    found = [row for row in loaded.rows["customers"] if row.customer_id in mine]
    assert_rows(found, expected, key=["customer_id", "effective_from"], columns=SAID)


@check("load_dimension", points=2)
def test_random_customers(loaded, delivery):
    """Random customers: each update and each old version is a version, until the next begins"""
    before, given = delivery
    told = {(row[0], row[2]): (row[1], row[3]) for row in given}
    told |= {(row[1], row[3]): (row[2], row[5]) for row in before if not row[6]}
    expected = []
    for (who, start), (segment, known) in told.items():
        later = [time for customer, time in told if customer == who and time > start]
        expected.append((who, segment, start, min(later, default=None), known, False))
    waiting = {row[1] for row in before if row[6]} - {row[0] for row in given}
    expected += [(who, "unknown", None, None, None, True) for who in waiting]
    rows = loaded.rows["customers"]
    found = [row for row in rows if row.customer_id not in (None, *(row[1] for row in OTHER))]
    assert_rows(found, expected, key=["customer_id", "effective_from"], columns=SAID)


@check("load_dimension")
def test_special_members(loaded):
    """Has the two special members, once each, in a table that had none"""
    found = [row for row in loaded.rows["customers"] if row.customer_id is None]
    assert_rows(found, SPECIAL, key="customer_key", columns=DIMENSION)


@check("load_dimension", points=2)
def test_keys_stay(loaded, delivery):
    """Keeps the key of each version and of each inferred member"""
    before, given = delivery
    rows = loaded.rows["customers"]
    found = {(row.customer_id, row.effective_from): row.customer_key for row in rows}
    first: dict[str, datetime] = {}
    for who, _, start, _ in given:
        first[who] = min(start, first.get(who, start))
    for key, who, _, start, *_, is_inferred in before:
        begins = first.get(who) if is_inferred else start
        kept = found.get((who, begins))
        had = "inferred member" if is_inferred else f"version from {start}"
        assert kept == key, (
            f"the {had} of {who} had key {key}, and its row from {begins} now has {kept}. Facts "
            f"that were loaded point to {key}"
        )


def assert_own_keys(rows) -> None:
    """Keys of customers are above 0, and no two rows have the same."""
    wrong = [row for row in rows if row.customer_id and not (row.customer_key or 0) > 0]
    assert not wrong, f"{wrong[0].customer_id} has a row with key {wrong[0].customer_key}"
    counts = Counter(row.customer_key for row in rows)
    key, count = counts.most_common(1)[0]
    who = sorted({str(row.customer_id) for row in rows if row.customer_key == key})
    assert count == 1, f"key {key} is in {count} rows, of {', '.join(who)}: a fact finds them all"


@check("load_dimension")
def test_keys_are_unique(loaded):
    """Gives new versions keys above 0 that no other row has"""
    assert_own_keys(loaded.rows["customers"])


@check("load_dimension")
def test_one_commit_of_the_dimension(first_call, loaded):
    """Changes the dimension in one commit"""
    assert_one_commit(loaded)
    assert first_call[1] <= 1, f"a call made {first_call[1]} commits"


@check("load_dimension", points=2)
def test_dimension_again(loaded, load, delivery):
    """Leaves the dimension as it is when the batch comes again, in another order"""
    assert_replay(loaded, load, delivery[1], key=["customer_id", "effective_from"])


@check("load_dimension")
def test_first_customers(learner, spark, frame, shared_schema):
    """Begins above 0, adds the special member that is missing, and keeps the table's columns"""
    table = f"{shared_schema}.first_customers"
    write_commits(spark, table, DIMENSION, [Commit("WRITE", SPECIAL[1:])])
    given = [*updates_of("web-1", "3:retail"), *updates_of("till-1", "4:club 6:trade")]
    learner.load_dimension(spark, table, frame(UPDATES, given))
    assert_columns(spark.table(table), DIMENSION)
    rows = stored_rows(spark, table)
    special = [row for row in rows if row.customer_id is None]
    assert_rows(special, SPECIAL, key="customer_key", columns=DIMENSION)
    assert_own_keys(rows)


@check("load_dimension", points=2)
def test_two_loads_at_once(first_call, loaded):
    """Loses nothing and shares no key when another load commits in between"""
    raised, commits = first_call
    story = "another load committed till-61 and till-62 while yours read its updates; "
    if raised:
        assert "concurrent" in raised.lower(), f"{story}the call raised {raised}"
        assert commits <= 0, f"{story}the call raised, and had made {commits} commit(s)"
    rows = loaded.rows["customers"]
    here = {(row.customer_id, row.effective_from) for row in loaded.before["customers"]}
    lost = [row for row in rows if (row.customer_id, row.effective_from) not in here]
    assert raised or not lost, f"{story}the call returned, and {len(lost)} of its rows are lost"
    keys, customers = ({row[n] for row in OTHER} for n in (0, 1))
    found = [row for row in rows if row.customer_id in customers]
    try:
        key = ["customer_id", "effective_from"]
        assert_rows(found, [row[1:] for row in OTHER], key=key, columns=SAID)
        assert_own_keys([row for row in rows if row.customer_key in keys])
    except AssertionError as error:
        raise AssertionError(f"{story}afterwards, {error}") from None


# ------------------------------------------------------------------------------------ load_facts

PEOPLE = [
    *SPECIAL,
    *members(11, "web-1", "3:retail 9:trade 15-12:club"),
    *members(17, "till-1", "5:club"),
    *members(8999, "web-9", "2:club"),
    *members(9000, "web-2", "?"),
]


def sold(sale_id: int, customer_id, time: str, amount: str, booked: str, qty: int = 1) -> tuple:
    """A delivery of a sale."""
    return (sale_id, customer_id, sale_id % 7, moment(time), qty, Decimal(amount), moment(booked))


def fact_of(delivery: tuple, key) -> tuple:
    """The row that a delivery makes, with this key."""
    sale_id, customer_id, product_id, sold_at, qty, amount, booked_at = delivery
    return (sale_id, key, customer_id, product_id, sold_at.date(), sold_at, qty, amount, booked_at)


def keyed(name: str, title: str, *sales: tuple) -> Case:
    """New sales, each with the key it must get; a text is the inferred member of this id."""
    given = [sold(*one[:5]) for one in sales]
    after = [fact_of(row, one[5]) for row, one in zip(given, sales, strict=True)]
    return Case(name, title, given=given, after=after)


def booked(name: str, title: str, *sales: tuple[tuple, str, str, str]) -> Case:
    """Deliveries of sales: who and when; amounts and times stored, delivered, and right after.

    An amount of "+2" is the difference that an adjustment has, with quantity 0. A second key is
    that of the stored rows.
    """
    before, given, after = [], [], []
    for (sale_id, who, time, key, *stored_key), *texts in sales:
        old, new, right = (text.split() for text in texts)

        def rows(parts, sale_id=sale_id, who=who, time=time):
            for part in parts:
                amount, when = part.split("@")
                qty = 0 if amount[0] in "+~" else 4
                yield sold(sale_id, who, time, amount.replace("~", "-"), when, qty)

        stored = [fact_of(row, *stored_key or [key]) for row in rows(old)]
        before += stored
        given += rows(new)
        kept = [row for row in stored if stored_key]
        after += kept + [fact_of(row, key) for row in rows(right[len(kept) :])]
    return Case(name, title, before, given, after)


KEYED = [
    keyed(
        "in_a_version",
        "Gives a sale the version of its customer that was valid when it was sold",
        (21, "web-1", "4", "10.00", "4-20", 11),
        (22, "web-1", "10", "10.00", "10-20", 12),
        (23, "web-1", "27", "10.00", "27-20", 13),
    ),
    keyed(
        "at_a_change",
        "Gives a sale at the instant of a change the version that begins there, and only that",
        (31, "web-1", "9", "10.00", "9-20", 12),
        (32, "web-1", "15-12", "10.00", "15-20", 13),
    ),
    keyed(
        "before_all",
        "Gives a sale before the first version of its customer the first version",
        (41, "web-1", "1", "10.00", "1-20", 11),
        (42, "till-1", "2", "10.00", "2-20", 17),
    ),
    keyed(
        "special",
        "Gives -2 without a customer, and -1 for an id that is not valid",
        (51, None, "4", "10.00", "4-20", -2),
        (52, "N/A", "4", "10.00", "4-20", -1),
        (53, "", "4", "10.00", "4-20", -1),
        (54, "web-", "4", "10.00", "4-20", -1),
        (55, "WEB-1", "4", "10.00", "4-20", -1),
        (56, "web-1x", "4", "10.00", "4-20", -1),
        (57, " web-1", "4", "10.00", "4-20", -1),
        (58, "web-1 ", "4", "10.00", "4-20", -1),
    ),
    keyed(
        "inferred",
        "Gives sales of an unknown customer the key of its one inferred member",
        (61, "web-50", "4", "10.00", "4-20", "web-50"),
        (62, "web-50", "9", "11.00", "9-20", "web-50"),
        (63, "till-50", "4", "12.00", "4-20", "till-50"),
        (64, "web-2", "4", "13.00", "4-20", 9000),
    ),
    keyed(
        "late_and_returned",
        "Loads returns, sales for nothing, sales of long ago and sales that look alike",
        (71, "web-9", "6", "-10.00", "6-20", 8999),
        (72, "web-9", "2", "10.00", "28-20", 8999),
        (79, "web-9", "2", "10.00", "28-20", 8999),
        (73, "web-9", "6", "0.00", "6-20", 8999),
    ),
]
ADJUSTED = [
    booked(
        "differences",
        "adjust: makes a row of each later amount of a sale that differs, with the difference",
        (
            (81, "web-1", "4", 11),
            "",
            "12.00@21 10.00@20 9.50@24 12.00@23",
            "10.00@20 +2.00@21 ~2.50@24",
        ),
        ((82, "web-1", "4", 11), "10.00@20", "7.00@22", "10.00@20 ~3.00@22"),
        ((83, "web-1", "4", 11), "10.00@20 +2.00@21", "10.00@22", "10.00@20 +2.00@21 ~2.00@22"),
        ((77, "web-9", "old", 8999), "10.00@old", "7.00@22", "10.00@old ~3.00@22"),
        ((89, "web-1", "4", 11), "", "10.00@20 12.00@21 10.00@22", "10.00@20 +2.00@21 ~2.00@22"),
    ),
    booked(
        "stored_key",
        "adjust: gives a later row the key of its version, and leaves that of stored rows",
        ((80, "web-1", "10", 12, 11), "10.00@20", "7.00@22", "10.00@20 ~3.00@22"),
    ),
    booked(
        "same_amount",
        "adjust: makes no row of a later delivery with the same amount",
        ((84, "web-1", "4", 11), "10.00@20", "10.00@22", "10.00@20"),
        ((85, "web-1", "4", 11), "10.00@20 +2.00@21", "12.00@23", "10.00@20 +2.00@21"),
        ((86, "web-1", "4", 11), "", "5.00@20 5.00@21", "5.00@20"),
    ),
    booked(
        "older",
        "adjust: ignores copies, and deliveries older than the newest stored row",
        ((87, "web-1", "4", 11), "10.00@20", "8.00@19 10.00@20", "10.00@20"),
        ((88, "web-1", "4", 11), "10.00@20 +2.00@24", "11.00@22 10.00@20", "10.00@20 +2.00@24"),
        ((98, "web-1", "4", 11), "10.00@20", "8.00@19 12.00@22", "10.00@20 +2.00@22"),
        ((99, "web-1", "4", 11), "10.00@20", "8.00@19 10.00@22", "10.00@20"),
    ),
]
RESTATED = [
    booked(
        "newest",
        "restate: has one row of a sale, with amount and time of the last delivery",
        ((91, "web-1", "4", 11), "", "12.00@21 9.50@24 10.00@20", "9.50@24"),
        ((92, "web-1", "4", 11), "10.00@20", "7.00@22 8.00@21", "7.00@22"),
        ((93, "web-1", "4", 11), "10.00@20", "10.00@22", "10.00@22"),
        ((97, "web-1", "4", 11), "", "10.00@20 12.00@21 10.00@22", "10.00@22"),
    ),
    booked(
        "older_again",
        "restate: ignores copies, and deliveries older than the stored row",
        ((96, "web-1", "4", 11), "10.00@20", "8.00@19", "10.00@20"),
        ((94, "web-1", "4", 11), "10.00@20", "8.00@19 10.00@20", "10.00@20"),
    ),
    booked(
        "untouched",
        "restate: leaves sales alone that were not delivered",
        ((95, "web-9", "4", 8999), "10.00@20", "", "10.00@20"),
    ),
]


def right_key(people: list[tuple], customer_id: str, time: datetime):
    """The key of the version valid at a time; the first one before; the id where none is known."""
    mine = sorted((row for row in people if row[1] == customer_id), key=lambda row: str(row[3]))
    begun = [row for row in mine if row[3] and row[3] <= time]
    return (begun[-1:] or mine[:1] or [(customer_id,)])[-1][0]


@pytest.fixture(scope="module")
def market(seed):
    """Random people, sales of theirs, and the facts that these must make."""
    rng = random.Random(f"market {seed}")
    people = random_customers(rng, range(200, 225))[0]
    # A key that is in use, one above the number of rows.
    people += members(len(PEOPLE) + len(people) + 2, "web-225", "2:retail")
    rows = []
    for number in range(120):
        time = f"{rng.randrange(1, 28)}-{rng.randrange(24)}"
        amount = f"{rng.randrange(-900, 9000) / 100:.2f}"
        rows.append(sold(1000 + number, f"web-{rng.randrange(200, 228)}", time, amount, "28"))
    return people, rows, [fact_of(row, right_key(people, row[1], row[3])) for row in rows]


@pytest.fixture(scope="module")
def sales(market):
    """All sales that are loaded in mode adjust, copies among them."""
    rows = [row for case in [*KEYED, *ADJUSTED] for row in case.given] + market[1]
    rows += rows[::9]
    random.Random(5).shuffle(rows)
    return rows


@pytest.fixture(scope="module")
def adjust(learner, spark, frame, shared_schema):
    """Loads sales in mode adjust."""
    fact, people = f"{shared_schema}.facts", f"{shared_schema}.people"
    return lambda rows: learner.load_facts(spark, fact, people, frame(SALES, rows), "adjust")


@pytest.fixture(scope="module")
def adjusted(market, sales, adjust, spark, shared_schema):
    """Facts and dimension before and after a load in mode adjust."""
    facts = [row for case in ADJUSTED for row in case.before]
    tables = {"facts": (FACTS, facts), "people": (DIMENSION, PEOPLE + market[0])}
    for name, (ddl, rows) in tables.items():
        key = names_of(ddl) if name == "facts" else ""
        write_commits(spark, f"{shared_schema}.{name}", ddl, [Commit("WRITE", rows)], key=key)
    return called(spark, shared_schema, tables, lambda: adjust(sales))


@pytest.fixture(scope="module")
def restated(adjusted, learner, spark, frame, shared_schema):
    """Facts before and after a load in mode restate; the dimension knows all customers."""
    given = [row for case in RESTATED for row in case.given]
    given += given[:2]
    before = [row for case in RESTATED for row in case.before]
    tables = {"restated": (FACTS, before), "people": (DIMENSION, adjusted.rows["people"])}
    fact, people = f"{shared_schema}.restated", adjusted.tables["people"]
    write_commits(spark, fact, FACTS, [Commit("WRITE", before)])

    def call():
        learner.load_facts(spark, fact, people, frame(SALES, given), "restate")

    return called(spark, shared_schema, tables, call)


def assert_facts(run, name: str, expected: list[tuple]) -> None:
    """The sales of these rows have these rows; a text in place of a key is the id's own member."""
    ids = {row[0] for row in expected}
    found = [row for row in run.rows[name] if row.sale_id in ids]
    own = {row.customer_id: row.customer_key for row in run.rows["people"] if row.is_inferred}
    right = [(row[0], own.get(row[1], row[1]), *row[2:]) for row in expected]
    assert_rows(found, right, key=["sale_id", "booked_at"], columns=FACTS)


@check("load_facts")
@cases([*KEYED, *ADJUSTED])
def test_facts(adjusted, case):
    """{case}"""
    assert_facts(adjusted, "facts", case.after)


@check("load_facts")
@cases(RESTATED)
def test_restated_facts(restated, case):
    """{case}"""
    assert_facts(restated, "restated", case.after)


@check("load_facts", points=2)
def test_random_sales(adjusted, market):
    """Random sales: each is there once, with the key of its time and the amount it was sold for"""
    assert_facts(adjusted, "facts", market[2])


@check("load_facts", points=2)
def test_inferred_members(adjusted, sales):
    """Adds one inferred member for each unknown customer, and changes no other row"""
    old = adjusted.before["people"]
    known = {row.customer_id for row in old}
    unknown = {row[1] for row in sales if re.fullmatch("(web|till)-[0-9]+", row[1] or "")}
    new = [row for row in adjusted.rows["people"] if row.customer_id not in known]
    expected = [members(0, who, "?")[0][1:] for who in sorted(unknown - known)]
    assert_rows(new, expected, key="customer_id", columns=SAID)
    assert_own_keys(adjusted.rows["people"])
    kept = [row for row in adjusted.rows["people"] if row.customer_id in known]
    assert_rows(kept, old, key="customer_key", columns=DIMENSION)


@check("load_facts")
def test_one_commit_a_table(adjusted, restated):
    """Changes each table in one commit"""
    assert_one_commit(adjusted)
    assert_one_commit(restated)


@check("load_facts")
def test_a_dimension_that_knows_all(restated):
    """Writes nothing to a dimension that knows all customers"""
    assert_untouched(restated, tables=["people"], story="all customers of the sales were known")


@check("load_facts", points=2)
def test_facts_again(adjusted, adjust, sales):
    """Changes no row when the same sales come again"""
    assert_replay(adjusted, adjust, sales)


# ----------------------------------------------------------------------------------- repair_keys

SINCE = moment("20-20.5")
# Versions that are told at that moment or later are those that the repair is about.
MOVED = [
    *SPECIAL,
    *(
        (*row[:5], SINCE, False) if row[0] == 12 else row
        for row in members(11, "web-1", "3:retail 5:club@20 8:trade")
    ),
    *members(21, "web-2", "4:club@21 7:trade@21"),
    *members(31, "web-3", "3:retail 6:trade"),
    *members(41, "web-4", "3:retail"),
    *members(51, "web-5", "2:trade@22 6:club"),
    *members(61, "web-6", "?"),
    *members(71, "web-7", "3:retail 6:club@20"),
]


def pointing(name: str, title: str, *facts: tuple) -> Case:
    """Facts from sale, customer, time, the key that it has, and the one that it must have."""
    before, after = [], []
    for number, (sale_id, who, time, old, new) in enumerate(facts):
        row = sold(sale_id, who, time, "10.00", f"{25 + number}")
        before.append(fact_of(row, old))
        after.append(fact_of(row, new))
    return Case(name, title, before, after=after)


POINTED = [
    pointing(
        "late_version",
        "Points facts to a version that came late, from its start until the next begins",
        (1, "web-1", "4", 11, 11),
        (2, "web-1", "5", 11, 12),
        (3, "web-1", "6", 11, 12),
        (4, "web-1", "8", 13, 13),
        (5, "web-1", "4-8", 13, 11),
    ),
    pointing(
        "completed",
        "Points facts of a completed member to the version of their time",
        (11, "web-2", "3", 21, 21),
        (12, "web-2", "6", 21, 21),
        (13, "web-2", "9", 21, 22),
    ),
    pointing(
        "before_all",
        "Points facts to a new first version, and those before it as well",
        (21, "web-5", "1", 52, 51),
        (22, "web-5", "2-12", 52, 51),
    ),
    pointing(
        "adjusted",
        "Points all rows of a sale to the same version",
        (31, "web-1", "6-8", 11, 12),
        (31, "web-1", "6-8", 11, 12),
        (31, "web-1", "6-8", 12, 12),
    ),
    pointing(
        "others",
        "Leaves facts of customers alone without a version that became known since then",
        (41, "web-3", "7", 31, 31),
        (42, "web-4", "7", 41, 41),
        (43, "web-6", "7", 61, 61),
        (44, None, "6", -2, -2),
        (45, "N/A", "6", -1, -1),
        (46, "web-7", "7", 71, 71),
    ),
]


@pytest.fixture(scope="module")
def crowd(seed):
    """Random people, facts of theirs with keys of any version, and the facts as they must be."""
    rng = random.Random(f"crowd {seed}")
    people, facts, right = [], [], []
    for number in range(300, 330):
        days = rng.sample(range(1, 19), rng.choice([1, 2, 3]))
        told = " ".join(f"{day}:{rng.choice(SEGMENTS)}@{rng.randrange(day, 28)}" for day in days)
        mine = members(1000 + 10 * number, f"web-{number}", told)
        people += mine
        for sale in range(4):
            time = f"{rng.randrange(11, 15)}-{rng.randrange(24)}"
            row = sold(100 * number + sale, f"web-{number}", time, f"{rng.randrange(99)}.50", "26")
            old = rng.choice(mine)[0]
            is_repaired = any(version[5] >= SINCE for version in mine)
            new = right_key(mine, row[1], row[3]) if is_repaired else old
            facts.append(fact_of(row, old))
            right.append(fact_of(row, new))
    return people, facts, right


@pytest.fixture(scope="module")
def to_repair(spark, frame, crowd, shared_schema):
    """The table of facts to repair, and the rows of each of its files.

    A day has one file; one day has a second, with an adjustment whose key is right.
    """
    table = f"{shared_schema}.facts_to_repair"
    facts = [row for case in POINTED for row in case.before] + crowd[1]
    apart = [row for row in facts if row[:2] == (31, 12)]
    rest = [row for row in facts if row not in apart]
    make_table(spark, table, FACTS, rest, partition_by="day")
    frame(FACTS, apart).coalesce(1).write.insertInto(table)
    files: dict[str, set[tuple]] = defaultdict(set)
    for *row, file in spark.table(table).select("*", "_metadata.file_name").collect():
        files[file].add(tuple(row))
    return table, files


@pytest.fixture(scope="module")
def repaired(learner, spark, crowd, to_repair, shared_schema):
    """Facts before and after a repair."""
    tables = {"facts_to_repair": to_repair[0], "moved": (DIMENSION, MOVED + crowd[0])}
    return run_tables(
        spark,
        tables,
        lambda names: learner.repair_keys(spark, names["facts_to_repair"], names["moved"], SINCE),
        schema=shared_schema,
    )


def assert_repaired(run, expected: list[tuple]) -> None:
    ids = {row[0] for row in expected}
    found = [row for row in run.rows["facts_to_repair"] if row.sale_id in ids]
    assert_rows(found, expected, key=["sale_id", "booked_at"], columns=FACTS)


@check("repair_keys")
@cases(POINTED)
def test_keys_after_a_repair(repaired, case):
    """{case}"""
    assert_repaired(repaired, case.after)


@check("repair_keys", points=2)
def test_random_repairs(repaired, crowd):
    """Random facts: each has the key of its time, and no row or amount was lost"""
    assert_repaired(repaired, crowd[2])


@check("repair_keys", points=2)
def test_files_of_a_repair(repaired, to_repair):
    """Removes only files that hold a fact with a wrong key, in one commit"""
    assert_one_commit(repaired, tables=["facts_to_repair"])
    rows = {
        name: {tuple(row) for row in found["facts_to_repair"]}
        for name, found in (("before", repaired.before), ("after", repaired.rows))
    }
    wrong = rows["before"] - rows["after"]
    for path in sorted(repaired.changes["facts_to_repair"].removed):
        day, _, file = path.partition("/")
        assert wrong & to_repair[1][file], (
            f"a file of {day} was removed, and no fact in it had a wrong key. On a large table "
            "such files are the cost of a full rewrite"
        )
    assert_untouched(repaired, tables=["moved"], story="a repair changes facts alone")


@check("repair_keys")
def test_a_second_repair(repaired, learner, spark):
    """Writes nothing when no key is wrong"""

    def call(_):
        names = repaired.tables
        learner.repair_keys(spark, names["facts_to_repair"], names["moved"], SINCE)

    facts = ["facts_to_repair"]
    second = assert_replay(repaired, call, [], key=["sale_id", "booked_at"], tables=facts)
    assert_nothing_written(second, tables=facts, story="no fact had a wrong key")


# --------------------------------------------------------------------------------------- revenue

MOMENTS = {"A": at(10, 20), "B": at(20, 20), "C": at(25, 20), "D": moment("11-20.5")}


def asked(name: str, title: str, people: list, facts: str, day: int, **right: str) -> Case:
    """Facts of a day, "web-1 10.00@4-20", and what a report of it says at each moment."""
    rows: list[tuple] = []
    sales: list[tuple] = []
    for number, part in enumerate(facts.split()):
        who, hour, paid = part.split("/")
        amount, when = paid.split("@")
        if (is_new := (who, hour) not in sales):
            sales.append((who, hour))
        sale_id = 100 * day + sales.index((who, hour))
        time = f"{day}-{hour}"
        row = sold(sale_id, None if who == "-" else who, time, amount, when, int(is_new))
        # The keys are those of anybody: what is known today is not asked.
        rows.append(fact_of(row, number % 3 + 1))
    after = [
        (when, date(2025, 4, day), segment, Decimal(amount))
        for when, text in right.items()
        for segment, amount in (one.split(":") for one in text.replace("_", " ").split(","))
    ]
    known = [row for one in people for row in members(*one)]
    return Case(name, title, before=known, given=rows, after=after)


ASKED = [
    asked(
        "booked",
        "Counts what was booked at the moment or before it, adjustments as well",
        [(11, "web-1", "1:retail")],
        "web-1/9/10.00@4 web-1/9/5.00@10-20 web-1/9/2.00@15 web-1/9/7.00@22 web-1/9/-4.00@25-20 "
        "web-1/9/1.00@11-20.5",
        3,
        A="retail:15.00",
        D="retail:16.00",
        B="retail:18.00",
        C="retail:21.00",
    ),
    asked(
        "known_later",
        "Says unknown until a version of the customer is known, at that moment as well",
        [(21, "web-2", "2:club@20"), (22, "web-3", "2:trade@21"), (23, "till-2", "2:club@10")],
        "web-2/9/10.00@4-20 web-3/9/20.00@4-20 till-2/9/40.00@4-20",
        4,
        A="unknown:30.00,club:40.00",
        B="club:50.00,unknown:20.00",
        C="club:50.00,trade:20.00",
    ),
    asked(
        "announced",
        "Counts a version that was known and begins later than the moment",
        [(81, "web-10", "28:club@4")],
        "web-10/9/10.00@5-20",
        10,
        A="club:10.00",
    ),
    asked(
        "cut_later",
        "Has a version last until the next that was known begins",
        [(31, "web-4", "1:retail 3:club@15 4:trade@23 9:trade")],
        "web-4/9/10.00@5-20",
        5,
        A="retail:10.00",
        B="club:10.00",
        C="trade:10.00",
    ),
    asked(
        "at_a_change",
        "Finds the version that begins when a sale is sold, and only that",
        [(41, "web-5", "2:retail 6:club")],
        "web-5/0/10.00@6-20",
        6,
        A="club:10.00",
        B="club:10.00",
    ),
    asked(
        "before_all",
        "Gives a sale before the first version that was known that version",
        [(51, "web-6", "6:trade@12 8:club@9 9:retail@9")],
        "web-6/9/10.00@7-20",
        7,
        A="club:10.00",
        B="trade:10.00",
    ),
    asked(
        "special",
        "Says not applicable without a customer, and unknown without a valid id or a version",
        [(61, "web-7", "?")],
        "-/9/10.00@8-20 N_A/9/20.00@8-20 web-7/9/40.00@8-20 web-99/9/80.00@8-20",
        8,
        A="not_applicable:10.00,unknown:140.00",
        C="not_applicable:10.00,unknown:140.00",
    ),
    asked(
        "zero",
        "Keeps a segment whose amounts cancel out",
        [(71, "web-8", "1:retail")],
        "web-8/9/10.00@9-20 web-8/10/-10.00@9-20",
        9,
        A="retail:0.00",
        B="retail:0.00",
    ),
]


@pytest.fixture(scope="module")
def reports(learner, spark, shared_schema):
    """The reports of two tables at each moment."""
    people = [*members(1, "till-1", "1:retail"), *members(2, "till-3", "1:club")]
    people += [*members(3, "till-4", "1:trade"), *SPECIAL]
    tables = {
        "all_facts": (FACTS, [row for case in ASKED for row in case.given]),
        "customers_now": (DIMENSION, people + [row for case in ASKED for row in case.before]),
    }

    def call(names):
        told = {"facts": names["all_facts"], "customers": names["customers_now"]}
        answers = {name: learner.revenue(spark, told, time) for name, time in MOMENTS.items()}
        for answer in answers.values():
            assert_columns(answer, REVENUE)
        return {name: collect(answer) for name, answer in answers.items()}

    return run_tables(spark, tables, call, schema=shared_schema).result


@check("revenue")
@cases(ASKED)
def test_reports(reports, case):
    """{case}"""
    day = case.given[0][4]
    for name in {row[0] for row in case.after}:
        found = [row for row in reports[name] if row.day == day]
        right = [row[1:] for row in case.after if row[0] == name]
        try:
            assert_rows(found, right, key=["day", "segment"], columns=REVENUE)
        except AssertionError as error:
            raise AssertionError(f"as known at {MOMENTS[name]}: {error}") from None


# ------------------------------------------------------------------------------ conformed_report

TEAM = [
    *SPECIAL,
    *members(1, "web-1", "3:retail 9:trade"),
    *members(4, "web-2", "3:retail"),
    *members(5, "web-3", "3:club"),
    *members(6, "web-4", "3:vip"),
    *members(7, "web-5", "?"),
    *members(8, "web-6", "3:guest"),
    *members(9, "web-7", "3:staff"),
]
PAID = {1: ["10.00", "10.00", "-3.00"], 4: ["7.00"], 2: ["4.50"], None: ["2.00"], 99: ["1.00"]}
PAID |= {-1: ["3.00"], -2: ["8.00"], 7: ["0.50"], 8: ["6.00", "-6.00"]}
CALLED = {1: [4, 6, 6], 5: [9], None: [2], 98: [5], 9: [0]}
JOINED = [
    Case(
        "each_once",
        "Counts each sale and each call once, however many the customer has of both",
        after=[("retail", Decimal("24.00"), 16)],
        points=2,
    ),
    Case(
        "one_side",
        "Has segments that only one of the two fact tables knows, with 0 for the other",
        after=[("trade", Decimal("4.50"), 0), ("club", Decimal(0), 9)],
    ),
    Case(
        "no_member",
        "Counts facts without a member for unknown, and those without a customer apart",
        after=[("unknown", Decimal("6.50"), 7), ("not applicable", Decimal("8.00"), 0)],
    ),
    Case(
        "zeros",
        "Has a segment whose sales cancel out, and one whose calls took no time",
        after=[("guest", Decimal(0), 0), ("staff", Decimal(0), 0)],
    ),
    Case("nobody", "Has no row of a segment without facts", given=["vip"]),
]


@pytest.fixture(scope="module")
def conformed(learner, frame):
    """The report of all cases."""
    rows = [
        fact_of(sold(10 * number, None, "9", amount, f"{9 + n}-20"), key)
        for number, (key, amounts) in enumerate(PAID.items())
        for n, amount in enumerate(amounts)
    ]
    calls = [
        (10 * number + n, key, at(9), minutes)
        for number, (key, all_minutes) in enumerate(CALLED.items())
        for n, minutes in enumerate(all_minutes)
    ]
    sales, team = frame(FACTS, rows), frame(DIMENSION, TEAM)
    answer = learner.conformed_report(sales, frame(CALLS, calls), team)
    assert_columns(answer, REPORT)
    return collect(answer)


@check("conformed_report")
@cases(JOINED)
def test_segments(conformed, case):
    """{case}"""
    mine = {row[0] for row in case.after} | set(case.given)
    found = [row for row in conformed if row.segment in mine]
    assert_rows(found, case.after, key="segment", columns=REPORT)

"""Checks of lab 02: hand-made products for readable reasons, seeded histories for invariants."""

import random
import re
from datetime import datetime, timedelta

import pytest

from labkit.checks import (
    Case,
    History,
    assert_columns,
    assert_frame,
    assert_one_commit,
    assert_replay,
    assert_rows,
    cases,
    check,
    collect,
    run_tables,
)

HINTS = {
    "changed_rows": [
        "Turn it round: which rows are *not* wanted?",
        "`!=` with a null on either side is null, and a null condition keeps nothing. Spark has an "
        "equality that is never null: `eqNullSafe`, in SQL `<=>`.",
        "A `left_anti` join keeps the rows of updates that find no partner. A partner is an open "
        "row of the same product with the same three values.",
    ],
    "apply_scd2": [
        "First decide which rows count. Then put the open version in front of its product's rows, "
        "as the first of a sequence.",
        "`lag` over the sequence tells which rows change something; among those that do, `lead` "
        "is where each version ends. In which order do you filter and look?",
        "A version is known by product_id and effective_from. A MERGE on these two finds the "
        "version to close and inserts the rest.",
    ],
    "apply_late": [
        "Forget intervals for a moment: a history is a list of (time, values). What does a "
        "correction do to such a list?",
        "Drop every entry that says the same as the one before it; each of the others ends where "
        "the next begins. Do that for all versions of the batch's products.",
        "Some versions disappear when neighbours turn out equal. A MERGE source can carry rows "
        "that say `delete me`.",
    ],
    "as_of": [
        "When does a version end that has a null there?",
        "Every fact comes back exactly once: which join keeps a fact without a partner, and where "
        "must the condition on time stand?",
    ],
}

UPDATES = "product_id long, name string, category string, price double, updated_at timestamp"
DIMENSION = (
    "product_id long, name string, category string, price double, "
    "effective_from timestamp, effective_to timestamp, is_current boolean"
)
PRODUCTS = History(
    key="product_id",
    values=["name", "category", "price"],
    start="effective_from",
    end="effective_to",
    current="is_current",
)
history = PRODUCTS.versions


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2025, 5, 1) + timedelta(days=number - 1, hours=hour)


def batch(product_id: int, *points: tuple) -> list[tuple]:
    """Update rows of a product from (time, (name, category, price))."""
    return [(product_id, *values, time) for time, values in points]


# ---------------------------------------------------------------------------------- changed_rows

LAMP, TRAY, SHELF = ("Oak lamp", "office", 20.0), ("Oak tray", None, 30.0), ("Shelf", "home", 4.0)
NOTHING = (None, None, None)


def compared(name: str, title: str, *products: tuple, returned=True, since: int = 5) -> Case:
    """A case from a line a product: what its open version says, if it has one, and its update."""
    before = [(product, *old, day(1), None, True) for product, old, _ in products if old]
    given = [(product, *new, day(since)) for product, _, new in products]
    return Case(name, title, before, given, given if returned else [])


COMPARED = [
    compared(
        "new_or_changed",
        "Returns new products, and those with another name, category or price",
        (1, None, ("Cork clock", "office", 9.0)),
        (2, LAMP, ("Oak lamp (v2)", "office", 20.0)),
        (3, LAMP, ("Oak lamp", "living", 20.0)),
        (4, LAMP, ("Oak lamp", "office", 25.0)),
        (5, None, NOTHING),
    ),
    compared(
        "unchanged",
        "Drops an update that says what the open version says already, nulls included",
        (11, LAMP, LAMP),
        (12, TRAY, TRAY),
        (13, NOTHING, NOTHING),
        returned=False,
    ),
    compared(
        "null_changes",
        "Sees a change from null to a value and back, even to an empty text or 0",
        (21, LAMP, ("Oak lamp", None, 20.0)),
        (22, TRAY, ("Oak tray", "", 30.0)),
        (23, ("Oak jar", "garden", None), ("Oak jar", "garden", 0.0)),
        (24, NOTHING, (None, None, 5.0)),
        (25, ("Oak stool", "office", 0.0), ("Oak stool", "office", None)),
    ),
    compared(
        "small_changes",
        "Sees a blank at the end, a capital letter and a fraction of a cent",
        (31, LAMP, ("Oak lamp ", "office", 20.0)),
        (32, LAMP, ("Oak lamp", "Office", 20.0)),
        (33, LAMP, ("Oak lamp", "office", 20.001)),
    ),
    compared(
        "moved_values",
        "Sees values that only moved from one column to another",
        (41, ("lamp", None, 1.0), (None, "lamp", 1.0)),
        (43, ("oak|jar", "home", 1.0), ("oak", "jar|home", 1.0)),
    ),
    compared(
        "other_products",
        "Keeps a product that now looks exactly like another product",
        (51, LAMP, SHELF),
        (52, SHELF, LAMP),
    ),
    compared(
        "older",
        "Returns a change also if it is older than the open version: times are not compared",
        (61, LAMP, SHELF),
        since=-1,
    ),
]


@pytest.fixture(scope="module")
def returned(learner, frame):
    """The rows that come back of the updates of all cases."""
    current = frame(DIMENSION, [row for case in COMPARED for row in case.before])
    updates = frame(UPDATES, [row for case in COMPARED for row in case.given])
    answer = learner.changed_rows(current, updates)
    assert_columns(answer, UPDATES)
    return collect(answer)


@check("changed_rows")
@cases(COMPARED)
def test_updates_that_come_back(returned, case):
    """{case}"""
    mine = {row[0] for row in case.given}
    found = [row for row in returned if row.product_id in mine]
    assert_rows(found, case.after, key="product_id", columns=UPDATES)


# ------------------------------------------------------------------------ apply_scd2, apply_late

A, B, C = (
    ("Copper kettle", "kitchen", 10.0),
    ("Copper kettle", "kitchen", 12.0),
    ("Kettle", None, 12.0),
)
NO_CATEGORY, NO_PRICE = ("Copper kettle", None, 10.0), ("Copper kettle", None, None)
ALIKE = [(name, place, price) for name in "xy" for place in ("k", None) for price in (1.0, None)]

VALUES = {"A": A, "B": B, "C": C, "N": NO_CATEGORY, "P": NO_PRICE, "0": NOTHING}


def moment(text: str) -> datetime | None:
    """10 May, 12:00, is "10-12", and no time is "?"."""
    return None if text == "?" else day(*map(int, text.split("-")))


def points_of(text: str) -> list[tuple]:
    """Times with values: "1:A 10-12:C" is A from 1 May on, and C from the 10th, 12:00."""
    pairs = [part.split(":") for part in text.split()]
    return [(moment(time), VALUES[name]) for time, name in pairs]


def hand_made(name: str, title: str, *products: tuple[int, str, str, str], points: int = 1) -> Case:
    """A case from a line a product: versions before, updates in the batch, versions after."""
    before, given, after = [], [], []
    for product_id, *texts in products:
        old, new, right = map(points_of, texts)
        before += history(product_id, *old)
        given += batch(product_id, *new)
        after += history(product_id, *right)
    return Case(name, title, before, given, after, points)


SCD2 = [
    hand_made(
        "a_change",
        "Closes the open version where the new one begins, and leaves closed versions alone",
        (1, "1:A 3:B", "10:C", "1:A 3:B 10:C"),
    ),
    hand_made(
        "null_changes",
        "Makes a version of a change from or to null, and none of null to null",
        (2, "1:N", "10:A", "1:N 10:A"),
        (3, "1:A", "10:N", "1:A 10:N"),
        (4, "1:P", "10:P", "1:P"),
    ),
    hand_made(
        "every_change",
        "Makes a version of every change in a batch, in order of time, also when a value returns",
        (5, "1:A", "10-12:C 10-8:B 10-12:C 10-18:P", "1:A 10-8:B 10-12:C 10-18:P"),
        (6, "1:A", "11:A 10:B", "1:A 10:B 11:A"),
        (10, "", "10:A 12:B", "10:A 12:B"),
        (12, "", "10:0 12:B", "10:0 12:B"),
        points=2,
    ),
    hand_made(
        "no_change",
        "Makes no version of an update that repeats what the version before it says",
        (11, "1:A", "10:A 12:B 11:B", "1:A 11:B"),
    ),
    hand_made(
        "absent_products",
        "Leaves products alone that the batch doesn't mention",
        (7, "1:B 2:A", "", "1:B 2:A"),
    ),
    hand_made(
        "not_newer",
        "Ignores rows that are not newer than their product's open version",
        (8, "1:A 9:B", "5:C 9:A", "1:A 9:B"),
        (9, "9:A", "5:B 10:A", "9:A"),
    ),
]
LATE = [
    hand_made(
        "splits",
        "Splits the version that was valid at the time of the correction; "
        "the correction lasts until the next version",
        (1, "1:A 5:C", "3:B", "1:A 3:B 5:C"),
        points=2,
    ),
    hand_made(
        "before_all_versions",
        "Puts a correction before the first version in front of it",
        (2, "5:A", "2:B", "2:B 5:A"),
    ),
    hand_made(
        "at_a_start",
        "Replaces the values of a version that begins at the time of the correction, "
        "closed or open",
        (3, "1:A 5:B 9:C", "5:N", "1:A 5:N 9:C"),
        (11, "1:A 5:B", "5:C", "1:A 5:C"),
    ),
    hand_made(
        "becomes_equal",
        "Joins versions that say the same after a correction, from the earlier start on",
        (4, "1:A 5:B 9:A", "5:A", "1:A"),
        (5, "1:A 5:B", "3:B", "1:A 3:B"),
        (6, "1:A 5:B", "3:A", "1:A 5:B"),
        (7, "5:A", "2:A", "2:A"),
        points=2,
    ),
    hand_made(
        "all_kinds",
        "Takes new products, newer updates and several corrections of a product in one batch",
        (8, "1:A 5:N", "3:N 7:P", "1:A 3:N 7:P"),
        (9, "1:A 5:B", "8:C 3:C 3:C 4:A", "1:A 3:C 4:A 5:B 8:C"),
        (10, "", "12:B 10:0", "10:0 12:B"),
        (13, "1:A", "9:B", "1:A 9:B"),
    ),
    hand_made(
        "absent_products",
        "Leaves products alone that the batch doesn't mention",
        (12, "1:A 5:B", "", "1:A 5:B"),
    ),
]
CASES = {"apply_scd2": SCD2, "apply_late": LATE}


def random_history(rng: random.Random, products: range) -> tuple[list[tuple], list[tuple]]:
    """Histories of these products, and a batch of updates of any time, doubled rows included."""
    before, rows = [], []
    for product_id in products:
        points: list[tuple] = []
        for hour in sorted(rng.sample(range(100), rng.choice([0, 1, 2, 3, 5]))):
            values = rng.choice([one for one in ALIKE if not points or one != points[-1][1]])
            points.append((day(1, hour), values))
        before += history(product_id, *points)
        hours = [int((time - day(1)).total_seconds() // 3600) for time, _ in points]
        some = rng.sample(range(140), rng.choice([0, 1, 2, 4])) if rng.random() < 0.8 else []
        if hours and some and rng.random() < 0.3:
            some.append(rng.choice(hours))
        for hour in sorted(set(some)):
            values = (
                rng.choice(ALIKE) if not points or rng.random() < 0.6 else rng.choice(points)[1]
            )
            rows += batch(product_id, (day(1, hour), values)) * rng.choice([1, 1, 1, 2])
    rng.shuffle(rows)
    return before, rows


@pytest.fixture(scope="module")
def delivery(task, seed):
    """Rows of a table and of a batch: hand-made products, and two hundred random ones."""
    before, rows = random_history(random.Random(f"{task} {seed}"), range(1000, 1200))
    for case in CASES[task]:
        before += case.before
        rows += case.given
    return before, rows


@pytest.fixture(scope="module")
def apply(task, learner, spark, frame, shared_schema):
    """Calls the task's function on a batch of these rows."""
    table = f"{shared_schema}.products"
    return lambda rows: getattr(learner, task)(spark, table, frame(UPDATES, rows))


@pytest.fixture(scope="module")
def run(delivery, apply, spark, shared_schema):
    """The table before and after one batch."""
    before, rows = delivery
    tables = {"products": (DIMENSION, before)}
    return run_tables(spark, tables, lambda names: apply(rows), schema=shared_schema)


def assert_products(run, case: Case) -> None:
    """The products of a case have the versions that it says."""
    mine = {row[0] for row in [*case.before, *case.given]}
    found = [row for row in run.rows["products"] if row.product_id in mine]
    assert_rows(found, case.after, key=PRODUCTS.version_key, columns=PRODUCTS.columns)


@check("apply_scd2")
@cases(SCD2)
def test_products_after_a_batch(run, case):
    """{case}"""
    assert_products(run, case)


@check("apply_late")
@cases(LATE)
def test_products_after_corrections(run, case):
    """{case}"""
    assert_products(run, case)


INVARIANTS = [
    Case("one_current", "one current version a product"),
    Case("current_is_open", "a version is current if it has no end, and only then"),
    Case("no_overlap", "no two versions of a product overlap"),
    Case("no_gap", "each version ends where the next begins"),
    Case("no_equal_neighbours", "no version says the same as the one before it"),
]


@check("apply_scd2", "apply_late")
@cases(INVARIANTS)
def test_random_histories(run, case):
    """Random histories: {case}"""
    getattr(PRODUCTS, f"assert_{case.name}")(run.rows["products"])


def point(row: tuple) -> tuple:
    """Product, time and values of an update, or of the start of a version."""
    return row[0], row[4], row[1:4]


@check("apply_scd2")
def test_every_newer_update_is_found(run, delivery):
    """Random histories: at the time of each newer update, the table says what the update said"""
    before, rows = delivery
    open_from = {row[0]: row[4] for row in before if row[6]}
    newer = [row for row in rows if row[0] not in open_from or row[4] > open_from[row[0]]]
    story = "an update was newer than the open version before the batch"
    PRODUCTS.assert_says(run.rows["products"], map(point, newer), story)


@check("apply_late")
def test_every_update_is_found(run, delivery):
    """Random histories: at the time of each update, the table says what the update said"""
    story = "an update holds from its own time on, late or not"
    PRODUCTS.assert_says(run.rows["products"], map(point, delivery[1]), story)


@check("apply_late")
def test_a_correction_ends_at_the_next_version(run, delivery):
    """Random histories: where a version began and no update speaks of that time, it still holds"""
    before, rows = delivery
    corrected = {point(row)[:2] for row in rows}
    untouched = [point(row) for row in before if point(row)[:2] not in corrected]
    story = (
        "no update speaks of the start of this version, "
        "and a correction holds until the next known change, no longer"
    )
    PRODUCTS.assert_says(run.rows["products"], untouched, story)


@check("apply_scd2", "apply_late", points=2)
def test_readers_see_the_batch_in_one_step(run):
    """Changes old and new versions in one commit, so that no reader meets a half-done table"""
    assert_one_commit(run, holds=PRODUCTS.assert_one_current)


@check("apply_scd2", "apply_late", points=2)
def test_a_batch_delivered_twice_changes_nothing(run, apply, delivery):
    """Leaves the table as it is when a batch has no rows, and when the first batch comes again in
    another order"""
    assert_replay(run, lambda rows: (apply([]), apply(rows)), delivery[1], key=PRODUCTS.version_key)


# ----------------------------------------------------------------------------------------- as_of

VERSIONS = [
    *history(1, (day(1), A), (day(5), B), (day(9), C)),
    *history(2, (day(5), NO_PRICE)),
    # Product 3 was away from day 3 to day 5, and left the shop on day 9.
    (3, *A, day(1), day(3), False),
    (3, *B, day(5), day(9), False),
]
ORDERS = "amount int, product_id long, ordered_at timestamp"
PRICED = f"{ORDERS}, name string, category string, price double"


def ordered(name: str, title: str, orders: str, points: int = 1) -> Case:
    """A case from orders: "1@10-12:C" is product 1 on 10 May, 12:00, when C was valid."""
    given, after = [], []
    for product, time, values in (re.split("[@:]", order) for order in orders.split()):
        given.append((3, None if product == "?" else int(product), moment(time)))
        after.append((*given[-1], *VALUES[values]))
    return Case(name, title, given=given, after=after, points=points)


PRICES = [
    ordered(
        "in_a_version",
        "Gives each fact the name, category and price that were valid at its time",
        "1@2:A 1@6:B 1@20:C 2@6:P",
    ),
    ordered(
        "at_a_change",
        "Gives a fact at the instant of a change the version that begins there, and only that",
        "1@1:A 1@5:B 1@9:C 2@5:P",
        points=2,
    ),
    ordered(
        "no_version",
        "Keeps a fact without a valid version: before the first one, of no known product, "
        "without a product or a time",
        "2@4:0 99@6:0 ?@6:0 1@?:0",
        points=2,
    ),
    ordered(
        "ended",
        "Finds no version at the end of one or later, until the next begins",
        "3@2:A 3@3:0 3@4:0 3@5:B 3@9:0 3@20:0",
    ),
    ordered(
        "far_ahead",
        "Finds the open version at any later time, however far ahead",
        "1@60000:C",
    ),
]


@pytest.fixture(scope="module")
def priced(learner, frame):
    """The orders of all cases, with the values that they were given."""
    orders = frame(ORDERS, [row for case in PRICES for row in case.given])
    answer = learner.as_of(frame(DIMENSION, VERSIONS), orders, "ordered_at")
    assert_columns(answer, PRICED)
    return collect(answer)


@check("as_of")
@cases(PRICES)
def test_values_of_facts(priced, case):
    """{case}"""
    found = [row for row in priced if tuple(row)[:3] in case.given]
    assert_rows(found, case.after, key=["product_id", "ordered_at"], columns=PRICED)


@check("as_of")
def test_identical_facts_stay_apart(learner, frame):
    """Returns identical facts as often as they were given"""
    facts = frame("product_id long, seen_at timestamp", [(1, day(6)), (1, day(6)), (1, day(2))])
    answer = learner.as_of(frame(DIMENSION, VERSIONS), facts, "seen_at")
    expected = [(1, day(6), *B), (1, day(6), *B), (1, day(2), *A)]
    assert_frame(answer, expected, key=["product_id", "seen_at"])

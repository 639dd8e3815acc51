"""Checks of lab 02: hand-made products for readable reasons, seeded histories for invariants."""

import random
from datetime import datetime, timedelta

import pytest

from labkit.checks import (
    Case,
    History,
    assert_frame,
    assert_one_commit,
    assert_replay,
    assert_rows,
    cases,
    check,
    run_tables,
)

HINTS = {
    "changed_rows": [
        "Two kinds of rows come back: products without an open row, and products whose open row "
        "says something else. Turn it round: which rows are *not* wanted?",
        "`!=` with a null on either side is null, and a null condition keeps nothing. "
        "Spark has an equality that is never null: `eqNullSafe`, in SQL `<=>`.",
        "A `left_anti` join keeps the rows of updates that find no partner. A partner is an open "
        "row of the same product with the same three values.",
    ],
    "apply_scd2": [
        "First decide which rows count: those of unknown products, and those newer than the open "
        "version. Then put the open version in front of its product's rows, as the first of a "
        "sequence.",
        "`lag` over the sequence tells which rows change something; among those that do, `lead` "
        "is where each version ends. In which order do you filter and look?",
        "Every version is known by product_id and effective_from. A MERGE on these two finds the "
        "version to close and inserts the rest.",
        "A MERGE source may hold many new versions of a product, as long as no target row finds "
        "two partners.",
    ],
    "apply_late": [
        "Forget intervals for a moment: a history is a list of (time, values). What does a "
        "correction do to such a list?",
        "Intervals follow from the list: drop every entry that says the same as the one before it, "
        "then each ends where the next begins. Do that for the products of the batch, with all "
        "their versions.",
        "Some versions disappear when neighbours turn out equal. A MERGE source can carry rows "
        "that say `delete me`.",
    ],
    "as_of": [
        "A version is valid from effective_from, that instant included, until effective_to, that "
        "instant excluded. What does the open version have there?",
        "Every fact comes back exactly once: think about which join keeps a fact without partner, "
        "and where the condition on time must stand.",
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

CURRENT = [
    (1, "Oak lamp", "office", 20.0, day(1), None, True),
    (2, "Oak tray", None, 30.0, day(1), None, True),
    (3, "Oak jar", "garden", None, day(1), None, True),
    (4, "Oak shelf", "office", 40.0, day(1), None, True),
    (5, None, None, None, day(1), None, True),
    (6, "Oak stool", "office", 0.0, day(1), None, True),
]


def wanted(learner, frame, updates: list[tuple], expected: list[tuple]) -> None:
    answer = learner.changed_rows(frame(DIMENSION, CURRENT), frame(UPDATES, updates))
    assert_frame(answer, expected, key="product_id", schema=UPDATES)


@check("changed_rows")
def test_new_and_changed_products_come_back(learner, frame):
    """Returns new products, and those with a new name, category or price, in updates' columns"""
    new = (9, "Cork clock", "office", 9.0, day(5))
    renamed = (1, "Oak lamp (v2)", "office", 20.0, day(5))
    moved = (4, "Oak shelf", "living", 40.0, day(5))
    dearer = (6, "Oak stool", "office", 0.5, day(5))
    updates = [new, renamed, moved, dearer]
    wanted(learner, frame, updates, updates)


@check("changed_rows")
def test_unchanged_products_are_dropped(learner, frame):
    """Drops an update that says what the open row says already, nulls included"""
    updates = [
        (1, "Oak lamp", "office", 20.0, day(5)),
        (2, "Oak tray", None, 30.0, day(5)),
        (5, None, None, None, day(5)),
        (6, "Oak stool", "office", 1.0, day(5)),
    ]
    wanted(learner, frame, updates, updates[-1:])


@check("changed_rows", points=2)
def test_null_is_a_value_of_its_own(learner, frame):
    """Sees a change from null to a value and back, even to an empty string or 0"""
    updates = [
        (1, "Oak lamp", None, 20.0, day(5)),
        (2, "Oak tray", "", 30.0, day(5)),
        (3, "Oak jar", "garden", 0.0, day(5)),
        (5, None, None, 5.0, day(5)),
        (6, "Oak stool", "office", None, day(5)),
    ]
    wanted(learner, frame, updates, updates)


@check("changed_rows")
def test_a_product_is_compared_with_itself_only(learner, frame):
    """Keeps a product that now looks exactly like another product"""
    updates = [(1, "Oak shelf", "office", 40.0, day(5)), (8, "Oak lamp", "office", 20.0, day(5))]
    wanted(learner, frame, updates, updates)


# ------------------------------------------------------------------------ apply_scd2, apply_late

A, B, C = (
    ("Copper kettle", "kitchen", 10.0),
    ("Copper kettle", "kitchen", 12.0),
    ("Kettle", None, 12.0),
)
NO_CATEGORY, NO_PRICE = ("Copper kettle", None, 10.0), ("Copper kettle", None, None)
ALIKE = [(name, place, price) for name in "xy" for place in ("k", None) for price in (1.0, None)]

VALUES = {"A": A, "B": B, "C": C, "N": NO_CATEGORY, "P": NO_PRICE}


def points_of(text: str) -> list[tuple]:
    """Times with values: "1:A 10-12:C" is A from 1 May on, and C from the 10th, 12:00."""
    pairs = [part.split(":") for part in text.split()]
    return [(day(*map(int, time.split("-"))), VALUES[name]) for time, name in pairs]


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
        (10, "", "12:B 10:A", "10:A 12:B"),
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


@check("apply_scd2", "apply_late")
def test_one_current_version(run):
    """Random histories: one current version a product, and current means an open end"""
    PRODUCTS.assert_one_current(run.rows["products"])
    PRODUCTS.assert_current_is_open(run.rows["products"])


@check("apply_scd2", "apply_late")
def test_no_overlap(run):
    """Random histories: no two versions of a product overlap"""
    PRODUCTS.assert_no_overlap(run.rows["products"])


@check("apply_scd2", "apply_late")
def test_no_gap(run):
    """Random histories: each version ends where the next begins"""
    PRODUCTS.assert_no_gap(run.rows["products"])


@check("apply_scd2", "apply_late")
def test_no_equal_neighbours(run):
    """Random histories: no version says the same as the one before it"""
    PRODUCTS.assert_no_equal_neighbours(run.rows["products"])


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
    """Leaves the table as it is when the same batch comes again in another order"""
    assert_replay(run, apply, delivery[1], key=PRODUCTS.version_key)


# ----------------------------------------------------------------------------------------- as_of

VERSIONS = [
    *history(1, (day(1), A), (day(5), B), (day(9), C)),
    *history(2, (day(5), NO_PRICE)),
    # Product 3 was away from day 3 to day 5, and left the shop on day 9.
    (3, *A, day(1), day(3), False),
    (3, *B, day(5), day(9), False),
]
ORDERS = "order_id long, product_id long, amount int, ordered_at timestamp"
PRICED = f"{ORDERS}, name string, category string, price double"


def priced(learner, frame, orders: list[tuple], values: list[tuple]) -> None:
    answer = learner.as_of(frame(DIMENSION, VERSIONS), frame(ORDERS, orders), "ordered_at")
    expected = [(*order, *found) for order, found in zip(orders, values, strict=True)]
    assert_frame(answer, expected, key="order_id", schema=PRICED)


@check("as_of")
def test_facts_get_the_version_of_their_time(learner, frame):
    """Gives each fact the name, category and price that were valid at its time"""
    orders = [(10, 1, 3, day(2)), (11, 1, 4, day(6)), (12, 1, 5, day(20)), (13, 2, 6, day(6))]
    priced(learner, frame, orders, [A, B, C, NO_PRICE])


@check("as_of", points=2)
def test_a_fact_at_a_change_finds_one_version(learner, frame):
    """Gives a fact at the very instant of a change the version that begins there, and only that;
    an end is no part of its version"""
    orders = [(10, 1, 3, day(1)), (11, 1, 4, day(5)), (12, 1, 5, day(9)), (13, 2, 6, day(5))]
    ends = [(14, 3, 7, day(3)), (15, 3, 8, day(9))]  # nothing begins where these versions end
    nothing = (None, None, None)
    priced(learner, frame, [*orders, *ends], [A, B, C, NO_PRICE, nothing, nothing])


@check("as_of", points=2)
def test_facts_without_a_version_stay(learner, frame):
    """Keeps a fact without a valid version: before the first one, between two or after the last,
    of no known product, without a time"""
    orders = [(10, 2, 3, day(4)), (11, 99, 4, day(6)), (12, None, 5, day(6)), (13, 1, 6, None)]
    closed = [(14, 3, 7, day(4)), (15, 3, 8, day(20))]
    priced(learner, frame, [*orders, *closed], [(None, None, None)] * 6)


@check("as_of")
def test_the_open_version_has_no_end(learner, frame):
    """Finds the open version at any later time, however far ahead"""
    priced(learner, frame, [(10, 1, 3, datetime(2190, 1, 1))], [C])


@check("as_of")
def test_identical_facts_stay_apart(learner, frame):
    """Returns identical facts as often as they were given"""
    facts = frame("product_id long, seen_at timestamp", [(1, day(6)), (1, day(6)), (1, day(2))])
    answer = learner.as_of(frame(DIMENSION, VERSIONS), facts, "seen_at")
    expected = [(1, day(6), *B), (1, day(6), *B), (1, day(2), *A)]
    assert_frame(answer, expected, key=["product_id", "seen_at"])

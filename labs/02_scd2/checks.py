"""Checks of lab 02: hand-made products for readable reasons, seeded histories for the invariants."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

import pytest

from labkit.checks import (
    TableVersion,
    assert_columns,
    assert_frame,
    changes_since,
    check,
    table_identity,
    table_version,
)

HINTS = {
    "changed_rows": [
        "Two kinds of rows come back: products without an open row, and products whose open row says something else. "
        "Turn it round: which rows are *not* wanted?",
        "`!=` with a null on either side is null, and a null condition keeps nothing. "
        "Spark has an equality that is never null: `eqNullSafe`, in SQL `<=>`.",
        "A `left_anti` join keeps the rows of updates that find no partner. A partner is an open row of the same product "
        "with the same three values.",
    ],
    "apply_scd2": [
        "First decide which rows count: those of unknown products, and those newer than the open version. "
        "Then put the open version in front of its product's rows, as the first of a sequence.",
        "`lag` over the sequence tells which rows change something; among those that do, `lead` is where each version ends. "
        "In which order do you filter and look?",
        "Every version is known by product_id and effective_from. A MERGE on these two finds the version to close and inserts the rest.",
        "A MERGE source may hold many new versions of a product, as long as no target row finds two partners.",
    ],
    "apply_late": [
        "Forget intervals for a moment: a history is a list of (time, values). What does a correction do to such a list?",
        "Intervals follow from the list: drop every entry that says the same as the one before it, then each ends where the next begins. "
        "Do that for the products of the batch, with all their versions.",
        "Some versions disappear when neighbours turn out equal. A MERGE source can carry rows that say `delete me`.",
    ],
    "as_of": [
        "A version is valid from effective_from, that instant included, until effective_to, that instant excluded. "
        "What does the open version have there?",
        "Every fact comes back exactly once: think about which join keeps a fact without partner, and where the condition on time must stand.",
    ],
}

UPDATES = "product_id long, name string, category string, price double, updated_at timestamp"
DIMENSION = (
    "product_id long, name string, category string, price double, "
    "effective_from timestamp, effective_to timestamp, is_current boolean"
)
VERSION = ["product_id", "effective_from"]


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2025, 5, 1) + timedelta(days=number - 1, hours=hour)


def history(product_id: int, *points: tuple) -> list[tuple]:
    """Dimension rows of a product from (time, (name, category, price)), oldest first."""
    ends = [time for time, _ in points[1:]]
    return [
        (product_id, *values, time, end, end is None)
        for (time, values), end in zip_longest(points, ends)
    ]


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
    """Returns new products and products with a new name, category or price, in the columns of updates"""
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


# ------------------------------------------------------------- what apply_scd2 and apply_late share

A, B, C = (
    ("Copper kettle", "kitchen", 10.0),
    ("Copper kettle", "kitchen", 12.0),
    ("Kettle", None, 12.0),
)
NO_CATEGORY, NO_PRICE = ("Copper kettle", None, 10.0), ("Copper kettle", None, None)
ALIKE = [(name, place, price) for name in "xy" for place in ("k", None) for price in (1.0, None)]


@dataclass
class Run:
    """A table before and after one call, as rows, and the frames that the queries look at."""

    table: str
    start: TableVersion
    before: list[tuple]
    after: list[tuple]
    rows: list[tuple]
    frames: dict[str, Any]
    spark: Any
    frame: Any

    def of(self, *products: int) -> Any:
        """The rows of these products after the call."""
        return self.frame(DIMENSION, [row for row in self.after if row[0] in products])

    def first(self, query: str) -> Any:
        """The first row that a query over {history}, {before} and {batch} finds, or None."""
        return next(iter(self.spark.sql(query + " LIMIT 1", **self.frames).collect()), None)


def apply(spark, frame, function, table: str, before: list[tuple], rows: list[tuple]) -> Run:
    """Makes the table, calls the learner's function once and looks at what is there then."""
    frame(DIMENSION, before).write.format("delta").saveAsTable(table)
    start = table_version(spark, table)
    function(spark, table, frame(UPDATES, rows))
    after = state(spark, table)
    frames = {"history": after, "before": before}
    frames = {name: frame(DIMENSION, found) for name, found in frames.items()}
    frames["batch"] = frame(UPDATES, rows)
    return Run(table, start, sorted(before, key=str), after, rows, frames, spark, frame)


def state(spark, table: str, version: int | None = None) -> list[tuple]:
    """The rows of a version of the table, sorted."""
    reader = spark.read if version is None else spark.read.option("versionAsOf", version)
    found = reader.table(table)
    assert_columns(found, DIMENSION)
    return sorted((tuple(row) for row in found.collect()), key=str)


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


def shuffled_again(run: Run, function) -> list[tuple]:
    """The table after the same batch was delivered a second time, in another order."""
    rows = list(run.rows)
    random.Random(7).shuffle(rows)
    function(run.spark, run.table, run.frame(UPDATES, rows))
    return state(run.spark, run.table)


def assert_replay(run: Run, again: list[tuple]) -> None:
    extra = list((Counter(again) - Counter(run.after)).elements())
    lost = list((Counter(run.after) - Counter(again)).elements())
    example = next(iter(extra + lost), None)
    assert example is None, (
        f"the batch was delivered twice, the second time in another order: the table had {len(run.after)} rows "
        f"and now has {len(again)}; product {example[0]}, version from {example[4]}, "
        f"{'was added, changed or doubled' if extra else 'is gone'}. Delivery is at least once: a batch that comes again "
        "must find nothing left to do"
    )


def assert_one_step(run: Run) -> None:
    """Every version of the table that a reader could have met is the old state or the new one."""
    assert table_identity(run.spark, run.table) == run.start.identity, (
        "the table lost its version history: it was dropped and made again, so for a moment readers "
        "had no table at all, and time travel is gone"
    )
    changes = changes_since(run.spark, run.table, run.start)
    for version in range(run.start.number + 1, run.start.number + changes.versions):
        seen = state(run.spark, run.table, version)
        if seen in (run.before, run.after):
            continue
        known = {row[0] for row in run.before}
        count = {
            product: sum(row[0] == product and row[6] is True for row in seen) for product in known
        }
        product = next((product for product in sorted(known) if count[product] != 1), None)
        rows = f"product {product} has {count.get(product)} current rows there, for example"
        raise AssertionError(
            f"the call made {changes.versions} commits ({', '.join(changes.operations)}). Whoever reads between them "
            f"sees a half-done table: {rows if product is not None else 'part of the batch is missing there'}. "
            "Old and new must change in one commit"
        )


NEIGHBOURS = """SELECT *, lead(effective_from) OVER later AS next_from
FROM {history} WINDOW later AS (PARTITION BY product_id ORDER BY effective_from, effective_to)"""
ONE_CURRENT = """SELECT product_id, count_if(is_current) AS found FROM {history}
GROUP BY product_id HAVING found <> 1"""
OPEN_IS_CURRENT = "SELECT * FROM {history} WHERE NOT (is_current <=> (effective_to IS NULL))"
OVERLAP = f"""SELECT * FROM ({NEIGHBOURS}) WHERE effective_to <= effective_from
OR next_from < coalesce(effective_to, timestamp '9999-01-01')"""
GAP = (
    f"SELECT * FROM ({NEIGHBOURS}) WHERE effective_to < coalesce(next_from, timestamp '9999-01-01')"
)
EQUAL_NEIGHBOURS = """SELECT * FROM (SELECT *, struct(name, category, price) AS said,
  lag(struct(name, category, price)) OVER (PARTITION BY product_id ORDER BY effective_from) AS said_before
FROM {history}) WHERE said <=> said_before"""
WRONG_AT = """SELECT point.product_id, point.at, count(version.product_id) AS found FROM ({points}) point
LEFT JOIN {{history}} version ON version.product_id = point.product_id AND version.effective_from <= point.at
  AND (version.effective_to IS NULL OR point.at < version.effective_to)
  AND struct(version.name, version.category, version.price) <=> struct(point.name, point.category, point.price)
GROUP BY ALL HAVING found <> 1"""
NEWER = """SELECT DISTINCT batch.*, batch.updated_at AS at FROM {batch} batch
LEFT JOIN {before} open ON open.product_id = batch.product_id AND open.is_current
WHERE open.product_id IS NULL OR batch.updated_at > open.effective_from"""
UPDATES_OF_ANY_TIME = "SELECT DISTINCT *, updated_at AS at FROM {batch}"
UNTOUCHED_POINTS = """SELECT old.*, old.effective_from AS at FROM {before} old
LEFT ANTI JOIN {batch} batch ON batch.product_id = old.product_id AND batch.updated_at = old.effective_from"""


def assert_one_current(run: Run) -> None:
    found = run.first(ONE_CURRENT)
    assert found is None, (
        f"product {found.product_id} has {found.found} current rows; a product has exactly one, "
        "or every join on is_current loses or doubles its facts"
    )
    found = run.first(OPEN_IS_CURRENT)
    assert found is None, (
        f"product {found.product_id}, version from {found.effective_from}: is_current is {found.is_current}, "
        f"effective_to is {found.effective_to or 'null'}; a version is current exactly when its end is open (null)"
    )


def assert_no_overlap(run: Run) -> None:
    found = run.first(OVERLAP)
    assert found is None, (
        f"product {found.product_id}: the version from {found.effective_from} ends at "
        f"{found.effective_to or 'no time (null)'}, the next begins at {found.next_from}; where versions overlap, "
        "or are empty, a fact finds two of them or none"
    )


def assert_no_gap(run: Run) -> None:
    found = run.first(GAP)
    assert found is None, (
        f"product {found.product_id}: the version from {found.effective_from} ends at {found.effective_to}, the next "
        f"begins at {found.next_from or 'no time'}; a fact in between finds none. Versions are half-open and touch"
    )


def assert_no_equal_neighbours(run: Run) -> None:
    found = run.first(EQUAL_NEIGHBOURS)
    assert found is None, (
        f"product {found.product_id}: the version from {found.effective_from} says the same as the one before it "
        f"{tuple(found.said)}; a version begins where something changes"
    )


# ------------------------------------------------------------------------------------ apply_scd2

SCD2_BEFORE = [
    *history(1, (day(1), A), (day(3), B)),
    *history(2, (day(1), NO_CATEGORY)),
    *history(3, (day(1), A)),
    *history(4, (day(1), NO_PRICE)),
    *history(5, (day(1), A)),
    *history(6, (day(1), A)),
    *history(7, (day(1), B), (day(2), A)),
    *history(8, (day(1), A), (day(9), B)),
    *history(9, (day(9), A)),
    *history(11, (day(1), A)),
]
SCD2_BATCH = [
    *batch(1, (day(10), C)),
    *batch(2, (day(10), A)),
    *batch(3, (day(10), NO_CATEGORY)),
    *batch(4, (day(10), NO_PRICE)),
    *batch(5, (day(10, 12), C), (day(10, 8), B), (day(10, 12), C), (day(10, 18), NO_PRICE)),
    *batch(6, (day(11), A), (day(10), B)),
    *batch(8, (day(5), C), (day(9), A)),
    *batch(9, (day(5), B), (day(10), A)),
    *batch(10, (day(10), A), (day(12), B)),
    *batch(11, (day(10), A), (day(12), B), (day(11), B)),
]


@pytest.fixture(scope="module")
def scd2(learner, spark, frame, shared_schema, seed):
    """Hand-made products 1 to 11 and two hundred random ones, after one batch."""
    before, rows = random_history(random.Random(seed), range(1000, 1200))
    table = f"{shared_schema}.products"
    function = learner.apply_scd2
    return apply(spark, frame, function, table, SCD2_BEFORE + before, SCD2_BATCH + rows)


@check("apply_scd2")
def test_a_change_closes_one_version_and_opens_the_next(scd2):
    """Closes the open version where the new one begins, and leaves closed versions alone"""
    expected = history(1, (day(1), A), (day(3), B), (day(10), C))
    assert_frame(scd2.of(1), expected, key=VERSION)


@check("apply_scd2")
def test_null_changes_make_versions(scd2):
    """Makes a version of a change from or to null, and none of null to null"""
    expected = [
        *history(2, (day(1), NO_CATEGORY), (day(10), A)),
        *history(3, (day(1), A), (day(10), NO_CATEGORY)),
        *history(4, (day(1), NO_PRICE)),
    ]
    assert_frame(scd2.of(2, 3, 4), expected, key=VERSION)


@check("apply_scd2", points=2)
def test_every_change_of_a_batch_becomes_a_version(scd2):
    """Makes a version of every change in a batch, in order of time, also when a value returns"""
    expected = [
        *history(5, (day(1), A), (day(10, 8), B), (day(10, 12), C), (day(10, 18), NO_PRICE)),
        *history(6, (day(1), A), (day(10), B), (day(11), A)),
        *history(10, (day(10), A), (day(12), B)),
    ]
    assert_frame(scd2.of(5, 6, 10), expected, key=VERSION)


@check("apply_scd2")
def test_updates_without_a_change_make_no_version(scd2):
    """Makes no version of an update that repeats what the version before it says"""
    assert_frame(scd2.of(11), history(11, (day(1), A), (day(11), B)), key=VERSION)


@check("apply_scd2")
def test_products_absent_from_the_batch_stay_open(scd2):
    """Leaves products alone that the batch doesn't mention"""
    assert_frame(scd2.of(7), history(7, (day(1), B), (day(2), A)), key=VERSION)


@check("apply_scd2")
def test_rows_that_are_not_newer_are_ignored(scd2):
    """Ignores rows that are not newer than their product's open version"""
    expected = [*history(8, (day(1), A), (day(9), B)), *history(9, (day(9), A))]
    assert_frame(scd2.of(8, 9), expected, key=VERSION)


@check("apply_scd2")
def test_one_current_version_in_random_histories(scd2):
    """Random histories: one current version a product, and current means an open end"""
    assert_one_current(scd2)


@check("apply_scd2")
def test_no_overlap_in_random_histories(scd2):
    """Random histories: no two versions of a product overlap"""
    assert_no_overlap(scd2)


@check("apply_scd2")
def test_no_gap_in_random_histories(scd2):
    """Random histories: each version ends where the next begins"""
    assert_no_gap(scd2)


@check("apply_scd2")
def test_no_equal_neighbours_in_random_histories(scd2):
    """Random histories: no version says the same as the one before it"""
    assert_no_equal_neighbours(scd2)


@check("apply_scd2")
def test_every_newer_update_is_found_in_random_histories(scd2):
    """Random histories: at the time of each newer update, the table says what the update said"""
    found = scd2.first(WRONG_AT.format(points=NEWER))
    assert found is None, (
        f"an update of product {found.product_id} at {found.at} is newer than the open version before the batch, "
        f"but {found.found} versions valid at that time have its values; exactly one should"
    )


@check("apply_scd2", points=2)
def test_readers_see_the_batch_in_one_step(scd2):
    """Changes old and new versions in one commit, so that no reader meets a half-done table"""
    assert_one_step(scd2)


@check("apply_scd2", points=2)
def test_a_batch_delivered_twice_changes_nothing(learner, scd2):
    """Leaves the table as it is when the same batch comes again in another order"""
    assert_replay(scd2, shuffled_again(scd2, learner.apply_scd2))


# ------------------------------------------------------------------------------------ apply_late

LATE_BEFORE = [
    *history(1, (day(1), A), (day(5), C)),
    *history(2, (day(5), A)),
    *history(3, (day(1), A), (day(5), B), (day(9), C)),
    *history(4, (day(1), A), (day(5), B), (day(9), A)),
    *history(5, (day(1), A), (day(5), B)),
    *history(6, (day(1), A), (day(5), B)),
    *history(7, (day(5), A)),
    *history(8, (day(1), A), (day(5), NO_CATEGORY)),
    *history(9, (day(1), A), (day(5), B)),
    *history(11, (day(1), A), (day(5), B)),
    *history(12, (day(1), A), (day(5), B)),
    *history(13, (day(1), A)),
]
LATE_BATCH = [
    *batch(1, (day(3), B)),
    *batch(2, (day(2), B)),
    *batch(3, (day(5), NO_CATEGORY)),
    *batch(4, (day(5), A)),
    *batch(5, (day(3), B)),
    *batch(6, (day(3), A)),
    *batch(7, (day(2), A)),
    *batch(8, (day(3), NO_CATEGORY), (day(7), NO_PRICE)),
    *batch(9, (day(8), C), (day(3), C), (day(3), C), (day(4), A)),
    *batch(10, (day(12), B), (day(10), A)),
    *batch(11, (day(5), C)),
    *batch(13, (day(9), B)),
]


@pytest.fixture(scope="module")
def late(learner, spark, frame, shared_schema, seed):
    """Hand-made products 1 to 13 and two hundred random ones, after one batch of any times."""
    before, rows = random_history(random.Random(seed + 500), range(1000, 1200))
    table = f"{shared_schema}.corrected_products"
    function = learner.apply_late
    return apply(spark, frame, function, table, LATE_BEFORE + before, LATE_BATCH + rows)


@check("apply_late", points=2)
def test_a_correction_splits_its_interval(late):
    """Splits the version that was valid at the time of the correction; the correction lasts until the next version"""
    assert_frame(
        late.of(1),
        history(1, (day(1), A), (day(3), B), (day(5), C)),
        key=VERSION,
    )


@check("apply_late")
def test_a_correction_before_all_versions_becomes_the_first(late):
    """Puts a correction before the first version in front of it"""
    assert_frame(late.of(2), history(2, (day(2), B), (day(5), A)), key=VERSION)


@check("apply_late")
def test_a_correction_at_a_start_replaces_the_values(late):
    """Replaces the values of a version that begins at the time of the correction, closed or open"""
    expected = [
        *history(3, (day(1), A), (day(5), NO_CATEGORY), (day(9), C)),
        *history(11, (day(1), A), (day(5), C)),
    ]
    assert_frame(late.of(3, 11), expected, key=VERSION)


@check("apply_late", points=2)
def test_versions_that_become_equal_collapse(late):
    """Joins versions that say the same after a correction, from the earlier start on"""
    expected = [
        *history(4, (day(1), A)),
        *history(5, (day(1), A), (day(3), B)),
        *history(6, (day(1), A), (day(5), B)),
        *history(7, (day(2), A)),
    ]
    assert_frame(late.of(4, 5, 6, 7), expected, key=VERSION)


@check("apply_late")
def test_a_batch_may_mix_all_kinds(late):
    """Takes new products, newer updates and several corrections of a product in one batch"""
    expected = [
        *history(8, (day(1), A), (day(3), NO_CATEGORY), (day(7), NO_PRICE)),
        *history(9, (day(1), A), (day(3), C), (day(4), A), (day(5), B), (day(8), C)),
        *history(10, (day(10), A), (day(12), B)),
        *history(13, (day(1), A), (day(9), B)),
    ]
    assert_frame(late.of(8, 9, 10, 13), expected, key=VERSION)


@check("apply_late")
def test_products_without_a_correction_stay(late):
    """Leaves products alone that the batch doesn't mention"""
    assert_frame(late.of(12), history(12, (day(1), A), (day(5), B)), key=VERSION)


@check("apply_late")
def test_one_current_version_after_corrections(late):
    """Random histories: one current version a product, and current means an open end"""
    assert_one_current(late)


@check("apply_late")
def test_no_overlap_after_corrections(late):
    """Random histories: no two versions of a product overlap"""
    assert_no_overlap(late)


@check("apply_late")
def test_no_gap_after_corrections(late):
    """Random histories: each version ends where the next begins"""
    assert_no_gap(late)


@check("apply_late")
def test_no_equal_neighbours_after_corrections(late):
    """Random histories: no version says the same as the one before it"""
    assert_no_equal_neighbours(late)


@check("apply_late")
def test_every_update_is_found_after_corrections(late):
    """Random histories: at the time of each update, the table says what the update said"""
    found = late.first(WRONG_AT.format(points=UPDATES_OF_ANY_TIME))
    assert found is None, (
        f"product {found.product_id} was updated at {found.at}, but {found.found} versions valid at that time have "
        "the values of the update; exactly one should"
    )


@check("apply_late")
def test_a_correction_ends_at_the_next_version(late):
    """Random histories: where a version began and no update speaks of that time, its values still hold"""
    found = late.first(WRONG_AT.format(points=UNTOUCHED_POINTS))
    assert found is None, (
        f"product {found.product_id} had a version from {found.at} on, and no update speaks of that time; "
        f"now {found.found} versions valid at that time have its values. A correction holds until the next known change, no longer"
    )


@check("apply_late")
def test_readers_see_corrections_in_one_step(late):
    """Makes all corrections of a batch in one commit, so that no reader meets a half-done table"""
    assert_one_step(late)


@check("apply_late")
def test_corrections_delivered_twice_change_nothing(learner, late):
    """Leaves the table as it is when the same batch comes again in another order"""
    assert_replay(late, shuffled_again(late, learner.apply_late))


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
    """Gives a fact at the very instant of a change the version that begins there, and only that; an end is no part of its version"""
    orders = [(10, 1, 3, day(1)), (11, 1, 4, day(5)), (12, 1, 5, day(9)), (13, 2, 6, day(5))]
    ends = [(14, 3, 7, day(3)), (15, 3, 8, day(9))]  # nothing begins where these versions end
    nothing = (None, None, None)
    priced(learner, frame, [*orders, *ends], [A, B, C, NO_PRICE, nothing, nothing])


@check("as_of", points=2)
def test_facts_without_a_version_stay(learner, frame):
    """Keeps a fact without a valid version: before the first one, between two or after the last, of no known product, without a time"""
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

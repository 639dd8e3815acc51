"""Hidden checks of lab 16: the same rules for random sizes, frames, bands, quotes and tables."""

import random
from datetime import timedelta

from checks import (
    BIG_TABLES,
    BUCKETS,
    FACTS,
    NINE,
    PARTITIONS,
    TYPES,
    assert_rows_shuffled,
    assert_strategy,
    copies_made,
    copy_of,
    many_bands,
    planned_big,
)

from labkit.checks import assert_frame, check, exchanges, run_frame, settings

FOUND = (
    "venue long, at timestamp, right_seq long, right_at timestamp, right_venue long, "
    "right_price double, right_note string"
)


@check("strategy")
def test_random_plans(learner, spark, seed):
    """agrees with Spark for other sizes and thresholds"""
    rng = random.Random(seed)
    threshold = 8 * rng.randrange(20, 60)
    limit = threshold * PARTITIONS
    middle = 8 * rng.randrange(threshold // 8 + 1, limit // 8)
    large = 4 * limit
    sizes = [(threshold, large), (large, threshold), (middle, large), (large, middle)]
    sizes += [(middle, middle + 8), (limit + 8, large), (threshold + 8, threshold)]
    both = [(True, pair) for pair in sizes] + [(False, sizes[0]), (False, sizes[2])]
    given = [(*pair, join_type, equi, threshold) for equi, pair in both for join_type in TYPES]
    assert_strategy(learner, spark, given)


@check("anti_join")
def test_rides_of_other_frames(learner, frame, seed):
    """leaves out what is blocked in other frames, and nothing when no ride is blocked"""
    rng = random.Random(seed)
    numbers = [None, *range(12)]
    rides = [(rng.choice("ab"), rng.choice(numbers)) for _ in range(60)]
    taken = [None, *rng.sample(range(12), 4)]
    for blocked in (taken, []):
        answer = learner.anti_join(
            frame("city string, ride_id long", rides),
            frame("ride_id long", [(number,) for number in blocked]),
        )
        wanted = [row for row in rides if row[1] is None or row[1] not in blocked]
        assert_frame(answer, wanted, key=["ride_id", "city"], schema="city string, ride_id long")


@check("range_join")
def test_zones_of_other_frames(learner, frame, seed):
    """finds the bands of other addresses, with other widths of buckets"""
    rng = random.Random(seed)
    bands = []
    for number in range(25):
        lo = rng.randrange(900)
        bands.append((lo, lo + rng.choice([1, 5, 30, 37, 250]), f"b{number}"))
    bounds = [bound for lo, hi, _ in bands for bound in (lo, hi)]
    facts = [(number, rng.choice([None, rng.randrange(1500)])) for number in range(40)]
    facts += [(100 + number, bound) for number, bound in enumerate(bounds)]
    facts += facts[:10]
    rows = frame("id long, pickup_ip long", facts)
    held = frame("lo long, hi long, name string", bands)
    wanted = [
        (number, address, name)
        for number, address in facts
        for name in [one for lo, hi, one in bands if address is not None and lo <= address < hi]
        or [None]
    ]
    columns = "id long, pickup_ip long, name string"
    for bucket in (37, 1):
        answer = learner.range_join(rows, held, bucket)
        assert_frame(answer, wanted, key=["id", "name"], schema=columns)


@check("range_join")
def test_rows_of_other_bands(learner, spark, frame):
    """brings no more rows to the join than rides and buckets of the bands"""
    facts, bands, touched = many_bands(16, 100)
    rows = frame(FACTS, facts)
    answer = learner.range_join(rows, frame("name string, lo long, hi long", bands), 100)
    with settings(spark, BIG_TABLES):
        run = run_frame(answer)
    assert_rows_shuffled(run, len(facts), touched)


@check("as_of_join")
def test_quotes_of_other_frames(learner, frame, seed):
    """finds the newest row of other frames, by other names of columns"""
    rng = random.Random(seed)
    at = [None, *[NINE + timedelta(seconds=10 * step) for step in range(30)]]
    keys = [None, 1, 2, 3]
    notes = [None, "a", "b"]
    rights = [
        (seq, rng.choice(at), rng.choice(keys), rng.choice([None, 1.5, 2.5]), rng.choice(notes))
        for seq in range(90)
    ]
    rng.shuffle(rights)
    lefts = [(rng.choice(keys), rng.choice(at)) for _ in range(60)]
    ticks = frame("venue long, at timestamp", lefts)
    quotes = frame("seq long, at timestamp, venue long, price double, note string", rights)
    for tolerance in (45, 0):
        answer = learner.as_of_join(ticks, quotes, "venue", "at", tolerance)
        wanted = [(*left, *newest(left, rights, tolerance)) for left in lefts]
        assert_frame(answer, wanted, key=["venue", "at"], schema=FOUND)


def newest(left, rights, tolerance):
    """The right row that a left row must find, or nulls."""
    venue, at = left
    if venue is None or at is None:
        return (None,) * 5
    earlier = [one for one in rights if one[2] == venue and one[1] is not None and one[1] <= at]
    best = max(earlier, key=lambda one: (one[1], one[0]), default=None)
    return best if best and at - best[1] <= timedelta(seconds=tolerance) else (None,) * 5


@check("bucketed_join")
def test_other_tables(learner, spark, frame, schema):
    """joins other tables, whose key is an int on the right side"""
    visits = [(f"v{number}", number % 7 - 3) for number in range(20)]
    users = [(number, f"u{number}") for number in range(-2, 9)]
    tables = [f"{schema}.visits", f"{schema}.users"]
    given = [
        frame("page string, user_id long", visits), frame("user_id int, name string", users)
    ]  # fmt: skip
    for rows, table in zip(given, tables, strict=True):
        rows.repartition(2).write.format("parquet").saveAsTable(table)
    answer = learner.bucketed_join(spark, *tables, "user_id")
    wanted = [(number, page, f"u{number}") for page, number in visits if number >= -2]
    assert_frame(answer, wanted, key=["page"], schema="user_id long, page string, name string")
    moved = exchanges(planned_big(spark, answer).frame)
    assert not moved, f"for example: the key is an int in the right table; {', '.join(moved)}"
    for copy in copies_made({table: copy_of(spark, table, "user_id") for table in tables}):
        assert (copy.buckets, copy.by, copy.key) == (BUCKETS, "user_id", "bigint"), (
            f"a copy has {copy.buckets} buckets by {copy.by or 'nothing'}, its key is a {copy.key}"
        )

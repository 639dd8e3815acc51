"""Checks of lab 16: Spark's own plans for the choice, rows by hand and operators for the joins."""

from contextlib import contextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from pyspark.sql import DataFrame

from labkit.checks import (
    Case,
    assert_columns,
    assert_rows,
    cases,
    check,
    collect,
    exchanges,
    has_python,
    measured,
    operators,
    run_frame,
    scans,
    settings,
    stories,
    with_plan,
)

HINTS = {
    "strategy": [
        "Go through the rules from the first to the last, and return at the first that holds. "
        "Which of them ask for an equality?",
        "Two questions are easily mixed up: which side is small enough, and which side the join "
        "type lets Spark use. Both must hold for the same side.",
        "A table from join type to the sides that may be broadcast keeps the conditions short. For "
        "a shuffled hash join it needs other entries.",
    ],
    "anti_join": [
        "Spark has a join type that keeps left rows without a partner. What does an equality say of "
        "two nulls?",
        "A join by the *name* of a column moves that column to the front. Where is it in `rides`?",
        "A left join doubles rows when the other side names a key twice. An anti join doesn't.",
    ],
    "range_join": [
        "`x div n` is the number of a bucket. In which buckets is a band from 25 to 40, when a "
        "bucket is 10 wide? The address 40 is not in it.",
        "`F.sequence` and `F.explode` give a band a row for each of its buckets. One bucket alone "
        "says too little: compare the bounds as well, in the condition of the join.",
        "A left join whose condition has the bucket *and* the bounds keeps each row of `facts` that "
        "found nothing. A filter after the join would drop it.",
    ],
    "as_of_join": [
        "Unite both frames: a struct of the left row, or null, and a struct of the right row, or "
        "null. Then each tick looks back in one window.",
        "`last(..., ignorenulls)` of a *struct* takes a whole right row, with its nulls. Of single "
        "columns it mixes several.",
        "Rows of one time are ordered, too. Which has to come first, a quote or a tick? Which of "
        "two quotes? And does your frame end at the current row, or at the last one of its time?",
        "A time plus an interval keeps its microseconds. A time as a long has lost them.",
    ],
    "bucketed_join": [
        "Look at `bucketBy` of a DataFrameWriter. It needs `saveAsTable`.",
        "Each task writes a file for each bucket that it has rows of. How do rows have to be "
        "distributed before the write?",
        "Spark hashes an int and a long differently. When the types differ, it casts one side in "
        "the join, and then the buckets of that side are worth nothing.",
    ],
}

PARTITIONS = 8
PLANNED = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.join.preferSortMergeJoin": "false",
    "spark.sql.shuffle.partitions": str(PARTITIONS),
}
BIG_TABLES = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.shuffle.partitions": str(PARTITIONS),
}
NESTED = {"BroadcastNestedLoopJoin", "CartesianProduct"}


def value(text):
    return None if text == "null" else int(text)


def shown(number):
    return "null" if number is None else str(number)


def all_of(cases, part):
    return [row for case in cases for row in getattr(case, part)]


@contextmanager
def told(given):
    """Adds what the case gave to the reason of a failure."""
    try:
        yield
    except AssertionError as wrong:
        raise AssertionError(f"{wrong}\n{given}") from None


@pytest.fixture(scope="module")
def answer(task, request):
    """The frame of a task and the work of its call: each of the three joins has a fixture."""
    return request.getfixturevalue(task.removesuffix("_join") + "_joined")


def called(spark, join, *given):
    """The frame that a join returns, and the work that the call made Spark do."""
    # Rows that the driver has are looked at without a job; of a coalesced frame they are not.
    frames = [one.coalesce(2) if isinstance(one, DataFrame) else one for one in given]
    with measured(spark) as work:
        joined = join(*frames)
    return SimpleNamespace(frame=joined, work=work)


def planned_big(spark, frame):
    """The frame, planned anew in the session of BIG_TABLES; nothing of it runs."""
    with settings(spark, BIG_TABLES):
        fresh = frame.select("*")
        return SimpleNamespace(frame=fresh, operators=operators(fresh))


# -------------------------------------------------------------------------------------- strategy

NAMES = {
    "BroadcastHashJoin": "broadcast_hash",
    "ShuffledHashJoin": "shuffled_hash",
    "SortMergeJoin": "sort_merge",
    "BroadcastNestedLoopJoin": "broadcast_nested_loop",
    "CartesianProduct": "cartesian",
}
TYPES = ["inner", "left", "right", "full", "left_semi", "left_anti"]


def arguments(text):
    """ "80 8000 left equal 80": both sizes, the join type, the condition, the threshold."""
    left, right, join_type, condition, threshold = text.split()
    return (int(left), int(right), join_type, condition == "equal", int(threshold))


PLANS = stories(
    """
threshold: broadcasts a side of exactly `threshold` bytes, and none that is larger
80 8000 inner equal 80, 8000 80 inner equal 80, 88 160 inner equal 80, 160 88 inner equal 80,
8000 80 left equal 80, 8000 88 left equal 80

off: finds no side small when the threshold is -1, and none of 8 bytes when it is 0
8 8000 inner equal -1, 8000 8 left equal -1, 8 8000 inner other -1,
8 8000 inner equal 0, 8000 8 left equal 0, 8 8000 inner other 0

kept_side: broadcasts only a side that the join type allows
80 72 left equal 80, 72 160 left equal 80, 160 72 right equal 80, 72 8000 right equal 80,
72 72 full equal 80, 72 80 left_semi equal 80, 72 8000 left_semi equal 80, 72 8000 left_anti equal 80,
8000 72 left_anti equal 80

shuffled: takes a shuffled hash join for a side below `threshold` times PARTITIONS
632 8000 inner equal 80, 640 8000 inner equal 80, 8000 632 left equal 80, 8000 640 left equal 80,
312 8000 inner equal 40, 320 8000 inner equal 40

three_times: takes a shuffled hash join only for a side that is three times smaller
600 1800 inner equal 80, 600 1792 inner equal 80, 1800 600 left equal 80, 1792 600 left equal 80

either_side: hashes either side of an outer join, and only the right one of a semi or anti join
600 8000 left equal 80, 600 8000 right equal 80, 8000 600 right equal 80, 600 8000 full equal 80,
8000 600 full equal 80, 600 8000 left_semi equal 80, 8000 600 left_semi equal 80,
600 8000 left_anti equal 80, 8000 600 left_anti equal 80

no_equality: without an equality, plans an inner join by its smaller side
80 8000 inner other 80, 8000 80 inner other 80, 88 8000 inner other 80, 8000 88 inner other 80

other_loops: without an equality, plans a nested loop for every other join type
8000 8000 left other 80, 8000 8000 right other 80, 8000 8000 full other 80,
8000 8000 left_semi other 80, 8000 8000 left_anti other 80
""",
    given=arguments,
)


def spark_plans(spark, given):
    """The joins that Spark plans: a range of n numbers has an estimate of 8n bytes."""
    threshold = "spark.sql.autoBroadcastJoinThreshold"
    with settings(spark, {**PLANNED, threshold: "-1"}):
        for left_bytes, right_bytes, join_type, equi, small in given:
            spark.conf.set(threshold, str(small))
            left = spark.range(left_bytes // 8).toDF("a")
            right = spark.range(right_bytes // 8).toDF("b")
            on = left.a == right.b if equi else left.a < right.b
            plan = operators(left.join(right, on=on, how=join_type))
            yield next(NAMES[name] for name in plan if name in NAMES)


def assert_strategy(learner, spark, given):
    found = [learner.strategy(*one) for one in given]
    for one, mine, plan in zip(given, found, spark_plans(spark, given), strict=True):
        assert mine == plan, f"strategy{one} returns {mine!r}, and Spark plans {plan!r}"


@check("strategy")
@cases(PLANS)
def test_plans(learner, spark, case):
    """{case}"""
    assert_strategy(learner, spark, case.given)


# ------------------------------------------------------------------------------------- anti_join

RIDES = "pickup_ip long, ride_id long, distance double"
BLOCKED = "distance double, ride_id long"


def ride(text):
    """A ride by its id and address: "101 10"."""
    number, address = map(value, text.split())
    return (address, number, 2.5)


RIDE_STORIES = stories(
    """
blocked: leaves out a ride that is blocked, and keeps one that isn't
101, 101, 102, 900 | 101 10, 103 11, 102 12, 102 13, 104 14 | 103 11, 104 14

null_blocked: keeps all other rides when `blocked` has a null
null | 201 20, 202 21 | 201 20, 202 21

null_ride: keeps rides without `ride_id`, whatever `blocked` has
null, null, -1, 0 | null 30, null 31 | null 30, null 31

repeated: returns a ride as often as it was given
301 | 301 40, 302 41, 302 41, 302 42, null 43, null 43 | 302 41, 302 41, 302 42, null 43, null 43
""",
    before=value,
    given=ride,
    after=ride,
)


@pytest.fixture(scope="module")
def anti_joined(learner, spark, frame):
    rides = frame(RIDES, all_of(RIDE_STORIES, "given"))
    blocked = frame(BLOCKED, [(9.5, number) for number in all_of(RIDE_STORIES, "before")])
    found = called(spark, learner.anti_join, rides, blocked)
    assert_columns(found.frame, RIDES)
    return found


@pytest.fixture(scope="module")
def rides_left(anti_joined):
    return collect(anti_joined.frame)


@check("anti_join")
@cases(RIDE_STORIES)
def test_rides(rides_left, case):
    """{case}"""
    mine = {row[0] for row in case.given}
    found = [row for row in rides_left if row.pickup_ip in mine]
    blocked = ", ".join(map(shown, case.before))
    with told(f"Blocked here: {blocked}"):
        assert_rows(found, case.after, key=["ride_id", "pickup_ip"], columns=RIDES)


@check("anti_join")
def test_nothing_is_broadcast(spark, anti_joined):
    """broadcasts nothing where automatic broadcasts are off"""
    plan = planned_big(spark, anti_joined.frame)
    assert "BroadcastExchange" not in plan.operators, with_plan(
        "a side is sent to every executor although automatic broadcasts are off, however large it "
        "is",
        plan.frame,
        "BroadcastExchange",
        *NESTED,
    )


# ------------------------------------------------------------------------------------ range_join

FACTS = "bucket string, pickup_ip long, ride_id long"
BANDS = "name string, lo long, hi long"
NAMED = "bucket string, pickup_ip long, ride_id long, name string"
BUCKET = 10


def band(text):
    """ "A 20 30": its name and bounds."""
    name, lo, hi = text.split()
    return (None if name == "null" else name, value(lo), value(hi))


def fact(text):
    """ "1 25": a ride and its address."""
    number, address = map(value, text.split())
    return ("n", address, number)


def named(text):
    """ "1 25 A": a ride with its zone."""
    number, address, name = text.split()
    return ("n", value(address), value(number), None if name == "null" else name)


BAND_STORIES = stories(
    """
bounds: counts `lo` into a band, and `hi` out of it
A 20 30, B 43 47, Z 0 5 | 1 19, 2 20, 3 29, 4 30, 5 42, 6 43, 7 46, 8 47, 9 0, 10 4, 10 5 |
1 19 null, 2 20 A, 3 29 A, 4 30 null, 5 42 null, 6 43 B, 7 46 B, 8 47 null, 9 0 Z, 10 4 Z,
10 5 null

wide: finds a band in each of its buckets
C 100 400, D 418 422 | 11 100, 12 255, 13 399, 14 418, 15 421, 16 416, 17 425 |
11 100 C, 12 255 C, 13 399 C, 14 418 D, 15 421 D, 16 416 null, 17 425 null

overlap: returns a row once for each band that holds its address
E 500 540, F 512 515, G 513 514, H 511 530 | 21 513, 22 511, 23 525, 24 535 |
21 513 E, 21 513 F, 21 513 G, 21 513 H, 22 511 E, 22 511 H, 23 525 E, 23 525 H, 24 535 E

equal_bands: counts bands that are equal as many
P 900 910, P 900 910, Q 903 905, Q 903 905 | 61 901, 62 904 | 61 901 P, 61 901 P,
62 904 P, 62 904 P, 62 904 Q, 62 904 Q

without_band: keeps a row without a band or without an address, once
I 601 603, J 607 609 | 31 605, 32 699, 33 null, 34 null |
31 605 null, 32 699 null, 33 null null, 34 null null

equal_rows: returns equal rows as often as they were given
K 700 720 | 41 705, 41 705, 42 730, 42 730, 42 730 |
41 705 K, 41 705 K, 42 730 null, 42 730 null, 42 730 null

unnamed: counts a band without a name as any other
R 920 930, null 922 925 | 66 923, 67 927 | 66 923 R, 66 923 null, 67 927 R

large: finds addresses that are no int, and that no double has
S 30000000000 30000000016, T 1152921504606847100 1152921504606847110 |
71 30000000003, 72 30000000015, 73 30000000016, 74 1152921504606847109, 75 1152921504606847110 |
71 30000000003 S, 72 30000000015 S, 73 30000000016 null, 74 1152921504606847109 T,
75 1152921504606847110 null

no_address: finds no row in a band without a bound, or without an address in it
L null 820, M 800 null, N 810 810, O 835 805 | 51 800, 52 805, 53 810, 54 835 |
51 800 null, 52 805 null, 53 810 null, 54 835 null
""",
    before=band,
    given=fact,
    after=named,
)


@pytest.fixture(scope="module")
def range_joined(learner, spark, frame):
    facts = frame(FACTS, all_of(BAND_STORIES, "given"))
    bands = frame(BANDS, all_of(BAND_STORIES, "before"))
    found = called(spark, learner.range_join, facts, bands, BUCKET)
    assert_columns(found.frame, NAMED)
    return found


@pytest.fixture(scope="module")
def zones(range_joined):
    return collect(range_joined.frame)


@check("range_join")
@cases(BAND_STORIES)
def test_zones(zones, case):
    """{case}"""
    mine = {row[2] for row in case.given}
    found = [row for row in zones if row.ride_id in mine]
    bands = ", ".join(f"{name or 'null'} from {shown(lo)} to {shown(hi)}" for name, lo, hi in case.before)
    with told(f"The bands here: {bands}; the bucket is {BUCKET}"):
        assert_rows(found, case.after, key=["ride_id", "name"], columns=NAMED)


def many_bands(buckets, bucket, apart=1):
    """Rides in so many buckets, five in each; a wide band, and one in each bucket of a ride.

    Every `apart`-th bucket has rides. As many bands again have no address.
    """
    starts = [number * bucket * apart for number in range(buckets)]
    facts = [("n", start + 4, start + place) for start in starts for place in range(5)]
    bands = [("wide", 0, buckets * bucket)]
    bands += [("one", start + 1, start + bucket) for start in starts]
    bands += [("none", start + 5, start + 5) for start in starts]
    touched = buckets + buckets
    return facts, bands, touched


@pytest.fixture(scope="module")
def big_runs(learner, spark, frame):
    """Runs of rides in 64 buckets in the session of BIG_TABLES, and what they may shuffle.

    The buckets are neighbours, or so far apart that their numbers are equal by many a modulus.
    """
    runs = []
    for apart in (1, 2**12 * 15):
        facts, bands, touched = many_bands(64, BUCKET, apart)
        joined = learner.range_join(frame(FACTS, facts), frame(BANDS, bands), BUCKET)
        with settings(spark, BIG_TABLES):
            run = run_frame(joined)
        runs.append(SimpleNamespace(run=run, facts=len(facts), touched=touched))
    return runs


@check("range_join")
def test_joins_by_keys(big_runs):
    """joins by equal keys: no nested loop, no cartesian product, no broadcast"""
    marked = NESTED | {"BroadcastExchange"}
    run = big_runs[0].run
    found = sorted(marked & set(run.operators))
    assert not found, with_plan(
        f"the plan has {' and '.join(found)} in the session of BIG_TABLES", run.frame, *marked
    )


def assert_rows_shuffled(run, facts, touched):
    most = max((sum(read.rows) for read in run.reads), default=0)
    assert most <= facts + touched, with_plan(
        f"a stage reads {most:,} rows from a shuffle, for {facts} rows of facts and bands that have "
        f"addresses in {touched} buckets together",
        run.frame,
        "ShuffleExchange",
    )


def assert_spread(run):
    for read in run.reads:
        share = max(read.rows) / sum(read.rows)
        assert share <= 0.5, (
            f"a task reads {max(read.rows)} of the {sum(read.rows)} rows of its stage; rides of 64 "
            f"buckets can be spread over {PARTITIONS} tasks"
        )


@check("range_join")
def test_rows_before_the_join(big_runs):
    """shuffles a row of facts once, and a band once for each of its buckets"""
    for one in big_runs:
        assert_rows_shuffled(one.run, one.facts, one.touched)


@check("range_join")
def test_buckets_spread(big_runs):
    """joins different buckets by different keys"""
    for one in big_runs:
        assert one.run.reads, "nothing is shuffled, so the rows are not distributed by bucket"
        assert_spread(one.run)


# ------------------------------------------------------------------------------------ as_of_join

TICKS = "side string, ts timestamp, seq long, symbol string"
QUOTES = "symbol string, ts timestamp, bid double, seq long"
PRICED = (
    "side string, ts timestamp, seq long, symbol string, "
    "right_symbol string, right_ts timestamp, right_bid double, right_seq long"
)
TOLERANCE = 3600
NINE = datetime(2026, 3, 9, 9)


def time(text):
    """Seconds after nine: "40.5"."""
    return None if text == "null" else NINE + timedelta(seconds=float(text))


def symbol(text):
    return None if text == "null" else text


def quote(text):
    """ "A 40 7.5 1": symbol, time, bid, seq."""
    name, at, bid, seq = text.split()
    return (symbol(name), time(at), None if bid == "null" else float(bid), int(seq))


def tick(text):
    """ "1 A 45": its number, symbol and time."""
    number, name, at = text.split()
    return ("n", time(at), int(number), symbol(name))


def found_quote(text):
    """ "1: 7.5 40 1", the tick's number, bid, time and seq of its quote; "1:" when it has none."""
    number, _, rest = text.partition(":")
    if not rest.strip():
        return (int(number), None, None, None)
    bid, at, seq = rest.split()
    return (int(number), None if bid == "null" else float(bid), time(at), int(seq))


QUOTE_STORIES = stories(
    """
newest: finds the newest quote before a tick, of its own symbol
A 30 1.5 4, A 10 1.1 1, A 20 1.2 3, B 24 9.9 2 | 1 A 25, 2 A 15, 3 A 31, 4 B 31 |
1: 1.2 20 3, 2: 1.1 10 1, 3: 1.5 30 4, 4: 9.9 24 2

same_time: counts a quote at the time of the tick, and none after it
C 40 2.5 18, C 41 2.6 19 | 11 C 40, 12 C 40, 13 C 39.999999, 14 C 40.999999 |
11: 2.5 40 18, 12: 2.5 40 18, 13:, 14: 2.5 40 18

ties: takes the greatest `seq` of quotes at one time, in whatever order they arrive
D 50 3.1 1, D 50 3.3 130, D 50 3.2 70, E 50 4.2 120, E 50 4.1 9, E 50 4.3 -200,
P 50 4.4 3000000000, P 50 4.5 20 | 21 D 50, 22 D 55, 23 E 50, 24 E 55, 25 P 50 |
21: 3.3 50 130, 22: 3.3 50 130, 23: 4.2 50 120, 24: 4.2 50 120, 25: 4.4 50 3000000000

tolerance: takes a quote that is as old as the tolerance, and none that is older
F 100 5.5 1, G 40.9 5.6 1, H 0 5.7 1 |
31 F 3700, 32 F 3700.000001, 33 G 3640.95, 34 G 3640.5, 35 H 99999 |
31: 5.5 100 1, 32:, 33:, 34: 5.6 40.9 1, 35:

whole_row: takes all values from one quote, also where it has nulls
I 10 6.5 1, I 20 null 2, I 30 null 3 | 41 I 25, 42 I 35, 43 I 15 |
41: null 20 2, 42: null 30 3, 43: 6.5 10 1

no_quote: keeps a tick whose symbol has no quote, or only later ones
J 90 7.5 1 | 51 J 80, 52 K 80, 53 K 80 | 51:, 52:, 53:

nulls: keeps a tick without symbol or time, and finds no quote for it
null 10 8.5 1, L null 8.6 2, L 70 8.7 3, null null 8.8 4 |
61 null 20, 62 L null, 63 null null, 64 L 75 | 61:, 62:, 63:, 64: 8.7 70 3

equal_ticks: returns equal ticks as often as they were given, once each
M 10 9.1 1, M 10 9.2 2, M 12 9.3 3 | 71 M 15, 71 M 15, 72 M 11 | 71: 9.3 12 3, 71: 9.3 12 3, 72: 9.2 10 2
""",
    before=quote,
    given=tick,
    after=found_quote,
)


FAR = [f"{number} N {10 + number / 100}" for number in range(1000, 2200)]
QUOTE_STORIES.append(
    Case(
        "far_behind",
        "finds a quote that a thousand ticks ago was the newest",
        before=[quote("N 10 1.5 1")],
        given=[tick(text) for text in FAR],
        after=[found_quote(f"{text.split()[0]}: 1.5 10 1") for text in FAR],
    )
)


@pytest.fixture(scope="module")
def as_of_joined(learner, spark, frame):
    ticks = frame(TICKS, all_of(QUOTE_STORIES, "given"))
    quotes = frame(QUOTES, all_of(QUOTE_STORIES, "before"))
    found = called(spark, learner.as_of_join, ticks, quotes, "symbol", "ts", TOLERANCE)
    assert_columns(found.frame, PRICED)
    return found


@pytest.fixture(scope="module")
def prices(as_of_joined):
    return collect(as_of_joined.frame)


@check("as_of_join")
@cases(QUOTE_STORIES)
def test_quotes(prices, case):
    """{case}"""
    found_for = {number: rest for number, *rest in case.after}
    wanted = []
    for note, at, number, name in case.given:
        bid, since, seq = found_for[number]
        theirs = (None, None, None, None) if since is None else (name, since, bid, seq)
        wanted.append((note, at, number, name, *theirs))
    mine = {row[2] for row in case.given}
    found = [row for row in prices if row.seq in mine]
    quotes = ", ".join(
        f"{name or 'null'} at {f'{at:%T.%f}'[:11] if at else 'null'}, seq {seq}"
        for name, at, _, seq in case.before
    )
    with told(f"The quotes here: {quotes}; the tolerance is {TOLERANCE} s"):
        assert_rows(found, wanted, key="seq", columns=PRICED)


@check("as_of_join", points=2)
def test_no_join_and_one_shuffle(spark, as_of_joined):
    """has no join, at most one shuffle and no Python worker in its plan"""
    plan = planned_big(spark, as_of_joined.frame)
    joins = [name for name in plan.operators if name.endswith("Join") or name in NESTED]
    assert not joins, with_plan(
        f"the plan has {', '.join(joins)}; a join on an earlier time compares each tick with all "
        "quotes before it",
        plan.frame,
        *joins,
    )
    assert not has_python(plan.frame), with_plan(
        "rows pass through Python workers", plan.frame, "Python"
    )
    shuffles = exchanges(plan.frame).count("ShuffleExchange")
    assert shuffles <= 1, with_plan(
        f"the plan has {shuffles} shuffles", plan.frame, "ShuffleExchange"
    )


@check("anti_join", "range_join", "as_of_join")
def test_runs_no_job(answer):
    """returns a plan, without running a job"""
    jobs = answer.work.jobs
    assert jobs == 0, f"the call ran {jobs} Spark job{'s' if jobs > 1 else ''} before it returned"


# --------------------------------------------------------------------------------- bucketed_join

BUCKETS = 4
SALES = "qty long, shop int, day string"
SHOPS = "zone string, shop long, city string"
SOLD = "shop long, qty long, day string, zone string, city string"
SALE_ROWS = [(number, number % 9 or None, f"day {number % 4}") for number in range(30)]
SALE_ROWS += [(7, 3, "day 1"), (7, 3, "day 1"), (5, 70, "day 2")]
SHOP_ROWS = [(f"zone {number % 5}", number, f"city {number}") for number in range(12)]
SHOP_ROWS += [("zone 7", 3, "second"), ("zone 8", None, "none")]
# Copies of an earlier call: one has other columns, one the same, and as many rows.
EARLIER = {
    "sales": ("shop long, note string, tag string", [(3, "early", "a"), (4, "early", "b")]),
    "shops": (SHOPS, [("early", number, "early") for number in range(len(SHOP_ROWS))]),
}


def inner(sales, shops):
    return [
        (shop, qty, day, zone, city)
        for qty, shop, day in sales
        for zone, number, city in shops
        if shop is not None and shop == number
    ]


@pytest.fixture(scope="module")
def bucketed(learner, spark, frame, shared_schema):
    """One call, with copies of an earlier one there: its result, the copies, the given tables."""
    tables = {"sales": f"{shared_schema}.sales", "shops": f"{shared_schema}.shops"}
    write(frame(SALES, SALE_ROWS).repartition(3), tables["sales"])
    write(frame(SHOPS, SHOP_ROWS), tables["shops"])
    for name, (columns, rows) in EARLIER.items():
        write(frame(columns, rows), f"{tables[name]}_bucketed", buckets_by="shop")
    joined = learner.bucketed_join(spark, *tables.values(), "shop")
    assert_columns(joined, SOLD)
    return SimpleNamespace(
        rows=collect(joined),
        plan=planned_big(spark, joined),
        copies={name: copy_of(spark, table) for name, table in tables.items()},
        kept={name: rows_now(spark, table).collect() for name, table in tables.items()},
    )


def write(rows, table, buckets_by=None):
    writer = rows.write.format("parquet")
    if buckets_by:
        writer = writer.bucketBy(BUCKETS, buckets_by)
    writer.saveAsTable(table)


def rows_now(spark, table):
    """A table as it is on disk: a session remembers the files that it saw."""
    spark.catalog.refreshTable(table)
    return spark.table(table)


def copy_of(spark, table, key="shop"):
    """What the catalog and the disk know of a copy; None if there is no such table."""
    name = f"{table}_bucketed"
    if not spark.catalog.tableExists(name):
        return None
    rows = rows_now(spark, name)
    told = {row.col_name: row.data_type for row in spark.sql(f"DESCRIBE EXTENDED {name}").collect()}
    return SimpleNamespace(
        name=name.split(".")[-1],
        provider=told["Provider"].lower(),
        buckets=int(told.get("Num Buckets", 0)),
        by=told.get("Bucket Columns", "[]").strip("[]`"),
        key=rows.schema[key].dataType.simpleString(),
        files=len(rows.inputFiles()),
        rows=rows.collect(),
    )


def copies_made(copies):
    missing = [f"{name}_bucketed" for name, copy in copies.items() if copy is None]
    assert not missing, f"there is no table {', '.join(missing)} after the call"
    return copies.values()


@check("bucketed_join")
def test_rows_of_the_inner_join(bucketed):
    """returns the inner join of both tables"""
    wanted = inner(SALE_ROWS, SHOP_ROWS)
    assert_rows(bucketed.rows, wanted, key=["shop", "qty", "city"], columns=SOLD)


@check("bucketed_join")
def test_copies(bucketed):
    """makes Parquet copies with BUCKETS buckets by the key, which is a long"""
    for copy in copies_made(bucketed.copies):
        found = (copy.provider, copy.buckets, copy.by, copy.key)
        assert found == ("parquet", BUCKETS, "shop", "bigint"), (
            f"{copy.name}: format {copy.provider}, {copy.buckets} buckets by {copy.by or 'nothing'}, "
            f"the key is a {copy.key}"
        )


@check("bucketed_join")
def test_rows_of_the_copies(bucketed):
    """copies all rows, also those without a partner, in place of those of an earlier call"""
    copies_made(bucketed.copies)
    found = bucketed.copies
    assert_rows(found["sales"].rows, SALE_ROWS, key=["shop", "qty"], columns=SALES)
    assert_rows(found["shops"].rows, SHOP_ROWS, key=["shop", "city"], columns=SHOPS)


@check("bucketed_join")
def test_files_of_the_copies(bucketed):
    """writes at most one file for each bucket"""
    for copy in copies_made(bucketed.copies):
        assert copy.files <= BUCKETS, f"{copy.name} has {copy.files} files for {BUCKETS} buckets"


@check("bucketed_join", points=2)
def test_no_exchange(bucketed):
    """reads the copies and joins them without an exchange"""
    moved = exchanges(bucketed.plan.frame)
    assert not moved, with_plan(
        f"the plan has {', '.join(moved)}",
        bucketed.plan.frame,
        "ShuffleExchange",
        "BroadcastExchange",
    )
    read = sorted({scan.source for scan in scans(bucketed.plan.frame)})
    assert read == ["sales_bucketed", "shops_bucketed"], (
        f"the result reads {', '.join(read) or 'no table'}"
    )


@check("bucketed_join")
def test_given_tables(bucketed):
    """leaves the given tables as they are"""
    assert_rows(bucketed.kept["sales"], SALE_ROWS, key=["shop", "qty"], columns=SALES)
    assert_rows(bucketed.kept["shops"], SHOP_ROWS, key=["shop", "city"], columns=SHOPS)

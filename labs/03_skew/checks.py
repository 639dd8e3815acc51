"""Checks of lab 03: rows by hand for what a join means, task records for where its rows go."""

import math
from collections import Counter
from statistics import median
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from labkit.checks import (
    Case,
    assert_columns,
    assert_frame,
    assert_rows,
    cases,
    check,
    collect,
    run_frame,
    scans,
    settings,
    stories,
    with_plan,
)

HINTS = {
    "key_profile": [
        "Group, count, sort, cut off. Which of the usual counts skips null, and which doesn't?",
        "A share needs the number of all rows. Once the frame is cut to n rows, it is too late to "
        "add them up.",
        "A join or a window after the sort may lose its order. What has to come last?",
    ],
    "salted_join": [
        "The hot key must become several keys. Give each fact one of the salts. On the other side, "
        "have a partner ready for every salt. Join on both columns.",
        "`F.explode(F.sequence(...))` makes copies of a row. Does your range of salts have as many "
        "numbers as the facts use, and do both begin at 0?",
        "A salt can be drawn at random, or computed from columns of the row. Computed from the key "
        "alone, it splits nothing.",
        "These must not change: rows without a partner, keys with two partners, rows that come "
        "twice. You need neither a filter nor a distinct for that.",
    ],
    "isolate_hot_keys": [
        "Split the facts by one condition and its opposite. Every row must satisfy exactly one of "
        "the two. What is `isin` of a null, and what is its opposite?",
        "Which rows of the dimension can a hot fact meet? Send only those to every executor, with "
        "`F.broadcast`.",
        "A hot key may have no row in the dimension, and null may be in the list. Take nulls out "
        "of the list before you compare with it: a null key has no partner in either part.",
    ],
    "two_stage_count": [
        "Count by key and salt first, then add up by key. For the rows any salt will do. When do "
        "distinct counts of parts add up?",
        "If all rows of a user get one salt, no user is counted in two parts. A function of "
        "user_id does that, also for a null.",
        "The second stage is a `sum`, of rows and of users. Which of `count('*')` and "
        "`count('user_id')` counts a null?",
    ],
}

CLICKS = "click_id long, salt string, advertiser_id long, user_id long"
ADVERTISERS = "advertiser_id long, name string, segment string"
JOINED = (
    "advertiser_id long, click_id long, salt string, user_id long, name string, segment string"
)
COUNTED = "advertiser_id long, rows long, users long"

PARTITIONS = 8
MOST_SKEW = 3
SKEWED = {
    "spark.sql.shuffle.partitions": str(PARTITIONS),
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.files.minPartitionNum": "2",
}
SHUFFLED_JOINS = {"SortMergeJoin", "ShuffledHashJoin"}


def value(text):
    return None if text == "null" else int(text)


def all_of(cases, part):
    return [row for case in cases for row in getattr(case, part)]


@pytest.fixture(scope="module")
def ads(spark, dataset):
    """Clicks of the seed of the run and advertisers with an id: frames, and what they hold."""
    folder = dataset("ad_clicks")
    clicks = pq.read_table(folder / "clicks", columns=["advertiser_id", "user_id"]).to_pylist()
    keys = Counter(row["advertiser_id"] for row in clicks)
    users = {key: set() for key in keys}
    for row in clicks:
        users[row["advertiser_id"]].add(row["user_id"])
    ids = pq.read_table(folder / "advertisers.parquet").column("advertiser_id")
    advertisers = spark.read.parquet(str(folder / "advertisers.parquet"))
    return SimpleNamespace(
        clicks=spark.read.parquet(str(folder / "clicks")),
        advertisers=advertisers.where("advertiser_id IS NOT NULL"),
        keys=keys,
        hot=keys.most_common(1)[0][0],
        users=users,
        rows=len(clicks),
        advertiser_rows=len(ids) - ids.null_count,
    )


def skewed(spark, frame):
    """The run of a frame with eight shuffle partitions, AQE and automatic broadcasts off."""
    with settings(spark, SKEWED):
        return run_frame(frame)


def listed(amounts):
    """The largest first, bounded."""
    shown = [f"{amount:,}" for amount in sorted(amounts, reverse=True)[:PARTITIONS]]
    return ", ".join(shown) + (" ..." if len(amounts) > PARTITIONS else "")


# ----------------------------------------------------------------------------------- key_profile


def country(text):
    """So many rows of a country: "PT 9"."""
    name, rows = text.split()
    return (None if name == "null" else name, int(rows))


# `before` says how many countries are asked for.
PROFILES = stories(
    """
heaviest: the heaviest keys first, null among them
2 | PT 9, FR 1, null 8, IT 1, SE 5, DE 1, ES 1, NL 1, BE 1, LU 2 | PT 9, null 8

order: all keys by their rows, with shares that are not rounded, when there are fewer than n
9 | BE 1, PT 6, AT 3, ES 29, null 2 | ES 29, PT 6, AT 3, null 2, BE 1

empty: no row of an empty frame
3 | |
""",
    before=int,
    given=country,
    after=country,
)


def profile(learner, frame, keys, n):
    rows = [(name, 7) for name, count in keys for _ in range(count)]
    return learner.key_profile(frame("country string, user_id long", rows), "country", n)


@check("key_profile")
@cases(PROFILES)
def test_heaviest_keys(learner, frame, case):
    """Returns {case}"""
    whole = sum(rows for _, rows in case.given)
    expected = [(name, rows, rows / whole) for name, rows in case.after]
    assert_frame(
        profile(learner, frame, case.given, case.before[0]),
        expected,
        key="country",
        schema="country string, rows long, share double",
        ordered=True,
    )


@check("key_profile")
def test_ties_are_cut_off(learner, frame):
    """Returns n keys, also when further ones tie with the last of them"""
    found = collect(profile(learner, frame, [("PT", 3), ("SE", 2), ("IT", 2), ("FR", 2)], 3))
    rows = [row.rows for row in found]
    assert rows == [3, 2, 2], f"keys have 3, 2, 2 and 2 rows, three are asked for; found {rows}"


# --------------------------------------------------------------------------------- the two joins


def click(text):
    """A row of clicks, "201 8": the click and its advertiser."""
    number, advertiser = text.split()
    return (int(number), "s", value(advertiser), 5)


DIMENSION = [
    (7, "Blue Harbour", "retail"),
    (8, "Old Atlas", "games"),
    (8, "Old Atlas", "travel"),
    (9, "Quiet Studio", "local"),
    *[(10, "North Signal", "games")] * 2,
    (11, "Rapid Bakery", "local"),
    (None, "House ads", "house"),
]
LAST = {"salted_join": 3, "isolate_hot_keys": [7, 8, 98, None, 7]}
JOINS = stories(
    """
two_partners: matches every row of the dimension that has the key, identical ones included
201 8, 202 8, 203 8, 211 10, 212 10

no_partner: keeps rows whose key is null or unknown, once each, without a partner
301 99, 302 99, 401 null, 402 null, 403 null, 601 98, 602 98

identical: returns identical rows as often as they were given
501 9, 501 9, 501 9, 511 7, 511 7
""",
    given=click,
)
HUNDRED = [click(f"{number} {7 + number % 3}") for number in range(1, 101)]
JOINS.insert(0, Case("partner", "finds the partner of every row", given=HUNDRED))
FACTS = all_of(JOINS, "given")


def left_joined(clicks, dimension):
    """The rows of a plain left join."""
    return [
        (key, *others, *partner)
        for *before, key, user in clicks
        for others in [(*before, user)]
        for partner in [row[1:] for row in dimension if row[0] == key is not None]
        or [(None,) * (len(dimension[0]) - 1)]
    ]


@pytest.fixture(scope="module")
def joined(task, learner, spark, frame):
    """The rows of the hand-made clicks, joined with three salts or with a list of hot keys."""
    facts, dims = frame(CLICKS, FACTS), frame(ADVERTISERS, DIMENSION)
    answer = getattr(learner, task)(facts, dims, "advertiser_id", LAST[task])
    assert_columns(answer, JOINED)
    return SimpleNamespace(answer=answer, rows=collect(answer))


@check("salted_join", "isolate_hot_keys")
@cases(JOINS)
def test_rows_of_the_join(task, joined, case):
    """{case}"""
    mine = {row[0] for row in case.given}
    found = [row for row in joined.rows if row.click_id in mine]
    try:
        expected = left_joined(case.given, DIMENSION)
        assert_rows(found, expected, key=["click_id", "advertiser_id"], columns=JOINED)
    except AssertionError as wrong:
        raise AssertionError(f"{wrong}\nThe last argument was {LAST[task]}") from None


@check("salted_join", "isolate_hot_keys")
def test_no_other_rows(joined):
    """Has no row of the dimension alone"""
    extra = {row.click_id for row in joined.rows} - {row[0] for row in FACTS}
    assert not extra, f"a row has the click_id {extra.pop()}, and no click has that"


@pytest.fixture(scope="module")
def run(task, learner, spark, ads):
    """The run of the skewed clicks, joined with 64 salts or with their hot advertiser apart."""
    last = {"salted_join": 64, "isolate_hot_keys": [ads.hot]}[task]
    answer = getattr(learner, task)(ads.clicks, ads.advertisers, "advertiser_id", last)
    return skewed(spark, answer)


@check("salted_join", points=3)
def test_salted_rows_spread_over_partitions(ads, run):
    """Spreads the rows: the fullest task reads at most 3 times the rows of the median task"""
    reads = [read for read in run.reads if 2 * sum(read.rows) >= ads.rows]
    assert reads, (
        f"no stage reads the {ads.rows:,} clicks after a shuffle, so there is nothing to spread: "
        "the join runs elsewhere, or the clicks were packed into fewer rows"
    )
    tasks = min(len(read.rows) for read in reads)
    assert tasks >= PARTITIONS, (
        f"tasks of a stage that reads the clicks: {tasks}, for {PARTITIONS} shuffle partitions"
    )
    worst = max(reads, key=lambda read: read.skew)
    assert worst.skew <= MOST_SKEW, (
        f"the tasks of a stage read {listed(worst.rows)} rows: the fullest {worst.skew:.1f} times "
        f"the median, at most {MOST_SKEW} is asked for"
    )


@check("salted_join")
def test_copies_follow_the_number_of_salts(spark, joined, task):
    """Shuffles each row of the dimension at most `salts` times"""
    reads = skewed(spark, joined.answer).reads
    most = max((sum(read.rows) for read in reads), default=0)
    allowed = len(FACTS) + LAST["salted_join"] * len(DIMENSION)
    assert most <= allowed, (
        f"a stage reads {most} rows from shuffles, for {len(FACTS)} facts, a dimension of "
        f"{len(DIMENSION)} rows and {LAST['salted_join']} salts; {allowed} are enough"
    )


@check("salted_join")
def test_salted_join_broadcasts_nothing(run):
    """Joins through a shuffle of both sides; neither is broadcast"""
    # an aggregate of a side, such as a list of its hot keys, may well be broadcast
    sent = sorted({scan.source for scan in scans(run.frame) if scan.broadcast})
    assert not sent, with_plan(
        f"rows of {', '.join(sent)} are sent to every executor. Think of a dimension that does not "
        "fit into one: the join has to shuffle",
        run.frame,
        "BroadcastExchange",
    )


@check("isolate_hot_keys", points=2)
def test_hot_rows_are_not_shuffled(ads, run):
    """Keeps hot rows out of the shuffle: no stage reads more than the rest and the dimension"""
    rest = ads.rows - ads.keys[ads.hot]
    most = max((sum(read.rows) for read in run.reads), default=0)
    assert most <= rest + 2 * ads.advertiser_rows, (
        f"a stage reads {most:,} rows from a shuffle; {rest:,} clicks don't have the hot key, and "
        f"the dimension has {ads.advertiser_rows} rows. The hot clicks travel too"
    )


@check("isolate_hot_keys")
def test_only_hot_keys_are_broadcast(ads, run):
    """Broadcasts only those rows of the dimension that have a hot key"""
    assert "BroadcastHashJoin" in run.operators, with_plan(
        "no side of a join is broadcast. The session does not broadcast by itself (its threshold "
        "is off): say which frame",
        run.frame,
        *SHUFFLED_JOINS,
    )
    assert run.broadcast_rows < ads.advertiser_rows / 2, with_plan(
        f"{run.broadcast_rows} rows are broadcast for one hot key; the dimension has "
        f"{ads.advertiser_rows}. Think of a dimension that does not fit into an executor",
        run.frame,
        "BroadcastExchange",
    )


@check("salted_join", "isolate_hot_keys")
def test_joins_through_a_shuffle(run):
    """Joins through a shuffle what is not hot, or all that is salted"""
    joins = sorted({name for name in run.operators if "Join" in name})
    assert SHUFFLED_JOINS & set(joins), with_plan(
        f"no join of the plan shuffles both its sides; joins in it: {', '.join(joins) or 'none'}",
        run.frame,
        *joins,
    )


@check("isolate_hot_keys")
def test_no_key_is_hot(learner, frame):
    """Returns the plain left join when the list of hot keys is empty"""
    rows, dims = FACTS[::20], frame(ADVERTISERS, DIMENSION)
    answer = learner.isolate_hot_keys(frame(CLICKS, rows), dims, "advertiser_id", [])
    expected = left_joined(rows, DIMENSION)
    assert_frame(answer, expected, key=["click_id", "name", "segment"], schema=JOINED)


# ------------------------------------------------------------------------------- two_stage_count


def views(text):
    """So many views of an advertiser by one user: "7 3 6"."""
    return tuple(map(value, text.split()))


COUNTS = stories(
    """
many_rows: counts a user of a key once, however many rows they have
7 1 6, 7 2 6, 7 3 6, 7 4 6, 7 5 6, 7 6 6 | 7 36 6

many_users: counts the rows and the users of each key, for users with numbers below 0 as well
8 5 5, 9 -71 1, 9 -72 1, 9 -73 1, 9 -74 1, 9 5 2 | 8 5 1, 9 6 5

null_key: counts the rows and users of the null key as well
null 5 2, null 6 1, null null 1 | null 4 2

null_user: counts a row without a user among the rows, and not among the users
6 null 2, 5 null 2, 5 3 3 | 6 2 0, 5 5 1
""",
    given=views,
    after=views,
)


@pytest.fixture(scope="module")
def counted(learner, frame):
    """The rows of the hand-made views, counted with one, four and 97 salts."""
    given = all_of(COUNTS, "given")
    rows = [(1, "s", key, user) for key, user, times in given for _ in range(times)]
    found = {}
    for salts in (1, 4, 97):
        answer = learner.two_stage_count(frame(CLICKS, rows), "advertiser_id", salts)
        assert_columns(answer, COUNTED)
        found[salts] = collect(answer)
    return found


@check("two_stage_count")
@cases(COUNTS)
def test_counts_of_a_key(counted, case):
    """{case}"""
    keys = {row[0] for row in case.after}
    for salts, rows in counted.items():
        found = [row for row in rows if row.advertiser_id in keys]
        try:
            assert_rows(found, case.after, key="advertiser_id", columns=COUNTED)
        except AssertionError as wrong:
            raise AssertionError(f"{wrong}\nThe last argument was {salts}") from None


@pytest.fixture(scope="module")
def large_count(learner, ads):
    """The skewed clicks counted with 64 salts: a frame."""
    return learner.two_stage_count(ads.clicks, "advertiser_id", 64)


@check("two_stage_count", points=2)
def test_count_of_many_users_is_exact(ads, large_count):
    """Counts the thousands of users of a hot key exactly"""
    expected = [(key, ads.keys[key], len(users - {None})) for key, users in ads.users.items()]
    assert_frame(large_count, expected, key="advertiser_id", schema=COUNTED)


@check("two_stage_count", points=2)
def test_no_task_takes_all_users(spark, large_count):
    """Spreads the work: no task reads over 3 times the median of the largest shuffle"""
    reads = skewed(spark, large_count).reads
    assert reads, "no stage reads from a shuffle; where are the rows of a key put together?"
    largest = max(reads, key=lambda read: sum(read.bytes))
    assert len(largest.bytes) >= PARTITIONS, (
        f"tasks that read the largest shuffle: {len(largest.bytes)}, for {PARTITIONS} partitions"
    )
    worst, usual = max(reads, key=lambda read: max(read.bytes)), median(largest.bytes)
    times = max(worst.bytes) / usual if usual else math.inf
    assert times <= MOST_SKEW, (
        f"the tasks of a stage read {listed(worst.bytes)} bytes: the first {times:.1f} times the "
        f"median of the largest shuffle, at most {MOST_SKEW} is asked for. What is kept of the hot "
        "key's users travels to one task in one piece"
    )

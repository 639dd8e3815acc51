"""Checks of lab 03: rows by hand for what a join means, task records for where its rows go."""

import math
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import Any

import pyarrow.parquet as pq
import pytest

from labkit.checks import (
    FrameRun,
    StageRead,
    assert_columns,
    assert_frame,
    check,
    collect,
    run_frame,
    scans,
    settings,
    with_plan,
)

HINTS = {
    "key_profile": [
        "Group, count, sort, cut off. Which of the usual counts skips null, and which "
        "doesn't?",
        "A share needs the number of all rows. Once the frame is cut to n rows, it is too "
        "late to add them up.",
        "A join or a window after the sort may lose its order. What has to come last?",
    ],
    "salted_join": [
        "The hot key must become several keys. Give each fact one of the salts. On the other "
        "side, have a partner ready for every salt. Join on both columns.",
        "`F.explode(F.sequence(...))` makes copies of a row. Does your range of salts have "
        "as many numbers as the facts use, and do both begin at 0?",
        "A salt can be drawn at random, or computed from columns of the row. Computed from "
        "the key alone, it splits nothing.",
        "These must not change: rows without a partner, keys with two partners, rows that "
        "come twice. You need neither a filter nor a distinct for that.",
    ],
    "isolate_hot_keys": [
        "Split the facts by one condition and its opposite. Every row must satisfy exactly "
        "one of the two. What is `isin` of a null, and what is its opposite?",
        "Which rows of the dimension can a hot fact meet? Send only those to every executor, "
        "with `F.broadcast`.",
        "A hot key may have no row in the dimension, and null may be in the list. Take nulls "
        "out of the list before you compare with it. A fact with a null key has no partner "
        "in either part.",
    ],
    "two_stage_count": [
        "Count by key and salt first, then add up by key. For the rows any salt will do. "
        "When do distinct counts of parts add up?",
        "If all rows of a user get one salt, no user is counted in two parts. A function of "
        "user_id does that, also for a null.",
        "The second stage is a `sum`, of rows and of users. Which of `count('*')` and "
        "`count('user_id')` counts a null?",
    ],
}

CLICKS = "click_id long, advertiser_id long, user_id long, cost double"
ADVERTISERS = "advertiser_id long, name string, segment string"
JOINED = "advertiser_id long, click_id long, user_id long, cost double, name string, segment string"
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


# ---- the skewed clicks, generated for the seed of the run ----


@dataclass(frozen=True)
class Ads:
    """The dataset as frames and as rows."""

    clicks: Any
    advertisers: Any
    rows: list[dict]
    advertiser_rows: int

    @property
    def hot(self) -> tuple[int, int]:
        """The hot advertiser and how many clicks it has."""
        return Counter(row["advertiser_id"] for row in self.rows).most_common(1)[0]


@pytest.fixture(scope="module")
def ads(spark, dataset):
    folder = dataset("ad_clicks")
    rows = pq.read_table(folder / "clicks").to_pylist()
    advertisers = folder / "advertisers.parquet"
    return Ads(
        spark.read.schema(CLICKS).parquet(str(folder / "clicks")),
        spark.read.schema(ADVERTISERS).parquet(str(advertisers)),
        rows,
        pq.read_metadata(advertisers).num_rows,
    )


def listed(amounts: tuple[int, ...]) -> str:
    """The largest first, bounded."""
    shown = [f"{amount:,}" for amount in sorted(amounts, reverse=True)[:PARTITIONS]]
    return ", ".join(shown) + (" ..." if len(amounts) > PARTITIONS else "")


# ---- key_profile ----

VISITS = [
    *[(country, 1) for country in ("FR", "IT", "DE", "ES", "NL", "BE")],
    *[("SE", n) for n in range(5)],
    *[(None, n) for n in range(8)],
    *[("PT", None) for n in range(9)],
    *[("", n) for n in range(2)],
]


@pytest.fixture(scope="module")
def visits(frame):
    return frame("country string, user_id long", VISITS)


@pytest.fixture(scope="module")
def heaviest(learner, visits):
    """The two heaviest countries of ten."""
    answer = learner.key_profile(visits, "country", 2)
    assert_columns(answer, "country string, rows long, share double")
    return [tuple(row) for row in collect(answer)]


# guards against: cuts_before_the_sort
@check("key_profile")
def test_heaviest_keys_come_first(learner, visits):
    """Returns the n heaviest keys with their rows, the heaviest first"""
    found = collect(learner.key_profile(visits.where("country IS NOT NULL"), "country", 2))
    counted = [tuple(row)[:2] for row in found]
    expected = [("PT", 9), ("SE", 5)]
    assert counted == expected, (
        f"asked for the 2 heaviest of 9 keys; {counted or 'nothing'} came back, expected {expected}"
    )


# guards against: renames_the_key
@check("key_profile")
def test_profile_has_its_columns(learner, visits):
    """Names the columns like the key, rows and share, and keeps the key's type"""
    answer = learner.key_profile(visits, "user_id", 2)
    assert_columns(answer, "user_id long, rows long, share double")


# guards against: counts_the_key_column, filters_null_keys
@check("key_profile", points=2)
def test_null_is_a_key(heaviest):
    """Counts null among the keys: its rows meet in one partition, as those of any key do"""
    nulls = [row[1] for row in heaviest if row[0] is None]
    assert nulls == [8], (
        "9 of 30 rows have the country PT and 8 have none; of null the profile of the two heaviest keys says "
        f"{nulls[0] if nulls else 'nothing'}. A shuffle sends all rows with a null key to one partition"
    )


# guards against: share_of_the_rest
@check("key_profile")
def test_share_is_of_all_rows(heaviest):
    """Gives the share of all rows, nulls and cut-off keys included, from 0 to 1"""
    shares = [row[2] for row in heaviest if row[0] == "PT"]
    assert shares == [pytest.approx(0.3)], (
        f"PT has 9 of all 30 rows, a share of 0.3; the profile says {shares[0] if shares else 'nothing'}"
    )


# ---- what the two joins share ----

FACTS = [
    *[(number, 7, number % 30, 0.5) for number in range(1, 141)],
    *[(number, 8, 1, 0.1) for number in (201, 202, 203)],
    *[(number, 10, 2, 0.2) for number in (211, 212)],
    *[(number, 99, 3, 0.3) for number in (301, 302)],
    *[(number, None, 4, 0.4) for number in (401, 402, 403)],
    *[(501, 9, 5, 1.0)] * 3,
    *[(511, 7, 5, 1.0)] * 2,
    *[(number, 98, 3, 0.3) for number in (601, 602)],
]
DIMENSION = [
    (7, "Blue Harbour", "retail"),
    (8, "Old Atlas", "games"),
    (8, "Old Atlas", "travel"),
    (9, "Quiet Studio", "local"),
    *[(10, "North Signal", "games")] * 2,
    (11, "Rapid Bakery", "local"),
    (None, "House ads", "house"),
]


def left_joined(clicks: set[int]) -> list[tuple]:
    """What a plain left join says of these clicks."""
    return [
        (key, click, user, cost, *partner)
        for click, key, user, cost in FACTS
        if click in clicks
        for partner in [row[1:] for row in DIMENSION if row[0] == key and key is not None]
        or [(None, None)]
    ]


@dataclass(frozen=True)
class Joined:
    """What a join returned, looked at click by click."""

    rows: list[tuple]
    frame: Any

    def equals_plain(self, *clicks: int) -> None:
        found = self.frame(JOINED, [row for row in self.rows if row[1] in clicks])
        assert_frame(found, left_joined(set(clicks)), key=["click_id", "advertiser_id"])


def joined(frame, answer) -> Joined:
    assert_columns(answer, JOINED)
    return Joined([tuple(row) for row in collect(answer)], frame)


def assert_no_other_clicks(found: Joined) -> None:
    unknown = {row[1] for row in found.rows} - {click for click, *_ in FACTS}
    assert not unknown, (
        f"a row comes back whose click_id is {next(iter(unknown))}, and no click is: a left join has "
        "no rows of its right side alone"
    )


# ---- salted_join ----


@pytest.fixture(scope="module")
def salted(learner, frame):
    """The hand-made clicks joined with three salts."""
    facts, dims = frame(CLICKS, FACTS), frame(ADVERTISERS, DIMENSION)
    return joined(frame, learner.salted_join(facts, dims, "advertiser_id", 3))


@dataclass(frozen=True)
class Comparison:
    """The answer's run beside that of the plain join of the same frames."""

    run: FrameRun
    plain: StageRead


@pytest.fixture(scope="module")
def salted_run(learner, spark, ads):
    """The skewed clicks joined with 64 salts: eight shuffle partitions, AQE off."""
    with settings(spark, SKEWED):
        run = run_frame(learner.salted_join(ads.clicks, ads.advertisers, "advertiser_id", 64))
        plain = ads.clicks.join(ads.advertisers, on="advertiser_id", how="left")
        (read,) = run_frame(plain).reads
    if read.skew <= 5:
        raise RuntimeError(f"the plain join is not skewed: {read.rows}")
    return Comparison(run, read)


# guards against: joins_on_text, negative_salts, rounds_the_salt, salts_both_sides_at_random
@check("salted_join")
def test_salted_rows_find_their_partner(salted):
    """Finds the partner of every row, whatever its salt"""
    salted.equals_plain(*range(1, 141))


# guards against: deduplicates_the_dimension
@check("salted_join")
def test_salted_keys_with_two_rows_match_both(salted):
    """Matches every row of the dimension that has the key, identical ones included"""
    salted.equals_plain(201, 202, 203, 211, 212)


# guards against: inner_salted_join, null_equals_null
@check("salted_join", points=2)
def test_salted_rows_without_partner_stay(salted):
    """Keeps rows whose key is null or unknown, with their key and without a partner"""
    salted.equals_plain(301, 302, 401, 402, 403, 601, 602)
    assert_no_other_clicks(salted)


# guards against: distinct_at_the_end
@check("salted_join")
def test_salted_identical_rows_stay_apart(salted):
    """Returns identical rows as often as they were given"""
    salted.equals_plain(501, 511)


@check("salted_join", points=3)
def test_salted_rows_spread_over_partitions(ads, salted_run):
    """Spreads the rows: the fullest task reads at most 3 times the rows of the median task"""
    reads = [read for read in salted_run.run.reads if 2 * sum(read.rows) >= len(ads.rows)]
    assert reads, (
        f"no stage reads the {len(ads.rows):,} clicks after a shuffle, so there is nothing to spread; "
        "the join runs elsewhere or the clicks were packed into fewer rows"
    )
    worst = max(reads, key=lambda read: read.skew)
    assert min(len(read.rows) for read in reads) >= PARTITIONS, (
        f"tasks of a stage that reads the clicks: {min(len(read.rows) for read in reads)}; the session has "
        f"{PARTITIONS} shuffle partitions"
    )
    assert worst.skew <= MOST_SKEW, (
        f"the tasks of a stage read {listed(worst.rows)} rows: the fullest {worst.skew:.1f} times the median, "
        f"at most {MOST_SKEW} is asked for. The plain join of these clicks has {salted_run.plain.skew:.1f}"
    )


# guards against: broadcasts_the_copies
@check("salted_join")
def test_salted_join_broadcasts_nothing(salted_run):
    """Joins through a shuffle of both sides; neither is broadcast"""
    frame, used = salted_run.run.frame, set(salted_run.run.operators)
    # an aggregate of a side, such as a list of its hot keys, may well be broadcast
    sent = sorted({scan.source for scan in scans(frame) if scan.broadcast})
    assert not sent, with_plan(
        f"rows of {', '.join(sent)} are sent to every executor. Think of a dimension that does not fit into one: "
        "the join has to shuffle",
        frame,
        "BroadcastExchange",
    )
    assert used & SHUFFLED_JOINS, with_plan(
        f"no join of the plan shuffles both its sides; joins in it: "
        f"{', '.join(sorted(name for name in used if 'Join' in name)) or 'none'}",
        frame,
        "BroadcastHashJoin",
        "BroadcastNestedLoopJoin",
    )


# ---- isolate_hot_keys ----


@pytest.fixture(scope="module")
def isolated(learner, frame):
    """The hand-made clicks; hot are a key with one row, one with two, and one without any."""
    facts, dims = frame(CLICKS, FACTS), frame(ADVERTISERS, DIMENSION)
    return joined(frame, learner.isolate_hot_keys(facts, dims, "advertiser_id", [7, 8, 99]))


@pytest.fixture(scope="module")
def isolated_run(learner, spark, ads):
    """The skewed clicks with their hot advertiser: eight shuffle partitions, AQE off."""
    with settings(spark, SKEWED):
        return run_frame(
            learner.isolate_hot_keys(ads.clicks, ads.advertisers, "advertiser_id", [ads.hot[0]])
        )


# guards against: filters_only_the_dimension, union_by_position
@check("isolate_hot_keys")
def test_hot_and_other_rows_find_their_partner(isolated):
    """Returns every matched row once, hot or not"""
    isolated.equals_plain(*range(1, 141))


# guards against: dictionary_of_hot_rows
@check("isolate_hot_keys")
def test_isolated_keys_with_two_rows_match_both(isolated):
    """Matches every row of the dimension that has the key, hot or not"""
    isolated.equals_plain(201, 202, 203, 211, 212)


# guards against: inner_for_hot_keys, not_in_loses_null, null_is_hot_and_matches
@check("isolate_hot_keys", points=2)
def test_isolated_rows_without_partner_stay(isolated):
    """Keeps rows without a partner: null keys, unknown keys, a hot key without a row"""
    isolated.equals_plain(301, 302, 401, 402, 403, 601, 602)
    assert_no_other_clicks(isolated)


# guards against: sql_union
@check("isolate_hot_keys")
def test_isolated_identical_rows_stay_apart(isolated):
    """Returns identical rows as often as they were given"""
    isolated.equals_plain(501, 511)


@check("isolate_hot_keys", points=2)
def test_hot_rows_are_not_shuffled(ads, isolated_run):
    """Keeps hot rows out of the shuffle: no stage reads more than the rest and the dimension"""
    rest = len(ads.rows) - ads.hot[1]
    most = max((sum(read.rows) for read in isolated_run.reads), default=0)
    assert most <= rest + 2 * ads.advertiser_rows, (
        f"a stage reads {most:,} rows from a shuffle; {rest:,} clicks don't have the hot key, "
        f"and the dimension has {ads.advertiser_rows} rows. The hot clicks travel too"
    )


# guards against: splits_and_shuffles_both
@check("isolate_hot_keys")
def test_only_hot_keys_are_broadcast(ads, isolated_run):
    """Broadcasts only those rows of the dimension that have a hot key"""
    assert "BroadcastHashJoin" in isolated_run.operators, with_plan(
        "no side of a join is broadcast. The session does not broadcast by itself (its threshold is off): say which frame",
        isolated_run.frame,
        *SHUFFLED_JOINS,
    )
    assert isolated_run.broadcast_rows < ads.advertiser_rows / 2, with_plan(
        f"{isolated_run.broadcast_rows} rows are broadcast for one hot key; the dimension has {ads.advertiser_rows}. "
        "Think of a dimension that does not fit into an executor",
        isolated_run.frame,
        "BroadcastExchange",
    )


# guards against: broadcasts_all
@check("isolate_hot_keys")
def test_the_rest_is_shuffled(isolated_run):
    """Joins the rest through a shuffle"""
    assert SHUFFLED_JOINS & set(isolated_run.operators), with_plan(
        "no join of the plan shuffles both its sides; for the rest the dimension is too large for a broadcast",
        isolated_run.frame,
        "BroadcastHashJoin",
        "BroadcastNestedLoopJoin",
    )


# ---- two_stage_count ----

VIEWS = [
    *[(number, 7, number % 11, 0.5) for number in range(60)],
    *[(number, 7, None, 0.5) for number in range(60, 64)],
    *[(number, 8, 5, 0.1) for number in range(64, 69)],
    *[(number, 9, -number, 0.1) for number in range(70, 75)],
    *[(number, None, 5, 0.1) for number in (80, 81)],
    (82, None, 6, 0.1),
    *[(number, 6, None, 0.1) for number in (90, 91)],
    *[(95, 5, 3, 1.0)] * 3,
]
TOTALS = [(7, 64, 11), (8, 5, 1), (9, 5, 5), (None, 3, 2), (6, 2, 0), (5, 3, 1)]


@dataclass(frozen=True)
class Counted:
    """What `two_stage_count` returned, key by key."""

    rows: list[tuple]
    frame: Any

    def of(self, *keys: int | None) -> Any:
        return self.frame(COUNTED, [row for row in self.rows if row[0] in keys])


@pytest.fixture(scope="module")
def counted(learner, frame):
    """The hand-made views counted with four salts."""
    answer = learner.two_stage_count(frame(CLICKS, VIEWS), "advertiser_id", 4)
    assert_columns(answer, COUNTED)
    return Counted([tuple(row) for row in collect(answer)], frame)


def assert_counted(counted: Counted, *keys: int | None) -> None:
    expected = [row for row in TOTALS if row[0] in keys]
    assert_frame(counted.of(*keys), expected, key="advertiser_id")


# guards against: counts_the_parts
@check("two_stage_count")
def test_rows_and_users_of_each_key(counted):
    """Returns one row a key, with all its rows and its distinct users"""
    assert_counted(counted, 8, 9, 5)


# guards against: random_salt
@check("two_stage_count")
def test_users_with_rows_in_many_parts_count_once(counted):
    """Counts a user once, however many rows they have"""
    assert_counted(counted, 7)


# guards against: loses_the_null_key
@check("two_stage_count")
def test_null_key_is_counted(counted):
    """Counts the rows and users of the null key as well"""
    assert_counted(counted, None)


# guards against: null_is_a_user
@check("two_stage_count")
def test_null_user_is_a_row_and_no_user(counted):
    """Counts a row without a user among the rows, and not among the users"""
    assert_counted(counted, 6)


# guards against: approximate
@check("two_stage_count", points=2)
def test_count_of_many_users_is_exact(learner, ads):
    """Counts the thousands of users of a hot key exactly"""
    answer = learner.two_stage_count(ads.clicks, "advertiser_id", 64)
    users: dict[int | None, set] = {}
    for row in ads.rows:
        users.setdefault(row["advertiser_id"], set()).add(row["user_id"])
    sizes = Counter(row["advertiser_id"] for row in ads.rows)
    expected = [(key, sizes[key], len(found - {None})) for key, found in users.items()]
    assert_frame(answer, expected, key="advertiser_id", schema=COUNTED)


@check("two_stage_count", points=2)
def test_no_task_takes_all_users(learner, spark, ads):
    """Spreads the work: no task reads over 3 times the median of the largest shuffle"""
    with settings(spark, SKEWED):
        run = run_frame(learner.two_stage_count(ads.clicks, "advertiser_id", 64))
    assert run.reads, "no stage reads from a shuffle; where are the rows of a key put together?"
    largest = max(run.reads, key=lambda read: sum(read.bytes))
    assert len(largest.bytes) >= PARTITIONS, (
        f"tasks that read the largest shuffle: {len(largest.bytes)}; the session has {PARTITIONS} partitions"
    )
    worst = max(run.reads, key=lambda read: max(read.bytes))
    usual = median(largest.bytes)
    times = max(worst.bytes) / usual if usual else math.inf
    assert times <= MOST_SKEW, (
        f"the tasks of a stage read {listed(worst.bytes)} bytes: the first {times:.1f} times the "
        f"median of the largest shuffle, at most {MOST_SKEW} is asked for. What is kept of the hot key's users "
        "travels to one task in one piece"
    )

"""Hidden checks of lab 03: other keys and names, any list of hot keys, the cost of salts."""

import random
from collections import Counter

from labkit.checks import assert_columns, assert_frame, check, collect, run_frame, settings

PROFILE = "shop string, rows long, share double"
ORDERS = "order_id long, salt int, shop string, user_id long"
SHOPS = "shop string, city string"
JOINED = "shop string, order_id long, salt int, user_id long, city string"
NAMES = [None, "", "a", "b", "c", "d", "e"]
EIGHT = {
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
}


def some_orders(rng: random.Random, count: int = 200) -> list[tuple]:
    """Orders of which shop b has most; some rows come twice."""
    names = rng.choices(NAMES, weights=[3, 1, 1, 12, 1, 1, 1], k=count)
    rows = [
        (number, rng.randrange(3), name, rng.choice([None, *range(-9, 9)]))
        for number, name in enumerate(names)
    ]
    return rows + rng.sample(rows, 5)


def some_shops(rng: random.Random) -> list[tuple]:
    """Shops in one or more cities; c and e have none."""
    shops = [("b", "Oslo"), ("a", "Turin"), ("d", "Lyon"), ("x", "Graz"), (None, "Nowhere")]
    return shops + [(rng.choice(["a", "b", "d"]), city) for city in ("Porto", "Ghent")]


def left_joined(orders: list[tuple], shops: list[tuple]) -> list[tuple]:
    return [
        (shop, order, salt, user, city)
        for order, salt, shop, user in orders
        for city in [found for key, found in shops if key == shop and key is not None] or [None]
    ]


@check("key_profile")
def test_profile_of_any_frame(learner, frame, seed):
    """profiles any frame: fewer keys than asked for, nulls, another key"""
    orders = some_orders(random.Random(seed))
    counts = Counter(row[2] for row in orders)
    answer = learner.key_profile(frame(ORDERS, orders), "shop", 50)
    expected = [(shop, rows, rows / len(orders)) for shop, rows in counts.items()]
    found = assert_frame(answer, expected, key="shop", schema=PROFILE)
    rows = [row.rows for row in found]
    assert rows == sorted(rows, reverse=True), "the profile is not in order of rows"


@check("key_profile")
def test_profile_has_n_rows_when_keys_tie(learner, frame):
    """returns n rows, also when several keys have equally many; none for an empty frame"""
    tied = [(number, 0, "abcd"[number % 4], 1) for number in range(8)]
    answer = learner.key_profile(frame(ORDERS, tied), "shop", 3)
    assert_columns(answer, PROFILE)
    found = collect(answer)
    assert [(row.rows, row.share) for row in found] == [(2, 0.25)] * 3, (
        f"four keys have two of 8 rows each; asked for three of them, {len(found)} came back, with the rows "
        f"{[row.rows for row in found]} and the shares {[row.share for row in found]}"
    )
    assert_frame(learner.key_profile(frame(ORDERS, []), "shop", 3), [], key="shop", schema=PROFILE)


@check("salted_join")
def test_salted_join_of_any_frames(learner, frame, seed):
    """equals the plain join for other keys and columns, even one called salt"""
    rng = random.Random(seed)
    orders, shops = some_orders(rng), some_shops(rng)
    answer = learner.salted_join(frame(ORDERS, orders), frame(SHOPS, shops), "shop", 5)
    assert_frame(answer, left_joined(orders, shops), key=["order_id", "city"], schema=JOINED)


@check("salted_join")
def test_copies_follow_the_number_of_salts(learner, spark, frame, seed):
    """copies the dimension salts times at most"""
    rng = random.Random(seed)
    orders, shops = some_orders(rng), [(f"shop {number}", "Oslo") for number in range(100)]
    with settings(spark, EIGHT):
        answer = learner.salted_join(frame(ORDERS, orders), frame(SHOPS, shops), "shop", 4)
        reads = run_frame(answer).reads
    most = max((sum(read.rows) for read in reads), default=0)
    assert most <= len(orders) + 4 * len(shops), (
        f"for example: {len(orders)} rows, a dimension of {len(shops)} and 4 salts; a stage reads {most:,} rows"
    )


@check("isolate_hot_keys")
def test_isolation_with_any_list_of_hot_keys(learner, frame, seed):
    """equals the plain join for any list of hot keys: with null, unknown and doubled ones"""
    rng = random.Random(seed)
    orders, shops = some_orders(rng), some_shops(rng)
    hot = ["b", None, "e", "b", "unknown", *rng.sample(["a", "c", "d"], 1)]
    answer = learner.isolate_hot_keys(frame(ORDERS, orders), frame(SHOPS, shops), "shop", hot)
    assert_frame(answer, left_joined(orders, shops), key=["order_id", "city"], schema=JOINED)


@check("isolate_hot_keys")
def test_isolation_without_hot_keys(learner, frame, seed):
    """equals the plain join when no key is hot"""
    rng = random.Random(seed)
    orders, shops = some_orders(rng, 60), some_shops(rng)
    answer = learner.isolate_hot_keys(frame(ORDERS, orders), frame(SHOPS, shops), "shop", [])
    assert_frame(answer, left_joined(orders, shops), key=["order_id", "city"], schema=JOINED)


@check("two_stage_count")
def test_counts_do_not_depend_on_the_salts(learner, frame, seed):
    """gives the same counts with one salt and with many, for any key"""
    orders = some_orders(random.Random(seed))
    users = {name: {row[3] for row in orders if row[2] == name} - {None} for name in NAMES}
    counts = Counter(row[2] for row in orders)
    expected = [(shop, rows, len(users[shop])) for shop, rows in counts.items()]
    for salts in (1, 97):
        answer = learner.two_stage_count(frame(ORDERS, orders), "shop", salts)
        assert_frame(answer, expected, key="shop", schema="shop string, rows long, users long")

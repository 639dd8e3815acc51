"""Hidden checks of lab 03: other keys and names, any list of hot keys, the cost of salts."""

import random
from collections import Counter

import pytest
from checks import left_joined, skewed

from labkit.checks import assert_columns, assert_frame, check, collect

PROFILE = "shop string, rows long, share double"
ORDERS = "order_id long, salt int, shop string, user_id long"
SHOPS = "shop string, city string"
JOINED = "shop string, order_id long, salt int, user_id long, city string"
NAMES = [None, "", "a", "b", "c", "d", "e"]


@pytest.fixture(scope="module")
def orders(seed):
    """Orders of which shop b has most; some rows come twice."""
    rng = random.Random(seed)
    names = rng.choices(NAMES, weights=[3, 1, 1, 12, 1, 1, 1], k=200)
    rows = [
        (number, rng.randrange(3), name, rng.choice([None, *range(-9, 9)]))
        for number, name in enumerate(names)
    ]
    return rows + rng.sample(rows, 5)


@check("key_profile")
def test_profile_of_any_frame(learner, frame, orders):
    """profiles any frame: fewer keys than asked for, nulls, another key"""
    counts = Counter(row[2] for row in orders)
    answer = learner.key_profile(frame(ORDERS, orders), "shop", 50)
    expected = [(shop, rows, rows / len(orders)) for shop, rows in counts.items()]
    found = assert_frame(answer, expected, key="shop", schema=PROFILE)
    rows = [row.rows for row in found]
    assert rows == sorted(rows, reverse=True), "the profile is not in order of rows"


@check("key_profile")
def test_other_ties(learner, frame):
    """returns n rows, also when several keys have equally many"""
    tied = [(number, 0, "abcd"[number % 4], 1) for number in range(8)]
    answer = learner.key_profile(frame(ORDERS, tied), "shop", 3)
    assert_columns(answer, PROFILE)
    found = [(row.rows, row.share) for row in collect(answer)]
    assert found == [(2, 0.25)] * 3, (
        f"four keys have two of 8 rows each, three are asked for; rows and shares are {found}"
    )


@check("salted_join", "isolate_hot_keys")
def test_join_of_any_frames(task, learner, frame, orders, seed):
    """equals the plain join for other keys, and any number of salts or list of hot keys"""
    rng = random.Random(seed)
    shops = [("b", "Oslo"), ("a", "Turin"), ("d", "Lyon"), ("x", "Graz"), (None, "Nowhere")]
    shops += [(rng.choice(["a", "b", "d"]), city) for city in ("Porto", "Ghent")]
    hot = ["b", None, "e", "b", "unknown", *rng.sample(["a", "c", "d"], 1)]
    last = 5 if task == "salted_join" else hot
    answer = getattr(learner, task)(frame(ORDERS, orders), frame(SHOPS, shops), "shop", last)
    expected = left_joined(orders, shops)
    assert_frame(answer, expected, key=["order_id", "city"], schema=JOINED)


@check("salted_join")
def test_copies_of_another_dimension(learner, spark, frame, orders):
    """copies the dimension salts times at most"""
    shops = [(f"shop {number}", "Oslo") for number in range(100)]
    answer = learner.salted_join(frame(ORDERS, orders), frame(SHOPS, shops), "shop", 4)
    most = max((sum(read.rows) for read in skewed(spark, answer).reads), default=0)
    assert most <= len(orders) + 4 * len(shops), (
        f"for example: {len(orders)} rows, a dimension of {len(shops)} and 4 salts; a stage reads "
        f"{most:,} rows"
    )


@check("two_stage_count")
def test_counts_of_any_key(learner, frame, orders):
    """gives the same counts with one salt and with many, for any key"""
    counts = Counter(row[2] for row in orders)
    users = {name: {row[3] for row in orders if row[2] == name} - {None} for name in counts}
    expected = [(shop, rows, len(users[shop])) for shop, rows in counts.items()]
    for salts in (1, 7):
        answer = learner.two_stage_count(frame(ORDERS, orders), "shop", salts)
        assert_frame(answer, expected, key="shop", schema="shop string, rows long, users long")

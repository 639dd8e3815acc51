"""Hidden checks of lab 10: random lives of accounts, against what the lives themselves say."""

import random
from collections import defaultdict
from decimal import Decimal

import pytest
from checks import FEED, Life, feed_of

from labkit.checks import assert_frame, check

SEGMENTS, CITIES = 40, ("Bari", None)
BALANCES = (Decimal("0.00"), Decimal("7.25"), Decimal("-3.10"), None)
LAST = 12


def random_life(rng: random.Random, account_id: int) -> Life:
    """An account that changes in some versions.

    Few values, so that they often come back, and few accounts in a segment, so that its changes
    often come to nothing.
    """
    near = (f"s{account_id % SEGMENTS}", f"s{(account_id + 1) % SEGMENTS}", None)
    rows, there = {}, False
    for version in sorted(rng.sample(range(LAST + 1), rng.choice([1, 2, 4, 7]))):
        gone = there and rng.random() < 0.3
        row = (account_id, rng.choice(near), rng.choice(BALANCES), rng.choice(CITIES))
        rows[version], there = (None if gone else row), not gone
    overwritten = frozenset(version for version in rows if rng.random() < 0.25)
    return Life(account_id, rows, overwritten)


@pytest.fixture(scope="module")
def lives(seed):
    rng = random.Random(seed)
    return [random_life(rng, account_id) for account_id in range(500, 650)]


def mixed(rows: list, seed) -> list:
    random.Random(seed).shuffle(rows)
    return rows


@check("net_changes")
def test_random_net_changes(learner, frame, lives, seed):
    """tells of many accounts what changed between the first version of a feed and its last one"""
    begin = 5
    feed = feed_of(lives, range(begin, LAST + 1))
    expected = []
    for one in lives:
        told = [version for version in one.rows if version >= begin and one.images(version)]
        before, after = one.at(begin - 1), one.at(LAST)
        if told and before != after:
            op = "update" if before and after else "insert" if after else "delete"
            row = after or one.at(max(told) - 1)
            expected.append((row[0], op, *row[1:], max(told)))
    answer = learner.net_changes(frame(FEED, mixed(feed, seed)))
    assert_frame(answer, expected, key="account_id")


@check("aggregate_delta")
def test_random_differences(learner, frame, lives, seed):
    """tells for many ranges of versions what they changed in the sums of the segments"""
    for begin, end in ((1, LAST), (7, 7)):
        expected = defaultdict(lambda: [Decimal(0), 0])
        for one in lives:
            for row, sign in ((one.at(begin - 1), -1), (one.at(end), 1)):
                if row:
                    expected[row[1]][0] += sign * (row[2] or Decimal(0))
                    expected[row[1]][1] += sign
        feed = mixed(feed_of(lives, range(begin, end + 1)), seed)
        found = [(segment, *numbers) for segment, numbers in expected.items() if any(numbers)]
        assert_frame(learner.aggregate_delta(frame(FEED, feed)), found, key="segment")

"""Hidden checks of lab 02: the same rules on other histories, against a model in plain Python."""

import random
from datetime import datetime, timedelta

from checks import DIMENSION, PRODUCTS, UPDATES

from labkit.checks import assert_frame, check

VALUES = [(name, place, price) for name in "ab" for place in (None, "a") for price in (None, 0.0)]


def hour(number: int) -> datetime:
    return datetime(2024, 2, 26) + timedelta(hours=number)


def versions(product_id: int, points: dict[int, tuple], closed: int | None = None) -> list[tuple]:
    """The rows of a product whose values at these hours are known, until the hour it is closed."""
    starts = [(hour(time), values) for time, values in sorted(points.items())]
    return PRODUCTS.versions(product_id, *starts, end=None if closed is None else hour(closed))


def some_points(rng: random.Random, count: int) -> dict[int, tuple]:
    return {time: rng.choice(VALUES) for time in rng.sample(range(60), count)}


@check("changed_rows")
def test_random_updates_with_nulls(learner, frame, seed):
    """returns exactly the updates that say something else than the open row, nulls included"""
    rng = random.Random(seed)
    said = {product: rng.choice(VALUES) for product in range(80)}
    current = [(product, *values, hour(0), None, True) for product, values in said.items()]
    updates = [(product, *rng.choice(VALUES), hour(9)) for product in rng.sample(range(100), 70)]
    answer = learner.changed_rows(frame(DIMENSION, current), frame(UPDATES, updates))
    expected = [row for row in updates if row[1:4] != said.get(row[0])]
    assert_frame(answer, expected, key="product_id", schema=UPDATES)


@check("as_of")
def test_random_facts_find_their_version(learner, frame, seed):
    """finds for each of many facts the version that was valid at its time"""
    rng = random.Random(seed)
    known = {product: some_points(rng, rng.choice([1, 3, 6])) for product in range(50)}
    # Every third product was taken out of the shop: its last version has an end.
    closed = {product: rng.randrange(60, 66) for product in range(0, 50, 3)}
    dimension = [
        row
        for product, points in known.items()
        for row in versions(product, points, closed.get(product))
    ]
    facts, expected = [], []
    for number in range(400):
        product, time = rng.randrange(55), rng.randrange(-5, 70)
        told = [at for at in known.get(product, {}) if at <= time]
        valid = told and time < closed.get(product, 70)
        said = known[product][max(told)] if valid else (None, None, None)
        facts.append((number, product, hour(time)))
        expected.append((number, product, hour(time), *said))
    rng.shuffle(dimension)
    answer = learner.as_of(
        frame(DIMENSION, dimension),
        frame("click long, product_id long, clicked timestamp", facts),
        "clicked",
    )
    assert_frame(answer, expected, key="click")

"""Hidden checks of lab 22: loads in a bad order, and reports against a model in plain Python."""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from checks import (
    CALLS,
    DIMENSION,
    FACTS,
    REPORT,
    REVENUE,
    SALES,
    SEGMENTS,
    SPECIAL,
    UPDATES,
    at,
    fact_of,
    members,
    sold,
)

from labkit.checks import assert_frame, assert_rows, check, make_table, table_rows

NOW = at(30)


def random_updates(rng: random.Random, count: int) -> list[tuple]:
    """Updates of a few customers, each of its own time."""
    said = {(f"till-{rng.randrange(1, 13)}", rng.randrange(1, 400)) for _ in range(count)}
    return [
        (who, rng.choice(SEGMENTS), at(1) + timedelta(hours=hour), at(rng.randrange(1, 29), 20))
        for who, hour in sorted(said)
    ]


def random_sales(rng: random.Random, count: int) -> list[tuple]:
    """Sales of these customers, of some who are never delivered, and of nobody."""
    who = [*(f"till-{number}" for number in range(1, 15)), None, "till"]
    return [
        sold(
            number,
            rng.choice(who),
            f"{rng.randrange(1, 20)}-{rng.randrange(24)}",
            f"{rng.randrange(-500, 9000) / 100:.2f}",
            f"{rng.randrange(20, 29)}",
        )
        for number in range(count)
    ]


def segment_of(updates: list[tuple], customer_id, time, moment=NOW) -> str:
    """The segment of a customer at a time, by the updates that were told until a moment."""
    if customer_id is None:
        return "not applicable"
    told = sorted((row[2], row[1]) for row in updates if row[0] == customer_id and row[3] <= moment)
    begun = [segment for start, segment in told if start <= time]
    return (begun[-1:] or [segment for _, segment in told[:1]] or ["unknown"])[0]


@check("repair_keys", points=2)
def test_any_order(learner, spark, frame, shared_schema, seed):
    """Whatever came first: after the repair each sale is in the segment of its time

    Sales before their customers, updates from the last to the first, and each batch twice.
    """
    rng = random.Random(f"order {seed}")
    updates, sales = random_updates(rng, 40), random_sales(rng, 60)
    rng.shuffle(sales)
    late_first = sorted(updates, key=lambda row: row[2], reverse=True)
    fact, people = f"{shared_schema}.any_facts", f"{shared_schema}.any_people"
    make_table(spark, fact, FACTS, partition_by="day")
    make_table(spark, people, DIMENSION, SPECIAL)
    for part in (slice(0, 20), slice(20, None)):
        given = frame(SALES, sales[part])
        learner.load_facts(spark, fact, people, given, "adjust")
        learner.load_dimension(spark, people, frame(UPDATES, late_first[part]))
        learner.load_facts(spark, fact, people, given, "adjust")
    learner.repair_keys(spark, fact, people, at(1))
    segments = {row.customer_key: row.segment for row in table_rows(spark, people)}
    found = [
        (row.sale_id, segments.get(row.customer_key), row.amount) for row in table_rows(spark, fact)
    ]
    expected = [(row[0], segment_of(updates, row[1], row[3]), row[5]) for row in sales]
    assert_rows(found, expected, key="sale_id", columns=["sale_id", "segment", "amount"])


@check("revenue", points=2)
def test_random_moments(learner, spark, shared_schema, seed):
    """Reports what was known, at random moments"""
    rng = random.Random(f"moments {seed}")
    updates, sales = random_updates(rng, 60), random_sales(rng, 150)
    people = list(SPECIAL)
    for number in range(1, 15):
        mine = [row for row in updates if row[0] == f"till-{number}"]
        mine.sort(key=lambda row: row[2])
        ends = [*(row[2] for row in mine[1:]), None]
        people += [
            (10_000 * number + place, who, segment, start, ends[place], told, False)
            for place, (who, segment, start, told) in enumerate(mine)
        ] or members(number, f"till-{number}", "?")
    facts = [fact_of(row, -1) for row in sales]
    tables = {"facts": f"{shared_schema}.some_facts", "customers": f"{shared_schema}.some_people"}
    make_table(spark, tables["facts"], FACTS, facts)
    make_table(spark, tables["customers"], DIMENSION, people)
    for moment in (at(rng.randrange(20, 24)), at(26, 20), NOW):
        sums: dict[tuple, Decimal] = defaultdict(Decimal)
        for row in sales:
            if row[6] <= moment:
                sums[row[3].date(), segment_of(updates, row[1], row[3], moment)] += row[5]
        expected = [(*key, amount) for key, amount in sums.items()]
        answer = learner.revenue(spark, tables, moment)
        assert_frame(answer, expected, key=["day", "segment"], schema=REVENUE)


@check("conformed_report")
def test_random_reports(learner, frame, seed):
    """Sums random sales and calls by segment, each once"""
    rng = random.Random(f"report {seed}")
    segments = {number: rng.choice(SEGMENTS) for number in range(20)}
    people = [members(number, f"web-{number}", f"3:{name}")[0] for number, name in segments.items()]
    sales = [(rng.randrange(25), rng.randrange(-500, 9000)) for _ in range(80)]
    calls = [(rng.randrange(25), rng.randrange(60)) for _ in range(50)]
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    minutes: dict[str, int] = defaultdict(int)
    for key, cents in sales:
        amounts[segments.get(key, "unknown")] += Decimal(cents) / 100
    for key, count in calls:
        minutes[segments.get(key, "unknown")] += count
    expected = [(name, amounts[name], minutes[name]) for name in {*amounts, *minutes}]
    facts = [
        fact_of(sold(n, None, "9", f"{cents / 100:.2f}", "9"), key)
        for n, (key, cents) in enumerate(sales)
    ]
    called = [(n, key, at(9), count) for n, (key, count) in enumerate(calls)]
    answer = learner.conformed_report(
        frame(FACTS, facts), frame(CALLS, called), frame(DIMENSION, people)
    )
    assert_frame(answer, expected, key="segment", schema=REPORT)


@check("load_dimension")
def test_an_empty_dimension(learner, spark, frame, shared_schema, seed):
    """Builds a dimension from nothing: versions that touch, keys above 0 and special members"""
    rng = random.Random(f"empty {seed}")
    updates = random_updates(rng, 50)
    table = f"{shared_schema}.from_nothing"
    make_table(spark, table, DIMENSION)
    learner.load_dimension(spark, table, frame(UPDATES, [*updates, *updates[::5]]))
    expected = [(row[1], row[2], None) for row in SPECIAL]
    for who, segment, start, _ in updates:
        later = [row[2] for row in updates if row[0] == who and row[2] > start]
        expected.append((who, segment, min(later, default=None)))
    rows = table_rows(spark, table)
    found = [(row.customer_id, row.segment, row.effective_to) for row in rows]
    names = ["customer_id", "segment", "effective_to"]
    assert_rows(found, expected, key=["customer_id", "effective_to"], columns=names)
    keys = [row.customer_key for row in rows if row.customer_id]
    assert len(set(keys)) == len(updates) and min(keys) > 0, f"the keys are {sorted(keys)[:9]}"

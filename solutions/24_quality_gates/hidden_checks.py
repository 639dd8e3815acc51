"""Hidden checks of lab 24: random rules, days and graphs; a publish by rules of every kind."""

import random
from datetime import date, datetime, timedelta

import pytest
from checks import (
    ACTIONS,
    METRICS,
    ORDERS,
    PUBLISHED,
    REPORTS,
    RESULT,
    assert_bag,
    assert_order,
    assert_states,
    close,
    drift,
    judged,
    made_rules,
    make_parents,
    order,
    plain,
    random_flows,
    random_orders,
    right_drift,
    right_split,
    rows_of,
    split_rules,
    stored,
)

from labkit.checks import (
    Commit,
    assert_rows,
    check,
    collect,
    require_frames,
    table_rows,
    table_version,
    write_commits,
)

DELIVERED = (
    "placed_at timestamp, known boolean, currency string, discount string, customer_id string, "
    "source string, order_id long, status string, amount decimal(12,2)"
)


@pytest.fixture(scope="module")
def parents(quick, shared_schema):
    """The database with the tables that rules refer to."""
    make_parents(quick, shared_schema)
    return shared_schema


@check("evaluate", points=2)
def test_other_orders(learner, frame, parents, seed):
    """Judges random orders by random rules"""
    rng = random.Random(f"hidden {seed}")
    orders = random_orders(rng, 40)
    names = rng.sample(
        ["is_paid", "positive", "euro_or_small", "known", "a_state", "one_id", "one_state_each"], 5
    )
    rules = made_rules(names, parents, threshold=rng.random())
    found = collect(learner.evaluate(frame(DELIVERED, rows_of(DELIVERED, orders)), rules))
    expected = [judged(rule, orders) for rule in rules]
    assert_rows(found, expected, key="rule", columns=RESULT)


@check("split", points=2)
def test_other_sides(learner, frame, parents, seed):
    """Splits random orders by some of the rules"""
    rng = random.Random(f"hidden sides {seed}")
    orders = [*random_orders(rng, 30), order(70_000), order(70_001, "p3", "8.75", "USD", "sent")]
    names = rng.sample(sorted(ACTIONS), 4)
    df = frame(DELIVERED, rows_of(DELIVERED, orders))
    good, bad = require_frames(learner.split(df, split_rules(names, parents)), 2)
    right = right_split(orders, names)
    assert_bag(plain(collect(good)), right[0], "good")
    assert_bag(plain(collect(bad), reasons=True), right[1], "quarantined")


@check("drifted", points=2)
def test_random_days(learner, quick, frame, seed):
    """Compares a random day with random days"""
    rng = random.Random(f"hidden days {seed}")
    history = random_orders(rng, 120)
    for one in history:
        one["placed_at"] = datetime(2025, 6, 1) + timedelta(minutes=rng.randrange(7 * 1440))
    today = random_orders(rng, 16)
    found = drift(learner, frame, today, history, 1.37)
    right = right_drift(today, history, 1.37)
    assert_rows(close(found, right), right, key="metric", columns=METRICS)


@check("publish", points=2)
def test_rules_of_every_kind(learner, spark, frame, parents):
    """Publishes by rules of every kind, with a report of each"""
    table, reports = f"{parents}.other_orders", f"{parents}.other_audits"
    day = date(2025, 7, 1)
    old = Commit("WRITE", stored(day, order(90), order(91)))
    write_commits(spark, table, PUBLISHED, [old])
    write_commits(spark, reports, REPORTS, [])
    orders = [order(1), order(2, "x9"), order(3, None), order(4, "p3"), order(5), order(5)]
    rules = [
        {**rule, "action": action, "threshold": threshold}
        for rule, action, threshold in zip(
            made_rules(["known", "one_id", "is_paid"], parents),
            ["quarantine", "fail", "warn"],
            [0.1, 0.5, 0.0],
            strict=True,
        )
    ]
    told = learner.publish(
        spark, frame(ORDERS, rows_of(ORDERS, orders)), table, reports, rules, day
    )
    assert told is True, f"returned {told!r}, and no rule blocks the day"
    found = sorted(row.order_id for row in table_rows(spark, table))
    assert found == [1, 4], f"the day has the orders {found}, expected 1 and 4"
    version = table_version(spark, table).number
    expected = [
        (day, rule["name"], rule["action"], *judged(rule, orders)[1:5], version) for rule in rules
    ]
    assert_rows(table_rows(spark, reports), expected, key="rule", columns=REPORTS)


@check("pipeline", points=2)
def test_many_graphs(learner, seed):
    """Has the right order and states, in other random graphs"""
    rng = random.Random(f"hidden graphs {seed}")
    for _ in range(60):
        flows, changed, blocked = random_flows(rng)
        answer = learner.pipeline(dict(flows), list(changed), list(blocked))
        assert_order(answer, flows)
        assert_states(answer, flows, changed, blocked)

"""Hidden checks of lab 07: another shop against rules in plain Python, other bugs, another model."""

import json
import random
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from checks import (
    DIMENSION,
    LATEST,
    ORDERS,
    build_nights,
    compiled_tests,
    planted_models,
    run_at,
    third,
    versions,
)

from labkit.checks import assert_rows, check


def merged(table: dict[int, tuple], landed: list[tuple]) -> dict[int, tuple]:
    """The rows of fct_orders by order after a night, as the task says."""
    first = max((row[-1] for row in table.values()), default=datetime.max) - timedelta(days=3)
    after = dict(table)
    for row in landed:
        known = after.get(row[0])
        if (not table or row[-1] >= first) and (known is None or row[-1] > known[-1]):
            after[row[0]] = row
    return after


def read_order(line: str) -> tuple:
    row = json.loads(line)
    amount, time = Decimal(str(row["amount"])), datetime.fromisoformat(row["updated_at"][:-1])
    said = (row["order_id"], row["customer_id"], row["status"], amount, row["is_deleted"], time)
    return said


@check("fct_orders", points=2)
def test_nights_of_another_shop(learner, spark, schema, dataset):
    """builds the table that the rules give, on nights of another shop"""
    paths = sorted(dataset("shop_extracts").glob("orders_*.json"))
    nights = [[read_order(line) for line in path.read_text("utf-8").splitlines()] for path in paths]
    landed = [nights[0] + nights[1], nights[2] + nights[3], nights[2] + nights[3]]
    table, expected = {}, []
    for night, rows in enumerate(landed, 1):
        table = merged(table, rows)
        expected += [(night, *row) for row in table.values()]
    found = build_nights(
        learner, spark, schema, "fct_orders", [{"orders_landing": rows} for rows in landed]
    )
    key = ("night", "order_id")
    assert_rows(found.rows, expected, key=key, columns=f"night int, {ORDERS}")


@check("customers_snapshot", points=2)
def test_histories_of_other_customers(learner, spark, schema, seed):
    """keeps the versions that the rules give, of customers who change, leave and return"""
    rng = random.Random(seed)
    said = [(name, city) for name in ("Ann", "Zoe", None) for city in ("Ghent", "Rome", "", None)]
    extracts, expected = [], []
    now: dict[int, tuple] = {}  # customer: name, city, updated_at
    history: dict[int, list] = {key: [] for key in range(40)}  # [name, city, start, end]
    for night in (1, 2, 3):
        rows = []
        for key, mine in history.items():
            before, moment = now.get(key), run_at(night) - timedelta(minutes=rng.randrange(1, 900))
            if rng.random() < 0.2:  # is not there tonight
                now.pop(key, None)
                if mine and mine[-1][-1] is None:
                    mine[-1][-1] = run_at(night)
                continue
            if before is None or rng.random() < 0.7:
                now[key] = (*rng.choice(said), moment)
                rows += [(key, *before)] * rng.randrange(2) if before else []
            rows.append((key, *now[key]))
            values, start = now[key][:2], now[key][2]
            if mine and mine[-1][-1] is None and tuple(mine[-1][:2]) != values:
                mine[-1][-1] = start
            if not mine or mine[-1][-1] is not None:
                mine.append([*values, start, None])
        rng.shuffle(rows)
        extracts.append({"customers_extract": rows})
        expected += [
            (night, key, *version, version[-1] is None)
            for key, mine in history.items()
            for version in mine
        ]
    found = build_nights(learner, spark, schema, "customers_snapshot", extracts)
    key = ("night", "customer_id", "effective_from")
    assert_rows(found.rows, expected, key=key, columns=f"night int, {DIMENSION}")


@pytest.fixture(scope="module")
def data_tests(learner, spark, shared_schema):
    dimension = versions(3, "1:Oslo 5:Rome 9:gone 12:null") + versions(2, "1:Oslo")
    good = {
        "fct_orders": [(70, 3, "new", 1, False, datetime(2025, 7, 1))],
        "dim_customers": dimension,
    }
    return compiled_tests(learner, spark, shared_schema, good)


@check("properties")
def test_versions_inside_others_are_caught(data_tests):
    """stops versions that begin while an open one is valid, or lie inside a longer one"""
    late = [third("1", None, True), third("5", "6", False), third("8", "9", False)]
    data_tests.catches("a closed version begins long after an open one", dim_customers=late)
    inside = [third("1", "9", False), third("2", "3", False), third("9", None, True)]
    data_tests.catches("a version lies inside another", dim_customers=inside)


@check("properties")
def test_quiet_on_another_good_day(data_tests):
    """passes when customers share a name and a time, and on a first day without orders"""
    data_tests.silent("customers who share a city and a time")
    alike = [row for key in (7, 8) for row in versions(key, "1:Gus/Oslo 5:Gus/Rome")]
    data_tests.silent("no order yet and two customers alike", fct_orders=[], dim_customers=alike)


UNION = (
    "select order_id, customer_id, status, amount, is_deleted, updated_at from (select *, "
    "row_number() over (partition by order_id order by updated_at desc, landed) as age from ("
    "select *, false as landed from {this} union all select *, true as landed from {landing} "
    "where WINDOW)) where LAST"
)


def union_model(last: str, hours: int = 72) -> dict[bool, str]:
    """Another right model, if `last` is: the newest of the table's rows and of what landed."""
    window = f"updated_at >= {LATEST} - interval {hours} hours"
    later, first = (UNION.replace("WINDOW", where) for where in (window, "true"))
    return {True: later.replace("LAST", last), False: first.replace("LAST", last)}


@check("unit_tests")
def test_other_models_meet_the_unit_tests(learner, spark):
    """passes on another right model, and fails when it loses changes or returns several"""
    tests = planted_models(learner, spark, union_model("age = 1 and landed"))
    failing = tests.alarms()
    assert not failing, f"{failing[0]} fails on a right model that is written otherwise"
    tests.catches("all changes of an order come back", union_model("landed"))
    tests.catches("a change of the day before is lost", union_model("age = 1 and landed", 12))

"""Rows that were collected already, compared by key like a frame's."""

import pytest
from pyspark.sql import Row

from labkit.checks import assert_rows
from labkit.checks.row_diff import terse

ROWS = [Row(id=1, name="a", price=1.0), Row(id=2, name="b", price=2.0)]
COLUMNS = ["id", "name", "price"]


def test_equal_rows_pass_whatever_they_are_and_in_any_order():
    for expected in (
        ROWS[::-1],
        [row.asDict() for row in ROWS],
        [dict(reversed(row.asDict().items())) for row in ROWS],
    ):
        assert_rows(ROWS, expected, key="id")
    assert_rows(ROWS, [tuple(row) for row in ROWS], key="id", columns=COLUMNS)
    assert_rows([], [], key="id")


def test_columns_may_be_ddl(spark):
    ddl = "id long, name string, price double"
    assert_rows([tuple(row) for row in ROWS], ROWS, key="id", columns=ddl)


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        (ROWS[:1], "1 × row that should not be there:\n  id 2: name 'b', price 2.0"),
        ([*ROWS, Row(id=3, name="c", price=3.0)], "1 × row missing:\n  id 3: name 'c', price 3.0"),
        ([ROWS[0], Row(id=2, name="B", price=2.0)], "id 2: name is 'b', expected 'B'"),
        ([*ROWS, ROWS[1]], "id 2: 1 row, expected 2"),
    ],
)
def test_difference_is_told_by_key(expected, says):
    with pytest.raises(AssertionError) as caught:
        assert_rows(ROWS, expected, key="id")
    assert says in str(caught.value)


def test_hidden_checks_show_one_counter_example():
    token = terse.set(True)
    try:
        with pytest.raises(AssertionError, match="^for example: unexpected id 1$"):
            assert_rows(ROWS, [], key="id")
    finally:
        terse.reset(token)


def test_floats_may_differ_by_a_hair():
    assert_rows([(1, 0.1 + 0.2)], [(1, 0.3)], key="id", columns="id,x")
    with pytest.raises(AssertionError, match="x is 0.3, expected 0.31"):
        assert_rows([(1, 0.3)], [(1, 0.31)], key="id", columns="id,x")


def test_only_named_columns_are_compared():
    assert_rows(ROWS, [("b", 2), ("a", 1)], key="id", columns=["name", "id"])


def test_of_columns_that_are_asked_for_only_missing_ones_are_told():
    with pytest.raises(AssertionError, match="columns are id; expected id, cost; missing: cost$"):
        assert_rows(ROWS, [(1, 2)], key="id", columns="id,cost")


def test_columns_that_are_missing_or_not_asked_for_are_told():
    with pytest.raises(AssertionError, match="missing: cost"):
        assert_rows(ROWS, [], key="id", columns=["id", "cost"])
    with pytest.raises(AssertionError, match="not asked for: price"):
        assert_rows(ROWS, [{"id": 1, "name": "a"}], key="id")
    with pytest.raises(AssertionError, match="no column nr to tell rows apart by"):
        assert_rows(ROWS, ROWS, key="nr")


def test_orders_count_when_asked():
    turned = [{"name": row.name, "id": row.id, "price": row.price} for row in ROWS]
    with pytest.raises(AssertionError, match="the order differs"):
        assert_rows(turned, ROWS, key="id", column_order=True)
    with pytest.raises(AssertionError, match="their order isn't"):
        assert_rows(ROWS[::-1], ROWS, key="id", ordered=True)


def test_columns_that_nobody_names_are_the_checks_mistake():
    for rows, expected in (([(1,)], [(1,)]), ([], [(1,)]), ([(1,)], [])):
        with pytest.raises(ValueError, match="columns"):
            assert_rows(rows, expected, key="id")
    with pytest.raises(ValueError, match="1 values for 2 columns"):
        assert_rows([], [(1,)], key="id", columns="id,x")

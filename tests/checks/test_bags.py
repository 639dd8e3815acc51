"""Rows of a table as bags: what changed between two, whatever the order, nulls and nesting."""

import pytest
from pyspark.sql import Row

from labkit.checks.bags import bag, first_change, said

ONE, TWO = Row(id=1, tags=["a"]), Row(id=2, tags=None)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([ONE, TWO], [TWO, ONE], ""),
        ([ONE], [ONE, ONE], "id 1, was added, changed or doubled"),
        ([ONE, ONE], [ONE], "id 1, is gone"),
        ([ONE], [ONE, TWO], "id 2, was added, changed or doubled"),
        ([Row(id=float("nan"))], [Row(id=float("nan"))], ""),
    ],
)
def test_first_change_names_one_row_by_its_key(before, after, told):
    assert first_change(before, after, ["id"]) == told


def test_values_that_cannot_be_hashed_can_be_counted():
    rows = [Row(id=1, raw=bytearray(b"x"), more={"a": [1, {"b": 2}]})] * 2
    assert list(bag(rows).values()) == [2]


def test_a_column_that_is_null_says_nothing():
    assert said([Row(id=1, city=None)]) == said([Row(id=1)])

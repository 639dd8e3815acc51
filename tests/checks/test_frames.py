"""Frames compared by key: chispa decides, each kind of difference is told, bounded."""

import datetime
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from labkit.checks import assert_columns, assert_frame, collect, frames, measured
from labkit.checks.row_diff import terse
from labkit.verdict.errors import AnswerError

DDL = "id long, name string, price double"


@pytest.fixture(scope="module")
def rows(frame):
    return frame(DDL, [(1, "a", 1.0), (2, "b", 2.0), (3, None, None)])


RIGHT = [(3, None, None), (1, "a", 1.0), (2, "b", 2.0)]


def test_equal_rows_pass_in_any_order(rows):
    assert len(assert_frame(rows, RIGHT, key="id", schema=DDL)) == 3


def test_rows_may_be_dicts(rows):
    expected = [dict(zip(("id", "name", "price"), row, strict=True)) for row in RIGHT]
    assert_frame(rows, expected, key="id")


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        (RIGHT[:2], "1 × row that should not be there:\n  id 2: name 'b', price 2.0"),
        ([*RIGHT, (9, "z", 0.0)], "1 × row missing:\n  id 9: name 'z', price 0.0"),
        (
            [*RIGHT[:2], (2, "B", 2.5)],
            "id 2: name is 'b', expected 'B'; price is 2.0, expected 2.5",
        ),
        ([*RIGHT, RIGHT[0]], "id 3: 1 row, expected 2"),
        ([(3, "x", None), *RIGHT[1:]], "id 3: name is null, expected 'x'"),
    ],
)
def test_difference_is_told_by_key(rows, expected, says):
    with pytest.raises(AssertionError, match=".*") as caught:
        assert_frame(rows, expected, key="id")
    assert says in str(caught.value)


def test_many_differences_are_counted_and_three_are_shown(rows):
    expected = [(n, "x", 0.0) for n in range(10, 20)]
    with pytest.raises(AssertionError) as caught:
        assert_frame(rows, expected, key="id")
    assert "10 × row missing" in str(caught.value)
    assert "... and 7 more" in str(caught.value)


def test_hidden_checks_show_one_counter_example(rows):
    token = terse.set(True)
    try:
        with pytest.raises(AssertionError) as caught:
            assert_frame(rows, [(n, "x", 0.0) for n in range(10, 20)], key="id")
    finally:
        terse.reset(token)
    assert str(caught.value) == "for example: missing id 10"


def test_repeated_rows_count(frame):
    twice = frame("id long", [(1,), (1,)])
    assert_frame(twice, [(1,), (1,)], key="id")
    with pytest.raises(AssertionError, match="2 rows, expected 1"):
        assert_frame(twice, [(1,)], key="id")


def test_tiny_float_differences_pass_and_larger_ones_do_not(frame):
    third = frame("id long, x double", [(1, 1 / 3)])
    assert_frame(third, [(1, 0.33333333333333337)], key="id")
    with pytest.raises(AssertionError, match="x is"):
        assert_frame(third, [(1, 0.3333)], key="id")


def test_columns_are_compared_before_rows(rows):
    with pytest.raises(AssertionError, match="missing: cost; not asked for: price"):
        assert_frame(rows, [], key="id", schema="id long, name string, cost double")
    with pytest.raises(AssertionError, match="the order differs"):
        assert_columns(rows, ["name", "id", "price"])
    with pytest.raises(AssertionError, match="price is double, expected int"):
        assert_columns(rows, "id long, name string, price int")


def test_nullability_is_ignored(rows):
    assert_columns(rows.withColumn("name", F.lit("x")), DDL)


def test_order_counts_when_asked(rows):
    assert_frame(rows.orderBy("id"), sorted(RIGHT), key="id", ordered=True)
    with pytest.raises(AssertionError, match="their order isn't"):
        assert_frame(rows.orderBy(F.desc("id")), sorted(RIGHT), key="id", ordered=True)


@pytest.mark.parametrize(
    ("value", "says"), [(None, "returned None"), ("x", "returned str"), ([], "list")]
)
def test_what_is_no_frame_is_the_learners_failure(value, says):
    with pytest.raises(AnswerError, match=says) as caught:
        assert_frame(value, [], key="id")
    assert caught.value.outcome == "failed"


def test_frame_that_spark_cannot_run_is_the_learners_error(rows):
    with pytest.raises(AnswerError, match="DIVIDE_BY_ZERO") as caught:
        collect(rows.select(F.expr("1 / (id - 1)")))
    assert caught.value.outcome == "error"


def test_too_many_rows_are_refused(spark):
    with pytest.raises(AssertionError, match="more than 5 rows"):
        collect(spark.range(6), limit=5)


def test_every_type_of_value_makes_a_frame_and_compares(frame):
    ddl = (
        "id int, at timestamp, day date, cents decimal(10,2), raw binary, tags array<string>, "
        "pair struct<a: long, b: string>, by_name map<string, int>"
    )
    at = datetime.datetime(2024, 1, 2, 3, 4, 5)
    row = (1, at, at.date(), Decimal("1.50"), b"x", ["p", "q"], {"a": 1, "b": "two"}, {"k": 3})
    nulls = (2, *[None] * 7)
    made = frame(ddl, [row, nulls])
    found = assert_frame(made, [row, nulls], key="id", schema=ddl)
    assert found[0].at == at


def test_wrong_number_of_values_is_the_checks_mistake(frame):
    with pytest.raises(ValueError, match="1 values for 2 columns"):
        frame("a long, b long", [(1,)])


def test_rows_of_another_width_are_told_with_the_columns_that_came(frame):
    with pytest.raises(AssertionError, match=r"1 column comes back \(id\), expected 2"):
        assert_frame(frame("id long", [(1,)]), [(1, "a")], key="id")


@pytest.fixture
def chispa_says(monkeypatch):
    """Puts words into chispa's mouth."""

    def say(rows=None, schemas=None):
        if rows is not None:
            monkeypatch.setattr(frames, "are_rows_equal_enhanced", lambda *a, **k: rows)
        if schemas is not None:
            monkeypatch.setattr(
                frames, "are_schemas_equal_ignore_nullable", lambda *a, **k: schemas
            )

    return say


def test_chispa_decides_what_passes(rows, chispa_says):
    chispa_says(rows=True, schemas=True)
    assert_frame(rows, [(1, "x", 9.0)], key="id", schema="id int, name string, cost double")


def test_chispa_decides_what_fails_and_the_reason_is_honest(rows, chispa_says):
    chispa_says(rows=False)
    with pytest.raises(AssertionError) as caught:
        assert_frame(rows, RIGHT, key="id")
    assert str(caught.value) == (
        "chispa tells the row id 3 from the one expected: (3, None, None), expected (3, None, None)"
    )
    chispa_says(schemas=False)
    with pytest.raises(AssertionError, match="chispa tells the schema struct<id:bigint") as caught:
        assert_columns(rows, DDL)


def test_a_frame_is_run_once(spark, tmp_path):
    spark.range(100).repartition(4).write.parquet(str(tmp_path / "numbers"))
    numbers = spark.read.parquet(str(tmp_path / "numbers"))
    with measured(spark) as alone:
        collect(numbers)
    with measured(spark) as compared:
        assert_frame(numbers, [(n,) for n in range(100)], key="id", schema="id long")
    with measured(spark) as explained, pytest.raises(AssertionError, match="1 × row missing"):
        assert_frame(numbers, [(n,) for n in range(101)], key="id", schema="id long")
    assert compared.jobs == explained.jobs == alone.jobs


def test_equal_values_in_another_form_are_in_the_same_place(frame):
    ddl = "price decimal(10,2), name string"
    made = frame(ddl, [(Decimal("1.50"), "a"), (Decimal("1.50"), "b"), (Decimal("10.00"), "c")])
    expected = [(Decimal("1.5"), "b"), (10, "c"), (Decimal("1.500"), "a")]
    assert_frame(made, expected, key="price", schema=ddl)


def test_a_number_is_no_boolean(frame):
    with pytest.raises(AssertionError, match="flag is 1, expected True"):
        assert_frame(frame("id long, flag int", [(1, 1)]), [(1, True)], key="id")


def test_floats_are_near_enough_deep_inside_and_nan_is_nan(frame):
    made = frame("id long, x array<double>", [(1, [1 / 3, float("nan")])])
    assert_frame(made, [(1, [0.33333333333333337, float("nan")])], key="id")
    with pytest.raises(AssertionError, match="row differs"):
        assert_frame(made, [(1, [0.33333333333333337, 0.0])], key="id")


def test_keys_of_a_map_count_and_the_order_of_a_structs_fields_does_not(frame):
    made = frame("id long, m map<string, int>, s struct<a: int, b: int>", [(1, {"k": 3}, (1, 2))])
    assert_frame(made, [(1, {"k": 3}, {"b": 2, "a": 1})], key="id")
    with pytest.raises(AssertionError, match=r"m is \(\('k', 3\),\), expected \(\('j', 3\),\)"):
        assert_frame(made, [(1, {"j": 3}, (1, 2))], key="id")


def test_each_of_two_columns_of_one_name_counts(frame):
    twice = frame("id long, a int, b int", [(1, 1, 2)]).toDF("id", "x", "x")
    assert_frame(twice, [(1, 1, 2)], key="id", columns=["id", "x", "x"])
    with pytest.raises(AssertionError, match="x is 1, expected 9"):
        assert_frame(twice, [(1, 9, 2)], key="id")


def test_a_frame_without_columns_is_told(spark):
    with pytest.raises(AssertionError, match="columns are none; expected a, b"):
        assert_columns(spark.range(1).select(), "a struct<b: int>, b int")


@pytest.mark.parametrize(
    ("ddl", "value"),
    [
        ("m map<string, int>", "map('k', 1)"),
        ("m array<struct<a: int>>", "array(named_struct('a', 1))"),
    ],
)
def test_nullability_inside_a_type_is_ignored(spark, ddl, value):
    assert_columns(spark.range(1).select(F.expr(value).alias("m")), ddl)

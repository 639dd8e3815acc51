"""Values cross between judge and kernel as they were; others are refused by name."""

import datetime
import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from labkit.checks import make_module
from labkit.grading.wire import CannotCrossError, decode, encode, take_view


def candidate(x):
    return x + 1


def across(value, spark=None, **options):
    text = json.dumps(encode(value, **options))
    return decode(
        json.loads(text),
        lambda: spark,
        table=lambda n: spark.table(f"global_temp.{n}"),
        **options,
    )


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, -0.5, float("inf"), "tëxt", b"\x00\xff", Decimal("1.10"),
        datetime.datetime(2024, 1, 2, 3, 4, 5, 6), datetime.date(2024, 1, 2),
        [1, [2, None]], (1, "a", (2.5,)), {"a": 1, 2: [3]}, [], {}, (),
    ],
)  # fmt: skip
def test_plain_values_cross_as_they_are(value):
    found = across(value)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("tag", ["list", "tuple", "dict"])
def test_judge_reads_no_more_items_than_cross(tag):
    # Whole numbers whose hashes are equal: to put them into a set would take hours.
    items = [[number * sys.hash_info.modulus, 1] for number in range(10_001)]
    with pytest.raises(CannotCrossError, match=f"^a {tag} of 10001 items$"):
        decode({"$": tag, "v": items}, lambda: None, table=str)


@pytest.mark.parametrize("text", ["1E+400", "-1E+9999999", "1E-9999999", "7" * 401])
def test_judge_reads_no_decimal_that_takes_hours_to_round(text):
    with pytest.raises(CannotCrossError, match="^a Decimal of more than 400 digits$"):
        decode({"$": "decimal", "v": text}, lambda: None, table=str)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("-Infinity"), Decimal("1E+38")])
def test_other_decimals_cross(value):
    assert repr(across(value)) == repr(value)


def test_frames_cross_by_name_also_inside_tuples_and_dicts(spark, frame):
    made = frame("n long", [(1,), (2,)])
    pair = across({"both": (made, made.where("n = 1"))}, spark)["both"]
    assert [row.n for row in pair[0].collect()] == [1, 2]
    assert pair[1].count() == 1


def test_session_crosses_as_the_receivers_own(spark):
    assert across(spark, spark) is spark


def test_functions_cross_as_source_towards_the_kernel_only():
    assert across(candidate, functions=True)(1) == 2
    with pytest.raises(CannotCrossError, match="function"):
        encode(candidate)
    with pytest.raises(CannotCrossError):
        decode({"$": "function", "name": "f", "v": "def f(): pass"}, lambda: None, table=str)


def test_modules_and_paths_cross_towards_the_kernel_only():
    made = make_module(
        "prices", "import math\n\n\ndef floor(price):\n    return math.floor(price)\n"
    )
    found = across(made, functions=True)
    assert (found.__name__, found.floor(2.5)) == ("prices", 2)
    assert across(Path("/tmp/a"), functions=True) == Path("/tmp/a")
    assert across(Path("/tmp/a")) == "/tmp/a"
    with pytest.raises(CannotCrossError, match="module"):
        encode(made)
    with pytest.raises(CannotCrossError, match="module"):
        encode(json, functions=True)
    with pytest.raises(CannotCrossError):
        decode({"$": "module", "name": "prices", "v": ""}, lambda: None, table=str)


class Sly(int):
    pass


@pytest.mark.parametrize(
    ("value", "kind"), [(object(), "object"), (Sly(3), "Sly"), ({1, 2}, "set"), (1j, "complex")]
)
def test_other_types_are_refused_by_name(value, kind):
    with pytest.raises(CannotCrossError, match=kind):
        encode(value)


def test_bottomless_and_huge_structures_are_refused():
    loop: list = []
    loop.append(loop)
    with pytest.raises(CannotCrossError, match="nested too deep"):
        encode(loop)
    with pytest.raises(CannotCrossError, match="list of 10001 items"):
        encode([0] * 10_001)


@pytest.mark.parametrize(
    "forged", [{"$": "pickle", "v": "x"}, {"$": "list", "v": 3}, {"a": 1}, [1]]
)
def test_forged_replies_are_refused(forged):
    with pytest.raises(CannotCrossError):
        decode(forged, lambda: None, table=str)


def test_a_frame_can_be_written_after_its_view_is_gone(spark, schema):
    name = encode(spark.range(2).where("id > 0"))["v"]
    take_view(spark, name).writeTo(f"{schema}.taken").using("delta").create()
    assert [row.id for row in spark.table(f"{schema}.taken").collect()] == [1]

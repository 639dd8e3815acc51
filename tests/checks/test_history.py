"""What must hold of versioned rows: each fault is told with its key and its version."""

from datetime import date

import pytest
from pyspark.sql import Row

from labkit.checks import History

PRICES = History("id", values=["price"], start="since", end="until", current="is_current")
NO_FLAG = History(["shop", "id"], values=["price"], start="since", end="until")


def day(number):
    return date(2025, 1, number)


GOOD = [
    *PRICES.versions(1, (day(1), [10]), (day(3), [None]), (day(5), [10])),
    *PRICES.versions(2, (day(1), [None])),
]


def all_hold(rows):
    PRICES.assert_one_current(rows)
    PRICES.assert_current_is_open(rows)
    PRICES.assert_no_overlap(rows)
    PRICES.assert_no_gap(rows)
    PRICES.assert_no_equal_neighbours(rows)


def test_rows_are_made_from_points():
    assert PRICES.columns == ("id", "price", "since", "until", "is_current")
    assert PRICES.version_key == ("id", "since")
    assert PRICES.versions(7, (day(1), [10]), (day(2), [20]), end=day(4)) == [
        (7, 10, day(1), day(2), False),
        (7, 20, day(2), day(4), False),
    ]
    assert NO_FLAG.versions(("a", 7), (day(1), [10])) == [("a", 7, 10, day(1), None)]
    assert PRICES.versions(7) == []


@pytest.mark.parametrize(
    "rows",
    [
        GOOD,
        GOOD[::-1],
        [dict(zip(PRICES.columns, row, strict=True)) for row in GOOD],
        [Row(**dict(zip(PRICES.columns[::-1], row[::-1], strict=True))) for row in GOOD],
        [],
    ],
)
def test_a_right_history_passes_whatever_its_rows_are(rows):
    all_hold(rows)


def fails(assertion, rows, **options):
    with pytest.raises(AssertionError) as caught:
        assertion(rows, **options)
    return str(caught.value)


def test_one_current_version():
    closed = PRICES.versions(3, (day(1), [10]), end=day(2))
    assert fails(PRICES.assert_one_current, [*GOOD, *closed]).startswith(
        "id 3 has no current version; there is exactly one"
    )
    PRICES.assert_one_current([*GOOD, *closed], at_most=True)
    twice = PRICES.versions(3, (day(1), [10])) * 2
    assert "id 3 has 2 current versions" in fails(PRICES.assert_one_current, twice)
    assert "at most one" in fails(PRICES.assert_one_current, twice, at_most=True)
    NO_FLAG.assert_one_current([("a", 1, 10, day(1), None)])
    assert "shop 'a', id 1 has no current" in fails(
        NO_FLAG.assert_one_current, [("a", 1, 10, day(1), day(2))]
    )


def test_current_means_an_open_end():
    wrong = [(3, 10, day(1), day(2), True)]
    assert fails(PRICES.assert_current_is_open, wrong).startswith(
        "id 3, version from 2025-01-01: is_current is True, until is 2025-01-02;"
    )
    assert "is_current is null" in fails(
        PRICES.assert_current_is_open, [(3, 10, day(1), None, None)]
    )
    with pytest.raises(ValueError, match="current"):
        NO_FLAG.assert_current_is_open([])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            [(3, 1, day(1), day(4), False), (3, 2, day(3), None, True)],
            "id 3, version from 2025-01-01: it ends at 2025-01-04, the next begins at 2025-01-03;",
        ),
        (
            [(3, 1, day(1), None, True), (3, 2, day(3), None, True)],
            "it ends at no time (null), the next begins at 2025-01-03",
        ),
        ([(3, 1, day(1), day(1), False)], "it ends at 2025-01-01; where versions overlap"),
        ([(3, 1, None, day(1), False)], "id 3 has a version without a since"),
    ],
)
def test_no_overlap(rows, says):
    assert says in fails(PRICES.assert_no_overlap, [*GOOD, *rows])


def test_no_gap():
    gap = [(3, 1, day(1), day(2), False), (3, 2, day(3), None, True)]
    assert (
        "id 3, version from 2025-01-01: it ends at 2025-01-02, the next begins at 2025-01-03"
        in fails(PRICES.assert_no_gap, gap)
    )
    ended = PRICES.versions(3, (day(1), [1]), (day(2), [2]), end=day(4))
    assert "ends at 2025-01-04, none follows" in fails(PRICES.assert_no_gap, ended)
    PRICES.assert_no_gap(ended, may_end=True)
    assert fails(PRICES.assert_no_gap, gap, may_end=True)
    PRICES.assert_no_gap([(3, 1, None, None, True), (3, 2, None, day(2), False)], may_end=True)


def test_no_equal_neighbours():
    equal = PRICES.versions(3, (day(1), [None]), (day(2), [None]))
    assert (
        "id 3, version from 2025-01-02: it says the same as the one before it: price null"
        in fails(PRICES.assert_no_equal_neighbours, equal)
    )


def test_a_history_says_what_was_said_at_a_time():
    points = [(1, day(1), [10]), (1, day(3), [None]), (1, day(9), [10]), (2, day(2), [None])]
    PRICES.assert_says(GOOD, points, "an update")
    for point, says in (
        (
            (1, day(3), [10]),
            "an update: id 1 was (price 10) at 2025-01-03; valid then is (price null)",
        ),
        ((2, date(2024, 1, 1), [None]), "valid then is no version"),
        ((9, day(1), [1]), "id 9 was (price 1)"),
    ):
        assert says in fails(PRICES.assert_says, GOOD, points=[point], story="an update")
    overlap = [(3, 1, day(1), None, True), (3, 2, day(1), None, True)]
    assert "is (price 1) and (price 2)" in fails(
        PRICES.assert_says, overlap, points=[(3, day(2), [1])], story="an update"
    )
    unsorted = [(2, day(2), [1]), (1, day(3), [1])]
    assert "id 1 was" in fails(PRICES.assert_says, GOOD, points=unsorted, story="an update")
    NO_FLAG.assert_says([("a", 1, 10, day(1), None)], [(("a", 1), day(1), (10,))], "an update")


def test_a_column_that_is_gone_is_told():
    assert fails(PRICES.assert_no_gap, [Row(id=1, price=2)]) == "the rows have no column since"


def test_the_least_key_is_told_whatever_the_order_of_rows():
    twice = PRICES.versions(4, (day(1), [10])) * 2 + PRICES.versions(3, (day(1), [10])) * 2
    assert "id 3 has 2" in fails(PRICES.assert_one_current, twice)

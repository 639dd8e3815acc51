"""Checks of lab 18: the learner's tests meet right functions and functions with a planted bug."""

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from itertools import combinations

import pytest

from labkit.checks import (
    AnswerError,
    Case,
    assert_columns,
    assert_rows,
    cases,
    check,
    collect,
    failure_of,
    has_python,
    make_module,
    measured,
    settings,
    with_plan,
)

HINTS = {
    "frame": [
        "`StructType.fromDDL(ddl)` gives the columns: their names, and the type of each.",
        "Make a dict of each tuple first: `zip` with `strict=True` refuses another length. Then "
        "`pa.Table.from_pylist` makes the table, with nulls for what a dict doesn't name.",
        "`field.dataType.typeName()` says which texts to read. `to_arrow_schema` makes Arrow's "
        "types of Spark's: give it the time zone UTC.",
    ],
    "assert_same": [
        "Compare columns first, as names with types. Then select both frames in one order.",
        "Collect both sides and group the rows by key. A group is compared with the group of the "
        "same key.",
        "Within a group each row needs a partner of its own, and values need a function that says "
        "when two are the same.",
    ],
    "test_latest_prices": [
        "Make an article for each rule, and name it after the rule.",
        "For a tie: someone may take the first row to arrive, or the last one. Which order of rows "
        "notices both?",
        "For the newest: let the article's newest price have a `seq` that isn't the greatest.",
    ],
    "test_convert": [
        "Choose rates and amounts that end in exactly half a cent.",
        "Half a cent after an even cent and after an odd one round differently, by another rule.",
        "Case differs in two frames: a sale in lower case with a rate in upper case, and the other "
        "way round.",
    ],
    "test_daily_revenue": [
        "Work the numbers out by hand, on few sales. Days far apart show what 30 days are.",
        "An average of averages is the average if every day has as many sales. Yours don't.",
        "A day with no sale between two others tells 30 days from 30 rows. The 30th and the 31st "
        "day tell 30 from 29 and 31.",
    ],
    "test_returns_netted": [
        "How many returns may a sale have? Give one sale each number: none, one, several.",
        "A null `qty` needs two sales: one with only that return, and one with another beside it.",
    ],
    "test_upsert_prices": [
        "Write the list below `tmp_path`, call the function, read what it wrote, compare.",
        "Some bugs show only where there is a list at the target already, as at a second call.",
        "Of several changes of one article, let the greatest version come neither first nor last.",
        "For the missing list: the test fails if no error comes. Take care not to catch your own "
        "AssertionError.",
    ],
    "events": [
        "An own `Random(seed)` gives the same rows whatever else draws numbers.",
        "Don't wait for chance: let every tenth row be a hard case, and shuffle afterwards.",
    ],
}

JOBS = 50
PRICES = "sku string, valid_from timestamp, price decimal(10,2), seq long"
SHOPS = ["Bari", "Lodi", "Turin"]

# ------------------------------------------------------------------------------------------ frame

MIXED = "sku string, price decimal(10,2), day date, at timestamp, qty long, sold boolean"
FULL = ("tea", Decimal("4.50"), datetime(2026, 3, 1).date(), datetime(2026, 3, 1, 10), 3, True)


@pytest.fixture(scope="module")
def mixed(learner, spark):
    """A frame out of rows of both kinds, its rows, and the work of the call."""
    rows = [
        FULL,
        ("cocoa", "0.10", "2026-02-28", "2026-02-28 23:59:59", None, False),
        {"at": "2026-03-02", "sku": "mate", "price": "-7.05"},
        {"qty": 5},
        {},
        FULL,
    ]
    with measured(spark) as work:
        made = learner.frame(spark, rows, MIXED)
    assert_columns(made, MIXED)
    return made, collect(made), work


@check("frame")
def test_rows_of_tuples(mixed):
    """makes a row of each tuple, with the types of the columns"""
    found = [row for row in mixed[1] if row.sku == "tea"]
    assert_rows(found, [FULL, FULL], key="sku", columns=MIXED)


@check("frame")
def test_rows_of_dicts(mixed):
    """makes a row of each dict, with a null for what it doesn't name"""
    wanted = [
        ("mate", Decimal("-7.05"), None, datetime(2026, 3, 2), None, None),
        (None, None, None, None, 5, None),
        (None,) * 6,
    ]
    found = [row for row in mixed[1] if row.sku in ("mate", None)]
    assert_rows(found, wanted, key="sku", columns=MIXED)


@check("frame")
def test_texts_are_read(learner, spark, mixed):
    """reads decimals, dates and timestamps from text"""
    at = datetime(2026, 2, 28, 23, 59, 59)
    wanted = [("cocoa", Decimal("0.10"), at.date(), at, None, False)]
    assert_rows([row for row in mixed[1] if row.sku == "cocoa"], wanted, key="sku", columns=MIXED)
    long = "1234567890123456789012.0123456789"
    found = collect(learner.frame(spark, [(long,)], "total decimal(38,10)"))
    assert_rows(found, [(Decimal(long),)], key="total", columns=["total"])


@check("frame")
def test_no_rows(learner, spark):
    """makes an empty frame of no rows"""
    made = learner.frame(spark, [], MIXED)
    assert_columns(made, MIXED)
    found = collect(made)
    assert not found, f"{len(found)} rows come back for none"


@check("frame")
@cases(
    [
        Case("misspelt", "refuses a dict with a column that isn't there", given=[{"prize": "1"}]),
        Case(
            "misspelt_null",
            "refuses a dict with a column that isn't there, also if its value is None",
            given=[{"sku": "tea", "prize": None}],
        ),
        Case("short", "refuses a tuple that is too short", given=[("tea", "1.00")]),
        Case("long", "refuses a tuple that is too long", given=[(*FULL, 1)]),
    ]
)
def test_refused(learner, spark, case):
    """{case}"""
    (row,) = case.given
    for first in ([], [FULL, {"sku": "mate"}]):
        found = "is taken"
        try:
            learner.frame(spark, [*first, row], MIXED)
        except AnswerError as error:
            if error.outcome == "todo":
                raise
            found = f"raises {error.reason}"
        place = f"behind {len(first)} others " if first else ""
        assert found.startswith("raises ValueError"), (
            f"the row {row} {place}{found}; expected a ValueError"
        )


@check("frame")
def test_no_job(mixed):
    """runs no Spark job"""
    jobs = mixed[2].jobs
    assert not jobs, f"the call runs {jobs} Spark job{'s' if jobs > 1 else ''}"


@check("frame")
def test_no_python(learner, spark, mixed):
    """makes rows that no Python worker has to hand over, none too"""
    for made in (mixed[0], learner.frame(spark, [], MIXED)):
        assert not has_python(made), with_plan(
            "rows pass through Python workers when the frame is read", made, "Python"
        )


# ------------------------------------------------------------------------------------ assert_same

ITEMS = "sku string, size long, price decimal(10,2), weight double"
ITEM_ROWS = [
    ("sku-04", 1, Decimal("4.00"), 0.5),
    ("sku-02", 1, Decimal("2.00"), 2.5),
    ("sku-02", 2, Decimal("2.50"), None),
    ("sku-07", 1, None, 1.25),
]
AHEAD = ("sku-01", 1, Decimal("1.00"), 0.5)


@dataclass(frozen=True)
class Pair:
    """Two frames for `assert_same`: what is there, and what is expected."""

    rows: list
    expected: list
    ddl: str = ITEMS
    expected_ddl: str = ITEMS
    key: tuple = ("sku", "size")
    nullable: bool = True
    first: tuple = ()


def changed(place, **values):
    """ITEM_ROWS with other values in one row."""
    names = ["sku", "size", "price", "weight"]
    rows = [dict(zip(names, row, strict=True)) for row in ITEM_ROWS]
    rows[place] |= values
    return [tuple(row.values()) for row in rows]


def turned(rows):
    return [row[::-1] for row in rows]


BACKWARDS = ", ".join(reversed(ITEMS.split(", ")))
DAYS = "shop string, n long, day date, at timestamp, open boolean, few int"
DAY = datetime(2026, 3, 1)
DAY_ROWS = [("Bari", 1, DAY.date(), DAY, True, 3), ("Lodi", 1, None, None, None, None)]

SAME = [
    Case(
        "row_order",
        "takes rows in another order for the same",
        given=[Pair(ITEM_ROWS[::-1], ITEM_ROWS)],
    ),
    Case(
        "column_order",
        "takes columns in another order for the same",
        given=[Pair(turned(ITEM_ROWS), ITEM_ROWS, BACKWARDS)],
    ),
    Case(
        "nullable",
        "takes a column that can't be null for the same",
        given=[Pair(ITEM_ROWS[:2], ITEM_ROWS[:2], nullable=False)],
    ),
    Case(
        "near",
        "takes doubles that are close for the same",
        given=[Pair(changed(0, weight=0.5000009), ITEM_ROWS)],
    ),
    Case(
        "nan_and_null",
        "takes nulls for the same, and NaNs",
        given=[
            Pair(changed(0, weight=math.nan), changed(0, weight=math.nan)),
            Pair(DAY_ROWS, DAY_ROWS, DAYS, DAYS, key=("shop", "n")),
        ],
    ),
    Case(
        "repeated",
        "takes equal rows for the same if there are as many, and none and none",
        given=[
            Pair([ITEM_ROWS[0], *ITEM_ROWS], [*ITEM_ROWS, ITEM_ROWS[0]]),
            Pair([], []),
        ],
    ),
    Case(
        "one_key",
        "pairs rows of one key, in any order and with nulls",
        given=[
            Pair(ITEM_ROWS[::-1], ITEM_ROWS, key=("sku",)),
            # No order of rows puts the near ones side by side.
            Pair(
                [("sku-01", 0.5, 1), ("sku-01", 0.5000005, 2)],
                [("sku-01", 0.5000005, 1), ("sku-01", 0.5, 2)],
                "sku string, amount double, size long",
                "sku string, amount double, size long",
                key=("sku",),
            ),
        ],
    ),
]
DIFFERENT = [
    Case(
        "value",
        "notices another value",
        given=[Pair(changed(1, size=3), ITEM_ROWS, key=("sku",))],
    ),
    Case(
        "columns",
        "notices a column too many, one that is missing, and one of another name",
        given=[
            Pair([(*row, 1) for row in ITEM_ROWS], ITEM_ROWS, f"{ITEMS}, extra long"),
            Pair(ITEM_ROWS, [(*row, 1) for row in ITEM_ROWS], expected_ddl=f"{ITEMS}, extra long"),
            Pair(ITEM_ROWS, ITEM_ROWS, ITEMS.replace("weight", "Weight")),
        ],
    ),
    Case(
        "types",
        "notices an int for a long, and a decimal of another scale",
        given=[
            Pair(ITEM_ROWS, ITEM_ROWS, ITEMS.replace("size long", "size int")),
            Pair(ITEM_ROWS, ITEM_ROWS, ITEMS.replace("(10,2)", "(12,4)")),
            Pair([], [], ITEMS.replace("size long", "size int")),
        ],
    ),
    Case(
        "more_often",
        "notices a row that is there more often, or less often",
        given=[
            Pair([*ITEM_ROWS, ITEM_ROWS[0]], ITEM_ROWS),
            Pair(ITEM_ROWS, [*ITEM_ROWS, ITEM_ROWS[0]]),
            Pair([*ITEM_ROWS, ITEM_ROWS[0]], [*ITEM_ROWS, ITEM_ROWS[1]]),
            Pair([*ITEM_ROWS, ITEM_ROWS[1]], [*ITEM_ROWS, ITEM_ROWS[2]], key=("sku",)),
        ],
    ),
    Case(
        "rows",
        "notices a key too many, and one that is missing",
        given=[
            Pair(ITEM_ROWS, ITEM_ROWS[:-1]), Pair(ITEM_ROWS[:-1], ITEM_ROWS), Pair([], ITEM_ROWS)
        ],
    ),
    Case(
        "null",
        "tells a null from a value, from 0 and from NaN",
        given=[
            Pair(changed(3, price=Decimal("0.00")), ITEM_ROWS),
            Pair(ITEM_ROWS, changed(2, weight=0.0)),
            Pair(changed(2, weight=math.nan), ITEM_ROWS),
            Pair(changed(1, weight=math.nan), ITEM_ROWS),
        ],
    ),
    Case(
        "far",
        "notices doubles that differ by more than 0.000001, and decimals that differ at all",
        given=[
            Pair(changed(0, weight=0.500002), ITEM_ROWS),
            Pair(changed(0, weight=5e9), changed(0, weight=5e9 + 0.5)),
            Pair(changed(1, price=Decimal("2.01")), ITEM_ROWS),
            Pair(
                [("sku-01", Decimal("1.0000001"))],
                [("sku-01", Decimal("1.0000002"))],
                "sku string, price decimal(20,7)",
                "sku string, price decimal(20,7)",
                key=("sku",),
            ),
        ],
    ),
]
NAMED = [
    Case(
        "first",
        "names the smallest key that differs, and no other one",
        given=[
            Pair(
                [("sku-31", 1), ("sku-09", 2), ("sku-20", 3), ("sku-44", 4)],
                [("sku-44", 5), ("sku-20", 6), ("sku-31", 7), ("sku-09", 2)],
                "sku string, qty long",
                "sku string, qty long",
                key=("sku",),
                first=("sku-20",),
            ),
        ],
    ),
    Case(
        "missing",
        "names a key that is missing, one that is there too often, and one with a date",
        given=[
            Pair(ITEM_ROWS[:2], ITEM_ROWS, key=("sku",), first=("sku-02",)),
            Pair([*ITEM_ROWS, ITEM_ROWS[3]], ITEM_ROWS, key=("sku",), first=("sku-07",)),
            Pair(ITEM_ROWS[:3], ITEM_ROWS, key=("sku",), first=("sku-07",)),
            Pair([*ITEM_ROWS[:3], AHEAD], ITEM_ROWS, key=("sku",), first=("sku-01",)),
            Pair(ITEM_ROWS, [*ITEM_ROWS[:3], AHEAD], key=("sku",), first=("sku-01",)),
            Pair(
                [("Bari", DAY.date(), 1), ("Lodi", DAY.date(), 1)],
                [("Lodi", DAY.date(), 2), ("Bari", DAY.date(), 1)],
                "shop string, day date, qty long",
                "shop string, day date, qty long",
                key=("shop", "day"),
                first=("Lodi", DAY.date()),
            ),
        ],
    ),
    Case(
        "order",
        "orders keys of several columns by the first one, and numbers as numbers",
        given=[
            Pair(
                [("shop-b", 77701, 1), ("shop-b", 8802, 1), ("shop-c", 601, 1)],
                [("shop-b", 77701, 2), ("shop-b", 8802, 2), ("shop-c", 601, 2)],
                "shop string, n long, qty long",
                "shop string, n long, qty long",
                key=("shop", "n"),
                first=("shop-b", 8802),
            ),
            Pair(
                [("shop-b", 601, 1), ("shop-d", 502, 1)],
                [("shop-b", 601, 2), ("shop-d", 502, 2)],
                "shop string, n long, qty long",
                "shop string, n long, qty long",
                key=("n", "shop"),
                first=(502, "shop-d"),
            ),
        ],
    ),
]


def told(pair, frame, learner):
    """What `assert_same` says of a pair: the text of its AssertionError, or None."""
    actual = frame(pair.ddl, pair.rows)
    if not pair.nullable:
        # Of a coalesce that ends in a value Spark knows that it is never null.
        actual = actual.selectExpr(
            "coalesce(sku, '') AS sku", "coalesce(size, 0L) AS size", "price",
            "coalesce(weight, 0D) AS weight",
        )  # fmt: skip
    expected = frame(pair.expected_ddl, pair.expected)
    return failure_of(learner.assert_same, actual, expected, list(pair.key))


def shown(pair):
    """The rows of a pair that are not the same, for a reason."""
    found, wanted = Counter(map(repr, pair.rows)), Counter(map(repr, pair.expected))
    parts = [
        f"actual has {', '.join((found - wanted).elements()) or 'no other rows'}",
        f"expected has {', '.join((wanted - found).elements()) or 'no other rows'}",
    ]
    if pair.ddl != pair.expected_ddl:
        parts = [f"actual has the columns {pair.ddl}", f"expected has {pair.expected_ddl}"]
    return "; ".join([*parts, f"the key is {', '.join(pair.key)}"])


@check("assert_same")
@cases(SAME)
def test_same(learner, frame, case):
    """{case}"""
    for pair in case.given:
        said = told(pair, frame, learner)
        assert said is None, f"frames that are the same differ for it: {said[:300]}"


@check("assert_same")
@cases(DIFFERENT)
def test_different(learner, frame, case):
    """{case}"""
    for pair in case.given:
        said = told(pair, frame, learner)
        assert said is not None, f"it says nothing about two frames that differ: {shown(pair)}"


@check("assert_same")
@cases(NAMED)
def test_message(learner, frame, case):
    """{case}"""
    for pair in case.given:
        assert_names_first(pair, frame, learner)


def assert_names_first(pair, frame, learner):
    said = told(pair, frame, learner)
    assert said is not None, f"it says nothing about two frames that differ: {shown(pair)}"
    lost = [str(value) for value in pair.first if str(value) not in said]
    first = ", ".join(map(str, pair.first))
    assert not lost, f"the smallest key that differs is {first}; the message is: {said[:300]}"
    names = [column.split()[0] for column in pair.ddl.split(", ")]
    values = [dict(zip(names, row, strict=True)) for row in [*pair.rows, *pair.expected]]
    others = {str(row[name]) for row in values for name in pair.key} - set(map(str, pair.first))
    named = sorted(other for other in others if other in said)
    assert not named, (
        f"the smallest key that differs is {first}; the message names {', '.join(named)} too: "
        f"{said[:300]}"
    )


# --------------------------------------------------------------------- the learner's tests: modules

# With frames of ten rows, most of the time would go into compiling plans and planning them again.
SMALL = {"spark.sql.adaptive.enabled": "false", "spark.sql.codegen.wholeStage": "false"}
# The package as it ought to be: the average of all sales in place of that of daily averages.
RIGHT = [
    (
        '    days = days.withColumn("average", F.col("revenue").cast("double") / F.col("sales"))\n',
        "",
    ),
    (
        'average_30d = F.avg("average").over(last_30)',
        'average_30d = sum_30d.cast("double") / F.sum("sales").over(last_30)',
    ),
]
ONLY = """

def _elsewhere(*given, **named):
    raise RuntimeError("{function} is under test: the test calls another function of the module")


{others} = _elsewhere
"""
FUNCTIONS = ["latest_prices", "convert", "daily_revenue", "returns_netted", "upsert_prices"]


@dataclass(frozen=True)
class Module:
    """A module under test: lines of the right one, replaced, or functions in place of its own.

    `title` completes "a function that ..."; with `raises` its bug may show as an error.
    """

    name: str
    title: str
    edits: tuple = ()
    functions: str = ""
    raises: bool = False


def bug(name, title, *edits, raises=False):
    """A module with a bug, as old lines and new ones in turn."""
    return Module(name, title, tuple(zip(edits[::2], edits[1::2], strict=True)), raises=raises)


def rewrite(name, title, functions):
    return Module(name, title, functions=functions)


BUGS = {
    "latest_prices": [
        bug("first_arrival", "takes the price that arrives first, of several at one time",
            'F.desc("valid_from"), F.desc("seq"))',
            'F.desc("valid_from"), F.monotonically_increasing_id())'),
        bug("last_arrival", "takes the price that arrives last, of several at one time",
            'F.desc("valid_from"), F.desc("seq"))',
            'F.desc("valid_from"), F.desc(F.monotonically_increasing_id()))'),
        bug("at_once", "leaves out a price that holds from as_of on",
            'F.col("valid_from") <= F.lit(as_of)', 'F.col("valid_from") < F.lit(as_of)'),
        bug("future", "also counts prices after as_of",
            'F.col("valid_from") <= F.lit(as_of)', "F.lit(True)"),
        bug("nulls_lost", "drops prices that are null before it takes the newest",
            'F.col("valid_from") <= F.lit(as_of)',
            'F.col("price").isNotNull() & (F.col("valid_from") <= F.lit(as_of))'),
        bug("older_price", "takes an older price where the newest is null",
            'F.desc("valid_from"), F.desc("seq"))',
            'F.col("price").isNull(), F.desc("valid_from"), F.desc("seq"))'),
        bug("copies", "returns an article once for each equal row",
            '"place", F.row_number().over(newest_first))\n        .where',
            '"place", F.rank().over(newest_first))\n        .where'),
        bug("seq_as_text", "takes the seq that is the greatest as text",
            'F.desc("valid_from"), F.desc("seq"))',
            'F.desc("valid_from"), F.desc(F.col("seq").cast("string")))'),
        bug("greatest_price", "takes the greatest price, of several at one time",
            'F.desc("valid_from"), F.desc("seq"))', 'F.desc("valid_from"), F.desc("price"))'),
        bug("least_price", "takes the least price, of several at one time",
            'F.desc("valid_from"), F.desc("seq"))', 'F.desc("valid_from"), F.asc("price"))'),
        bug("greatest_seq", "takes the greatest seq, whatever the valid_from",
            'F.desc("valid_from"), F.desc("seq"))', 'F.desc("seq"))'),
        bug("whole_day", "also counts prices later on the day of as_of",
            'F.col("valid_from") <= F.lit(as_of)',
            'F.to_date("valid_from") <= F.to_date(F.lit(as_of))'),
        bug("one_for_all", "returns one row for all articles together",
            'Window.partitionBy("sku").orderBy(F.desc("valid_from")',
            'Window.partitionBy().orderBy(F.desc("valid_from")'),
    ],
    "convert": [
        bug("inner", "loses sales whose currency has no rate", 'how="left")\n    eur',
            'how="inner")\n    eur'),
        bug("zero", "gives 0 to a currency without a rate",
            '2).cast("decimal(12,2)")',
            '2).cast("decimal(12,2)")\n    eur = F.coalesce(eur, F.lit(0))'
            '.cast("decimal(12,2)")\n    eur = F.when(F.col("amount").isNotNull(), eur)'),
        bug("half_even", "rounds half a cent to the even cent", "F.round(F.col", "F.bround(F.col"),
        bug("half_up", "rounds half a cent below zero towards zero",
            'F.round(F.col("amount") * F.col("rate"), 2)',
            '(F.floor(F.col("amount") * F.col("rate") * 100 + F.expr("0.5BD")) / 100)'),
        bug("double", "computes with doubles, and returns one",
            '2).cast("decimal(12,2)")', '2).cast("double")'),
        bug("sales_alone", "changes the case of the sales alone",
            'F.upper("currency").alias("code")', 'F.col("currency").alias("code")'),
        bug("rates_alone", "changes the case of the rates alone",
            'F.upper("currency") == F.col("code")', 'F.col("currency") == F.col("code")'),
        bug("rounded_twice", "rounds the rate to cents before it multiplies",
            'F.col("amount") * F.col("rate")', 'F.col("amount") * F.round("rate", 2)'),
        bug("rounded_first", "rounds to four places before it rounds to cents",
            'F.round(F.col("amount") * F.col("rate"), 2)',
            'F.round(F.round(F.col("amount") * F.col("rate"), 4), 2)'),
        bug("once", "returns equal sales once",
            "joined = sales.join(factors", "joined = sales.distinct().join(factors"),
        bug("null_is_zero", "takes a null amount for 0",
            'F.round(F.col("amount")', 'F.round(F.coalesce(F.col("amount"), F.lit(0))'),
        bug("no_currency", "loses sales without a currency",
            "joined = sales.join(factors",
            'joined = sales.where("currency IS NOT NULL").join(factors'),
    ],
    "daily_revenue": [
        bug("utc", "takes the day of the session's time zone",
            'F.from_utc_timestamp("sold_at", zone)', 'F.col("sold_at")'),
        bug("winter", "takes the winter time of the zone all year",
            'F.to_date(F.from_utc_timestamp("sold_at", zone))',
            'F.to_date(F.col("sold_at") + (F.from_utc_timestamp(F.lit("2026-01-15"), zone)'
            ' - F.lit("2026-01-15").cast("timestamp")))'),
        bug("one_zone", "takes the day in Rome, whatever the zone",
            'F.from_utc_timestamp("sold_at", zone)',
            'F.from_utc_timestamp("sold_at", "Europe/Rome")'),
        bug("nulls_lost", "loses days on which no amount is known",
            "dated = sales.withColumn", 'dated = sales.where("amount IS NOT NULL").withColumn'),
        bug("days_31", "adds up 31 days", "rangeBetween(-29, 0)", "rangeBetween(-30, 0)"),
        bug("rows_30", "adds up 30 rows, whatever their days",
            "rangeBetween(-29, 0)", "rowsBetween(-29, 0)"),
        bug("all_shops", "adds up the 30 days of all shops",
            'last_30 = Window.partitionBy("shop")', "last_30 = Window.partitionBy()"),
        bug("averages", "takes the average of the daily averages",
            "sum_30d.cast(\"double\") / F.sum(\"sales\").over(last_30)",
            'F.avg(F.col("revenue").cast("double") / F.col("sales")).over(last_30)'),
        bug("known_sales", "divides by the number of sales with a known amount",
            'F.count("*").alias("sales")', 'F.count("amount").alias("sales")',
            '/ F.sum("sales").over(last_30)', '/ F.nullif(F.sum("sales").over(last_30), F.lit(0))'),
        bug("rounded", "rounds the average to cents",
            'sum_30d.cast("double") / F.sum("sales").over(last_30)',
            'F.round(sum_30d.cast("double") / F.sum("sales").over(last_30), 2)'),
        bug("equal_once", "counts equal sales once",
            "dated = sales.withColumn", "dated = sales.distinct().withColumn"),
        bug("double", "makes revenue a double", 'F.lit(0)).cast("decimal(20,2)")',
            'F.lit(0)).cast("double")'),
        bug("empty_row", "returns a row of nothing if there is no sale",
            "dated = sales.withColumn",
            'one = sales.sparkSession.range(1)\n'
            '    sales = sales.join(one, on=F.lit(True), how="right").drop("id")\n'
            "    dated = sales.withColumn"),
        bug("empty", "raises an error if there is no sale",
            "dated = sales.withColumn",
            'if sales.isEmpty():\n        raise ValueError("no sales")\n'
            "    dated = sales.withColumn",
            raises=True),
        bug("days_29", "adds up 29 days", "rangeBetween(-29, 0)", "rangeBetween(-28, 0)"),
        bug("null_revenue", "has a null revenue for a day on which no amount is known",
            'F.coalesce(F.sum("amount"), F.lit(0))', 'F.sum("amount")'),
    ],
    "returns_netted": [
        bug("fan_out", "returns a sale once for each of its returns",
            'returned = returns.groupBy("sale_id").agg(F.sum("qty").alias("returned"))',
            'returned = returns.withColumnRenamed("qty", "returned")'),
        bug("each_return", "returns a sale once for each of its returns, with the right net",
            '.drop("returned")',
            '.drop("returned").join(returns.select("sale_id"), on="sale_id", how="left")'),
        bug("inner", "loses sales without a return",
            'how="left")\n    kept', 'how="inner")\n    kept'),
        bug("null_net", "has a null net for a sale without a return",
            'F.coalesce(F.col("returned"), F.lit(0))', 'F.col("returned")',
            'F.greatest(kept, F.lit(0))', "F.when(kept < 0, F.lit(0)).otherwise(kept)"),
        bug("equal_once", "counts equal returns once",
            'returned = returns.groupBy', "returned = returns.distinct().groupBy"),
        bug("negative", "lets net be below 0", "F.greatest(kept, F.lit(0))", "kept"),
        bug("unknown_sale", "has a row for a return of a sale that isn't there",
            'how="left")\n    kept', 'how="full")\n    kept'),
        bug("null_return", "takes no return off a sale if one of its returns has a null qty",
            'F.sum("qty").alias("returned")',
            'F.when(F.count("*") == F.count("qty"), F.sum("qty")).alias("returned")'),
        bug("int_net", "makes net an int", "F.greatest(kept, F.lit(0))",
            'F.greatest(kept, F.lit(0)).cast("int")'),
        bug("one_return", "counts one return of a sale",
            'F.sum("qty").alias("returned")', 'F.max("qty").alias("returned")'),
    ],
    "upsert_prices": [
        bug("no_delete", "doesn't remove articles", """where("op = 'u'")""", 'where("true")'),
        bug("append", "adds to what is at the target",
            'write.mode("overwrite")', 'write.mode("append")'),
        bug("older_wins", "applies changes with a smaller version, too",
            'orderBy(F.desc("version"), "changed")',
            'orderBy(F.desc("changed"), F.desc("version"))'),
        bug("late_removal", "removes an article whatever the version of the change",
            """kept = newest.where("op = 'u'")""",
            'by_version = Window.partitionBy("sku").orderBy(F.desc("version"))\n'
            '    last = changes.withColumn("n", F.row_number().over(by_version))\n'
            """    gone = last.where("n = 1 AND op = 'd'").select("sku")\n"""
            '    newest = newest.join(gone, on="sku", how="left_anti")\n'
            """    kept = newest.where("op = 'u'")"""),
        bug("null_ignored", "keeps the old price when the new one is null",
            'newest = rows.withColumn("place"',
            'known = F.first("price", ignorenulls=True).over(newest_first.rowsBetween(0, 99))\n'
            '    newest = rows.withColumn("price", known).withColumn("place"'),
        bug("changes_only", "writes what changed, and nothing else",
            """where("op = 'u'")""", """where("op = 'u' AND changed = 1")"""),
        bug("no_inserts", "adds no article", 'newest = rows.withColumn("place"',
            'known = F.min("changed").over(Window.partitionBy("sku"))\n'
            '    rows = rows.withColumn("known", known).where("known = 0")\n'
            '    newest = rows.withColumn("place"'),
        bug("first_change", "applies the change that arrives first, of several of an article",
            "rows = listed.unionByName(changes)",
            'arrived = Window.partitionBy("sku").orderBy(F.monotonically_increasing_id())\n'
            '    changes = changes.withColumn("n", F.row_number().over(arrived)).where("n = 1")\n'
            '    rows = listed.unionByName(changes.drop("n"))'),
        bug("source_too", "writes the new list to the source as well",
            '.write.mode("overwrite").parquet(str(target))',
            '.write.mode("overwrite").parquet(str(target))\n'
            '    written = spark.read.schema(LISTED).parquet(str(target))\n'
            '    written.write.mode("overwrite").parquet(str(source))'),
        bug("swallows", "takes a list that isn't there for an empty one",
            'listed = spark.read.schema(LISTED).parquet(str(source)).withColumn',
            "try:\n        listed = spark.read.schema(LISTED).parquet(str(source))\n"
            '    except Exception:\n        listed = changes.where("false").drop("op")\n'
            "    listed = listed.withColumn"),
        bug("same_version", "applies a change with the version that is in the list",
            'orderBy(F.desc("version"), "changed")',
            'orderBy(F.desc("version"), F.desc("changed"))'),
        bug("adds_removed", "adds an article that is to be removed and isn't there",
            'newest = rows.withColumn("place"',
            'known = F.min("changed").over(Window.partitionBy("sku"))\n'
            """    rows = rows.withColumn("op", F.when(known == 1, "u").otherwise(F.col("op")))\n"""
            '    newest = rows.withColumn("place"'),
    ],
}  # fmt: skip

REWRITES = {
    "latest_prices": [
        rewrite("max_by", "takes the greatest of structs, has its columns in another order, and "
                "returns its rows sorted", '''
def latest_prices(prices, as_of):
    row = F.struct("price", "seq", "valid_from")
    newest = F.max_by(row, F.struct("valid_from", "seq")).alias("newest")
    found = prices.where(F.col("valid_from") <= F.lit(as_of)).groupBy("sku").agg(newest)
    return found.select("newest.*", "sku").orderBy(F.desc("sku"))
'''),
    ],
    "convert": [
        rewrite("lower", "compares in lower case, has eur first, and spreads its rows over three "
                "partitions", '''
def convert(sales, rates):
    on = F.lower(F.col("s.currency")) == F.lower(F.col("r.currency"))
    joined = rates.alias("r").join(sales.alias("s"), on=on, how="right")
    eur = F.expr("cast(round(s.amount * r.rate, 2) AS decimal(12,2)) AS eur")
    return joined.select(eur, "s.amount", "s.currency", "s.sale_id").repartition(3)
'''),
    ],
    "daily_revenue": [
        rewrite("self_join", "joins each day to the 29 days before it, and has columns that can't "
                "be null", '''
def daily_revenue(sales, zone):
    day = F.to_date(F.from_utc_timestamp("sold_at", zone)).alias("day")
    sold = sales.select("shop", day, F.coalesce("amount", F.lit(0)).alias("amount"))
    totals = F.sum("amount").alias("revenue"), F.count("*").alias("n")
    days = sold.groupBy("day", "shop").agg(*totals)
    earlier = days.toDF("day_2", "shop_2", "revenue_2", "n_2")
    on = F.expr("shop = shop_2 AND day_2 BETWEEN date_sub(day, 29) AND day")
    joined = days.join(earlier, on=on, how="inner").groupBy("day", "shop", "revenue").agg(
        F.sum("revenue_2").alias("total"), F.sum("n_2").alias("sales")
    )
    return joined.selectExpr(
        "cast(total AS double) / sales AS average_30d",
        "cast(total AS decimal(20,2)) AS revenue_30d",
        "cast(revenue AS decimal(20,2)) AS revenue",
        "day",
        "coalesce(shop, '') AS shop",
    )
'''),
    ],
    "returns_netted": [
        rewrite("union", "puts sales and returns into one frame, and has net first", '''
def returns_netted(sales, returns):
    rows = sales.select("sale_id", "sku", "qty", F.col("qty").alias("moved")).unionByName(
        returns.select("sale_id", (-F.col("qty")).alias("moved")), allowMissingColumns=True
    )
    total = rows.groupBy("sale_id").agg(
        F.sum("moved").alias("moved"), F.max("sku").alias("sku"), F.max("qty").alias("qty")
    )
    net = F.when(F.col("moved") > 0, F.col("moved")).otherwise(F.lit(0).cast("long"))
    return total.where("qty IS NOT NULL").select(net.alias("net"), "qty", "sku", "sale_id")
'''),
    ],
    "upsert_prices": [
        rewrite("full_join", "joins list and changes, writes two files, with the columns in "
                "another order, and raises a FileNotFoundError without a list", '''
def upsert_prices(spark, source, changes, target):
    from pathlib import Path

    if not Path(source).is_dir():
        raise FileNotFoundError(source)
    change = F.max_by(F.struct("price", "version", "op"), "version").alias("new")
    newest = changes.groupBy("sku").agg(change)
    listed = spark.read.parquet(str(source))
    joined = listed.join(newest.select("sku", "new"), on="sku", how="full")
    newer = F.expr("new IS NOT NULL AND (version IS NULL OR new.version > version)")
    names = ("version", "price")
    kept = joined.where(~newer | F.expr("new.op = 'u'")).select(
        *(F.when(newer, F.col(f"new.{name}")).otherwise(F.col(name)).alias(name) for name in names),
        "sku",
    )
    kept.repartition(2).write.mode("overwrite").parquet(str(target))
'''),
    ],
}  # fmt: skip


@dataclass
class Verdict:
    """What a test of the learner's did with a module: an assertion, an error, or nothing."""

    said: str | None = None
    error: AnswerError | None = None
    jobs: int = 0


@dataclass
class Runs:
    """The learner's test of one function: it meets each module once, the first time one asks."""

    learner: object
    spark: object
    function: str
    package: str
    folder: object
    found: dict = field(default_factory=dict)

    def text(self, module):
        """The right package with the module's edits, and its functions at the end."""
        text = self.package
        for old, new in [*RIGHT, *module.edits]:
            if text.count(old) != 1:
                times = text.count(old)
                raise ValueError(f"{module.name}: {old!r} is {times} times in the package")
            text = text.replace(old, new)
        return text + module.functions

    def of(self, module):
        if module.name not in self.found:
            with settings(self.spark, SMALL):
                self.found[module.name] = self.run(self.text(module))
        return self.found[module.name]

    def run(self, text, tmp_path=None):
        verdict = Verdict()
        given = [self.spark, make_module("pricing", text)]
        if self.function == "upsert_prices":
            given.append(tmp_path or self.folder.mktemp("upsert"))
        test = getattr(self.learner, f"test_{self.function}")
        try:
            verdict.said = failure_of(test, *given)
        except AnswerError as error:
            if error.outcome == "todo":
                raise
            verdict.error = error
        return verdict

    @property
    def notices_any(self):
        return any(self.of(module).said is not None for module in BUGS[self.function])

    @property
    def right(self):
        """The verdict on the right function, alone in its module; a wrong one was tested before."""
        if "" not in self.found:
            self.of(BUGS[self.function][0])
            others = " = ".join(name for name in FUNCTIONS if name != self.function)
            text = self.text(Module("", ""))
            guard = ONLY.format(function=self.function, others=others)
            folder = None
            if self.function == "upsert_prices":
                folder = self.folder.mktemp("upsert")
                guard += WITHIN.format(folder=str(folder))
            with measured(self.spark) as work:
                self.found[""] = self.run(text + guard, folder)
            self.found[""].jobs = work.jobs
        return self.found[""]


WITHIN = """

_upsert_prices = upsert_prices


class Outside(BaseException):
    pass


def upsert_prices(spark, source, changes, target):
    import os
    from pathlib import Path

    for folder in (source, target):
        path = Path(os.path.normpath(str(folder).removeprefix("file:")))
        if Path({folder!r}) not in path.parents:
            # No `except Exception` takes this for the error of a list that isn't there.
            raise Outside(f"the test uses {{folder}}, which is not below tmp_path")
    _upsert_prices(spark, source, changes, target)
"""


def runs_of(function, learner, spark, package, folder):
    return Runs(learner, spark, function, (package / "pricing.py").read_text("utf-8"), folder)


@pytest.fixture(scope="module")
def all_runs(learner, spark, dataset, tmp_path_factory):
    """For each function the runs of the learner's test of it."""
    package = dataset("pricing")
    return {name: runs_of(name, learner, spark, package, tmp_path_factory) for name in FUNCTIONS}


def assert_silent(runs):
    right = runs.right
    assert right.said is None, f"your test rejects a right {runs.function}:\n{right.said[:600]}"
    if right.error:
        raise right.error
    assert runs.notices_any, (
        f"your test says nothing about wrong functions either: none of the "
        f"{len(BUGS[runs.function])} bugs makes it fail"
    )


def assert_notices(runs, module):
    """The test fails on a module with a bug, by an assertion, and on the right one it doesn't."""
    right, found = runs.right, runs.of(module)
    if right.error:
        raise right.error
    assert right.said is None, (
        f"your test rejects a right {runs.function} as well: that it rejects this one says nothing"
    )
    if found.error and not module.raises:
        raise AnswerError(
            "failed",
            f"your test stops with an error, not with an assertion, on a wrong {runs.function}, one "
            f"that {module.title}: {found.error.reason}",
            trace=found.error.trace,
        )
    assert found.said is not None or found.error, (
        f"your test says nothing about a wrong {runs.function}, one that {module.title}"
    )


def assert_accepts(runs, module):
    found = runs.of(module)
    assert found.said is None, (
        f"your test rejects a right {runs.function}, one that {module.title}:\n{found.said[:600]}"
    )
    if found.error:
        raise AnswerError(
            "failed",
            f"your test stops with an error on a right {runs.function}, one that {module.title}: "
            f"{found.error.reason}",
            trace=found.error.trace,
        )


def as_cases(modules):
    return cases([Case(module.name, module.title, given=[module]) for module in modules])


@check("test_latest_prices")
@as_cases(BUGS["latest_prices"])
def test_latest_prices_bugs(all_runs, case):
    """notices a function that {case}"""
    assert_notices(all_runs["latest_prices"], *case.given)


@check("test_convert")
@as_cases(BUGS["convert"])
def test_convert_bugs(all_runs, case):
    """notices a function that {case}"""
    assert_notices(all_runs["convert"], *case.given)


@check("test_daily_revenue")
@as_cases(BUGS["daily_revenue"])
def test_daily_revenue_bugs(all_runs, case):
    """notices a function that {case}"""
    assert_notices(all_runs["daily_revenue"], *case.given)


@check("test_returns_netted")
@as_cases(BUGS["returns_netted"])
def test_returns_netted_bugs(all_runs, case):
    """notices a function that {case}"""
    assert_notices(all_runs["returns_netted"], *case.given)


@check("test_upsert_prices")
@as_cases(BUGS["upsert_prices"])
def test_upsert_prices_bugs(all_runs, case):
    """notices a function that {case}"""
    assert_notices(all_runs["upsert_prices"], *case.given)


@pytest.fixture
def runs(task, all_runs):
    return all_runs[task.removeprefix("test_")]


@check(
    "test_latest_prices", "test_convert", "test_daily_revenue", "test_returns_netted",
    "test_upsert_prices", points=2,
)  # fmt: skip
def test_silent(runs):
    """says nothing about a right function, and needs no other one of the module"""
    assert_silent(runs)


@check(
    "test_latest_prices", "test_convert", "test_daily_revenue", "test_returns_netted",
    "test_upsert_prices", points=2,
)  # fmt: skip
def test_rewritten(runs):
    """says nothing about a right function that is written in another way"""
    assert_silent(runs)
    for module in REWRITES[runs.function]:
        assert_accepts(runs, module)


@check(
    "test_latest_prices", "test_convert", "test_daily_revenue", "test_returns_netted",
    "test_upsert_prices",
)  # fmt: skip
def test_few_jobs(runs):
    """runs at most JOBS Spark jobs on a right function"""
    assert_silent(runs)
    jobs = runs.right.jobs
    assert jobs <= JOBS, f"your test runs {jobs} Spark jobs on a right function, {JOBS} are allowed"


# ----------------------------------------------------------------------------------------- events


@pytest.fixture(scope="module")
def drawn(learner):
    """200 rows by each of some seeds."""
    rows = {seed: learner.events(seed, 200) for seed in (0, 1, 18, 10**6)}
    for found in rows.values():
        assert_sales(found, 200)
    return rows


def assert_sales(rows, count):
    """So many rows, of which each is a tuple of four."""
    assert isinstance(rows, list), f"a {type(rows).__name__} comes back, expected a list"
    assert len(rows) == count, f"{len(rows)} rows come back, expected {count}"
    wrong = [row for row in rows if not isinstance(row, tuple) or len(row) != 4]
    assert not wrong, f"a row is {wrong[0]!r}, expected a tuple of four values"


@check("events")
def test_same_seed(learner, drawn):
    """returns the same rows for the same seed, and others for another one"""
    for seed in (0, 18):
        again = learner.events(seed, 200)
        assert again == drawn[seed], f"a second call with the seed {seed} has other rows"
    for one, two in combinations(drawn, 2):
        assert drawn[one] != drawn[two], f"the seeds {one} and {two} give the same rows"


@check("events")
def test_so_many(learner):
    """returns n rows, also none"""
    for count in (0, 1, 7):
        assert_sales(learner.events(3, count), count)


def each_seed(drawn, wrong):
    """Fails with what `wrong` says of the rows of a seed."""
    for seed, rows in drawn.items():
        problem = wrong(rows)
        assert not problem, f"events({seed}, 200): {problem}"


@check("events")
def test_ids(drawn):
    """has unique ids, not in their order"""
    each_seed(drawn, wrong_ids)


def wrong_ids(rows):
    ids = [row[0] for row in rows]
    if strange := [one for one in ids if type(one) is not int]:
        return f"a sale_id is {strange[0]!r}, expected an int"
    if (most := Counter(ids).most_common(1)) and most[0][1] > 1:
        return f"the sale_id {most[0][0]} is there {most[0][1]} times"
    if ids in (sorted(ids), sorted(ids, reverse=True)):
        return "the rows are in the order of sale_id"
    return ""


@check("events")
def test_shops(drawn):
    """has shops of SHOPS, and each of them"""
    each_seed(drawn, wrong_shops)


def wrong_shops(rows):
    shops = {row[1] for row in rows}
    if shops == set(SHOPS):
        return ""
    return f"the shops are {', '.join(sorted(map(str, shops)))}; expected {', '.join(SHOPS)}"


@check("events")
def test_times(drawn):
    """has times of March 2026, some at midnight and some in the hour before"""
    each_seed(drawn, wrong_times)


def wrong_times(rows):
    times = [row[2] for row in rows]
    if strange := [one for one in times if type(one) is not datetime or one.tzinfo]:
        return f"a sold_at is {strange[0]!r}, expected a datetime without a zone"
    if late := [one for one in times if (one.year, one.month) != (2026, 3)]:
        return f"a sold_at is {late[0]}, expected one in March 2026"
    if not any(one.time() == time.min for one in times):
        return "no sale is exactly at midnight"
    if not any(one.hour == 23 for one in times):
        return "no sale is between 23:00 and midnight"
    return ""


@check("events")
def test_together(drawn):
    """has two sales of one shop at one time"""
    each_seed(
        drawn,
        lambda rows: (
            ""
            if len({row[1:3] for row in rows}) < len(rows)
            else "no two sales have the same shop and the same sold_at"
        ),
    )


@check("events")
def test_amounts(drawn):
    """has amounts in cents, some of them null and some not in whole euros"""
    each_seed(drawn, wrong_amounts)


def wrong_amounts(rows):
    known = [row[3] for row in rows if row[3] is not None]
    if strange := [one for one in known if not isinstance(one, Decimal)]:
        return f"an amount is {strange[0]!r}, expected a Decimal or None"
    if odd := [one for one in known if one.as_tuple().exponent != -2]:
        return f"an amount is {odd[0]}, expected two decimals"
    if far := [one for one in known if not Decimal("0.01") <= one <= 500]:
        return f"an amount is {far[0]}, expected one from 0.01 to 500.00"
    if len(known) == len(rows):
        return "no amount is None"
    if all(one == one.to_integral_value() for one in known):
        return "all amounts are whole euros"
    return ""

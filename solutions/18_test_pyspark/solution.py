# ---
# level: senior
# minutes: 60
# needs: []
# datasets: [pricing]
# topics: [testing, mutation testing, data frame equality, test data]
# ---
# %% [markdown]
# # Write the tests that catch the bugs
#
# The package `pricing` makes the numbers of a chain of shops. Its tests run every line, they all
# pass, and a number in the board's report is wrong. You write tests by the rules that the numbers
# must keep. Your tests are tested in turn: they meet functions with a planted bug, and right
# functions that were written in another way.
#
# **You will learn** to
#
# - compare two frames by what matters, and by nothing else,
# - choose rows so that each rule can fail,
# - judge a test by the bugs that it lets through, which coverage can't tell.

# %% [markdown]
# ## The data
#
# The package has five functions, each with its rules in one of the tasks below. `sales.json` has a
# month of sales, one in a row. `make_module` makes a module out of a text.

# %%
import labkit
from labkit.checks import make_module

lab = labkit.open("test_pyspark")
spark = lab.spark
folder = lab.data("pricing")
pricing = make_module("pricing", (folder / "pricing.py").read_text())
print((folder / "test_pricing.py").read_text())

# %% [markdown]
# These are the team's tests. Run them: both are silent. Then look at what they test. In how many
# ways could `latest_prices` be wrong, and still return one row?

# %%
team = make_module("test_pricing", (folder / "test_pricing.py").read_text())
for test in (team.test_latest_prices, team.test_daily_revenue):
    test(spark, pricing)
    print(test.__name__, "passes")

# %% [markdown]
# ## Task 1: rows for a test
#
# A test is read more often than it is written, so its rows stand in the test. Decimals and times
# make that awkward: `Decimal("4.50")`, `datetime(2026, 3, 1)`. And a frame of a list is slow to
# read. Guess what the cell prints: do the rows of a list, and those of an Arrow table, pass through
# Python workers?

# %%
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import isclose, isnan
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from labkit.checks import has_python

for rows in ([(1, "tea"), (2, "cocoa")], pa.table({"id": [1, 2], "name": ["tea", "cocoa"]})):
    print(type(rows).__name__, has_python(spark.createDataFrame(rows)))

# %% [markdown]
# Spark hands a list to Python processes, which hand each row back. An Arrow table goes to the JVM
# as it is. In a suite of many small frames that is most of the time.
#
# Write `frame(spark, rows, ddl)`. It returns a data frame with the columns that `ddl` names, such
# as `"sku string, price decimal(10,2)"`.
#
# - A row is a tuple with a value for each column, or a dict.
# - A column that a dict doesn't name is null.
# - A decimal, a date or a timestamp may be given as text: `"4.50"`, `"2026-03-01"`,
#   `"2026-03-01 10:00:00"`.
# - Without rows it is an empty frame with these columns.
# - A dict with a column that `ddl` doesn't have, or a tuple of another length, raises a
#   `ValueError`: a row with a misspelt column would test nothing.
# - The call runs no Spark job.
# - Reading the frame needs no Python worker: `has_python` is False.
#
# Values of other types are given as PySpark wants them: an `int` for a long, say. No column is an
# array, a map or a struct. The session's time zone is UTC, and so is Python's.

# %%
def frame(spark: SparkSession, rows: list[tuple | dict], ddl: str) -> DataFrame:
    """Rows as a data frame with the columns of `ddl`."""
    # BEGIN SOLUTION: make a dict of each row, read texts, and go through Arrow
    columns = StructType.fromDDL(ddl)
    kinds = {field.name: field.dataType.typeName() for field in columns}
    given = []
    for row in rows:
        if not isinstance(row, dict):
            row = dict(zip(kinds, row, strict=True))
        if unknown := row.keys() - kinds.keys():
            raise ValueError(f"no column {', '.join(sorted(unknown))} in {ddl}")
        given.append({name: read(value, kinds[name]) for name, value in row.items()})
    table = pa.Table.from_pylist(given, to_arrow_schema(columns, timezone="UTC"))
    return spark.createDataFrame(table, columns)
    # END SOLUTION


READERS = {"decimal": Decimal, "date": date.fromisoformat, "timestamp": datetime.fromisoformat}


def read(value: object, kind: str) -> object:
    """A value for a column of this kind, read if it is a text."""
    return READERS[kind](value) if isinstance(value, str) and kind in READERS else value


# %%
lab.check("frame")

# %% [markdown]
# ## Task 2: what "the same" means
#
# Two frames can be compared in many ways. Guess what each line prints before you run the cell.

# %%
one = spark.createDataFrame([(1, "a"), (1, "a"), (2, "b")], "id long, name string")
two = spark.createDataFrame([(2, "b"), (1, "a")], "id long, name string")
print(one.subtract(two).isEmpty() and two.subtract(one).isEmpty())
print(one.collect() == one.orderBy("id", ascending=False).collect())

# %% [markdown]
# The first comparison calls frames of three rows and of two rows the same: `subtract` is an
# operation on sets. The second one calls a frame and the same frame in another order different.
#
# Write `assert_same(actual, expected, key)`. `key` is a list of columns, such as `["sku"]`. It
# returns silently if both frames are the same, and raises an `AssertionError` if they aren't.
#
# - The order of rows and the order of columns don't count.
# - Whether a column is nullable doesn't count.
# - Names and types of the columns count: a column that is missing, that was added, or that is an
#   int for a long makes a difference.
# - The number of times that a row is there counts.
# - A null is the same only as a null. NaN is the same as NaN.
# - Doubles that differ by at most 0.000001 are the same; decimals only if they are equal.
# - If rows differ, the message names the smallest key with a difference: the values of its key
#   columns stand in it, as `str` writes them.
# - That message names no other key.
#
# The columns of `key` are strings, longs or dates, and never null. Other columns may also be ints,
# doubles, decimals, dates, timestamps or booleans. Both frames are small.


# %%
def assert_same(actual: DataFrame, expected: DataFrame, key: list[str]) -> None:
    """AssertionError unless both frames have the same columns and rows."""
    # BEGIN SOLUTION: compare types by name, then the rows of each key, the smallest key first
    both = actual, expected
    types = [{field.name: field.dataType for field in rows.schema} for rows in both]
    if types[0] != types[1]:
        raise AssertionError(f"columns are {types[0]}, expected {types[1]}")
    names = key + [name for name in types[1] if name not in key]
    found, wanted = (by_key(rows.select(*names).collect(), len(key)) for rows in both)
    for one in sorted(found.keys() | wanted.keys()):
        some, others = found.get(one, []), wanted.get(one, [])
        if not same_rows(some, others):
            named = ", ".join(map(str, one))
            raise AssertionError(f"{named}: got {some}, expected {others}")
    # END SOLUTION


def by_key(rows: list, width: int) -> dict[tuple, list[tuple]]:
    """The other values of the rows of each key."""
    found: dict[tuple, list[tuple]] = {}
    for row in rows:
        found.setdefault(tuple(row[:width]), []).append(tuple(row[width:]))
    return found


def same_rows(some: list[tuple], others: list[tuple]) -> bool:
    """Whether each row has a partner of its own."""
    left = list(others)
    for row in some:
        place = next((n for n, other in enumerate(left) if all(map(same_value, row, other))), None)
        if place is None:
            return False
        del left[place]
    return not left


def same_value(one: object, two: object) -> bool:
    if isinstance(one, float) and isinstance(two, float):
        return isclose(one, two, rel_tol=0, abs_tol=1e-6) or (isnan(one) and isnan(two))
    return one == two


# %%
lab.check("assert_same")

# %% [markdown]
# The message names one key because a person reads it, often in the log of a build. Fifty rows that
# differ have one cause, as a rule.
#
# ## Task 3: a test of `latest_prices`
#
# `pricing.latest_prices(prices, as_of)` gets a frame with the columns of `PRICES` and a `datetime`.
# It returns rows of `prices`. Its rules:
#
# - A price counts if its `valid_from` is at or before `as_of`.
# - Each `sku` with a price that counts comes back once, with the price of the newest `valid_from`.
# - Of several prices with that time, it is the one with the greatest `seq`, in whatever order they
#   arrive.
# - A null `price` is a price like others: the article is not for sale.
# - A price may be delivered several times, as equal rows. It counts once.
#
# Write `test_latest_prices(spark, pricing)`, which tests these rules. `pricing` is the module under
# test. What holds for this test holds for all tests of this lab:
#
# - It returns silently if the function keeps its rules, and raises an `AssertionError` if it breaks
#   one. Errors of chispa and of `pytest.fail` or `pytest.raises` count as well, although they are
#   no AssertionErrors.
# - A bug is noticed by an assertion. Another error doesn't count, unless the function itself raises
#   it.
# - What the rules leave open doesn't matter: the order of rows and of columns, partitions, and
#   whether a column is nullable.
# - It calls the function in its name and no other one of `pricing`: the others may raise an error.
# - With a right function it runs at most `JOBS` Spark jobs.
# - A test remembers nothing: what it says doesn't depend on the modules that it tested before.
#
# A bug counts as noticed only if your test is silent on the right function. Silence counts only
# if your test notices one of the bugs.

# %%
JOBS = 50
PRICES = "sku string, valid_from timestamp, price decimal(10,2), seq long"


def test_latest_prices(spark: SparkSession, pricing) -> None:
    """Silent on a right `latest_prices`, an AssertionError on a wrong one."""
    # BEGIN SOLUTION: rows for each rule, one call, one comparison
    expected = [
        ("newest", "2026-03-04", "4.00", 4),
        ("at_once", "2026-03-05 12:00:00", "1.00", 1),
        ("tie", "2026-03-01", "2.00", 10),
        ("taken_off", "2026-03-02", None, 2),
        ("twice", "2026-03-01", "1.00", 1),
    ]
    arrive_before = [
        ("newest", "2026-03-02", "2.00", 2),
        ("tie", "2026-03-01", "1.00", 1),
        ("taken_off", "2026-03-01", "1.00", 1),
    ]
    arrive_after = [
        ("newest", "2026-03-03", "3.00", 9),
        ("at_once", "2026-03-05 12:00:01", "9.00", 2),
        ("future", "2026-03-05 18:00:00", "9.00", 1),
        ("tie", "2026-03-01", "3.00", 9),
        ("twice", "2026-03-01", "1.00", 1),
    ]
    prices = frame(spark, arrive_before + expected + arrive_after, PRICES)
    actual = pricing.latest_prices(prices, datetime(2026, 3, 5, 12))
    assert_same(actual, frame(spark, expected, PRICES), key=["sku"])
    # END SOLUTION


# %%
lab.check("test_latest_prices")

# %% [markdown]
# Each row of such a frame is there for one rule. Take it away, and a bug gets through. If a bug
# gets past your test, ask what the frame would have to hold for that bug to give another result.
#
# ## Task 4: a test of `convert`
#
# `pricing.convert(sales, rates)` gets frames with the columns of `FOREIGN` and of `RATES`. It
# returns the columns of `sales` and `eur`. Its rules:
#
# - Each sale comes back as often as it was given.
# - Currencies are compared without regard to case, on both sides.
# - A sale without a currency, or with one that has no rate, has a null `eur`.
# - `eur` is `amount` times `rate`, rounded to cents once. Half a cent is rounded away from zero,
#   also below zero.
# - A null `amount` gives a null `eur`.
# - `eur` is a decimal(12,2).
#
# No currency has two rates, and nothing in `rates` is null. Write `test_convert(spark, pricing)`.

# %%
FOREIGN = "sale_id long, currency string, amount decimal(10,2)"
RATES = "currency string, rate decimal(12,6)"


def test_convert(spark: SparkSession, pricing) -> None:
    """Silent on a right `convert`, an AssertionError on a wrong one."""
    # BEGIN SOLUTION: currencies in any case, half cents, nulls, a sale that is there twice
    rates = [("USD", "0.850000"), ("gbp", "1.150000"), ("JPY", "0.005500"), ("SEK", "0.499999")]
    converted = [
        (1, "USD", "10.00", "8.50"),
        (2, "usd", "10.00", "8.50"),
        (3, "GBP", "10.00", "11.50"),
        (4, "XXX", "10.00", None),
        (5, None, "10.00", None),
        (6, "USD", None, None),
        (7, "USD", "0.30", "0.26"),  # 0.255
        (8, "USD", "0.50", "0.43"),  # 0.425
        (9, "USD", "-0.50", "-0.43"),
        (10, "USD", "0.70", "0.60"),  # 0.595, as a double less
        (11, "JPY", "1000.00", "5.50"),
        (13, "SEK", "0.01", "0.00"),  # 0.00499999
        (12, "USD", "10.00", "8.50"),
        (12, "USD", "10.00", "8.50"),
    ]
    sales = frame(spark, [row[:3] for row in converted], FOREIGN)
    actual = pricing.convert(sales, frame(spark, rates, RATES))
    expected = frame(spark, converted, f"{FOREIGN}, eur decimal(12,2)")
    assert_same(actual, expected, key=["sale_id"])
    # END SOLUTION


# %%
lab.check("test_convert")

# %% [markdown]
# ## Task 5: a test of `daily_revenue`
#
# `pricing.daily_revenue(sales, zone)` gets a frame with the columns of `SALES` and the name of a
# time zone. It returns the columns of `REVENUE`. Its rules:
#
# - It has one row for each shop and day with a sale.
# - The day is the date in the time zone `zone`, in summer as in winter.
# - Each row of `sales` is a sale, also where two are equal.
# - `revenue` is the sum of the day's amounts. A null amount counts as 0, and so does a day with
#   nothing else.
# - `revenue_30d` is the revenue of the shop on this day and the 29 days before it.
# - `average_30d` is `revenue_30d` divided by the number of the shop's sales in these days, those
#   with a null amount included. It is not rounded.
# - Without a sale it returns no row, and doesn't raise.
# - The columns have the types of `REVENUE`.
#
# Write `test_daily_revenue(spark, pricing)`. The module under test is not the team's: a test that
# takes its expected numbers from the team's package carries the wrong one over.

# %%
SALES = "sale_id long, shop string, sold_at timestamp, amount decimal(10,2)"
REVENUE = (
    "shop string, day date, revenue decimal(20,2), revenue_30d decimal(20,2), average_30d double"
)


def test_daily_revenue(spark: SparkSession, pricing) -> None:
    """Silent on a right `daily_revenue`, an AssertionError on a wrong one."""
    # BEGIN SOLUTION: two shops, days around a border, a gap; another zone; no sale at all
    rows = [
        (1, "Bari", "2026-01-30 10:00:00", "100.00"),
        (2, "Bari", "2026-01-31 10:00:00", "10.00"),
        (3, "Bari", "2026-03-01 10:00:00", "1.00"),
        (4, "Bari", "2026-03-01 11:00:00", None),
        (5, "Bari", "2026-03-01 12:00:00", "2.00"),
        (5, "Bari", "2026-03-01 12:00:00", "2.00"),
        (6, "Lodi", "2026-03-01 22:59:59", "5.00"),
        (7, "Lodi", "2026-03-01 23:00:00", "8.00"),
        (8, "Lodi", "2026-03-04 10:00:00", None),
        (10, "Lodi", "2026-07-01 22:30:00", "9.00"),
    ]
    expected = [
        ("Bari", "2026-01-30", "100.00", "100.00", 100.0),
        ("Bari", "2026-01-31", "10.00", "110.00", 55.0),
        ("Bari", "2026-03-01", "5.00", "15.00", 3.0),
        ("Lodi", "2026-03-01", "5.00", "5.00", 5.0),
        ("Lodi", "2026-03-02", "8.00", "13.00", 6.5),
        ("Lodi", "2026-03-04", "0.00", "13.00", 13 / 3),
        ("Lodi", "2026-07-02", "9.00", "9.00", 9.0),
    ]
    evening = [(1, "Bari", "2026-03-01 15:00:00", "1.00")]
    tokyo = [("Bari", "2026-03-02", "1.00", "1.00", 1.0)]
    for given, zone, wanted in [
        (rows, "Europe/Rome", expected),
        (evening, "Asia/Tokyo", tokyo),
        ([], "Europe/Rome", []),
    ]:
        actual = pricing.daily_revenue(frame(spark, given, SALES), zone)
        assert_same(actual, frame(spark, wanted, REVENUE), key=["shop", "day"])
    # END SOLUTION


# %%
lab.check("test_daily_revenue")

# %% [markdown]
# ## Task 6: a test of `returns_netted`
#
# `pricing.returns_netted(sales, returns)` gets frames with the columns of `SOLD` and of `RETURNS`.
# It returns the columns of `sales` and `net`. Its rules:
#
# - Each sale comes back once, also if it has no return or several.
# - `net` is the sale's `qty` minus the `qty` of all its returns.
# - Two returns may be equal: both count.
# - A return with a null `qty` takes nothing away, and the sale's other returns count.
# - `net` is never below 0.
# - A return of a sale that isn't there is left out.
# - `net` is a long.
#
# `sale_id` is unique in `sales`; its `qty` is not null. Write
# `test_returns_netted(spark, pricing)`.

# %%
SOLD = "sale_id long, sku string, qty long"
RETURNS = "sale_id long, qty long"


def test_returns_netted(spark: SparkSession, pricing) -> None:
    """Silent on a right `returns_netted`, an AssertionError on a wrong one."""
    # BEGIN SOLUTION: sales with no return, with several, with equal ones, with too many
    netted = [
        (1, "tea", 5, 5),
        (2, "tea", 5, 2),
        (3, "tea", 9, 5),
        (4, "tea", 2, 0),
        (5, "tea", 4, 4),
        (6, "tea", 4, 3),
    ]
    returns = [(2, 1), (2, 2), (3, 2), (3, 2), (4, 3), (5, None), (6, None), (6, 1), (99, 1)]
    sales = frame(spark, [row[:3] for row in netted], SOLD)
    actual = pricing.returns_netted(sales, frame(spark, returns, RETURNS))
    assert_same(actual, frame(spark, netted, f"{SOLD}, net long"), key=["sale_id"])
    # END SOLUTION


# %%
lab.check("test_returns_netted")

# %% [markdown]
# ## Task 7: a test of `upsert_prices`
#
# `pricing.upsert_prices(spark, source, changes, target)` reads a price list from the folder
# `source`, applies `changes`, and writes the new list to the folder `target`. Both folders hold
# Parquet with the columns of `LISTED`; `changes` has those of `CHANGES`. Its rules:
#
# - A change with an `op` of `u` adds the article to the list, or replaces it.
# - A change with an `op` of `d` removes the article; one that isn't in the list is not added.
# - A change applies only to an article with a smaller `version`, or to one that isn't in the list.
# - Of several changes of an article, only the one with the greatest `version` counts.
# - A null `price` is stored like others.
# - Articles without a change stay as they are.
# - It replaces what is at `target`: a second call leaves the same list there as one.
# - The list at `source` stays as it is.
# - If there is nothing at `source`, it raises an error, of whatever type.
#
# Two changes of one article never have the same `version`. Folders are texts or Paths. Write
# `test_upsert_prices(spark, pricing, tmp_path)`. `tmp_path` is the `Path` of an empty folder, a new
# one for each call.
#
# - The folders that it gives to the function are below `tmp_path`.

# %%
LISTED = "sku string, price decimal(10,2), version long"
CHANGES = f"{LISTED}, op string"


def test_upsert_prices(spark: SparkSession, pricing, tmp_path) -> None:
    """Silent on a right `upsert_prices`, an AssertionError on a wrong one."""
    # BEGIN SOLUTION: a list and changes for each rule; one at the target before; none at all
    listed = [
        ("stays", "1.00", 1),
        ("replaced", "1.00", 1),
        ("removed", "1.00", 1),
        ("taken_off", "1.00", 1),
        ("newer", "5.00", 5),
        ("newer_than_delete", "5.00", 5),
        ("same_version", "5.00", 5),
        ("several", "1.00", 1),
    ]
    changes = [
        ("replaced", "2.00", 2, "u"),
        ("removed", "1.00", 2, "d"),
        ("taken_off", None, 2, "u"),
        ("newer", "4.00", 4, "u"),
        ("newer_than_delete", "5.00", 4, "d"),
        ("same_version", "6.00", 5, "u"),
        ("several", "2.00", 2, "u"),
        ("several", "4.00", 4, "u"),
        ("several", "3.00", 3, "d"),
        ("added", "1.00", 1, "u"),
        ("unknown", "1.00", 1, "d"),
    ]
    expected = [
        ("stays", "1.00", 1),
        ("replaced", "2.00", 2),
        ("taken_off", None, 2),
        ("newer", "5.00", 5),
        ("newer_than_delete", "5.00", 5),
        ("same_version", "5.00", 5),
        ("several", "4.00", 4),
        ("added", "1.00", 1),
    ]
    source, target = tmp_path / "source", tmp_path / "target"
    prices, before = spark.read.schema(LISTED), frame(spark, listed, LISTED)
    table = before.toArrow()
    for place in (source, target):
        place.mkdir()
        pq.write_table(table, place / "list.parquet")
    pricing.upsert_prices(spark, source, frame(spark, changes, CHANGES), target)
    assert_same(prices.parquet(str(target)), frame(spark, expected, LISTED), key=["sku"])
    assert_same(prices.parquet(str(source)), before, key=["sku"])
    nowhere = str(tmp_path / "nowhere")
    try:
        pricing.upsert_prices(spark, nowhere, frame(spark, changes, CHANGES), target)
    except Exception:
        return
    raise AssertionError("no error without a list at the source")
    # END SOLUTION


# %%
lab.check("test_upsert_prices")

# %% [markdown]
# ## Task 8: rows that nobody thought of
#
# Rows by hand test the cases that you thought of. A property holds for any rows, so it can be
# tested with random ones. `daily_revenue` has several: the order of the rows doesn't matter, nor
# do partitions, and all revenue together is the sum of all amounts. Random rows help only if they
# can be made again, and if the hard cases are among them.
#
# Write `events(seed, n)`. It returns a list of `n` tuples for the columns of `SALES`.
#
# - Called again, the same `seed` and `n` give the same rows; another seed gives others.
# - `sale_id` is an int, and unique. 200 rows are not in its order.
# - `shop` is one of `SHOPS`. Of 200 rows, each shop has some.
# - `sold_at` is a `datetime` without a zone, in March 2026.
# - Of 200 rows, at least one is exactly at midnight, and at least one is at 23:00 or later.
# - Of 200 rows, at least two have the same shop and the same `sold_at`.
# - `amount` is None, or a `Decimal` with two decimals from 0.01 to 500.00: `4.50`, not `4.5`.
# - Of 200 rows, at least one amount is None, and at least one has a fraction of a euro.
#
# A `seed` is an integer, 0 or greater. "Of 200 rows" means: `events(seed, 200)` keeps the rule for
# any seed. A rule that only chance keeps is broken by some seed.

# %%
SHOPS = ["Bari", "Lodi", "Turin"]


def events(seed: int, n: int) -> list[tuple]:
    """Valid sales, the same for the same seed, with the hard cases among them."""
    # BEGIN SOLUTION: plant the hard cases, draw the others, shuffle
    random = Random(seed)
    march = datetime(2026, 3, 1)
    sales: list[tuple] = []
    for number in range(n):
        shop = SHOPS[number % len(SHOPS)]
        sold_at = march + timedelta(seconds=random.randrange(31 * 24 * 3600))
        amount = Decimal(random.randint(1, 50_000)).scaleb(-2)
        match number % 10:
            case 0:
                sold_at = march + timedelta(days=random.randrange(31))
            case 1:
                sold_at = sold_at.replace(hour=23)
            case 2:
                amount = None
            case 3:
                shop, sold_at = sales[-1][:2]
            case 4:
                amount = Decimal(random.randint(0, 499)) + Decimal("0.37")
        sales.append((shop, sold_at, amount))
    random.shuffle(sales)
    ids = random.sample(range(1, 10 * n + 1), n)
    return [(sale_id, *sale) for sale_id, sale in zip(ids, sales, strict=True)]
    # END SOLUTION


# %%
lab.check("events")

# %% [markdown]
# Here is a property with your rows: another order and other partitions give the same days.

# %%
if lab.written("frame", "assert_same", "events"):
    rows = events(18, 200)
    once = pricing.daily_revenue(frame(spark, rows, SALES), "Europe/Rome")
    again = pricing.daily_revenue(frame(spark, rows[::-1], SALES).repartition(7), "Europe/Rome")
    assert_same(again, once, key=["shop", "day"])

# %% [markdown]
# It holds, and the number in the board's report is still wrong. A property tests one side of a
# function. It doesn't replace rows whose result you worked out yourself.
#
# ## Put it together
#
# Now run your five tests on the team's package. One of them fails: that is the wrong number in the
# report. Which rule is broken, and why did the team's own test let it through?

# %%
import tempfile
from pathlib import Path


def test_upsert_in_a_folder(spark: SparkSession, pricing) -> None:
    test_upsert_prices(spark, pricing, Path(tempfile.mkdtemp(dir=lab.scratch)))


suite = [test_latest_prices, test_convert, test_daily_revenue, test_returns_netted]
suite.append(test_upsert_in_a_folder)
names = [test.__name__ for test in suite[:-1]]
if lab.written("frame", "assert_same", *names, "test_upsert_prices"):
    for test in suite:
        try:
            test(spark, pricing)
            print(f"{test.__name__}: passes")
        except AssertionError as problem:
            print(f"{test.__name__}: {problem}")

# %% [markdown]
# The package takes the average of daily averages. A Saturday with forty small sales then weighs as
# much as a Monday with four large ones. The team's test has one sale a day, so both averages are
# the same. How far off is the report?

# %%
sales = spark.read.schema(SALES).json(str(folder / "sales.json"))
report = pricing.daily_revenue(sales, "Europe/Rome").where("day = '2026-03-30'")
report.selectExpr("shop", "round(average_30d, 2) AS reported").orderBy("shop").show()
sales.where("sold_at >= '2026-02-28 23:00:00' AND sold_at < '2026-03-30 22:00:00'").groupBy(
    "shop"
).agg(F.round(F.sum("amount") / F.count("*"), 2).alias("right")).orderBy("shop").show()

# %% [markdown]
# ## In practice
#
# - **Coverage counts lines that ran.** A line that ran with rows that can't fail is covered, too.
#   Change the line by hand, run the tests, and see whether one fails. Tools that do this for
#   Python, such as mutmut, start the suite for each change; a Spark suite needs a chosen few.
# - **Unit tests are for logic,** with five rows. Data tests watch the values of today's tables,
#   contract tests watch what a producer promised. None of them replaces another.
# - **One session for all tests.** In pytest that is a fixture with `scope="session"`. Set two
#   shuffle partitions in place of 200: adaptive execution joins small ones by itself, but not in a
#   stream with state.
# - **Spark and chispa bring comparisons.** `pyspark.testing.assertDataFrameEqual` ignores the order
#   of rows by default, and nullable flags; it has its own tolerance for doubles. chispa's
#   `assert_df_equality` has a switch for each. Know the defaults of the one you use.
# - **Keep the clock out.** A test that reads today's date fails on the 31st, or at midnight. Pass
#   the time as an argument, as `latest_prices` takes it.
# - **Made-up rows beat copied ones.** A copy of production brings personal data into a build, and
#   nobody knows which row is there for which rule.
#
# **On Databricks** the same functions run in a notebook, in a job, or from your editor through
# Databricks Connect. Run them in CI on every change, with a local Spark where you can: it starts in
# seconds.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. A pipeline has 100 % line coverage, and a wrong number. How can that be, and what do you
#    measure instead?
# 2. Which differences between two frames does your comparison ignore, and why each of them?
# 3. Why is `subtract` in both directions no test of equality?
# 4. When do you compare with a saved output (a golden file), and what can it not tell?
# 5. What do you test with random rows, and how do you make a failure repeatable?
# 6. The suite takes 25 minutes in CI. What do you look at first?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Coverage says that lines ran, not that a wrong line would be noticed. The rows may be too
#    simple: one sale a day, no tie, no null. Plant bugs that people really make, and count how many
#    a test fails on. Take the rules of the function one by one, and give each a row whose result
#    changes without it.
# 2. Order of rows: a frame has none unless it was sorted last. Order of columns, where readers use
#    names. Nullable flags: they depend on how a plan was written. Tiny differences of doubles: sums
#    depend on the order of partitions. Types, duplicates and nulls are not ignored: consumers see
#    them.
# 3. It compares sets: a row that is there twice in one frame and once in the other disappears.
#    `exceptAll` counts. Both need two shuffles, and neither names the rows by key.
# 4. For a rewrite that must not change anything: it shows each difference on many rows. It can't
#    tell that the output was right: a bug in it is carried over. And somebody has to review the
#    file whenever a change is meant.
# 5. Properties: the order of the input, a replay, sums that are preserved, one result computed in
#    two ways. The generator has a seed that the failure prints; the hard cases are planted, not
#    left to chance. A failure becomes a test with rows by hand.
# 6. Whether a session starts for each test or file. Then the number of Spark jobs a test runs: one
#    call and one comparison for many rules. Then tables: logic that takes and returns frames needs
#    none. Then the shuffle partitions of streams with state. Last, tests that read large files.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Spark, [Testing
#   PySpark](https://spark.apache.org/docs/latest/api/python/getting_started/testing_pyspark.html)
# - [chispa](https://github.com/MrPowers/chispa)
# - pytest, [Fixtures](https://docs.pytest.org/en/stable/how-to/fixtures.html) and
#   [`tmp_path`](https://docs.pytest.org/en/stable/how-to/tmp_path.html)
# - [mutmut](https://mutmut.readthedocs.io/), mutation testing for Python
# - Apache Spark, [Type casting of decimals and
#   rounding](https://spark.apache.org/docs/latest/sql-ref-ansi-compliance.html)

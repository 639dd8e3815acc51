"""Hidden checks of lab 18: other bugs and other right functions, other frames, and other seeds."""

import random
from datetime import date
from decimal import Decimal

import pytest
from checks import (
    FUNCTIONS,
    ITEMS,
    Pair,
    assert_accepts,
    assert_names_first,
    assert_notices,
    assert_sales,
    bug,
    rewrite,
    runs_of,
    told,
    wrong_amounts,
    wrong_ids,
    wrong_shops,
    wrong_times,
)

from labkit.checks import assert_frame, check

BUGS = {
    "latest_prices": [
        bug("filled", "has the last known price in place of a null one",
            'newest_first = Window.partitionBy("sku").orderBy(F.desc("valid_from")',
            'by_time = Window.partitionBy("sku").orderBy("valid_from", "seq")\n'
            '    prices = prices.where(F.col("valid_from") <= F.lit(as_of)).withColumn(\n'
            '        "price", F.last("price", ignorenulls=True).over(by_time))\n'
            '    newest_first = Window.partitionBy("sku").orderBy(F.desc("valid_from")'),
    ],
    "convert": [
        bug("kept_amount", "takes the amount itself where there is no rate",
            'F.col("amount") * F.col("rate")',
            'F.col("amount") * F.coalesce(F.col("rate"), F.lit(1))'),
        bug("cut_off", "cuts fractions of a cent off",
            '2).cast("decimal(12,2)")', '6).cast("decimal(20,6)")\n'
            '    eur = (F.when(eur < 0, F.ceil(eur * 100)).otherwise(F.floor(eur * 100)) / 100)'
            '.cast("decimal(12,2)")'),
    ],
    "daily_revenue": [
        bug("other_way", "moves times away from the zone in place of towards it",
            "F.from_utc_timestamp", "F.to_utc_timestamp"),
    ],
    "returns_netted": [
        bug("sold_out", "loses sales that came back as a whole", '.drop("returned")',
            '.drop("returned").where("net > 0")'),
        bug("absolute", "takes the sign away where more came back than was sold",
            "F.greatest(kept, F.lit(0))", "F.abs(kept)"),
    ],
    "upsert_prices": [
        bug("old_delete", "removes an article for each change of op d, whatever its version",
            'orderBy(F.desc("version"), "changed")',
            """orderBy(F.expr("op = 'd'").desc(), F.desc("version"), "changed")"""),
    ],
}  # fmt: skip

REWRITES = [
    ("latest_prices", rewrite("sql", "joins each article to its newest time", '''
def latest_prices(prices, as_of):
    seen = prices.where(F.col("valid_from") <= F.lit(as_of)).distinct().repartition(5)
    newest = seen.groupBy("sku").agg(F.max(F.struct("valid_from", "seq")).alias("newest"))
    found = seen.join(newest, on="sku", how="inner")
    found = found.where(F.struct("valid_from", "seq") == F.col("newest"))
    return found.select("seq", "valid_from", "sku", "price")
''')),
    ("convert", rewrite("sorted", "looks rates up in a map, and sorts its rows", '''
def convert(sales, rates):
    entry = F.struct(F.lower("currency").alias("key"), F.col("rate").alias("value"))
    known = rates.agg(F.map_from_entries(F.collect_list(entry)).alias("known"))
    rate = F.col("known")[F.lower("currency")]
    eur = F.round(F.col("amount") * rate, 2).cast("decimal(12,2)")
    joined = sales.crossJoin(known).withColumn("eur", eur).drop("known")
    return joined.orderBy(F.desc("amount"))
''')),
    ("daily_revenue", rewrite("exploded", "gives each sale to the 30 days that it counts for", '''
def daily_revenue(sales, zone):
    dated = sales.withColumn("day", F.to_date(F.from_utc_timestamp("sold_at", zone)))
    dated = dated.withColumn("amount", F.coalesce("amount", F.lit(0)))
    days = F.sequence("day", F.date_add("day", 29))
    spread = dated.withColumn("on", F.explode(days)).groupBy("shop", "on").agg(
        F.sum(F.when(F.col("day") == F.col("on"), F.col("amount"))).alias("revenue"),
        F.sum("amount").alias("total"), F.count("*").alias("n"),
        F.max(F.col("day") == F.col("on")).alias("sold"),
    )
    return spread.where("sold").selectExpr(
        "cast(revenue AS decimal(20,2)) AS revenue", "cast(total / n AS double) AS average_30d",
        "on AS day", "cast(total AS decimal(20,2)) AS revenue_30d", "shop",
    )
''')),
    ("returns_netted", rewrite("joined", "groups after the join, and sorts its rows", '''
def returns_netted(sales, returns):
    taken = returns.withColumnRenamed("qty", "taken")
    joined = sales.join(taken, on="sale_id", how="left").groupBy("sale_id", "sku", "qty")
    net = F.greatest(F.col("qty") - F.sum(F.coalesce("taken", F.lit(0))), F.lit(0)).cast("long")
    return joined.agg(net.alias("net")).select("qty", "net", "sku", "sale_id").orderBy("qty")
''')),
    ("upsert_prices", rewrite("deleted", "takes away what changes and adds it again", '''
def upsert_prices(spark, source, changes, target):
    listed = spark.read.parquet(str(source))
    change = F.max_by(F.struct("price", "version", "op"), "version").alias("change")
    newest = changes.groupBy("sku").agg(change).select("sku", "change.*")
    old = listed.selectExpr("sku", "version AS listed")
    newer = newest.join(old, on="sku", how="left").where("listed IS NULL OR version > listed")
    kept = listed.join(newer.select("sku"), on="sku", how="left_anti")
    added = newer.where("op = 'u'").select("sku", "price", "version")
    kept.unionByName(added).orderBy("price").write.mode("overwrite").parquet(str(target))
''')),
]  # fmt: skip


@pytest.fixture(scope="module")
def hidden_runs(learner, spark, dataset, tmp_path_factory):
    package = dataset("pricing")
    return {name: runs_of(name, learner, spark, package, tmp_path_factory) for name in FUNCTIONS}


def notices(hidden_runs, function):
    for module in BUGS[function]:
        assert_notices(hidden_runs[function], module)


@check("test_latest_prices", points=2)
def test_other_latest_prices(hidden_runs):
    """notices other bugs"""
    notices(hidden_runs, "latest_prices")


@check("test_convert", points=2)
def test_other_convert(hidden_runs):
    """notices other bugs"""
    notices(hidden_runs, "convert")


@check("test_daily_revenue", points=2)
def test_other_daily_revenue(hidden_runs):
    """notices other bugs"""
    notices(hidden_runs, "daily_revenue")


@check("test_returns_netted", points=2)
def test_other_returns_netted(hidden_runs):
    """notices other bugs"""
    notices(hidden_runs, "returns_netted")


@check("test_upsert_prices", points=2)
def test_other_upsert_prices(hidden_runs):
    """notices other bugs"""
    notices(hidden_runs, "upsert_prices")


@check(
    "test_latest_prices", "test_convert", "test_daily_revenue", "test_returns_netted",
    "test_upsert_prices",
)  # fmt: skip
def test_rewritten_again(hidden_runs, task):
    """says nothing about another right function"""
    function = task.removeprefix("test_")
    for name, module in REWRITES:
        if name == function:
            assert_accepts(hidden_runs[function], module)


@check("frame")
def test_other_rows(learner, spark):
    """makes frames of other rows"""
    ddl = "day date, weight double, total decimal(20,6), shop string, n int"
    rows = [
        {"total": "1.000001", "shop": "2026-03-01", "n": 3},
        ("2026-01-31", 0.5, Decimal("-2"), "4.50", None),
    ]
    wanted = [
        (None, None, Decimal("1.000001"), "2026-03-01", 3),
        (date(2026, 1, 31), 0.5, Decimal("-2"), "4.50", None),
    ]
    assert_frame(learner.frame(spark, rows, ddl), wanted, key="shop", schema=ddl)


@check("assert_same")
def test_random_frames(learner, frame, seed):
    """finds one change in random frames, and none in shuffled ones"""
    rng = random.Random(seed)
    for number in range(3):
        rows = [
            (f"sku-{rng.randrange(100, 999)}", n, rng.choice([None, Decimal(n)]), rng.random())
            for n in range(12)
        ]
        said = told(Pair(rng.sample(rows, 12), rows), frame, learner)
        assert said is None, f"for example: twelve rows in another order differ: {said[:200]}"
        other = list(rows)
        changed = rng.randrange(12)
        sku, n, price, weight = rows[changed]
        other[changed] = [
            (sku, n, Decimal("77.77"), weight), (sku, n, price, weight + 0.01),
            (sku, n, price, None),
        ][number]  # fmt: skip
        pair = Pair(other, rows, ITEMS, ITEMS, key=("sku",), first=(sku,))
        assert_names_first(pair, frame, learner)


@check("events")
def test_other_seeds(learner):
    """keeps its rules for many other seeds"""
    for seed in range(100, 400):
        rows = learner.events(seed, 200)
        assert_sales(rows, 200)
        for wrong in (wrong_ids, wrong_shops, wrong_times, wrong_amounts):
            problem = wrong(rows)
            assert not problem, f"for example: events({seed}, 200): {problem}"
        assert len({row[1:3] for row in rows}) < 200, (
            f"for example: events({seed}, 200): no two sales of one shop at one time"
        )

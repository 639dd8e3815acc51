"""What reference answers give on a dataset of any scale, and the same from plain Python.

A step runs functions of a lab's solution as its notebook does and ends in a few facts: counts and
sums that no lost, doubled or wrong row leaves alone. `TRUTH` finds the facts without Spark.
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from labkit.author.known_answers import Variant, namespace
from labkit.checks import settings
from labkit.course.labs import find_lab

Facts = dict[str, int]
Steps = Iterator[tuple[str, Callable[[], Facts]]]
SALTS = 64


def steps(slug: str, spark: SparkSession, folder: Path, schema: str) -> Steps:
    """The steps of a lab's notebook on the data in `folder`, with tables in a database `schema`."""
    lab = find_lab(slug)
    names = namespace(lab, Variant("solution", "solution", lab.solution), spark)
    yield from STEPS[slug](spark, names, folder, schema)


def facts(frame: DataFrame, **columns: str) -> Facts:
    """Aggregates of a frame, as whole numbers; none is null in a right answer."""
    row = frame.agg(*(F.expr(text).cast("long").alias(name) for name, text in columns.items()))
    return {name: value or 0 for name, value in row.first().asDict().items()}


def cdc_merge(spark: SparkSession, names: dict[str, Any], folder: Path, schema: str) -> Steps:
    def merged() -> Facts:
        table = f"{schema}.customers"
        spark.sql(
            f"CREATE OR REPLACE TABLE {table} (customer_id LONG, name STRING, email STRING, "
            "city STRING, lsn LONG, is_deleted BOOLEAN) USING delta "
            "TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')"
        )
        names["feed"] = folder
        names["load"](table)
        return facts(
            spark.table(table), customers="count(DISTINCT customer_id)", rows="count(*)",
            deleted="count_if(is_deleted)", positions="sum(lsn)",
        )  # fmt: skip

    yield "six batches merged", merged


def scd2(spark: SparkSession, names: dict[str, Any], folder: Path, schema: str) -> Steps:
    table = f"{schema}.products"

    def built() -> Facts:
        spark.sql(f"CREATE OR REPLACE TABLE {table} ({names['DIMENSION']}) USING delta")
        names["folder"] = folder
        for day in [f"2026-03-0{number}" for number in range(2, 8)]:
            names["apply_late"](spark, table, names["read_batch"](day))
        return facts(
            spark.table(table), versions="count(*)", products="count(DISTINCT product_id)",
            open="count_if(is_current)",
        )  # fmt: skip

    def priced() -> Facts:
        sales = spark.read.schema(names["SALE"]).json(str(folder / "sales.json"))
        found = names["as_of"](spark.table(table), sales, "sold_at")
        return facts(
            found, sales="count(*)", unpriced="count_if(price IS NULL)",
            cents="sum(cast(round(quantity * price * 100) AS long))",
        )  # fmt: skip

    yield "six batches applied, late rows too", built
    yield "sales priced as of their time", priced


def skew(spark: SparkSession, names: dict[str, Any], folder: Path, schema: str) -> Steps:
    clicks = spark.read.parquet(str(folder / "clicks"))
    advertisers = spark.read.parquet(str(folder / "advertisers.parquet"))
    key = "advertiser_id"

    def of(make: Callable[[], DataFrame], **columns: str) -> Callable[[], Facts]:
        def run() -> Facts:
            with settings(spark, names["small_cluster"]):
                return facts(make(), **columns)

        return run

    def isolated() -> DataFrame:
        hot = [row[0] for row in names["key_profile"](clicks, key, 2).collect()]
        return names["isolate_hot_keys"](clicks, advertisers, key, hot)

    joined = {
        "rows": "count(*)", "matched": "count(name)", "cents": "sum(cast(round(cost * 100) AS long))"
    }  # fmt: skip
    yield "plain join", of(lambda: clicks.join(advertisers, on=key, how="left"), **joined)
    yield "salted join", of(lambda: names["salted_join"](clicks, advertisers, key, SALTS), **joined)
    yield "hot keys found and isolated", of(isolated, **joined)
    counted = {"keys": "count(*)", "rows": "sum(rows)", "users": "sum(users)", "most": "max(users)"}
    yield (
        "counted in two stages",
        of(lambda: names["two_stage_count"](clicks, key, SALTS), **counted),
    )


STEPS = {"cdc_merge": cdc_merge, "scd2": scd2, "skew": skew}
DATA = {"cdc_merge": "customer_changes", "scd2": "product_updates", "skew": "ad_clicks"}


# ---------------------------------------------------------------- without Spark


def lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as opened:
        yield from map(json.loads, opened)


def true_customers(folder: Path) -> dict[str, Facts]:
    newest: dict[int, tuple[int, str]] = {}
    for file in folder.glob("*.jsonl"):
        for event in lines(file):
            row = event.get("before" if event["op"] == "d" else "after")
            if row and row["customer_id"] is not None:
                said = (event["source"]["lsn"], event["op"])
                newest[row["customer_id"]] = max(said, newest.get(row["customer_id"], said))
    found = {
        "customers": len(newest), "rows": len(newest),
        "deleted": sum(op == "d" for _, op in newest.values()),
        "positions": sum(lsn for lsn, _ in newest.values()),
    }  # fmt: skip
    return {"six batches merged": found}


def true_prices(folder: Path) -> dict[str, Facts]:
    history: dict[int, dict[str, tuple[Any, ...]]] = {}
    for file in sorted(folder.glob("updates_*.json")):
        touched = set()
        for row in lines(file):
            touched.add(row["product_id"])
            said = (row["name"], row["category"], row["price"])
            history.setdefault(row["product_id"], {})[row["updated_at"]] = said
        for product in touched:
            said_at = sorted(history[product].items())
            before = [None, *(values for _, values in said_at)]
            history[product] = {
                time: values
                for (time, values), last in zip(said_at, before, strict=False)
                if values != last
            }
    starts = {product: list(versions) for product, versions in history.items()}
    sales = cents = unpriced = 0
    for sale in lines(folder / "sales.json"):
        sales += 1
        begun = starts.get(sale["product_id"], [])
        place = bisect.bisect_right(begun, sale["sold_at"])
        if place:
            price = history[sale["product_id"]][begun[place - 1]][2]
            cents += round(sale["quantity"] * price * 100)
        else:
            unpriced += 1
    products = len(history)
    return {
        "six batches applied, late rows too": {
            "versions": sum(map(len, history.values())), "products": products, "open": products,
        },
        "sales priced as of their time": {"sales": sales, "unpriced": unpriced, "cents": cents},
    }  # fmt: skip


def true_clicks(folder: Path) -> dict[str, Facts]:
    clicks = pq.read_table(folder / "clicks")
    cents = pc.cast(pc.round(pc.multiply(clicks["cost"], 100)), pa.int64())
    clicks = clicks.append_column("cents", cents)
    segments: dict[int | None, int] = {}
    for key in pq.read_table(folder / "advertisers.parquet")["advertiser_id"].to_pylist():
        segments[key] = segments.get(key, 0) + (key is not None)
    joined = {"rows": 0, "matched": 0, "cents": 0}
    sums = clicks.group_by("advertiser_id").aggregate([("cents", "sum"), ("cents", "count")])
    for row in sums.to_pylist():
        partners = segments.get(row["advertiser_id"], 0)
        joined["rows"] += row["cents_count"] * max(partners, 1)
        joined["matched"] += row["cents_count"] * partners
        joined["cents"] += row["cents_sum"] * max(partners, 1)
    pairs = clicks.group_by(["advertiser_id", "user_id"]).aggregate([])
    users = pairs.group_by("advertiser_id").aggregate([("user_id", "count")])["user_id_count"]
    counted = {
        "keys": sums.num_rows, "rows": clicks.num_rows,
        "users": pc.sum(users).as_py(), "most": pc.max(users).as_py(),
    }  # fmt: skip
    joins = ("plain join", "salted join", "hot keys found and isolated")
    return {**dict.fromkeys(joins, joined), "counted in two stages": counted}


TRUTH = {"cdc_merge": true_customers, "scd2": true_prices, "skew": true_clicks}

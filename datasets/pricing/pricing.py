"""Prices and revenue of a chain of shops, as the team runs them every night."""

from pyspark.sql import Window
from pyspark.sql import functions as F

LISTED = "sku string, price decimal(10,2), version long"


def latest_prices(prices, as_of):
    newest_first = Window.partitionBy("sku").orderBy(F.desc("valid_from"), F.desc("seq"))
    return (
        prices.where(F.col("valid_from") <= F.lit(as_of))
        .withColumn("place", F.row_number().over(newest_first))
        .where("place = 1")
        .drop("place")
    )


def convert(sales, rates):
    factors = rates.select(F.upper("currency").alias("code"), "rate")
    joined = sales.join(factors, on=F.upper("currency") == F.col("code"), how="left")
    eur = F.round(F.col("amount") * F.col("rate"), 2).cast("decimal(12,2)")
    return joined.withColumn("eur", eur).drop("code", "rate")


def daily_revenue(sales, zone):
    dated = sales.withColumn("day", F.to_date(F.from_utc_timestamp("sold_at", zone)))
    revenue = F.coalesce(F.sum("amount"), F.lit(0)).cast("decimal(20,2)")
    days = dated.groupBy("shop", "day").agg(revenue.alias("revenue"), F.count("*").alias("sales"))
    days = days.withColumn("average", F.col("revenue").cast("double") / F.col("sales"))
    last_30 = Window.partitionBy("shop").orderBy(F.unix_date("day")).rangeBetween(-29, 0)
    sum_30d = F.sum("revenue").over(last_30).cast("decimal(20,2)")
    average_30d = F.avg("average").over(last_30)
    return days.select(
        "shop", "day", "revenue", sum_30d.alias("revenue_30d"), average_30d.alias("average_30d")
    )


def returns_netted(sales, returns):
    returned = returns.groupBy("sale_id").agg(F.sum("qty").alias("returned"))
    joined = sales.join(returned, on="sale_id", how="left")
    kept = F.col("qty") - F.coalesce(F.col("returned"), F.lit(0))
    return joined.withColumn("net", F.greatest(kept, F.lit(0))).drop("returned")


def upsert_prices(spark, source, changes, target):
    listed = spark.read.schema(LISTED).parquet(str(source)).withColumn("op", F.lit("u"))
    listed, changes = listed.withColumn("changed", F.lit(0)), changes.withColumn("changed", F.lit(1))
    rows = listed.unionByName(changes)
    newest_first = Window.partitionBy("sku").orderBy(F.desc("version"), "changed")
    newest = rows.withColumn("place", F.row_number().over(newest_first)).where("place = 1")
    kept = newest.where("op = 'u'").select("sku", "price", "version")
    kept.coalesce(1).write.mode("overwrite").parquet(str(target))

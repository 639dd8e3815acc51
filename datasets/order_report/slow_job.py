"""The nightly order report as it was found: the numbers are right, the job is slow."""

import logging
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

log = logging.getLogger("order_report")

PRICED = "country string, segment string, euro decimal(14,2), counts boolean"


def price(row):
    """Everything the report needs to know of one order and one rate."""
    currency = (row.currency or "EUR").strip().upper()
    amount = row.amount if row.amount is not None else Decimal(0)
    euro = (amount * row.rate).quantize(Decimal("0.01"))
    counts = (
        currency == row.rate_currency
        and row.status in ("paid", "shipped")
        and row.ordered_at.year == 2026
    )
    return row.country or "unknown", row.segment or "unknown", euro, counts


def slow_report(orders: DataFrame, customers: DataFrame, rates: DataFrame) -> DataFrame:
    """Orders, revenue in euro and share of the country's revenue, by country and segment."""
    priced = F.udf(price, PRICED).asNondeterministic()  # or Spark calls it twice a row

    # 2019: broadcast timed out, so no broadcast
    enriched = orders.join(customers.hint("merge"), on="customer_id", how="left")
    log.info("%d orders", enriched.count())

    valid = (F.col("valid_from") <= F.col("ordered_at")) & (
        F.col("valid_to").isNull() | (F.col("ordered_at") < F.col("valid_to"))
    )
    candidates = enriched.join(
        rates.withColumnRenamed("currency", "rate_currency"), on=valid, how="inner"
    ).select("*")
    log.info("%d candidates", candidates.count())

    counted = (
        candidates.withColumn("priced", priced(F.struct("*")))
        .where("priced.counts")
        .select("priced.country", "priced.segment", "priced.euro")
        .repartition(1)
    )
    log.info("%d priced", counted.count())

    segments = counted.groupBy("country", "segment").agg(
        F.count("*").alias("orders"), F.sum("euro").alias("revenue")
    )
    countries = counted.groupBy("country").agg(F.sum("euro").alias("total"))
    share = F.col("revenue").cast("double") / F.col("total").cast("double")
    return segments.join(countries, on="country", how="inner").select(
        "country",
        "segment",
        "orders",
        "revenue",
        F.when(F.col("total") != 0, share).alias("share"),
    )

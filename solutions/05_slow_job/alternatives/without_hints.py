# because: no hints: both small tables are estimated under the broadcast threshold; try_divide


def fast_report(orders: DataFrame, customers: DataFrame, rates: DataFrame) -> DataFrame:
    """The rows of `slow_report`: orders, revenue and share by country and segment."""
    in_2026 = (F.col("ordered_at") >= "2026-01-01") & (F.col("ordered_at") < "2027-01-01")
    counts = F.col("status").isin("paid", "shipped")
    valid = (F.col("valid_from") <= F.col("ordered_at")) & (
        F.col("valid_to").isNull() | (F.col("ordered_at") < F.col("valid_to"))
    )
    typed = F.coalesce(F.nullif("currency", F.lit("")), F.lit("EUR"))
    # `str.strip` takes tabs and line ends too; `quantize` rounds half to even, as `bround` does
    code = F.upper(F.btrim(typed, F.lit(" \t\r\n")))
    euro = F.bround(F.coalesce("amount", F.lit(0)) * F.col("rate"), 2).cast("decimal(14,2)")
    named = rates.withColumnRenamed("currency", "rate_currency")
    priced = (
        orders.where(in_2026 & counts)
        .withColumn("code", code)
        .join(named, on=(F.col("code") == F.col("rate_currency")) & valid, how="inner")
        .join(customers, on="customer_id", how="left")
        .select(
            *(
                F.coalesce(F.nullif(c, F.lit("")), F.lit("unknown")).alias(c)
                for c in ["country", "segment"]
            ),
            euro.alias("euro"),
        )
    )
    segments = priced.groupBy("country", "segment").agg(
        F.count("*").alias("orders"), F.sum("euro").alias("revenue")
    )
    total = F.sum("revenue").over(Window.partitionBy("country"))
    share = F.try_divide(F.col("revenue").cast("double"), F.col("total").cast("double"))
    return segments.withColumn("total", total).select(
        "country", "segment", "orders", "revenue", share.alias("share")
    )

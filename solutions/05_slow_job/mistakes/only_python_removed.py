# fails: test_moves_a_tenth_of_the_bytes,test_small_sides_are_broadcast
# because: drops Python, and keeps hint, function of the date and repartition as they were


def fast_report(orders: DataFrame, customers: DataFrame, rates: DataFrame) -> DataFrame:
    code = F.upper(F.btrim(F.coalesce(F.nullif("currency", F.lit("")), F.lit("EUR")), F.lit(" \t")))
    valid = (F.col("valid_from") <= F.col("ordered_at")) & (
        F.col("valid_to").isNull() | (F.col("ordered_at") < F.col("valid_to"))
    )
    enriched = orders.join(customers.hint("merge"), on="customer_id", how="left")
    candidates = enriched.join(
        rates.withColumnRenamed("currency", "rate_currency"), on=valid, how="inner"
    )
    priced = candidates.repartition(1).where(
        (code == F.col("rate_currency"))
        & F.col("status").isin("paid", "shipped")
        & (F.year("ordered_at") == 2026)
    )
    euro = F.bround(F.coalesce("amount", F.lit(0)) * F.col("rate"), 2).cast("decimal(14,2)")
    named = [
        F.coalesce(F.nullif(c, F.lit("")), F.lit("unknown")).alias(c)
        for c in ["country", "segment"]
    ]
    segments = priced.groupBy(*named).agg(
        F.count("*").alias("orders"), F.sum(euro).alias("revenue")
    )
    total = F.sum("revenue").over(Window.partitionBy("country"))
    share = F.col("revenue").cast("double") / F.col("total").cast("double")
    return segments.withColumn("total", total).select(
        "country", "segment", "orders", "revenue", F.when(F.col("total") != 0, share).alias("share")
    )

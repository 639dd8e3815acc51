# fails: test_revenue_of_each_store_and_window
# because: a column computed from event_time carries no watermark, so append mode is refused
# outcome: error


def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .withColumn(
            "window_start", F.timestamp_seconds(F.floor(F.unix_seconds("event_time") / 300) * 300)
        )
        .groupBy("window_start", "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .withColumn("window_end", F.col("window_start") + F.expr("INTERVAL 5 MINUTES"))
        .select("window_start", "window_end", "store_id", "revenue", "payments")
    )

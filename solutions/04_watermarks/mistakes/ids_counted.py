# fails: test_revenue_of_each_store_and_window
# because: a repeat is not counted, and in a larger window others are not either: the count is approximate


def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(
            F.sum("amount").alias("revenue"), F.approx_count_distinct("event_id").alias("payments")
        )
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )

# fails: test_revenue_of_each_store_and_window
# because: the windows are shifted by a start time of two minutes


def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(F.window("event_time", "5 minutes", "5 minutes", "2 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )

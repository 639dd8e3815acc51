# fails: test_revenue_of_each_store_and_window
# because: the watermark is set on the result, so the aggregation below has none
# outcome: error


def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        events.groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
        .withWatermark("window_end", "10 minutes")
    )

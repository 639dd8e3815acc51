# fails: test_a_watermark_that_is_there_already_stays
# because: sets a watermark on a stream that has one; Spark disallows to redefine it
# outcome: error


def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        events.withWatermark("event_time", "10 minutes")
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )

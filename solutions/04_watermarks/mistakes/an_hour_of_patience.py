# fails: test_windows_leave_when_the_watermark_passes_them, test_events_of_emitted_windows_are_dropped
# because: a generous watermark keeps windows open, and results wait for an hour


def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        events.withWatermark("event_time", "1 hour")
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )

# fails: test_revenue_of_each_store_and_window
# because: compares event_time with the clock of the machine, so a replay of old files drops everything


def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .where("event_time > current_timestamp() - INTERVAL 10 MINUTES")
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )

# fails: test_out_of_order_events_count_while_their_window_is_open
# because: counts cards instead of payments


def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.approx_count_distinct("card_id").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )

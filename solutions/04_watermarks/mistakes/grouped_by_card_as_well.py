# fails: test_open_windows_survive_a_restart, test_out_of_order_events_count_while_their_window_is_open
# because: the card is one of the keys, so a window comes out once for each card


def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(F.window("event_time", "5 minutes"), "store_id", "card_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )

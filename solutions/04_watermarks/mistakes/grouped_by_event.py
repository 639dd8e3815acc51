# fails: test_state_holds_open_windows_only
# fails: test_open_windows_survive_a_restart
# fails: test_arrival_within_the_watermark_changes_no_window
# because: the event is one of the keys: state has a row for each event instead of one for each window


def revenue_per_window(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(
            F.window("event_time", "5 minutes"), "store_id", "event_id", F.unix_millis("event_time")
        )
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select("window.start", "window.end", "store_id", "revenue", "payments")
        .toDF("window_start", "window_end", "store_id", "revenue", "payments")
    )

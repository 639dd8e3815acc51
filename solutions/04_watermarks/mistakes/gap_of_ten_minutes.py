# fails: test_a_gap_of_fifteen_minutes_ends_a_session
# fails: test_a_payment_in_between_joins_two_sessions
# fails: test_a_payment_behind_the_watermark_can_open_a_session
# fails: test_arrival_within_the_watermark_changes_no_session
# because: the gap is the watermark's ten minutes instead of fifteen


def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy("card_id", F.session_window("event_time", "10 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )

# fails: test_a_gap_of_fifteen_minutes_ends_a_session
# because: the gap is the watermark's ten minutes instead of fifteen


def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy("card_id", F.session_window("event_time", "10 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )

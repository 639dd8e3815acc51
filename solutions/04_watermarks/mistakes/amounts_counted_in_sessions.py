# fails: test_a_gap_of_fifteen_minutes_ends_a_session
# because: a payment without an amount is not counted


def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("amount").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )

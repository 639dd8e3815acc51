# fails: test_a_gap_of_fifteen_minutes_ends_a_session
# because: tumbling windows have fixed borders; a shopping tour doesn't


def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy("card_id", F.window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )

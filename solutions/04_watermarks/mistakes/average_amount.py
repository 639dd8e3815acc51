# fails: test_a_payment_in_between_joins_two_sessions
# because: takes the mean of the amounts instead of their sum


def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.avg("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )

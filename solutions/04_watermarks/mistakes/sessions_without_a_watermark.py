# fails: test_a_gap_of_fifteen_minutes_ends_a_session
# because: append mode can't know when a session is finished; Spark refuses the plan
# outcome: error


def sessions(events: DataFrame) -> DataFrame:
    return (
        events.groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )

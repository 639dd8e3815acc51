# fails: test_state_holds_open_sessions_only
# because: keeps each payment in state as well, as a group of its own


def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy(
            "card_id", "event_id", F.session_window("event_time", "15 minutes").alias("session")
        )
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )

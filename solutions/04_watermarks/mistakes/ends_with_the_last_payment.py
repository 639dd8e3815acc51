# fails: test_a_gap_of_fifteen_minutes_ends_a_session
# because: a session lasts until the gap is over, not until its last payment


def sessions(events: DataFrame) -> DataFrame:
    return (
        watermarked(events)
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(
            F.max("event_time").alias("session_end"),
            F.count("*").alias("payments"),
            F.sum("amount").alias("amount"),
        )
        .select("card_id", "session.start", "session_end", "payments", "amount")
        .withColumnRenamed("start", "session_start")
    )

# fails: test_sessions_respect_a_watermark
# because: sets a watermark on a stream that has one; Spark disallows to redefine it
# outcome: error


def sessions(events: DataFrame) -> DataFrame:
    return (
        events.withWatermark("event_time", "10 minutes")
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )

# fails: test_sessions_leave_when_the_watermark_passes_them
# because: without delay a session goes as soon as a younger payment is seen, and what belongs to it comes too late


def sessions(events: DataFrame) -> DataFrame:
    return (
        events.withWatermark("event_time", "0 minutes")
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )

# fails: test_sessions_leave_when_the_watermark_passes_them, test_payments_of_ended_sessions_are_dropped
# because: adds the gap to the delay and some more, so sessions come late and stay in state


def sessions(events: DataFrame) -> DataFrame:
    return (
        events.withWatermark("event_time", "30 minutes")
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )

# fails: test_a_payment_behind_the_watermark_can_open_a_session, test_payments_of_ended_sessions_are_dropped
# because: a watermark without delay drops whatever is out of order


def sessions(events: DataFrame) -> DataFrame:
    return (
        events.withWatermark("event_time", "0 minutes")
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select("card_id", "session.start", "session.end", "payments", "amount")
        .toDF("card_id", "session_start", "session_end", "payments", "amount")
    )

# fails: test_a_gap_of_fifteen_minutes_ends_a_session
# because: the batch solution, lag over a window of rows, is refused on a stream
# outcome: error


def sessions(events: DataFrame) -> DataFrame:
    from pyspark.sql import Window

    by_time = Window.partitionBy("card_id").orderBy("event_time")
    gap = F.unix_seconds("event_time") - F.unix_seconds(F.lag("event_time").over(by_time))
    begins = F.coalesce(gap > 15 * 60, F.lit(True)).cast("int")
    numbered = watermarked(events).withColumn("number", F.sum(begins).over(by_time))
    return (
        numbered.groupBy("card_id", "number")
        .agg(
            F.min("event_time").alias("session_start"),
            (F.max("event_time") + F.expr("INTERVAL 15 MINUTES")).alias("session_end"),
            F.count("*").alias("payments"),
            F.sum("amount").alias("amount"),
        )
        .drop("number")
    )

# fails: test_late_events_go_to_the_late_table
# because: compares with the file before; an older file may hold the greatest time


def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    seen = f"{table}_seen"
    spark.sql(f"CREATE TABLE IF NOT EXISTS {seen} (number long, newest timestamp) USING delta")

    def split(events: DataFrame, number: int) -> None:
        before = spark.table(seen).where(F.col("number") == number - 1).first()
        border = before and before["newest"] - timedelta(minutes=10)
        is_late = F.coalesce(F.col("event_time") < F.lit(border), F.lit(False))
        newest = events.agg(F.lit(number).cast("long").alias("number"), F.max("event_time").alias("newest"))
        parts = [
            (events.where(is_late), late_table),
            (events.where(~is_late), table),
            (newest, seen),
        ]
        for rows, name in parts:
            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
            writer.option("txnVersion", number).saveAsTable(name)

    stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(source)
    writer = stream.writeStream.foreachBatch(split).option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()

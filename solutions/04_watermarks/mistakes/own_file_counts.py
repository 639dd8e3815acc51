# fails: test_a_file_does_not_make_its_own_events_late
# because: takes the maximum over the events of the micro-batch too


def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    def split(events: DataFrame, number: int) -> None:
        known = spark.table(table).select("event_time").union(events.select("event_time"))
        newest = known.agg(F.max("event_time")).first()[0]
        border = newest and newest - timedelta(minutes=10)
        is_late = F.coalesce(F.col("event_time") < F.lit(border), F.lit(False))
        for rows, name in [(events.where(is_late), late_table), (events.where(~is_late), table)]:
            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
            writer.option("txnVersion", number).saveAsTable(name)

    stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(source)
    writer = stream.writeStream.foreachBatch(split).option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()

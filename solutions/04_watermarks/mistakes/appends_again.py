# fails: test_every_row_lands_once
# because: a micro-batch that broke off comes again, and a plain append writes its rows again


def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    def split(events: DataFrame, number: int) -> None:
        newest = spark.table(table).agg(F.max("event_time")).first()[0]
        border = newest and newest - timedelta(minutes=10)
        is_late = F.coalesce(F.col("event_time") < F.lit(border), F.lit(False))
        for rows, name in [(events.where(is_late), late_table), (events.where(~is_late), table)]:
            rows.write.format("delta").mode("append").saveAsTable(name)

    stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(source)
    writer = stream.writeStream.foreachBatch(split).option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()

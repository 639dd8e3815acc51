# fails: test_every_row_lands_once
# because: a MERGE that inserts what is new makes the write repeatable, and swallows redelivered events


def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    from delta.tables import DeltaTable

    def split(events: DataFrame, number: int) -> None:
        newest = spark.table(table).agg(F.max("event_time")).first()[0]
        border = newest and newest - timedelta(minutes=10)
        is_late = F.coalesce(F.col("event_time") < F.lit(border), F.lit(False))
        for rows, name in [(events.where(is_late), late_table), (events.where(~is_late), table)]:
            target = DeltaTable.forName(spark, name).alias("old")
            new = rows.dropDuplicates(["event_id"]).alias("new")
            target.merge(new, "old.event_id = new.event_id").whenNotMatchedInsertAll().execute()

    stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(source)
    writer = stream.writeStream.foreachBatch(split).option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()

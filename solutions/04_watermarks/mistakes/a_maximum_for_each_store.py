# fails: test_late_events_go_to_the_late_table
# because: each store gets a watermark of its own, so a store that was silent is never late


def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    COLUMNS = ["event_id", "store_id", "card_id", "amount", "event_time"]

    def split(events: DataFrame, number: int) -> None:
        newest = spark.table(table).groupBy("store_id").agg(F.max("event_time").alias("newest"))
        events = events.join(newest, on="store_id", how="left").select(*COLUMNS, "newest")
        border = F.col("newest") - F.expr("INTERVAL 10 MINUTES")
        is_late = F.coalesce(F.col("event_time") < border, F.lit(False))
        for rows, name in [(events.where(is_late), late_table), (events.where(~is_late), table)]:
            writer = (
                rows.select(COLUMNS)
                .write.format("delta")
                .mode("append")
                .option("txnAppId", checkpoint)
            )
            writer.option("txnVersion", number).saveAsTable(name)

    stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(source)
    writer = stream.writeStream.foreachBatch(split).option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()

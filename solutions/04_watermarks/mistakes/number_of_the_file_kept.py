# fails: test_both_tables_keep_the_columns_of_the_events
# because: adds the number of the micro-batch to the tables


def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    def split(events: DataFrame, number: int) -> None:
        newest = spark.table(table).agg(F.max("event_time")).first()[0]
        border = newest and newest - timedelta(minutes=10)
        is_late = F.coalesce(F.col("event_time") < F.lit(border), F.lit(False))
        for rows, name in [(events.where(is_late), late_table), (events.where(~is_late), table)]:
            writer = (
                rows.withColumn("micro_batch", F.lit(number))
                .write.format("delta")
                .mode("append")
                .option("txnAppId", checkpoint)
                .option("mergeSchema", True)
            )
            writer.option("txnVersion", number).saveAsTable(name)

    stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(source)
    writer = stream.writeStream.foreachBatch(split).option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()

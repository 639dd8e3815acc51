# fails: test_late_events_go_to_the_late_table
# because: a watermark and a filter lose late rows; nothing ever reaches the late table


def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(source)
    writer = watermarked(stream).writeStream.format("delta").outputMode("append")
    writer = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True)
    writer.toTable(table).awaitTermination()

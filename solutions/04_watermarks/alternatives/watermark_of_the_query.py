# because: late_events reads the query's watermark of each micro-batch in its offset log


def revenue_per_window(events: DataFrame) -> DataFrame:
    windows = F.window("event_time", "5 minutes")
    timed = watermarked(events).select(windows.alias("period"), "store_id", "amount")
    totals = timed.groupBy("store_id", "period").agg(
        F.expr("sum(amount)").alias("revenue"), F.count(F.lit(1)).alias("payments")
    )
    return totals.selectExpr(
        "period.start AS window_start",
        "period.end AS window_end",
        "store_id",
        "revenue",
        "payments",
    )


def deduplicate(events: DataFrame) -> DataFrame:
    columns = events.columns
    timed = watermarked(events).withColumn("key", F.col("event_id"))
    return timed.dropDuplicatesWithinWatermark(["key"]).select(columns)


def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    import json
    from pathlib import Path

    def split(events: DataFrame, number: int) -> None:
        # Written before the micro-batch begins, and read again when it is repeated.
        offsets = Path(checkpoint, "offsets", str(number)).read_text().splitlines()
        border = F.timestamp_millis(F.lit(json.loads(offsets[1])["batchWatermarkMs"]))
        late = events.where(F.col("event_time") < border)
        in_time = events.where((F.col("event_time") >= border) | F.col("event_time").isNull())
        for rows, name in [(in_time, table), (late, late_table)]:
            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
            writer.option("txnVersion", number).saveAsTable(name)

    stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(source)
    timed = stream.withWatermark("event_time", "10 minutes")
    writer = timed.writeStream.foreachBatch(split).option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()

# fails: test_nothing_is_doubled_by_a_restart
# because: appends in foreachBatch; the batch that failed comes again


def run_pipeline(
    spark: SparkSession, bootstrap: str, topic: str, tables: dict[str, str], checkpoint: str
) -> None:
    stream = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .option("kafka.isolation.level", "read_committed")
        .load()
    )

    def append(batch: DataFrame, batch_id: int) -> None:
        for name, rows in zip((tables["orders"], tables["dead"]), parse(batch), strict=True):
            rows.write.format("delta").mode("append").saveAsTable(name)

    writer = stream.writeStream.foreachBatch(append)
    query = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
    query.awaitTermination()

# fails: test_aborted_messages_are_never_served
# because: consumers see messages of aborted transactions by default


def run_pipeline(
    spark: SparkSession, bootstrap: str, topic: str, tables: dict[str, str], checkpoint: str
) -> None:
    stream = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .load()
    )
    writer = stream.writeStream.foreachBatch(
        lambda batch, batch_id: write_batch(batch, batch_id, tables)
    )
    query = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
    query.awaitTermination()

# fails: test_nothing_is_lost
# because: a stream without a checkpoint begins at the latest offset unless told otherwise


def run_pipeline(
    spark: SparkSession, bootstrap: str, topic: str, tables: dict[str, str], checkpoint: str
) -> None:
    stream = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", topic)
        .option("kafka.isolation.level", "read_committed")
        .load()
    )
    writer = stream.writeStream.foreachBatch(
        lambda batch, batch_id: write_batch(batch, batch_id, tables)
    )
    query = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
    query.awaitTermination()

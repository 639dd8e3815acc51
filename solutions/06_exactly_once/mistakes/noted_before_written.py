# fails: test_nothing_is_lost
# because: at most once: the batch is noted as done before it is written


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
    from pathlib import Path

    def once(batch: DataFrame, batch_id: int) -> None:
        done = Path(checkpoint) / f"done-{batch_id}"
        if not done.exists():
            done.touch()
            write_batch(batch, batch_id, tables)

    writer = stream.writeStream.foreachBatch(once)
    query = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
    query.awaitTermination()

# fails: test_the_checkpoint_knows_how_far
# because: every run begins from nothing; MERGE hides it until the topic is large


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
    writer = stream.writeStream.foreachBatch(
        lambda batch, batch_id: write_batch(batch, batch_id, tables)
    )
    import tempfile

    checkpoint = tempfile.mkdtemp()
    query = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
    query.awaitTermination()

# fails: test_a_lost_checkpoint_changes_nothing, test_nothing_is_doubled_by_a_restart
# because: exactly once by txnAppId ends where the checkpoint ends: a new one writes all of it again


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
            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
            writer.option("txnVersion", batch_id).saveAsTable(name)

    writer = stream.writeStream.foreachBatch(append)
    query = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
    query.awaitTermination()

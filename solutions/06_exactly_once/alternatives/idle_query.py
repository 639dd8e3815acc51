# because: a query that runs until it is idle and is stopped; a view of an eager checkpoint


def run_pipeline(
    spark: SparkSession, bootstrap: str, topic: str, tables: dict[str, str], checkpoint: str
) -> None:
    stream = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("kafka.isolation.level", "read_committed")
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .load()
    )
    query = (
        stream.writeStream.foreachBatch(lambda batch, number: write_batch(batch, number, tables))
        .option("checkpointLocation", checkpoint)
        .start()
    )
    try:
        query.processAllAvailable()
    finally:
        query.stop()


def serving_view(spark: SparkSession, tables: dict[str, str]) -> DataFrame:
    event = F.struct("status", "amount", "seq", "event_time", "produced_at")
    newest = F.max_by(event, "seq").alias("newest")
    orders = spark.table(tables["orders"]).groupBy("order_id")
    events = orders.agg(newest, F.collect_set("seq").alias("known"))
    return events.selectExpr(
        *("order_id", "newest.status", "newest.amount", "newest.seq"),
        "newest.event_time AS updated_at",
        "timestampdiff(MICROSECOND, newest.event_time, newest.produced_at) / 1e6D AS delay_seconds",
        "CAST(size(array_except(sequence(1L, newest.seq), known)) AS long) AS missing_events",
    ).localCheckpoint()

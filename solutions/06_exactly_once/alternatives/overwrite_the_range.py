# because: replay by replaceWhere, which overwrites the range; batches of bounded size


def run_pipeline(
    spark: SparkSession, bootstrap: str, topic: str, tables: dict[str, str], checkpoint: str
) -> None:
    options = {
        "kafka.bootstrap.servers": bootstrap,
        "subscribe": topic,
        "startingOffsets": "earliest",
        "kafka.isolation.level": "read_committed",
        "maxOffsetsPerTrigger": "1000",
    }

    def write(batch: DataFrame, batch_id: int) -> None:
        write_batch(batch, batch_id, tables)

    stream = spark.readStream.format("kafka").options(**options).load()
    writer = stream.writeStream.foreachBatch(write).option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()


def replay(
    spark: SparkSession,
    bootstrap: str,
    topic: str,
    tables: dict[str, str],
    offsets: dict[int, tuple[int, int]],
) -> None:
    import json

    reader = spark.read.format("kafka").option("kafka.bootstrap.servers", bootstrap)
    reader = reader.option("kafka.isolation.level", "read_committed")
    reader = reader.option("assign", json.dumps({topic: list(offsets)}))
    for name, which in (("startingOffsets", 0), ("endingOffsets", 1)):
        ends = {str(partition): ends[which] for partition, ends in offsets.items()}
        reader = reader.option(name, json.dumps({topic: ends}))
    orders, dead = parse(reader.load())
    parts = [
        f"(partition = {partition} AND offset >= {first} AND offset < {end})"
        for partition, (first, end) in offsets.items()
    ]
    in_range = f"topic = '{topic}' AND ({' OR '.join(parts)})"
    outside = spark.table(tables["orders"]).where(f"NOT ({in_range})").select("event_id")
    first = F.min_by(F.struct("*"), "offset").alias("first")
    once = orders.groupBy("event_id").agg(first).select("first.*")
    absent = once.join(outside, on="event_id", how="left_anti").select(orders.columns)
    for name, rows in ((tables["orders"], absent), (tables["dead"], dead)):
        writer = rows.write.format("delta").mode("overwrite").option("replaceWhere", in_range)
        writer.saveAsTable(name)

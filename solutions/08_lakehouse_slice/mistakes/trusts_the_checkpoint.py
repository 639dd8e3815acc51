# fails: test_a_lost_checkpoint_doubles_nothing
# because: exactly once is what the checkpoint and the table know together; without the first the table has to know


def ingest(spark: SparkSession, landing: str, schema: str, checkpoint: str) -> None:
    path = F.col("_metadata.file_path")
    load_date = F.regexp_extract(path, r"([^/]+)/[^/]+$", 1).cast("date")
    source_file = F.regexp_extract(path, r"([^/]+/[^/]+/[^/]+)$", 1)

    def append(batch: DataFrame, table: str) -> None:
        batch.writeTo(table).append()

    for source in ("customers", "clicks"):
        lines = (
            spark.readStream.option("recursiveFileLookup", True)
            .text(f"{landing}/{source}")
            .select("value", load_date.alias("load_date"), source_file.alias("source_file"))
        )
        table = f"{schema}.bronze_{source}"
        writer = lines.writeStream.option("checkpointLocation", f"{checkpoint}/{source}")
        writer = writer.foreachBatch(lambda batch, _, table=table: append(batch, table))
        writer.trigger(availableNow=True).start().awaitTermination()

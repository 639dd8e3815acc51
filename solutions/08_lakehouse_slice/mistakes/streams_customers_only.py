# fails: test_clicks_are_read_as_a_stream
# because: the small source is a stream, and the large one is listed and compared on every call


def ingest(spark: SparkSession, landing: str, schema: str, checkpoint: str) -> None:
    path = F.col("_metadata.file_path")

    def append(lines: DataFrame, source: str) -> None:
        table = f"{schema}.bronze_{source}"
        known = lines.sparkSession.table(table).select("source_file").distinct()
        lines.join(known, on="source_file", how="left_anti").writeTo(table).append()

    def read(reader, source: str) -> DataFrame:
        return (
            reader.option("recursiveFileLookup", True)
            .text(f"{landing}/{source}")
            .select(
                "value",
                F.regexp_extract(path, r"([^/]+)/[^/]+$", 1).cast("date").alias("load_date"),
                F.regexp_extract(path, r"([^/]+/[^/]+/[^/]+)$", 1).alias("source_file"),
            )
        )

    append(read(spark.read, "clicks"), "clicks")
    writer = read(spark.readStream, "customers").writeStream.option(
        "checkpointLocation", f"{checkpoint}/customers"
    )
    writer = writer.foreachBatch(lambda batch, _: append(batch, "customers"))
    writer.trigger(availableNow=True).start().awaitTermination()

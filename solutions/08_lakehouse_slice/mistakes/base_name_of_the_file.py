# fails: test_rows_say_where_they_came_from, test_a_second_call_adds_new_files
# because: every day has a clicks-1.json


def ingest(spark: SparkSession, landing: str, schema: str, checkpoint: str) -> None:
    path = F.col("_metadata.file_path")
    load_date = F.regexp_extract(path, r"([^/]+)/[^/]+$", 1).cast("date")
    source_file = F.regexp_extract(path, r"([^/]+)$", 1)

    def append(batch: DataFrame, table: str) -> None:
        # With its checkpoint lost, the stream reads again what the table has already.
        known = batch.sparkSession.table(table).select("source_file").distinct()
        new = batch.join(known, on="source_file", how="left_anti")
        new.writeTo(table).append()

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

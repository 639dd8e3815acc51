# because: MERGE for files and figures; customers as a batch of files, clicks as a stream

from delta.tables import DeltaTable


def ingest(spark: SparkSession, landing: str, schema: str, checkpoint: str) -> None:
    path = F.split(F.replace("_metadata.file_path", F.lit("%20"), F.lit(" ")), "/")
    columns = (
        F.col("value"),
        F.element_at(path, -2).cast("date").alias("load_date"),
        F.array_join(F.slice(path, -3, 3), "/").alias("source_file"),
    )

    def merge(lines: DataFrame, source: str) -> None:
        table = DeltaTable.forName(lines.sparkSession, f"{schema}.bronze_{source}").alias("old")
        same = "old.source_file = new.source_file AND old.load_date = new.load_date"
        table.merge(lines.alias("new"), same).whenNotMatchedInsertAll().execute()

    files = f"{landing}/customers/*/*.json"
    merge(spark.read.text(files).select(*columns), "customers")
    reader = spark.readStream.option("maxFileAge", "36500d")
    stream = reader.text(f"{landing}/clicks/*/*.json").select(*columns)
    writer = stream.writeStream.foreachBatch(lambda batch, _: merge(batch, "clicks"))
    writer = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True)
    writer.start().awaitTermination()


def publish(spark: SparkSession, schema: str) -> None:
    history = spark.table(f"{schema}.silver_customers").alias("version")
    purchases = spark.table(f"{schema}.silver_events").where("event_type = 'purchase'")
    valid = F.expr(
        "event.customer_id = version.customer_id AND event_time >= effective_from "
        "AND (effective_to IS NULL OR event_time < effective_to)"
    )
    computed = (
        purchases.alias("event")
        .join(history, valid, how="left")
        .withColumn("segment", F.coalesce("segment", F.lit("unknown")))
        .groupBy("event_date", "segment")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("purchases"))
    )
    gold = spark.table(f"{schema}.gold_revenue")
    key = ["event_date", "segment"]
    gone = gold.join(computed, on=key, how="left_anti").withColumn("is_gone", F.lit(True))
    # Rows that are right already must not be in the source: MERGE would rewrite their files.
    new = computed.exceptAll(gold).withColumn("is_gone", F.lit(False)).unionByName(gone)
    (
        DeltaTable.forName(spark, f"{schema}.gold_revenue")
        .alias("old")
        .merge(new.alias("new"), "old.event_date = new.event_date AND old.segment = new.segment")
        .whenMatchedDelete("new.is_gone")
        .whenMatchedUpdate(set={"revenue": "new.revenue", "purchases": "new.purchases"})
        .whenNotMatchedInsert(
            values={name: f"new.{name}" for name in (*key, "revenue", "purchases")}
        )
        .execute()
    )

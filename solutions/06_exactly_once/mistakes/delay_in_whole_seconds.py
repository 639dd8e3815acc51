# fails: test_delay_is_from_event_to_broker
# because: a cast to long cuts off the fraction of a second


def serving_view(spark: SparkSession, tables: dict[str, str]) -> DataFrame:
    version = DeltaTable.forName(spark, tables["orders"]).history(1).first()["version"]
    events = spark.read.option("versionAsOf", version).table(tables["orders"])
    newest = F.max_by(F.struct("*"), "seq").alias("newest")
    delay = (
        F.col("newest.produced_at").cast("long") - F.col("newest.event_time").cast("long")
    ).cast("double")
    return (
        events.groupBy("order_id")
        .agg(newest, F.count("*").alias("seen"))
        .select(
            "order_id",
            *("newest.status", "newest.amount", "newest.seq"),
            F.col("newest.event_time").alias("updated_at"),
            delay.alias("delay_seconds"),
            (F.col("newest.seq") - F.col("seen")).alias("missing_events"),
        )
    )

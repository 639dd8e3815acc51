# fails: test_a_frame_shows_one_state
# because: a cache is no version: who writes to the table refreshes what is cached of it


def serving_view(spark: SparkSession, tables: dict[str, str]) -> DataFrame:
    events = spark.table(tables["orders"])
    newest = F.max_by(F.struct("*"), "seq").alias("newest")
    delay = F.col("newest.produced_at").cast("double") - F.col("newest.event_time").cast("double")
    view = (
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
    return view.cache()

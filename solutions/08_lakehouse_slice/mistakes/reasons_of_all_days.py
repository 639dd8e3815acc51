# fails: test_quarantine_is_told_by_reason
# because: the reasons of all days stand in every row


def quality_report(spark: SparkSession, schema: str) -> DataFrame:
    lines = spark.table(f"{schema}.bronze_clicks")
    events = spark.table(f"{schema}.silver_events")
    bad = spark.table(f"{schema}.quarantine").where("source = 'clicks'")
    by_reason = bad.groupBy("load_date", "reason").agg(F.count("*").alias("rows"))
    delivered = (
        lines.join(bad, on=["value", "source_file"], how="left_anti")
        .withColumn("event_id", F.get_json_object("value", "$.event_id"))
        .join(events, on="event_id", how="left_semi")
    )
    counts = (
        lines.groupBy("load_date").agg(F.count("*").alias("lines")),
        events.groupBy("load_date").agg(
            F.count("*").alias("events"),
            F.count_distinct("event_id").alias("first_deliveries"),
            F.count_if(F.col("event_date") < F.col("load_date")).alias("late"),
            F.max("event_time").alias("newest_event"),
        ),
        by_reason.groupBy("load_date").agg(
            F.sum("rows").alias("quarantined"),
            F.map_from_entries(F.collect_list(F.struct("reason", "rows"))).alias("reasons"),
        ),
        delivered.groupBy("load_date").agg(F.count("*").alias("deliveries")),
    )
    report = counts[0]
    for other in counts[1:]:
        report = report.join(other, on="load_date", how="left")
    every = bad.groupBy("reason").agg(F.count("*").alias("rows"))
    reasons = every.agg(F.map_from_entries(F.collect_list(F.struct("reason", "rows"))).alias("all"))
    report = report.fillna(0).crossJoin(reasons).withColumn("reasons", F.col("all"))
    duplicates = F.col("deliveries") - F.col("first_deliveries")
    lost = F.col("lines") - F.col("events") - F.col("quarantined") - duplicates
    return report.select(
        *("load_date", "lines", "events", "quarantined", duplicates.alias("duplicates")),
        *(lost.alias("lost"), "late", "newest_event", "reasons"),
    )

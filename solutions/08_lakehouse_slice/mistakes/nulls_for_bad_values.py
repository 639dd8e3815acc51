# fails: test_each_line_is_kept_or_quarantined
# because: a cast that fails quietly turns an unreadable amount into no amount


def refine(spark: SparkSession, schema: str, day: date) -> None:
    of_day = F.col("load_date") == F.lit(day)
    clicks = read_clicks(spark.table(f"{schema}.bronze_clicks").where(of_day))
    changes = read_changes(spark.table(f"{schema}.bronze_customers"))
    events = spark.table(f"{schema}.silver_events")
    kept_elsewhere = events.where(~of_day).select("event_id")
    unreadable = ("bad_customer_id", "bad_event_time", "bad_amount")
    clicks = clicks.withColumn(
        "reason", F.when(~F.col("reason").isin(*unreadable), F.col("reason"))
    )
    first_file = Window.partitionBy("event_id").orderBy("source_file")
    first = (
        clicks.where("reason IS NULL")
        .withColumn("delivery", F.row_number().over(first_file))
        .where("delivery = 1")
        .join(kept_elsewhere, on="event_id", how="left_anti")
        .select(events.columns)
    )
    bad = faulty(clicks, "clicks").unionByName(faulty(changes.where(of_day), "customers"))
    history = versions(changes.where("reason IS NULL"))
    history.writeTo(f"{schema}.silver_customers").overwrite(F.lit(True))
    first.writeTo(f"{schema}.silver_events").overwrite(of_day)
    bad.writeTo(f"{schema}.quarantine").overwrite(of_day)

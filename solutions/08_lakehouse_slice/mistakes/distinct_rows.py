# fails: test_an_event_is_kept_once_as_first_delivered
# because: two deliveries of an event differ in sent_at and in their file


def refine(spark: SparkSession, schema: str, day: date) -> None:
    of_day = F.col("load_date") == F.lit(day)
    clicks = read_clicks(spark.table(f"{schema}.bronze_clicks").where(of_day))
    changes = read_changes(spark.table(f"{schema}.bronze_customers"))
    events = spark.table(f"{schema}.silver_events")
    kept_elsewhere = events.where(~of_day).select("event_id")
    first = (
        clicks.where("reason IS NULL")
        .dropDuplicates(["value", "source_file"])
        .join(kept_elsewhere, on="event_id", how="left_anti")
        .select(events.columns)
    )
    bad = faulty(clicks, "clicks").unionByName(faulty(changes.where(of_day), "customers"))
    history = versions(changes.where("reason IS NULL"))
    history.writeTo(f"{schema}.silver_customers").overwrite(F.lit(True))
    first.writeTo(f"{schema}.silver_events").overwrite(of_day)
    bad.writeTo(f"{schema}.quarantine").overwrite(of_day)

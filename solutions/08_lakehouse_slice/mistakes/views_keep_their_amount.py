# fails: test_good_events_are_typed
# because: a sum over all events counts what was only looked at


def refine(spark: SparkSession, schema: str, day: date) -> None:
    of_day = F.col("load_date") == F.lit(day)
    clicks = read_clicks(spark.table(f"{schema}.bronze_clicks").where(of_day))
    changes = read_changes(spark.table(f"{schema}.bronze_customers"))
    amount = F.get_json_object("value", "$.amount").try_cast("decimal(10,2)")
    clicks = clicks.withColumn("amount", amount)
    events = spark.table(f"{schema}.silver_events")
    kept_elsewhere = events.where(~of_day).select("event_id")
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

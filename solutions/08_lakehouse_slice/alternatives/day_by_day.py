# because: variants for the lines, rows of other days ranked with those of the day, figures compared on the driver (gold is small)


def refine(spark: SparkSession, schema: str, day: date) -> None:
    of_day = F.col("load_date") == F.lit(day)

    def read(source: str, kinds: dict[str, str]) -> DataFrame:
        lines = spark.table(f"{schema}.bronze_{source}")
        said = lines.withColumn("said", F.try_parse_json("value"))
        said = said.withColumn("fields", F.from_json("value", "map<string, string>"))
        typed = [F.try_variant_get("said", f"$.{name}", kind) for name, kind in kinds.items()]
        names = dict(zip(kinds, typed, strict=True))
        return said.withColumns(names)

    def reason(*rules: tuple[str, Column]) -> Column:
        told = F.when(F.isnull("fields"), "not_json")
        for name, bad in rules:
            told = told.when(F.coalesce(bad, F.lit(True)), name)
        return told

    bought = F.col("event_type") == "purchase"
    clicks = read("clicks", CLICK).where(of_day)
    clicks = clicks.withColumn(
        "reason",
        reason(
            ("bad_event_id", F.col("event_id") == ""),
            ("bad_event_type", ~F.col("event_type").isin("view", "purchase")),
            ("bad_customer_id", F.isnull("customer_id")),
            ("bad_event_time", F.isnull("event_time")),
            ("bad_amount", bought & ~F.coalesce(F.col("amount") >= 0, F.lit(False))),
        ),
    )
    changes = read("customers", CHANGE)
    changes = changes.withColumn(
        "reason",
        reason(
            ("bad_op", ~F.col("op").isin("c", "u", "d")),
            ("bad_lsn", F.isnull("lsn")),
            ("bad_ts", F.isnull("ts")),
            ("bad_customer_id", F.isnull("customer_id")),
        ),
    )
    rest = F.map_filter("fields", lambda name, _: ~name.isin([*CLICK, "sent_at"]))
    table = spark.table(f"{schema}.silver_events")
    others = table.where(~of_day).select("event_id", F.lit(0).alias("rank"))
    good = clicks.where("reason IS NULL").withColumns(
        {
            "event_date": F.to_date("event_time"),
            "amount": F.when(bought, F.col("amount")),
            "rescued": F.when(F.size(rest) > 0, rest),
            "rank": F.lit(1),
        }
    )
    # Rows of other days take part in the window, so that no second join is needed.
    both = good.drop("said", "value", "fields", "reason").unionByName(
        others, allowMissingColumns=True
    )
    place = F.row_number().over(Window.partitionBy("event_id").orderBy("rank", "source_file"))
    first = both.withColumn("place", place).where("place = 1 AND rank = 1").select(table.columns)
    aside = [
        frame.where(of_day & F.isnotnull("reason")).select(
            F.lit(source).alias("source"), "value", "reason", "load_date", "source_file"
        )
        for source, frame in (("clicks", clicks), ("customers", changes))
    ]
    first.writeTo(f"{schema}.silver_events").overwrite(of_day)
    aside[0].unionByName(aside[1]).writeTo(f"{schema}.quarantine").overwrite(of_day)
    history = versions(changes.where("reason IS NULL"))
    history.writeTo(f"{schema}.silver_customers").overwrite(F.lit(True))


def publish(spark: SparkSession, schema: str) -> None:
    events = spark.table(f"{schema}.silver_events").where("event_type = 'purchase'")
    history = spark.table(f"{schema}.silver_customers").withColumnRenamed("customer_id", "who")
    ends = F.coalesce("effective_to", F.lit("9999-12-31").cast("timestamp"))
    during = (F.col("event_time") >= F.col("effective_from")) & (F.col("event_time") < ends)
    figures = (
        events.join(history, (F.col("customer_id") == F.col("who")) & during, how="left")
        .groupBy("event_date", F.ifnull("segment", F.lit("unknown")).alias("segment"))
        .agg(F.sum("amount").alias("revenue"), F.count("event_id").alias("purchases"))
    )
    gold = spark.table(f"{schema}.gold_revenue")
    by_day = [{tuple(row) for row in frame.collect()} for frame in (figures, gold)]
    days = sorted({row[0] for row in by_day[0] ^ by_day[1]})
    if days:
        changed = spark.createDataFrame([row for row in by_day[0] if row[0] in days], gold.schema)
        listed = ", ".join(f"DATE '{day}'" for day in days)
        writer = changed.write.format("delta").mode("overwrite")
        writer.option("replaceWhere", f"event_date IN ({listed})").saveAsTable(
            f"{schema}.gold_revenue"
        )


def quality_report(spark: SparkSession, schema: str) -> DataFrame:
    lines = spark.table(f"{schema}.bronze_clicks")
    events = spark.table(f"{schema}.silver_events")
    bad = spark.table(f"{schema}.quarantine").where("source = 'clicks'")
    aside = bad.select("value", "source_file", F.lit(True).alias("is_bad")).distinct()
    known = events.select("event_id", F.lit(True).alias("is_known")).distinct()
    arrived = (
        lines.join(aside, on=["value", "source_file"], how="left")
        .withColumn("event_id", F.get_json_object("value", "$.event_id"))
        .join(known, on="event_id", how="left")
        .groupBy("load_date")
        .agg(
            F.count("*").alias("lines"),
            F.count_if(F.isnull("is_bad") & F.isnotnull("is_known")).alias("deliveries"),
        )
    )
    kept = events.groupBy("load_date").agg(
        F.count("*").alias("events"),
        F.count_distinct("event_id").alias("firsts"),
        F.count_if(F.col("event_date") < F.col("load_date")).alias("late"),
        F.max("event_time").alias("newest_event"),
    )
    told = (
        bad.groupBy("load_date", "reason")
        .count()
        .groupBy("load_date")
        .agg(
            F.sum("count").alias("quarantined"),
            F.map_from_arrays(F.collect_list("reason"), F.collect_list("count")).alias("reasons"),
        )
    )
    every = arrived.join(kept, "load_date", "left").join(told, "load_date", "left").na.fill(0)
    every = every.withColumn("duplicates", F.col("deliveries") - F.col("firsts"))
    lost = F.expr("lines - events - quarantined - duplicates").alias("lost")
    first = ("load_date", "lines", "events", "quarantined", "duplicates")
    return every.select(*first, lost, "late", "newest_event", "reasons")

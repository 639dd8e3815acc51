# because: lines read by a Python function, rows of all days ranked, figures compared on the driver
import json

KNOWN = ("event_id", "event_type", "customer_id", "event_time", "amount", "sent_at")
INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$"


@F.udf("map<string, string>")
def said(line: str) -> dict[str, str | None] | None:
    """The fields of a line as text, None where it is no JSON object."""
    try:
        fields = json.loads(line)
    except json.JSONDecodeError:
        return None
    if not isinstance(fields, dict):
        return None
    return {
        name: value if value is None or isinstance(value, str) else json.dumps(value)
        for name, value in fields.items()
    }


def refine(spark: SparkSession, schema: str, day: date) -> None:
    of_day = F.col("load_date") == F.lit(day)

    def text(name: str, pattern: str) -> Column:
        return F.regexp_extract(F.col("said")[name], pattern, 0)

    def reason(*rules: tuple[str, Column]) -> Column:
        told = F.when(F.isnull("said"), "not_json")
        for name, good in rules:
            told = told.when(~F.coalesce(good, F.lit(False)), f"bad_{name}")
        return told

    whole = {
        name: F.col("said")[name].try_cast("long").alias(name) for name in ("customer_id", "lsn")
    }
    digits = {name: text(name, r"^\d+$") != "" for name in whole}
    clicks = spark.table(f"{schema}.bronze_clicks").where(of_day)
    clicks = clicks.withColumn("said", said("value"))
    money = F.col("said")["amount"]
    bought = F.col("said")["event_type"] == "purchase"
    clicks = clicks.select(
        *("value", "said", "load_date", "source_file"),
        F.col("said")["event_id"].alias("event_id"),
        F.col("said")["event_type"].alias("event_type"),
        whole["customer_id"],
        text("event_time", INSTANT).try_cast("timestamp").alias("event_time"),
        F.when(bought, money.try_cast("decimal(10,2)")).alias("amount"),
    ).withColumn(
        "reason",
        reason(
            ("event_id", text("event_id", "^[-0-9A-Za-z]+$") != ""),
            ("event_type", F.col("event_type").isin("view", "purchase")),
            ("customer_id", digits["customer_id"] & F.isnotnull("customer_id")),
            ("event_time", F.isnotnull("event_time")),
            (
                "amount",
                (F.col("event_type") == "view")
                | ((text("amount", r"^\d+(\.\d\d?0*)?$") != "") & F.isnotnull("amount")),
            ),
        ),
    )
    changes = spark.table(f"{schema}.bronze_customers").withColumn("said", said("value"))
    changes = changes.select(
        *("value", "said", "load_date", "source_file", *whole.values()),
        text("ts", INSTANT).try_cast("timestamp").alias("ts"),
        *(F.col("said")[name].alias(name) for name in ("op", "name", "segment", "country")),
    ).withColumn(
        "reason",
        reason(
            ("op", F.col("op").isin("c", "u", "d")),
            ("lsn", digits["lsn"] & F.isnotnull("lsn")),
            ("ts", F.isnotnull("ts")),
            ("customer_id", digits["customer_id"] & F.isnotnull("customer_id")),
        ),
    )
    table = spark.table(f"{schema}.silver_events")
    others = table.where(~of_day).select("event_id", F.lit(0).alias("rank"))
    rest = F.map_filter("said", lambda name, _: ~name.isin(*KNOWN))
    good = clicks.where("reason IS NULL").withColumns(
        {
            "event_date": F.to_date("event_time"),
            "rescued": F.when(F.size(rest) > 0, rest),
            "rank": F.lit(1),
        }
    )
    # Rows of other days take part in the window, so that no second join is needed.
    both = good.drop("value", "said", "reason").unionByName(others, allowMissingColumns=True)
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
    files = events.groupBy("event_id").agg(F.collect_set("source_file").alias("files"))
    in_file = Window.partitionBy("source_file", "event_id").orderBy("value")
    elsewhere = F.exists("files", lambda file: file != F.col("source_file"))
    arrived = (
        lines.join(aside, on=["value", "source_file"], how="left")
        .withColumn("event_id", F.get_json_object("value", "$.event_id"))
        .join(files, on="event_id", how="left")
        .withColumn("place", F.row_number().over(in_file))
        .withColumn("again", F.isnotnull("files") & (elsewhere | (F.col("place") > 1)))
        .groupBy("load_date")
        .agg(
            F.count("*").alias("lines"),
            F.count_if(F.isnull("is_bad") & F.col("again")).alias("duplicates"),
        )
    )
    kept = events.groupBy("load_date").agg(
        F.count("*").alias("events"),
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
    lost = F.expr("lines - events - quarantined - duplicates").alias("lost")
    first = ("load_date", "lines", "events", "quarantined", "duplicates")
    return every.select(*first, lost, "late", "newest_event", "reasons")

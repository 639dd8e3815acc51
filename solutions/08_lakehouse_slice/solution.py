# ---
# level: senior
# minutes: 180
# needs: []
# datasets: [shop_landing]
# topics: [delta, medallion, structured streaming, data quality, backfill, take-home]
# ---
# %% [markdown]
# # Build a slice of a lakehouse, from files to revenue
#
# This is the take-home piece: three hours, five functions, one small lakehouse. An ERP delivers changes of customers, a web shop delivers clicks; both arrive late, twice, broken, and with fields that nobody
# announced. You land them, clean them, publish revenue by segment and day, repair a day, and prove with figures that no line is lost.
#
# **You will learn** to
#
# - divide the work between bronze, silver and gold so that each step can be repeated,
# - keep published numbers right when events and customers arrive late, and rewrite nothing else,
# - account for every line that arrived, and repair one day without touching the others.

# %% [markdown]
# ## The data
#
# `shop_landing` is what arrived on four days: `customers/<day>/*.json` are changes from the ERP's log, `clicks/<day>/*.json` what happened in the shop. The folder's name is the **load day**, the day of arrival. A
# file is complete when it is there and never changes; more files may appear in the folder of any day, and old ones are moved away after some days.

# %%
import labkit

lab = labkit.open("lakehouse_slice")
spark = lab.spark
data = lab.data("shop_landing")
sorted(str(path.relative_to(data)) for path in data.rglob("*.json"))

# %% [markdown]
# A line is a JSON object, or should be. Look at the third day: what is new in the shop's lines, compared with the first day? Which times are not written in UTC?

# %%
for file in (
    "customers/2026-06-03/changes-1",
    "clicks/2026-06-01/clicks-1",
    "clicks/2026-06-03/clicks-1",
):
    print(file)
    print(*(data / f"{file}.json").read_text("utf-8").splitlines()[:4], sep="\n", end="\n\n")

# %% [markdown]
# The columns of the six tables are fixed, and so are their partitions. `create_tables` makes them empty; your functions write into tables that exist.

# %%
from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

BRONZE = "value string, load_date date, source_file string"
TABLES = {
    "bronze_customers": (BRONZE, "load_date"),
    "bronze_clicks": (BRONZE, "load_date"),
    "silver_customers": (
        "customer_id long, name string, segment string, country string, "
        "effective_from timestamp, effective_to timestamp, is_current boolean",
        None,
    ),
    "silver_events": (
        "event_id string, event_type string, customer_id long, event_time timestamp, event_date date, "
        "amount decimal(10,2), rescued map<string, string>, load_date date, source_file string",
        "load_date",
    ),
    "quarantine": (
        "source string, value string, reason string, load_date date, source_file string",
        "load_date",
    ),
    "gold_revenue": (
        "event_date date, segment string, revenue decimal(20,2), purchases long",
        "event_date",
    ),
}


def create_tables(schema: str) -> None:
    """The six tables, empty."""
    for name, (columns, partition) in TABLES.items():
        by = f"PARTITIONED BY ({partition})" if partition else ""
        spark.sql(f"CREATE OR REPLACE TABLE {schema}.{name} ({columns}) USING delta {by}")


# %% [markdown]
# If your functions share pieces, they have their place in the next cell; you may leave it as it is, and come back.

# %%
# BEGIN SOLUTION: functions and names that several tasks use, if you want any
CLICK = {
    "event_id": "string",
    "event_type": "string",
    "customer_id": "long",
    "event_time": "timestamp",
    "amount": "decimal(10,2)",
}
CHANGE = {
    "op": "string",
    "lsn": "long",
    "ts": "timestamp",
    "customer_id": "long",
    "name": "string",
    "segment": "string",
    "country": "string",
}


def typed(lines: DataFrame, kinds: dict[str, str]) -> DataFrame:
    """Lines with their fields as a map, and these fields typed: null where absent or of another kind."""
    fields = lines.withColumn("fields", F.from_json("value", "map<string, string>"))
    return fields.select(
        "*", *(F.col("fields")[n].try_cast(kind).alias(n) for n, kind in kinds.items())
    )


def first_fault(rules: dict[str, Column]) -> Column:
    """The reason for quarantine: the first rule that does not hold, null when all do."""
    # A comparison with null is null, neither true nor false: only a rule that holds is good.
    broken = [F.when(~F.coalesce(rule, F.lit(False)), name) for name, rule in rules.items()]
    return F.coalesce(F.when(F.col("fields").isNull(), "not_json"), *broken)


def read_clicks(lines: DataFrame) -> DataFrame:
    """Lines of the shop with the columns of an event, and a `reason` where they are none."""
    purchase = F.col("event_type") == "purchase"
    rest = F.map_filter("fields", lambda name, _: ~name.isin(*CLICK, "sent_at"))
    rules = {
        "bad_event_id": F.col("event_id") != "",
        "bad_event_type": F.col("event_type").isin("view", "purchase"),
        "bad_customer_id": F.col("customer_id").isNotNull(),
        "bad_event_time": F.col("event_time").isNotNull(),
        "bad_amount": ~purchase | (F.col("amount") >= 0),
    }
    return typed(lines, CLICK).withColumns(
        {
            "reason": first_fault(rules),
            "event_date": F.to_date("event_time"),
            "amount": F.when(purchase, F.col("amount")),
            "rescued": F.when(F.size(rest) > 0, rest),
        }
    )


def read_changes(lines: DataFrame) -> DataFrame:
    """Lines of the ERP with typed columns, and a `reason` where they are no changes."""
    rules = {
        "bad_op": F.col("op").isin("c", "u", "d"),
        "bad_lsn": F.col("lsn").isNotNull(),
        "bad_ts": F.col("ts").isNotNull(),
        "bad_customer_id": F.col("customer_id").isNotNull(),
    }
    return typed(lines, CHANGE).withColumn("reason", first_fault(rules))


def faulty(lines: DataFrame, source: str) -> DataFrame:
    """The rows of `quarantine` that these lines make."""
    bad = lines.where("reason IS NOT NULL")
    return bad.select(F.lit(source).alias("source"), "value", "reason", "load_date", "source_file")


def versions(changes: DataFrame) -> DataFrame:
    """The rows of `silver_customers` that these changes make."""
    by_log = Window.partitionBy("customer_id").orderBy("lsn")
    # Two deliveries of a log position are the same change: any of them will do.
    ends = changes.dropDuplicates(["lsn"]).withColumn("effective_to", F.lead("ts").over(by_log))
    valid = "op != 'd' AND (effective_to IS NULL OR effective_to > ts)"
    return ends.where(valid).select(
        *("customer_id", "name", "segment", "country", F.col("ts").alias("effective_from")),
        *("effective_to", F.isnull("effective_to").alias("is_current")),
    )


# END SOLUTION


# %%
def ingest(spark: SparkSession, landing: str, schema: str, checkpoint: str) -> None:
    """Appends the lines of new files to the bronze tables, as they are, with where they came from."""
    # BEGIN SOLUTION: read the files of each source as a stream of lines, append those of unknown files
    path = F.col("_metadata.file_path")
    load_date = F.regexp_extract(path, r"([^/]+)/[^/]+$", 1).cast("date")
    source_file = F.regexp_extract(path, r"([^/]+/[^/]+/[^/]+)$", 1)

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
    # END SOLUTION


# %%
def refine(spark: SparkSession, schema: str, day: date) -> None:
    """Makes the rows of a load day in silver and quarantine from bronze, and the customers' history."""
    # BEGIN SOLUTION: read the day's lines, split them, keep first deliveries, replace the rows of the day
    of_day = F.col("load_date") == F.lit(day)
    clicks = read_clicks(spark.table(f"{schema}.bronze_clicks").where(of_day))
    changes = read_changes(spark.table(f"{schema}.bronze_customers"))
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
    # END SOLUTION


# %%
def publish(spark: SparkSession, schema: str) -> None:
    """Brings `gold_revenue` up to date; rewrites the days whose figures differ, and no other."""
    # BEGIN SOLUTION: compute revenue as of event time, find the days that differ, replace these
    events = spark.table(f"{schema}.silver_events").where("event_type = 'purchase'")
    valid = (
        (F.col("event.customer_id") == F.col("version.customer_id"))
        & (F.col("event_time") >= F.col("effective_from"))
        & (F.col("effective_to").isNull() | (F.col("event_time") < F.col("effective_to")))
    )
    customers = spark.table(f"{schema}.silver_customers").alias("version")
    segment = F.coalesce("segment", F.lit("unknown")).alias("segment")
    computed = (
        events.alias("event")
        .join(customers, valid, how="left")
        .groupBy("event_date", segment)
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("purchases"))
    )
    published = spark.table(f"{schema}.gold_revenue")
    both = computed.withColumn("side", F.lit(1)).unionByName(
        published.withColumn("side", F.lit(-1))
    )
    differing = both.groupBy(published.columns).agg(F.sum("side").alias("side")).where("side != 0")
    days = [row["event_date"] for row in differing.select("event_date").distinct().collect()]
    if days:
        differs = F.col("event_date").isin(days)
        computed.where(differs).writeTo(f"{schema}.gold_revenue").overwrite(differs)
    # END SOLUTION


# %%
def backfill(spark: SparkSession, schema: str, day: date) -> None:
    """Makes everything that follows from the lines of a load day anew."""
    # BEGIN SOLUTION: refine the day again, which replaces its rows, and publish what changes
    refine(spark, schema, day)
    publish(spark, schema)
    # END SOLUTION


# %%
def quality_report(spark: SparkSession, schema: str) -> DataFrame:
    """One row a load day of clicks: what arrived, and what became of it."""
    # BEGIN SOLUTION: count each table by load day, and duplicates from the lines themselves
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
    report = report.fillna(0)
    duplicates = F.col("deliveries") - F.col("first_deliveries")
    lost = F.col("lines") - F.col("events") - F.col("quarantined") - duplicates
    return report.select(
        *("load_date", "lines", "events", "quarantined", duplicates.alias("duplicates")),
        *(lost.alias("lost"), "late", "newest_event", "reasons"),
    )
    # END SOLUTION

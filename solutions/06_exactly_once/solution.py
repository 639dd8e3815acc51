# ---
# level: senior
# minutes: 90
# needs: [kafka]
# datasets: [order_events]
# topics: [kafka, structured streaming, exactly-once, idempotence, dead letters]
# ---
# %% [markdown]
# # Land a Kafka topic in Delta exactly once
#
# An order service writes its events to Kafka; you land them in Delta and serve the status of each order. The producer sends some events twice and some messages that are no events at all, and your job will be
# killed, restarted without its checkpoint and deployed with a bug. At the end every message is accounted for: served once, or in the dead letter table with a reason.
#
# **You will learn** to
#
# - choose an identity for each row, so that writing it again does nothing,
# - keep two sinks right when a job dies between them, or starts again from nothing,
# - mend what a bad deploy wrote, from the offsets it read.

# %% [markdown]
# ## The data
#
# `order_events` is a day of one topic with two partitions, in the order of sending. Line by line it tells what a producer sends: key, value, partition, Kafka's timestamp, and whether
# the message's transaction was taken back (`aborted`).

# %%
import labkit

lab = labkit.open("exactly_once")
spark = lab.spark
folder = lab.data("order_events")
messages = spark.read.json(str(folder))
messages.orderBy("timestamp_ms").select("key", "partition", "value").show(4, truncate=False)

# %% [markdown]
# The value of a good message is JSON: an event with a unique `event_id`, and `seq`, which numbers the events of one order from 1. A producer without an acknowledgement sends the event again, with
# another `attempt`: same event, other bytes, other offset. Some messages are poison:

# %%
messages.where("value IS NULL OR value NOT LIKE '%\"attempt\"%'").select("value").distinct().show(
    6, truncate=70
)

# %% [markdown]
# Two tables take what comes. An event is one row of `orders`, known by its `event_id`. A dead letter has no identity of its own; what tells two apart is where they lie: topic, partition, offset.

# %%
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

ORDERS = (
    "event_id string, order_id string, seq long, status string, amount decimal(10,2), event_time timestamp, "
    "produced_at timestamp, topic string, partition int, offset long"
)
DEAD = "topic string, partition int, offset long, reason string, value binary"
STATUSES = ("created", "paid", "shipped", "delivered", "cancelled")


def create_tables(schema: str) -> dict[str, str]:
    """Two empty tables; their names, by what they hold."""
    tables = {"orders": f"{schema}.orders", "dead": f"{schema}.dead_letters"}
    for which, ddl in (("orders", ORDERS), ("dead", DEAD)):
        spark.sql(f"CREATE OR REPLACE TABLE {tables[which]} ({ddl}) USING delta")
    return tables


tables = create_tables(lab.schema)

# %% [markdown]
# ## Task 1: tell events from poison
#
# Write `parse(raw)`; `raw` has the columns of Spark's [Kafka source](https://spark.apache.org/docs/latest/streaming/structured-streaming-kafka-integration.html): `key` and `value` binary, `topic`, `partition`, `offset`, `timestamp`, `timestampType`.
# It returns a pair of frames, `(orders, dead)`, with the columns of the two tables. Each row of `raw` is in exactly one of them; no message stops the job.
#
# - `orders`: an event whose fields are all good. `event_id` and `order_id` are not empty, `seq` is at least 1, `status` is one of `STATUSES`, `amount` is a number of at least 0, `event_time` a time. `produced_at` is Kafka's `timestamp`. Further fields don't matter.
# - `dead`: all others, with the bytes of `value` as they came. `reason` is `no_value` (null), `not_json`, or `bad_` and the first bad field in the order above, such as `bad_amount`.
#
# [`try_parse_json`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.try_parse_json.html) and `try_variant_get` are one way.


# %%
def parse(raw: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The messages of `raw` as typed events, and those that are none, each with its reason."""

    # BEGIN SOLUTION: read each field so that a bad one is null, name the first bad field, split by that
    def field(name: str, kind: str) -> F.Column:
        return F.try_variant_get("json", f"$.{name}", kind).alias(name)

    read = raw.withColumn("json", F.try_parse_json(F.col("value").cast("string"))).select(
        field("event_id", "string"),
        field("order_id", "string"),
        field("seq", "long"),
        field("status", "string"),
        field("amount", "decimal(10,2)"),
        field("event_time", "timestamp"),
        F.col("timestamp").alias("produced_at"),
        *("topic", "partition", "offset", "value", "json"),
    )
    rules = {
        "event_id": F.col("event_id") != "",
        "order_id": F.col("order_id") != "",
        "seq": F.col("seq") >= 1,
        "status": F.col("status").isin(*STATUSES),
        "amount": F.col("amount") >= 0,
        "event_time": F.col("event_time").isNotNull(),
    }
    reason = F.coalesce(
        F.when(F.col("value").isNull(), "no_value"),
        F.when(F.col("json").isNull(), "not_json"),
        # A comparison with null is null, neither true nor false: only a rule that holds is good.
        *(F.when(~F.coalesce(rule, F.lit(False)), f"bad_{name}") for name, rule in rules.items()),
    )
    told = read.withColumn("reason", reason)
    orders = told.where("reason IS NULL").drop("value", "json", "reason")
    dead = told.where("reason IS NOT NULL").select(
        "topic", "partition", "offset", "reason", "value"
    )
    return orders, dead
    # END SOLUTION


# %% [markdown]
# The checks send you messages that are broken in one place each, and count: nothing may be in both frames, or in neither.

# %%
lab.check("parse")

# %% [markdown]
# ## Task 2: write a batch as often as you like
#
# Write `write_batch(batch, batch_id, tables)`: raw rows, the number of the micro-batch, and the names of the tables under `orders` and `dead`. The events go to one table, the dead letters to the other.
#
# - `orders` holds each `event_id` once: its first delivery. Of several in a batch that is the one with the smallest offset (all deliveries of an event share a partition); one that is in the table stays as it is.
# - `dead` holds each message once, by topic, partition and offset. Two messages with equal bytes are two.
# - The same rows may come again: after a crash between the two writes, in other batches, under another number. A number may come again with other rows: without its checkpoint a query counts from 0.
#
# A write that fails must fail the call. [`MERGE`](https://docs.delta.io/latest/delta-update.html#upsert-into-a-table-using-merge) with only a not-matched clause inserts what is absent.


# %%
def write_batch(batch: DataFrame, batch_id: int, tables: dict[str, str]) -> None:
    """Adds the events and dead letters of a batch that the tables don't hold yet."""
    # BEGIN SOLUTION: insert what is absent, by the identity of each table's rows
    orders, dead = parse(batch)
    # MERGE inserts two equal source rows twice: neither finds the other in the table.
    first = F.min_by(F.struct("*"), "offset").alias("first")
    once = orders.groupBy("event_id").agg(first).select("first.*")
    message = "old.topic = new.topic AND old.partition = new.partition AND old.offset = new.offset"
    for name, rows, same in (
        (tables["orders"], once, "old.event_id = new.event_id"),
        (tables["dead"], dead, message),
    ):
        table = DeltaTable.forName(batch.sparkSession, name).alias("old")
        table.merge(rows.alias("new"), same).whenNotMatchedInsertAll().execute()
    # END SOLUTION


# %% [markdown]
# In the check one of the tables refuses a row, so a call dies between its two writes, whichever you do first. Then the same rows come again, and a query that has lost its
# checkpoint brings old and new rows under numbers that were used before.

# %%
lab.check("write_batch")

# %% [markdown]
# ## Task 3: from the topic to the tables
#
# Write `run_pipeline(spark, bootstrap, topic, tables, checkpoint)`: it reads all that is in `topic` at the broker `bootstrap`, lets `write_batch` write it, and returns when that is done. `checkpoint` is a folder: called again with it, the function goes on
# with what is new; with an empty one it begins at the earliest offset. What a producer took back in its transaction is never served, and a call whose writes fail raises.
#
# `lab.kafka()` starts a broker for this notebook and gives its address.

# %%
bootstrap = lab.kafka()
bootstrap


# %%
def run_pipeline(
    spark: SparkSession, bootstrap: str, topic: str, tables: dict[str, str], checkpoint: str
) -> None:
    """Lands what is new in the topic, and returns when that is done."""
    # BEGIN SOLUTION: read committed messages from the earliest offset, write each batch, keep the checkpoint
    stream = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .option("kafka.isolation.level", "read_committed")
        .load()
    )
    writer = stream.writeStream.foreachBatch(
        lambda batch, batch_id: write_batch(batch, batch_id, tables)
    )
    query = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
    query.awaitTermination()
    # END SOLUTION


# %% [markdown]
# The checks produce to a topic of their own and call three times: a write fails in the middle of the first call, more messages come before the second, and the third finds an empty checkpoint. What was produced is compared with the tables, message by message.

# %%
lab.check("run_pipeline")

# %% [markdown]
# ## Task 4: serve the status
#
# Write `serving_view(spark, tables)` -> one row an order: `order_id`, `status` and `amount` of the event with the greatest `seq`, `seq`, `updated_at` (its `event_time`) and two columns that say how far behind the row may be: `delay_seconds` (double, from `event_time` to `produced_at` of that event), and
# `missing_events` (long, how many events of the order up to `seq` are not there).
#
# A report reads the frame several times: rows, then totals. It must show one state, that of the moment of the call, also when a batch lands between two reads. Delta reads a table
# [as of a version](https://docs.delta.io/latest/delta-batch.html#query-an-older-snapshot-of-a-table-time-travel).


# %%
def serving_view(spark: SparkSession, tables: dict[str, str]) -> DataFrame:
    """The newest status of each order, in one version of the table, and how far behind it may be."""
    # BEGIN SOLUTION: pin the version, then take the event with the greatest seq of each order
    version = DeltaTable.forName(spark, tables["orders"]).history(1).first()["version"]
    events = spark.read.option("versionAsOf", version).table(tables["orders"])
    newest = F.max_by(F.struct("*"), "seq").alias("newest")
    delay = F.col("newest.produced_at").cast("double") - F.col("newest.event_time").cast("double")
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
    # END SOLUTION


# %% [markdown]
# The check reads your frame, lands a batch, and reads the same frame again.

# %%
lab.check("serving_view")

# %% [markdown]
# ## Task 5: mend a bad deploy
#
# For an hour a faulty `parse` ran: wrong amounts in `orders`, good events in `dead`, poison in `orders`. It is mended now, but the offsets are committed. Write `replay(spark, bootstrap, topic, tables, offsets)`; `offsets` says what to process again: `{partition: (first, end)}`, `end` excluded, other
# partitions not at all.
#
# - Afterwards the tables hold for that range what today's `parse` makes of it, by the rules of Task 2; rows from all other offsets stay as they are.
# - An event that is in `orders` from an offset outside the range stays that row.
# - Each table changes in one commit at most, so that nobody reads a hole, and a second replay changes no row.
#
# Kafka is also a [batch source](https://spark.apache.org/docs/latest/streaming/structured-streaming-kafka-integration.html#creating-a-kafka-source-for-batch-queries): `assign` names partitions, `startingOffsets` and `endingOffsets` are JSON.


# %%
def replay(
    spark: SparkSession,
    bootstrap: str,
    topic: str,
    tables: dict[str, str],
    offsets: dict[int, tuple[int, int]],
) -> None:
    """Makes the tables what today's `parse` says of these offsets; all other rows stay."""
    # BEGIN SOLUTION: read the range as a batch, then one MERGE a table: update, insert, delete what is no longer there
    import json

    def ends(which: int) -> str:
        return json.dumps({topic: {str(part): pair[which] for part, pair in offsets.items()}})

    raw = (
        spark.read.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("kafka.isolation.level", "read_committed")
        .option("assign", json.dumps({topic: list(offsets)}))
        .option("startingOffsets", ends(0))
        .option("endingOffsets", ends(1))
        .load()
    )
    orders, dead = parse(raw)
    first = F.min_by(F.struct("*"), "offset").alias("first")
    once = orders.groupBy("event_id").agg(first).select("first.*")
    parts = " OR ".join(
        f"old.partition = {part} AND old.offset >= {first} AND old.offset < {end}"
        for part, (first, end) in offsets.items()
    )
    replayed = f"old.topic = '{topic}' AND ({parts})"
    message = "old.topic = new.topic AND old.partition = new.partition AND old.offset = new.offset"
    for name, rows, same in (
        (tables["orders"], once, "old.event_id = new.event_id"),
        (tables["dead"], dead, message),
    ):
        table = DeltaTable.forName(spark, name).alias("old")
        merge = table.merge(rows.alias("new"), same).whenMatchedUpdateAll(condition=replayed)
        merge = merge.whenNotMatchedInsertAll()
        merge.whenNotMatchedBySourceDelete(condition=replayed).execute()
    # END SOLUTION


# %% [markdown]
# The check makes tables as the bad deploy left them, replays the range twice and looks at every row, and at the commits.

# %%
lab.check("replay")

# %%
lab.next()

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
poison = messages.where("NOT aborted AND (value IS NULL OR value NOT LIKE '%\"attempt\"%')")
poison.select("value").distinct().show(6, truncate=70)

# %% [markdown]
# Two tables take what comes. An event is one row of `orders`, known by its `event_id`. A dead letter has no identity of its own; what tells two apart is where they lie: topic, partition, offset.

# %%
from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
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
# - `dead`: all others, with the bytes of `value` as they came. `reason` is `no_value` (null), `not_json` (no JSON object; `[]` and `502` are none), or `bad_` and the first bad field in the order above, such as `bad_amount`.
#
# [`try_parse_json`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.try_parse_json.html) and `try_variant_get` are one way.


# %%
def parse(raw: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The messages of `raw` as typed events, and those that are none, each with its reason."""

    # BEGIN SOLUTION: read each field so that a bad one is null, name the first bad field, split by that
    def field(name: str, kind: str) -> Column:
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
        F.when(F.try_variant_get("json", "$", "map<string,variant>").isNull(), "not_json"),
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
# In the check the table of dead letters refuses a row, so a call dies half-way: after `orders`, if you write that first. Then the same rows come again, and a query that has lost its
# checkpoint brings old and new rows under numbers that were used before.

# %%
lab.check("write_batch")

# %% [markdown]
# ## Task 3: from the topic to the tables
#
# Write `run_pipeline(spark, bootstrap, topic, tables, checkpoint)`: it reads all that is in `topic` at the broker `bootstrap`, lets `write_batch` write it, and returns when that is done. `checkpoint` is a folder: called again with it, the function goes on
# with what is new; with an empty one it begins at the earliest offset. What a producer took back in its transaction is never served, and a call whose writes fail raises.
# What a failed call did not write comes again in the next one.
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
# - The tables may hold other topics, too; their rows stay as they are.
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
        f"old.partition = {part} AND old.offset >= {start} AND old.offset < {end}"
        for part, (start, end) in offsets.items()
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

# %% [markdown]
# ## Put it together
#
# Play the day into a topic of your own broker, in two parts. These cells wait until all five functions are written.

# %%
import json

from labkit.checks.kafka import Message, new_topic, send

done = lab.written("parse", "write_batch", "run_pipeline", "serving_view", "replay")
tables = create_tables(lab.schema)
topic = new_topic(bootstrap, partitions=2)


def play(part: str) -> int:
    """Sends one file of the day; how many of its messages were not taken back."""
    lines = (folder / f"{part}.jsonl").read_text("utf-8").splitlines()
    sent = [Message(**json.loads(line)) for line in lines]
    send(bootstrap, topic, sent)
    return sum(not message.aborted for message in sent)


# %% [markdown]
# Three runs: the morning, the afternoon, and one whose checkpoint is lost, so that it reads the day again. After each, set what was sent (and not taken back) against what the tables hold.

# %%
account = []
in_topic = 0
for run, part, checkpoint in (
    ("morning", "morning", "first"),
    ("afternoon", "afternoon", "first"),
    ("lost checkpoint", None, "second"),
):
    if done:
        if part:
            in_topic += play(part)
        run_pipeline(spark, bootstrap, topic, tables, str(lab.scratch / checkpoint))
        counts = [spark.table(tables[which]).count() for which in ("orders", "dead")]
        account.append((run, in_topic, *counts))
        print("{:16} {:4} messages {:4} orders {:3} dead letters".format(*account[-1]))

# %% [markdown]
# The difference must be deliveries of events that were there already. The producer numbers its attempts, so count the second ones in the files: nothing may be left over.

# %%
if done:
    again = messages.where("NOT aborted AND value LIKE '%\"attempt\": 2%'").count()
    _, _, orders, letters = account[-1]
    print(f"{in_topic} messages = {orders} orders + {letters} dead letters + {again} sent again")
    print("left over:", in_topic - orders - letters - again)

# %% [markdown]
# The picture sets what the job has read against what the tables hold. The third run reads everything a second time and adds nothing: that is all that exactly once
# means, at least once and a write that recognises its rows.

# %%
import matplotlib.pyplot as plt

if account:
    names = [run for run, *_ in account]
    sent = [count for _, count, _, _ in account]
    read = [sent[0], sent[1], sent[1] + sent[2]]
    orders, letters = ([row[at] for row in account] for at in (2, 3))
    places = range(len(names))
    figure, ax = plt.subplots(figsize=(8, 3.8), layout="constrained")
    ax.bar([at - 0.2 for at in places], read, width=0.36, color="lightgrey", label="messages read")
    right = [at + 0.2 for at in places]
    ax.bar(right, orders, width=0.36, color="C0", label="rows of orders")
    ax.bar(right, letters, 0.36, bottom=orders, color="C1", hatch="//", label="dead letters")
    ax.set_xticks(places, names)
    ax.set(xlabel="run", ylabel="since the start", title="Messages read and rows written")
    ax.legend(loc="upper left")
    plt.show()

# %% [markdown]
# Whose status came late? At the end of the day no event is missing, but a retry took up to an hour and a half.

# %%
if done:
    view = serving_view(spark, tables)
    print("orders with missing events:", view.where("missing_events > 0").count())
    view.orderBy(F.desc("delay_seconds"), "order_id").show(3, truncate=False)

# %% [markdown]
# Now the bad deploy: for an hour it took amounts as cents. You know the offsets from the deploy's log, so you replay them. Watch the sum.

# %%
if done:
    hour = "partition = 0 AND offset >= 20 AND offset < 40"
    total = f"SELECT sum(amount) AS amount FROM {tables['orders']}"
    print("before:      ", spark.sql(total).first().amount)
    spark.sql(f"UPDATE {tables['orders']} SET amount = amount / 100 WHERE {hour}")
    print("bad deploy:  ", spark.sql(total).first().amount)
    replay(spark, bootstrap, topic, tables, {0: (20, 40)})
    print("after replay:", spark.sql(total).first().amount)

# %% [markdown]
# ## In practice
#
# - **Exactly once is two halves.** The source can be read again from a known offset, and the sink recognises what it has. Kafka's transactions end at Kafka; no option reaches through to your table.
# - **`txnAppId` and `txnVersion`** make plain appends repeatable at the price of one commit entry, and need no key. They are right while the checkpoint lives. A new checkpoint counts from 0 again: with the old application id Delta skips new rows, with a new id it doubles old ones. Use them for sinks without a key, and
#   change the id with the checkpoint on purpose, together with the starting offsets.
# - **Cost.** An insert-only MERGE has to look for each new key in the table. Partition or cluster it by something that comes with the event, a date for example, and put it into the condition, or the look-up grows with the table. If redeliveries are at most a day apart, say so in the condition.
# - **Retention goes by the timestamp of messages**, not by their arrival. A backfill with old timestamps can be deleted minutes after it was sent; the broker of this lab keeps everything for that reason. A lost checkpoint and a `replay` reach back as far as retention does; for more, land the raw messages first.
# - **`failOnDataLoss` stays true.** It stops the job when offsets it needs are gone. With false, the count of lost messages is unknown.
# - **Dead letters are a queue, not a grave.** Alarm on their share, show the reasons by hour, and send mended ones through `replay` after the deploy that understands them.
# - **Bound the batch.** After an outage `maxOffsetsPerTrigger` decides whether the first batch fits into memory; with `availableNow` it makes several batches instead of one.
#
# **On Databricks**, the same source and `foreachBatch` run as jobs, and pipelines offer streaming tables with append flows and expectations that drop, keep or stop. You pay for a cluster that is up, or for the delay of a triggered run. What
# stays yours is the identity of a row, what happens to poison, the offsets of a deploy, and a rehearsal of the lost checkpoint.

# %% [markdown]
# ## Interview follow-ups
#
# 1. What does exactly once mean here, and where does it end?
# 2. Why not deduplicate in the stream, with a watermark, instead of in the sink?
# 3. Your job writes to two tables. Somebody joins them and finds orders of a batch whose dead letters are not there yet. What can you offer?
# 4. The producer has `enable.idempotence` on. Where do redelivered events still come from?
# 5. You find out that the checkpoint was deleted. What do you look at before you start the job?
# 6. Two jobs land the same topic by mistake, at the same time. What happens to your tables?
# 7. Replay changed 40 rows that a report has been built on. What else has to happen?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. The effect of each message is in the tables once, however often it was read or written. It ends at the tables: an e-mail sent from `foreachBatch` goes out again with the batch.
# 2. State forgets: after the watermark, or with a lost checkpoint, the event comes through again. It saves work in the sink and doesn't replace a sink that recognises its rows. It also drops what is late.
# 3. One transaction over both is not to be had in Delta as we use it here. Offer a batch's rows under one version of one table (a column tells events from dead letters), a table of finished batches that readers join, or a view
#    pinned to versions that the job publishes after both writes.
# 4. From above the client: the service retries its own call, is restarted and sends its outbox again, or reads its own input at least once. Idempotence covers retries of one producer session.
# 5. At the earliest offset of each partition against the last one in the table. If there is a gap, data is gone from Kafka and has to come from elsewhere. If not, an idempotent sink lets you start from the earliest; otherwise from the offsets that the table knows.
# 6. Both read the same rows as absent and insert them. Delta's conflict detection lets one MERGE fail when the other added files it should have read, and the failed batch comes again and finds them. Don't rely on that for appends: a blind append conflicts with nothing.
# 7. Who reads the table by version or change feed must get the change: publish what changed (the change data feed tells), recompute what was built on those orders, and write down offsets and reason. A replay is a data change with a release note.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Spark, [Structured Streaming and Kafka integration guide](https://spark.apache.org/docs/latest/streaming/structured-streaming-kafka-integration.html)
# - Delta Lake, [Idempotent table writes in foreachBatch](https://docs.delta.io/latest/delta-streaming.html#idempotent-table-writes-in-foreachbatch)
# - Apache Kafka, [Message delivery semantics](https://kafka.apache.org/documentation/#semantics)
# - Tyler Akidau, Slava Chernyak, Reuven Lax, *Streaming Systems*, chapter 5: exactly-once and side effects

# %%
lab.next()

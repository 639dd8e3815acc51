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
# An order service writes its events to Kafka. You land them in Delta and serve the status of each
# order. The producer sends some events twice, and some messages that are no events at all. Your job
# will be killed, restarted without its checkpoint, and deployed with a bug. At the end every
# message is accounted for: its event is served once, or it is in the dead letter table with a
# reason.
#
# **You will learn** to
#
# - choose an identity for each row, so that writing it again does nothing,
# - keep two tables right when a job dies between them, or starts again from nothing,
# - mend what a bad deploy wrote, from the offsets it read.

# %% [markdown]
# ## The data
#
# `order_events` is one day of a topic with two partitions. A line is one message, in the order of
# sending: key, value, partition, Kafka's timestamp, and whether the transaction of the message was
# taken back (`aborted`).

# %%
import labkit

lab = labkit.open("exactly_once")
spark = lab.spark
folder = lab.data("order_events")
messages = spark.read.json(str(folder))
messages.orderBy("timestamp_ms").select("key", "partition", "value").show(4, truncate=False)

# %% [markdown]
# The value of a good message is a JSON object, an event. Its `event_id` is unique, and `seq`
# numbers the events of one order from 1. A producer that gets no acknowledgement sends the event
# again, with another `attempt`: the same event, with other bytes, at another offset. Some messages
# are poison:

# %%
poison = messages.where("NOT aborted AND (value IS NULL OR value NOT LIKE '%\"attempt\"%')")
poison.select("value").distinct().show(6, truncate=70)

# %% [markdown]
# Two tables take what comes. An event is one row of `orders`, known by its `event_id`. A dead
# letter has no identity of its own. What tells two of them apart is where they lie: topic,
# partition and offset.

# %%
import json

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

ORDERS = (
    "event_id string, order_id string, seq long, status string, amount decimal(10,2), "
    "event_time timestamp, produced_at timestamp, topic string, partition int, offset long"
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
# Write `parse(raw)`. `raw` has the columns of Spark's
# [Kafka source](https://spark.apache.org/docs/latest/streaming/structured-streaming-kafka-integration.html):
# `key` and `value` (binary), `topic`, `partition`, `offset`, `timestamp` and `timestampType`. The
# function returns two frames, `(orders, dead)`. They have the columns of the two tables, in their
# order and with their types.
#
# - Each row of `raw` is in exactly one of the two frames. No message stops the job.
# - A message is an event if its value is one JSON object, and if the fields of this table are good.
#   Further fields don't matter.
# - Nothing but blanks and line ends may follow the object.
#
# | field | is good if it is |
# |---|---|
# | `event_id`, `order_id` | a string with more in it than spaces; it stays as it came |
# | `seq` | a whole number, at least 1, that fits the column |
# | `status` | one of `STATUSES` |
# | `amount` | a number, at least 0, that fits the column; more than two decimals are rounded |
# | `event_time` | a string of date, time, zone: `2025-05-01T09:00:00Z`, `...T11:00:00.25+02:00` |
#
# - JSON says what is a string and what is a number: `"7"` is no number, and `7` is no string.
# - `produced_at` of an event is Kafka's `timestamp`.
# - All other messages are dead letters. They keep the bytes of `value` as they came.
# - The `reason` of a dead letter is `no_value` if `value` is null.
# - It is `not_json` if `value` isn't one JSON object. Empty bytes, `[]`, `502` and `{...}{...}` are
#   none.
# - Otherwise it is `bad_` and the name of the first bad field in the order of the table, such as
#   `bad_amount`.
#
# These are up to you:
#
# - the order of rows
# - what JSON parsers disagree about: a key that comes twice, a whole number written as `3.0`, single
#   quotes, bytes inside a string that are no UTF-8
# - which way half a cent is rounded
# - other spellings of a date, a time and a zone, such as `2025-05-01 09:00+0200`, and more than six
#   digits behind the second.
#
# Casts are more generous than these rules. With `try_variant_get`
#
# - the time `"12:00"` is today at noon, `"2025"` is the first of January, and the number 7 is seven
#   seconds after the start of 1970,
# - `true` becomes 1, 1.5 becomes 1 as a long, and -0.004 becomes 0.00 as a `decimal(10,2)`,
# - an object becomes a string.
#
# `try_parse_json` and `from_json` stop after the first object, so the second one in `{...}{...}` is
# lost without a word.
# [`schema_of_variant`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.schema_of_variant.html)
# names the type that JSON gave a value:

# %%
values = [('"2025"',), ("1.5",), ("true",), ("-0.004",), ('{"id": 7}',)]
variants = spark.createDataFrame(values, "text string").withColumn("json", F.parse_json("text"))
casts = ("timestamp", "long", "decimal(10,2)", "string")
variants.select(
    "text",
    F.schema_of_variant("json").alias("type"),
    *(F.try_variant_get("json", "$", kind).alias(kind) for kind in casts),
).show(truncate=False)


# %%
def parse(raw: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The messages of `raw` as typed events, and those that are none, each with its reason."""

    # BEGIN SOLUTION: read each field by its JSON type, name the first bad one, split by that
    def field(name: str, kind: str) -> Column:
        return F.try_variant_get("json", f"$[0].{name}", kind)

    def is_json(name: str, types: str) -> Column:
        return F.schema_of_variant(field(name, "variant")).rlike(f"^({types})")

    def fails(rule: Column) -> Column:
        # A comparison with null is null, neither true nor false: only a rule that holds is good.
        return ~F.coalesce(rule, F.lit(False))

    # The parser stops after the first value. In an array, what follows it breaks the array.
    array = F.concat(F.lit("["), F.col("value").cast("string"), F.lit(', "end"]'))
    time_format = F.lit("yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]XXX")
    read = raw.withColumn("json", F.try_parse_json(array)).select(
        field("event_id", "string").alias("event_id"),
        field("order_id", "string").alias("order_id"),
        field("seq", "long").alias("seq"),
        field("status", "string").alias("status"),
        field("amount", "decimal(10,2)").alias("amount"),
        F.try_to_timestamp(field("event_time", "string"), time_format).alias("event_time"),
        F.col("timestamp").alias("produced_at"),
        *("topic", "partition", "offset", "value", "json"),
    )
    is_object = F.try_variant_get("json", "$[0]", "map<string,variant>").isNotNull()
    is_alone = F.try_variant_get("json", "$[1]", "string") == "end"
    # As a decimal, -0.004 is 0.00: the sign is asked of the number before it is rounded.
    not_negative = field("amount", "double") >= 0
    rules = {
        "event_id": is_json("event_id", "STRING") & (F.trim("event_id") != ""),
        "order_id": is_json("order_id", "STRING") & (F.trim("order_id") != ""),
        "seq": is_json("seq", "BIGINT") & (F.col("seq") >= 1),
        "status": F.col("status").isin(*STATUSES),
        "amount": is_json("amount", "BIGINT|DECIMAL|DOUBLE")
        & not_negative
        & F.col("amount").isNotNull(),
        "event_time": F.col("event_time").isNotNull(),
    }
    reason = F.coalesce(
        F.when(F.col("value").isNull(), "no_value"),
        F.when(fails(is_object & is_alone), "not_json"),
        *(F.when(fails(rule), f"bad_{name}") for name, rule in rules.items()),
    )
    told = read.withColumn("reason", reason)
    orders = told.where("reason IS NULL").drop("value", "json", "reason")
    dead = told.where("reason IS NOT NULL").select(
        "topic", "partition", "offset", "reason", "value"
    )
    return orders, dead
    # END SOLUTION


# %% [markdown]
# The checks send good messages, and messages that break one rule or two. They look for each one in
# both frames.

# %%
lab.check("parse")

# %% [markdown]
# ## Task 2: write a batch as often as you like
#
# Write `write_batch(batch, batch_id, tables)`. `batch` has raw rows as in Task 1, `batch_id` is the
# number of the micro-batch, and `tables` holds the names of the two tables, under `orders` and
# `dead`. The function adds rows to the tables and returns nothing.
#
# - The events of `parse` go to `orders`, the dead letters to `dead`. A batch may have rows of one
#   kind alone.
# - `orders` holds each `event_id` once. Of several deliveries in a batch, the one with the smallest
#   offset lands, whatever their timestamps say. (All deliveries of an event share a partition.)
# - `dead` holds each message once, by topic, partition and offset. Two messages with equal bytes
#   are two.
# - A row that is in a table stays as it is, also when a delivery with a smaller offset comes later.
# - The same rows may come again: after a crash between the two writes, in other batches, under
#   another number. They add nothing.
# - A number may come again with other rows: without its checkpoint, a query counts from 0. New rows
#   are written all the same.
# - A write that fails must fail the call, whichever of the two tables it is for.
#
# A batch never has the same message twice. The tables may hold rows of several topics. Which table
# you write first is up to you.
# [`MERGE`](https://docs.delta.io/latest/delta-update.html#upsert-into-a-table-using-merge) with
# only a not-matched clause inserts what is absent.


# %%
def write_batch(batch: DataFrame, batch_id: int, tables: dict[str, str]) -> None:
    """Adds the events and dead letters of a batch that the tables don't hold yet."""
    # BEGIN SOLUTION: insert what is absent, by the identity of each table's rows
    orders, dead = parse(batch)
    # MERGE inserts two equal source rows twice: neither finds the other in the table.
    first = F.min_by(F.struct("*"), "offset").alias("first")
    once = orders.groupBy("event_id").agg(first).select("first.*")
    place = "old.topic = new.topic AND old.partition = new.partition AND old.offset = new.offset"
    for name, rows, same in (
        (tables["orders"], once, "old.event_id = new.event_id"),
        (tables["dead"], dead, place),
    ):
        table = DeltaTable.forName(batch.sparkSession, name).alias("old")
        table.merge(rows.alias("new"), same).whenNotMatchedInsertAll().execute()
    # END SOLUTION


# %% [markdown]
# The check lets a call die half-way: one of the two names is that of a view, which takes no rows.
# Then the same batch comes again with the right names. Two more batches bring rows that are known
# and rows that are new, under a number that was used before.

# %%
lab.check("write_batch")

# %% [markdown]
# ## Task 3: from the topic to the tables
#
# Write `run_pipeline(spark, bootstrap, topic, tables, checkpoint)`. It reads `topic` at the broker
# `bootstrap` as a stream, lets `write_batch` write each micro-batch, and returns nothing.
# `checkpoint` is the folder of the stream's checkpoint.
#
# - The function returns when all messages that were in the topic at the call are written, those of
#   all partitions.
# - Called again with the same folder, it goes on after the last batch that was written. With an
#   empty folder it begins at the earliest offset.
# - Messages of a transaction that the producer took back are in neither table.
# - A call whose writes fail raises. What a failed call did not write comes again in the next one.
#
# How many micro-batches a call makes is up to you. `lab.kafka()` starts a broker for this notebook
# and gives its address.

# %%
bootstrap = lab.kafka()
bootstrap


# %%
def run_pipeline(
    spark: SparkSession, bootstrap: str, topic: str, tables: dict[str, str], checkpoint: str
) -> None:
    """Lands what is new in the topic, and returns when that is done."""
    # BEGIN SOLUTION: read committed messages from the earliest offset, write each batch
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
# The checks produce to a topic of their own and call three times. In the first call a write fails.
# More messages come before the second, which has the same checkpoint. The third finds an empty one.

# %%
lab.check("run_pipeline")

# %% [markdown]
# ## Task 4: serve the status
#
# Write `serving_view(spark, tables)`. It returns a frame with one row for each order in the table
# `orders`. The columns, in this order:
#
# | column | type | what it holds |
# |---|---|---|
# | `order_id` | string | |
# | `status`, `amount`, `seq` | as in the table | those of the order's newest event |
# | `updated_at` | timestamp | the `event_time` of that event |
# | `delay_seconds` | double | from `event_time` to `produced_at` of that event, with its fraction |
# | `missing_events` | long | how many of the order's events from 1 to `seq` are not in the table |
#
# - The newest event of an order is the one with the greatest `seq`. Offsets and clocks can say
#   something else, and `delay_seconds` can be negative. (No order has two events of one `seq`.)
# - A report reads the frame several times: rows, then totals. All reads show one state, that of the
#   moment of the call, whatever batch or replay changes the table afterwards.
# - A new call shows the state of its own moment.
#
# Delta reads a table
# [as of a version](https://docs.delta.io/latest/delta-batch.html#query-an-older-snapshot-of-a-table-time-travel).


# %%
def serving_view(spark: SparkSession, tables: dict[str, str]) -> DataFrame:
    """The newest status of each order in one version of the table, and how far behind it is."""
    # BEGIN SOLUTION: pin the version, then take the event with the greatest seq of each order
    version = DeltaTable.forName(spark, tables["orders"]).history(1).first()["version"]
    events = spark.read.option("versionAsOf", version).table(tables["orders"])
    newest = F.max_by(F.struct("*"), "seq").alias("event")
    delay = F.col("event.produced_at").cast("double") - F.col("event.event_time").cast("double")
    return (
        events.groupBy("order_id")
        .agg(newest, F.count("*").alias("seen"))
        .select(
            "order_id",
            *("event.status", "event.amount", "event.seq"),
            F.col("event.event_time").alias("updated_at"),
            delay.alias("delay_seconds"),
            (F.col("event.seq") - F.col("seen")).alias("missing_events"),
        )
    )
    # END SOLUTION


# %% [markdown]
# The check calls your function, changes the table, and reads your frame after that.

# %%
lab.check("serving_view")

# %% [markdown]
# ## Task 5: mend a bad deploy
#
# For an hour a faulty `parse` ran: wrong amounts in `orders`, good events in `dead`, poison in
# `orders`. `parse` is mended now, but the checkpoint is past those messages.
#
# Write `replay(spark, bootstrap, topic, tables, offsets)`. It changes the two tables and returns
# nothing. `offsets` says which messages of `topic` to process again, by partition: `{0: (20, 40)}`
# are those of partition 0 from offset 20 to 39; the end is excluded.
#
# - Afterwards the tables hold for this range what today's `parse` makes of its messages, by the
#   rules of Task 2. Rows that it doesn't make today are gone.
# - Messages of a transaction that was taken back make no rows here either.
# - Rows of all other offsets and partitions stay as they are.
# - The tables may hold other topics, too; their rows stay as they are.
# - An event whose row in `orders` comes from an offset outside the range keeps that row, whether
#   its offset is smaller or greater.
# - Each table changes in one commit at most, so that no reader meets a half-done table.
# - A second replay of the same range changes no row.
#
# Which table changes first is up to you. `offsets` has at least one partition, and no range is
# empty. Only the range is read: nobody looks outside it for another delivery of an event.
#
# Kafka is also a
# [batch source](https://spark.apache.org/docs/latest/streaming/structured-streaming-kafka-integration.html#creating-a-kafka-source-for-batch-queries):
# `assign` names partitions, `startingOffsets` and `endingOffsets` are JSON.


# %%
def replay(
    spark: SparkSession,
    bootstrap: str,
    topic: str,
    tables: dict[str, str],
    offsets: dict[int, tuple[int, int]],
) -> None:
    """Makes the tables what today's `parse` says of these offsets; all other rows stay."""

    # BEGIN SOLUTION: read the range as a batch, then one MERGE a table: update, insert, delete
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
    place = "old.topic = new.topic AND old.partition = new.partition AND old.offset = new.offset"
    for name, rows, same in (
        (tables["orders"], once, "old.event_id = new.event_id"),
        (tables["dead"], dead, place),
    ):
        table = DeltaTable.forName(spark, name).alias("old")
        merge = table.merge(rows.alias("new"), same).whenMatchedUpdateAll(condition=replayed)
        merge = merge.whenNotMatchedInsertAll()
        merge.whenNotMatchedBySourceDelete(condition=replayed).execute()
    # END SOLUTION


# %% [markdown]
# The check makes tables as the bad deploy left them and replays ranges of three partitions. It looks
# at every row and at the commits, and replays the ranges again.

# %%
lab.check("replay")

# %% [markdown]
# ## Put it together
#
# Play the day into a topic of your own broker, in two parts. These cells wait until all five
# functions are written.

# %%
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
# There are three runs: the morning, the afternoon, and one that has lost its checkpoint and reads
# the whole day again. After each run, compare what was sent (and not taken back) with what the
# tables hold.

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
# The difference must be second deliveries of events that were there already. The producer numbers
# its attempts, so you can count the second ones in the files. Nothing may be left over:

# %%
if done:
    again = messages.where("NOT aborted AND value LIKE '%\"attempt\": 2%'").count()
    _, _, orders, letters = account[-1]
    print(f"{in_topic} messages = {orders} orders + {letters} dead letters + {again} sent again")
    print("left over:", in_topic - orders - letters - again)

# %% [markdown]
# The picture compares what the job has read with what the tables hold. The third run reads
# everything a second time and adds nothing. That is what exactly once means here: deliver at least
# once, and write so that known rows are recognised.

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
# Whose status came late? At the end of the day no event is missing, but a retry took up to an hour
# and a half.

# %%
if done:
    view = serving_view(spark, tables)
    print("orders with missing events:", view.where("missing_events > 0").count())
    view.orderBy(F.desc("delay_seconds"), "order_id").show(3, truncate=False)

# %% [markdown]
# Now the bad deploy: it took amounts as cents. You know the offsets from its log, so you can replay
# them. Watch the sum.

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
# - **Exactly once has two halves.** The source can be read again from a known offset, and the sink
#   recognises what it has. Kafka's transactions end at Kafka; no option reaches through to your
#   table.
# - **`txnAppId` and `txnVersion`** make plain appends repeatable. They cost an entry in each commit
#   and need no key. They are right while the checkpoint lives. A new checkpoint counts from 0
#   again: with the old application id Delta skips new rows, with a new id it doubles old ones. Use
#   them for sinks without a key. When you start from another checkpoint, choose the id and the
#   starting offsets together.
# - **Cost.** An insert-only MERGE looks for each new key in the table, and the table grows.
#   Partition or cluster it by something that comes with the event, a date for example, and put that
#   into the condition. If events are sent again within a day at most, the condition can say so.
# - **Retention goes by the timestamp of messages**, not by their arrival. A backfill with old
#   timestamps can be deleted minutes after it was sent; the broker of this lab keeps everything for
#   that reason. A lost checkpoint and a `replay` reach back only as far as retention does. If you
#   need more, land the raw messages first.
# - **`failOnDataLoss` stays true.** The job then stops when offsets that it needs are gone. With
#   false it goes on, and nobody knows how many messages were lost.
# - **Dead letters are a queue, not a grave.** Alarm on their share and show the reasons by hour.
#   After a deploy that understands them, send them through `replay`.
# - **Bound the batch.** After an outage `maxOffsetsPerTrigger` decides whether the first batch fits
#   into memory. With `availableNow` it makes several batches instead of one.
#
# **On Databricks**, the same source and `foreachBatch` run as jobs. Pipelines offer streaming
# tables with append flows, and expectations that drop, keep or stop. You pay for a cluster that is
# always up, or with the delay of a triggered run. These stay yours: the identity of a row, what
# happens to poison, the offsets of a deploy, and a rehearsal of the lost checkpoint.

# %% [markdown]
# ## Interview follow-ups
#
# 1. What does exactly once mean here, and where does it end?
# 2. Why not deduplicate in the stream, with a watermark, instead of in the sink?
# 3. Your job writes to two tables. Somebody joins them and finds orders of a batch whose dead
#    letters are not there yet. What can you offer?
# 4. The producer has `enable.idempotence` on. Where do redelivered events still come from?
# 5. You find out that the checkpoint was deleted. What do you look at before you start the job?
# 6. Two jobs land the same topic by mistake, at the same time. What happens to your tables?
# 7. Replay changed 40 rows that a report has been built on. What else has to happen?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. The effect of each message is in the tables once, however often it was read or written. It ends
#    at the tables: an e-mail that `foreachBatch` sends goes out again with the batch.
# 2. State forgets: after the watermark, or with a lost checkpoint, the event comes through again.
#    And a watermark drops what is late. Deduplication in the stream saves work in the sink, but the
#    sink still has to recognise its rows.
# 3. Delta as we use it here has no transaction over both tables. Offer one table for both kinds of
#    rows, with a column that tells them apart: a batch is then one version. Or offer a table of
#    finished batches that readers join, or a view pinned to versions that the job publishes after
#    both writes.
# 4. From above the client: the service retries its own call, is restarted and sends its outbox
#    again, or reads its own input at least once. Idempotence covers retries of one producer
#    session.
# 5. At the earliest offset of each partition, and at the last one in the table. If there is a gap
#    between them, data is gone from Kafka and has to come from elsewhere. If there is none, an
#    idempotent sink lets you start from the earliest offset; otherwise start from the offsets that
#    the table knows.
# 6. Both read the same rows as absent and insert them. Delta detects conflicts: one MERGE fails if
#    the other one added files that it should have read. The failed batch comes again and finds the
#    rows. Appends have no such protection: a blind append conflicts with nothing.
# 7. Whoever reads the table by version or change feed must get the change. Publish what changed
#    (the change data feed has it), recompute what was built on those orders, and write down the
#    offsets and the reason. A replay is a change of data with a release note.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Spark, [Structured Streaming and Kafka integration
#   guide](https://spark.apache.org/docs/latest/streaming/structured-streaming-kafka-integration.html)
# - Delta Lake, [Idempotent table writes in
#   foreachBatch](https://docs.delta.io/latest/delta-streaming.html#idempotent-table-writes-in-foreachbatch)
# - Apache Kafka, [Message delivery semantics](https://kafka.apache.org/documentation/#semantics)
# - Tyler Akidau, Slava Chernyak, Reuven Lax, *Streaming Systems*, chapter 5: exactly-once and side
#   effects

# %%
lab.next()

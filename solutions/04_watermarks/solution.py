# ---
# level: senior
# minutes: 45
# needs: []
# datasets: [card_payments]
# topics: [structured streaming, watermarks, late data, state]
# ---
# %% [markdown]
# # Count late events correctly
#
# Four stores send card payments to files. A payment may arrive a minute or half an hour after it
# happened, and some arrive twice. The revenue screen must show each five minutes once, soon, and
# with the right sum; accounting wants every payment, however late. You build both from one stream,
# and find out what "late" means to Spark.
#
# **You will learn** to
#
# - choose when a window or a session is final, and read in the progress of a query what that costs,
# - deduplicate a stream with state that stays small,
# - keep the rows that a watermark would drop, exactly once, even when a call breaks off.

# %% [markdown]
# ## The data
#
# `card_payments` holds an hour of a Friday evening in twelve files. Each file is named after the
# end of the five minutes in which its rows arrived. One row is one attempt to deliver a payment.
# Spark reads files in the order of their modification times, which the generator sets.

# %%
import labkit

lab = labkit.open("watermarks")
spark = lab.spark
folder = lab.data("card_payments")
sorted(path.name for path in folder.iterdir())

# %% [markdown]
# A terminal that gets no answer sends the payment again, and may put another time on the second
# attempt. The store `market` lost its network for 24 minutes. One terminal stands in a cellar
# without a network, and sends only when somebody carries it upstairs. Another one has no clock. All
# times are UTC.

# %%
from datetime import timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

EVENTS = "event_id string, store_id string, card_id string, amount double, event_time timestamp"
payments = spark.read.schema(EVENTS).json(str(folder))
arrived = payments.withColumn("file", F.col("_metadata.file_name"))
arrived.where("event_id LIKE 'p-05%'").orderBy("event_id", "file").show(12, truncate=False)

# %% [markdown]
# A watermark says how long a query waits: events that are older need not be expected any more.
# Spark computes it from the data, never from a clock: the greatest event time of all *earlier*
# micro-batches, minus the delay. Here each file is one micro-batch and the delay is ten minutes.
# The table below shows the watermark at which each file is read.

# %%
from pyspark.sql import Window

earlier = Window.orderBy("file").rowsBetween(Window.unboundedPreceding, -1)
newest = F.max("newest").over(earlier)
files = (
    arrived.groupBy("file")
    .agg(F.count("*").alias("rows"), F.max("event_time").alias("newest"))
    .withColumn("watermark", newest - F.expr("INTERVAL 10 MINUTES"))
    .orderBy("file")
)
files.show(12, truncate=False)

# %% [markdown]
# A picture shows both times together: from left to right the file in which a row arrived, upwards
# the time of its event. The next cell compares each row with the watermark of its file. It also
# moves the points of a file a little to the sides, so that they don't hide each other.

# %%
old = F.coalesce(F.col("event_time") < F.col("watermark"), F.lit(False))
aside = F.pmod(F.hash("event_id"), F.lit(60)) / 100 - 0.3
timed = arrived.where("event_time IS NOT NULL").join(files, on="file")
points = timed.select("file", "event_time", old.alias("old"), aside.alias("aside")).toPandas()
steps = files.toPandas()
places = {name: number for number, name in enumerate(steps["file"])}
points["x"] = points["file"].map(places) + points["aside"]

# %% [markdown]
# Points under the line are older than the watermark. The cloud below the step at 18:35 is the
# market, back in the network. The line follows the upper edge of the points, ten minutes lower and
# one file later.

# %%
import matplotlib.dates as mdates
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(10, 5), layout="constrained")
for is_old, marker, label in [(False, "o", "not older"), (True, "^", "older than the watermark")]:
    some = points[points["old"] == is_old]
    ax.scatter(some["x"], some["event_time"], marker=marker, s=24, alpha=0.7, label=label)
ax.step(steps.index, steps["watermark"], where="mid", color="black", label="watermark")
ax.set_xticks(steps.index, [f"{name[9:11]}:{name[11:13]}" for name in steps["file"]])
ax.set(xlabel="file (end of arrival)", ylabel="event time", title="When payments happened and came")
ax.yaxis.set_major_formatter(mdates.DateFormatter("%H:%M"))
ax.legend()
plt.show()

# %% [markdown]
# Tasks 1 to 3 need a watermark of ten minutes on `event_time`. If the stream has a watermark
# already, that one stays, whatever its delay. A second one on the same stream fails ("Redefining
# watermark is disallowed"), but only in its second micro-batch. So a function must look whether
# there is one already. Spark keeps the delay, which may be 0, in the metadata of the column, and
# `watermarked` looks there.


# %%
def watermarked(events: DataFrame) -> DataFrame:
    """The stream with a watermark of ten minutes on event_time, unless it has one already."""
    if "spark.watermarkDelayMs" in events.schema["event_time"].metadata:
        return events
    return events.withWatermark("event_time", "10 minutes")


# %% [markdown]
# ## Task 1: revenue of five minutes
#
# Write `revenue_per_window(events)`. It takes a stream and returns a stream for append mode, with
# one row for each store and window of five minutes. The columns, in this order:
#
# | column | type | meaning |
# |---|---|---|
# | `window_start`, `window_end` | timestamp | start and end of the window |
# | `store_id` | string | |
# | `revenue` | double | the sum of the amounts |
# | `payments` | long | the number of rows, those without an amount or an id included |
#
# - Windows begin at full five minutes. The start belongs to the window, the end doesn't.
# - A window comes out once, with the first file at which the watermark has reached its end.
# - Until then all of its payments count, also those that are older than the watermark.
# - A payment whose window has come out is dropped by the watermark. No other payment is dropped.
# - Payments without a store count for the store null. Other names are taken as they are.
# - The state holds one row for each store and open window, and nothing else.
# - A payment sent twice is two rows here. Repeats are the subject of Task 2, late payments that of
#   Task 4.
# - A batch frame is added up as well. There a watermark does nothing, and all windows come out.
#
# You may need `watermarked` and
# [`F.window`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.window.html).
# Rows without a time belong to no window. Whether the revenue of a window without any amount is
# null or 0 is up to you.


# %%
def revenue_per_window(events: DataFrame) -> DataFrame:
    """Revenue and payments of each store in windows of five minutes, each window once."""
    # BEGIN SOLUTION: add up each store and window, and let a window go when it is final
    return (
        watermarked(events)
        .groupBy(F.window("event_time", "5 minutes"), "store_id")
        .agg(F.sum("amount").alias("revenue"), F.count("*").alias("payments"))
        .select(
            F.col("window.start").alias("window_start"),
            F.col("window.end").alias("window_end"),
            *["store_id", "revenue", "payments"],
        )
    )
    # END SOLUTION


# %% [markdown]
# The checks write files and run your stream over them, one file in each micro-batch. They look at
# which rows come out with which file, which are dropped, and what stays in state. After the third
# file the query is stopped and started again from its checkpoint.

# %%
lab.check("revenue_per_window")

# %% [markdown]
# ## Task 2: each payment once
#
# Write `deduplicate(events)`. As in Task 1 a stream comes in and a stream for append mode goes out.
# It has all columns of the stream that comes in, in their order, and each `event_id` once. The
# watermark stays on `event_time`, where the next function finds it.
#
# - A payment comes out with the file that brings it first.
# - The second attempt comes within ten minutes of event time. It has the `event_id` of the first;
#   any other column may differ, `event_time` as well.
# - Two payments that look alike but have different ids are two. `a` and ` A` are different.
# - State must not grow for ever: an event is forgotten when the watermark is ten minutes past its
#   time.
# - An event that is older than the watermark of the micro-batch before is dropped, because nobody
#   can tell any more whether it was seen.
#
# Which of two attempts in one file comes out is up to you, and so is what happens to rows without a
# time or an id. Any other column may be null. Most people try
# [`dropDuplicates`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.DataFrame.dropDuplicates.html)
# first.


# %%
def deduplicate(events: DataFrame) -> DataFrame:
    """Each payment once; an event is forgotten ten minutes after its time."""
    # BEGIN SOLUTION: drop what has been seen, and forget in time
    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
    # END SOLUTION


# %% [markdown]
# One check compares the rows of state after each file. The number is `numRowsTotal` in the query's
# progress. It decides whether your job still runs a year from now.

# %%
lab.check("deduplicate")

# %% [markdown]
# ## Task 3: sessions of a card
#
# Fraud detection looks at shopping tours: payments of a card that follow one another within 15
# minutes. Two payments exactly 15 minutes apart still belong to one session.
#
# Write `sessions(events)`. As in Task 1 a stream comes in and a stream for append mode goes out. It
# has one row for each session, with these columns in this order:
#
# | column | type | meaning |
# |---|---|---|
# | `card_id` | string | |
# | `session_start` | timestamp | the time of the first payment |
# | `session_end` | timestamp | 15 minutes after the last payment |
# | `payments` | long | the number of rows, as in Task 1 |
# | `amount` | double | the sum of the amounts |
#
# - A session may span several stores.
# - Payments arrive in any order, so one that comes later may join two sessions.
# - A session comes out once, with the first file at which the watermark has reached its end.
# - Payments without a card are those of one card, null. Other cards are taken as they are.
# - A payment older than the watermark counts while its own 15 minutes are not over.
# - Later than that the watermark drops it. Only if a session that it would join is still open,
#   both is right: Spark decides that by the watermark of the micro-batch before.
# - The state holds open sessions and nothing else.
#
# See
# [`F.session_window`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.session_window.html).
# An amount that is null adds nothing; a sum without any amount may be null or 0.


# %%
def sessions(events: DataFrame) -> DataFrame:
    """Sessions of each card: payments at most 15 minutes apart, each session once."""
    # BEGIN SOLUTION: add up each session of a card, and let it go when it is final
    return (
        watermarked(events)
        .groupBy("card_id", F.session_window("event_time", "15 minutes").alias("session"))
        .agg(F.count("*").alias("payments"), F.sum("amount").alias("amount"))
        .select(
            "card_id",
            F.col("session.start").alias("session_start"),
            F.col("session.end").alias("session_end"),
            *["payments", "amount"],
        )
    )
    # END SOLUTION


# %% [markdown]
# The checks use four files and a restart after the second. A payment long before the watermark may
# still count: its own time doesn't matter, only the end of its session.

# %%
lab.check("sessions")

# %% [markdown]
# ## Task 4: keep what comes too late
#
# Spark drops late rows and tells only how many. Write `late_events(spark, source, table,
# late_table, checkpoint)`. It reads all files of the folder `source` that it has not finished yet,
# writes their rows to two Delta tables, and returns when that is done. `table` and `late_table` are
# names of tables, `checkpoint` is the path of a folder. This task needs no watermark of Spark's.
#
# - The files are called `*.json` and hold one JSON document a line, in the columns of `EVENTS`. Each
#   file is one micro-batch. Files are read in the order in which they came. Their modification
#   times, a second or more apart, give this order, and so do their names. A file that comes between
#   two calls is newer than all others.
# - A row is late when its `event_time` is older than the greatest event time of all *earlier* files
#   minus ten minutes.
# - Exactly ten minutes behind is on time, and so is a row without a time.
# - Late rows go to `late_table`, all others to `table`. Both tables exist, are new and empty before
#   the first call, and keep the columns of the events.
# - A call with the same `checkpoint` goes on where the last call ended, and knows the times of all
#   earlier files.
# - Every row of the source is written to one of the two tables, once. A row that is in the source
#   twice is written twice.
# - That holds also when a call breaks off anywhere, for example between the two writes, and is
#   repeated.
#
# [`foreachBatch`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.ss/api/pyspark.sql.streaming.DataStreamWriter.foreachBatch.html)
# gives you each micro-batch and its number. The trigger `availableNow` ends the query when all
# files are read. A loop over the files is fine as well.


# %%
def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    """Writes each row of the new files of `source` to `table`, or, if late, to `late_table`."""
    # BEGIN SOLUTION: split each file into late and other rows; a repeated write changes nothing

    def split(events: DataFrame, number: int) -> None:
        newest = spark.table(table).agg(F.max("event_time")).first()[0]
        border = newest and newest - timedelta(minutes=10)
        is_late = F.coalesce(F.col("event_time") < F.lit(border), F.lit(False))
        # Late rows first: they never raise the maximum, so a second attempt finds the same one.
        for rows, name in [(events.where(is_late), late_table), (events.where(~is_late), table)]:
            writer = rows.write.format("delta").mode("append").option("txnAppId", checkpoint)
            writer.option("txnVersion", number).saveAsTable(name)

    stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(source)
    writer = stream.writeStream.foreachBatch(split).option("checkpointLocation", checkpoint)
    writer.trigger(availableNow=True).start().awaitTermination()
    # END SOLUTION


# %% [markdown]
# The checks call the function three times with one checkpoint. The first call fails in a write,
# because the late table refuses a null that is in the last file. Before the third call the
# checkpoint loses its last entry, as if the process had died after the writes and before it noted
# them as done. Then the rows of both tables are counted.

# %%
lab.check("late_events")

# %% [markdown]
# ## Put it together
#
# Compute the screen from the evening's files: deduplicate, then add up. Each function keeps a
# watermark that is there already, so you can call one after the other. The rows go to a table in
# memory; the progress of the query shows what happened on the way. These cells wait until the
# functions they call are written.


# %%
def screen(events: DataFrame, name: str) -> list:
    """Runs a stream to its end into a table in memory; the progress of each micro-batch."""
    writer = events.writeStream.format("memory").queryName(name).outputMode("append")
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    return query.recentProgress


stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(str(folder))

# %% [markdown]
# Operators are listed from the last to the first: the aggregation, then the deduplication. Look at
# the state of both, and at where rows are dropped. After the last file one more micro-batch runs
# without data, because the watermark has moved once more.

# %%
progress = []
if lab.written("revenue_per_window", "deduplicate"):
    progress = screen(revenue_per_window(deduplicate(stream)), "screen")
    print("file  rows  watermark  state      dropped  out")
    for number, one in enumerate(progress):
        state = [operator["numRowsTotal"] for operator in one["stateOperators"]]
        dropped = [operator["numRowsDroppedByWatermark"] for operator in one["stateOperators"]]
        met = one["eventTime"]["watermark"][11:16] if number else "none"
        out = one["sink"]["numOutputRows"]
        print(f"{number + 1:4} {one['numInputRows']:5}  {met:>9}  {state!s:11}{dropped!s:8}{out:4}")

# %% [markdown]
# Now accounting: the same files go through `late_events`. The rows in `table` are on time by the
# rule: at most ten minutes behind the newest event of the earlier files.

# %%
import tempfile

tables = {"table": f"{lab.schema}.payments", "late_table": f"{lab.schema}.late_payments"}
if lab.written("late_events"):
    for name in tables.values():
        spark.sql(f"DROP TABLE IF EXISTS {name}")
        spark.sql(f"CREATE TABLE {name} ({EVENTS}) USING delta")
    late_events(spark, str(folder), *tables.values(), tempfile.mkdtemp(dir=lab.scratch))
    for which, name in tables.items():
        print(f"{which:10} {spark.table(name).count():4} rows")

# %% [markdown]
# How far is the screen from the truth? The truth is a batch over all files, with one row for each
# `event_id`, up to the last window on the screen. The line `late` shows what only the late table
# has; most of it belongs to the market.

# %%
copies = payments.groupBy("event_id", "store_id", "card_id", "amount")
once = copies.agg(F.min("event_time").alias("event_time"))  # the time of the first attempt
if progress and lab.written("late_events"):
    until = spark.table("screen").agg(F.max("window_end")).first()[0]
    once = once.where(F.col("event_time") < F.lit(until))
    late = once.join(spark.table(tables["late_table"]), on="event_id", how="left_semi")
    late = late.join(spark.table(tables["table"]), on="event_id", how="left_anti")
    sums = {
        "all": (once, "amount"),
        "screen": (spark.table("screen"), "revenue"),
        "late": (late, "amount"),
    }
    for name, (rows, column) in sums.items():
        by_store = rows.groupBy("store_id").agg(F.round(F.sum(column), 2)).orderBy("store_id")
        print(f"{name:7}", *[f"{store} {value:8.2f}" for store, value in by_store.collect()])

# %% [markdown]
# Here are three numbers for "late" from the same rows: late by the rule of Task 4, dropped by the
# deduplication, and dropped by the windows when nothing comes before them. Both differences are
# worth knowing in an interview.

# %%
if progress and lab.written("late_events"):
    alone = screen(revenue_per_window(stream), "windows_alone")
    dropped = {"windows alone": [operators["stateOperators"][0] for operators in alone]}
    dropped["deduplication"] = [operators["stateOperators"][1] for operators in progress]
    print(f"late by the letter: {spark.table(tables['late_table']).count()} rows")
    for name, operators in dropped.items():
        print(f"dropped by {name}: {sum(one['numRowsDroppedByWatermark'] for one in operators)}")

# %% [markdown]
# - An operator compares with the watermark of the micro-batch *before*. A row that is late only by
#   the newest watermark still gets in: it has one micro-batch of grace.
# - A window counts a row that is older than the watermark as long as the window itself is open. A
#   session does the same.
# - The aggregation counts what it drops after a partial aggregation: several late payments of one
#   store and window in one file are one dropped row. The deduplication counts events. So an alarm
#   on this metric shows that something is lost, and `late_table` shows how much.
#
# The last picture shows the market's evening: what was on the screen for each five minutes, and
# what came too late for it.


# %%
def market(revenue: DataFrame) -> dict:
    """Revenue of the store `market` by start of window."""
    rows = revenue.where("store_id = 'market'").collect()
    return {f"{row.window_start:%H:%M}": row.revenue for row in rows}


# %% [markdown]
# Your function over a batch frame gives the truth to compare with. Blue bars are what the screen
# showed, orange ones what was missing there.

# %%
if progress:
    whole, shown = market(revenue_per_window(once)), market(spark.table("screen"))
    names = sorted(whole)
    on_screen = [shown.get(name, 0) for name in names]
    missing = [whole[name] - shown.get(name, 0) for name in names]
    figure, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
    ax.bar(names, on_screen, label="on the screen", color="C0")
    ax.bar(names, missing, bottom=on_screen, label="not on the screen", color="C1", hatch="//")
    ax.margins(y=0.1)
    ax.set(xlabel="window (start)", ylabel="revenue", title="Store market: revenue by window")
    ax.legend()
    plt.show()

# %% [markdown]
# ## In practice
#
# - **Choose the delay from data.** `late_table` holds what a delay of ten minutes costs. A quantile
#   of arrival minus event time says what twenty would cost. A longer delay gives later results and
#   more state: `deduplicate` keeps a key until the watermark is one delay past its event, so for
#   about twice the delay. You may change the delay at a restart. You may not change keys and
#   windows: they need a new checkpoint.
# - **One wrong clock stops everything.** An event ten hours in the future moves the watermark ten
#   hours, for all keys, and it never goes back: whatever comes next is late. Filter before the
#   watermark. With files, `where("event_time <= _metadata.file_modification_time")` does it.
# - **The last windows wait.** Only events move the watermark. At closing time the windows of the
#   last ten minutes stay in state until somebody pays. If the screen can't wait, use update mode,
#   write with a MERGE into a table, and mark rows as preliminary.
# - **Null times vanish.** Windows and sessions drop rows without a time, and don't even count them.
#   Route them away before, as `late_events` does.
# - **The name in `txnAppId` outlives the checkpoint.** A new checkpoint numbers micro-batches from
#   0 again. With the old name, Delta skips all of them as written already, without an error. Put a
#   version into the name, and change it with the checkpoint.
# - **In SQL** the watermark stands in the FROM clause: `FROM payments WATERMARK event_time DELAY OF
#   INTERVAL 10 MINUTES` works in Spark 4.2, on a view of a stream.
# - **Somebody has to deal with late rows.** A job that merges `late_table` into the published
#   windows once an hour, by event time, makes the screen right again. Say in the column comments
#   which numbers may still change.
#
# **On Databricks**, Auto Loader replaces the file source. It promises no order of files, so never
# rely on one there. RocksDB with changelog checkpoints holds state that is larger than memory, and
# `WATERMARK` is a clause of streaming tables in pipelines. You pay for a cluster that is always on,
# or accept the delay of a triggered job. You still have to choose the delay, agree with the
# business on what "late" means, and keep the table for what the watermark drops.

# %% [markdown]
# ## Interview follow-ups
#
# 1. Where does the watermark come from, and why not from the clock?
# 2. Is an event older than the watermark always dropped? Is a younger one ever?
# 3. `dropDuplicates(["event_id"])` after `withWatermark`: what happens to state, and why?
# 4. Your alarm for late rows shows 40 dropped rows. How many events are lost?
# 5. Two streams with different watermarks are joined or united. Which watermark counts?
# 6. How would you make `late_events` exactly-once if the sinks were not Delta?
# 7. A backfill replays a year of files through the same query. What goes wrong?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. From the data: the greatest event time of earlier micro-batches minus the delay. So a replay of
#    old files gives the same results as the live run, and an outage of the source makes nothing
#    late. By a clock, everything would be late after an hour of downtime.
# 2. No, to both. An operator compares with the watermark of the micro-batch before, and a window
#    with its end, not with the event's time. Spark guarantees one direction only: what is within
#    the delay is never dropped. Which older rows are dropped depends on how files were grouped into
#    micro-batches, so don't build an invoice on it.
# 3. It grows for ever. A watermark frees state only if the key, or the operator, tells when a key
#    can't come again. Add the event time to the key if copies carry the same time. Else use
#    `dropDuplicatesWithinWatermark`, which forgets by time although the key has none.
# 4. At least 40, if an aggregation says so: it counts the groups that a partial aggregation made of
#    the late rows of a task. Count lost events yourself, where you route them away.
# 5. By default the smallest: a slow stream holds back all.
#    `spark.sql.streaming.multipleWatermarkPolicy = max` follows the fastest and drops rows of the
#    slow one. A silent stream holds the smallest watermark where it is.
# 6. Give each write an identity that the sink can refuse. That can be a table of finished (query,
#    micro-batch) pairs, written in the same transaction as the rows, or a key of file and row
#    number with insert-if-absent. With plain files, write to a folder named by the micro-batch and
#    overwrite it on a repeat.
# 7. If old files are read beside new ones, the newest event moves the watermark, and all of the
#    year is late at once and goes to `late_table`. Run the backfill as a query of its own, in the
#    order of time, with its own checkpoint. Or run it as a batch: `revenue_per_window` works on a
#    batch frame as it is.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Spark, [Handling late data and
#   watermarking](https://spark.apache.org/docs/latest/streaming/apis-on-dataframes-and-datasets.html#handling-late-data-and-watermarking)
# - Delta Lake, [Idempotent table writes in
#   foreachBatch](https://docs.delta.io/latest/delta-streaming.html#idempotent-table-writes-in-foreachbatch)
# - Databricks, [Apply watermarks to control data processing
#   thresholds](https://docs.databricks.com/aws/en/structured-streaming/watermarks)
# - Akidau and others, [The Dataflow Model](https://www.vldb.org/pvldb/vol8/p1792-Akidau.pdf), on
#   windows, watermarks and late data in batch and stream

# %%
lab.next()

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
# Four stores send card payments to a file a minute or half an hour after they happened, some twice. The revenue screen must show
# each five minutes once, soon, and right; accounting wants every payment, however late. You build both from one stream, and find out what
# "late" means to Spark.
#
# **You will learn** to
#
# - choose when a window or a session is final, and read in the progress of a query what that costs,
# - deduplicate a stream with state that stays small,
# - keep the rows that a watermark would drop, exactly once, through crashes.

# %% [markdown]
# ## The data
#
# `card_payments` holds an hour of a Friday evening: twelve files, each named by the end of the five minutes in which its rows arrived. One row is one attempt
# to deliver a payment. Files are read in the order of their modification times, which the generator sets.

# %%
import labkit

lab = labkit.open("watermarks")
spark = lab.spark
folder = lab.data("card_payments")
sorted(path.name for path in folder.iterdir())

# %% [markdown]
# A terminal that gets no answer sends again, and may stamp the second attempt with its own time. Store `market` lost its network for 24 minutes. A terminal in a cellar
# waits until somebody carries it upstairs, and one has lost its clock. All times are UTC.

# %%
from datetime import timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

EVENTS = "event_id string, store_id string, card_id string, amount double, event_time timestamp"
payments = spark.read.schema(EVENTS).json(str(folder))
arrived = payments.withColumn("file", F.col("_metadata.file_name"))
arrived.where("event_id LIKE 'p-05%'").orderBy("event_id", "file").show(12, truncate=False)

# %% [markdown]
# A watermark is a promise: nothing older will be waited for. Spark computes it from the data, never from a clock: the greatest event time of all *earlier*
# micro-batches, minus the delay. With one file a micro-batch and ten minutes of delay the table below says which watermark each file meets.

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
# A picture puts both times together: to the right the file a row came with, upwards the time of its event. The next cell compares each row with the watermark its file meets, and spreads the rows
# of a file a little to the sides, so that points don't hide each other.

# %%
old = F.coalesce(F.col("event_time") < F.col("watermark"), F.lit(False))
aside = F.pmod(F.hash("event_id"), F.lit(60)) / 100 - 0.3
timed = arrived.where("event_time IS NOT NULL").join(files, on="file")
points = timed.select("file", "event_time", old.alias("old"), aside.alias("aside")).toPandas()
steps = files.toPandas()
places = {name: number for number, name in enumerate(steps["file"])}
points["x"] = points["file"].map(places) + points["aside"]

# %% [markdown]
# What lies under the line is older than the watermark. The cloud below the step at 18:35 is the market, back in the network. Note how the line follows the upper edge, ten minutes lower and one file later.

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
# All tasks want a watermark of ten minutes on `event_time`. A second one on the same stream fails ("Redefining watermark is disallowed"), and not before its second micro-batch, so a function
# that may come second has to look. Spark keeps the delay in the metadata of the column; `watermarked` asks there.


# %%
def watermarked(events: DataFrame) -> DataFrame:
    """The stream with a watermark of ten minutes on event_time, unless it has one already."""
    if "spark.watermarkDelayMs" in events.schema["event_time"].metadata:
        return events
    return events.withWatermark("event_time", "10 minutes")


# %% [markdown]
# ## Task 1: revenue of five minutes
#
# Write `revenue_per_window(events)`: streaming in, streaming out, made for append mode. The columns are `window_start` and `window_end` (timestamp), `store_id`, `revenue` (double, the sum of amounts)
# and `payments` (long, the number of rows, one without an amount included), one row for each store and five minutes. Windows begin at full five minutes, start included, end excluded. A window comes out once, when the
# watermark has reached its end. [`F.window`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.window.html) makes windows.
# A payment sent twice is two rows here: repeats are the business of Task 2, lost payments that of Task 4.


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
# The checks write files, run your stream over them one file a micro-batch, and look at what comes out with which file, what is dropped, and what stays in state. After the third file the
# query is stopped and started again from its checkpoint.

# %%
lab.check("revenue_per_window")

# %% [markdown]
# ## Task 2: each payment once
#
# As in Task 1 a stream comes in and a stream goes out, made for append mode.
# Write `deduplicate(events)`: the same columns, each `event_id` once, let through with the file that brings it first. The second attempt comes within ten minutes of event time, perhaps with another `event_time`; two payments that
# look alike but have different ids are two. State must not grow for ever: an event is forgotten when the watermark has passed its time by
# the ten minutes. An event that is already older than the watermark when it comes is dropped: nobody can tell any more whether it was seen. [`dropDuplicates`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.DataFrame.dropDuplicates.html) is where most people begin.


# %%
def deduplicate(events: DataFrame) -> DataFrame:
    """Each payment once, with the state of ten minutes only."""
    # BEGIN SOLUTION: drop what has been seen, and forget in time
    return watermarked(events).dropDuplicatesWithinWatermark(["event_id"])
    # END SOLUTION


# %% [markdown]
# One reason names rows of state after each file. It is `numRowsTotal` of the query's progress: the number that decides, a year from now, whether your job still runs.

# %%
lab.check("deduplicate")

# %% [markdown]
# ## Task 3: sessions of a card
#
# Fraud detection looks at shopping tours: payments of a card with no gap of more than 15 minutes. Write `sessions(events)`: one row for each such session, with the columns `card_id`, `session_start` (the first payment), `session_end` (15 minutes after the last one), `payments` (long, the number of rows, as in Task 1) and `amount`
# (double, the sum). As in Task 1 a stream comes in and a stream goes out, made for append mode. A session comes out once, when the watermark has reached its end. Payments arrive in any order, so one that comes later may join two sessions; see
# [`F.session_window`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.session_window.html).


# %%
def sessions(events: DataFrame) -> DataFrame:
    """Sessions of each card: payments at most fifteen minutes apart, each session once."""
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
# Again four files and a restart. A payment far behind the watermark may still count here, because what must not be over is its session, not its own time.

# %%
lab.check("sessions")

# %% [markdown]
# ## Task 4: keep what comes too late
#
# Spark drops late rows and tells only how many. Write `late_events(spark, source, table, late_table, checkpoint)`; it reads all files of the folder `source` that it has not finished yet, writes them to two Delta tables and returns when that is done.
#
# - One file is one micro-batch, in the order of modification times, which is the order of names. `checkpoint` is a folder; called again with it, the function goes on.
# - A row is late when its `event_time` is older than the greatest event time of all *earlier* files minus ten minutes. Exactly ten minutes behind is on time, and so is a row without a time. Late rows go to
#   `late_table`, all others to `table`. Both tables exist, are empty before the first call, and have the columns of the events.
# - Every row of the source lands in one of the two tables, once; a row that is in the source twice lands twice. That holds when a call breaks off anywhere, also between the two writes, and is repeated.
#
# [`foreachBatch`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.ss/api/pyspark.sql.streaming.DataStreamWriter.foreachBatch.html) gives you each micro-batch and its number. The trigger `availableNow` ends the query when all files are read.


# %%
def late_events(
    spark: SparkSession, source: str, table: str, late_table: str, checkpoint: str
) -> None:
    """Splits the events of all new files of `source` into on-time and late ones, each row once."""
    # BEGIN SOLUTION: split each file into late and on-time rows, and write both so that a repeat changes nothing

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
# The checks call three times with one checkpoint. The first call breaks off in a write: the late table refuses a null that the last file brings. Before the third, the checkpoint loses its
# last entry, as if the process had died between the writes and the note that they are done. Then rows are counted.

# %%
lab.check("late_events")

# %% [markdown]
# ## Put it together
#
# Run the screen on the evening's files: deduplicate, then add up. Each function leaves a watermark alone that is there already, so they compose. The rows land in memory; the progress of the query tells the story. These cells wait until the functions they call are written.


# %%
def screen(events: DataFrame, name: str) -> list:
    """Runs a stream to its end into the in-memory table `name`; the progress of each micro-batch."""
    writer = events.writeStream.format("memory").queryName(name).outputMode("append")
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    return query.recentProgress


stream = spark.readStream.schema(EVENTS).option("maxFilesPerTrigger", 1).json(str(folder))

# %% [markdown]
# Operators are listed from the last to the first: the aggregation, then the deduplication. Watch the state of both, and where rows are dropped. After the last file one more
# micro-batch runs without data, because the watermark has moved once more.

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
# Now accounting: the same files through `late_events`. What `table` holds is on time by the letter, ten minutes behind the newest event of the files before.

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
# How far is the screen from the truth? The truth is a batch over all files, one row an `event_id`, as far as the screen has got. The line `late` is what only the late table has; most of
# it belongs to the market.

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
# Three numbers for "late", from the same rows: what the letter says, what the deduplication dropped, and what the windows drop when nothing comes before them.
# They differ, and both differences are worth knowing in an interview.

# %%
if progress and lab.written("late_events"):
    alone = screen(revenue_per_window(stream), "windows_alone")
    dropped = {"windows alone": [operators["stateOperators"][0] for operators in alone]}
    dropped["deduplication"] = [operators["stateOperators"][1] for operators in progress]
    print(f"late by the letter: {spark.table(tables['late_table']).count()} rows")
    for name, operators in dropped.items():
        print(f"dropped by {name}: {sum(one['numRowsDroppedByWatermark'] for one in operators)}")

# %% [markdown]
# - An operator drops by the watermark of the micro-batch *before*. A row that is late by the newest watermark alone still gets in: one micro-batch of grace.
# - A window counts a row behind the watermark as long as the window itself is open; a session does the same. Only the end of the window must not have passed.
# - The aggregation counts what it drops after a partial aggregation: several late payments of a store and window in one file are one dropped row. The deduplication counts events. An alarm on
#   this metric sees that something is lost, not how much; `late_table` sees that.
#
# The last picture shows the market's evening: what the screen showed in each five minutes, and what came too late for it.


# %%
def market(revenue: DataFrame) -> dict:
    """Revenue of the store `market` by start of window."""
    rows = revenue.where("store_id = 'market'").collect()
    return {f"{row.window_start:%H:%M}": row.revenue for row in rows}


# %% [markdown]
# The same function works on a batch frame, where a watermark does nothing: that is the truth to compare with. Blue bars are what the screen showed, orange ones what was
# missing there.

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
# - **Choose the delay from data.** `late_table` holds what a delay of ten minutes costs; a quantile of arrival minus event time says what twenty would. More delay is later results and more state: a key
#   of `deduplicate` stays until the watermark has passed its event by the delay, so about twice the delay. The delay may change at a restart; keys and windows may not, they need a new checkpoint.
# - **One clock in the future stops everything.** An event ten hours ahead moves the watermark ten hours, for all keys, and it never goes back: whatever comes next is late. Filter before the
#   watermark; with files, `where("event_time <= _metadata.file_modification_time")` does it.
# - **The last windows wait.** The watermark moves with events, so at closing time the last ten minutes stay in state until somebody pays. If the screen can't wait, write in update mode into a table that a MERGE keeps, and mark
#   rows as preliminary.
# - **Null times vanish.** Windows and sessions drop rows without a time, silently and uncounted. Route them away before, as `late_events` does.
# - **The name in `txnAppId` outlives the checkpoint.** A new checkpoint counts micro-batches from 0 again; with the old name Delta skips all of them as seen, without an error. Put a version
#   into the name, and change it with the checkpoint.
# - **In SQL** the watermark has its place in the FROM clause: `FROM payments WATERMARK event_time DELAY OF INTERVAL 10 MINUTES` works in Spark 4.2, on a view of a stream.
# - **Late rows are work for somebody.** A job that merges `late_table` into the published windows once an hour, by event time, makes the screen right again. Say in the column comments which numbers may still move.
#
# **On Databricks**, Auto Loader replaces the file source; it promises no order of files, so never rely on one there. RocksDB with changelog checkpoints holds state beyond memory, and `WATERMARK` is a clause of streaming tables in pipelines.
# What you pay is a cluster that is always on, or a triggered job and its delay. What stays yours is the delay, what "late" means to the business, and the table that keeps what the watermark drops.

# %% [markdown]
# ## Interview follow-ups
#
# 1. Where does the watermark come from, and why not from the clock?
# 2. Is an event older than the watermark always dropped? Is a younger one ever?
# 3. `dropDuplicates(["event_id"])` after `withWatermark`: what happens to state, and why?
# 4. Your late-row alarm shows 40 dropped rows. How many events are lost?
# 5. Two streams with different watermarks are joined or united. Which one counts?
# 6. How would you make `late_events` exactly-once if the sinks were not Delta?
# 7. A backfill replays a year of files through the same query. What goes wrong?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. From the data: the greatest event time of earlier micro-batches minus the delay. So a replay of old files gives the same results as the live run, and an outage of the source makes nothing late. A clock
#    would declare everything late after an hour of downtime.
# 2. No. An operator drops by the watermark of the micro-batch before, and a window by its end, not by the event's time. Spark guarantees one direction only: what is within the delay is never dropped.
#    So dropped rows depend on how files were grouped into micro-batches; don't build an invoice on them.
# 3. It grows for ever: a watermark frees state only if the key, or the operator, tells when a key can't come again. Add the event time to the key if copies carry the same time, else use
#    `dropDuplicatesWithinWatermark`, which forgets by time although the key has none.
# 4. At least 40, if an aggregation says so: it counts groups that a partial aggregation made of the late rows of a task. Count lost events yourself, where you route them away.
# 5. By default the smallest: a slow stream holds back all. `spark.sql.streaming.multipleWatermarkPolicy = max` follows the fastest and drops from the slow one. A stream that is silent holds
#    the smallest where it is.
# 6. Give each write an identity that the sink can refuse: a table of finished (query, micro-batch) pairs in the same transaction as the rows, or a key made of file and row number with insert-if-absent. With plain files: write to a
#    folder named by the micro-batch, overwrite it on a repeat.
# 7. If files of several days run side by side with new ones, the newest moves the watermark and the old ones are late at once: all of a year in `late_table`. Run the backfill as a query of its own, in the order of time, with its own
#    checkpoint, or as a batch: `revenue_per_window` works on a batch frame as it is.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Spark, [Handling late data and watermarking](https://spark.apache.org/docs/latest/streaming/apis-on-dataframes-and-datasets.html#handling-late-data-and-watermarking)
# - Delta Lake, [Idempotent table writes in foreachBatch](https://docs.delta.io/latest/delta-streaming.html#idempotent-table-writes-in-foreachbatch)
# - Databricks, [Apply watermarks to control data processing thresholds](https://docs.databricks.com/aws/en/structured-streaming/watermarks)
# - Akidau and others, [The Dataflow Model](https://www.vldb.org/pvldb/vol8/p1792-Akidau.pdf), where watermarks got their name in batch-and-stream systems

# %%
lab.next()

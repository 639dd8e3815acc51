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
# The picture puts both times together: a point is a row, at the right the file it came with. What lies under the line is older than the watermark that its file met.
# The cloud under the step at 18:35 is the market, back in the network.

# %%
from datetime import datetime

import matplotlib.pyplot as plt

watermark_of = {row.file: row.watermark for row in files.collect()}
rows = [row for row in arrived.collect() if row.event_time]
place = {name: number for number, name in enumerate(sorted(watermark_of))}


def is_old(row) -> bool:
    """Whether the row is older than the watermark its file meets."""
    return row.event_time < (watermark_of[row.file] or datetime.min)


# %% [markdown]
# Rows of a file are spread a little to the sides, so that points don't hide each other; only their height has a meaning.

# %%
figure, ax = plt.subplots(figsize=(10, 5), layout="constrained")
for old, style in [(False, "o"), (True, "^")]:
    some = [row for row in rows if is_old(row) == old]
    x = [
        place[row.file] + (hash_of % 60 - 30) / 100
        for row in some
        for hash_of in [int(row.amount * 100)]
    ]
    label = "older than the watermark" if old else "not older"
    ax.plot(
        x,
        [row.event_time for row in some],
        style,
        ms=5,
        alpha=0.7,
        color=f"C{int(old)}",
        label=label,
    )
steps = [(place[name], time) for name, time in watermark_of.items() if time]
ax.step(
    *zip(*steps, strict=True), where="mid", color="black", label="watermark, ten minutes of delay"
)
ax.set_xticks(range(len(place)), [f"{name[9:11]}:{name[11:13]}" for name in place])
ax.set(
    xlabel="file (end of arrival)",
    ylabel="event time",
    title="When payments happened and when they arrived",
)
ax.yaxis.set_major_formatter(plt.matplotlib.dates.DateFormatter("%H:%M"))
ax.legend()
plt.show()

# %% [markdown]
# All tasks want a watermark of ten minutes on `event_time`. Setting a second one on the same stream fails ("Redefining watermark is disallowed"), so a function that may come
# second has to look. Spark keeps the delay in the metadata of the column; `watermarked` asks there.


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
# and `payments` (long, the number of events), one row for each store and five minutes. Windows begin at full five minutes, start included, end excluded. A window comes out once, when the
# watermark has reached its end. [`F.window`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.window.html) makes windows; doubles and late deliveries
# are not this function's business.


# %%
def revenue_per_window(events: DataFrame) -> DataFrame:
    """Revenue and payments of each store in windows of five minutes, each window once."""
    # BEGIN SOLUTION: watermark, then aggregate by window and store
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
# Write `deduplicate(events)`: the same columns, each `event_id` once, let through with the file that brings it first. The second attempt comes within ten minutes of event time, perhaps with another `event_time`; two payments that
# look alike but have different ids are two. State must not grow for ever: an event is forgotten when the watermark has passed its time by
# the ten minutes. [`dropDuplicates`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.DataFrame.dropDuplicates.html) is where most people begin.


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
# ## Task 3: shopping tours
#
# Fraud detection looks at tours: payments of a card with no gap of more than 15 minutes. Write `sessions(events)` with the columns `card_id`, `session_start` (the first payment), `session_end` (15 minutes after the last one), `payments` (long) and `amount`
# (double, the sum). A tour comes out once, when the watermark has reached its end. Payments arrive in any order, so one that comes later may join two tours; see
# [`F.session_window`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.functions.session_window.html).


# %%
def sessions(events: DataFrame) -> DataFrame:
    """Sessions of each card: payments less than fifteen minutes apart, each session once."""
    # BEGIN SOLUTION: watermark, then aggregate by card and session
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
    # BEGIN SOLUTION: compare with the earlier files, write late rows first, make both writes repeatable

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
# The checks call three times with one checkpoint. The first call breaks off in a write: the late table refuses a null that the second file brings. Before the third, the checkpoint loses its
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
    print("file  rows  watermark  state    dropped  out")
    for number, one in enumerate(progress):
        state = [operator["numRowsTotal"] for operator in one["stateOperators"]]
        dropped = [operator["numRowsDroppedByWatermark"] for operator in one["stateOperators"]]
        met = one["eventTime"]["watermark"][11:16] if number else "none"
        out = one["sink"]["numOutputRows"]
        print(f"{number + 1:4} {one['numInputRows']:5}  {met:>9}  {state!s:9}{dropped!s:8}{out:4}")

# %% [markdown]
# Now accounting: the same files through `late_events`. What `table` holds is on time by the letter, ten minutes behind the newest event of the files before.

# %%
tables = {"table": f"{lab.schema}.payments", "late_table": f"{lab.schema}.late_payments"}
if lab.written("late_events"):
    for name in tables.values():
        spark.sql(f"CREATE TABLE {name} ({EVENTS}) USING delta")
    late_events(spark, str(folder), *tables.values(), str(lab.scratch / "checkpoint"))
    for which, name in tables.items():
        print(f"{which:10} {spark.table(name).count():4} rows")

# %% [markdown]
# How far is the screen from the truth? The truth is a batch over all files, one row an `event_id`. Compare revenue by store, and look at what the late table could give back.

# %%
once = payments.dropDuplicates(["event_id"])  # copies differ in their time only
if progress and lab.written("late_events"):
    truth = once.groupBy("store_id").agg(F.sum("amount").alias("all"))
    shown = spark.table("screen").groupBy("store_id").agg(F.sum("revenue").alias("screen"))
    late = spark.table(tables["late_table"]).dropDuplicates(["event_id"])
    late = late.groupBy("store_id").agg(F.sum("amount").alias("late"))
    compared = truth.join(shown, on="store_id", how="left").join(late, on="store_id", how="left")
    columns = [F.round(name, 2).alias(name) for name in ["all", "screen", "late"]]
    compared.select("store_id", *columns).orderBy("store_id").show()

# %% [markdown]
# Three numbers for "late", from the same rows: what the letter says, what the deduplication dropped, and what the windows would have dropped without it.
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
    ax.set(xlabel="window (start)", ylabel="revenue", title="Store market: revenue by window")
    ax.legend()
    plt.show()

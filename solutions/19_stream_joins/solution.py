# ---
# level: senior
# minutes: 60
# needs: []
# datasets: [ad_funnel]
# topics: [structured streaming, stream joins, watermarks, state, outer join]
# ---
# %% [markdown]
# # Join two streams with bounded state
#
# An ad network joins the stream of its impressions with the stream of clicks on them. The state of
# this join has grown for three weeks, its executors die daily, and "impressions without a click"
# never come out, or come out twice. You bound the state, and let a row without a partner leave at
# the first moment at which it is proved that none can come.
#
# **You will learn** to
#
# - bound what each side of a stream-stream join keeps, and compute it before you deploy,
# - emit the rows that found no partner, once and not too early,
# - join a stream with a table that changes while the query runs.

# %% [markdown]
# ## The data
#
# `ad_funnel` holds three hours of a Friday evening. The folders `impressions` and `clicks` have one
# file each for every 15 minutes of arrival. A third file holds the versions of the ads. A row may
# be delivered twice. From 19:00 to 20:00 the collector of clicks was down: its files are empty, and
# the clicks of that hour came at 20:00, all at once.

# %%
import labkit

lab = labkit.open("stream_joins")
spark = lab.spark
folder = lab.data("ad_funnel")
for name in ("impressions", "clicks"):
    sizes = [len(path.read_text().splitlines()) for path in sorted((folder / name).iterdir())]
    print(f"{name:12}", *(f"{size:3}" for size in sizes))

# %% [markdown]
# An impression has an id, the ad, and the moment when it was shown. A click has an id of its own
# and that of its impression. Distinct impressions have distinct ids, and so have clicks. A row that
# is delivered again is equal in all columns. Only `ad_id` may be null. All times are UTC.

# %%
from datetime import datetime
from pathlib import Path

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

IMPRESSIONS = "imp_id string, ad_id long, shown_at timestamp"
CLICKS = "click_id string, imp_id string, clicked_at timestamp"
spark.read.schema(IMPRESSIONS).json(str(folder / "impressions")).show(3, truncate=False)
spark.read.schema(CLICKS).json(str(folder / "clicks")).show(3, truncate=False)


# %% [markdown]
# Each micro-batch reads one file of either folder, in the order of their modification times.
# `run` lets a query read all files that there are, into a table in memory. It prints what each
# micro-batch read, its watermark, the rows in state, and the rows that came out.


# %%
def stream(place: Path, columns: str) -> DataFrame:
    """A folder of the data as a stream, one file in each micro-batch."""
    reader = spark.readStream.schema(columns).option("maxFilesPerTrigger", 1)
    return reader.json(str(place))


def run(frame: DataFrame, name: str) -> list:
    """Runs a stream to its end and prints a line for each micro-batch; returns the progress."""
    writer = frame.writeStream.format("memory").queryName(name).outputMode("append")
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    print("batch  rows  watermark  state            out")
    for one in query.recentProgress:
        met = one["eventTime"].get("watermark", "1970")
        met = "none" if met < "1971" else met[11:19]
        state = [operator["numRowsTotal"] for operator in one["stateOperators"]]
        number, rows, out = one["batchId"] + 1, one["numInputRows"], one["sink"]["numOutputRows"]
        print(f"{number:5} {rows:5}  {met:>9}  {state!s:16}{out:4}")
    return query.recentProgress


# %% [markdown]
# The job that grows was written like the next cell: a watermark on one stream, and a join by the
# id. Spark accepts that without a warning. Look at the state in the last line. The watermark moves,
# and nothing leaves.

# %%
seen = stream(folder / "impressions", IMPRESSIONS).withWatermark("shown_at", "10 minutes")
untimed = stream(folder / "clicks", CLICKS)
progress = run(seen.join(untimed, on="imp_id", how="inner"), "first")

# %% [markdown]
# Most people expect that a second watermark frees the state. It doesn't. A watermark says which
# times can't come any more; only a condition on the *two* times says which rows need them. Without
# such a condition Spark refuses an outer join, because no row could ever be proved to be alone. The
# inner join runs, until its state has filled the memory.

# %%
timed = stream(folder / "clicks", CLICKS).withWatermark("clicked_at", "20 minutes")
endless = run(seen.join(timed, on="imp_id", how="inner"), "endless_too")
try:
    run(seen.join(timed, on="imp_id", how="left_outer"), "refused")
except Exception as error:
    print(str(error).partition(";")[0])

# %% [markdown]
# The table shows something else. The query has *one* watermark: the smaller one of both streams,
# here ten minutes behind the newest impression or 20 minutes behind the newest click. So it stands
# still while the clicks are silent.
#
# ## Task 1: clicks of an hour
#
# Write `attributed(impressions, clicks)`. Both arguments are streams, with the columns of
# `IMPRESSIONS` and `CLICKS` and without a watermark. It returns a stream for append mode, with one
# row for each impression and each click that belongs to it. The columns, in this order:
#
# | column | type | meaning |
# |---|---|---|
# | `imp_id`, `ad_id`, `shown_at` | as in `IMPRESSIONS` | the impression |
# | `click_id`, `clicked_at` | as in `CLICKS` | the click |
#
# - A click belongs to the impression with its `imp_id` if it came 0 to 60 minutes after `shown_at`,
#   both ends included.
# - An impression may have several clicks, and each makes a row.
# - A row comes out with the micro-batch that brings the second of the two, be it the impression or
#   the click.
# - A row that is delivered again, in the same file or a later one, changes nothing: each pair of an
#   impression and its click comes out once.
# - Ids are taken as they are: `a`, `A` and ` a` are three.
# - The watermark is ten minutes behind on `shown_at` and 20 minutes behind on `clicked_at`. The
#   query uses the smaller one.
# - A row that is older than the watermark of the micro-batch *before* its own is late and is
#   dropped. No other row is dropped.
# - An impression stays in state until the watermark is later than `shown_at` plus 60 minutes, a
#   click until it is later than `clicked_at`. Each is there once.
# - What else you keep to recognise a second delivery may stay until the watermark is 20 minutes
#   past the row's time.
# - The function changes no setting of the session.
#
# Spark's guide describes [stream-stream
# joins](https://spark.apache.org/docs/latest/streaming/apis-on-dataframes-and-datasets.html).


# %%
def attributed(impressions: DataFrame, clicks: DataFrame) -> DataFrame:
    """Each impression with each click of its hour, from state that stays small."""
    # BEGIN SOLUTION: know each row once, and join within the hour
    shown = impressions.withWatermark("shown_at", "10 minutes")
    shown = shown.dropDuplicates(["imp_id", "shown_at"]).alias("shown")
    clicked = clicks.withWatermark("clicked_at", "20 minutes")
    clicked = clicked.dropDuplicates(["click_id", "clicked_at"]).alias("clicked")
    belongs = F.expr(
        "clicked.imp_id = shown.imp_id AND clicked_at >= shown_at "
        "AND clicked_at <= shown_at + INTERVAL 60 MINUTES"
    )
    both = shown.join(clicked, on=belongs, how="inner")
    return both.select("shown.imp_id", "ad_id", "shown_at", "click_id", "clicked_at")
    # END SOLUTION


# %% [markdown]
# The checks write six files for each stream and stop the query after the third. They start it again
# from its checkpoint, with what your function returns then. One of the files of clicks is empty.
# They look at which row comes out with which file, and at the rows in state after each one.

# %%
lab.check("attributed")

# %% [markdown]
# ## Task 2: impressions without a click
#
# Write `unclicked(impressions, clicks)`. The arguments are those of Task 1. It returns a stream for
# append mode with the columns `imp_id`, `ad_id` and `shown_at`, in this order and with their types:
# one row for each impression to which no click belongs.
#
# - Which click belongs to an impression is as in Task 1.
# - The impression comes out once, also if it is delivered again.
# - It comes out with the first micro-batch whose watermark is later than `shown_at` plus 60
#   minutes. Any earlier, a click could still come.
# - An impression that isn't late but comes after that moment leaves with the micro-batch that
#   brings it.
# - A late impression never comes out. A late click counts for nothing.
# - Watermarks, late rows, ids, state and settings are as in Task 1. But here a click may be in
#   state as often as it was delivered.


# %%
def unclicked(impressions: DataFrame, clicks: DataFrame) -> DataFrame:
    """Each impression without a click in its hour, as soon as that is proved."""
    # BEGIN SOLUTION: join as before, keep impressions without a partner
    shown = impressions.withWatermark("shown_at", "10 minutes")
    shown = shown.dropDuplicates(["imp_id", "shown_at"]).alias("shown")
    clicked = clicks.withWatermark("clicked_at", "20 minutes").alias("clicked")
    belongs = F.expr(
        "clicked.imp_id = shown.imp_id AND clicked_at >= shown_at "
        "AND clicked_at <= shown_at + INTERVAL 60 MINUTES"
    )
    alone = shown.join(clicked, on=belongs, how="left_outer").where("click_id IS NULL")
    return alone.select("shown.imp_id", "ad_id", "shown_at")
    # END SOLUTION


# %% [markdown]
# The checks use the files of Task 1. An impression that comes out too early may get its click
# later, so the number of the micro-batch counts, not only the rows.

# %%
lab.check("unclicked")

# %% [markdown]
# ## Task 3: how long a row stays
#
# How much memory does such a join need? You can compute it before you run it: rows per second times
# the seconds that a row stays.
#
# Write `state_plan(watermarks, bounds, behind)` for an inner join of a left and a right stream by
# an id. The right time must lie between the left time plus `lower` and the left time plus `upper`,
# both ends included. All arguments are pairs of whole seconds:
#
# | argument | holds | |
# |---|---|---|
# | `watermarks` | `(left, right)` | the delay of each stream's watermark; None: it has none |
# | `bounds` | `(lower, upper)` | may be negative; None: the condition lacks this bound |
# | `behind` | `(left, right)` | how much older the stream's newest row is than the newest of both |
#
# It returns a tuple `(left_keep_seconds, right_keep_seconds)`. The age of a row is the newest time
# of both streams minus the row's time. A row is in state as long as its age is at most this number,
# once the watermark has caught up.
#
# - The query uses the smaller one of both watermarks.
# - A left row stays until the watermark is later than the last right time that could match. A right
#   row stays until the watermark is later than the last left time that could match.
# - Where only one bound is missing, one side is still freed. The other one stays for ever: None.
# - Where a stream has no watermark, nothing leaves on either side.
# - A number may be negative. Then not even the newest row stays.


# %%
def state_plan(
    watermarks: tuple[int | None, int | None],
    bounds: tuple[int | None, int | None],
    behind: tuple[int, int],
) -> tuple[int | None, int | None]:
    """The greatest age in seconds of rows in state, left and right; None: they stay for ever."""
    # BEGIN SOLUTION: how far the watermark lags, plus what the bounds allow
    if None in watermarks:
        return None, None
    lag = max(delay + late for delay, late in zip(watermarks, behind, strict=True))
    lower, upper = bounds
    left_keep = None if upper is None else lag + upper
    right_keep = None if lower is None else lag - lower
    return left_keep, right_keep
    # END SOLUTION


# %% [markdown]
# The checks compare many random plans with plain arithmetic. The cell after that asks your
# function about Tasks 1 and 2: in a usual quarter of an hour, and when the clicks have been silent
# for an hour.

# %%
lab.check("state_plan")

# %%
if lab.written("state_plan"):
    for silent in (0, 3600):
        print(silent, state_plan((600, 1200), (0, 3600), (0, silent)))

# %% [markdown]
# ## Task 4: the ads as they are now
#
# The sales desk wants clicks with campaign and bid of the ad, as the table of ads says at the
# moment. The table changes while the query runs.
#
# Write `enrich(clicks, ads_table)`. `clicks` is a stream that has at least the column `ad_id`, such
# as the result of Task 1. `ads_table` is the name of a Delta table with at least `ad_id`,
# `campaign` and `bid`. The function returns a stream: all columns of `clicks` in their order, then
# `campaign` and `bid` with the types that they have in the table.
#
# - Each row of `clicks` comes out once for each time it is there, with the micro-batch that brings
#   it.
# - Each micro-batch sees the newest version of the table, whoever wrote it, also long after the
#   call of the function.
# - A row whose `ad_id` is null or not in the table has null in the two columns.
# - The table has one row for each `ad_id` that isn't null. It may have rows without an `ad_id`,
#   which belong to no click.
# - The query keeps no state.
#
# `clicks` may have other columns in any order, and the table too, even under the same names. Other
# columns of the table don't come out. `clicks` has no columns called `campaign` and `bid`.


# %%
def enrich(clicks: DataFrame, ads_table: str) -> DataFrame:
    """Clicks with campaign and bid of the newest version of the table."""
    # BEGIN SOLUTION: join with the table, which Delta reads anew in each micro-batch
    ads = clicks.sparkSession.table(ads_table).select("ad_id", "campaign", "bid")
    return clicks.join(ads, on="ad_id", how="left").select(*clicks.columns, "campaign", "bid")
    # END SOLUTION


# %% [markdown]
# The check calls your function once. It runs the stream, another writer changes the table, and the
# same frame runs again from its checkpoint.

# %%
lab.check("enrich")

# %% [markdown]
# ## Task 5: the ads as they were
#
# Invoices need the bid that was valid when the click happened, however late the click comes.
#
# Write `enrich_as_of(clicks, history_table)`. `clicks` is a stream that has at least the columns
# `ad_id` and `clicked_at`. `history_table` is the name of a Delta table with at least `ad_id`,
# `campaign`, `bid` and `valid_from` (timestamp). One row is a version of an ad. The function
# returns the same columns as `enrich`.
#
# - A click gets the version of its ad with the greatest `valid_from` that isn't later than
#   `clicked_at`. A version begins with the moment `valid_from` itself.
# - A null in `campaign` or `bid` of that version stays null.
# - A click before the first version of its ad has null in the two columns, and so has one whose
#   `ad_id` is null or not in the table.
# - Each row of `clicks` comes out once for each time it is there, with the micro-batch that brings
#   it. The query keeps no state.
# - Versions that are added to the table later count from the next micro-batch on, also those that
#   begin in the past.
#
# No two versions of an ad have the same `valid_from`. No `valid_from` and no `clicked_at` is null.
# Rows of the table are in any order. About other columns the rule of Task 4 holds.


# %%
def enrich_as_of(clicks: DataFrame, history_table: str) -> DataFrame:
    """Clicks with campaign and bid of the version that was valid at the click."""
    # BEGIN SOLUTION: say of each version when it ends, and join the one that holds the click
    history = clicks.sparkSession.table(history_table)
    ends = F.lead("valid_from").over(Window.partitionBy("ad_id").orderBy("valid_from"))
    versions = history.select("ad_id", "campaign", "bid", "valid_from", ends.alias("valid_to"))
    began = F.col("c.clicked_at") >= F.col("v.valid_from")
    not_ended = F.col("v.valid_to").isNull() | (F.col("c.clicked_at") < F.col("v.valid_to"))
    valid = (F.col("c.ad_id") == F.col("v.ad_id")) & began & not_ended
    joined = clicks.alias("c").join(versions.alias("v"), on=valid, how="left")
    return joined.select(*(f"c.{name}" for name in clicks.columns), "v.campaign", "v.bid")
    # END SOLUTION


# %% [markdown]
# The check calls your function once, as for Task 4. Another writer adds versions between two runs
# of the same frame.

# %%
lab.check("enrich_as_of")

# %% [markdown]
# ## Put it together
#
# Run both joins over the evening. The first column of the state is the join, the others recognise
# second deliveries. Compare the join with the first table of this notebook.

# %%
progress, single = [], []
if lab.written("attributed", "unclicked"):
    inputs = stream(folder / "impressions", IMPRESSIONS), stream(folder / "clicks", CLICKS)
    progress = run(attributed(*inputs), "pairs")
    single = run(unclicked(*inputs), "alone")

# %% [markdown]
# Look at the hour without clicks, micro-batches 5 to 8. The watermark stands still, no impression
# is proved to be alone, and the state grows by all that comes. With micro-batch 9 the clicks are
# back. One micro-batch later the watermark jumps, and 145 impressions leave at once. After the last
# file one more micro-batch runs, without data, because the watermark has moved once more.
#
# That was a stall and a burst, and no row is lost or doubled: a batch over all files finds the same
# pairs.

# %%
views = spark.read.schema(IMPRESSIONS).json(str(folder / "impressions")).distinct()
taps = spark.read.schema(CLICKS).json(str(folder / "clicks")).distinct()
seconds = F.unix_seconds("clicked_at") - F.unix_seconds("shown_at")
truth = views.join(taps, on="imp_id", how="inner").where(seconds.between(0, 3600))
if single:
    print("pairs in the stream and in the batch:", spark.table("pairs").count(), truth.count())
    wrong = spark.table("alone").join(truth, on="imp_id", how="left_semi")
    print("impressions that came out as unclicked and have a click:", wrong.count())

# %% [markdown]
# Does the engine keep what your plan says? The next cell counts the rows whose age is at most your
# number, and compares with the state of the join after the last micro-batch.

# %%
if progress and lab.written("state_plan"):
    sides = (views, "shown_at"), (taps, "clicked_at")
    last = [rows.agg(F.max(at)).first()[0] for rows, at in sides]
    newest = max(last)
    behind = tuple(int((newest - end).total_seconds()) for end in last)
    keep = state_plan((600, 1200), (0, 3600), behind)
    planned = 0
    for (rows, at), seconds in zip(sides, keep, strict=True):
        age = F.unix_seconds(F.lit(newest)) - F.unix_seconds(at)
        planned += rows.where(age <= seconds).count()
    held = progress[-1]["stateOperators"][0]["numRowsTotal"]
    print("ages that stay:", keep, "rows, planned:", planned, "held:", held)

# %% [markdown]
# One number of the progress is wrong. For an outer join, `numRowsRemoved` counts fewer rows than
# leave the state: with micro-batch 10 the total falls by 203, although rows come in, and 84 are
# reported. So a dashboard of state should use the difference of `numRowsTotal`.

# %%
joins = [one["stateOperators"][0] for one in single]
totals = [join["numRowsTotal"] for join in joins]
print("removed, as told:", [join["numRowsRemoved"] for join in joins])
print("change of total: ", [b - a for a, b in zip([0, *totals], [*totals, 0], strict=True)][:-1])

# %% [markdown]
# A picture shows the rows in state of a join without a condition on the times, and of yours. The
# grey hour is the one without clicks. At first yours holds more, as it also knows second
# deliveries. It comes down again, and the other never does.

# %%
import matplotlib.pyplot as plt

if single:
    figure, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
    ax.axvspan(5, 8, color="0.9", label="no clicks")
    for name, steps in (("no condition on the times", endless), ("attributed", progress)):
        kept = [sum(one["numRowsTotal"] for one in step["stateOperators"]) for step in steps]
        ax.plot(range(1, len(kept) + 1), kept, marker="o", label=name)
    ax.set(xlabel="micro-batch", ylabel="rows in state", title="State of the join, by micro-batch")
    ax.legend()
    plt.show()

# %% [markdown]
# Finally, the ads. The other side of this join is called static, and many believe that its rows are
# those of the start of the query. Here the table has one version of each ad when the frame is made.
# The newer versions come with the second micro-batch.

# %%
ad_versions = spark.read.schema("ad_id long, campaign string, bid double, valid_from timestamp")
ad_versions = ad_versions.json(str(folder / "ads_history.json"))
evening = F.lit(datetime(2026, 3, 13, 19))
table = f"{lab.schema}.ads_history"
ad_versions.where(F.col("valid_from") < evening).write.format("delta").saveAsTable(table)


def later(rows: DataFrame, number: int) -> None:
    """Prints clicks by bid; after the first micro-batch the table gets its newer versions."""
    known = rows.agg(F.count("*"), F.count("bid"), F.round(F.sum("bid"), 2)).first()
    print(f"batch {number + 1:2}: {known[0]:3} clicks, {known[1]:3} with a bid, sum {known[2]}")
    if number == 0:
        newer = ad_versions.where(F.col("valid_from") >= evening).write.format("delta")
        newer.mode("append").saveAsTable(table)


# %% [markdown]
# The sum is right for each click, although the frame is older than most versions.

# %%
if lab.written("attributed", "enrich_as_of"):
    inputs = stream(folder / "impressions", IMPRESSIONS), stream(folder / "clicks", CLICKS)
    writer = enrich_as_of(attributed(*inputs), table).writeStream.foreachBatch(later)
    writer.trigger(availableNow=True).start().awaitTermination()

# %% [markdown]
# ## In practice
#
# - **Write the plan into the design.** Rows a second times seconds to stay, for each side, times
#   some 200 bytes; then the same with the longest silence that you accept. Alert on `numRowsTotal`
#   against it, on the time since the watermark moved, and on the newest event time of *each*
#   stream.
# - **A silent stream stops everything.** Under the default policy nothing leaves until it is back.
#   `spark.sql.streaming.multipleWatermarkPolicy = max` follows the faster stream, and drops what
#   the slow one brings later. If silence is normal, let the producer send heartbeats: rows without
#   meaning but with a time.
# - **A longer delay has a price.** Rows without a partner come out later by as much, and the rows
#   of both sides stay in state longer. Choose it from the lateness that you measured (lab
#   `watermarks`).
# - **State in RocksDB.** Above a few million rows the default store, a map on the heap, ends in
#   garbage collection. RocksDB keeps it on disk, and `changelogCheckpointing` writes only what has
#   changed. It moves the limit, and does not replace a bound.
# - **Keys are skewed here, too.** All rows of one id go to one state store. Join by the id of the
#   impression, never by the ad.
# - **A new bound is a new query.** What the old bound has evicted is gone, and no checkpoint brings
#   it back. Run the new query from its own checkpoint beside the old one, until its state is full.
# - **30 days are not a state.** Land both streams, and join them in an incremental batch by the
#   partition of the impression. Keep the stream for the first hour.
# - **In Flink** the same is an interval join, `clicks.keyBy(..).intervalJoin(..).between(..)`. Each
#   operator has a watermark of its own there, idle sources can be marked as such (`withIdleness`),
#   and its SQL has outer interval joins.
# - **The static side** is read in each micro-batch. With Delta that is the newest version; a folder
#   of Parquet is listed once, and new files are missed. A large table is read again and again, so
#   keep it small enough to broadcast.
#
# **On Databricks** you can keep the state in RocksDB with changelog checkpoints, and read files
# with Auto Loader. You still have to choose the bounds and both delays, work out the state that
# they cost, and say what happens when one stream is silent.

# %% [markdown]
# ## Interview follow-ups
#
# 1. Both streams have a watermark, and the state of their inner join grows. What is missing?
# 2. The click stream stops for an hour. What happens to the state, to pairs, and to impressions
#    without a click?
# 3. When exactly may a left outer join emit a row without a partner, and why not a moment earlier?
# 4. Why do you remove duplicates before the join and not behind it?
# 5. How many rows does the join hold at 500 impressions and 10 clicks a second?
# 6. An invoice must show the bid at the moment of the click. Why not join the current table of ads?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. A condition on the two event times, with both bounds. A watermark alone says what can't come
#    any more, not which rows in state still need it. The upper bound frees impressions, the lower
#    bound frees clicks; with one of them, the other side grows. With a watermark on one stream
#    only, neither is freed.
# 2. The watermark is the smaller one, so it stands still. State grows by all impressions of the
#    hour. A pair comes out with its second row; as no click comes, only impressions that arrive
#    after their click can make one. No impression is given up. After the silence the first
#    micro-batch reads the clicks, the next one has the new watermark and emits all that is due.
#    Nothing is lost, if the policy is the default.
# 3. When the watermark is later than its time plus the upper bound: then every click that could
#    match would be late. At exactly that time Spark still keeps it, as the bound includes its end.
#    An answer that comes earlier would have to be taken back, and append mode can't.
# 4. State. The join keeps every copy for the whole hour, and each meets each click once more. And
#    behind the join a row has two event times. Spark 4.2 refuses to deduplicate such rows: "More
#    than one event time columns are available". Before the join a copy is known by id and time, and
#    forgotten when the watermark passes it.
# 5. The watermark lags 20 minutes, so an impression stays 80 minutes: 500 * 4800 = 2.4 million. A
#    click stays 20 minutes: 10 * 1200 = 12,000. With an hour of silence it is 500 * 8400 = 4.2
#    million impressions. That is the number to size for.
# 6. The current table gives the bid of the moment of processing. A late click, a restart or a
#    replay gives another invoice. The version by event time is the same in each run, as long as the
#    history is kept. If versions may arrive late, the invoice needs a rule for corrections as well.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Apache Spark, [stream-stream joins, state stores, and the policy for multiple
#   watermarks](https://spark.apache.org/docs/latest/streaming/apis-on-dataframes-and-datasets.html)
# - Apache Flink, [interval
#   join](https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/datastream/operators/joining/)
# - Delta Lake, [table streaming reads and
#   writes](https://docs.delta.io/latest/delta-streaming.html)

# %%
lab.next()

# ---
# level: senior
# minutes: 75
# needs: []
# datasets: [order_report]
# topics: [spark, event log, performance, joins, caching]
# ---
# %% [markdown]
# # Read a Spark event log, then fix the job
#
# A nightly report is right and takes far too long. You get what an on-call engineer gets: the code,
# and the event log of last night's run. At the end you have a stage table computed from the log, a
# diagnosis that names the stage and its cause, and a report with the same rows that moves a
# fraction of the bytes.
#
# **You will learn** to
#
# - read stages, skew and retries from an event log with Spark itself,
# - find what keeps the optimizer from pushing filters and columns down, and remove it,
# - share a branch between two outputs without computing it twice or leaving it cached.

# %%
import labkit

lab = labkit.open("slow_job")
spark = lab.spark

# %% [markdown]
# ## The data
#
# The event log is real: `datasets/order_report/make_event_log.py` ran the job on 60,000 orders with
# two cores and kept what Spark wrote, without paths and host names. Spark reads it as text, with
# one JSON document in each line. The log holds many kinds of events; two of them tell nearly
# everything about stages.

# %%
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

data = lab.data("order_report")
events = spark.read.text(str(data / "event_log.jsonl.gz"))
kind = F.get_json_object("value", "$.Event").alias("event")
events.groupBy(kind).count().orderBy(F.desc("count")).show(8, truncate=False)

# %% [markdown]
# The schema below names the fields that this lab needs. `from_json` leaves out all others, and
# gives nulls where a line is an event of another kind. Times are in milliseconds. The fields of a
# stage are in `Stage Info`, those of a task in `Task Info`, `Task End Reason` and `Task Metrics`.

# %%
READ = "`Shuffle Read Metrics`: struct<`Remote Bytes Read`: long, `Local Bytes Read`: long>"
WRITE = "`Shuffle Write Metrics`: struct<`Shuffle Bytes Written`: long>"
STAGE = "`Stage ID`: long, `Stage Attempt ID`: int, `Stage Name`: string"
EVENT = f"""
    `Event` string,
    `Stage Info` struct<{STAGE}, `Submission Time`: long, `Completion Time`: long>,
    `Stage ID` long,
    `Task End Reason` struct<`Reason`: string>,
    `Task Info` struct<`Partition ID`: int, `Launch Time`: long, `Finish Time`: long>,
    `Task Metrics` struct<`Disk Bytes Spilled`: long, {READ}, {WRITE}>
"""

# %% [markdown]
# ## Task 1: one row for each stage
#
# Write `stage_table(events)`; `events` is a log read as text, with one column, `value`. It returns
# one row for each stage with at least one `SparkListenerStageCompleted`, with these columns in this
# order:
#
# | column | type | meaning |
# |---|---|---|
# | `stage_id`, `name` | long, string | `Stage ID` and `Stage Name` |
# | `duration_ms` | long | from submission to completion, added up over the stage's attempts |
# | `tasks` | long | partitions computed: a `Partition ID` counts once |
# | `max_task_ms` | long | longest task, from launch to finish |
# | `median_task_ms` | double | exact median of the task times |
# | `shuffle_read_bytes` | long | bytes read from shuffles, remote and local |
# | `shuffle_write_bytes` | long | bytes written to shuffles |
# | `spill_bytes` | long | bytes spilled to disk |
#
# - All columns after `duration_ms` come from the task attempts (`SparkListenerTaskEnd`) that ended
#   with the reason `Success`. Failed and killed attempts count nowhere.
# - If several attempts of a partition succeeded, it counts as one task, and the times and bytes of
#   all of them count.
# - A stage without any successful attempt has 0 tasks and 0 bytes, and both of its task times are
#   null.
# - The log of a crashed application ends in the middle of a line. Such a line is no event.
#
# All attempts of a stage have the same name, and those that completed have both times.


# %%
def stage_table(events: DataFrame) -> DataFrame:
    """One row for each completed stage of an event log."""
    # BEGIN SOLUTION: parse each line once, then aggregate stages and successful tasks
    parsed = events.select(F.from_json("value", EVENT).alias("e")).select("e.*")
    duration = F.col("Completion Time") - F.col("Submission Time")
    stages = (
        parsed.where("Event = 'SparkListenerStageCompleted'")
        .select("`Stage Info`.*")
        .groupBy(F.col("Stage ID").alias("stage_id"))
        .agg(F.max("Stage Name").alias("name"), F.sum(duration).alias("duration_ms"))
    )
    ms = F.expr("`Task Info`.`Finish Time` - `Task Info`.`Launch Time`")
    read = F.col("Task Metrics.Shuffle Read Metrics")
    succeeded = "Event = 'SparkListenerTaskEnd' AND `Task End Reason`.Reason = 'Success'"
    tasks = (
        parsed.where(succeeded)
        .groupBy(F.col("Stage ID").alias("stage_id"))
        .agg(
            F.countDistinct("Task Info.Partition ID").alias("tasks"),
            F.max(ms).alias("max_task_ms"),
            F.median(ms).alias("median_task_ms"),
            F.sum(read["Remote Bytes Read"] + read["Local Bytes Read"]).alias("shuffle_read_bytes"),
            F.sum("Task Metrics.Shuffle Write Metrics.Shuffle Bytes Written").alias(
                "shuffle_write_bytes"
            ),
            F.sum("Task Metrics.Disk Bytes Spilled").alias("spill_bytes"),
        )
    )
    counts = ["tasks", "shuffle_read_bytes", "shuffle_write_bytes", "spill_bytes"]
    return stages.join(tasks, on="stage_id", how="left").fillna(0, subset=counts)
    # END SOLUTION


# %% [markdown]
# Most checks use small hand-written logs with failed, killed and repeated tasks. The last one reads
# the real log. A reason names the stage and the column.

# %%
lab.check("stage_table")

# %% [markdown]
# Now look at last night's run. Three stages take almost all of the time, and they read the same
# number of bytes from shuffles, to the byte. That is the first finding. The names don't help much,
# because PySpark names a stage after a call inside its gateway.

# %%
if lab.written("stage_table"):
    stages = stage_table(events)
    stages.drop("name", "spill_bytes").orderBy(F.desc("duration_ms")).show(6)

# %% [markdown]
# A sorted table shows neither which stages ran at the same time nor which only waited. For that,
# take two times of each stage from the log: when it was first submitted, and when its first task
# was launched. Count both in seconds from the first submission.

# %%
if lab.written("stage_table"):
    parsed = events.select(F.from_json("value", EVENT).alias("e")).select("e.*")
    stage_id = F.coalesce("Stage Info.Stage ID", "Stage ID").alias("stage_id")
    moments = parsed.groupBy(stage_id).agg(
        F.min("Stage Info.Submission Time").alias("submitted"),
        F.min("Task Info.Launch Time").alias("launched"),
    )
    bars = stages.join(moments, on="stage_id", how="inner").toPandas()
    zero = bars["submitted"].min()
    submitted, launched = (bars["submitted"] - zero) / 1000, (bars["launched"] - zero) / 1000

# %% [markdown]
# Each bar is a stage, from submission to completion. Its longest and its median task are drawn on
# it, both from the launch of its first task. A short dark part before a long blue one is skew: the
# stage waits for one task. Stages 20 and 22 do the same work, twice in one job, and were submitted
# in the same second. Both cores went to stage 20. So the pale start of stage 22, a third of its
# duration, is waiting.

# %%
import matplotlib.pyplot as plt

if lab.written("stage_table"):
    figure, axes = plt.subplots(figsize=(9, 4.5))
    layers = {"duration_ms": "#deebf7", "max_task_ms": "#6baed6", "median_task_ms": "#08306b"}
    for column, color in layers.items():
        left = submitted if column == "duration_ms" else launched
        axes.barh(bars.stage_id, bars[column] / 1000, left=left, color=color, label=column)
    axes.set(xlabel="seconds since the first stage", ylabel="stage", title="The slow job, by stage")
    axes.invert_yaxis()
    axes.legend(loc="lower left")

# %% [markdown]
# ## Task 2: name the cause
#
# Write `diagnosis(stages)`; `stages` has the columns of Task 1. It returns one row, about the stage
# that lasted longest, with these columns in this order:
#
# | column | type | meaning |
# |---|---|---|
# | `stage_id` | long | the stage |
# | `share` | double | its duration as a share of the sum of all durations, from 0 to 1 |
# | `skew_ratio` | double | longest task over median task |
# | `cause` | string | the first line of the next table that fits |
#
# - Of two stages that lasted equally long, take the one with the smaller `stage_id`.
# - A median under 1 ms counts as 1 ms in the ratio.
# - A stage without tasks has a null ratio.
#
# | cause | when | what it usually is |
# |---|---|---|
# | `failed` | no task succeeded | read the failure reason first |
# | `single_task` | one task | `repartition(1)`, a window without a key, an unsplittable file |
# | `skew` | ratio at least 3 | one key holds most rows; spill is then a symptom |
# | `spill` | spilled to disk | partitions too large for the memory of a task |
# | `tiny_tasks` | 100 tasks or more, median under 50 ms | too many partitions for little data |
# | `compute` | otherwise | every task works evenly: cost per row, so read the plan |
#
# There is at least one stage, and some stage lasted longer than 0 ms.


# %%
def diagnosis(stages: DataFrame) -> DataFrame:
    """One row: the stage that lasted longest, its share of all time, its skew and its cause."""
    # BEGIN SOLUTION: pick the longest stage, and name the first cause that fits
    ratio = F.col("max_task_ms") / F.greatest("median_task_ms", F.lit(1.0))
    cause = (
        F.when(F.col("tasks") == 0, "failed")
        .when(F.col("tasks") == 1, "single_task")
        .when(ratio >= 3, "skew")
        .when(F.col("spill_bytes") > 0, "spill")
        .when((F.col("tasks") >= 100) & (F.col("median_task_ms") < 50), "tiny_tasks")
        .otherwise("compute")
    )
    longest = stages.orderBy(F.desc("duration_ms"), "stage_id").limit(1)
    whole = stages.agg(F.sum("duration_ms").alias("whole"))
    return longest.crossJoin(whole).select(
        "stage_id",
        (F.col("duration_ms") / F.col("whole")).alias("share"),
        F.when(F.col("tasks") > 0, ratio).alias("skew_ratio"),
        cause.alias("cause"),
    )
    # END SOLUTION


# %% [markdown]
# Each check passes a few stages, one of which has a cause to find. Some of them set a trap: the
# stage with the slowest task is not the longest stage, or a stage spills because it is skewed.

# %%
lab.check("diagnosis")

# %% [markdown]
# So the log says `skew`. Before you add salts, ask where the skew comes from and what those tasks
# do. `Executor Run Time` is how long a task ran, in milliseconds. `Executor CPU Time` is the part
# in which the JVM itself computed, in nanoseconds. The next cell adds up both for the three long
# stages.

# %%
if lab.written("stage_table", "diagnosis"):
    diagnosis(stages).show()
    longest = stages.orderBy(F.desc("duration_ms")).limit(3).select("stage_id", "duration_ms")
    times = "struct<`Executor Run Time`: long, `Executor CPU Time`: long>"
    parsed = F.from_json("value", f"`Stage ID` long, `Task Metrics` {times}").alias("e")
    ran = events.select(parsed).select(
        "e.`Task Metrics`.*", F.col("e.`Stage ID`").alias("stage_id")
    )
    cpu = (F.sum("Executor CPU Time") / 1e6).alias("jvm_cpu_ms")
    spent = ran.groupBy("stage_id").agg(F.sum("Executor Run Time").alias("run_ms"), cpu)
    longest.join(spent, on="stage_id", how="inner").orderBy("stage_id").show()

# %% [markdown]
# Stage 22 lasted longest and ran least: a duration includes the wait for a core, task time doesn't.
# All three stages do the same skewed work. The JVM computes for a tenth of the run time, and waits
# for Python in the rest.
#
# Now read the job. `price` gets a whole row, with order and rate, and decides in Python what
# counts. One reseller places 45 % of the orders, and the merge hint sends them all to one task.

# %%
print((data / "slow_job.py").read_text().split("log = ")[1])

# %% [markdown]
# Look at the plan rather than guess. `labkit.checks` reads it from the engine: `operators` gives
# the names of the final plan's nodes, and `scans` shows what each reader returns and filters. The
# optimizer can't move a filter that is inside a function. And `struct("*")` needs every column, so
# the scan can't skip any.

# %%
import runpy

from labkit.checks import exchanges, has_python, operators, scans

tables = ("orders", "customers", "rates")
orders, customers, rates = (spark.read.parquet(str(data / f"{name}.parquet")) for name in tables)
slow_report = runpy.run_path(str(data / "slow_job.py"))["slow_report"]
before = slow_report(orders, customers, rates)
for scan in scans(before):
    print(
        scan.source, "reads", ", ".join(scan.columns), "| filters", sorted(scan.filters) or "none"
    )
print([name for name in operators(before) if "Join" in name or "Python" in name], exchanges(before))

# %% [markdown]
# ## Task 3: the same report, fast
#
# Write `fast_report(orders, customers, rates)`. It returns the rows of `slow_report`, with the same
# columns in the same order: `country` string, `segment` string, `orders` long, `revenue`
# decimal(24,2), `share` double. All times are UTC. The three frames are read from files.
#
# - No row passes through Python.
# - The plan reads all three inputs from their files: no row passes through the driver.
# - Rates are found by key: the plan has no nested loop join.
# - The reader of orders applies both filters of `price`, on state and on year.
# - Only needed columns are read.
# - Customers and rates are broadcast, orders aren't.
# - There are two shuffles at most, and none into a single task. A broadcast is no shuffle.
# - Orders are read once.
# - The report shuffles at most a tenth of the bytes that the slow job shuffles, and runs at most
#   half of its tasks.
# - Calling the function runs no job.
#
# The order of the rows is up to you. Test what `price` does with odd values before you replace it:
# the data has them. Of white space it has only blanks, tabs and line ends.


# %%
def fast_report(orders: DataFrame, customers: DataFrame, rates: DataFrame) -> DataFrame:
    """The rows of `slow_report`: orders, revenue and share by country and segment."""
    # BEGIN SOLUTION: filter first, join by key, round and clean in columns, total over a window
    in_2026 = (F.col("ordered_at") >= "2026-01-01") & (F.col("ordered_at") < "2027-01-01")
    counts = F.col("status").isin("paid", "shipped")
    valid = (F.col("valid_from") <= F.col("ordered_at")) & (
        F.col("valid_to").isNull() | (F.col("ordered_at") < F.col("valid_to"))
    )
    typed = F.coalesce(F.nullif("currency", F.lit("")), F.lit("EUR"))
    # `str.strip` takes tabs and line ends too; `quantize` rounds half to even, as `bround` does
    code = F.upper(F.btrim(typed, F.lit(" \t\r\n")))
    euro = F.bround(F.coalesce("amount", F.lit(0)) * F.col("rate"), 2).cast("decimal(14,2)")
    named = rates.withColumnRenamed("currency", "rate_currency")
    priced = (
        orders.where(in_2026 & counts)
        .withColumn("code", code)
        .join(F.broadcast(named), on=(F.col("code") == F.col("rate_currency")) & valid, how="inner")
        .join(F.broadcast(customers), on="customer_id", how="left")
        .select(
            *(
                F.coalesce(F.nullif(c, F.lit("")), F.lit("unknown")).alias(c)
                for c in ["country", "segment"]
            ),
            euro.alias("euro"),
        )
    )
    segments = priced.groupBy("country", "segment").agg(
        F.count("*").alias("orders"), F.sum("euro").alias("revenue")
    )
    total = F.sum("revenue").over(Window.partitionBy("country"))
    share = F.col("revenue").cast("double") / F.col("total").cast("double")
    return segments.withColumn("total", total).select(
        "country", "segment", "orders", "revenue", F.when(F.col("total") != 0, share).alias("share")
    )
    # END SOLUTION


# %% [markdown]
# The checks compare rows first, then look at the plan, then at counters: bytes shuffled and tasks
# run, beside those of the slow job on the same data in the same session. No check measures time.
# Read the reasons from the top: a wrong row matters more than one shuffle too many.

# %%
lab.check("fast_report")

# %% [markdown]
# Compare the two plans. Where did the skew go? The customers are now sent to the orders, so no row
# moves by `customer_id`. The reseller with 45 % of the orders is spread over all tasks that read
# the files. You didn't need salts.

# %%
if lab.written("fast_report"):
    after = fast_report(orders, customers, rates)
    for scan in scans(after):
        print(scan.source, "reads", ", ".join(scan.columns), "| filters", sorted(scan.filters))
    print(
        [name for name in operators(after) if "Join" in name], exchanges(after), has_python(after)
    )
    print("same rows:", after.exceptAll(before).isEmpty() and before.exceptAll(after).isEmpty())

# %% [markdown]
# ## Task 4: compute a shared branch once
#
# The next request is for two tables from the priced orders. Write `materialise_once(priced,
# tables)`. `priced` has the columns `country` string, `ordered_on` date and `euro` decimal(14,2).
# `tables` holds the names of the two tables, `tables["by_country"]` and `tables["by_day"]`. The
# function writes the tables, with these columns in this order:
#
# | table | columns |
# |---|---|
# | `by_country` | `country`, `orders` long, `revenue` decimal(24,2) |
# | `by_day` | `ordered_on`, `orders` long, `revenue` decimal(24,2) |
#
# - `orders` counts the rows of `priced`, also those with a null `euro`. `revenue` adds up `euro`.
# - The function creates the tables, or replaces what they hold, also when `priced` has no rows.
# - `priced` is computed once, so that both tables agree even if a source changes in between.
# - The rows of `priced` don't pass through the driver.
# - Afterwards nothing is cached and no other table is left in any database, also when an error
#   comes up: a table can't be written, or a row of `priced` can't be computed.
# - The error goes on to the caller. A table that was written before it may stay.
#
# `priced` isn't cached when you get it. Tables that exist already have these columns. Their format
# is up to you. You may use `localCheckpoint`: you can't release its blocks by hand, but the engine
# removes them some time after the last reference to the frame is gone.


# %%
def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    """Writes both tables from one computation of `priced`, and keeps nothing of it."""
    # BEGIN SOLUTION: cache, write twice, and release whatever happens
    shared = priced.persist()
    try:
        for name, key in (("by_country", "country"), ("by_day", "ordered_on")):
            (
                shared.groupBy(key)
                .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
                .write.mode("overwrite")
                .saveAsTable(tables[name])
            )
    finally:
        shared.unpersist()
    # END SOLUTION


# %% [markdown]
# One check passes a branch that draws new amounts each time it is computed. If the two tables don't
# add up to the same revenue, the branch was computed twice. Others make each of the writes fail,
# and the branch itself.

# %%
lab.check("materialise_once")

# %% [markdown]
# ## Put it together
#
# Run both reports and compare their work. `measured` gives the engine's counters for what runs
# inside the block. For the slow job that includes its three counts, each of which computes the
# whole branch below it. Counters are the same in every run; seconds aren't.

# %%
from labkit.checks import measured

if lab.written("fast_report"):
    spent = {}
    for name, build in {"slow": slow_report, "fast": fast_report}.items():
        with measured(spark) as spent[name]:
            build(orders, customers, rates).collect()
    print(spent)

# %% [markdown]
# The same numbers as a picture, to show when somebody asks what the change was worth. On 1,500
# orders both reports take moments; the numbers shown here grow with the data.

# %%
if lab.written("fast_report"):
    figure, panels = plt.subplots(1, 2, figsize=(8, 2.8))
    for axes, counter in zip(panels, ["shuffle_bytes", "tasks"], strict=True):
        heights = [getattr(work, counter) for work in spent.values()]
        axes.bar_label(axes.bar(list(spent), heights, color=["#6baed6", "#08306b"]))
        axes.margins(y=0.15)
        axes.set_title(counter)

# %% [markdown]
# ## In practice
#
# You can open the log in Spark's history server; stage 22 has the same 16 tasks there. In a
# terminal, in the top folder of this repository:
#
# ```
# export JAVA_HOME=...  # the folder of the Java that `./lab doctor` names
# mkdir -p work/events && gunzip -c datasets/order_report/event_log.jsonl.gz > work/events/slow_job
# export PYSPARK_PYTHON=.venv/bin/python
# export SPARK_HISTORY_OPTS=-Dspark.history.fs.logDirectory=file:$PWD/work/events
# .venv/bin/spark-class org.apache.spark.deploy.history.HistoryServer
# ```
#
# Then open `http://localhost:18080`. A production job needs `spark.eventLog.enabled` and a log
# directory that outlives its cluster. Call `setJobDescription` before each step, because PySpark
# gives its stages no useful names.
#
# **On Databricks**, the Spark UI and the query profile read the same events, adaptive execution and
# Photon are on, and cluster log delivery keeps logs when a cluster ends. A Python function still
# runs outside Photon, an old hint still forces its plan, and you still have to release what you
# cache.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. The stage is skewed and you didn't salt. How do you decide between broadcast, salting, AQE and
#    isolating the key?
# 2. Somebody suggests deleting `asNondeterministic`, so that the filter can be pushed down. What
#    happens?
# 3. A colleague replaces the UDF by a pandas UDF and measures a third of the time. What do you say?
# 4. The totals per country could be a second aggregation joined to the first. Why does that read
#    the orders twice, although Spark reuses exchanges?
# 5. `persist`, a working table, `checkpoint`, `localCheckpoint`: when do you use which?
# 6. The rates grow to 50 million rows and no longer fit a broadcast. What happens to the range
#    join, and what do you do?
# 7. Somebody adds `repartition(1)` so that one file comes out. What do you suggest instead?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Ask first whether the shuffle is needed. Here the other side is small: a broadcast removes the
#    shuffle, and the skew with it. If neither side fits in memory, AQE splits partitions of
#    sort-merge joins that exceed both five times the median and 256 MB (the defaults). Below that,
#    or for aggregations, it does nothing. Salting helps when many keys are heavy or the key is
#    needed on both sides. Isolating is best for a few known keys, whose dimension rows are few
#    enough to broadcast.
# 2. Nothing good, here. The comment is right: without `asNondeterministic` the plan holds two
#    `ArrowEvalPython` in a row, one for the filter and one for the fields. The scan reads the same
#    columns with the same filters, because `price` needs the rate and so stays above the join. The
#    mark does harm where a function looks at one side only: a deterministic UDF on `status` is
#    moved below the join, a nondeterministic one stays above it. The remedy is to take the
#    conditions on orders out of the function.
# 3. Good, but only the Python code got faster. The transport is the same: in Spark 4.2 a plain UDF
#    uses Arrow too, as the plan of this job shows. The plan still holds an `ArrowEvalPython`, the
#    filter that depends on it is still above the join, and every row still leaves the JVM. Write it
#    with column expressions if you can, and keep pandas for the rest.
# 4. Exchanges are reused when the plans below them are the same. The second use needs only
#    `revenue`, so column pruning takes `orders` out of its aggregate, and the two plans are no
#    longer the same. A window over the first result needs no second branch. (`labkit.checks.scans`
#    shows it; a mistake of this lab does just that.)
# 5. `persist` is for several actions in one application. It is lazy, it is lost with its executors
#    and then recomputed, and you release it by hand. Use a working table when other jobs or a
#    restart need the rows, or when they must not change between uses. `checkpoint` cuts a long
#    lineage reliably, and writes to shared storage. `localCheckpoint` cuts it on executor disks: if
#    an executor is lost, its data can't be recomputed.
# 6. The equality on currency remains, so it becomes a sort-merge join on six keys: skewed, and
#    within a key every order meets every rate. Add an equality on a bucket of time: give each rate
#    a row for each day (or week) it covers, join on currency and day, and keep the range as a
#    further condition. Or sort the union of both by time and carry the last rate forward with a
#    window.
# 7. `coalesce(1)` is no remedy: it pulls the work before it into one task too. Write with several
#    tasks and compact afterwards (`OPTIMIZE` in Delta, or auto compaction). Or use a `REBALANCE`
#    hint just before the write, which lets AQE choose the number of files by size. Readers care
#    about the size of files, and seldom need exactly one.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Spark documentation, [Monitoring and
#   instrumentation](https://spark.apache.org/docs/latest/monitoring.html): the history server and
#   its REST API
# - Spark documentation, [Performance
#   tuning](https://spark.apache.org/docs/latest/sql-performance-tuning.html): adaptive execution,
#   join hints, caching
# - PySpark reference,
#   [`asNondeterministic`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.UserDefinedFunction.asNondeterministic.html)

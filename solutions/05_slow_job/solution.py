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
# A nightly report is right and takes far too long. You get what an on-call engineer gets: the event log of last
# night's run and the code. At the end you have a stage table computed from the log, a diagnosis that names the
# stage and its cause, and a report with the same rows that moves a fraction of the bytes.
#
# **You will learn** to
#
# - read stages, skew and retries out of an event log with Spark itself,
# - tell what keeps the optimizer from pushing filters and columns down, and remove it,
# - share a branch between two outputs without computing it twice or leaving it cached.

# %%
import labkit

lab = labkit.open("slow_job")
spark = lab.spark

# %% [markdown]
# ## The data
#
# The event log is real: `datasets/order_report/make_event_log.py` ran the job on 60,000 orders with two cores and kept what Spark
# wrote, without paths and host names. Spark reads it as text, one JSON document a line. The log holds many kinds
# of events; two of them tell nearly everything about stages.

# %%
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

data = lab.data("order_report")
events = spark.read.text(str(data / "event_log.jsonl.gz"))
kind = F.get_json_object("value", "$.Event").alias("event")
events.groupBy(kind).count().orderBy(F.desc("count")).show(8, truncate=False)

# %% [markdown]
# The schema below names the fields that this lab needs; `from_json` leaves the others out, and gives nulls where a
# line is of another kind. Times are in milliseconds. A stage's fields are in `Stage Info`, a task's in `Task Info`,
# `Task End Reason` and `Task Metrics`.

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
# ## Task 1: one row a stage
#
# Write `stage_table(events)` for such a frame (one column, `value`): a row for each stage with at least one
# `SparkListenerStageCompleted`.
#
# | column | type | meaning |
# |---|---|---|
# | `stage_id`, `name` | long, string | `Stage ID` and `Stage Name` |
# | `duration_ms` | long | from submission to completion, added up over the stage's attempts |
# | `tasks` | long | partitions computed: a `Partition ID` counts once |
# | `max_task_ms` | long | longest task, from launch to finish |
# | `median_task_ms` | double | exact median of the task times |
# | `shuffle_read_bytes` | long | remote and local |
# | `shuffle_write_bytes` | long | written |
# | `spill_bytes` | long | spilled to disk |
#
# All but the first three columns come from the task attempts (`SparkListenerTaskEnd`) that ended with the reason `Success`. A stage without
# any has 0 tasks, 0 bytes and null times. Logs of crashed applications end in the middle of a line.


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
# Small hand-written logs with failed, killed and repeated tasks decide whether the table is right; the last check
# compares it with the real log, stage by stage. A reason names the stage and the column.

# %%
lab.check("stage_table")

# %% [markdown]
# Now look at last night's run. Three stages take almost all of the time, and their shuffle reads are equal to the byte: that is
# the first finding. The names help little, for PySpark names stages by a call site in the gateway.

# %%
if lab.written("stage_table"):
    stages = stage_table(events)
    stages.drop("name", "spill_bytes").orderBy(F.desc("duration_ms")).show(6)

# %% [markdown]
# A sorted table doesn't say what ran beside what, nor what only waited. For that, take two moments of each stage from the log: when it was first submitted, and when its
# first task was launched. Both go on a line of seconds since the first submission.

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
# Each bar is a stage, from submission to completion; its longest and its median task lie on it from the launch of its first task on. A short dark part before a long blue one is skew: the stage
# waits for one task. Stages 20 and 22 are the same work, twice in one job, submitted in the same second. Both cores went to stage 20, so the pale start of stage 22 is waiting: a third of its duration.

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
# Write `diagnosis(stages)` for a frame with the columns of Task 1: one row about the stage that lasted longest (of two that lasted
# equally long, the smaller `stage_id`). Columns: `stage_id` long, `share` double (of the sum of all durations), `skew_ratio` double (longest
# task over median task; a median under 1 ms counts as 1 ms; null without tasks) and `cause`, by the first line that fits:
#
# | cause | when | what it usually is |
# |---|---|---|
# | `failed` | no task succeeded | read the failure reason first |
# | `single_task` | one task | `repartition(1)`, a window without a key, a file that can't be split |
# | `skew` | ratio at least 3 | one key holds most rows; spill is then a symptom |
# | `spill` | spilled to disk | partitions too large for the memory of a task |
# | `tiny_tasks` | 100 tasks or more, median under 50 ms | too many partitions for little data |
# | `compute` | otherwise | every task works evenly: cost per row, so read the plan |


# %%
def diagnosis(stages: DataFrame) -> DataFrame:
    """One row: the stage that lasted longest, its share of all durations, its skew and its cause."""
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
# Each check hands over a few stages with one cause among them. Two checks hold stages that tempt you: a stage with the slowest task that is
# not the longest stage, and a stage that spills because it is skewed.

# %%
lab.check("diagnosis")

# %% [markdown]
# So the log says `skew`. Before you reach for salts, ask where the skew comes from and what those tasks do. `Executor CPU Time` is what the JVM
# itself computed, in nanoseconds, of the `Executor Run Time` in milliseconds; the next cell adds both up for the three long stages.

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
# Stage 22 lasted longest and ran least: a duration counts the wait for a core, task time doesn't. All three are the same skewed work. The JVM is busy for a tenth of the run time: it waits for Python. Now read
# the job. `price` gets a whole row, order and rate, and decides in Python what counts. One reseller places 45 % of the orders, and the merge hint sends them all to one task.

# %%
print((data / "slow_job.py").read_text().split("log = ")[1])

# %% [markdown]
# A plan is a better witness than a guess. `labkit.checks` reads it through the engine's objects: `operators` gives the names of the final plan's nodes, `scans`
# what each reader returns and filters. A filter inside a function is none that the optimizer can move, and `struct("*")` needs every
# column: nothing is left for the scan to skip.

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
# Write `fast_report(orders, customers, rates)`: the rows of `slow_report` and its columns `country` string, `segment` string, `orders` long,
# `revenue` decimal(24,2), `share` double. No row passes through Python; no nested loop; the reader of orders applies both filters;
# only needed columns are read; customers and rates are broadcast; two shuffles at most, none of them into a single task; orders are read once; at most a tenth of the
# bytes that the slow job shuffles, and half of its tasks; calling
# the function runs no job. Test what `price` does with odd values before you replace it: the data has them.


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
# The checks compare rows first, then the plan, then counters: bytes shuffled and tasks run, beside the slow job's on the same data in
# the same session. None of them looks at a clock. Read the reasons from the top: a wrong row matters more than
# a shuffle too many.

# %%
lab.check("fast_report")

# %% [markdown]
# Compare the two plans. Where did the skew go? The customers are now sent to the orders, so no row moves by `customer_id`, and a reseller
# with 45 % of the orders is spread over all tasks that read the files. Nothing had to be salted.

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
# The next request: two tables from the priced orders (`country`, `ordered_on` date, `euro` decimal(14,2)). Write `materialise_once(priced, tables)`; `tables` names
# them, `tables["by_country"]` and `tables["by_day"]`, with the columns `country` or `ordered_on`, then `orders` long and `revenue` decimal(24,2).
# `orders` counts the rows of `priced`, `revenue` adds up their `euro`. The function
# creates them, or replaces what they hold, and returns nothing. `priced` is computed once, so that both tables agree even if a source changes in between; its rows don't pass through the driver.
# Afterwards nothing is cached and no other table is left, also when a write raises; the error goes on to the caller. `localCheckpoint` is allowed: its blocks can't be released by hand, the engine
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
# One check hands over a branch that draws its amounts anew each time it is computed; two tables that don't add up to the same
# revenue give a second computation away. Another makes the second write fail.

# %%
lab.check("materialise_once")

# %% [markdown]
# ## Put it together
#
# Run both reports and count. `measured` gives the engine's counters for what runs inside the block; the slow job's three counts are in
# there, each with the whole branch below it. Counters repeat from run to run, seconds don't.

# %%
from labkit.checks import measured

if lab.written("fast_report"):
    spent = {}
    for name, build in {"slow": slow_report, "fast": fast_report}.items():
        with measured(spark) as spent[name]:
            build(orders, customers, rates).collect()
    print(spent)

# %% [markdown]
# The same numbers as a picture, the one to show when somebody asks what the change was worth. On 1,500 orders both reports take moments; what is drawn
# here grows with the data.

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
# The log opens in the real history server; stage 22 has the same 16 tasks there. In a terminal, at the top of this repository:
#
# ```
# export JAVA_HOME=...  # the folder of the Java that `./lab doctor` names
# mkdir -p work/events && gunzip -c datasets/order_report/event_log.jsonl.gz > work/events/slow_job
# export PYSPARK_PYTHON=.venv/bin/python SPARK_HISTORY_OPTS=-Dspark.history.fs.logDirectory=file:$PWD/work/events
# .venv/bin/spark-class org.apache.spark.deploy.history.HistoryServer
# ```
#
# Then open `http://localhost:18080`. A production job needs `spark.eventLog.enabled` and a log directory that outlives its cluster, and `setJobDescription` before
# each step, for PySpark has no names of its own. **On Databricks** the Spark UI and the query profile read the same events, adaptive execution and Photon are on, and cluster log
# delivery keeps logs when a cluster ends. A Python function stays outside Photon, a hint of 2019 stays a hint, and what you cache is yours to release.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. The stage is skewed and you didn't salt. How do you decide between broadcast, salting, AQE and isolating the key?
# 2. Somebody suggests deleting `asNondeterministic`, so that the filter can be pushed down. What happens?
# 3. A colleague replaces the UDF by a pandas UDF and measures a third of the time. What do you say?
# 4. The totals per country could be a second aggregation joined to the first. Why does that read the orders twice, although Spark re-uses exchanges?
# 5. `persist`, a working table, `checkpoint`, `localCheckpoint`: when which?
# 6. The rates grow to 50 million rows and no longer fit a broadcast. What happens to the range join, and what do you do?
# 7. Somebody adds `repartition(1)` so that one file comes out. What do you suggest instead?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Ask first whether the shuffle has to be there. Here the other side is small: broadcast removes the shuffle and the skew with it. If neither side fits in memory, AQE
#    splits oversized partitions of sort-merge joins, once they exceed both five times the median and 256 MB (the defaults); below that, or for aggregations, it does nothing. Salting
#    helps when many keys are heavy or the key is needed on both sides; isolating is best for a few known keys, whose dimension rows are few enough to broadcast.
# 2. Nothing good, here. The comment is right: without it the plan holds two `ArrowEvalPython` in a row, one for the filter and one for the fields, and the scan reads the same columns with the same filters, since
#    `price` needs the rate and so stays above the join. The mark does harm where a function looks at one side only: a deterministic UDF on `status` is moved below the join, a nondeterministic one
#    stays above it. The cure is to take the conditions on orders out of the function.
# 3. Good, and only the transport got faster. The plan still holds an `ArrowEvalPython`, the filter that depends on it still sits above the join, and every row
#    still leaves the JVM. In Spark 4.2 a plain UDF travels by Arrow too, as this job's plan shows. Say it in columns if it can be said; keep pandas for what can't.
# 4. Exchanges are re-used when the plans below are the same. The second use needs only `revenue`, so column pruning takes `orders` out of its aggregate, and the two are no longer the same. A window
#    over the first result needs no second branch. (`labkit.checks.scans` shows it; a mistake of this lab does just that.)
# 5. `persist` for several actions in one application: lazy, lost with its executors and then recomputed, to be released by hand. A working table when other jobs or a restart need it, or when it must not change
#    between uses. `checkpoint` cuts a long lineage reliably, and writes to shared storage; `localCheckpoint` cuts it on executor disks: if an executor goes, the data can't be recomputed.
# 6. The equality on currency survives, so it becomes a sort-merge join on six keys: skewed, and within a key every order meets every rate. Add an equality on a bucket of time: give each rate a row for
#    each day (or week) it covers, join on currency, day, and the range as a remainder. Or sort the union of both by time and carry the last rate forward with a window.
# 7. `coalesce(1)` is no cure: it pulls the work in front of it into one task too. Write with several tasks and compact afterwards (`OPTIMIZE` in Delta, or auto compaction), or use a `REBALANCE` hint just
#    before the write, which lets AQE choose the number of files by size. Readers care about sizes, seldom about exactly one file.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Spark documentation, [Monitoring and instrumentation](https://spark.apache.org/docs/latest/monitoring.html): the history server and its REST API
# - Spark documentation, [Performance tuning](https://spark.apache.org/docs/latest/sql-performance-tuning.html): adaptive execution, join hints, caching
# - PySpark reference, [`asNondeterministic`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.UserDefinedFunction.asNondeterministic.html)

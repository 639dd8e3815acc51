# ---
# level: senior
# minutes: 75
# needs: []
# datasets: [orders_history]
# topics: [delta, operations, retention]
# ---
# %% [markdown]
# # Recover a table after a bad deploy, and keep the past you need
#
# At 02:10 deploy 417 doubled the prices of half the orders and deleted the cancelled ones. Good
# batches landed after it. Somebody says "just restore it". You find the bad commits, repair the
# table without losing the good ones, bring back what a hasty RESTORE took away, and decide how much
# of the past the table keeps.
#
# **You will learn** to
#
# - read a table's history and compare its versions,
# - choose between RESTORE and a repair, and replay batches that a writer believes it has written,
# - clean up a table's folder by a plan, and know which old versions can still be read.

# %% [markdown]
# ## The data
#
# Eleven commits of one night: a loader appends new orders, a job updates their status, a deploy
# goes wrong. `commits.json` lists them in order. The other files are the batches that they bring.

# %%
import json

import labkit

lab = labkit.open("time_travel")
spark = lab.spark
folder = lab.data("orders_history")
commits = [json.loads(line) for line in (folder / "commits.json").open()]
for commit in commits:
    print(commit["by"], commit.get("file", ""), commit.get("sql", "append")[:70])

# %% [markdown]
# **Grain:** one row is one order. `order_id` is its key: unique, and never null. A gift has no
# price (null). The cell below commits the night to the table `orders`. The loader is an
# [idempotent writer][idempotent]: each append carries the name `loader` and a number, `txnVersion`.
# Delta skips an append whose number is not greater than the last one of that name.
#
# [idempotent]: https://docs.delta.io/latest/delta-batch.html#idempotent-writes

# %%
from functools import reduce
from itertools import pairwise

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

ORDERS = "order_id long, customer_id long, status string, price decimal(10,2), updated_at timestamp"


def append(table: str, batch: DataFrame, number: int) -> None:
    """What the loader does with its batch of this number."""
    writer = batch.coalesce(1).write.format("delta").mode("append")
    writer.option("txnAppId", "loader").option("txnVersion", number).saveAsTable(table)


def commit_night(table: str, count: int) -> None:
    """Makes the table, and the first `count` commits of the night as versions 1, 2 and so on."""
    spark.sql(f"CREATE TABLE {table} ({ORDERS}) USING delta")
    for commit in commits[:count]:
        batch = spark.read.schema(ORDERS).json(str(folder / commit.get("file", "commits.json")))
        if "txn" in commit:
            append(table, batch, commit["txn"])
        else:
            spark.sql(commit["sql"].replace("{table}", table), batch=batch)


orders = f"{lab.schema}.orders"
commit_night(orders, len(commits))
spark.table(orders).orderBy("order_id").show(5)

# %% [markdown]
# ## Task 1: find suspicious versions
#
# Which commits deserve a look? Write `suspect_versions(spark, table)`. It returns one row for each
# version of the Delta table named `table`. The columns are `version` long, `operation` string,
# `rows_written` long, `rows_removed` long, `live_rows` long, `suspicious` boolean and `reason`
# string, in this order.
#
# The table's history begins with version 0. Its operations are `CREATE TABLE`, `WRITE` (always an
# append), `MERGE`, `UPDATE`, `DELETE` and `OPTIMIZE`. The history's `operationMetrics` say what
# each commit did.
#
# - `version` and `operation` are those of the history.
# - `rows_written` is the number of rows that the commit inserted or updated.
# - `rows_removed` is the number of rows that it deleted or updated: an update counts in both.
# - A row that a commit only copied to another file counts in neither.
# - A commit that changes no row, such as an `OPTIMIZE`, has 0 in both, never null.
# - `live_rows` is the number of rows that the table has in this version.
# - A version is suspicious if it has fewer rows than the version before; `reason` is `shrank`.
# - A version is suspicious if its commit removed more than 20 % of the rows that the version before
#   had; `reason` is `rewrote`. Exactly 20 % is not suspicious.
# - If both hold, the reason is `shrank`.
# - All other versions, and version 0, are not suspicious: false, and null as the reason.
#
# The order of the rows is left open. [`DeltaTable.history`][history] is one way to the metrics.
#
# [history]: https://docs.delta.io/latest/api/python/spark/index.html#delta.tables.DeltaTable.history


# %%
def suspect_versions(spark: SparkSession, table: str) -> DataFrame:
    """One row for each version: what its commit did to rows, and whether it deserves a look."""
    # BEGIN SOLUTION: say what each commit did, and which versions are suspicious
    written = ["numTargetRowsInserted", "numTargetRowsUpdated", "numUpdatedRows"]
    removed = ["numTargetRowsDeleted", "numTargetRowsUpdated", "numDeletedRows", "numUpdatedRows"]
    by_version = Window.orderBy("version")
    so_far = by_version.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    appended = F.when(F.col("operation") == "WRITE", metric("numOutputRows")).otherwise(0)
    counts = (
        DeltaTable.forName(spark, table)
        .history()
        .withColumn("rows_written", sum(map(metric, written), appended))
        .withColumn("rows_removed", sum(map(metric, removed), F.lit(0)))
        .withColumn("live_rows", F.sum(F.expr("rows_written - rows_removed")).over(so_far))
        .withColumn("before", F.lag("live_rows").over(by_version))
    )
    shrank = F.when(F.col("live_rows") < F.col("before"), "shrank")
    rewrote = F.when(F.col("rows_removed") * 5 > F.col("before"), "rewrote")
    return counts.withColumn("reason", F.coalesce(shrank, rewrote)).select(
        "version",
        "operation",
        "rows_written",
        "rows_removed",
        "live_rows",
        F.isnotnull("reason").alias("suspicious"),
        "reason",
    )
    # END SOLUTION


# BEGIN SOLUTION: functions that you want beside it, if any
def metric(name: str) -> F.Column:
    """A number from the metrics of a commit; 0 where the commit has none of this name."""
    return F.coalesce(F.col("operationMetrics")[name].cast("long"), F.lit(0))


# END SOLUTION

# %% [markdown]
# A suspicious version can be a good one. Which one is it here?

# %%
if lab.written("suspect_versions"):
    suspect_versions(spark, orders).orderBy("version").show()

# %%
lab.check("suspect_versions")

# %% [markdown]
# ## Task 2: measure the damage
#
# Write `damage(spark, table, good, bad)`. It compares two versions of `table`, given by their
# numbers, and returns one row for each order that differs. The columns are `order_id`, `before`,
# `after` and `kind`, in this order.
#
# - `before` is a struct of all columns of the table, in their order: the order's row in version
#   `good`.
# - `after` is the same of version `bad`.
# - `kind` is `changed` if both versions have the order and any column differs.
# - Null is a value of its own: null to null is no change, null to anything else is one.
# - `kind` is `lost` if only `good` has the order. Then `after` is null, not a struct of nulls.
# - `kind` is `invented` if only `bad` has the order. Then `before` is null.
# - An order that is the same in both has no row, wherever its row was moved in between.
# - Only the two versions count: not what happened between them or after them.
# - The function only reads: the table gets no new version.
#
# The table has the columns of `orders`, or any others that Spark can compare; `order_id` is always
# its key. Both versions have the same columns. The table has no change data feed. Either version
# may be the newer one. The order of the rows is left open.


# %%
def damage(spark: SparkSession, table: str, good: int, bad: int) -> DataFrame:
    """The orders that differ between two versions, with their rows in both."""
    # BEGIN SOLUTION: compare the two versions
    before = version_of(spark, table, good).withColumnRenamed("row", "before")
    after = version_of(spark, table, bad).withColumnRenamed("row", "after")
    kind = (
        F.when(F.isnull("after"), "lost").when(F.isnull("before"), "invented").otherwise("changed")
    )
    return (
        before.join(after, on="order_id", how="full")
        .where(~F.col("before").eqNullSafe(F.col("after")))
        .select("order_id", "before", "after", kind.alias("kind"))
    )
    # END SOLUTION


# BEGIN SOLUTION: functions that you want beside it, if any
def version_of(spark: SparkSession, table: str, version: int) -> DataFrame:
    """The orders of a version: the key, and the whole row as a struct."""
    rows = spark.read.option("versionAsOf", version).table(table)
    return rows.select("order_id", F.struct("*").alias("row"))


# END SOLUTION

# %% [markdown]
# Deploy 417 made versions 5 and 6, so the last good version is 4. Count what it did to the orders.

# %%
if lab.written("damage"):
    damage(spark, orders, 4, 6).groupBy("kind").count().show()

# %%
lab.check("damage")

# %% [markdown]
# ## Task 3: recover
#
# Write `recover(spark, table, good, bad)`. It takes back what some versions of `table` did, and
# nothing else. `good` is the number of the last version before the fault. `bad` is a list of the
# bad versions, in any order: at least one, all greater than `good`. **All other versions after
# `good` are good ones.** A version changes an order if Task 2 has a row for it between the version
# before and this one.
#
# - Take an order that no good version after `good` changed. It has its row of version `good` again:
#   changed rows are set back, lost ones return.
# - If it had no row in version `good`, it has none again.
# - Take an order that good versions after `good` changed. It has the whole row that the last of
#   them left it with, even if a bad version changed it before or after that.
# - If the last of them deleted it, it has no row.
# - An `OPTIMIZE` moves rows to other files and changes no order.
# - The repair is one new version of the table. Later it counts as a good version.
# - If no good version after `good` changed any order, the old data files come back, and no data
#   file is written.
# - If every order has its right row already, the call makes no version. So a second call makes
#   none.
#
# The commits after `good` are of the kinds in Task 1. The table has no change data feed. Which
# files a repair writes is left open where good versions changed orders. `recover` returns nothing.
# [`RESTORE`](https://docs.delta.io/latest/delta-utility.html#restore-a-delta-table) is one of two
# tools here. The other is a MERGE.


# %%
def recover(spark: SparkSession, table: str, good: int, bad: list[int]) -> None:
    """Takes back what the bad versions did; what good versions after `good` did stays."""
    # BEGIN SOLUTION: take back what the bad versions did, and nothing else
    later = f"version > {good} AND operation <> 'OPTIMIZE'"
    history = DeltaTable.forName(spark, table).history().where(later).collect()
    numbers = [good, *sorted(row.version for row in history)]
    newest = numbers[-1]
    versions = [
        version_of(spark, table, number).withColumn("version", F.lit(number)) for number in numbers
    ]
    right, is_good = F.col(str(good)), F.lit(False)
    for last, number in pairwise(numbers):
        if number not in bad:
            after = F.col(str(number))
            is_changed = ~after.eqNullSafe(F.col(str(last)))
            right = F.when(is_changed, after).otherwise(right)
            is_good = is_good | is_changed
    orders = (
        reduce(DataFrame.unionAll, versions)
        .groupBy("order_id")
        .pivot("version", numbers)
        .agg(F.first("row"))
        .select(
            "order_id",
            right.alias("right"),
            F.col(str(newest)).alias("now"),
            is_good.alias("is_good"),
        )
        .localCheckpoint()
    )
    wrong = orders.where(~F.col("right").eqNullSafe(F.col("now")))
    if wrong.isEmpty():
        return
    if orders.where("is_good").isEmpty():
        spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF {good}")
        return
    values = {name: f"new.right.{name}" for name in spark.table(table).columns}
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(wrong.alias("new"), "old.order_id = new.order_id")
        .whenMatchedDelete("new.right IS NULL")
        .whenMatchedUpdate(set=values)
        .whenNotMatchedInsert(values=values)
        .execute()
    )
    # END SOLUTION


# %% [markdown]
# The checks recover two tables: in one, good versions after the fault changed orders; in the other,
# none did.

# %%
lab.check("recover")

# %% [markdown]
# ## Task 4: replay after a RESTORE
#
# In another team somebody was faster than you: a RESTORE to version 4, and the loader's later
# batches are gone. Write `replay_after(spark, table, batches)`. It brings the loader's batches back
# into `table`. `batches` is a list of pairs `(txn_version, rows)`: the number under which the
# loader wrote a batch, and a DataFrame with the columns of the table, in their order.
#
# - Every order of every batch is in the table after the call, exactly once.
# - `batches` is in any order. A batch may have no rows, and the list may be empty.
# - A batch may be in the table as a whole, in part, or not at all.
# - An order that is in the table before the call stays as it is, even if its row in the batch
#   differs.
# - All other rows of the table stay as they are.
# - A second call with the same batches changes no row.
# - Another RESTORE may take the batches away again. The next call brings them back again.
# - The loader goes on with its own numbers: its next append, with the name `loader` and a
#   `txnVersion` one greater than its last, is written and not skipped.
#
# No order is in two batches or twice in one, and none was deleted on purpose. The number of commits
# is left open. `replay_after` returns nothing.


# %%
def replay_after(spark: SparkSession, table: str, batches: list[tuple[int, DataFrame]]) -> None:
    """Brings back the loader's batches that a RESTORE took away."""
    # BEGIN SOLUTION: bring back what was lost
    if not batches:
        return
    lost = reduce(DataFrame.unionByName, [rows for _, rows in batches])
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(lost.alias("new"), "old.order_id = new.order_id")
        .whenNotMatchedInsertAll()
        .execute()
    )
    # END SOLUTION


# %% [markdown]
# The checks restore a table, call your function, and then append as the loader does.

# %%
lab.check("replay_after")

# %% [markdown]
# ## Task 5: reclaim the space
#
# The bill shows that the table's folder is many times larger than the table. Write `reclaim(spark,
# table, keep_days)`. It makes a plan of all data files in the table's folder, sets how long the
# table keeps its past, and deletes by the plan. It returns the plan: one row for each data file
# that was in the folder before the call. The columns are `path` string, `bytes` long, `deletable`
# boolean and `reason` string, in this order.
#
# - `path` is the file's path inside the table's folder, as the log writes it. `bytes` is its size
#   on disk.
# - What lies in `_delta_log`, and other files whose name begins with `_` or `.`, have no row.
# - `live`: the newest version of the table has the file.
# - `cloned`: a shallow clone in the same database has the file in its newest version.
# - `tombstone`: a commit removed the file from the table.
# - `orphan`: no commit names the file, and it was last written more than `keep_days` days ago.
# - `in_flight`: no commit names the file, and it is younger than that. A writer may be about to
#   commit it.
# - If several reasons fit, the first in this list holds.
# - Orphans are deletable, and tombstones that a commit removed more than `keep_days` days ago. No
#   other file is deletable.
# - After the call all deletable files are gone from the folder, and no other.
# - The deletion is a VACUUM, so the history of the table shows `VACUUM START` and `VACUUM END`.
# - The plan shows the files as they were before the deletion, whenever it is read.
# - The table property `delta.deletedFileRetentionDuration` is `interval N days`, with `keep_days`
#   for N. `delta.logRetentionDuration` is at least as long.
#
# `table` has the form `database.table`, and `keep_days` is a whole number, at least 1. The table
# has no partitions, no deletion vectors and no change data feed; its log is there from version 0
# on, as JSON. The folder holds no other folder than `_delta_log`, and no file's name needs
# escaping. Any number of clones may be in the database, besides other tables, Delta or Parquet. No
# file's age is within an hour of `keep_days`. How many commits you make is left open.
#
# Spark's [`binaryFile`][binary] source lists files with size and time. [`VACUUM`][vacuum] has a
# clause that takes a list of files, an inventory. Its four columns have to be nullable, which a
# literal is not.
#
# [binary]: https://spark.apache.org/docs/latest/sql-data-sources-binaryFile.html
# [vacuum]: https://docs.delta.io/latest/delta-utility.html#remove-files-no-longer-referenced-by-a-delta-table


# %%
def reclaim(spark: SparkSession, table: str, keep_days: int) -> DataFrame:
    """Plans which files of the table's folder may go, and has VACUUM delete these."""
    # BEGIN SOLUTION: plan, set the retention, delete by the plan
    location = spark.sql(f"DESCRIBE DETAIL {table}").first().location
    oldest = F.current_timestamp() - F.make_dt_interval(days=F.lit(keep_days))
    stored = (
        spark.read.format("binaryFile")
        .option("recursiveFileLookup", True)
        .load(location)
        .select("path", "length", "modificationTime")
    )
    removed = (
        spark.read.json(f"{location}/_delta_log/*.json")
        .where("remove IS NOT NULL")
        .groupBy(F.concat(F.lit(location + "/"), "remove.path").alias("path"))
        .agg(F.timestamp_millis(F.max("remove.deletionTimestamp")).alias("removed_at"))
    )
    is_old = F.col("modificationTime") < oldest
    reason = (
        F.when(F.col("path").isin(spark.table(table).inputFiles()), "live")
        .when(F.col("path").isin(files_of_others(spark, table)), "cloned")
        .when(F.isnotnull("removed_at"), "tombstone")
        .when(is_old, "orphan")
        .otherwise("in_flight")
    )
    old_tombstone = (F.col("reason") == "tombstone") & (F.col("removed_at") < oldest)
    plan = (
        stored.join(removed, on="path", how="left")
        .withColumn("reason", reason)
        .withColumn("deletable", old_tombstone | (F.col("reason") == "orphan"))
        .localCheckpoint()
    )
    spark.sql(
        f"ALTER TABLE {table} SET TBLPROPERTIES ("
        f"'delta.logRetentionDuration' = 'interval {max(keep_days, 30)} days', "
        f"'delta.deletedFileRetentionDuration' = 'interval {keep_days} days')"
    )
    plan.where("deletable").select(
        "path",
        "length",
        F.expr("length < 0").alias("isDir"),  # false; a literal would not be nullable
        F.unix_millis("modificationTime").alias("modificationTime"),
    ).createOrReplaceTempView("files_to_delete")
    spark.sql(f"VACUUM {table} USING INVENTORY (SELECT * FROM files_to_delete)")
    inside = F.substring("path", F.lit(len(location) + 2), F.length("path"))
    return plan.select(inside.alias("path"), F.col("length").alias("bytes"), "deletable", "reason")
    # END SOLUTION


# BEGIN SOLUTION: functions that you want beside it, if any
def files_of_others(spark: SparkSession, table: str) -> list[str]:
    """The files that the other tables of the database read; those of a clone lie in this table."""
    database, name = table.split(".")
    tables = spark.sql(f"SHOW TABLES IN {database}").where("NOT isTemporary").collect()
    others = [f"{database}.{row.tableName}" for row in tables if row.tableName != name]
    return [file for other in others for file in spark.table(other).inputFiles()]


# END SOLUTION

# %% [markdown]
# The checks age commits and files by weeks, so that no one has to wait.

# %%
lab.check("reclaim")

# %% [markdown]
# ## Put it together
#
# Recover the night. First the version before the deploy is compared with the newest one, then the
# repaired table. What is left are the good commits: the loader's orders, the status changes, and
# the test orders, which somebody deleted on purpose. One test order is back: it was cancelled, so
# the deploy had already deleted it, and no good commit changed it. Look for such rows before you
# call a repair done.

# %%
if lab.written("damage", "recover"):
    newest = DeltaTable.forName(spark, orders).history(1).first().version
    print("before the repair")
    damage(spark, orders, 4, newest).groupBy("kind").count().orderBy("kind").show()
    recover(spark, orders, good=4, bad=[5, 6])
    print("after it")
    damage(spark, orders, 4, newest + 1).groupBy("kind").count().orderBy("kind").show()

# %% [markdown]
# Now the hasty way, on a second table with the same night: RESTORE, and then the loader's own
# retry of batch 4. Compare the two counts.

# %%
hasty = f"{lab.schema}.hasty"
batch_4 = spark.read.schema(ORDERS).json(str(folder / "batch_4.json"))
if lab.written("replay_after"):
    commit_night(hasty, 7)
    spark.sql(f"RESTORE TABLE {hasty} TO VERSION AS OF 4")
    print(spark.table(hasty).count(), "orders after the RESTORE")
    append(hasty, batch_4, 4)
    print(spark.table(hasty).count(), "after the retry of", batch_4.count(), "orders")

# %% [markdown]
# No row and no error. **RESTORE brings back files, not what Delta knows of writers**: for the name
# `loader` it has batch 4. Your replay does not ask.

# %%
if lab.written("replay_after"):
    replay_after(spark, hasty, [(4, batch_4)])
    print(spark.table(hasty).count(), "after the replay")
    append(hasty, spark.read.schema(ORDERS).json(str(folder / "batch_5.json")), 5)
    print(spark.table(hasty).count(), "after the loader's batch 5")

# %% [markdown]
# Last, the folder. Somebody made a shallow clone for a test, and a writer crashed three weeks ago:
# its file is in no commit. Everything else is from tonight, so a plan with seven days to keep finds
# much to keep and one file to delete.

# %%
import os
import shutil
import time
from pathlib import Path

if lab.written("reclaim"):
    spark.sql(f"CREATE TABLE {orders}_test SHALLOW CLONE {orders} VERSION AS OF 6")
    location = spark.sql(f"DESCRIBE DETAIL {orders}").first().location.removeprefix("file:")
    crashed = Path(location) / "part-00000-crashed.parquet"
    shutil.copy(next(Path(location).glob("part-*.parquet")), crashed)
    three_weeks_ago = time.time() - 21 * 24 * 3600
    os.utime(crashed, (three_weeks_ago, three_weeks_ago))
    plan = reclaim(spark, orders, 7)
    plan.groupBy("reason", "deletable").agg(F.count("*"), F.sum("bytes")).show()

# %% [markdown]
# One surprise is left. `deletedFileRetentionDuration` sounds like a number for VACUUM. Set it to
# zero on the same table, and read an old version right away: no VACUUM has run since.

# %%
if lab.written("reclaim"):
    spark.sql(
        f"ALTER TABLE {orders} SET TBLPROPERTIES "
        "('delta.deletedFileRetentionDuration' = 'interval 0 seconds')"
    )
    try:
        spark.read.option("versionAsOf", 4).table(orders).show()
    except Exception as error:
        print(str(error).splitlines()[0][:150])

# %% [markdown]
# ## In practice
#
# - **Stop, note, tell.** Before you touch anything: stop the writers, write down the newest
#   version, tell who reads the table. Find the bad versions by what they did, not by the clock: a
#   restore by timestamp that is off by one commit keeps the fault.
# - **RESTORE or repair.** RESTORE is one entry in the log and takes seconds, but it takes back
#   every commit after the version. A repair reads every version since the fault, and needs a rule
#   for orders that good and bad commits changed.
# - **A row is repaired as a whole.** If a good job changed only the status of a damaged order, this
#   lab's rule keeps its doubled price. A repair by column is possible when you know which columns
#   the fault touched. Look at such orders before you decide.
# - **Readers of the table.** A stream fails at a RESTORE that removes files, unless it is told to
#   skip changes; the rows that a replay appends are new rows for it. Its target needs a key, too.
# - **Two durations.** `delta.logRetentionDuration` (30 days if not set) keeps the log,
#   `delta.deletedFileRetentionDuration` (7 days) the files; Delta refuses a log that is kept
#   shorter. Old versions are readable only within the second one, and it counts from the *commit*
#   of the version. A version of nine days ago cannot be read, even if it was the newest until
#   yesterday and all its files are there.
# - **A count proves nothing.** The number of rows of a version comes from the log. To know that an
#   old version can be read, read its rows.
# - **Keep what must survive as a copy.** A shallow clone is a list of files of another table:
#   VACUUM of that table does not know it. Write a state that must survive to a table of its own.
# - **Rehearse.** A restore that nobody has tried may fail when you need it. Try it each quarter, on
#   a copy.
#
# **On Databricks** `RESTORE` and `VACUUM` work the same, predictive optimization may run VACUUM for
# you, and Unity Catalog knows the shallow clones of a managed table. Which past you need, and for
# how long, remains your decision.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. Why does a writer with `txnAppId` and `txnVersion` write nothing after a RESTORE, and why is
#    that not a bug?
# 2. When do you repair by MERGE instead of RESTORE, and what does the repair cost?
# 3. Why is a plan of deletable files by modification time alone wrong, in both directions?
# 4. Somebody runs VACUUM with 0 hours and the safety check switched off, "because nobody uses old
#    versions". What can break?
# 5. Your table is written once a week. Seven days of retention are set. Can you undo a bad load
#    that is noticed the next day?
# 6. How would you have noticed deploy 417 before the readers did?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Delta keeps the last number of each writer in the log, apart from the files. RESTORE changes
#    which files are live and leaves these numbers. It must: a writer that retries what it did just
#    before the RESTORE would otherwise write it a second time. What was taken away on purpose comes
#    back only on purpose: by key, or under another name.
# 2. When good commits followed the bad ones and cannot be replayed, or when readers must not see
#    them disappear. It reads the versions from the fault to now, needs a rule for rows that both
#    good and bad commits changed, and rewrites the files with damaged rows. RESTORE writes no data
#    file.
# 3. An old file may be live: nothing rewrote it. And an old file may have been removed an hour ago,
#    so every version up to then needs it. Only of files that no commit names is their own time the
#    right clock. For the others it is the time of the removal, in the log.
# 4. A writer that has not committed yet: its files are in no version, so they are deleted, and its
#    commit then names files that do not exist. Streams that are behind, readers that began before a
#    rewrite, shallow clones, and every RESTORE.
# 5. Perhaps not. The version before the load was committed a week before it, eight days ago, and
#    Delta counts from there, although it was the newest version until yesterday. Keep the past
#    longer than the distance of two commits plus the time in which a fault is noticed.
# 6. By a gate between load and publish: share of rows updated, change of the row count, sum of
#    prices against the day before. The history has the counts for free, so the check costs no read
#    of the data.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Delta Lake, [Table utility commands](https://docs.delta.io/latest/delta-utility.html): history,
#   VACUUM, RESTORE, clones
# - Delta Lake, [Transaction log protocol][protocol]
# - Databricks, [Work with table history](https://docs.databricks.com/en/delta/history.html)
#
# [protocol]: https://github.com/delta-io/delta/blob/master/PROTOCOL.md

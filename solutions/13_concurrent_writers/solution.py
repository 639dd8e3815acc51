# ---
# level: senior
# minutes: 60
# needs: []
# datasets: [inventory]
# topics: [delta, concurrency, idempotency]
# ---
# %% [markdown]
# # Let two writers share a table
#
# The hourly count merges into `inventory`, a stream appends to it, and they fail each other in
# turns. Somebody "fixed" that with a loop that tries again: 800 rows are gone, and nobody saw an
# error. You measure which pairs of writers conflict, remove the conflicts that a better condition
# can remove, and make the rest safe to repeat.
#
# **You will learn** to
#
# - predict from what a writer *reads* which commits of others it conflicts with,
# - scope a MERGE so that writers of other partitions don't disturb it,
# - repeat a write after a conflict without losing or doubling anything.

# %% [markdown]
# ## The data
#
# The stock of three warehouses, a count of Bari, order lines in batches, and a queue of changes
# from several senders.

# %%
from collections.abc import Callable
from itertools import count

import labkit

lab = labkit.open("concurrent_writers")
spark = lab.spark
folder = lab.data("inventory")
INVENTORY = "warehouse string, sku string, qty long, updated_at timestamp, source string"
stock = spark.read.schema(INVENTORY).json(str(folder / "inventory.json"))
counts = spark.read.schema(INVENTORY).json(str(folder / "counts.json"))
stock.show(3)

# %% [markdown]
# **Grain:** one row is one sku in one warehouse. `warehouse` and `sku` are the key: unique
# together. Only `source` can be null. In all tasks, a table and its changes have the columns of
# `inventory`, in this order. A table has rows, and no deletion vectors. In Tasks 2, 4 and 5 it is
# partitioned by `warehouse`.
#
# **Names:** a `sku` consists of letters from a to z and A to Z, digits, blanks and hyphens. A
# `warehouse` may have `_`, `'`, `"`, `\`, `{` and `}` as well. Neither is empty.
#
# **Who checks for conflicts?** A Delta writer reads a version of the table, writes its files, and
# commits. If others committed meanwhile, the commit compares what *they* added and removed with
# what *it* read. It goes through, or it fails with an exception, and nothing of it is in the table.
#
# You don't have to wait for such a moment. `let_in(frame, table)` returns the same frame with one
# effect: when it is read, another writer's commit gets into the table. `hold_back` prepares that
# commit.

# %%
from delta import exceptions
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from labkit.checks import hold_back, let_in

FAST = {
    "append": "INSERT INTO {} VALUES ('Cork', 'S-2000', 5, now(), 'returns')",
    "merge": "MERGE INTO {} AS old USING (SELECT 'Cork' AS warehouse, 'S-1001' AS sku) AS new "
    "ON old.warehouse = new.warehouse AND old.sku = new.sku "
    "WHEN MATCHED THEN UPDATE SET qty = 0",
    "delete": "DELETE FROM {} WHERE warehouse = 'Cork' AND sku = 'S-1001'",
    "optimize": "OPTIMIZE {}",
    "alter": "ALTER TABLE {} SET TBLPROPERTIES ('team' = 'stock')",
}


NUMBERS = count(1)


def make_table(slow: str, fast: str) -> tuple[str, DataFrame]:
    """A new table, and a count of Bari: when that is read, the fast writer commits."""
    table = f"{lab.schema}.{slow}_{fast}_{next(NUMBERS)}"
    stock.repartition(2).write.format("delta").saveAsTable(table)
    hold_back(spark, table, lambda copy: spark.sql(FAST[fast].format(copy)))
    return table, let_in(counts, table)


def try_it() -> None:
    table, changes = make_table("nobody", "append")
    print(spark.table(table).count(), "rows")
    print(changes.count(), "rows counted in Bari")
    print(spark.table(table).count(), "rows after somebody read them")


try_it()

# %% [markdown]
# ## Task 1: measure who conflicts
#
# First write down what you expect: can an append fail? Does a MERGE of Bari conflict with a new row
# of Cork? Then write `conflict_matrix(spark, make_table, pairs)`. `pairs` is a list of tuples
# `(slow, fast)`: a slow writer and a fast one that commits meanwhile. The result has one row for
# each pair, with the columns `slow`, `fast` and `outcome`, all strings, in this order.
#
# `make_table(slow, fast)` returns a new table for a pair, by its name, and the frame `changes` with
# the rows of the slow writer. **When `changes` is read for the first time, the fast writer
# commits.** So the slow write itself must be the first to read it. Otherwise the fast commit comes
# before the slow writer reads the table, and there is no conflict.
#
# - `slow` is `append` or `merge`; `fast` can be any word of letters, digits, `-` and `_`.
# - The writer `append` appends all rows of `changes` to the table.
# - The writer `merge` is one MERGE by the key. A row that the table has is updated in all columns;
#   any other row is inserted.
# - `outcome` is `ok` if the slow writer committed.
# - Otherwise `outcome` is the name of the exception's class, without the module: a conflict or any
#   other exception.
# - Each writer tries once: what failed is not repeated.
# - Every pair has a row, in whatever way it ended, and `make_table` is called once for each pair.
#
# There is at least one pair, and none twice. The order of the rows is left open.


# %%
def conflict_matrix(spark: SparkSession, make_table: Callable, pairs: list) -> DataFrame:
    """What happens to each slow writer when the fast one commits before it."""
    # BEGIN SOLUTION: have each slow writer write, and tell how that ended
    outcomes = []
    for slow, fast in pairs:
        table, changes = make_table(slow, fast)
        try:
            if slow == "append":
                changes.write.format("delta").mode("append").saveAsTable(table)
            else:
                merge_by_key(spark, table, changes)
            outcome = "ok"
        except Exception as error:
            outcome = type(error).__name__
        outcomes.append((slow, fast, outcome))
    return spark.createDataFrame(outcomes, "slow string, fast string, outcome string")
    # END SOLUTION


# BEGIN SOLUTION: functions that you want beside it, if any
def merge_by_key(spark: SparkSession, table: str, changes: DataFrame) -> None:
    """Updates the rows that the table has, and inserts the others."""
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(changes.alias("new"), "old.warehouse = new.warehouse AND old.sku = new.sku")
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute()
    )


# END SOLUTION

# %% [markdown]
# Compare with what you wrote down. No fast writer of this notebook touches a row of Bari.

# %%
if lab.written("conflict_matrix"):
    pairs = [("append", fast) for fast in ("append", "alter")]
    pairs += [("merge", fast) for fast in ("append", "delete", "optimize")]
    conflict_matrix(spark, make_table, pairs).show(truncate=False)

# %%
lab.check("conflict_matrix")

# %% [markdown]
# ## Task 2: a MERGE of one warehouse
#
# A MERGE reads the whole table to find its rows, so every new file is one that it should have seen.
# Unless it says what it does not read. Write `scoped_merge(spark, table, changes, warehouse)`. It
# merges the changes of one warehouse into `table`, whose partitions are the warehouses.
#
# - A change whose sku the warehouse has replaces the whole row.
# - A change with any other sku is inserted.
# - Changes of other warehouses are left out.
# - All changes of a call are one commit.
# - Commits of others to *other* warehouses, while the call runs, don't make it fail.
# - What they wrote stays.
# - A conflict with a commit to the *same* warehouse is raised as it is: repeating is for Task 3.
# - If the call raises, nothing of it is in the table.
# - `warehouse` can be any name of a warehouse.
# - As in Task 1, the write itself is the first to read `changes`.
#
# No sku is twice in the changes of a warehouse.


# %%
def scoped_merge(spark: SparkSession, table: str, changes: DataFrame, warehouse: str) -> None:
    """Merges the changes of one warehouse; writers of others don't disturb it."""
    # BEGIN SOLUTION: say which partition the MERGE reads
    mine = changes.where(F.col("warehouse") == warehouse)
    is_mine = F.col("old.warehouse") == F.lit(warehouse)
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(mine.alias("new"), is_mine & (F.col("old.sku") == F.col("new.sku")))
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute()
    )
    # END SOLUTION


# %% [markdown]
# The same count of Bari, while somebody inserts a row for Cork: once with a condition that only
# compares columns, once with yours.

# %%
shared = f"{lab.schema}.shared"
stock.write.format("delta").mode("overwrite").partitionBy("warehouse").saveAsTable(shared)
by_columns = (
    "MERGE INTO {table} AS old USING {changes} AS new "
    "ON old.warehouse = new.warehouse AND old.sku = new.sku WHEN MATCHED THEN UPDATE SET *"
)
if lab.written("scoped_merge"):
    hold_back(spark, shared, *2 * [lambda copy: spark.sql(FAST["append"].format(copy))])
    try:
        spark.sql(by_columns.replace("{table}", shared), changes=let_in(counts, shared))
    except Exception as error:
        print(type(error).__name__)
    scoped_merge(spark, shared, let_in(counts, shared), "Bari")
    print(DeltaTable.forName(spark, shared).history(1).first().operation)

# %%
lab.check("scoped_merge")

# %% [markdown]
# ## Task 3: try again
#
# Some conflicts remain, so a writer must be able to try again. Write `retry(operation, attempts,
# is_retriable, wait)`. `operation` is a function without parameters: it reads what it needs,
# writes, and returns a number, a text, a truth value or None. `is_retriable(error)` says by True or
# False whether another attempt makes sense, and `wait(n)` waits; neither raises. Spark is not
# needed.
#
# - If `operation()` returns, `retry` returns the same value.
# - If it raises an error for which `is_retriable` is true, it is called again.
# - It is called at most `attempts` times in all.
# - Any other error is raised at once, also in a later attempt.
# - If the last attempt fails with a retriable error, the error of the *first* attempt is raised.
# - Before each new attempt `wait(n)` is called once, with n the number of attempts that have failed
#   so far.
# - Nothing waits before the first attempt or after the last.
# - Only an `Exception` can be retriable: a `SystemExit` goes through, and `is_retriable` isn't
#   asked.
#
# `attempts` is between 1 and 100. `operation` never raises a `KeyboardInterrupt`.


# %%
def retry(operation: Callable, attempts: int, is_retriable: Callable, wait: Callable):
    """What `operation` returns, in one of so many attempts."""
    # BEGIN SOLUTION: repeat what may be repeated
    first = None
    for number in range(1, attempts + 1):
        try:
            return operation()
        except Exception as error:
            if not is_retriable(error):
                raise
            first = error if first is None else first
        if number < attempts:
            wait(number)
    raise first
    # END SOLUTION


# %% [markdown]
# Which errors are conflicts? In Java all of them extend `DeltaConcurrentModificationException`. Look
# at the classes of the Python package before you write `except` with that name.

# %%
print(
    issubclass(
        exceptions.ConcurrentAppendException, exceptions.DeltaConcurrentModificationException
    )
)
CONFLICTS = (
    exceptions.ConcurrentAppendException,
    exceptions.ConcurrentDeleteDeleteException,
    exceptions.ConcurrentDeleteReadException,
    exceptions.ConcurrentTransactionException,
    exceptions.ConcurrentWriteException,
    exceptions.MetadataChangedException,
    exceptions.ProtocolChangedException,
)


def is_conflict(error: Exception) -> bool:
    """Whether Delta refused a commit because of another one."""
    return isinstance(error, CONFLICTS)


# %%
lab.check("retry")

# %% [markdown]
# ## Task 4: take orders off the stock
#
# `qty = qty - 3` is not like a count. Done twice, it is wrong; computed from an old `qty`, it is
# wrong as well. Write `decrement(spark, table, orders)`. `orders` are the lines of one batch:
# `batch_id` string, `warehouse` string, `sku` string and `qty` long. All lines have the same
# `batch_id`: letters and digits, with single hyphens between them. No value is null, and each `qty`
# is at least 1. Unless a batch has no lines, each attempt finds a row for one of its keys with a
# `qty` above 0.
#
# - The `qty` of a row goes down by what was ordered of it, over all lines of the batch.
# - It never goes below zero: if more was ordered, it is 0.
# - The other columns, and all other rows, stay as they are. Lines for a key that the table doesn't
#   have do nothing.
# - A batch counts once: a second call with the same `batch_id` changes no row, whatever its lines
#   are, and however many commits came between.
# - Batches come in any order; an id says nothing about it.
# - The rows and the record that the batch was applied are changed by the same commit to `table`: no
#   other table is made, and the columns stay.
# - If the commit meets a conflict, because others changed rows, files or properties of the table,
#   the call tries again, with the rows as they are then. It makes at least five attempts.
# - A batch without lines makes no version.
# - The call leaves no setting of the session behind, also if it raises.
#
# Leave out the waits here. What is raised after the last attempt is left open. Delta's
# [idempotent writes][txn] have two settings of the session, which hold for a MERGE as well.
#
# [txn]: https://docs.delta.io/latest/delta-batch.html#idempotent-writes


# %%
def decrement(spark: SparkSession, table: str, orders: DataFrame) -> None:
    """Takes the lines of one batch off the stock, once."""
    # BEGIN SOLUTION: one MERGE that Delta knows by the batch, repeated after conflicts
    line = orders.select("batch_id").first()
    if line is None:
        return
    ordered = orders.groupBy("warehouse", "sku").agg(F.sum("qty").alias("qty"))

    def merge() -> None:
        (
            DeltaTable.forName(spark, table)
            .alias("old")
            .merge(ordered.alias("new"), "old.warehouse = new.warehouse AND old.sku = new.sku")
            .whenMatchedUpdate(set={"qty": "greatest(old.qty - new.qty, 0)"})
            .execute()
        )

    spark.conf.set("spark.databricks.delta.write.txnAppId", f"batch {line.batch_id}")
    spark.conf.set("spark.databricks.delta.write.txnVersion", "1")
    try:
        retry(merge, 6, is_conflict, lambda failed: None)
    finally:
        spark.conf.unset("spark.databricks.delta.write.txnAppId")
        spark.conf.unset("spark.databricks.delta.write.txnVersion")
    # END SOLUTION


# %% [markdown]
# Two batches at once: while yours is read, another one takes five pieces of each sku in Bari.

# %%
orders = spark.read.schema("batch_id string, warehouse string, sku string, qty long").json(
    str(folder / "orders.json")
)
batch = orders.where("batch_id = 'B-1'")
if lab.written("decrement", "retry"):
    other = "UPDATE {} SET qty = greatest(qty - 5, 0) WHERE warehouse = 'Bari'"
    hold_back(spark, shared, *2 * [lambda copy: spark.sql(other.format(copy))])
    decrement(spark, shared, let_in(batch, shared))
    decrement(spark, shared, batch)
    DeltaTable.forName(spark, shared).history().select(
        "version", "operation", "isolationLevel"
    ).show(4)

# %%
lab.check("decrement")

# %% [markdown]
# ## Task 5: one writer
#
# The other design: whoever knows something appends it to a queue, and one job merges. Appends don't
# conflict with appends. Write `single_writer(spark, table, queue)`. `queue` is the name, with the
# schema, of a table or view with the columns of `inventory`. A row of it says how much is in stock
# at `updated_at`.
#
# - For each key the row with the newest `updated_at` counts, of those in the queue and the one in
#   the table. It is in the table after the call, with all its columns.
# - A key that the table doesn't have is inserted.
# - If the queue has the same row twice, that changes nothing.
# - If queue and table have the same `updated_at`, the row in the table stays.
# - All changes of a call are one commit.
# - The queue is only read.
# - Other jobs may still write to `table`, such as an OPTIMIZE. If the commit meets a conflict as in
#   Task 4, the call tries again at least once.
# - What others wrote meanwhile counts as a row in the table.
# - An attempt that finds nothing newer in the queue makes no version. So a second call makes none.
#
# Two different rows of a key in the queue never have the same `updated_at`. Rows that get into the
# queue during the call may wait for the next one.


# %%
def single_writer(spark: SparkSession, table: str, queue: str) -> None:
    """Brings the table up to the newest rows of a queue."""
    # BEGIN SOLUTION: merge what is newer, and repeat after conflicts
    key = ["warehouse", "sku"]
    newest_first = Window.partitionBy(*key).orderBy(F.desc("updated_at"))

    def merge() -> None:
        known = spark.table(table).select(*key, F.col("updated_at").alias("known_at"))
        newer = (
            spark.table(queue)
            .withColumn("age", F.row_number().over(newest_first))
            .where("age = 1")
            .join(known, on=key, how="left")
            .where("known_at IS NULL OR updated_at > known_at")
            .drop("age", "known_at")
        )
        if newer.isEmpty():
            return
        (
            DeltaTable.forName(spark, table)
            .alias("old")
            .merge(newer.alias("new"), "old.warehouse = new.warehouse AND old.sku = new.sku")
            .whenMatchedUpdateAll("new.updated_at > old.updated_at")
            .whenNotMatchedInsertAll()
            .execute()
        )

    retry(merge, 6, is_conflict, lambda failed: None)
    # END SOLUTION


# %% [markdown]
# Three senders have written to the queue. Some of their rows are older than the stock.

# %%
queue = f"{lab.schema}.queue"
sent = spark.read.schema(INVENTORY).json(str(folder / "queue.json"))
sent.write.format("delta").mode("overwrite").saveAsTable(queue)
if lab.written("single_writer", "retry"):
    single_writer(spark, shared, queue)
    single_writer(spark, shared, queue)
    DeltaTable.forName(spark, shared).history(2).select("version", "operation").show()

# %%
lab.check("single_writer")

# %% [markdown]
# ## Put it together
#
# Now the loop that lost 800 rows. It read the table into memory, added its rows, and overwrote the
# table. Delta sees a write that read nothing, so nothing can conflict.

# %%
pandas = spark.table(shared).toPandas()
spark.sql(FAST["append"].replace("S-2000", "S-3000").format(shared))
print(spark.table(shared).count(), "rows, one of them new")
old = spark.createDataFrame(pandas, INVENTORY)
old.write.format("delta").mode("overwrite").partitionBy("warehouse").saveAsTable(shared)
print(spark.table(shared).count(), "rows after the overwrite")

# %% [markdown]
# **No error, and no row of the other writer.** A conflict is the good case: Delta noticed. The
# check knows only what was read *within* the write. So a repeated attempt must read again, as your
# `decrement` does.
#
# Can a weaker isolation level help? Databricks has one, `WriteSerializable`, as its default.

# %%
try:
    spark.sql(
        f"ALTER TABLE {shared} SET TBLPROPERTIES ('delta.isolationLevel' = 'WriteSerializable')"
    )
except Exception as error:
    print(" ".join(str(error).splitlines()[:2])[:200])

# %% [markdown]
# ## In practice
#
# - **Think in what is read.** A blind append reads nothing, so only a change of the table's
#   metadata or protocol stops it. A MERGE, UPDATE or DELETE conflicts with every file that it might
#   have read. Which *rows* the other one changed doesn't matter here.
# - **Partition by writer, and say so.** `old.warehouse = new.warehouse` is no scope: the values of
#   `new` are known too late. A literal is.
# - **OPTIMIZE is a writer.** It changes no row and still makes a MERGE fail. Give it a window of its
#   own, or restrict it to partitions that nobody writes any more.
# - **Back off.** In production `wait` sleeps, longer each time and by a random part, or two writers
#   meet again and again. Limit the attempts, and count them: many retries mean that the design is
#   wrong.
# - **Retry only what reads again.** A retry around a frame that was computed before is the lost
#   update with extra steps. And a retry of every error repeats bugs.
# - **A name for each batch.** One app id for two writers, or a version taken from a clock, and Delta
#   skips data without a word or writes it twice. Settings of the session that are not unset do the
#   same to the next write.
# - **A queue moves the conflict.** Senders never wait, and one job merges. It needs a rule for
#   order (here the newest wins), a rule for repeats, and a plan for the day that it stands still.
# - **Where commits meet.** Two writers may not both create version 43. On most stores the store
#   itself refuses the second. On S3, several clusters need a log store that can, or a catalog that
#   commits for them.
#
# **On Databricks** the default isolation level is `WriteSerializable`, and in tables without
# partitions, with deletion vectors, conflicts are found row by row. So several pairs of your matrix
# succeed there. Measure it where you work: `conflict_matrix` takes any `make_table`.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. Why does a MERGE of Bari conflict with an append of a row for Cork, and an append never with a
#    MERGE?
# 2. What exactly may you put around a retry, and what must be inside it?
# 3. Two jobs share one `txnAppId`. What can happen to the second one's data?
# 4. The condition is `t.day = s.day`, and the source has rows of one day only. Why does the MERGE
#    still conflict with writers of other days?
# 5. When do you choose a queue with a single writer, and what does it cost?
# 6. A nightly OPTIMIZE makes the hourly MERGE fail. Name three remedies, and what each costs.

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. The check compares what the others added and removed with what this writer read. The MERGE read
#    the table to find its rows, so a file that it did not see might have held one. The append read
#    nothing, so nothing that it relied on can have changed but the schema and the properties.
# 2. Around it: a limit, a growing wait, a test that the error is a conflict, a count of attempts.
#    Inside it: every read that the write depends on. What was collected before is as old as the
#    first attempt.
# 3. If they commit at once, one fails with `ConcurrentTransactionException`. If they commit one
#    after the other, the second one's write is skipped without an error when its version isn't
#    greater. The remedy is an id for each writer, or for each batch.
# 4. Which days the source holds is known when it has been read. The conflict check looks at the
#    condition alone: only `t.day = '2026-03-09'`, a literal, says which partitions are read.
# 5. When many senders write small changes and the order can be told from the rows. It costs a delay,
#    one more table to clean up, and a job that everything depends on. Changes that don't commute
#    need a record of what was applied.
# 6. Run it when no MERGE runs: somebody must keep the two apart. Restrict it to partitions that are
#    no longer written: hot ones stay fragmented. Repeat the MERGE after the conflict: it costs the
#    work of an attempt. Or write larger files in the first place, so that there is less to compact.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Delta Lake, [Concurrency control](https://docs.delta.io/latest/concurrency-control.html): what
#   conflicts, and the exceptions
# - Delta Lake, [Idempotent writes](https://docs.delta.io/latest/delta-batch.html#idempotent-writes)
# - Databricks, [Isolation levels and write conflicts][levels]: the same, with row-level concurrency
#
# [levels]: https://docs.databricks.com/en/optimizations/isolation-level.html

# ---
# level: senior
# minutes: 60
# needs: []
# datasets: [customer_changes]
# topics: [delta, cdc, merge]
# ---
# %% [markdown]
# # Merge a CDC feed into a Delta table
#
# A connector reads the log of an order system and sends you the changes of its table `customers`
# in small batches. They are late, repeated and out of order, they contain deletes and, since last
# week, a new column. At the end a Delta table follows the source exactly, and merging any batch
# again costs nothing.
#
# **You will learn** to
#
# - reduce a feed to the newest change of each key, without trusting clocks or arrival,
# - write one MERGE that is idempotent, independent of the order of batches, and cheap to replay,
# - let the table gain a column without losing one, and test such code with chispa.

# %% [markdown]
# ## The data
#
# Each line is one event, in an *envelope*:
#
# | field | what it holds |
# |---|---|
# | `op` | `c` create, `u` update, `d` delete, `r` read for the first snapshot; null: a tombstone |
# | `ts_ms` | the clock of the node that wrote the event |
# | `source.lsn` | the event's position in the source's log |
# | `before`, `after` | the row image: the customer's row before and after the event |
#
# - A tombstone follows each delete. Its `op` is null, and it holds nothing else.
# - Every other event has an `lsn`. Two different events of a customer never have the same one.
# - Delivery is at least once: an event can come again, as an exact copy.

# %%
import labkit

lab = labkit.open("cdc_merge")
spark = lab.spark

# %% [markdown]
# A usual answer needs these imports; add others where you like. The schema is given to the reader:
# if Spark inferred it, the table's types would depend on which batch came first. `before` and
# `after` always have the same fields, so the row image is declared once.

# %%
from collections.abc import Callable

from chispa import assert_df_equality
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

IMAGE = "struct<customer_id: long, name: string, email: string, city: string>"
ENVELOPE = f"op string, ts_ms long, source struct<lsn: long>, before {IMAGE}, after {IMAGE}"

# %% [markdown]
# Read the first two batches and look at one customer. Compare the order of `ts_ms` with the order
# of `lsn`: the clocks of the source's nodes differ by minutes, but the log has one order.

# %%
feed = lab.data("customer_changes")
envelopes = spark.read.schema(ENVELOPE).json([f"{feed}/batch-1.jsonl", f"{feed}/batch-2.jsonl"])
(
    envelopes.where("coalesce(after.customer_id, before.customer_id) = 1")
    .select("op", "ts_ms", "source.lsn", "before.city", F.col("after.city").alias("city_after"))
    .show()
)

# %% [markdown]
# ## Task 1: flatten the envelopes
#
# Write `flatten(envelopes)`. It returns one row for each envelope that has a key. The columns are
# those of the row image, in its order, then `op`, then `lsn`.
#
# - The row image is `after` for `c`, `u` and `r`, and `before` for `d`.
# - The other image never takes its place, even if the right one is missing or has no key.
# - An envelope without a key has no row: its row image is missing, or `customer_id` is null there.
#   So tombstones have none.
# - Other columns may be null; the row stays.
# - An event that was delivered twice has two rows.
# - The row image may have further fields, after `city`. They become columns, too.

# %%
def flatten(envelopes: DataFrame) -> DataFrame:
    """The row image of each event with a key, then op and lsn."""
    # BEGIN SOLUTION: choose the image by op and expand it
    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
    return (
        envelopes.where("op is not null")
        .withColumn("image", image)
        .select("image.*", "op", F.col("source.lsn").alias("lsn"))
        .where("customer_id is not null")
    )
    # END SOLUTION


# %% [markdown]
# The checks use frames of their own, and one of them has a field that you have not seen. Each line
# of the verdict is one check. A check that failed says what it saw.

# %%
lab.check("flatten")

# %% [markdown]
# ## Task 2: quarantine what has no key
#
# A row without a key can never be merged. If you drop it silently, someone will search for it one
# day. Write `quarantine(envelopes)`. It returns the envelopes without a key, in the sense of
# Task 1, with all columns that they have, and after these a column `reason` (string).
#
# - A tombstone is no fault: it is not quarantined.
# - So each envelope is either flattened or quarantined or a tombstone.
# - An event that was delivered twice is quarantined twice.
# - `reason` says in words why the envelope is here. It is never null or blank. You choose the
#   words; one sentence for all envelopes is enough.

# %%
def quarantine(envelopes: DataFrame) -> DataFrame:
    """The envelopes without a key, whole, with a reason."""
    # BEGIN SOLUTION: keep the envelopes without a key and say why
    after, before = F.col("after.customer_id"), F.col("before.customer_id")
    key = F.when(F.col("op") == "d", before).otherwise(after)
    reason = F.concat(F.lit("no customer_id in an event with op "), F.col("op"))
    return envelopes.where(F.col("op").isNotNull() & key.isNull()).withColumn("reason", reason)
    # END SOLUTION


# %% [markdown]
# A hidden check adds the three up on a whole day's feed: rows of `flatten`, rows of `quarantine`,
# and tombstones.

# %%
lab.check("quarantine")

# %% [markdown]
# ## Task 3: keep the newest change of each customer
#
# MERGE fails when two rows of its source match one row of the table, and inserts both when no row
# matches. So each batch is reduced first. Write `latest_changes(changes)`. It returns, for each
# customer, the row with the greatest `lsn`. `changes` has the columns `customer_id`, `op`, `lsn`
# and any others. The result has the same columns, in the same order.
#
# - The row comes back as it is: a null stays null.
# - A delete is a change like any other.
# - If an event was delivered twice, one of the two copies stays.
# - Which row stays follows from its `lsn` alone, not from the order in which rows arrive or are
#   sorted. `dropDuplicates` and `first` keep *any* row of a customer, even after a sort: they
#   shuffle, and Spark does not promise the order of rows after a shuffle.

# %%
def latest_changes(changes: DataFrame) -> DataFrame:
    """One row per customer: its newest change, by log position."""
    # BEGIN SOLUTION: keep the change with the greatest lsn of each customer
    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
    return (
        changes.withColumn("age", F.row_number().over(newest_first))
        .where("age = 1")
        .drop("age")
    )
    # END SOLUTION


# %% [markdown]
# If a check fails with a row that looks older than the expected one, look at what your ordering
# compares: a time, a text, or a position.

# %%
lab.check("latest_changes")

# %% [markdown]
# ## Task 4: merge a batch
#
# Write `merge_changes(spark, table, changes)`. It changes the Delta table named `table`, which has
# one row for each customer, deletion vectors, and the columns
# `customer_id, name, email, city, lsn, is_deleted`. `changes` holds flattened rows that are not
# reduced yet, or none at all.
#
# - A newer change replaces all columns of the row, with its nulls. Newer means: a greater `lsn`.
# - A change that is not newer than the row is ignored.
# - A delete keeps the row. `is_deleted` becomes true; `lsn` and the other columns come from the
#   event, as always.
# - Any newer `c`, `u` or `r` makes a deleted row live again.
# - A customer that the table does not know is inserted, whatever the `lsn`; by a delete as a
#   deleted row.
# - Customers without a change in the batch stay as they are.
# - If `changes` has further columns, they are ignored: the table keeps its six columns.
# - Batches come in any order, and more than once.
# - Readers see a batch in one step: all rows change in one commit.
# - A row that does not change stays in its data file, unless a row beside it changes. So a replay
#   rewrites no data file.
#
# [`DeltaTable.merge`](https://docs.delta.io/latest/delta-update.html) is one way, SQL another. A
# temporary view may be left behind.

# %%
def merge_changes(spark: SparkSession, table: str, changes: DataFrame) -> None:
    """Brings `table` to the newest state that it and `changes` know."""
    # BEGIN SOLUTION: reduce the batch, then one MERGE
    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
    (
        DeltaTable.forName(spark, table).alias("t")
        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
        .whenNotMatchedInsertAll()
        .execute()
    )
    # END SOLUTION


# %% [markdown]
# The checks look at one table after a batch, and after a second one that brings nothing newer.
# Some read its rows, others its log, to see which data files were written and removed.

# %%
lab.check("merge_changes")

# %% [markdown]
# ### What a replay costs
#
# Why does the condition belong in the MERGE, and why does the table have deletion vectors? Two
# empty tables, with and without deletion vectors, get the same batch twice. The history tells how
# many data files each MERGE removed.

# %%
def replay_history(table: str, vectors: bool) -> list[str]:
    spark.sql(
        f"CREATE TABLE {table} (customer_id LONG, name STRING, email STRING, city STRING, "
        f"lsn LONG, is_deleted BOOLEAN) USING delta "
        f"TBLPROPERTIES ('delta.enableDeletionVectors' = '{vectors}')"
    )
    changes = flatten(envelopes)
    for _ in range(2):
        merge_changes(spark, table, changes)
    history = spark.sql(f"DESCRIBE HISTORY {table}").where("operation = 'MERGE'")
    removed = F.col("operationMetrics")["numTargetFilesRemoved"]
    return [row[0] for row in history.orderBy("version").select(removed).collect()]

# %% [markdown]
# With deletion vectors the second MERGE finds nothing to do and commits nothing: the history has
# one MERGE. Without them Delta rewrites the files that hold matched rows, although no row of them
# changes: the history has a second MERGE, which removed files.

# %%
if lab.written("flatten", "merge_changes"):
    print("with deletion vectors:   ", replay_history(f"{lab.schema}.with_vectors", True))
    print("without deletion vectors:", replay_history(f"{lab.schema}.without_vectors", False))

# %% [markdown]
# ## Task 5: let the table gain a column
#
# From batch 4 on, the row image has a `loyalty_tier`. Write
# `merge_evolving(spark, table, changes)`. It does what `merge_changes` does, but it does not ignore
# further columns:
#
# - All rules of Task 4 for rows, commits and data files hold.
# - A column of `changes` that the table lacks is added, whatever its name, with its type. Rows that
#   no event changes have null there. There may be several such columns. `op` is not one of them.
# - An event says something about the columns of `changes` only. A null in one of these is a value.
# - A later batch may lack columns that the table has. It says nothing about them: a row that is
#   updated keeps their values, a row that is inserted has null.
# - The session's settings stay as they were. A setting that allows evolution would change every
#   later MERGE.
#
# It is left open where a new column stands, whether it is added in a commit of its own, and whether
# a batch that changes no row adds it.

# %%
def merge_evolving(spark: SparkSession, table: str, changes: DataFrame) -> None:
    """`merge_changes` for batches that may bring new columns, or lack some."""
    # BEGIN SOLUTION: the same MERGE with schema evolution
    staged = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
    (
        DeltaTable.forName(spark, table).alias("t")
        .merge(staged.alias("s"), "t.customer_id = s.customer_id")
        .withSchemaEvolution()
        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
        .whenNotMatchedInsertAll()
        .execute()
    )
    # END SOLUTION


# %% [markdown]
# Why are there two functions? With evolution always on, every column that someone adds to a feed's
# schema, by mistake too, becomes a column of your table. Many teams turn it on feed by feed, after
# the producer has agreed to a contract.

# %%
lab.check("merge_evolving")

# %% [markdown]
# ## Task 6: test it yourself
#
# Write `test_latest_changes(spark, candidate)`, a test of any function that claims to be
# `latest_changes`. It calls `candidate` with frames that you make; the columns `customer_id`, `op`
# and `lsn` are enough.
#
# - It returns silently if `candidate` is right, in whatever order the rows come back.
# - It raises an `AssertionError` if `candidate` is wrong. Errors of chispa are accepted, too,
#   although they are no AssertionErrors.
#
# It has to notice a `candidate` that
#
# - keeps the row of each customer that comes first in the frame, or the one that comes last,
# - keeps the oldest change of each customer,
# - keeps both copies of a customer's newest change, if it was delivered twice,
# - forgets deletes.
#
# [`assert_df_equality`](https://github.com/MrPowers/chispa) is imported.

# %%
def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    """Silent on a right `latest_changes`, an AssertionError on a wrong one."""
    # BEGIN SOLUTION: one awkward frame, one comparison
    columns = "customer_id long, op string, lsn long"
    rows = [(1, "c", 4), (1, "d", 10), (1, "d", 10), (1, "u", 9), (2, "u", 3), (2, "c", 2)]
    expected = spark.createDataFrame([(1, "d", 10), (2, "u", 3)], columns)
    actual = candidate(spark.createDataFrame(rows, columns))
    try:
        assert_df_equality(actual, expected, ignore_row_order=True, ignore_nullable=True)
    except Exception as difference:
        raise AssertionError(str(difference)) from None
    # END SOLUTION


# %% [markdown]
# If one of these mistakes gets past your test, ask what your frame would have to contain for that
# mistake to give another result.

# %%
lab.check("test_latest_changes")

# %% [markdown]
# ## Put it together
#
# Merge all six batches, the last three with the wider image, in a random order. The order does not
# count, because every event from one log position on has the new column, and none before it.

# %%
WIDER = ENVELOPE.replace("city: string", "city: string, loyalty_tier: string")
BATCH_ORDER = (4, 1, 6, 2, 5, 3)


def load(table: str) -> None:
    for number in BATCH_ORDER:
        schema = WIDER if number >= 4 else ENVELOPE
        batch = spark.read.schema(schema).json(f"{feed}/batch-{number}.jsonl")
        merge_evolving(spark, table, flatten(batch))

# %% [markdown]
# Create the table, load it, and look at the first customers. A deleted row still has its `lsn`.

# %%
if lab.written("flatten", "latest_changes", "merge_evolving"):
    table = f"{lab.schema}.customers"
    spark.sql(
        f"CREATE TABLE {table} (customer_id LONG, name STRING, email STRING, city STRING, "
        "lsn LONG, is_deleted BOOLEAN) USING delta "
        "TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')"
    )
    load(table)
    spark.table(table).orderBy("customer_id").show(5)

# %% [markdown]
# The picture shows what each batch did: `DESCRIBE HISTORY` has a row for each commit, with how many
# rows the MERGE inserted and updated. Batches that are late in the log and early in the load insert
# and update much. What is loaded after them is mostly older, and changes little.

# %%
if lab.written("flatten", "latest_changes", "merge_evolving"):
    import matplotlib.pyplot as plt

    history = spark.sql(f"DESCRIBE HISTORY {table}").where("operation = 'MERGE'")
    commits = history.orderBy("version").select("operationMetrics").collect()
    metrics = [commit.operationMetrics for commit in commits]
    inserted = [int(m["numTargetRowsInserted"]) for m in metrics]
    updated = [int(m["numTargetRowsUpdated"]) for m in metrics]
    changed = [i + u for i, u in zip(inserted, updated, strict=True)]
    ignored = [int(m["numSourceRows"]) - c for m, c in zip(metrics, changed, strict=True)]
    names = [f"batch {number}" for number in BATCH_ORDER]
    plt.figure(figsize=(7, 3))
    plt.bar(names, inserted, label="inserted")
    plt.bar(names, updated, bottom=inserted, label="updated")
    plt.bar(names, ignored, bottom=changed, label="ignored", color="lightgrey")
    plt.ylabel("customers")
    plt.title("What each batch did, in order of loading")
    plt.legend()
    plt.show()

# %% [markdown]
# ## In practice
#
# - **Tables without deletion vectors.** A conditional MERGE that also inserts rewrites every file
#   that holds a matched row, changed or not. Join the stale rows away first (an anti-join against
#   the table's `lsn`), and skip the MERGE when nothing is left.
# - **Pruning.** MERGE finds the files to touch by joining on the key. Cluster a large table by the
#   key, or add a partition column to the condition, and compare `numTargetFilesRemoved` with the
#   number of files in the table.
# - **Soft deletes grow.** Keep deleted rows as long as the feed may be late, then remove them in
#   another job. An erasure request cannot wait for that: it needs `DELETE` and `VACUUM`, and a list
#   of erased keys that later loads consult.
# - **Batches in a stream.** In production this function runs inside `foreachBatch`. A batch that is
#   replayed after a failure needs no bookkeeping, because the merge is idempotent.
# - **Consumers.** Give them a view with `where not is_deleted`; they should not need the flag.
#
# **On Databricks**: `AUTO CDC` (formerly `APPLY CHANGES INTO`) in a declarative pipeline does what
# you wrote, if you name the key and a sequence column. But it remembers deleted rows for a limited
# time only. Deletion vectors and row-level concurrency are defaults on current runtimes, so two
# merges into one table conflict less often. You pay for the pipeline's runtime. You still choose
# the sequence column, the quarantine, and the contract about new columns.

# %% [markdown]
# ## Interview follow-ups
#
# 1. Why not order by `ts_ms`, when every event has one?
# 2. Two events of one customer have the same `lsn` but differ. How can that be, and what do you do?
# 3. The table has 2 billion rows, a batch 10,000 changes spread over all keys. What does your MERGE
#    cost, and what would you change?
# 4. A job crashed after the MERGE and before its checkpoint. What happens on restart?
# 5. How do you rebuild the table from the feed, while readers use it?
# 6. Why is a hard delete wrong here, and when is it required?
# 7. Two producers emit the same table, and only one has the new column yet. What does the order of
#    batches do to your table, and what would you change?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. `ts_ms` is the wall clock of a node: clocks drift, and events of one transaction can share a
#    millisecond. The log position is assigned by one writer and orders all events of the source.
# 2. One transaction may touch a row twice, and some connectors give both events the position of the
#    commit. Use the pair of commit position and position within the transaction as the sequence,
#    and compare structs: `struct(lsn, event_serial_no)`.
# 3. The join reads at least the key column of every file. The changes hit nearly every file, so
#    MERGE rewrites nearly all of them or, with deletion vectors, marks rows in them. Deletion
#    vectors make the write small. Clustering by key makes the read selective only when changes are
#    local. Otherwise collect more changes per merge, or keep a small table of recent changes and
#    resolve at read.
# 4. The batch comes again. No event in it is newer than its row, so no condition holds; with
#    deletion vectors not even a version is written. The statement is idempotent, so the scheduler
#    need not be.
# 5. Load a new table from the snapshot plus the feed and compare it with the old one. Then switch:
#    with a view, or with `ALTER TABLE ... RENAME`. Meanwhile the feed keeps both up to date, since
#    merging is idempotent.
# 6. With the row goes its `lsn`, the one thing that tells a late update from a new customer. It is
#    required when the law says so; then the key goes to a suppression list, and `VACUUM` removes
#    the old files after the retention time.
# 7. Take a wide event at lsn 210 and one of the old shape at 310. In this order the tier stays. The
#    other way round the wide event is older than the row, and the tier is lost with it: one `lsn`
#    for each row cannot say which columns it speaks for. Keep an `lsn` for each column (or group of
#    columns that appear together), and compare each with its own. Or agree with the producers that
#    the column appears at one log position, so that no newer event lacks it.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Delta Lake, [Upsert into a table using merge][merge]
# - Delta Lake, [Deletion vectors](https://docs.delta.io/latest/delta-deletion-vectors.html)
# - Debezium, [Change events of the PostgreSQL connector][debezium]
# - Databricks, [AUTO CDC APIs](https://docs.databricks.com/aws/en/ldp/cdc)
#
# [merge]: https://docs.delta.io/latest/delta-update.html#upsert-into-a-table-using-merge
# [debezium]: https://debezium.io/documentation/reference/stable/connectors/postgresql.html

# %%
lab.next()

# ---
# level: senior
# minutes: 60
# needs: []
# datasets: [product_updates]
# topics: [delta, scd2, merge]
# ---
# %% [markdown]
# # Keep history in a type 2 dimension
#
# Finance asks what a product cost on the day it was sold, and the product table only knows today's
# price. You build a dimension that keeps every version with the time it was valid. It is fed by
# daily batches that repeat themselves, leave products out and correct the past. At the end a
# point-in-time join prices every sale of a week, and you see what it costs to ignore late
# corrections.
#
# **You will learn** to
#
# - detect real changes when values may be null,
# - close old versions and open new ones in one commit that can be repeated,
# - put corrections of the past into a history, and join facts to the version of their time.

# %% [markdown]
# ## The data
#
# A shop system exports what changed in its catalogue: one file a day, in no particular order. One
# row is one product as it was from `updated_at` on. Delivery is at least once: a row can come
# again, as an exact copy. The sales of the same week lie beside the files.

# %%
import labkit

lab = labkit.open("scd2")
spark = lab.spark
folder = lab.data("product_updates")
sorted(path.name for path in folder.iterdir())

# %% [markdown]
# `UPDATES` and `DIMENSION` are the two schemas of this lab. `ATTRIBUTES` are the columns whose
# changes make history. `product_id`, `updated_at` and `effective_from` are never null.
#
# A version, which is a row of the dimension, is valid from `effective_from`, that instant included,
# until `effective_to`, that instant excluded. The open version of a product has no end (null). It
# is the only one with `is_current`.

# %%
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

UPDATES = "product_id long, name string, category string, price double, updated_at timestamp"
DIMENSION = (
    "product_id long, name string, category string, price double, "
    "effective_from timestamp, effective_to timestamp, is_current boolean"
)
ATTRIBUTES = ["name", "category", "price"]

# %% [markdown]
# Look at one day before you write anything. Find a product with several changes, and one whose
# category changes from null to a value. Further down the file a row comes twice. Other days hold
# updates that change nothing, and the file of 6 March speaks of days before it. All times are UTC.


# %%
def read_batch(day: str) -> DataFrame:
    """The updates that arrived on a day."""
    return spark.read.schema(UPDATES).json(str(folder / f"updates_{day}.json"))


read_batch("2026-03-03").orderBy("product_id", "updated_at").show(12, truncate=False)

# %% [markdown]
# ## Task 1: find real changes
#
# A version should begin only where something changed. Write `changed_rows(current, updates)`. It
# returns the rows of `updates` that say something new, with the columns of `UPDATES`, in that
# order.
#
# `current` has the columns of `DIMENSION`, and holds open versions only. `updates` has the columns
# of `UPDATES`. Both have at most one row of each product.
#
# - A row comes back if `current` has no row of its product.
# - A row comes back if the row of its product in `current` has another name, category or price.
# - No other row comes back. Times are not compared.
# - Null is a value of its own: null to null is no change. Null to anything else is one, also to an
#   empty text or 0.
# - Values are compared as they are: a blank at the end, a capital letter or a fraction of a cent is
#   a difference.
#
# PySpark's [`eqNullSafe`][eqnullsafe] may help.
#
# [eqnullsafe]: https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.Column.eqNullSafe.html


# %%
def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    """The updates of new products and of products whose open row says something else."""
    # BEGIN SOLUTION: keep new and really changed rows, null-safe
    open_rows = current.select("product_id", F.struct(*ATTRIBUTES).alias("said"))
    says_the_same = F.struct(*ATTRIBUTES).eqNullSafe(F.col("said"))
    same_product = updates["product_id"] == open_rows["product_id"]
    return updates.join(open_rows, same_product & says_the_same, how="left_anti")
    # END SOLUTION


# %% [markdown]
# The checks use other products than the files do. A reason names the row that is missing or should
# not be there, by its key; `lab.hint("changed_rows")` gives the first of three hints.

# %%
lab.check("changed_rows")

# %% [markdown]
# Two tasks follow that write histories. If they share a piece, it has its place in the next cell.
# You may leave the cell as it is, and come back when you notice that you write the same lines
# twice.

# %%
# BEGIN SOLUTION: functions that both tasks use, if you want any
POINT = ["product_id", *ATTRIBUTES, "effective_from"]
SAME_VERSION = "old.product_id = new.product_id AND old.effective_from = new.effective_from"


def entries(stored: DataFrame, updates: DataFrame) -> DataFrame:
    """What the table and the batch say of the batch's products: (time, values), and who says it."""
    known = stored.join(updates, on="product_id", how="left_semi").select(POINT)
    said = updates.withColumnRenamed("updated_at", "effective_from").select(POINT)
    return known.withColumn("is_new", F.lit(False)).unionByName(
        said.withColumn("is_new", F.lit(True))
    )


def intervals(said: DataFrame) -> DataFrame:
    """Entries with `repeats` (no change to the one before), and where the others end."""
    by_time = Window.partitionBy("product_id").orderBy("effective_from")
    by_time_apart = Window.partitionBy("product_id", "repeats").orderBy("effective_from")
    values = F.struct(*ATTRIBUTES)
    return (
        said.withColumn("repeats", values.eqNullSafe(F.lag(values).over(by_time)))
        .withColumn("effective_to", F.lead("effective_from").over(by_time_apart))
        .withColumn("is_current", F.isnull("effective_to"))
    )


# END SOLUTION

# %% [markdown]
# ## Task 2: apply a batch
#
# Write `apply_scd2(spark, table, updates)`. It changes the Delta table named `table`, which has the
# columns of `DIMENSION` and keeps them. Each product in it has one open version, and no gaps
# between its versions. `updates` has the columns of `UPDATES`.
#
# - `updates` may hold several rows of a product, in any order, or no rows at all. Two rows of a
#   product with the same time are always copies of one another.
# - A row counts if its product is new, or if its `updated_at` is later than the start of its
#   product's open version. Other rows are ignored, as if they were not there.
# - Take the rows of a product that count in order of time. Each is compared with the row before it,
#   the first with the open version. If it says the same, it makes no version.
# - Every other row becomes a version from its `updated_at` on, also when a value returns. Three
#   changes in a batch are three versions. The first row of a new product always becomes one.
# - The version before it ends where it begins. The last version of a product is open.
# - Closed versions stay as they are. Products that the batch does not mention stay open.
# - Old and new change in **one commit**: in every version of the table a reader sees either the
#   state before the batch or the one after it. The table is not dropped.
# - The same batch again, in any order, changes no row.
#
# [`DeltaTable.merge`](https://docs.delta.io/latest/delta-update.html) is one way; any single commit
# will do. Whether a call that changes nothing makes a commit is left open. A temporary view may be
# left behind.


# %%
def apply_scd2(spark: SparkSession, table: str, updates: DataFrame) -> None:
    """Closes and opens versions for the updates that are newer than their open version."""
    # BEGIN SOLUTION: find the versions to close and to open, and write them in one commit
    said = entries(spark.table(table).where("is_current"), updates)
    stored_start = F.when(~F.col("is_new"), F.col("effective_from"))
    began = F.max(stored_start).over(Window.partitionBy("product_id"))
    counts = "NOT is_new OR began IS NULL OR effective_from > began"
    versions = said.withColumn("began", began).where(counts).transform(intervals)
    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(to_write.alias("new"), SAME_VERSION)
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute()
    )
    # END SOLUTION


# %% [markdown]
# The checks apply one batch to a table with hand-made products and two hundred random ones, then
# look at each property a history must have. One check lists the commits you made and reads the
# table as it was between them; another delivers an empty batch, and then the first one again.

# %%
lab.check("apply_scd2")

# %% [markdown]
# ## Task 3: correct the past
#
# On 6 March the shop reports prices that were already valid days before. Write `apply_late(spark,
# table, updates)`. It changes the table of Task 2, but rows of any time count. In the table no
# version says the same as the one before it.
#
# - A row says name, category and price of its product from its `updated_at` on, until the next
#   version of the table or the next row of the batch begins. So it splits the version that was
#   valid at its time.
# - A row before the first version becomes the first version.
# - A row at the start of a version replaces that version's values, be it closed or open.
# - After that, a version that says the same as the one before it becomes part of that one; the
#   earlier start stays.
# - New products and newer rows work as in Task 2.
# - Products that the batch does not mention keep their history as it is.
# - `updates` is as in Task 2: several rows of a product, copies, or no rows.
# - All of it in one commit, and the table is not dropped, as in Task 2.
# - The same batch again, in any order, changes no row.


# %%
def apply_late(spark: SparkSession, table: str, updates: DataFrame) -> None:
    """Rebuilds the histories of the batch's products so that every update holds at its time."""
    # BEGIN SOLUTION: rebuild the touched histories and write them in one commit
    same = [f"old.{name} <=> new.{name}" for name in [*ATTRIBUTES, "effective_to"]]
    new_first = Window.partitionBy("product_id", "effective_from").orderBy(F.desc("is_new"))
    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(said.where("place = 1").transform(intervals).alias("new"), SAME_VERSION)
        .whenMatchedDelete("new.repeats")
        .whenMatchedUpdateAll(f"NOT ({' AND '.join(same)})")
        .whenNotMatchedInsert(
            condition="NOT new.repeats",
            values={name: f"new.{name}" for name in spark.table(table).columns},
        )
        .execute()
    )
    # END SOLUTION


# %% [markdown]
# The random histories come back, now with updates at any time. Besides one current version, no
# overlap, no gap and no equal neighbours, two checks ask what the table says at the time of each
# update, and at each old start that no update speaks of.

# %%
lab.check("apply_late")

# %% [markdown]
# ## Task 4: join facts to the version of their time
#
# Write `as_of(dimension, facts, ts)`. It returns the columns of `facts`, in their order, then
# `name`, `category` and `price` of the fact's product as they were at the time of the fact. `ts` is
# the name of the column of `facts` that holds this time.
#
# `facts` has this column, `product_id` and any others. `dimension` has the columns of `DIMENSION`.
# `product_id` is the only name that both have.
#
# - Every fact comes back exactly once. Identical facts come back as often as they were given.
# - A fact gets the values of the version of its product that is valid at its time: from the start
#   of the version, included, until its end, excluded.
# - The open version is valid at any time from its start on, in the future as well.
# - A product may have left the shop: then it has no open version. It may also have been away in
#   between. No version is valid where there is none.
# - A fact without a valid version keeps its row, with null in the three columns. So does a fact of
#   an unknown product, and one whose `product_id` or time is null.


# %%
def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    """The facts, each with name, category and price as they were at its time `ts`."""
    # BEGIN SOLUTION: join each fact with the version valid at its time
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    begun = F.col("version.effective_from") <= F.col(f"fact.{ts}")
    not_ended = F.col("version.effective_to").isNull() | (
        F.col(f"fact.{ts}") < F.col("version.effective_to")
    )
    return (
        facts.alias("fact")
        .join(dimension.alias("version"), same_product & begun & not_ended, how="left")
        .select("fact.*", *[f"version.{name}" for name in ATTRIBUTES])
    )
    # END SOLUTION


# %% [markdown]
# A join on a range shows its mistakes at the edges: the instant of a change, the time before the
# first version, the end that is null. The checks stand on these edges, with facts whose time column
# has another name each time.

# %%
lab.check("as_of")

# %% [markdown]
# ## Put it together
#
# Build the dimension twice from the six batches: once with `apply_scd2`, which ignores what comes
# late, and once with `apply_late`. The count of versions is the first difference. These cells wait
# until the functions they call are written.

# %%
DAYS = [f"2026-03-0{number}" for number in range(2, 8)]


def build(name: str, apply) -> str:
    """A table made from all six batches, one after the other."""
    table = f"{lab.schema}.{name}"
    spark.sql(f"CREATE TABLE {table} ({DIMENSION}) USING delta")
    for day in DAYS:
        apply(spark, table, read_batch(day))
    return table


# %% [markdown]
# Six batches each, so at most six commits on top of the empty table. Each line below shows
# products, versions and the newest table version. A batch without anything to write makes no commit
# when a MERGE gets an empty source.

# %%
tables = {}
if lab.written("apply_scd2", "apply_late"):
    tables = {
        "late rows ignored": build("in_order", apply_scd2),
        "late rows applied": build("corrected", apply_late),
    }
for name, table in tables.items():
    versions, newest = spark.table(table), DeltaTable.forName(spark, table).history(1).first()
    open_versions = versions.where("is_current").count()
    print(
        f"{name}: {open_versions} products, {versions.count()} versions, {newest.version} commits"
    )

# %% [markdown]
# Look at what 6 March corrected: the rows of its file that were effective before that day. They
# speak of a time at which the table already said something else, or of one before its first
# version.

# %%
march_6 = spark.read.schema(UPDATES).json(str(folder / "updates_2026-03-06.json"))
late = march_6.where("updated_at < '2026-03-06'").distinct().orderBy("product_id")
corrections = late.collect()
late.show(truncate=False)

# %% [markdown]
# The function below draws the versions of these products, one line of bars a product and one bar a
# version. A small triangle under a line marks the time from which its correction holds; the open
# version runs to the right edge.


# %%
from datetime import datetime

import matplotlib.pyplot as plt


def draw(ax, table: str) -> None:
    rows = spark.table(table).orderBy("effective_from").collect()
    for line, correction in enumerate(corrections):
        mine = [row for row in rows if row.product_id == correction.product_id]
        for number, row in enumerate(mine):
            end = row.effective_to or datetime(2026, 3, 9)
            ax.barh(line, end - row.effective_from, left=row.effective_from, color=f"C{number}")
        ax.plot(correction.updated_at, line - 0.5, marker="^", color="black", clip_on=False)


# %% [markdown]
# Colours number the versions of a product. A split adds a bar (103, 133, 148), and a correction
# before the first version makes the line begin earlier (107, 122). At a start it changes what the
# first bar says. Look at 126: an update of 6 March repeated the old values and made no version;
# next to the corrected ones it does.

# %%
if tables:
    figure, axes = plt.subplots(
        1, 2, figsize=(12, 4.5), sharex=True, sharey=True, layout="constrained"
    )
    for ax, (name, table) in zip(axes, tables.items(), strict=True):
        draw(ax, table)
        ax.set_title(f"Versions of eleven products, {name}")
        ax.set_yticks(range(len(corrections)), [f"product {row.product_id}" for row in corrections])
        ax.tick_params(axis="x", rotation=30)
    plt.show()

# %% [markdown]
# Now the money. Each sale is priced three ways: by the current version, as the report did so far,
# and by the version of its time, without corrections and with them. Sales without a valid version
# have no price; today's price also counts sales made before their product's first version, and
# hides that something is missing.

# %%
SALE = "sale_id long, product_id long, quantity int, sold_at timestamp"
sales = spark.read.schema(SALE).json(str(folder / "sales.json"))
if tables and lab.written("as_of"):
    today = (
        spark.table(tables["late rows applied"]).where("is_current").select("product_id", "price")
    )
    ways = {"price of today": sales.join(today, on="product_id", how="left")}
    ways |= {
        f"as of, {name}": as_of(spark.table(table), sales, "sold_at")
        for name, table in tables.items()
    }
    for way, priced in ways.items():
        revenue, unpriced = F.sum(F.col("quantity") * F.col("price")), F.count_if(F.isnull("price"))
        row = priced.agg(revenue.alias("revenue"), unpriced.alias("unpriced")).first()
        print(f"{way:24} {row.revenue:10.2f} revenue, {row.unpriced} sales without a price")

# %% [markdown]
# One surprise is left. A table that drops updates without a change forgets that they were said.
# Three updates of product 1, at nine, ten and eleven o'clock: the last one repeats the first, the
# middle one arrives late in one case. The histories differ, although the same rows were applied.

# %%
said = [
    (1, "Oak lamp", None, price, datetime(2026, 4, 1, hour))
    for hour, price in [(9, 10.0), (10, 12.0), (11, 10.0)]
]
orders = {"together": [[0, 1, 2]], "ten_arrives_late": [[0, 2], [1]]} if tables else {}
for name, batches in orders.items():
    table = f"{lab.schema}.{name}"
    spark.sql(f"CREATE TABLE {table} ({DIMENSION}) USING delta")
    for numbers in batches:
        apply_late(spark, table, spark.createDataFrame([said[n] for n in numbers], UPDATES))
    print(
        name,
        [
            (row.effective_from.hour, row.price)
            for row in spark.table(table).sort("effective_from").collect()
        ],
    )

# %% [markdown]
# ## In practice
#
# - **Keep the raw batches.** A dimension without no-op updates cannot be corrected faithfully, as
#   you just saw, and the replay of an *old* batch takes a later correction back. Keep what arrived,
#   with its time of arrival, and rebuild a product's history from there when it matters.
# - **The null merge key.** The textbook form of Task 2 merges on `product_id` and sends each change
#   twice: with its key to close the open version, and with a null key, which matches nothing, to
#   insert the new one. A MERGE on `product_id` and `effective_from` needs no such twin, because
#   these two name a version. The twin always inserts: what keeps a replay out is the look at the
#   time, not the MERGE.
# - **A replay that rewrites nothing.** When no version is to be written, a MERGE gets an empty
#   source and makes no commit. Where the source holds rows that are already right, say so in a
#   condition on the update: with deletion vectors on the table no version is made then; without
#   them files are still rewritten.
# - **Structs compare null-safely.** In Spark `struct(a, b) = struct(c, d)` is true where both hold
#   a null in the same place, unlike `a = c`. Hashing with `concat_ws` is no substitute: it skips
#   nulls, so ('lamp', null) and (null, 'lamp') hash alike.
# - **Absent is not deleted.** `whenNotMatchedBySource` closes what a batch does not mention. It is
#   right for a full extract, and wrong for changes.
# - **Test invariants in production.** One current version, no overlap and no gap are one query, with
#   `lead` over a window by product. Run it after each load, and stop the load that breaks one.
#
# **On Databricks** `AUTO CDC ... STORED AS SCD TYPE 2` (before: `APPLY CHANGES`) in a pipeline
# declares keys and a `SEQUENCE BY` column, puts late rows where they belong, and names the ends
# `__START_AT` and `__END_AT`. It costs a managed pipeline, which owns the table. What stays yours:
# choosing a sequence column that orders all changes of a key, deciding which columns make history
# (`TRACK HISTORY ON`), and the as-of join.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. Why half-open intervals, and why null rather than 9999-12-31 for the open end?
# 2. Your MERGE fails with "multiple source rows matched". What does it tell you, and what do you
#    change?
# 3. How do you close a product that was deleted at the source?
# 4. A correction arrived for last month, and the revenue report of last month is already published.
#    What do you do?
# 5. Facts and dimension are too large for the as-of join. What are your options?
# 6. When would you compare a hash instead of the columns, and what must the hash contain?
# 7. Two jobs apply batches to the same dimension at the same time. What can happen?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. With [from, to) each version ends exactly where the next begins: no instant is lost or counted
#    twice, at any resolution of time, and gaps and overlaps are one comparison of neighbours. Null
#    says "not ended" and cannot be mistaken for a date, but every comparison needs `OR effective_to
#    IS NULL`. A far date keeps the comparison plain and works with min/max statistics; it must
#    never reach a report. Choose one and write it down.
# 2. That a target row found two partners, so the result would depend on their order; Delta refuses.
#    Either the source is not reduced to what the target needs (deduplicate, or chain the versions
#    of a batch first), or the ON condition is not the key of what you change: `product_id` alone
#    matches many versions of a product.
# 3. With an event that says so: a row with a delete flag ends the open version and opens none, so
#    "exactly one current row" becomes "at most one". With full extracts only, what is absent from
#    the extract was deleted. Both need care when the product returns: there is a gap then, and it
#    is right.
# 4. Decide what the report promises. As published and as known today are two questions; to answer
#    both, keep two times: valid from/to, and recorded from/to (bitemporal). Delta's time travel
#    answers "as known then" only while the old versions are kept. Then restate, or book the
#    difference in the current month, as finance rules.
# 5. Broadcast the dimension when it fits. Else look the version up once, when the fact is loaded,
#    and store its surrogate key. Reduce both sides to the dates in question, or bucket the
#    intervals by day so that the day joins the equality keys. Union both sides and carry the last
#    version forward with a window: one shuffle, no range condition.
# 6. When rows are wide, and the hash is stored beside the open version so that only key and hash
#    are read. It must keep values apart: a separator that cannot occur or a length, a mark for null
#    that is no value, a fixed order and fixed formats of numbers and times, and enough bits that
#    collisions do not matter.
# 7. Delta checks at commit whether what one has read was changed by the other; one of the two fails
#    with a conflict and must be run again, computed anew. Because applying a batch twice changes
#    nothing, a retry is safe. What stays dangerous is computing the source first and merging much
#    later: it describes an older table.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Delta Lake, [Table deletes, updates, and merges][merge], with a type 2 MERGE
# - Kimball Group, [Slowly changing dimension techniques][kimball]
# - Martin Fowler, [Bitemporal history](https://martinfowler.com/articles/bitemporal-history.html)
# - Databricks, [AUTO CDC](https://docs.databricks.com/aws/en/ldp/cdc)
#
# [merge]: https://docs.delta.io/latest/delta-update.html
# [kimball]: https://www.kimballgroup.com/data-warehouse-business-intelligence-resources/kimball-techniques/dimensional-modeling-techniques/type-2/

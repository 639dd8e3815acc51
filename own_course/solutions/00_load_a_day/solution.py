# ---
# level: starter
# minutes: 20
# needs: []
# datasets: []
# topics: [delta, idempotence]
# ---
# %% [markdown]
# # Load a day again, and change nothing else
#
# Every night a job writes the orders of one day into a Delta table. Some nights it runs twice, and
# sometimes the source corrects a day and sends it again. The job appends, so the table has orders
# twice, and orders that were withdrawn. At the end of this lab a day can be loaded as often as
# anybody likes.
#
# **You will learn** to
#
# - replace one part of a Delta table,
# - do it in one commit, so that no reader sees the day half loaded,
# - tell a load that can be repeated from one that only looks like it.

# %% [markdown]
# ## The data
#
# A table with the orders of two days, partitioned by `order_date`, and what the source sends for
# the second day: order 3 has another amount, order 4 was withdrawn, order 5 is new.

# %%
import datetime

from pyspark.sql import DataFrame, SparkSession

import labkit

lab = labkit.open("load_a_day")
spark = lab.spark

COLUMNS = "order_id long, order_date date, amount double"
MONDAY, TUESDAY = datetime.date(2026, 3, 2), datetime.date(2026, 3, 3)

table = f"{lab.schema}.orders"
loaded = [(1, MONDAY, 20.0), (2, MONDAY, 7.5), (3, TUESDAY, 12.0), (4, TUESDAY, 3.0)]
(
    spark.createDataFrame(loaded, COLUMNS)
    .write.format("delta")
    .partitionBy("order_date")
    .saveAsTable(table)
)

tuesday = spark.createDataFrame([(3, TUESDAY, 14.0), (5, TUESDAY, 9.0)], COLUMNS)
tuesday.show()

# %% [markdown]
# ## Task 1: load one day
#
# Write `load_day(spark, table, orders, day)`. `table` is the name of the table, and `orders` has
# its columns. All rows of `orders` are of the day `day`, a `datetime.date`.
#
# - After the call the table's rows of `day` are the rows of `orders`, and no others.
# - Rows of other days stay as they are.
# - `orders` may be empty; then the table has no rows of `day`.
# - The table changes in one commit.


# %%
def load_day(spark: SparkSession, table: str, orders: DataFrame, day: datetime.date) -> None:
    """Replaces the rows of one day."""
    # BEGIN SOLUTION: overwrite the rows of the day, and nothing else
    (
        orders.write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", f"order_date = '{day}'")
        .saveAsTable(table)
    )
    # END SOLUTION


# %% [markdown]
# Each line of the verdict is one check. If one failed, its reason shows a row that is wrong, or
# what the table's history has.

# %%
lab.check("load_day")

# %% [markdown]
# ## Put it together
#
# Load the day twice, then look at the table and at its history: the second load is a version of
# its own, with the same rows.

# %%
if lab.written("load_day"):
    for _ in range(2):
        load_day(spark, table, tuesday, TUESDAY)
    spark.table(table).orderBy("order_id").show()
    history = spark.sql(f"DESCRIBE HISTORY {table}")
    history.select("version", "operation").orderBy("version").show()

# %% [markdown]
# ## Interview follow-ups
#
# 1. Why does a dynamic partition overwrite fail this task?
# 2. What do readers of the table's change feed see after a day was loaded a second time?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. It replaces the partitions that occur in the data. A day without rows occurs nowhere, so the
#    old rows of that day stay.
# 2. All rows of the day, once deleted and once inserted, although none changed. If somebody reads
#    the feed downstream, compare first and write what differs, with a MERGE for instance that also
#    deletes.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Delta Lake, [selective overwrite](https://docs.delta.io/latest/delta-batch.html#selective-overwrite)

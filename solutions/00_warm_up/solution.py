# ---
# level: starter
# minutes: 10
# needs: []
# datasets: []
# topics: [workflow]
# ---
# %% [markdown]
# # Learn the loop in ten minutes
#
# A colleague hands you a frame of five orders and asks for two small functions. They need no Spark
# that you don't know: the lab is about the loop that all labs share. At the end you have written
# two tasks, checked them, corrected one, and passed both.
#
# **You will learn** to
#
# - write a task and check it from the notebook,
# - read the reason when an answer is wrong, and take a hint,
# - start over without losing your work.

# %% [markdown]
# ## The data
#
# Every lab begins with the same three lines. `lab` gives you the checks and hints of this lab.
# `lab.spark` is an ordinary `SparkSession` with Delta Lake configured. The cell prints Spark's
# version, so that you see it running.

# %%
import labkit

lab = labkit.open("warm_up")
spark = lab.spark
spark.version

# %% [markdown]
# Five orders, one row each. Look at them before you write anything: one order was cancelled, and
# one has no amount yet. The checks of this lab are about such rows.

# %%
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

orders = spark.createDataFrame(
    [
        (1, "Ada", "shipped", 20.0),
        (2, "Ada", "cancelled", 35.0),
        (3, "Grace", "shipped", 5.5),
        (4, "Grace", "open", None),
        (5, "Linus", "open", 12.0),
    ],
    "order_id long, customer string, status string, amount double",
)
orders.show()

# %% [markdown]
# ## Task 1: keep the orders that count
#
# Cancelled orders don't belong in revenue reports. Write `active_orders(orders)`. It returns all
# columns of `orders`, and all rows except those with the status `cancelled`.
#
# Replace the `TODO` and the `raise` below it, then run the cell.

# %%
def active_orders(orders: DataFrame) -> DataFrame:
    """All orders except the cancelled ones, all columns."""
    # BEGIN SOLUTION: keep the rows that are not cancelled
    return orders.where(F.coalesce(F.col("status"), F.lit("")) != "cancelled")
    # END SOLUTION


# %% [markdown]
# Now ask for a verdict. Each line is one check: it says what the check looks at and, when the
# answer is wrong, what the check saw. If you wrote the obvious filter, one check may still fail.
# Its reason shows a row of a kind that `orders` doesn't have. `lab.hint("active_orders")` gives the
# first of two hints.

# %%
lab.check("active_orders")

# %% [markdown]
# ## Task 2: total per customer
#
# Write `revenue(orders)`. It returns one row for each customer who has an active order, with the
# columns `customer` (string) and `revenue` (double), in this order.
#
# - `revenue` is the sum of the amounts of the customer's active orders.
# - A customer none of whose active orders has an amount yet has a revenue of 0.
# - Call your first function rather than filtering again, so that both agree on what is active.
#
# The order of the rows is up to you.

# %%
def revenue(orders: DataFrame) -> DataFrame:
    """customer and revenue: the sum of the amounts of active orders, 0 if none has an amount."""
    # BEGIN SOLUTION: sum the amounts of the active orders per customer
    total = F.coalesce(F.sum("amount"), F.lit(0.0))
    return active_orders(orders).groupBy("customer").agg(total.alias("revenue"))
    # END SOLUTION


# %% [markdown]
# Check it. While `active_orders` is a stub, the verdict on `revenue` is `to do` and names the
# missing function: a task that waits for another one is not counted as wrong. `lab.check()` without
# a name checks every task of the lab.

# %%
lab.check("revenue")

# %% [markdown]
# ## Put it together
#
# `lab.written` tells whether the named functions are written. Labs use it in cells that call your
# functions, so that "Run all" reaches the end of a fresh notebook. Run the cell once both tasks
# pass.

# %%
if lab.written("active_orders", "revenue"):
    revenue(orders).orderBy("customer").show()

# %% [markdown]
# ## In practice
#
# You work on a copy of the notebook in `work/`; the starter itself never changes. `./lab reset
# warm_up` gives you a fresh copy and keeps the old one beside it, with the date in its name. `./lab
# check warm_up` runs the saved notebook from top to bottom in a new process. That finds cells that
# only worked because of the order in which you ran them.
#
# **On Databricks** the functions you write here run unchanged; only the checks need `labkit`.
# `lab.next()` says which lab to open next.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. Why does `status != 'cancelled'` drop a row whose status is null?
# 2. What does `sum` return for a group in which every amount is null, and why isn't that 0?
# 3. Why do the checks use rows that you haven't seen?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. SQL has three truth values. `null != 'cancelled'` is null, and `where` keeps only rows for
#    which the condition is true. `not(status <=> 'cancelled')` or a `coalesce` says what happens to
#    unknown values.
# 2. Null. Aggregates skip nulls, and by the SQL standard the sum of no values is null. A `coalesce`
#    outside the sum makes it 0. Inside the sum it gives the same result here. In an average it
#    wouldn't: unknown amounts would count as 0.
# 3. A function may be right on the five rows of the notebook by coincidence, or return what was
#    worked out by hand. Other rows with the same difficulties show whether it follows the rule.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Spark SQL guide, [NULL
#   semantics](https://spark.apache.org/docs/latest/sql-ref-null-semantics.html)
# - PySpark reference,
#   [`DataFrame.where`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.DataFrame.where.html)
# - [chispa](https://github.com/MrPowers/chispa), the library these checks compare rows with

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
# A colleague hands you a five-row frame of orders and asks for two small functions. Nothing here is new about
# Spark: the point is the loop that every other lab uses. At the end you have written, checked, misread,
# corrected and passed two tasks.
#
# **You will learn** to
#
# - write a task and check it from the notebook,
# - read the reason when an answer is wrong, and take a hint,
# - start over without losing your work.

# %% [markdown]
# ## The data
#
# Every lab begins with the same three lines. `lab` is your link to the checks and hints of this lab,
# and `lab.spark` is an ordinary `SparkSession` with Delta Lake configured. The cell prints Spark's version,
# so that you see it running.

# %%
import labkit

lab = labkit.open("warm_up")
spark = lab.spark
spark.version

# %% [markdown]
# Five orders, one row each. Look at them before you write anything: one order was cancelled, and one has no
# amount yet. Those two rows are what the checks of this lab are about.

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
# Revenue reports must not see cancelled orders. Write `active_orders(orders)`: all columns, all rows except those
# with status `cancelled`. Replace the `TODO` and the `raise` below it, then run the cell.

# %%
def active_orders(orders: DataFrame) -> DataFrame:
    """The orders that were not cancelled, all columns."""
    # BEGIN SOLUTION: keep the rows that are not cancelled
    return orders.where(F.coalesce(F.col("status"), F.lit("")) != "cancelled")
    # END SOLUTION


# %% [markdown]
# Now ask for a verdict. Each line is one check: what it looks at, and, when the answer is wrong, what was seen. If you wrote
# the obvious filter, one check may still fail, and its reason tells you about a row that this notebook doesn't have.
# `lab.hint("active_orders")` gives the first of two hints.

# %%
lab.check("active_orders")

# %% [markdown]
# ## Task 2: total per customer
#
# Write `revenue(orders)`: one row per customer with the columns `customer` and `revenue`, the sum of the amounts of
# the active orders. A customer whose orders have no amount yet has a revenue of 0. Call your first function rather than
# filtering again.

# %%
def revenue(orders: DataFrame) -> DataFrame:
    """customer, revenue: the sum of the active orders' amounts, 0 where there is none yet."""
    # BEGIN SOLUTION: sum the amounts of the active orders per customer
    total = F.coalesce(F.sum("amount"), F.lit(0.0))
    return active_orders(orders).groupBy("customer").agg(total.alias("revenue"))
    # END SOLUTION


# %% [markdown]
# Check it. While `active_orders` is a stub, the verdict on `revenue` is `to do` and names the function that is
# missing: a task that waits for another one is not counted as wrong. `lab.check()` without a name checks
# every task of the lab.

# %%
lab.check("revenue")

# %% [markdown]
# ## Put it together
#
# `lab.written` tells whether tasks are still stubs. Labs use it for cells that need your functions, so that
# "Run all" reaches the end of a fresh notebook. Run the cell once both tasks pass.

# %%
if lab.written("active_orders", "revenue"):
    revenue(orders).orderBy("customer").show()

# %% [markdown]
# ## In practice
#
# Your notebook is a copy in `work/`; the starter is never edited. `./lab reset warm_up` puts the starter back and keeps what you wrote
# beside it, under its date. `./lab check warm_up` runs the saved notebook top to bottom in a fresh process, which
# finds cells that only worked because of the order in which you ran them. **On Databricks** the functions you write here run unchanged;
# `labkit` is only the harness around them. `lab.next()` says where to go from here.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. Why does `status != 'cancelled'` drop a row whose status is null?
# 2. What does `sum` return for a group in which every amount is null, and why is that not 0?
# 3. Why do the checks use rows that you have not seen?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. SQL has three truth values. `null != 'cancelled'` is null, and `where` keeps only rows for which the condition is true.
#    `not(status <=> 'cancelled')` or a `coalesce` states what should happen to unknown values.
# 2. Null: aggregates skip nulls, and the sum over no values is unknown by the standard. `coalesce` outside the sum makes it 0;
#    inside it gives the same here, but hides the difference between "nothing" and "nothing known".
# 3. A function that fits only the rows on the page is a constant. Other rows with the same difficulties tell a rule from a
#    coincidence.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Spark SQL guide, [NULL semantics](https://spark.apache.org/docs/latest/sql-ref-null-semantics.html)
# - PySpark reference, [`DataFrame.where`](https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.DataFrame.where.html)
# - [chispa](https://github.com/MrPowers/chispa), the library these checks compare rows with

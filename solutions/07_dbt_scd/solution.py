# ---
# level: senior
# minutes: 90
# needs: [dbt]
# datasets: [shop_extracts]
# topics: [dbt, delta, incremental, scd2, testing]
# ---
# %% [markdown]
# # Load a shop every night with dbt, and test what you load
#
# Every night a shop delivers changes of its orders and a full extract of its customers. Rows are
# delivered twice or late, and old deliveries disappear. You write an incremental model, a snapshot
# with history, and the tests that stop a bad night. At the end dbt builds four nights, and you see
# the lineage, the history, and which of your tests fails when somebody breaks the data.
#
# **You will learn** to
#
# - write an incremental model that takes late rows and never lets an old one win,
# - keep history in a snapshot whose versions begin when things changed, not when dbt ran,
# - guard both with a contract, with data tests that pass on good days, and with unit tests that
#   fail on broken models.

# %% [markdown]
# ## The data
#
# One row of `orders_<night>.json` is one change of an order. It holds the complete order, as it was
# from `updated_at` on; `is_deleted` marks the change that deletes it. One row of
# `customers_<night>.json` is one customer as they are on that night. A deleted customer is missing
# from then on. In both, ids and `updated_at` are never null; any other column may be.

# %%
import labkit

lab = labkit.open("dbt_scd")
spark = lab.spark
folder = lab.data("shop_extracts")
sorted(path.name for path in folder.iterdir())

# %% [markdown]
# `ORDERS` and `CUSTOMERS` are the columns of the two deliveries, `DIMENSION` those of the dimension
# that you build from the second. All times are UTC. The project reads two relations.
# `orders_landing` holds the deliveries of the last **two nights**, and forgets older ones.
# `customers_extract` is the last extract.

# %%
ORDERS = (
    "order_id long, customer_id long, status string, amount decimal(10,2), "
    "is_deleted boolean, updated_at timestamp"
)
CUSTOMERS = "customer_id long, name string, city string, updated_at timestamp"
DIMENSION = (
    "customer_id long, name string, city string, "
    "effective_from timestamp, effective_to timestamp, is_current boolean"
)
NIGHTS = ["2026-05-04", "2026-05-05", "2026-05-06", "2026-05-07"]

# %% [markdown]
# `land(number)` makes both relations in the database of this notebook, as they are on the night of
# that number; the first is 0. Look at the second night: find an order with two changes, and one
# that is there twice.


# %%
def land(number: int) -> None:
    """What the project can read on a night."""
    kept = [
        str(folder / f"orders_{night}.json") for night in NIGHTS[max(0, number - 1) : number + 1]
    ]
    extract = str(folder / f"customers_{NIGHTS[number]}.json")
    deliveries = {
        "orders_landing": spark.read.schema(ORDERS).json(kept),
        "customers_extract": spark.read.schema(CUSTOMERS).json(extract),
    }
    for name, delivered in deliveries.items():
        delivered.write.mode("overwrite").saveAsTable(f"{lab.schema}.{name}", format="delta")


land(1)
spark.table(f"{lab.schema}.orders_landing").orderBy("order_id", "updated_at").show(21)

# %% [markdown]
# A dbt project is a folder of files. Three files are given: the project, its sources, and a macro.
# Snapshots call `snapshot_get_time` for the time of the run. Here it comes from a variable, so that
# a night can be built again as of its own time. dbt stores all tables in the Delta format.

# %%
PROJECT = {
    "dbt_project.yml": """\
name: shop
version: "1.0"
profile: labkit
models:
  shop:
    +file_format: delta
snapshots:
  shop:
    +file_format: delta
""",
    "models/sources.yml": """\
sources:
  - name: raw
    schema: "{{ target.schema }}"
    tables:
      - name: orders_landing
      - name: customers_extract
""",
    "macros/clock.sql": """\
{% macro snapshot_get_time() -%}
    to_timestamp('{{ var("run_at") }}')
{%- endmacro %}
""",
}

# %% [markdown]
# Each task is a function without arguments that returns a dictionary: the **texts of files by their
# path** in the project, such as `{"models/fct_orders.sql": "select ..."}`. Paths begin with
# `models/`, `snapshots/`, `tests/` or `macros/` and end in `.sql` or `.yml`. `Project` writes the
# files and runs [dbt](https://docs.getdbt.com/reference/programmatic-invocations) in this notebook,
# on its Spark session. Write `r"""..."""` where a text has backslashes.

# %%
from labkit.checks.dbt import Project

shop = Project(lab.scratch / "shop", schema=lab.schema)
shop.write(PROJECT)
shop.run("ls", "--resource-type", "source")

# %% [markdown]
# ## Task 1: an incremental model
#
# Reports want one row per order as it is now. Write `fct_orders()`. It returns
# `models/fct_orders.sql`, and macros if you need any. The model reads `source('raw',
# 'orders_landing')` itself, not through another model. It has the columns of `ORDERS`, in that
# order and with those types.
#
# - The first build takes all that landed: one row per order, its newest change by `updated_at`.
# - Two rows of an order with the same `updated_at` are copies of one change, delivered twice.
# - Later builds are [incremental](https://docs.getdbt.com/docs/build/incremental-models), with the
#   `merge` strategy: each is a MERGE into the table.
# - They take the landed changes whose `updated_at` is at most **three days** before the newest
#   `updated_at` in the table, that instant included. What time it is when dbt runs doesn't matter.
#   Older changes stay out; a monthly job reconciles them.
# - A newer change replaces the whole row of its order, with its nulls, also the row of a deleted
#   order. An older change never replaces a newer row and is never added beside it, also when the
#   landing has forgotten the newer change.
# - A deleted order stays, as a row in which `is_deleted` is true.
# - Orders that the landing has forgotten stay.
# - A change that comes again changes no row. So a night can be built twice.
# - Read `{{ this }}` in the model's SQL, not with `run_query`. The unit tests of Task 4 put rows in
#   the place of the landing and of `{{ this }}`, and there is no such table then.
# - Set `on_schema_change` to `fail` or `append_new_columns`. The contract of Task 3 allows nothing
#   else on an incremental model.
#
# The table has rows when it is built again; what the model does with an empty one is up to you.


# %%
def fct_orders() -> dict[str, str]:
    """The incremental model of orders: the newest change wins, late ones count for three days."""
    # BEGIN SOLUTION: return the file of the incremental model
    model = """\
{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='order_id',
    on_schema_change='fail',
) }}

with landed as (

    select *
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
    {% endif %}

),

newest as (

    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from landed

)

select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
{% if is_incremental() %}
    and not exists (
        select 1
        from {{ this }} as known
        where known.order_id = newest.order_id
            and known.updated_at >= newest.updated_at
    )
{% endif %}
"""
    return {"models/fct_orders.sql": model}
    # END SOLUTION


# %% [markdown]
# The checks build three nights of other orders, look at the table after each, and run a unit test
# of their own. The first call of dbt in a notebook takes a few seconds longer, because dbt is
# imported.

# %%
lab.check("fct_orders")

# %% [markdown]
# ## Task 2: a snapshot with history
#
# Marketing asks where a customer lived when they ordered. Write `customers_snapshot()`. It returns
# a [snapshot](https://docs.getdbt.com/docs/build/snapshots) called `customers_snapshot`, a model
# `dim_customers` that reads it, and further models if you need any. `dim_customers` has one row per
# version of a customer, closed versions included. It has the columns of `DIMENSION`, in that order
# and with those types.
#
# - A version begins at the `updated_at` of the row that made it, not when dbt ran.
# - It ends where the next begins: it is valid in [effective_from, effective_to).
# - The end of an open version is null, and `is_current` is true for open versions only.
# - Only a changed `name` or `city` makes a version, null being a value of its own, and each
#   spelling as well. An extract also holds rows in which nothing but `updated_at` is new: they make
#   no version.
# - The version of a customer who is missing from the extract is closed at the time of the run.
# - One who returns comes with an `updated_at` after that time, and gets a new version that begins
#   there. The gap stays.
# - An extract is read page by page while the shop works, so a customer may be in it twice. The row
#   with the newest `updated_at` counts. Two rows with the same `updated_at` are copies.
# - The same extract again changes nothing.
#
# Whether `dim_customers` is a view or a table is up to you, and so is what an extract without rows
# does: is it a shop without customers, or a delivery that failed?


# %%
def customers_snapshot() -> dict[str, str]:
    """The snapshot of customers, and the dimension that reads it."""
    # BEGIN SOLUTION: return the files of the snapshot and of dim_customers
    newest_rows = """\
select customer_id, name, city, updated_at
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at desc) = 1
"""
    snapshot = """\
snapshots:
  - name: customers_snapshot
    relation: ref('stg_customers')
    config:
      unique_key: customer_id
      strategy: check
      check_cols: [name, city]
      updated_at: updated_at
      hard_deletes: invalidate
      snapshot_meta_column_names:
        dbt_valid_from: effective_from
        dbt_valid_to: effective_to
"""
    dimension = """\
select
    customer_id,
    name,
    city,
    effective_from,
    effective_to,
    effective_to is null as is_current
from {{ ref('customers_snapshot') }}
"""
    return {
        "models/stg_customers.sql": newest_rows,
        "snapshots/customers_snapshot.yml": snapshot,
        "models/dim_customers.sql": dimension,
    }
    # END SOLUTION


# %% [markdown]
# The checks build three nights again, with customers made for this task. The runs are at 22:00 on
# 10, 11 and 12 March 2026.

# %%
lab.check("customers_snapshot")

# %% [markdown]
# ## Task 3: a contract and data tests
#
# A night with wrong data should stop, and one with right data never. Write `properties()`. It
# returns YAML in `models/` for `fct_orders` and `dim_customers`, and queries in `tests/` for what
# YAML can't express. This is asked of them:
#
# - A [contract](https://docs.getdbt.com/docs/mesh/govern/model-contracts) on `fct_orders`,
#   enforced, over its six columns and types.
# - Data tests of severity `error` on `fct_orders`. At least one of them fails when
#   - an order is there twice, or its `order_id` is null,
#   - its `customer_id` is null,
#   - its customer is not in `dim_customers`,
#   - its status is none of new, paid, shipped, cancelled, spelled like this,
#   - its amount is below zero.
# - Data tests of severity `error` on `dim_customers`. At least one of them fails when
#   - a customer has two current versions,
#   - the `customer_id` of a version is null,
#   - versions of a customer overlap, closed ones included,
#   - a version ends at or before its beginning,
#   - `is_current` disagrees with the end.
# - The data tests look at all rows: at old orders, deleted orders and closed versions as well.
# - An [exposure](https://docs.getdbt.com/docs/build/exposures) `revenue_dashboard`, which reads both
#   models, and only these. Its owner has an email. It is the only exposure.
#
# No test fails on a good day. All of this is good:
#
# - versions of a customer touch: one ends at the instant at which the next begins, maybe on the day
#   of its own beginning,
# - customers leave and return,
# - orders of customers who left stay,
# - an amount is zero, or a city null,
# - there is no order yet, on the first day.
#
# A null `effective_to` is an open version. What your tests say of other nulls is up to you.


# %%
def properties() -> dict[str, str]:
    """Contract, data tests and exposure of both models."""
    # BEGIN SOLUTION: return the properties file and the tests that are queries
    models = """\
models:
  - name: fct_orders
    description: One row per order, its newest change.
    config:
      contract:
        enforced: true
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments:
                to: ref('dim_customers')
                field: customer_id
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments:
                values: [new, paid, shipped, cancelled]
      - name: amount
        data_type: decimal(10,2)
      - name: is_deleted
        data_type: boolean
      - name: updated_at
        data_type: timestamp

  - name: dim_customers
    description: One row per version of a customer, valid in [effective_from, effective_to).
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              name: one_current_version
              config:
                where: is_current

exposures:
  - name: revenue_dashboard
    type: dashboard
    owner:
      name: Revenue team
      email: revenue@shop.example
    depends_on:
      - ref('fct_orders')
      - ref('dim_customers')
"""
    amounts = "select * from {{ ref('fct_orders') }} where amount < 0\n"
    ends = """\
select *
from {{ ref('dim_customers') }}
where effective_to <= effective_from
    or is_current is distinct from (effective_to is null)
"""
    overlaps = """\
select *
from (
    select
        *,
        lead(effective_from) over (
            partition by customer_id
            order by effective_from, effective_to nulls last
        ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
"""
    return {
        "models/properties.yml": models,
        "tests/amounts_are_not_negative.sql": amounts,
        "tests/versions_end_after_they_begin.sql": ends,
        "tests/versions_do_not_overlap.sql": overlaps,
    }
    # END SOLUTION


# %% [markdown]
# dbt compiles your tests. The checks run the compiled queries on good and bad data of their own,
# and build a right `fct_orders` under your contract. They don't need your models of Tasks 1 and 2.

# %%
lab.check("properties")

# %% [markdown]
# ## Task 4: a unit test
#
# Data tests find a broken model only when the night is already loaded. Write `unit_tests()`. It
# returns YAML in `models/` with one or more [unit
# tests](https://docs.getdbt.com/docs/build/unit-tests) of `fct_orders`. They pass on every right
# model, that is on every model that follows the rules of Task 1. At least one fails on a model that
#
# - keeps the oldest change of an order,
# - returns several changes of an order,
# - lets an older change replace a newer row of the table,
# - loses a change that is two days older than the newest in the table,
# - takes a change that is a month older, or
# - loses deleted orders.
#
# This is how to write them:
#
# - The inputs are `source('raw', 'orders_landing')` and `this`. To test an incremental run,
#   override `is_incremental` with `true`.
# - Rows are dictionaries of the columns of `ORDERS`. A column that you leave out of an input is
#   null. dbt compares only the columns that `expect` names.
# - A right model may rely on this: each input row has an `order_id` and an `updated_at`, and copies
#   of a change are alike in all columns.
# - What a unit test expects of an incremental model is what the model returns, that is the rows to
#   merge.
# - Don't land a change that is also in `this`: a right model may return it again or leave it out.
# - Give `this` at least one row in an incremental run: what a right model does with an empty table
#   is up to its author.


# %%
def unit_tests() -> dict[str, str]:
    """Unit tests of fct_orders and its incremental run."""
    # BEGIN SOLUTION: return a file with unit tests that each rule of task 1 needs
    tests = """\
unit_tests:
  - name: newest_change_inside_the_window_is_merged
    model: fct_orders
    overrides:
      macros:
        is_incremental: true
    given:
      - input: source('raw', 'orders_landing')
        rows:
          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2026-01-10 08:00:00"}
          - {order_id: 1, status: shipped, is_deleted: false, updated_at: "2026-01-10 09:00:00"}
          - {order_id: 2, status: paid, is_deleted: false, updated_at: "2026-01-09 07:00:00"}
          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
          - {order_id: 4, status: new, is_deleted: false, updated_at: "2025-12-08 00:00:00"}
          - {order_id: 5, status: paid, is_deleted: true, updated_at: "2026-01-10 07:00:00"}
      - input: this
        rows:
          - {order_id: 2, status: shipped, is_deleted: false, updated_at: "2026-01-10 00:00:00"}
          - {order_id: 5, status: paid, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
    expect:
      rows:
        - {order_id: 1, status: shipped, is_deleted: false}
        - {order_id: 3, status: new, is_deleted: false}
        - {order_id: 5, status: paid, is_deleted: true}
"""
    return {"models/unit_tests.yml": tests}
    # END SOLUTION


# %% [markdown]
# First dbt runs your unit tests on your own `fct_orders`, where they must pass. Then the checks ask
# them about other models. On right ones all unit tests must pass; on one with a broken rule, one
# must fail.

# %%
lab.check("unit_tests")

# %% [markdown]
# ## Put it together
#
# All files go into one project; then comes the first night. `dbt build` runs every node in the
# order of the lineage, and each test right after what it tests. It skips a node behind a failed
# test. A unit test with the input `this` asks the table for its columns, so the first night runs
# without unit tests. The cells wait until the four functions are written.

# %%
TASKS = ("fct_orders", "customers_snapshot", "properties", "unit_tests")
ready = lab.written(*TASKS)


def build(number: int, *more: str, quiet: bool = True):
    """A night: what was delivered lands, then dbt builds as of one in the morning."""
    land(number)
    clock = f"{{run_at: '{NIGHTS[number]} 01:00:00'}}"
    return shop.run("build", "--vars", clock, *more, quiet=quiet)


if ready:
    shop.write(fct_orders(), customers_snapshot(), properties(), unit_tests())
    first = build(0, "--exclude-resource-type", "unit_test", quiet=False)

# %% [markdown]
# dbt knows from `ref` and `source` which node reads which, and writes it into its manifest. The
# next cells draw it: sources on the left, and each node one column to the right of what it reads.
# Tests are left out.

# %%
import matplotlib.pyplot as plt

COLOURS = {"source": "C7", "model": "C0", "snapshot": "C1", "exposure": "C2"}


def depth(nodes: dict, key: str) -> int:
    parents = [parent for parent in nodes[key].parents if parent in nodes]
    return 1 + max((depth(nodes, parent) for parent in parents), default=-1)


def place(nodes: dict) -> dict:
    """Column and line of each node; it stands on the line of the first node that it reads."""
    found: dict[str, tuple[int, int]] = {}
    for key in sorted(nodes, key=lambda key: (depth(nodes, key), key)):
        lines = [found[parent][1] for parent in nodes[key].parents if parent in found]
        found[key] = (depth(nodes, key), max(lines, default=-len(found)))
    return found


# %% [markdown]
# The exposure at the right end is what all of this is for. When `customers_extract` breaks, `dbt ls
# --select source:raw.customers_extract+` lists what is affected, the dashboard included. The
# exposure says whom to tell.

# %%
if ready:
    nodes = {key: node for key, node in first.nodes.items() if node.type in COLOURS}
    at = place(nodes)
    figure, ax = plt.subplots(figsize=(12, 3), layout="constrained")
    for key, node in nodes.items():
        for parent in node.parents:
            ax.annotate(
                "",
                at[key],
                at[parent],
                arrowprops={"arrowstyle": "->", "shrinkA": 52, "shrinkB": 56},
            )
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": COLOURS[node.type]}
        ax.text(*at[key], f"{node.name}\n({node.type})", ha="center", va="center", bbox=box)
    ax.set(xlim=(-0.5, 4.5), ylim=(-1.4, 0.5), title="Lineage of the project, from dbt's manifest")
    ax.axis("off")
    plt.show()

# %% [markdown]
# Three more nights. After each, see how many rows had landed, what the MERGE did according to the
# history of the Delta table, and how many tests passed. The MERGE reads the rows that your model
# returned. They are few, although the landing holds two nights.

# %%
from delta.tables import DeltaTable

for number in range(1, len(NIGHTS)) if ready else ():
    done = build(number)
    metrics = (
        DeltaTable.forName(spark, f"{lab.schema}.fct_orders").history(1).first().operationMetrics
    )
    landed = spark.table(f"{lab.schema}.orders_landing").count()
    passed = sum(result.status == "pass" for result in done.results)
    print(
        f"{NIGHTS[number]}: {landed} rows landed, {metrics['numSourceRows']} merged, "
        f"{metrics['numTargetRowsInserted']} inserted; {passed} tests passed, build {'ok' if done.success else 'stopped'}"
    )

# %% [markdown]
# This is the history of the customers with more than one version. A bar is a version; the open one
# is blue and goes on to the right edge. Where the bars of a customer end early, the customer has
# left. Bars begin and end at the time of the change, within the day. One bar may span several
# extracts in which nothing changed.

# %%
from datetime import datetime

if ready:
    versions = spark.table(f"{lab.schema}.dim_customers").orderBy("effective_from").collect()
    told = {row.customer_id for row in versions if row.effective_from >= datetime(2026, 5, 3)}
    told |= {row.customer_id for row in versions if row.effective_to}
    lines = {key: line for line, key in enumerate(sorted(told))}
    figure, ax = plt.subplots(figsize=(12, 5), layout="constrained")
    for row in (row for row in versions if row.customer_id in lines):
        start, line = max(row.effective_from, datetime(2026, 5, 3)), lines[row.customer_id]
        end = row.effective_to or datetime(2026, 5, 8)
        ax.barh(
            line, end - start, left=start, color="C0" if row.is_current else "C7", edgecolor="white"
        )
        ax.text(start + (end - start) / 2, line, row.city or "not known", ha="center", va="center")
    ax.set_yticks(range(len(lines)), [f"customer {key}" for key in lines])
    ax.set(xlim=(datetime(2026, 5, 3), datetime(2026, 5, 8)), xlabel="effective time, UTC")
    ax.set_title("Versions of the customers that changed or left, by city; current ones in blue")
    plt.show()

# %% [markdown]
# Now break something. Somebody repairs the history by hand and inserts the rows of a customer a
# second time. The next night should stop, and say where. `dbt build --select dim_customers` builds
# the dimension again and runs its tests. What they find depends on your functions.

# %%
if ready:
    table = f"{lab.schema}.customers_snapshot"
    repaired = spark.table(f"{lab.schema}.dim_customers").agg({"customer_id": "min"}).first()[0]
    spark.sql(f"INSERT INTO {table} SELECT * FROM {table} WHERE customer_id = {repaired}")
    broken = shop.run("build", "--select", "dim_customers", quiet=True)
    for result in broken.results:
        print(f"{result.status:7} {result.name}")

# %% [markdown]
# ## In practice
#
# - **The window is a trade-off.** With three days, a row that comes later is lost until somebody
#   reconciles. Measure how late rows are, and set the window to what you can afford to read. Run a
#   full refresh (or a job for the old part) as often as the rest matters. A full refresh of this
#   model would lose what the landing forgot: `full_refresh: false` in its config forbids it.
# - **On dbt-spark the guard belongs in the query.** `incremental_predicates` become part of the ON
#   clause of dbt's MERGE. Where a condition there is false, an update turns into an insert, and the
#   key is in the table twice. They are for pruning the files of the target.
# - **`merge` rewrites files, not rows.** For each row that it matches, changed or not, a MERGE
#   copies all other rows of the same file, unless the table has deletion vectors.
#   `numTargetRowsCopied` in the table's history counts them: one row to merge can copy a thousand.
#   So keep rows that change nothing out of the query, and cluster the table so that the rows to
#   merge are in few files.
# - **A snapshot sees nights, not changes.** Two changes between two extracts are one version. If
#   the history must be complete, build it from changes (lab 02), not from extracts. And you can't
#   rebuild a snapshot, so back it up and keep the extracts.
# - **An old extract that is delivered again** looks to `check` as if everything had changed back,
#   with beginnings in the past. Compare the date of the extract with the last one before the
#   snapshot runs.
# - **`store_failures`** keeps the rows that a test found. `severity: error` with `warn_if: ">0"`
#   and `error_if: ">100"` is for data that is never quite clean. Tests run on the whole table
#   unless `where` limits them. With a billion rows you have to decide that.
# - **A contract checks names and types before the build**, and no rows. On Delta, the table itself
#   enforces `constraints` of type `not_null` and `check`.
#
# **On Databricks** the adapter is dbt-databricks. It adds Unity Catalog, the `replace_where`
# strategy, liquid clustering, and clauses of the MERGE as configuration: `matched_condition` puts
# the guard of Task 1 after WHEN MATCHED, which dbt-spark can't. A dbt task in a job runs the
# project on a SQL warehouse, and you pay for the time it runs. You still have to choose the window,
# write the guard and the tests, and decide who is called when one fails.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. Your incremental model filters on `updated_at > max(updated_at)`. Which rows does it lose, and
#    how would you find out how many?
# 2. When do you choose `merge`, `insert_overwrite`, `append` or a `table` that is built anew?
# 3. `timestamp` or `check` for a snapshot: what does each get wrong?
# 4. A column appears at the source. What happens with `on_schema_change` set to ignore,
#    append_new_columns or fail, and what does a contract change about it?
# 5. What do you test with a unit test, what with a data test, and what with a contract?
# 6. The project has 600 models, and a pull request changes two. What runs in CI?
# 7. `fct_orders` has to be rebuilt because a rule was wrong, and the landing keeps two nights. What
#    do you do?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Every row that arrives after a newer one was loaded: late events, slow partitions, clocks that
#    differ. Rows with an equal timestamp are lost as well. To count them, compare with a full build
#    over a period that is settled. Or record the time of arrival, and look at arrival minus event
#    time. The usual remedy is a look-back window of that size, plus a periodic reconciliation.
# 2. `merge` when rows change by key and batches are small compared with the table.
#    `insert_overwrite` when whole partitions are recomputed and that is cheap: it is idempotent by
#    construction. `append` for immutable events that are delivered once. A plain `table` as long as
#    it is fast enough: it has no state that could be wrong.
# 3. `timestamp` trusts the column: it misses changes that don't move it, and makes a version when
#    only the timestamp is new. `check` reads all columns that it compares, and dates a version by
#    the run unless its config says which column has the time. Both see only what a run sees.
# 4. Ignore leaves it out without a message, append adds it (null in old rows), fail stops the run.
#    A contract on an incremental model allows only append_new_columns or fail. It also stops a
#    build whose columns differ from the YAML, so a new column becomes a change of the contract, in
#    a pull request.
# 5. Unit tests check logic on rows made by hand, before anything is built: windows, ties, nulls,
#    edges. Data tests check, on each night, assumptions about data that no code can guarantee.
#    Contracts check the shape that others rely on, before rows are written.
# 6. `dbt build --select state:modified+ --defer --state <folder of production's manifest.json>`. It
#    builds the two models and what depends on them, in a schema of the pull request, and reads
#    everything upstream from production. The unit tests of the two run as well.
# 7. Not `--full-refresh` on that landing. Rebuild beside the table from the raw deliveries, if they
#    were kept (the reason to keep bronze), compare, and swap. Or correct the wrong rows in place
#    with a MERGE. Then forbid full refreshes of that model in its config.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - dbt, [Incremental models in
#   depth](https://docs.getdbt.com/best-practices/materializations/4-incremental-models)
# - dbt, [Snapshot configurations](https://docs.getdbt.com/reference/snapshot-configs) and [hard
#   deletes](https://docs.getdbt.com/reference/resource-configs/hard-deletes)
# - dbt, [Spark configurations](https://docs.getdbt.com/reference/resource-configs/spark-configs),
#   with the strategies of the adapter
# - dbt, [Unit tests](https://docs.getdbt.com/docs/build/unit-tests), with incremental models

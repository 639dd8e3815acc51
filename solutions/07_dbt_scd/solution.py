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
# A shop delivers changes of its orders and a full extract of its customers every night. Deliveries repeat themselves, come late and forget. You write an incremental
# model, a snapshot with history, and the tests that stop a bad night. At the end dbt builds four nights, and you see the lineage, the history, and
# which of your tests fails when somebody breaks the data.
#
# **You will learn** to
#
# - write an incremental model that takes late rows and never lets an old one win,
# - keep history in a snapshot whose versions begin when things changed, not when dbt ran,
# - guard both with a contract, data tests that stay silent on good days, and unit tests that fail on broken models.

# %% [markdown]
# ## The data
#
# One row of `orders_<night>.json` is one change of an order, complete: the order as it was from `updated_at` on. One row of `customers_<night>.json` is one customer as they are at
# night. `is_deleted` marks the change that deletes an order; a deleted customer is missing from then on.

# %%
import labkit

lab = labkit.open("dbt_scd")
spark = lab.spark
folder = lab.data("shop_extracts")
sorted(path.name for path in folder.iterdir())

# %% [markdown]
# `ORDERS` and `CUSTOMERS` are the columns of the two deliveries, `DIMENSION` those of the dimension that you build from the second. All times are UTC.
# The project reads two relations: `orders_landing`, which keeps the deliveries of **two nights** and forgets the others, and `customers_extract`, which is the last extract.

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
# `land(number)` is the night of a number from 0 on: it makes both relations in the database of this notebook. Look at the second night: find an order with two changes, and one that comes
# twice.


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
# A dbt project is a folder of files. These three are given: the project, its sources, and a macro. Snapshots ask `snapshot_get_time` for the time of the run; here it comes
# from a variable, so that a night can be built again as of its own time. Everything is stored as Delta.

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
# Each task is a function without arguments that returns the **texts of files by their path** in the project, such as `{"models/fct_orders.sql": "select ..."}`. Paths begin with `models/`,
# `snapshots/`, `tests/` or `macros/` and end in `.sql` or `.yml`. `Project` writes them and runs
# [dbt](https://docs.getdbt.com/reference/programmatic-invocations) in this notebook, on its Spark session. Write `r"""..."""` where a text has backslashes.

# %%
from labkit.checks.dbt import Project

shop = Project(lab.scratch / "shop", schema=lab.schema)
shop.write(PROJECT)
shop.run("ls", "--resource-type", "source")

# %% [markdown]
# ## Task 1: an incremental model
#
# Reports want one row per order as it is now. Write `fct_orders()`: it returns `models/fct_orders.sql`, which reads `source('raw', 'orders_landing')` and has its six columns, in that order.
#
# - The first build takes all that landed: one row per order, its newest change by `updated_at`. Two changes of an order at the same time are the same change, delivered twice.
# - Later builds are [incremental](https://docs.getdbt.com/docs/build/incremental-models), with the `merge` strategy. They take the landed changes whose `updated_at` is at most **three days** before
#   the newest `updated_at` in the table, that instant included. What is older stays out; a monthly job reconciles it.
# - An older change never overwrites a newer row, also when the landing has forgotten the newer change. A deleted order stays, as a row with `is_deleted`.
# - Orders that the landing has forgotten stay. The same night built again changes no row.
# - Read `{{ this }}` in the model's SQL, not with `run_query`: the unit tests of task 4 put rows in its place, and there is no such table then.
# - The table has rows when it is built again. Set `on_schema_change` to `fail` or `append_new_columns`: the contract of task 3 allows nothing else on an incremental model.


# %%
def fct_orders() -> dict[str, str]:
    """The incremental model of orders: newest change wins, three days of patience."""
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
# The checks build three nights of other orders and look at the table after each. The first call of dbt in a notebook takes some seconds more, for its import.

# %%
lab.check("fct_orders")

# %% [markdown]
# ## Task 2: a snapshot with history
#
# Marketing asks where a customer lived when they ordered. Write `customers_snapshot()`: a [snapshot](https://docs.getdbt.com/docs/build/snapshots) called `customers_snapshot`, a model
# `dim_customers` that reads it, and further models if you need any. `dim_customers` has the columns of `DIMENSION`, in that order.
# It has one row per version of a customer, closed versions included.
#
# - A version begins at the `updated_at` of the change that made it, and ends where the next begins: [effective_from, effective_to), the open end is null, and exactly the open version `is_current`.
# - Only a changed `name` or `city` makes a version, null being a value of its own. An extract also holds customers who were merely touched: nothing but `updated_at` is new.
# - A customer who is missing is closed at the time of the run. One who returns, with a newer `updated_at`, gets a new version and keeps the gap.
# - An extract is read page by page while the shop works, so a customer may be in it twice. The newest row counts. The same extract again changes nothing.


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
# Again three nights, with nine customers who were made for this. A reason shows the versions of one customer, as they are.

# %%
lab.check("customers_snapshot")

# %% [markdown]
# ## Task 3: a contract and data tests
#
# A night that is wrong should stop, and a good one never. Write `properties()`: YAML in `models/` for `fct_orders` and `dim_customers`, and queries in `tests/` where YAML doesn't reach.
#
# - A [contract](https://docs.getdbt.com/docs/mesh/govern/model-contracts) on `fct_orders`, enforced, over its six columns and types.
# - Data tests of severity `error` that fail when: an order is there twice, or has no id or no customer; its customer is not in `dim_customers`; its status is none of new, paid, shipped, cancelled;
#   its amount is below zero; a customer has two current versions, or a version has no customer; versions of a customer overlap, closed ones included; a version ends at or before its beginning; `is_current` disagrees
#   with the end.
# - Silence on good days: versions touch, customers leave and return, their old orders stay, an amount may be zero, a city null.
#   On the first day there may be no order yet.
# - An [exposure](https://docs.getdbt.com/docs/build/exposures) `revenue_dashboard` of type dashboard, which reads both models and has an owner with an email.


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
# dbt compiles your tests; the checks run the queries that come out on data of their own, good and bad, and build another shape of `fct_orders` against your contract. Your models of tasks 1 and 2 are not needed.

# %%
lab.check("properties")

# %% [markdown]
# ## Task 4: a unit test
#
# Data tests find a broken model when the night is already loaded. Write `unit_tests()`: one YAML file with one or more [unit tests](https://docs.getdbt.com/docs/build/unit-tests) of `fct_orders`. They pass on a right
# model and fail on one that keeps the oldest change of an order, lets an older change replace a newer row of the table, loses a change that is two days behind, takes one of last month, or loses deleted orders.
#
# Inputs are `source('raw', 'orders_landing')` and `this`, rows are dictionaries of the columns of `ORDERS`, and `is_incremental` is overridden. What a unit test expects of an incremental model is what the model
# returns, that is the rows to merge. Give no change that the table has already: whether a right model returns it once more is left open.


# %%
def unit_tests() -> dict[str, str]:
    """Unit tests of the incremental run of fct_orders."""
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
# One check lets dbt run your unit tests on a right model. The others put your rows through models with one rule broken, and wait for a difference to what you expect.

# %%
lab.check("unit_tests")

# %% [markdown]
# ## Put it together
#
# All files in one project, and the first night: `dbt build` runs every node in the order of its lineage, a test right after what it tests. A node behind a failed test is skipped. A unit test
# whose input is `this` asks the table for its columns, so the first night goes without. The cells wait until the four functions are written.

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
# dbt knows who reads whom from `ref` and `source`, and so does its manifest. Draw it: sources to the left, each node one column to the right of what it reads. Tests are left out.

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
# The exposure at the right end is why any of this exists. When `customers_extract` breaks, `dbt ls --select source:raw.customers_extract+` names what is concerned, the dashboard included; the exposure says whom to tell.

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
# Three more nights. After each, see how many rows have landed, what the MERGE did by Delta's own account, and how many tests passed. The rows that the MERGE reads are those that
# your model returned: few, although the landing holds two nights.

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
# The history of the customers with more than one version. A bar is a version; the open one is blue and runs to the right edge. Where a line ends early the customer has left. Bars end and begin at the
# time of the change, within the day, and one bar may span several extracts in which nothing changed.

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
# Now break something. Somebody repairs the history by hand and inserts the rows of a customer a second time. The next night should stop, and say where. `dbt build --select dim_customers` makes the
# dimension anew and runs its tests; your functions decide what they find.

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
# - **The window is a bet.** Three days of patience means that what comes later is lost until somebody reconciles. Measure how late rows are, set the window to what you can afford to read, and run a full refresh
#   (or a job for the old part) as often as the rest matters. A full refresh of this model would lose what the landing forgot: `full_refresh: false` in its config forbids it.
# - **On dbt-spark the guard belongs in the query.** `incremental_predicates` end up in the ON clause of dbt's MERGE; a condition there that doesn't hold turns an update into an insert, and the key is there twice. They are for pruning the target's files.
# - **`merge` rewrites what it matches.** The rows that your query leaves out cost nothing. What it returns is rewritten, changed or not.
# - **A snapshot sees nights, not changes.** Two changes between two extracts are one version. History that must be complete comes from changes (lab 02), not from extracts; and a snapshot can't be rebuilt, so back it up and keep the extracts.
# - **An old extract delivered again** makes `check` believe that everything changed back, with beginnings in the past. Compare the extract's own date with the last one before the snapshot runs.
# - **`store_failures`** keeps the rows that a test found. `severity: error` with `warn_if: ">0"` and `error_if: ">100"` is for data that is never quite clean. Tests run on the whole table unless `where` says otherwise: at a billion rows that is a decision.
# - **A contract checks names and types before the build**, and no rows. On Delta `constraints` of type `not_null` and `check` are enforced by the table itself.
#
# **On Databricks** the adapter is dbt-databricks: it adds Unity Catalog, the `replace_where` strategy, MERGE clauses as configuration (`matched_condition` says the guard of task 1 after WHEN MATCHED, which dbt-spark can't), and
# liquid clustering. A dbt task in a job runs the project on a SQL warehouse, which you pay while it runs. Yours stay the window, the guard, the tests, and who is called when one fails.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. Your incremental model filters on `updated_at > max(updated_at)`. Which rows does it lose, and how would you find out how many?
# 2. When do you choose `merge`, `insert_overwrite`, `append` or a `table` that is built anew?
# 3. `timestamp` or `check` for a snapshot: what does each get wrong?
# 4. A column appears at the source. What happens with `on_schema_change` ignore, append_new_columns, fail, and what does a contract change about it?
# 5. What do you test with a unit test, what with a data test, and what with a contract?
# 6. The project has 600 models, and a pull request changes two. What runs in CI?
# 7. `fct_orders` has to be rebuilt because a rule was wrong, and the landing keeps two nights. What do you do?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Every row that arrives after a newer one was loaded: late events, slow partitions, clocks that differ. Equal timestamps are lost as well. Count them by comparing with a full build over a period that is settled, or by
#    recording the time of arrival and looking at arrival minus event time. A look-back window sized from that, plus a periodic reconciliation, is the usual cure.
# 2. `merge` when rows change by key and batches are small against the table; `insert_overwrite` when whole partitions are recomputed and are cheap to recompute (idempotent by construction); `append` for immutable events that are delivered once; a
#    plain `table` as long as it is fast enough: it has no state that could be wrong.
# 3. `timestamp` trusts the column: it misses changes that don't move it, and makes versions of touches. `check` reads all columns compared and dates a version by the run unless told where the time is. Both see only what a run sees.
# 4. Ignore leaves it out silently, append adds it (old rows null), fail stops the run. A contract on an incremental model allows only append_new_columns or fail, and stops a build whose columns differ from the YAML: a new column then is a change of the contract, in a pull request.
# 5. Unit tests: logic, on rows made by hand, before anything is built; for windows, ties, nulls, edges. Data tests: assumptions about data that no code can guarantee, on each night. Contracts: the shape others rely on, checked before rows are written.
# 6. `dbt build --select state:modified+ --defer --state <folder of production's manifest.json>`: the two models and what depends on them, in a schema of the pull request; everything upstream is read from production. Unit tests of the two come along.
# 7. Not `--full-refresh` on that landing. Rebuild beside it from the raw deliveries, if they were kept (the reason to keep bronze), compare, and swap; or correct in place with a MERGE of the wrong rows. Then forbid full refreshes of that model in its config.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - dbt, [Incremental models in depth](https://docs.getdbt.com/best-practices/materializations/4-incremental-models)
# - dbt, [Snapshot configurations](https://docs.getdbt.com/reference/snapshot-configs) and [hard deletes](https://docs.getdbt.com/reference/resource-configs/hard-deletes)
# - dbt, [Spark configurations](https://docs.getdbt.com/reference/resource-configs/spark-configs), with the strategies of the adapter
# - dbt, [Unit tests](https://docs.getdbt.com/docs/build/unit-tests), with incremental models

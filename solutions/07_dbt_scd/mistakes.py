# %% a_table_every_night
# task: fct_orders
# fails: test_orders_stay_that_the_landing_forgot, test_nights_are_merged_into_the_table
# because: a table that is built anew holds what the landing holds today
# breaks: Orders that the landing has forgotten stay.
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='table') }}
select order_id, customer_id, status, amount, is_deleted, updated_at
from {{ source('raw', 'orders_landing') }}
qualify row_number() over (partition by order_id order by updated_at desc) = 1
""",
    }


# %% any_change_of_an_order
# task: fct_orders
# fails: test_first_build_has_the_newest_change_of_each_order,
#   test_changes_that_come_again_change_nothing, test_nights_of_another_shop
# because: ordered by status the alphabet decides which change is kept
# breaks: one row per order, its newest change by `updated_at`
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail') }}
with newest as (
    select *, row_number() over (partition by order_id order by status) as age
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
    {% endif %}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
{% if is_incremental() %}
and not exists (
    select 1 from {{ this }} as known
    where known.order_id = newest.order_id and known.updated_at >= newest.updated_at
)
{% endif %}
""",
    }


# %% appends
# task: fct_orders
# fails: test_updates_are_merged
# because: the default strategy of dbt-spark is append; unique_key is ignored
# breaks: Later builds are [incremental](https://docs.getdbt.com/docs/build/incremental-models),
#   with the `merge` strategy.
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', unique_key='order_id', on_schema_change='fail') }}
with newest as (
    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
    {% endif %}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
{% if is_incremental() %}
and not exists (
    select 1 from {{ this }} as known
    where known.order_id = newest.order_id and known.updated_at >= newest.updated_at
)
{% endif %}
""",
    }


# %% deleted_orders_filtered
# task: fct_orders
# fails: test_a_deleted_order_stays_as_deleted
# because: with deletes filtered out first, the order stays as it was before
# breaks: A deleted order stays, as a row with `is_deleted`.
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail') }}
with newest as (
    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
    where not is_deleted
    {% if is_incremental() %}
    and updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
    {% endif %}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
{% if is_incremental() %}
and not exists (
    select 1 from {{ this }} as known
    where known.order_id = newest.order_id and known.updated_at >= newest.updated_at
)
{% endif %}
""",
    }


# %% deleted_orders_left_out
# task: fct_orders
# fails: test_a_deleted_order_stays_as_deleted
# because: a deleted order that is left out of the result keeps its old row in the table
# breaks: A deleted order stays, as a row with `is_deleted`.
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail') }}
with newest as (
    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
    {% endif %}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1 and not is_deleted
{% if is_incremental() %}
and not exists (
    select 1 from {{ this }} as known
    where known.order_id = newest.order_id and known.updated_at >= newest.updated_at
)
{% endif %}
""",
    }


# %% guard_in_the_on_clause
# task: fct_orders
# fails: test_an_older_change_never_overwrites_a_newer_one
# because: incremental_predicates are part of ON: where they fail, the row is inserted a second time
# breaks: Reports want one row per order as it is now.
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail',
    incremental_predicates=['DBT_INTERNAL_DEST.updated_at < DBT_INTERNAL_SOURCE.updated_at']) }}
with newest as (
    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
    {% endif %}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
""",
    }


# %% known_orders_left_alone
# task: fct_orders
# fails: test_updates_are_merged
# because: an order that the table knows is never updated
# breaks: The incremental model of orders: newest change wins
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail') }}
with newest as (
    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
    {% endif %}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
{% if is_incremental() %}
and not exists (
    select 1 from {{ this }} as known
    where known.order_id = newest.order_id
)
{% endif %}
""",
    }


# %% newer_than_the_newest
# task: fct_orders
# fails: test_late_changes_inside_the_window_arrive
# because: the filter of the tutorial loses every change that comes after a newer one
# breaks: They take the landed changes whose `updated_at` is at most **three days** before the
#   newest `updated_at` in the table
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail') }}
with newest as (
    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at > (select max(updated_at) from {{ this }})
    {% endif %}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
{% if is_incremental() %}
and not exists (
    select 1 from {{ this }} as known
    where known.order_id = newest.order_id and known.updated_at >= newest.updated_at
)
{% endif %}
""",
    }


# %% no_window
# task: fct_orders
# fails: test_changes_before_the_window_stay_out
# because: without a filter every row that the landing holds is taken, however old
# breaks: What is older stays out; a monthly job reconciles it.
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail') }}
with newest as (
    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
{% if is_incremental() %}
and not exists (
    select 1 from {{ this }} as known
    where known.order_id = newest.order_id and known.updated_at >= newest.updated_at
)
{% endif %}
""",
    }


# %% overwrites_the_table
# task: fct_orders
# fails: test_orders_stay_that_the_landing_forgot
# because: insert_overwrite without partitions replaces the whole table by tonight's rows
# breaks: Orders that the landing has forgotten stay.
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='insert_overwrite', on_schema_change='fail') }}
with newest as (
    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
    {% endif %}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
{% if is_incremental() %}
and not exists (
    select 1 from {{ this }} as known
    where known.order_id = newest.order_id and known.updated_at >= newest.updated_at
)
{% endif %}
""",
    }


# %% rank_column_stays
# task: fct_orders
# fails: test_first_build_has_the_newest_change_of_each_order
# because: select * brings the helper column along
# breaks: reads `source('raw', 'orders_landing')` and has its six columns, in that order
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail') }}
with newest as (
    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
    {% endif %}
)
select *
from newest
where age = 1
{% if is_incremental() %}
and not exists (
    select 1 from {{ this }} as known
    where known.order_id = newest.order_id and known.updated_at >= newest.updated_at
)
{% endif %}
""",
    }


# %% three_days_before_today
# task: fct_orders
# fails: test_updates_are_merged
# because: the clock of the run is not the clock of the data: a replay of old nights finds nothing
# breaks: at most **three days** before the newest `updated_at` in the table
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail') }}
with newest as (
    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= current_date() - interval 3 days
    {% endif %}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
{% if is_incremental() %}
and not exists (
    select 1 from {{ this }} as known
    where known.order_id = newest.order_id and known.updated_at >= newest.updated_at
)
{% endif %}
""",
    }


# %% ties_stay_twice
# task: fct_orders
# fails: test_first_build_has_the_newest_change_of_each_order
# because: rank gives both copies of a redelivered change the first place
# breaks: Two changes of an order at the same time are the same change, delivered twice.
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail') }}
with newest as (
    select *, rank() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
    {% endif %}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
{% if is_incremental() %}
and not exists (
    select 1 from {{ this }} as known
    where known.order_id = newest.order_id and known.updated_at >= newest.updated_at
)
{% endif %}
""",
    }


# %% window_and_nothing_else
# task: fct_orders
# fails: test_an_older_change_never_overwrites_a_newer_one
# because: the newest change in the landing may be older than the row in the table
# breaks: An older change never overwrites a newer row, also when the landing has forgotten the
#   newer change.
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail') }}
with newest as (
    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
    {% endif %}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
""",
    }


# %% window_without_its_edge
# task: fct_orders
# fails: test_the_edge_of_the_window_is_inside
# because: > leaves out the change that is exactly three days behind
# breaks: before the newest `updated_at` in the table, that instant included
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail') }}
with newest as (
    select *, row_number() over (partition by order_id order by updated_at desc) as age
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at > (select max(updated_at) - interval 3 days from {{ this }})
    {% endif %}
)
select order_id, customer_id, status, amount, is_deleted, updated_at
from newest
where age = 1
{% if is_incremental() %}
and not exists (
    select 1 from {{ this }} as known
    where known.order_id = newest.order_id and known.updated_at >= newest.updated_at
)
{% endif %}
""",
    }


# %% a_snapshot_nobody_reads
# task: customers_snapshot
# fails: test_the_history_is_a_snapshot
# because: the snapshot keeps the history, and the dimension shows the last extract
# breaks: a model `dim_customers` that reads it
def customers_snapshot() -> dict[str, str]:
    return {
        "models/stg_customers.sql": """\
select customer_id, name, city, updated_at
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at desc) = 1
""",
        "snapshots/customers_snapshot.yml": """\
snapshots:
  - name: customers_snapshot
    relation: ref('stg_customers')
    config:
      unique_key: customer_id
      strategy: check
      check_cols: [name, city]
      updated_at: updated_at
      hard_deletes: invalidate
""",
        "models/dim_customers.sql": """\
select customer_id, name, city, updated_at as effective_from,
    cast(null as timestamp) as effective_to, true as is_current
from {{ ref('stg_customers') }}
""",
    }


# %% a_table_of_customers
# task: customers_snapshot
# fails: test_a_change_closes_a_version_and_opens_one,
#   test_customers_who_come_again_unchanged_keep_their_version
# because: a table of the last extract has no history
# breaks: keep history in a snapshot whose versions begin when things changed, not when dbt ran
def customers_snapshot() -> dict[str, str]:
    return {
        "models/dim_customers.sql": """\
{{ config(materialized='table') }}
select customer_id, name, city, updated_at as effective_from,
    cast(null as timestamp) as effective_to, true as is_current
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at desc) = 1
""",
    }


# %% checks_all_columns
# task: customers_snapshot
# fails: test_a_touch_makes_no_version
# because: check_cols: all compares updated_at as well
# breaks: Only a changed `name` or `city` makes a version
def customers_snapshot() -> dict[str, str]:
    return {
        "models/stg_customers.sql": """\
select customer_id, name, city, updated_at
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at desc) = 1
""",
        "snapshots/customers_snapshot.yml": """\
snapshots:
  - name: customers_snapshot
    relation: ref('stg_customers')
    config:
      unique_key: customer_id
      strategy: check
      check_cols: all
      updated_at: updated_at
      hard_deletes: invalidate
      snapshot_meta_column_names:
        dbt_valid_from: effective_from
        dbt_valid_to: effective_to
""",
        "models/dim_customers.sql": """\
select customer_id, name, city, effective_from, effective_to, effective_to is null as is_current
from {{ ref('customers_snapshot') }}
""",
    }


# %% checks_only_the_city
# task: customers_snapshot
# fails: test_a_change_closes_a_version_and_opens_one
# because: a new name makes no version
# breaks: Only a changed `name` or `city` makes a version
def customers_snapshot() -> dict[str, str]:
    return {
        "models/stg_customers.sql": """\
select customer_id, name, city, updated_at
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at desc) = 1
""",
        "snapshots/customers_snapshot.yml": """\
snapshots:
  - name: customers_snapshot
    relation: ref('stg_customers')
    config:
      unique_key: customer_id
      strategy: check
      check_cols: [city]
      updated_at: updated_at
      hard_deletes: invalidate
      snapshot_meta_column_names:
        dbt_valid_from: effective_from
        dbt_valid_to: effective_to
""",
        "models/dim_customers.sql": """\
select customer_id, name, city, effective_from, effective_to, effective_to is null as is_current
from {{ ref('customers_snapshot') }}
""",
    }


# %% current_versions_only
# task: customers_snapshot
# fails: test_a_change_closes_a_version_and_opens_one
# because: the dimension forgets the history that the snapshot keeps
# breaks: ? It has one row per version of a customer, closed versions included.
# -    newest_rows = """\
# +    return {
# +        "models/stg_customers.sql": """\
# -"""
# -    snapshot = """\
# +""",
# +        "snapshots/customers_snapshot.yml": """\
# -"""
# -    dimension = """\
# -select
# -    customer_id,
# -    name,
# -    city,
# -    effective_from,
# -    effective_to,
# -    effective_to is null as is_current
# +""",
# +        "models/dim_customers.sql": """\
# +select customer_id, name, city, effective_from, effective_to, effective_to is null as is_current
# -"""
# -    return {
# -        "models/stg_customers.sql": newest_rows,
# -        "snapshots/customers_snapshot.yml": snapshot,
# -        "models/dim_customers.sql": dimension,
# +where effective_to is null
# +""",

# %% dated_by_the_run
# task: customers_snapshot
# fails: test_a_change_closes_a_version_and_opens_one, test_the_first_extract_opens_a_version_each
# because: check without updated_at begins versions when dbt ran
# breaks: A version begins at the `updated_at` of the change that made it
def customers_snapshot() -> dict[str, str]:
    return {
        "models/stg_customers.sql": """\
select customer_id, name, city, updated_at
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at desc) = 1
""",
        "snapshots/customers_snapshot.yml": """\
snapshots:
  - name: customers_snapshot
    relation: ref('stg_customers')
    config:
      unique_key: customer_id
      strategy: check
      check_cols: [name, city]
      hard_deletes: invalidate
      snapshot_meta_column_names:
        dbt_valid_from: effective_from
        dbt_valid_to: effective_to
""",
        "models/dim_customers.sql": """\
select customer_id, name, city, effective_from, effective_to, effective_to is null as is_current
from {{ ref('customers_snapshot') }}
""",
    }


# %% ends_a_second_early
# task: customers_snapshot
# fails: test_a_change_closes_a_version_and_opens_one
# because: an end one second before the next beginning leaves a second without a version
# breaks: and ends where the next begins: [effective_from, effective_to)
# -    newest_rows = """\
# +    return {
# +        "models/stg_customers.sql": """\
# -"""
# -    snapshot = """\
# +""",
# +        "snapshots/customers_snapshot.yml": """\
# -"""
# -    dimension = """\
# -select
# -    customer_id,
# -    name,
# -    city,
# -    effective_from,
# -    effective_to,
# -    effective_to is null as is_current
# +""",
# +        "models/dim_customers.sql": """\
# +select customer_id, name, city, effective_from, effective_to - interval 1 second as effective_to, effective_to is null as is_current
# -"""
# -    return {
# -        "models/stg_customers.sql": newest_rows,
# -        "snapshots/customers_snapshot.yml": snapshot,
# -        "models/dim_customers.sql": dimension,
# +""",

# %% extract_as_it_is
# task: customers_snapshot
# fails: test_an_extract_that_has_a_customer_twice
# because: two rows of a customer in an extract become two versions, or stop the MERGE
# breaks: The newest row counts.
def customers_snapshot() -> dict[str, str]:
    return {
        "models/stg_customers.sql": """\
select customer_id, name, city, updated_at
from {{ source('raw', 'customers_extract') }}
""",
        "snapshots/customers_snapshot.yml": """\
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
""",
        "models/dim_customers.sql": """\
select customer_id, name, city, effective_from, effective_to, effective_to is null as is_current
from {{ ref('customers_snapshot') }}
""",
    }


# %% history_by_hand
# task: customers_snapshot
# fails: test_the_history_is_a_snapshot
# because: the dimension keeps the history itself, and a full refresh forgets it
# breaks: a [snapshot](https://docs.getdbt.com/docs/build/snapshots) called `customers_snapshot`, a
#   model `dim_customers` that reads it
def customers_snapshot() -> dict[str, str]:
    return {
        "models/dim_customers.sql": """\
{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['customer_id', 'effective_from'],
) }}
with newest as (
    select customer_id, name, city, updated_at
    from {{ source('raw', 'customers_extract') }}
    qualify row_number() over (partition by customer_id order by updated_at desc) = 1
)
{% if is_incremental() %}
, opened as (select * from {{ this }} where is_current)
{% endif %}
select newest.customer_id, newest.name, newest.city, newest.updated_at as effective_from,
    cast(null as timestamp) as effective_to, true as is_current
from newest
{% if is_incremental() %}
left anti join opened
    on opened.customer_id = newest.customer_id
    and opened.name <=> newest.name and opened.city <=> newest.city
union all
select opened.customer_id, opened.name, opened.city, opened.effective_from,
    coalesce(newest.updated_at, {{ snapshot_get_time() }}) as effective_to, false as is_current
from opened
left join newest on newest.customer_id = opened.customer_id
where newest.customer_id is null
    or not (newest.name <=> opened.name and newest.city <=> opened.city)
{% endif %}
""",
    }


# %% missing_customers_stay
# task: customers_snapshot
# fails: test_a_customer_who_is_missing_is_closed, test_a_customer_who_returns_has_a_gap
# because: without hard_deletes nobody ever leaves
# breaks: A customer who is missing is closed at the time of the run.
def customers_snapshot() -> dict[str, str]:
    return {
        "models/stg_customers.sql": """\
select customer_id, name, city, updated_at
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at desc) = 1
""",
        "snapshots/customers_snapshot.yml": """\
snapshots:
  - name: customers_snapshot
    relation: ref('stg_customers')
    config:
      unique_key: customer_id
      strategy: check
      check_cols: [name, city]
      updated_at: updated_at
      snapshot_meta_column_names:
        dbt_valid_from: effective_from
        dbt_valid_to: effective_to
""",
        "models/dim_customers.sql": """\
select customer_id, name, city, effective_from, effective_to, effective_to is null as is_current
from {{ ref('customers_snapshot') }}
""",
    }


# %% null_city_is_unknown
# task: customers_snapshot
# fails: test_changes_from_and_to_null_are_versions
# because: a default in place of null changes what the source said
# breaks: makes a version, null being a value of its own
def customers_snapshot() -> dict[str, str]:
    return {
        "models/stg_customers.sql": """\
select customer_id, name, coalesce(city, 'unknown') as city, updated_at
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at desc) = 1
""",
        "snapshots/customers_snapshot.yml": """\
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
""",
        "models/dim_customers.sql": """\
select customer_id, name, city, effective_from, effective_to, effective_to is null as is_current
from {{ ref('customers_snapshot') }}
""",
    }


# %% open_versions_end_in_9999
# task: customers_snapshot
# fails: test_the_first_extract_opens_a_version_each
# because: the open end is a far date and not null
# breaks: the open end is null, and exactly the open version `is_current`
def customers_snapshot() -> dict[str, str]:
    return {
        "models/stg_customers.sql": """\
select customer_id, name, city, updated_at
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at desc) = 1
""",
        "snapshots/customers_snapshot.yml": """\
snapshots:
  - name: customers_snapshot
    relation: ref('stg_customers')
    config:
      unique_key: customer_id
      strategy: check
      check_cols: [name, city]
      updated_at: updated_at
      dbt_valid_to_current: "to_timestamp('9999-12-31')"
      hard_deletes: invalidate
      snapshot_meta_column_names:
        dbt_valid_from: effective_from
        dbt_valid_to: effective_to
""",
        "models/dim_customers.sql": """\
select customer_id, name, city, effective_from, effective_to, effective_to > current_timestamp() as is_current
from {{ ref('customers_snapshot') }}
""",
    }


# %% the_oldest_of_two_rows
# task: customers_snapshot
# fails: test_an_extract_that_has_a_customer_twice
# because: the older of two rows is the customer before the change
# breaks: The newest row counts.
def customers_snapshot() -> dict[str, str]:
    return {
        "models/stg_customers.sql": """\
select customer_id, name, city, updated_at
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at) = 1
""",
        "snapshots/customers_snapshot.yml": """\
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
""",
        "models/dim_customers.sql": """\
select customer_id, name, city, effective_from, effective_to, effective_to is null as is_current
from {{ ref('customers_snapshot') }}
""",
    }


# %% timestamp_strategy
# task: customers_snapshot
# fails: test_a_touch_makes_no_version
# because: the timestamp strategy makes a version of every new updated_at
# breaks: Only a changed `name` or `city` makes a version
def customers_snapshot() -> dict[str, str]:
    return {
        "models/stg_customers.sql": """\
select customer_id, name, city, updated_at
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at desc) = 1
""",
        "snapshots/customers_snapshot.yml": """\
snapshots:
  - name: customers_snapshot
    relation: ref('stg_customers')
    config:
      unique_key: customer_id
      strategy: timestamp
      updated_at: updated_at
      hard_deletes: invalidate
      snapshot_meta_column_names:
        dbt_valid_from: effective_from
        dbt_valid_to: effective_to
""",
        "models/dim_customers.sql": """\
select customer_id, name, city, effective_from, effective_to, effective_to is null as is_current
from {{ ref('customers_snapshot') }}
""",
    }


# %% columns_of_another_snapshot
# task: properties
# fails: test_tests_are_silent_on_good_days, test_overlapping_versions_are_caught
# because: the dimension has no valid_from: the test stops every build, and finds no overlap
# breaks: `DIMENSION` those of the dimension that you build from the second
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(valid_from) over (partition by customer_id order by valid_from) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(valid_to, timestamp '9999-12-31')
""",
    }


# %% contract_not_enforced
# task: properties
# fails: test_the_contract_stops_another_shape
# because: columns with types are documentation as long as no contract is enforced
# breaks: on `fct_orders`, enforced, over its six columns and types
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: false}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% contract_of_another_type
# task: properties
# fails: test_the_contract_stops_another_shape
# because: the contract says double, and the right model is decimal
# breaks: on `fct_orders`, enforced, over its six columns and types
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: double}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% current_versions_overlap_only
# task: properties
# fails: test_overlapping_versions_are_caught
# because: closed versions overlap as well
# breaks: versions of a customer overlap, closed ones included
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
    where is_current
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% customers_not_looked_up
# task: properties
# fails: test_broken_values_of_orders_are_caught
# because: nobody asks whether the customer of an order is known
# breaks: its customer is not in `dim_customers`
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% empty_versions_pass
# task: properties
# fails: test_wrong_ends_and_flags_are_caught
# because: a version that ends when it begins is valid at no time, and passes
# breaks: a version ends at or before its beginning
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to < effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% every_customer_once
# task: properties
# fails: test_tests_are_silent_on_good_days
# because: unique on a column that has several versions by design fails every night
# breaks: Silence on good days: versions touch, customers leave and return
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% exposure_reads_one_model
# task: properties
# fails: test_the_dashboard_is_declared
# because: the lineage of the dashboard lacks the dimension
# breaks: `revenue_dashboard` of type dashboard, which reads both models
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% flag_not_compared
# task: properties
# fails: test_wrong_ends_and_flags_are_caught
# because: is_current can say anything
# breaks: a version ends at or before its beginning; `is_current` disagrees with the end
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% free_orders_are_faults
# task: properties
# fails: test_tests_are_silent_on_good_days
# because: an amount of zero is allowed
# breaks: an amount may be zero, a city null
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount <= 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% gaps_are_faults
# task: properties
# fails: test_tests_are_silent_on_good_days
# because: a customer who left and returned has a gap, and it is right
# breaks: Silence on good days: versions touch, customers leave and return
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from != coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% no_status_list
# task: properties
# fails: test_broken_values_of_orders_are_caught
# because: no test looks at the status
# breaks: its status is none of new, paid, shipped, cancelled
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% no_test_of_current_versions
# task: properties
# fails: test_two_current_versions_are_caught
# because: two versions that are both current and begin at one time: only the overlap test could
#   know, and it asks about closed ones
# breaks: a customer has two current versions, or a version has no customer
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
    where effective_to is not null
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% no_test_of_ends
# task: properties
# fails: test_wrong_ends_and_flags_are_caught
# because: an end before the beginning and a wrong flag pass all other tests
# breaks: a version ends at or before its beginning; `is_current` disagrees with the end
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% open_versions_overlap_nothing
# task: properties
# fails: test_a_version_that_never_ended_is_caught
# because: a comparison with a null end is never true
# breaks: versions of a customer overlap, closed ones included
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < effective_to
""",
    }


# %% orders_must_be_there
# task: properties
# fails: test_quiet_on_a_first_day
# because: an empty table is no fault on a first day
# breaks: ? On the first day there may be no order yet.
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select count(*) as orders from {{ ref('fct_orders') }}
having count(*) = 0 or min(amount) < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% touching_counts_as_overlap
# task: properties
# fails: test_tests_are_silent_on_good_days, test_overlapping_versions_are_caught,
#   test_a_version_that_never_ended_is_caught
# because: with <= versions that touch overlap; what fails every night finds no overlap
# breaks: Silence on good days: versions touch, customers leave and return
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from <= coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% warns_only
# task: properties
# fails: test_broken_keys_of_orders_are_caught, test_broken_values_of_orders_are_caught
# because: a warning stops no build
# breaks: Data tests of severity `error` that fail when
def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests:
          - not_null: {config: {severity: warn}}
          - unique: {config: {severity: warn}}
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
              config: {severity: warn}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from < coalesce(effective_to, timestamp '9999-12-31')
""",
    }


# %% a_test_of_another_model
# task: unit_tests
# fails: test_right_models_pass_the_unit_tests
# because: the model of the test is the staging model of some other project
# breaks: one YAML file with one or more [unit tests](https://docs.getdbt.com/docs/build/unit-tests)
#   of `fct_orders`
# -    tests = """\
# +    return {
# +        "models/unit_tests.yml": """\
# -  - name: newest_change_inside_the_window_is_merged
# -    model: fct_orders
# +  - name: rows_to_merge
# +    model: stg_orders
# -      macros:
# -        is_incremental: true
# +      macros: {is_incremental: true}
# -"""
# -    return {"models/unit_tests.yml": tests}
# +""",
# +    }

# %% expects_the_table
# task: unit_tests
# fails: test_dbt_runs_the_unit_tests, test_right_models_pass_the_unit_tests,
#   test_other_models_meet_the_unit_tests
# because: what is expected of an incremental model is what it returns, not the table after the
#   MERGE
# breaks: What a unit test expects of an incremental model is what the model returns, that is the
#   rows to merge.
# -    tests = """\
# +    return {
# +        "models/unit_tests.yml": """\
# -  - name: newest_change_inside_the_window_is_merged
# +  - name: rows_to_merge
# -      macros:
# -        is_incremental: true
# +      macros: {is_incremental: true}
# -        - {order_id: 1, status: shipped, is_deleted: false}
# +        - {order_id: 1, status: shipped, is_deleted: false}
# +        - {order_id: 2, status: shipped, is_deleted: false}
# -"""
# -    return {"models/unit_tests.yml": tests}
# +""",
# +    }

# %% expects_what_never_comes
# task: unit_tests
# fails: test_right_models_pass_the_unit_tests, test_other_models_meet_the_unit_tests,
#   test_a_model_that_keeps_the_oldest_change_fails,
#   test_a_model_that_lets_older_changes_win_fails, test_a_model_without_a_look_back_fails,
#   test_a_model_that_loses_deletes_fails
# because: a unit test that no model passes fails on each bug, and tells none from a right model
# breaks: They pass on a right model
def unit_tests() -> dict[str, str]:
    return {
        "models/unit_tests.yml": """\
unit_tests:
  - name: rows_to_merge
    model: fct_orders
    overrides:
      macros: {is_incremental: true}
    given:
      - input: source('raw', 'orders_landing')
        rows:
          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2026-01-10 08:00:00"}
      - input: this
        rows:
          - {order_id: 2, status: shipped, is_deleted: false, updated_at: "2026-01-10 00:00:00"}
    expect:
      rows:
        - {order_id: 99, status: paid, is_deleted: false}
""",
    }


# %% half_a_day_late
# task: unit_tests
# fails: test_a_model_without_a_look_back_fails
# because: the late change is half a day behind; a window of one day takes it
# breaks: loses a change that is two days behind
# -    tests = """\
# +    return {
# +        "models/unit_tests.yml": """\
# -  - name: newest_change_inside_the_window_is_merged
# +  - name: rows_to_merge
# -      macros:
# -        is_incremental: true
# +      macros: {is_incremental: true}
# -          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
# +          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-09 12:00:00"}
# -"""
# -    return {"models/unit_tests.yml": tests}
# +""",
# +    }

# %% no_order_is_deleted
# task: unit_tests
# fails: test_a_model_that_loses_deletes_fails
# because: no order of the test is deleted
# breaks: takes one of last month, or loses deleted orders
# -    tests = """\
# +    return {
# +        "models/unit_tests.yml": """\
# -  - name: newest_change_inside_the_window_is_merged
# +  - name: rows_to_merge
# -      macros:
# -        is_incremental: true
# +      macros: {is_incremental: true}
# -          - {order_id: 5, status: paid, is_deleted: true, updated_at: "2026-01-10 07:00:00"}
#
# -          - {order_id: 5, status: paid, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
#
# -        - {order_id: 5, status: paid, is_deleted: true}
# -"""
# -    return {"models/unit_tests.yml": tests}
# +""",
# +    }

# %% nothing_comes_late
# task: unit_tests
# fails: test_a_model_without_a_look_back_fails
# because: every change that landed is newer than the table
# breaks: loses a change that is two days behind, takes one of last month
# -    tests = """\
# +    return {
# +        "models/unit_tests.yml": """\
# -  - name: newest_change_inside_the_window_is_merged
# +  - name: rows_to_merge
# -      macros:
# -        is_incremental: true
# +      macros: {is_incremental: true}
# -          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
# -          - {order_id: 4, status: new, is_deleted: false, updated_at: "2025-12-08 00:00:00"}
#
# -        - {order_id: 3, status: new, is_deleted: false}
#
# -"""
# -    return {"models/unit_tests.yml": tests}
# +""",
# +    }

# %% nothing_in_the_table_is_newer
# task: unit_tests
# fails: test_a_model_that_lets_older_changes_win_fails
# because: no row of the table is newer than what landed
# breaks: lets an older change replace a newer row of the table
# -    tests = """\
# +    return {
# +        "models/unit_tests.yml": """\
# -  - name: newest_change_inside_the_window_is_merged
# +  - name: rows_to_merge
# -      macros:
# -        is_incremental: true
# +      macros: {is_incremental: true}
# -          - {order_id: 2, status: paid, is_deleted: false, updated_at: "2026-01-09 07:00:00"}
#
# -          - {order_id: 2, status: shipped, is_deleted: false, updated_at: "2026-01-10 00:00:00"}
#
# -"""
# -    return {"models/unit_tests.yml": tests}
# +""",
# +    }

# %% one_change_of_each_order
# task: unit_tests
# fails: test_a_model_that_keeps_the_oldest_change_fails
# because: with one change of each order, every order of changes is right
# breaks: fail on one that keeps the oldest change of an order
# -    tests = """\
# +    return {
# +        "models/unit_tests.yml": """\
# -  - name: newest_change_inside_the_window_is_merged
# +  - name: rows_to_merge
# -      macros:
# -        is_incremental: true
# +      macros: {is_incremental: true}
# -          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2026-01-10 08:00:00"}
#
# -"""
# -    return {"models/unit_tests.yml": tests}
# +""",
# +    }

# %% only_the_first_build
# task: unit_tests
# fails: test_a_model_that_lets_older_changes_win_fails, test_a_model_without_a_look_back_fails
# because: the rules of later nights are behind is_incremental(), which is false here
# breaks: Unit tests of the incremental run of fct_orders.
def unit_tests() -> dict[str, str]:
    return {
        "models/unit_tests.yml": """\
unit_tests:
  - name: first_build
    model: fct_orders
    given:
      - input: source('raw', 'orders_landing')
        rows:
          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2026-01-10 08:00:00"}
          - {order_id: 1, status: shipped, is_deleted: true, updated_at: "2026-01-10 09:00:00"}
    expect:
      rows:
        - {order_id: 1, status: shipped, is_deleted: true}
""",
    }

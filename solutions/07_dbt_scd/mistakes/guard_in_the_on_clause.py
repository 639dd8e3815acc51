# fails: test_an_older_change_never_overwrites_a_newer_one
# because: incremental_predicates are part of ON: where they fail, the row is inserted a second time


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

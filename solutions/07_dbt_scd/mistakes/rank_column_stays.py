# fails: test_first_build_has_the_newest_change_of_each_order
# because: select * brings the helper column along


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

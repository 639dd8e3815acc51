# because: the newest of the table's own rows and of those that landed; only landed ones are merged


def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(
    materialized='incremental',
    file_format='delta',
    incremental_strategy='merge',
    unique_key=['order_id'],
    on_schema_change='append_new_columns',
) }}
{% set columns = ['order_id', 'customer_id', 'status', 'amount', 'is_deleted', 'updated_at'] %}
{% set list = columns | join(', ') %}

with candidates as (
    select {{ list }}, true as landed from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= (select max(updated_at) from {{ this }}) - interval 72 hours
    union all
    select {{ list }}, false as landed from {{ this }}
    {% endif %}
)
select {{ list }}
from (
    select *, row_number() over (partition by order_id order by updated_at desc, landed) as place
    from candidates
)
where place = 1 and landed
""",
    }

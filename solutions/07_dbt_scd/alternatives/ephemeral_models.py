# because: the newest rows come from ephemeral models, which dbt puts into the SQL of their readers


def fct_orders() -> dict[str, str]:
    return {
        "models/newest_orders.sql": """\
{{ config(materialized='ephemeral') }}
select inline(array(newest))
from (
    select max_by(
        struct(order_id, customer_id, status, amount, is_deleted, updated_at), updated_at
    ) as newest
    from {{ source('raw', 'orders_landing') }}
    group by order_id
)
""",
        "models/fct_orders.sql": """\
{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='order_id',
    on_schema_change='append_new_columns',
) }}
select order_id, customer_id, status, amount, is_deleted, updated_at
from {{ ref('newest_orders') }} as landed
{% if is_incremental() %}
where landed.updated_at >= (select max(updated_at) from {{ this }}) - interval 72 hours
    and not exists (
        select 1
        from {{ this }} as known
        where known.order_id = landed.order_id and known.updated_at >= landed.updated_at
    )
{% endif %}
""",
    }


def customers_snapshot() -> dict[str, str]:
    return {
        "models/newest_customers.sql": """\
{{ config(materialized='ephemeral') }}
select customer_id, name, city, updated_at
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at desc) = 1
""",
        "snapshots/customers_snapshot.sql": """\
{% snapshot customers_snapshot %}
{{ config(
    unique_key='customer_id',
    strategy='check',
    check_cols=['name', 'city'],
    updated_at='updated_at',
    hard_deletes='invalidate',
) }}
select * from {{ ref('newest_customers') }}
{% endsnapshot %}
""",
        "models/dim_customers.sql": """\
{{ config(materialized='table') }}
select customer_id, name, city, dbt_valid_from as effective_from, dbt_valid_to as effective_to,
    dbt_valid_to is null as is_current
from {{ ref('customers_snapshot') }}
""",
    }

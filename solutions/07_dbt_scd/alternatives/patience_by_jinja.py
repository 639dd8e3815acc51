# because: the beginning of the window is asked for first, and max_by finds the newest change; an anti join guards it


def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail', full_refresh=false) }}
{% if is_incremental() and execute %}
    {% set newest = run_query('select max(updated_at) - interval 3 days as first from ' ~ this).columns[0].values()[0] %}
{% endif %}
with landed as (
    select order_id, max_by(struct(*), updated_at) as row
    from {{ source('raw', 'orders_landing') }}
    {% if newest %} where updated_at >= timestamp '{{ newest }}' {% endif %}
    group by order_id
)
select landed.row.*
from landed
{% if is_incremental() %}
left anti join {{ this }} as known
    on known.order_id = landed.order_id and known.updated_at >= landed.row.updated_at
{% endif %}
""",
    }

# fails: test_the_history_is_a_snapshot
# because: the dimension keeps the history itself, and a full refresh forgets it


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

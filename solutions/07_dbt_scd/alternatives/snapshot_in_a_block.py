# because: a snapshot block with its own query; a far date as open end becomes null again


def customers_snapshot() -> dict[str, str]:
    return {
        "snapshots/customers_snapshot.sql": """\
{% snapshot customers_snapshot %}
{{ config(
    unique_key='customer_id',
    strategy='check',
    check_cols=['name', 'city'],
    updated_at='updated_at',
    hard_deletes='invalidate',
    dbt_valid_to_current="to_timestamp('9999-12-31')",
) }}
select customer_id, max_by(name, updated_at) as name, max_by(city, updated_at) as city, max(updated_at) as updated_at
from {{ source('raw', 'customers_extract') }}
group by customer_id
{% endsnapshot %}
""",
        "models/dim_customers.sql": """\
{{ config(materialized='table') }}
select customer_id, name, city, dbt_valid_from as effective_from,
    nullif(dbt_valid_to, to_timestamp('9999-12-31')) as effective_to,
    dbt_valid_to = to_timestamp('9999-12-31') as is_current
from {{ ref('customers_snapshot') }}
""",
    }

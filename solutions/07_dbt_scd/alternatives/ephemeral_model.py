# because: an ephemeral model, which dbt puts into the SQL of the snapshot that reads it


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

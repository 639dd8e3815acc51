# fails: test_a_customer_who_is_missing_is_closed, test_a_customer_who_returns_has_a_gap
# because: without hard_deletes nobody ever leaves


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

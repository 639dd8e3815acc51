# fails: test_changes_from_and_to_null_are_versions
# because: a default in place of null changes what the source said


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

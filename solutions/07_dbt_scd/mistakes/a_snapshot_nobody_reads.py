# fails: test_the_history_is_a_snapshot
# because: the snapshot keeps the history, and the dimension shows the last extract


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
      hard_deletes: invalidate
""",
        "models/dim_customers.sql": """\
select customer_id, name, city, updated_at as effective_from,
    cast(null as timestamp) as effective_to, true as is_current
from {{ ref('stg_customers') }}
""",
    }

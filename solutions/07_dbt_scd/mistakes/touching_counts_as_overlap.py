# fails: test_tests_are_silent_on_good_days, test_overlapping_versions_are_caught, test_a_version_that_never_ended_is_caught
# because: with <= versions that touch overlap; what fails every night finds no overlap


def properties() -> dict[str, str]:
    return {
        "models/properties.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [not_null, unique]
      - name: customer_id
        data_type: bigint
        data_tests:
          - not_null
          - relationships:
              arguments: {to: ref('dim_customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [new, paid, shipped, cancelled]}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - name: customer_id
        data_tests:
          - not_null
          - unique:
              config: {where: is_current}
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {name: Revenue team, email: revenue@shop.example}
    depends_on: [ref('fct_orders'), ref('dim_customers')]
""",
        "tests/amounts.sql": """\
select * from {{ ref('fct_orders') }} where amount < 0
""",
        "tests/ends.sql": """\
select * from {{ ref('dim_customers') }}
where effective_to <= effective_from or is_current is distinct from (effective_to is null)
""",
        "tests/overlaps.sql": """\
select *
from (
    select *, lead(effective_from) over (
        partition by customer_id order by effective_from, effective_to nulls last
    ) as next_from
    from {{ ref('dim_customers') }}
)
where next_from <= coalesce(effective_to, timestamp '9999-12-31')
""",
    }

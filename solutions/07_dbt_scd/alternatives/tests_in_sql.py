# because: data tests as queries, a generic test that compares a flag with 1; a unit test a rule


def properties() -> dict[str, str]:
    return {
        "models/shop.yml": """\
models:
  - name: fct_orders
    config:
      contract: {enforced: true}
    columns:
      - {name: order_id, data_type: bigint}
      - {name: customer_id, data_type: bigint}
      - {name: status, data_type: string}
      - {name: amount, data_type: "decimal(10,2)"}
      - {name: is_deleted, data_type: boolean}
      - {name: updated_at, data_type: timestamp}
  - name: dim_customers
    data_tests:
      - versions_are_apart
exposures:
  - name: revenue_dashboard
    type: dashboard
    owner: {email: revenue@shop.example}
    depends_on: [ref('dim_customers'), ref('fct_orders')]
""",
        "tests/generic/versions_are_apart.sql": """\
{% test versions_are_apart(model) %}
select a.customer_id
from {{ model }} as a
left join {{ model }} as b
    on a.customer_id = b.customer_id
    and a.effective_from < coalesce(b.effective_to, timestamp '9999-12-31')
    and b.effective_from < coalesce(a.effective_to, timestamp '9999-12-31')
group by a.customer_id, a.name, a.city, a.effective_from, a.effective_to, a.is_current
having count(*) > 1
    or a.customer_id is null
    or a.effective_to <= a.effective_from
    or (a.is_current = 1) is distinct from (a.effective_to is null)
{% endtest %}
""",
        "tests/orders_are_sound.sql": """\
select orders.order_id
from {{ ref('fct_orders') }} as orders
left semi join (select 1) on true
where orders.order_id is null
    or orders.customer_id not in (select customer_id from {{ ref('dim_customers') }} where customer_id is not null)
    or orders.customer_id is null
    or coalesce(orders.status, '') not in ('new', 'paid', 'shipped', 'cancelled')
    or orders.amount < 0
union all
select order_id from {{ ref('fct_orders') }} group by order_id having count(*) > 1
""",
    }


def unit_tests() -> dict[str, str]:
    return {
        "models/tests_of_orders.yml": """\
unit_tests:
  - name: newest_change_wins
    model: fct_orders
    overrides: {macros: {is_incremental: false}}
    given:
      - input: source('raw', 'orders_landing')
        rows:
          - {order_id: 1, amount: 7.50, is_deleted: true, updated_at: "2026-01-10 09:00:00"}
          - {order_id: 1, amount: 8, is_deleted: false, updated_at: "2026-01-10 08:00:00"}
    expect:
      rows: [{order_id: 1, amount: 7.5, is_deleted: true}]
  - name: nothing_older_than_the_table
    model: fct_orders
    overrides: {macros: {is_incremental: true}}
    given:
      - input: source("raw", "orders_landing")
        rows: [{order_id: 1, updated_at: "2026-01-09 08:00:00"}]
      - input: this
        rows: [{order_id: 1, updated_at: "2026-01-09 09:00:00"}]
    expect:
      rows: []
  - name: three_days_of_patience
    model: fct_orders
    overrides: {macros: {is_incremental: true}}
    given:
      - input: source('raw', 'orders_landing')
        rows:
          - {order_id: 1, updated_at: "2026-01-07 09:00:00"}
          - {order_id: 2, updated_at: "2026-01-07 08:59:59"}
      - input: this
        rows: [{order_id: 9, updated_at: "2026-01-10 09:00:00"}]
    expect:
      rows: [{order_id: 1, updated_at: "2026-01-07 09:00:00"}]
""",
    }

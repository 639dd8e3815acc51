# because: max_by finds the newest change, an anti join guards it; unit tests of this model


def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id', on_schema_change='fail', full_refresh=false) }}
with landed as (
    select order_id, max_by(struct(*), updated_at) as row
    from {{ source('raw', 'orders_landing') }}
    {% if is_incremental() %}
    where updated_at >= (select dateadd(day, -3, max(updated_at)) from {{ this }})
    {% endif %}
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


def unit_tests() -> dict[str, str]:
    return {
        "models/unit_tests.yml": """\
unit_tests:
  - name: what_is_merged
    model: fct_orders
    overrides: {macros: {is_incremental: true}}
    given:
      - input: this
        rows:
          - {order_id: 1, amount: 5, is_deleted: false, updated_at: "2026-02-09 12:00:00"}
          - {order_id: 2, amount: 5, is_deleted: false, updated_at: "2026-02-08 12:00:00"}
      - input: source('raw', 'orders_landing')
        rows:
          - {order_id: 1, amount: 6, is_deleted: false, updated_at: "2026-02-09 11:00:00"}
          - {order_id: 2, amount: 7, is_deleted: true, updated_at: "2026-02-09 11:00:00"}
          - {order_id: 2, amount: 8, is_deleted: false, updated_at: "2026-02-09 10:00:00"}
          - {order_id: 3, amount: 9, is_deleted: false, updated_at: "2026-02-07 12:00:00"}
          - {order_id: 4, amount: 9, is_deleted: false, updated_at: "2026-01-07 12:00:00"}
    expect:
      rows:
        - {order_id: 2, amount: 7, is_deleted: true}
        - {order_id: 3, amount: 9, is_deleted: false}
""",
    }

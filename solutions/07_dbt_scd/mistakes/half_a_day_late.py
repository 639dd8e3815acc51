# fails: test_a_model_without_a_look_back_fails
# because: the late change is half a day behind; a window of one day takes it


def unit_tests() -> dict[str, str]:
    return {
        "models/unit_tests.yml": """\
unit_tests:
  - name: rows_to_merge
    model: fct_orders
    overrides:
      macros: {is_incremental: true}
    given:
      - input: source('raw', 'orders_landing')
        rows:
          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2026-01-10 08:00:00"}
          - {order_id: 1, status: shipped, is_deleted: false, updated_at: "2026-01-10 09:00:00"}
          - {order_id: 2, status: paid, is_deleted: false, updated_at: "2026-01-09 07:00:00"}
          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-09 12:00:00"}
          - {order_id: 4, status: new, is_deleted: false, updated_at: "2025-12-08 00:00:00"}
          - {order_id: 5, status: paid, is_deleted: true, updated_at: "2026-01-10 07:00:00"}
      - input: this
        rows:
          - {order_id: 2, status: shipped, is_deleted: false, updated_at: "2026-01-10 00:00:00"}
          - {order_id: 5, status: paid, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
    expect:
      rows:
        - {order_id: 1, status: shipped, is_deleted: false}
        - {order_id: 3, status: new, is_deleted: false}
        - {order_id: 5, status: paid, is_deleted: true}
""",
    }

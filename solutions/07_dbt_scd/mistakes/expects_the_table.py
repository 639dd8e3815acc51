# fails: test_dbt_runs_the_unit_tests, test_right_models_pass_the_unit_tests, test_other_models_meet_the_unit_tests
# because: what is expected of an incremental model is what it returns, not the table after the MERGE


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
          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
          - {order_id: 4, status: new, is_deleted: false, updated_at: "2025-12-08 00:00:00"}
          - {order_id: 5, status: paid, is_deleted: true, updated_at: "2026-01-10 07:00:00"}
      - input: this
        rows:
          - {order_id: 2, status: shipped, is_deleted: false, updated_at: "2026-01-10 00:00:00"}
          - {order_id: 5, status: paid, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
    expect:
      rows:
        - {order_id: 1, status: shipped, is_deleted: false}
        - {order_id: 2, status: shipped, is_deleted: false}
        - {order_id: 3, status: new, is_deleted: false}
        - {order_id: 5, status: paid, is_deleted: true}
""",
    }

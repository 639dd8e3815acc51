# fails: test_a_model_that_lets_older_changes_win_fails, test_a_model_without_a_look_back_fails
# because: the rules of later nights are behind is_incremental(), which is false here


def unit_tests() -> dict[str, str]:
    return {
        "models/unit_tests.yml": """\
unit_tests:
  - name: first_build
    model: fct_orders
    given:
      - input: source('raw', 'orders_landing')
        rows:
          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2026-01-10 08:00:00"}
          - {order_id: 1, status: shipped, is_deleted: true, updated_at: "2026-01-10 09:00:00"}
    expect:
      rows:
        - {order_id: 1, status: shipped, is_deleted: true}
""",
    }

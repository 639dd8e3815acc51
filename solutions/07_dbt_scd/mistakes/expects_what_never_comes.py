# fails: test_right_models_pass_the_unit_tests, test_other_models_meet_the_unit_tests
# fails: test_a_model_that_keeps_the_oldest_change_fails, test_a_model_that_lets_older_changes_win_fails
# fails: test_a_model_without_a_look_back_fails, test_a_model_that_loses_deletes_fails
# because: a unit test that no model passes fails on each bug, and tells none from a right model


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
      - input: this
        rows:
          - {order_id: 2, status: shipped, is_deleted: false, updated_at: "2026-01-10 00:00:00"}
    expect:
      rows:
        - {order_id: 99, status: paid, is_deleted: false}
""",
    }

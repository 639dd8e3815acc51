"""Hidden check of lab 00."""

from checks import COLUMNS, FRIDAY, LOADED, of_day

from labkit.checks import assert_rows, check, run_tables


@check("load_day")
def test_an_empty_day_is_empty(learner, spark, frame, schema):
    """empties the day when nothing was sent for it"""
    run = run_tables(
        spark,
        {"orders": (COLUMNS, LOADED, "order_date")},
        lambda tables: learner.load_day(spark, tables["orders"], frame(COLUMNS, []), FRIDAY),
        schema=schema,
    )
    assert_rows(of_day(run.rows["orders"], FRIDAY), [], key="order_id", columns=COLUMNS)

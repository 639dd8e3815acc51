"""Checks of the toy lab."""

from labkit.checks import assert_frame, assert_table, check

HINTS = {
    "double": ["Twice two is four.", "Multiply."],
    "store": ["Delta is a format.", "saveAsTable makes a table."],
}


@check("double", points=2)
def test_doubles(learner, frame):
    """doubles every number"""
    numbers = frame("n long", [(1,), (2,), (None,)])
    expected = [(1, 2), (2, 4), (None, None)]
    assert_frame(learner.double(numbers), expected, key="n", schema="n long, twice long")


@check("store")
def test_table_holds_doubles(learner, frame, spark, schema):
    """writes the doubled numbers to the table"""
    table = f"{schema}.numbers"
    learner.store(spark, table, frame("n long", [(3,)]))
    assert_table(spark, table, [(3, 6)], key="n")

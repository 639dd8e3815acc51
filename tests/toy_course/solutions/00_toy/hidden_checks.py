"""Hidden check of the toy lab."""

from labkit.checks import assert_frame, check


@check("double")
def test_doubles_seeded_numbers(learner, spark, dataset):
    """doubles whatever numbers the day brings"""
    numbers = spark.read.schema("n long").json(str(dataset("numbers")))
    expected = [(row.n, row.n * 2) for row in numbers.collect()]
    assert_frame(learner.double(numbers), expected, key="n")

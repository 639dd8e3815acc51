# fails: test_your_test_notices[deletes]
# because: no delete in the data, so nobody notices that deletes are lost


def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    columns = "customer_id long, op string, lsn long"
    rows = [(1, "u", 2), (1, "u", 9), (1, "u", 9), (1, "u", 5), (2, "c", 3)]
    expected = spark.createDataFrame([(1, "u", 9), (2, "c", 3)], columns)
    actual = candidate(spark.createDataFrame(rows, columns))
    assert_df_equality(actual, expected, ignore_row_order=True)

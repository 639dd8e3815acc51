# fails: test_your_test_notices[first], test_your_test_notices[ties]
# because: newest first and delivered once is the one order in which lazy answers are right


def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    columns = "customer_id long, op string, lsn long"
    changes = spark.createDataFrame([(1, "d", 2), (1, "c", 1), (2, "c", 3)], columns)
    expected = spark.createDataFrame([(1, "d", 2), (2, "c", 3)], columns)
    assert_df_equality(candidate(changes), expected, ignore_row_order=True)

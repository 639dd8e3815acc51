# fails: test_your_test_is_silent_on_your_answer, test_your_test_accepts_other_right_answers
# because: compares with the input, which a right answer never equals


def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    columns = "customer_id long, op string, lsn long"
    changes = spark.createDataFrame([(1, "c", 1), (1, "d", 2)], columns)
    assert_df_equality(candidate(changes), changes, ignore_row_order=True)

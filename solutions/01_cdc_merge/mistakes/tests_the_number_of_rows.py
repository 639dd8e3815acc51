# fails: test_your_test_notices[oldest], test_your_test_notices[first], test_your_test_notices_the_last_to_arrive
# because: the right number of wrong rows passes


def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    changes = spark.createDataFrame(
        [(1, "u", 2), (1, "c", 1), (2, "c", 3), (2, "d", 4), (2, "d", 4)],
        "customer_id long, op string, lsn long",
    )
    assert candidate(changes).count() == 2

# fails: test_your_test_accepts_other_right_answers[aggregate]
# because: rows of a frame have no order; a test that wants one rejects right answers


def test_latest_changes(spark: SparkSession, candidate: Callable[[DataFrame], DataFrame]) -> None:
    columns = "customer_id long, op string, lsn long"
    rows = [(1, "c", 2), (1, "d", 9), (1, "d", 9), (1, "u", 5), (2, "c", 3)]
    found = [tuple(row) for row in candidate(spark.createDataFrame(rows, columns)).collect()]
    assert found == [(2, "c", 3), (1, "d", 9)], f"got {found}"

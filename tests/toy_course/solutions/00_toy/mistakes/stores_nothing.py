# fails: test_table_holds_doubles
# because: forgets to write


def store(spark: SparkSession, table: str, numbers: DataFrame) -> None:
    double(numbers)

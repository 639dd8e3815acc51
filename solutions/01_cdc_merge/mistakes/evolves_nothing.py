# fails: test_new_column_arrives, test_two_new_columns_arrive
# because: without schema evolution MERGE takes the columns it knows and says nothing about the rest


def merge_evolving(spark: SparkSession, table: str, changes: DataFrame) -> None:
    merge_changes(spark, table, changes)

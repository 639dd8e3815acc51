# fails: test_columns_stay_as_they_were
# because: op is how the change came, not what the customer is


def merge_changes(spark: SparkSession, table: str, changes: DataFrame) -> None:
    source = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d")
    (
        DeltaTable.forName(spark, table).alias("t")
        .merge(source.alias("s"), "t.customer_id = s.customer_id")
        .withSchemaEvolution()
        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
        .whenNotMatchedInsertAll()
        .execute()
    )

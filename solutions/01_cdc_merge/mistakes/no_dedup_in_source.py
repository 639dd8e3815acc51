# fails: test_newer_changes_are_applied
# outcome: error
# because: two source rows for one target row: MERGE refuses (DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE)


def merge_changes(spark: SparkSession, table: str, changes: DataFrame) -> None:
    source = changes.withColumn("is_deleted", F.col("op") == "d").drop("op")
    (
        DeltaTable.forName(spark, table).alias("t")
        .merge(source.alias("s"), "t.customer_id = s.customer_id")
        .whenMatchedUpdateAll(condition="s.lsn > t.lsn")
        .whenNotMatchedInsertAll()
        .execute()
    )

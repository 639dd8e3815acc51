# fails: test_untouched_files_stay, test_replay_changes_nothing
# because: a new table at version 0 holds the right rows, and cost as much as a full load


def merge_changes(spark: SparkSession, table: str, changes: DataFrame) -> None:
    source = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
    rows = (
        spark.table(table)
        .unionByName(source)
        .withColumn("n", F.row_number().over(newest_first))
        .where("n = 1")
        .drop("n")
        .collect()
    )
    schema = spark.table(table).schema
    spark.sql(f"DROP TABLE {table}")
    spark.createDataFrame(rows, schema).write.format("delta").saveAsTable(table)

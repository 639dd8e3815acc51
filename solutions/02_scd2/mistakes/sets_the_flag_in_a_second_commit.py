# fails: test_readers_see_the_batch_in_one_step[apply_scd2]
# because: until the second commit is_current is null, and readers who filter by it miss the whole batch


def apply_scd2(spark: SparkSession, table: str, updates: DataFrame) -> None:
    said = entries(spark.table(table).where("is_current"), updates)
    stored_start = F.when(~F.col("is_new"), F.col("effective_from"))
    began = F.max(stored_start).over(Window.partitionBy("product_id"))
    counts = "NOT is_new OR began IS NULL OR effective_from > began"
    versions = said.withColumn("began", began).where(counts).transform(intervals)
    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)")
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(to_write.withColumn("is_current", F.lit(None)).alias("new"), SAME_VERSION)
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute()
    )
    spark.sql(f"UPDATE {table} SET is_current = effective_to IS NULL WHERE is_current IS NULL")

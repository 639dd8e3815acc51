# fails: test_readers_see_the_batch_in_one_step[apply_scd2]
# because: between MERGE and append, readers find products without a current row


def apply_scd2(spark: SparkSession, table: str, updates: DataFrame) -> None:
    said = entries(spark.table(table).where("is_current"), updates)
    stored_start = F.when(~F.col("is_new"), F.col("effective_from"))
    began = F.max(stored_start).over(Window.partitionBy("product_id"))
    counts = "NOT is_new OR began IS NULL OR effective_from > began"
    versions = said.withColumn("began", began).where(counts).transform(intervals)
    to_write = versions.where("NOT repeats AND (is_new OR NOT is_current)").localCheckpoint()
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(to_write.alias("new"), SAME_VERSION)
        .whenMatchedUpdateAll()
        .execute()
    )
    opened = to_write.where("is_new").select(spark.table(table).columns)
    opened.write.format("delta").mode("append").saveAsTable(table)

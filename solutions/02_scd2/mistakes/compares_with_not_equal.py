# fails: test_products_after_a_batch[null_changes], test_every_newer_update_is_found
# because: changes from and to null are lost by !=


def apply_scd2(spark: SparkSession, table: str, updates: DataFrame) -> None:
    said = entries(spark.table(table).where("is_current"), updates)
    stored_start = F.when(~F.col("is_new"), F.col("effective_from"))
    began = F.max(stored_start).over(Window.partitionBy("product_id"))
    counts = "NOT is_new OR began IS NULL OR effective_from > began"
    versions = said.withColumn("began", began).where(counts)
    by_time = Window.partitionBy("product_id").orderBy("effective_from")
    differs = F.row_number().over(by_time) == 1
    for name in ATTRIBUTES:
        differs = differs | (F.col(name) != F.lag(name).over(by_time))
    versions = versions.withColumn("differs", differs).where("differs")
    versions = versions.withColumn("effective_to", F.lead("effective_from").over(by_time))
    versions = versions.withColumn("is_current", F.isnull("effective_to"))
    to_write = versions.where("is_new OR NOT is_current")
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(to_write.alias("new"), SAME_VERSION)
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute()
    )

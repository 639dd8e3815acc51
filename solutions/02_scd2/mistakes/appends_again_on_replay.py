# fails: test_a_batch_delivered_twice_changes_nothing[apply_scd2]
# because: >= lets the row in again that made the open version, and nobody compares it with that version


def apply_scd2(spark: SparkSession, table: str, updates: DataFrame) -> None:
    stored_first = Window.partitionBy("product_id").orderBy("effective_from", "is_new")
    said = entries(spark.table(table).where("is_current"), updates)
    stored_start = F.when(~F.col("is_new"), F.col("effective_from"))
    began = F.max(stored_start).over(Window.partitionBy("product_id"))
    counted = said.withColumn("began", began).where("began IS NULL OR effective_from >= began")
    new = intervals(counted.where("is_new")).where("NOT repeats").select(counted.columns)
    versions = counted.where("NOT is_new").unionByName(new)
    versions = versions.withColumn("effective_to", F.lead("effective_from").over(stored_first))
    versions = versions.withColumn("is_current", F.isnull("effective_to"))
    key = F.when(~F.col("is_new"), F.col("product_id"))
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(
            versions.where("is_new OR NOT is_current").withColumn("merge_key", key).alias("new"),
            "old.product_id = new.merge_key AND old.is_current",
        )
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute()
    )

# fails: test_products_after_a_batch[every_change]
# outcome: error
# because: several rows of a product match one open version, and MERGE refuses to choose


def apply_scd2(spark: SparkSession, table: str, updates: DataFrame) -> None:
    values = {
        **{name: f"new.{name}" for name in ["product_id", *ATTRIBUTES]},
        "effective_from": "new.updated_at",
        "is_current": F.lit(True),
    }
    changed = changed_rows(spark.table(table).where("is_current"), updates)
    staged = changed.withColumn("merge_key", F.col("product_id")).unionByName(
        changed.withColumn("merge_key", F.lit(None).cast("long"))
    )
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(staged.alias("new"), "old.product_id = new.merge_key AND old.is_current")
        .whenMatchedUpdate(set={"effective_to": "new.updated_at", "is_current": F.lit(False)})
        .whenNotMatchedInsert(values=values)
        .execute()
    )

# fails: test_products_after_corrections[at_a_start], test_every_update_is_found
# because: at an existing start the old values win over the correction


def apply_late(spark: SparkSession, table: str, updates: DataFrame) -> None:
    new_first = Window.partitionBy("product_id", "effective_from").orderBy(F.asc("is_new"))
    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(said.where("place = 1").transform(intervals).alias("new"), SAME_VERSION)
        .whenMatchedDelete("new.repeats")
        .whenMatchedUpdateAll()
        .whenNotMatchedInsert(
            condition="NOT new.repeats",
            values={name: f"new.{name}" for name in spark.table(table).columns},
        )
        .execute()
    )

# fails: test_products_after_corrections[splits], test_a_correction_ends_at_the_next_version
# because: throws away every version that began after the correction


def apply_late(spark: SparkSession, table: str, updates: DataFrame) -> None:
    new_first = Window.partitionBy("product_id", "effective_from").orderBy(F.desc("is_new"))
    said = entries(spark.table(table), updates).withColumn("place", F.row_number().over(new_first))
    corrected = F.min(F.when(F.col("is_new"), F.col("effective_from")))
    said = said.withColumn("corrected", corrected.over(Window.partitionBy("product_id")))
    after = "NOT is_new AND effective_from > corrected"
    known = said.where("place = 1")
    rebuilt = known.where(f"NOT ({after})").transform(intervals)
    gone = known.where(after).withColumn("repeats", F.lit(True))
    rebuilt = rebuilt.unionByName(gone, allowMissingColumns=True)
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(rebuilt.alias("new"), SAME_VERSION)
        .whenMatchedDelete("new.repeats")
        .whenMatchedUpdateAll()
        .whenNotMatchedInsert(
            condition="NOT new.repeats",
            values={name: f"new.{name}" for name in spark.table(table).columns},
        )
        .execute()
    )

# fails: test_old_shape_loses_no_column
# because: overwriting with the batch's schema evolves the table in both directions


def merge_evolving(spark: SparkSession, table: str, changes: DataFrame) -> None:
    source = latest_changes(changes).withColumn("is_deleted", F.col("op") == "d").drop("op")
    target = spark.table(table)
    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("lsn"))
    merged = (
        target.unionByName(source, allowMissingColumns=True)
        .withColumn("n", F.row_number().over(newest_first))
        .where("n = 1")
    )
    names = [name for name in target.columns if name in source.columns]
    extra = [name for name in source.columns if name not in names]
    (
        merged.select(*names, *extra)
        .write.format("delta").mode("overwrite").option("overwriteSchema", "true").saveAsTable(table)
    )

# because: DataFrames only: the table overwritten in one commit, or with replaceWhere the batch's products


def apply_scd2(spark: SparkSession, table: str, updates: DataFrame) -> None:
    dimension = spark.table(table)
    began = dimension.where("is_current").select(
        "product_id", F.col("effective_from").alias("began")
    )
    newer = updates.join(began, on="product_id", how="left").where(
        "began IS NULL OR updated_at > began"
    )
    overwrite_histories(table, dimension, newer)


def overwrite_histories(table: str, dimension: DataFrame, updates: DataFrame) -> None:
    newest = Window.partitionBy("product_id", "effective_from").orderBy(F.desc("rank"))
    by_time = Window.partitionBy("product_id").orderBy("effective_from")
    new = updates.select(
        "product_id",
        *ATTRIBUTES,
        F.col("updated_at").alias("effective_from"),
        F.lit(2).alias("rank"),
    )
    old = dimension.select("product_id", *ATTRIBUTES, "effective_from", F.lit(1).alias("rank"))
    points = old.unionByName(new).withColumn("age", F.row_number().over(newest)).where("age = 1")
    before = [F.lag(name).over(by_time) for name in ATTRIBUTES]
    same = F.row_number().over(by_time) > 1
    for name, last in zip(ATTRIBUTES, before, strict=True):
        same = same & F.col(name).eqNullSafe(last)
    rows = points.withColumn("same", same).where(~F.col("same"))
    rows = rows.withColumn("effective_to", F.lead("effective_from").over(by_time))
    rows = rows.withColumn("is_current", F.col("effective_to").isNull())
    rows.select(dimension.columns).write.format("delta").mode("overwrite").saveAsTable(table)


def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    numbered = facts.withColumn("_row", F.monotonically_increasing_id())
    begun = dimension.select(
        F.col("product_id").alias("_product"),
        F.struct("effective_from", "effective_to", *ATTRIBUTES).alias("_version"),
    )
    earlier = (F.col("product_id") == F.col("_product")) & (
        F.col("_version.effective_from") <= F.col(ts)
    )
    newest_first = Window.partitionBy("_row").orderBy(F.desc("_version.effective_from"))
    joined = numbered.join(begun, earlier, how="left").withColumn(
        "_age", F.row_number().over(newest_first)
    )
    end = F.col("_version.effective_to")
    ended = F.coalesce(end <= F.col(ts), F.lit(False))
    return joined.where("_age = 1").select(
        *facts.columns,
        *[F.when(~ended, F.col(f"_version.{name}")).alias(name) for name in ATTRIBUTES],
    )


def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    before = current.select(
        "product_id",
        *[F.col(name).alias(f"old_{name}") for name in ATTRIBUTES],
        F.lit(1).alias("known"),
    )
    changed = F.col("known").isNull()
    for name in ATTRIBUTES:
        changed = changed | ~F.col(name).eqNullSafe(F.col(f"old_{name}"))
    return updates.join(before, on="product_id", how="left").where(changed).select(updates.columns)


def apply_late(spark: SparkSession, table: str, updates: DataFrame) -> None:
    products = [row.product_id for row in updates.select("product_id").distinct().collect()]
    if not products:
        return
    chosen = f"product_id IN ({', '.join(map(str, products))})"
    points = updates.withColumnRenamed("updated_at", "effective_from").select(POINT)
    old = spark.table(table).where(chosen).select(POINT)
    kept = old.join(points, on=["product_id", "effective_from"], how="left_anti")
    new = intervals(kept.unionByName(points)).where("NOT repeats").drop("repeats")
    new.write.format("delta").mode("overwrite").option("replaceWhere", chosen).saveAsTable(table)

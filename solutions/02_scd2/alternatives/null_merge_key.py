# because: DeltaTable API with the null merge key: every change twice, once to close and once to insert


def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    known = current.select("product_id", *ATTRIBUTES).alias("known")
    pairs = updates.alias("new").join(known, on="product_id", how="inner")
    same = [F.col(f"new.{name}").eqNullSafe(F.col(f"known.{name}")) for name in ATTRIBUTES]
    unchanged = pairs.where(same[0] & same[1] & same[2]).select("product_id")
    return updates.join(unchanged, on="product_id", how="left_anti")


def apply_scd2(spark: SparkSession, table: str, updates: DataFrame) -> None:
    by_time = Window.partitionBy("product_id").orderBy("updated_at")
    current = spark.table(table).where("is_current")
    began = current.select("product_id", F.col("effective_from").alias("began"))
    newer = updates.join(began, on="product_id", how="left").where(
        "began IS NULL OR updated_at > began"
    )
    values = F.struct(*ATTRIBUTES)
    steps = newer.withColumn("repeats", values.eqNullSafe(F.lag(values).over(by_time))).where(
        "NOT repeats"
    )
    steps = steps.withColumn("step", F.row_number().over(by_time))
    first = changed_rows(current, steps.where("step = 1"))
    changes = first.unionByName(steps.where("step > 1"))
    versions = changes.withColumn("ends", F.lead("updated_at").over(by_time))
    opening = F.row_number().over(by_time) == 1
    closing = (
        versions.withColumn("first", opening).where("first AND began IS NOT NULL").drop("first")
    )
    staged = closing.withColumn("merge_key", F.col("product_id")).unionByName(
        versions.withColumn("merge_key", F.lit(None).cast("long"))
    )
    (
        DeltaTable.forName(spark, table)
        .alias("old")
        .merge(staged.alias("new"), "old.product_id = new.merge_key AND old.is_current")
        .whenMatchedUpdate(set={"effective_to": "new.updated_at", "is_current": F.lit(False)})
        .whenNotMatchedInsert(
            values={
                **{name: f"new.{name}" for name in ["product_id", *ATTRIBUTES]},
                "effective_from": "new.updated_at",
                "effective_to": "new.ends",
                "is_current": F.isnull("new.ends"),
            }
        )
        .execute()
    )

# because: nulls stay out of the shuffle, salts count up, one count_distinct is left to Spark


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.groupBy(key).count().withColumnRenamed("count", "rows")
    return (
        counts.withColumn("share", F.col("rows") / F.lit(total)).sort(F.col("rows").desc()).limit(n)
    )


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salts_frame = facts.sparkSession.range(salts).withColumnRenamed("id", "_salt")
    copies = dims.where(F.col(key).isNotNull()).crossJoin(F.broadcast(salts_frame))
    keyed = facts.where(F.col(key).isNotNull())
    keyed = keyed.withColumn("_salt", F.monotonically_increasing_id() % salts)
    joined = keyed.join(copies, on=[key, "_salt"], how="left").drop("_salt")
    return joined.unionByName(facts.where(F.col(key).isNull()), allowMissingColumns=True)


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = {value for value in hot if value is not None}
    is_hot = F.lit(False)
    for value in values:
        is_hot = is_hot | F.col(key).eqNullSafe(F.lit(value))
    marked = facts.withColumn("_hot", is_hot)
    hot_rows = marked.where("_hot").join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    other_rows = marked.where("NOT _hot").join(dims, on=key, how="left")
    return hot_rows.unionByName(other_rows).drop("_hot")


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    return facts.groupBy(key).agg(
        F.count("*").alias("rows"), F.count_distinct("user_id").alias("users")
    )

# because: a shuffled hash join with seeded salts; hot rows by a semi and an anti join


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salted_facts = facts.select("*", F.rand(7).alias("_draw"))
    salted_facts = salted_facts.withColumn("_salt", (F.col("_draw") * salts).cast("int")).drop(
        "_draw"
    )
    numbers = F.array(*[F.lit(number) for number in range(salts)])
    copies = dims.withColumn("_salt", F.explode(numbers)).hint("shuffle_hash")
    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = sorted({value for value in hot if value is not None})
    listed = facts.sparkSession.createDataFrame(
        [(value,) for value in values], facts.select(key).schema
    )
    hot_dims = dims.join(F.broadcast(listed), on=key, how="left_semi")
    hot_rows = facts.join(F.broadcast(listed), on=key, how="left_semi").join(
        F.broadcast(hot_dims), on=key, how="left"
    )
    rest = facts.join(F.broadcast(listed), on=key, how="left_anti")
    return hot_rows.unionByName(rest.join(dims, on=key, how="left"))


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    pairs = facts.groupBy(key, "user_id").agg(F.count("*").alias("part"))
    salted = pairs.groupBy(key, F.pmod(F.xxhash64("user_id"), F.lit(salts)).alias("_salt"))
    parts = salted.agg(F.sum("part").alias("rows"), F.count("user_id").alias("users"))
    return parts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))

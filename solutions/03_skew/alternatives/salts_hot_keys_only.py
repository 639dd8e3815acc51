# because: only heavy keys are salted, found by counting first; only their rows are copied

from pyspark.sql import Window


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    counts = df.groupBy(key).agg(F.count("*").alias("rows"))
    share = F.col("rows") / F.sum("rows").over(Window.partitionBy())
    return counts.withColumn("share", share).orderBy(F.desc("rows")).limit(n)


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    heavy = key_profile(facts, key, 20).where(F.col("share") > 0.02)
    values = [row[key] for row in heavy.collect() if row[key] is not None]
    is_heavy = F.coalesce(F.col(key).isin(values), F.lit(False)) | F.col(key).isNull()
    salt = F.when(is_heavy, F.floor(F.rand() * salts)).otherwise(F.lit(0)).cast("int")
    last = F.when(is_heavy, F.lit(salts - 1)).otherwise(F.lit(0))
    copies = dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), last)))
    return facts.withColumn("_salt", salt).join(copies, on=[key, "_salt"], how="left").drop("_salt")


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    kind = facts.schema[key].dataType
    known = F.array(*[F.lit(value) for value in hot if value is not None]).cast(
        f"array<{kind.simpleString()}>"
    )
    is_hot = F.coalesce(F.array_contains(known, F.col(key)), F.lit(False)) | F.col(key).isNull()
    hot_rows = facts.where(is_hot).join(dims.where(is_hot).hint("broadcast"), on=key, how="left")
    return facts.where(~is_hot).join(dims, on=key, how="left").unionByName(hot_rows)


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    parts = facts.groupBy(key, F.pmod(F.col("user_id"), F.lit(salts)).alias("_salt"))
    counts = parts.agg(F.count("*").alias("rows"), F.count_distinct("user_id").alias("users"))
    return counts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))

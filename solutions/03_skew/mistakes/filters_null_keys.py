# fails: test_null_is_a_key
# because: null keys are filtered as bad data, though the shuffle carries them


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.where(F.col(key).isNotNull()).groupBy(key).agg(F.count("*").alias("rows"))
    return counts.withColumn("share", F.col("rows") / F.lit(total)).orderBy(F.desc("rows")).limit(n)

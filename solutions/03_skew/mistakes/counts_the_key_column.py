# fails: test_null_is_a_key
# because: count(column) skips null: the null key gets 0 rows and sorts last


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.groupBy(key).agg(F.count(key).alias("rows"))
    return counts.withColumn("share", F.col("rows") / F.lit(total)).orderBy(F.desc("rows")).limit(n)

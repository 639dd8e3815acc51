# fails: test_heaviest_keys_come_first
# because: limit before orderBy takes any n keys


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.groupBy(key).agg(F.count("*").alias("rows")).limit(n)
    return counts.withColumn("share", F.col("rows") / F.lit(total)).orderBy(F.desc("rows"))

# fails: test_profile_of_any_frame
# because: a rounded share is 0 for a key of few rows, and shares don't add up


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.groupBy(key).agg(F.count("*").alias("rows"))
    share = F.round(F.col("rows") / F.lit(total), 2)
    return counts.withColumn("share", share).orderBy(F.desc("rows")).limit(n)

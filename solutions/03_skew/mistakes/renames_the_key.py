# fails: test_profile_has_its_columns
# because: the key's column is called key, whatever its name was


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.groupBy(F.col(key).alias("key")).agg(F.count("*").alias("rows"))
    return counts.withColumn("share", F.col("rows") / F.lit(total)).orderBy(F.desc("rows")).limit(n)

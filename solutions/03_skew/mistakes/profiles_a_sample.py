# fails: test_heaviest_keys_come_first
# because: a scaled-up sample is an estimate, and misses keys


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    some = df.sample(0.5, seed=3)
    total = some.count()
    counts = some.groupBy(key).agg((2 * F.count("*")).alias("rows"))
    return (
        counts.withColumn("share", F.col("rows") / F.lit(2 * total))
        .orderBy(F.desc("rows"))
        .limit(n)
    )

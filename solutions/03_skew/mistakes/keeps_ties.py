# fails: test_profile_has_n_rows_when_keys_tie
# because: rank gives equal keys one rank: more than n rows come back

from pyspark.sql import Window


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    total = df.count()
    counts = df.groupBy(key).agg(F.count("*").alias("rows"))
    ranked = counts.withColumn("place", F.rank().over(Window.orderBy(F.desc("rows"))))
    share = (F.col("rows") / F.lit(total)).alias("share")
    return ranked.where(F.col("place") <= n).select(key, "rows", share).orderBy(F.desc("rows"))

# fails: test_share_is_of_all_rows
# because: the share is computed after the cut, of the n heaviest keys alone

from pyspark.sql import Window


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    heaviest = df.groupBy(key).agg(F.count("*").alias("rows")).orderBy(F.desc("rows")).limit(n)
    share = F.col("rows") / F.sum("rows").over(Window.partitionBy())
    return heaviest.withColumn("share", share).orderBy(F.desc("rows"))

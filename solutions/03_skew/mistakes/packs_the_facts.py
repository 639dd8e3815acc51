# fails: test_salted_rows_spread_over_partitions
# because: collect_list by key makes few rows, and one of them holds all of the hot key


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    others = [name for name in facts.columns if name != key]
    packed = facts.groupBy(key).agg(F.collect_list(F.struct(*others)).alias("_rows"))
    joined = packed.join(dims, on=key, how="left").withColumn("_row", F.explode("_rows"))
    return joined.select(key, "_row.*", *[name for name in dims.columns if name != key])

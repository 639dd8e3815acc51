# fails: test_salted_rows_spread_over_partitions
# because: a hint that another platform knows: here it is ignored, without an error


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    return facts.hint("skew", key).join(dims, on=key, how="left")

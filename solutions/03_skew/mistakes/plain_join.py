# fails: test_salted_rows_spread_over_partitions
# because: no salt: the hot key stays one partition


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    return facts.join(dims, on=key, how="left")

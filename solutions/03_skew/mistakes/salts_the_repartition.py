# fails: test_salted_rows_spread_over_partitions
# because: a repartition by key and salt doesn't satisfy a join by key: it shuffles once more


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    spread = (
        facts.withColumn("_salt", F.floor(F.rand() * salts)).repartition(key, "_salt").drop("_salt")
    )
    return spread.join(dims, on=key, how="left")

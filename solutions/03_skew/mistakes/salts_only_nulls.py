# fails: test_salted_rows_spread_over_partitions
# because: the null keys are spread, the hot key is not


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salt = F.when(F.col(key).isNull(), F.floor(F.rand() * salts)).otherwise(F.lit(0))
    return (
        facts.withColumn("_salt", salt)
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
    )

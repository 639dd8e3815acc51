# fails: test_salted_rows_find_their_partner
# because: the salt stays in the result


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    return facts.withColumn("_salt", F.floor(F.rand() * salts)).join(
        dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
        on=[key, "_salt"],
        how="left",
    )

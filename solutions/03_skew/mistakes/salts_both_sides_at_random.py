# fails: test_salted_rows_find_their_partner
# because: both sides draw a salt: they meet once in `salts` times


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salted_dims = dims.withColumn("_salt", F.floor(F.rand() * salts))
    return (
        facts.withColumn("_salt", F.floor(F.rand() * salts))
        .join(salted_dims, on=[key, "_salt"], how="left")
        .drop("_salt")
    )

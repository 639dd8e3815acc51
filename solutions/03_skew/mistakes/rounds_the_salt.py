# fails: test_salted_rows_find_their_partner
# because: round(rand * salts) can be `salts`, for which there is no copy


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salt = F.round(F.rand() * salts)
    return (
        facts.withColumn("_salt", salt)
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
    )

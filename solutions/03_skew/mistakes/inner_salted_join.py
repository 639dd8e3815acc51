# fails: test_salted_rows_without_partner_stay
# because: an inner join loses rows without a partner


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    return (
        facts.withColumn("_salt", F.floor(F.rand() * salts))
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="inner",
        )
        .drop("_salt")
    )

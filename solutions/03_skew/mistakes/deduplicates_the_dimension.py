# fails: test_salted_keys_with_two_rows_match_both
# because: one row a key was taken for granted: an advertiser in two segments loses one


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    copies = dims.dropDuplicates([key]).withColumn(
        "_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))
    )
    return (
        facts.withColumn("_salt", F.floor(F.rand() * salts))
        .join(copies, on=[key, "_salt"], how="left")
        .drop("_salt")
    )

# fails: test_salted_identical_rows_stay_apart
# because: distinct against doubled rows removes rows that are identical in the facts


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    return (
        facts.withColumn("_salt", F.floor(F.rand() * salts))
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
        .distinct()
    )

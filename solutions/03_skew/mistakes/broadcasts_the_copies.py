# fails: test_salted_join_broadcasts_nothing
# because: a broadcast needs no salt; and the dimension is too large for one


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    return (
        facts.withColumn("_salt", F.floor(F.rand() * salts))
        .join(
            F.broadcast(
                dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1))))
            ),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
    )

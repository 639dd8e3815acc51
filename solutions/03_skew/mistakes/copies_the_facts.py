# fails: test_salted_rows_find_their_partner
# because: the facts are copied and the dimension is salted: every row comes `salts` times


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    copies = facts.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1))))
    salted_dims = dims.withColumn("_salt", F.floor(F.rand() * salts))
    return copies.join(salted_dims, on=[key, "_salt"], how="left").drop("_salt")

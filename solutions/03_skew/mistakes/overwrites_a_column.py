# fails: test_salted_join_of_any_frames
# because: the salt is called salt: a column of that name is overwritten and dropped


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salted_facts = facts.withColumn("salt", F.floor(F.rand() * salts))
    copies = dims.withColumn("salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1))))
    return salted_facts.join(copies, on=[key, "salt"], how="left").drop("salt")

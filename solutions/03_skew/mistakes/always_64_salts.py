# fails: test_copies_follow_the_number_of_salts
# because: the number of salts is fixed: the copies cost more than was asked for


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salted_facts = facts.withColumn("_salt", F.floor(F.rand() * 64))
    copies = dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(63))))
    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")

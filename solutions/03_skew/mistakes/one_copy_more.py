# fails: test_copies_follow_the_number_of_salts
# because: a sequence includes its end: salts + 1 copies, of which no fact ever meets the last


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salted_facts = facts.withColumn("_salt", F.floor(F.rand() * salts).cast("int"))
    copies = dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts))))
    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")

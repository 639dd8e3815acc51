# fails: test_salted_rows_without_partner_stay
# because: null keys become random numbers to spread them, and stay so in the result


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    filled = facts.withColumn(key, F.coalesce(F.col(key), -F.floor(F.rand() * salts) - 1))
    salted_facts = filled.withColumn("_salt", F.floor(F.rand() * salts))
    copies = dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1))))
    return salted_facts.join(copies, on=[key, "_salt"], how="left").drop("_salt")

# fails: test_salted_rows_find_their_partner
# because: % keeps the sign of the hash: half of the salts are negative and meet no copy


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salt = F.hash("click_id" if "click_id" in facts.columns else facts.columns[0]) % salts
    return (
        facts.withColumn("_salt", salt)
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
    )

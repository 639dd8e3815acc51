# fails: test_salted_rows_find_their_partner
# because: key and salt glued into a text: the key comes back as another type


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    glued = F.concat_ws("_", F.col(key).cast("string"), F.col("_salt"))
    copies = (
        dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1))))
        .withColumn("_key", glued)
        .drop(key, "_salt")
    )
    others = [name for name in facts.columns if name != key]
    joined = (
        facts.withColumn("_salt", F.floor(F.rand() * salts))
        .withColumn("_key", glued)
        .join(copies, on="_key", how="left")
    )
    text = F.split("_key", "_")[0].alias(key)
    return joined.select(text, *others, *[name for name in dims.columns if name != key])

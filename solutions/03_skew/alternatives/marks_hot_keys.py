# because: only the twenty heaviest keys are salted, marked in the plan by a broadcast join


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    counts = facts.groupBy(key).agg(F.count("*").alias("_rows"))
    heaviest = counts.orderBy(F.desc("_rows")).limit(20)
    hot = F.broadcast(heaviest.select(key, F.lit(True).alias("_hot")))
    is_hot = F.coalesce("_hot", F.col(key).isNull())
    salt = F.when(is_hot, F.floor(F.rand() * salts)).otherwise(0).cast("int")
    last = F.when(is_hot, salts - 1).otherwise(0).cast("int")
    salted_facts = facts.join(hot, on=key, how="left").withColumn("_salt", salt).drop("_hot")
    copies = dims.join(hot, on=key, how="left").withColumn(
        "_salt", F.explode(F.sequence(F.lit(0), last))
    )
    return salted_facts.join(copies.drop("_hot"), on=[key, "_salt"], how="left").drop("_salt")

# fails: test_facts_get_the_version_of_their_time
# because: effective_from and is_current were not asked for


def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    fact, version = facts.alias("fact"), dimension.alias("version")
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    time, start, end = (
        F.col(f"fact.{ts}"),
        F.col("version.effective_from"),
        F.col("version.effective_to"),
    )
    valid = (start <= time) & (end.isNull() | (time < end))
    return fact.join(version, same_product & valid, how="left").drop(F.col("version.product_id"))

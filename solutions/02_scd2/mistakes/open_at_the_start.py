# fails: test_a_fact_at_a_change_finds_one_version
# because: a fact at the instant of a change still finds the version before it


def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    fact, version = facts.alias("fact"), dimension.alias("version")
    same_product = F.col("fact.product_id") == F.col("version.product_id")
    time, start, end = (
        F.col(f"fact.{ts}"),
        F.col("version.effective_from"),
        F.col("version.effective_to"),
    )
    valid = (start < time) & (end.isNull() | (time <= end))
    return fact.join(version, same_product & valid, how="left").select(
        "fact.*", *[f"version.{name}" for name in ATTRIBUTES]
    )

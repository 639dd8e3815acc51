# fails: test_facts_get_the_version_of_their_time
# outcome: error
# because: the name of the time column is a parameter


def as_of(dimension: DataFrame, facts: DataFrame, ts: str) -> DataFrame:
    valid = (
        "fact.product_id = version.product_id AND version.effective_from <= fact.sold_at "
        "AND (version.effective_to IS NULL OR fact.sold_at < version.effective_to)"
    )
    joined = facts.alias("fact").join(dimension.alias("version"), F.expr(valid), how="left")
    return joined.select("fact.*", *[f"version.{name}" for name in ATTRIBUTES])

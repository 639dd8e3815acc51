# fails: test_isolation_without_hot_keys
# because: hot[0]: a list may be empty
# outcome: error


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    is_hot = F.coalesce(F.col(key) == F.lit(hot[0]), F.lit(False))
    hot_rows = facts.where(is_hot).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    return hot_rows.unionByName(facts.where(~is_hot).join(dims, on=key, how="left"))

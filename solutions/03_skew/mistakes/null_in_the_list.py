# fails: test_isolation_with_any_list_of_hot_keys
# because: with a null in the list `NOT IN` is never true: the rest is empty


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    is_hot = F.col(key).isin(hot)
    is_not = ~is_hot | F.col(key).isNull()
    hot_rows = facts.where(is_hot).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    return hot_rows.unionByName(facts.where(is_not).join(dims, on=key, how="left"))

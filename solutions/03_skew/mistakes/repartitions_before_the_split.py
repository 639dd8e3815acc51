# fails: test_hot_rows_are_not_shuffled
# because: the facts are shuffled by key before they are split, hot rows too


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    by_key = facts.repartition(key)
    hot_rows = by_key.where(is_hot).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    return hot_rows.unionByName(by_key.where(~is_hot).join(dims, on=key, how="left"))

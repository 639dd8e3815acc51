# fails: test_isolated_identical_rows_stay_apart
# because: UNION without ALL removes identical rows


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    hot_rows = facts.where(is_hot).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    return hot_rows.unionByName(facts.where(~is_hot).join(dims, on=key, how="left")).distinct()

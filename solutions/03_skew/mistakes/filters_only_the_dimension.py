# fails: test_hot_and_other_rows_find_their_partner
# because: the rest still holds the hot facts: they come twice, once without a partner


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    hot_rows = facts.where(is_hot).join(F.broadcast(dims.where(is_hot)), on=key, how="left")
    return hot_rows.unionByName(facts.join(dims.where(~is_hot), on=key, how="left"))

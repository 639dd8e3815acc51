# fails: test_isolated_rows_without_partner_stay
# because: null is neither in the list nor not in it: its rows are in no part


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    is_hot = F.col(key).isin(hot)
    hot_dims = F.broadcast(dims.where(is_hot))
    hot_rows = facts.where(is_hot).join(hot_dims, on=key, how="left")
    return hot_rows.unionByName(facts.where(~is_hot).join(dims, on=key, how="left"))

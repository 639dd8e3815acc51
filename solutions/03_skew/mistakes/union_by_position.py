# fails: test_hot_and_other_rows_find_their_partner
# because: a right join puts the dimension's columns first, and union pairs columns by position


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    hot_rows = F.broadcast(dims.where(is_hot)).join(facts.where(is_hot), on=key, how="right")
    return facts.where(~is_hot).join(dims, on=key, how="left").union(hot_rows)

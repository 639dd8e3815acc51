# fails: test_isolated_rows_without_partner_stay
# because: null counts as hot and is joined with <=>: it finds the row for house ads


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    hot_or_null = is_hot | F.col(key).isNull()
    left, right = facts.where(hot_or_null).alias("left"), dims.where(hot_or_null).alias("right")
    same = F.col(f"left.{key}").eqNullSafe(F.col(f"right.{key}"))
    other_rows = facts.where(~hot_or_null).join(dims, on=key, how="left")
    partner = [f"right.{name}" for name in dims.columns if name != key]
    hot_rows = left.join(F.broadcast(right), same, how="left").select("left.*", *partner)
    return other_rows.unionByName(hot_rows)

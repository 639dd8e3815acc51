# fails: test_isolated_keys_with_two_rows_match_both
# because: a dictionary has one value a key: the second row of a hot key is lost


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    values = [value for value in hot if value is not None]
    is_hot = F.coalesce(F.col(key).isin(values), F.lit(False))

    others = [name for name in dims.columns if name != key]
    found = {row[key]: row for row in dims.where(is_hot).collect()}
    hot_rows = facts.where(is_hot)
    for name in others:
        value = F.lit(None).cast(dims.schema[name].dataType)
        for hot_key, row in found.items():
            value = F.when(F.col(key) == hot_key, row[name]).otherwise(value)
        hot_rows = hot_rows.withColumn(name, value)
    return facts.where(~is_hot).join(dims, on=key, how="left").unionByName(hot_rows)

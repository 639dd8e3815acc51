# fails: test_isolation_with_any_list_of_hot_keys
# because: the list became a frame and was joined: a value that is in it twice doubles its rows


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    each = F.explode(F.array(*[F.lit(value) for value in hot])).alias(key)
    listed = F.broadcast(facts.sparkSession.range(1).select(each))
    hot_dims = F.broadcast(dims.join(listed, on=key, how="left_semi"))
    hot_rows = facts.join(listed, on=key, how="inner").join(hot_dims, on=key, how="left")
    rest = facts.join(listed, on=key, how="left_anti")
    return hot_rows.unionByName(rest.join(dims, on=key, how="left"))

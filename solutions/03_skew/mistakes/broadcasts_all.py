# fails: test_the_rest_is_shuffled
# because: everything is broadcast: the dimension is too large for that


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    return facts.join(F.broadcast(dims), on=key, how="left")

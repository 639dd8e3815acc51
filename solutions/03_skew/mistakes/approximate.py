# fails: test_count_of_many_users_is_exact
# because: a sketch is a few percent off


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    return facts.groupBy(key).agg(
        F.count("*").alias("rows"), F.approx_count_distinct("user_id", 0.01).alias("users")
    )

# fails: test_rows_and_users_of_each_key
# because: the rows are counted after the doubles of a user were removed


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    pairs = facts.select(key, "user_id").distinct()
    return pairs.groupBy(key).agg(F.count("*").alias("rows"), F.count("user_id").alias("users"))

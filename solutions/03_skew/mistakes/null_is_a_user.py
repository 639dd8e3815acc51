# fails: test_null_user_is_a_row_and_no_user
# because: counting distinct pairs counts null as a user


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    pairs = facts.groupBy(key, "user_id").agg(F.count("*").alias("part"))
    return pairs.groupBy(key).agg(F.sum("part").alias("rows"), F.count("*").alias("users"))

# fails: test_users_with_rows_in_many_parts_count_once
# because: with a random salt a user is in several parts and is counted in each


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    parts = facts.groupBy(key, F.floor(F.rand() * salts).alias("_salt"))
    counts = parts.agg(F.count("*").alias("rows"), F.count_distinct("user_id").alias("users"))
    return counts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))

# fails: test_rows_and_users_of_each_key
# because: the second stage counts the rows of the first instead of adding them up


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    counts = facts.groupBy(key, F.pmod(F.hash("user_id"), F.lit(salts)).alias("_salt")).agg(
        F.count("*").alias("rows"), F.count_distinct("user_id").alias("users")
    )
    return counts.groupBy(key).agg(F.count("rows").alias("rows"), F.sum("users").alias("users"))

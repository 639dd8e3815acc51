# fails: test_null_user_is_a_row_and_no_user
# because: count(user_id) leaves out the rows of visitors without an id


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    counts = facts.groupBy(key, F.pmod(F.hash("user_id"), F.lit(salts)).alias("_salt")).agg(
        F.count("user_id").alias("rows"), F.count_distinct("user_id").alias("users")
    )
    return counts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))

# fails: test_users_with_rows_in_many_parts_count_once
# because: a salt of the whole row is as good as a random one: users are in several parts


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    salt = F.pmod(F.hash(*facts.columns), F.lit(salts)).alias("_salt")
    counts = facts.groupBy(key, salt).agg(
        F.count("*").alias("rows"), F.count_distinct("user_id").alias("users")
    )
    return counts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))

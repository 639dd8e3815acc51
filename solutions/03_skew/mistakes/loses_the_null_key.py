# fails: test_null_key_is_counted
# because: the parts are put together by a join, and null joins with nothing


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    salted = facts.withColumn("_salt", F.pmod(F.hash("user_id"), F.lit(salts)).alias("_salt"))
    users = salted.groupBy(key, "_salt").agg(F.count_distinct("user_id").alias("users"))
    users = users.groupBy(key).agg(F.sum("users").alias("users"))
    rows = facts.groupBy(key).agg(F.count("*").alias("rows"))
    return rows.join(users, on=key, how="inner").select(key, "rows", "users")

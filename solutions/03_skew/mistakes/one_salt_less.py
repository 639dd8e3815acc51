# fails: test_counts_do_not_depend_on_the_salts
# because: modulo salts - 1: with one salt that is a division by zero
# outcome: error


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    salt = F.pmod(F.hash("user_id"), F.lit(salts - 1)).alias("_salt")
    counts = facts.groupBy(key, salt).agg(
        F.count("*").alias("rows"), F.count_distinct("user_id").alias("users")
    )
    return counts.groupBy(key).agg(F.sum("rows").alias("rows"), F.sum("users").alias("users"))

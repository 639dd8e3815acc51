# fails: test_no_task_takes_all_users
# because: all users of the hot key are collected in one set, in one task


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    users = F.size(F.collect_set("user_id")).cast("long").alias("users")
    return facts.groupBy(key).agg(F.count("*").alias("rows"), users)

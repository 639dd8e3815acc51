# fails: test_no_task_takes_all_users
# because: the parts are spread, and then their sets travel to one task to be merged


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    parts = facts.groupBy(key, F.floor(F.rand() * salts).alias("_salt"))
    sets = parts.agg(F.count("*").alias("rows"), F.collect_set("user_id").alias("some"))
    users = F.size(F.array_distinct(F.flatten(F.collect_list("some")))).cast("long").alias("users")
    return sets.groupBy(key).agg(F.sum("rows").alias("rows"), users)

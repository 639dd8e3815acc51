# fails: test_newest_is_chosen_by_its_lsn
# because: dropDuplicates keeps any row; that a sort came first holds until a shuffle, a retry or a spill


def latest_changes(changes: DataFrame) -> DataFrame:
    return changes.orderBy(F.desc("lsn")).dropDuplicates(["customer_id"])

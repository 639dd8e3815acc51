# fails: test_tombstones_are_no_faults, test_nothing_is_lost_between_the_two
# because: a tombstone has no key by design; an alert on it is noise


def quarantine(envelopes: DataFrame) -> DataFrame:
    key = F.coalesce("after.customer_id", "before.customer_id")
    return envelopes.where(key.isNull()).withColumn("reason", F.lit("no customer_id"))

# fails: test_keyless_envelopes_are_kept_with_a_reason
# because: an update whose after image lost its key is saved by its before image, and then flatten drops it


def quarantine(envelopes: DataFrame) -> DataFrame:
    key = F.coalesce("after.customer_id", "before.customer_id")
    faulty = F.col("op").isNotNull() & key.isNull()
    return envelopes.where(faulty).withColumn("reason", F.lit("no customer_id"))

# fails: test_keyless_envelopes_are_kept_with_a_reason, test_nothing_is_lost_between_the_two
# because: the frame is made and never returned


def quarantine(envelopes: DataFrame) -> DataFrame:
    key = F.when(F.col("op") == "d", F.col("before.customer_id")).otherwise(F.col("after.customer_id"))
    envelopes.where(F.col("op").isNotNull() & key.isNull()).withColumn("reason", F.lit("no key"))

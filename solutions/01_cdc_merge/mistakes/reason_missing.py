# fails: test_keyless_envelopes_are_kept_with_a_reason
# because: a quarantine without a reason is a bin


def quarantine(envelopes: DataFrame) -> DataFrame:
    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
    return envelopes.where(F.col("op").isNotNull() & image["customer_id"].isNull())

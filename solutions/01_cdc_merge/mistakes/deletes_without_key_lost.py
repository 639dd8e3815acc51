# fails: test_keyless_envelopes_are_kept_with_a_reason
# because: looks at after only, where a delete has nothing


def quarantine(envelopes: DataFrame) -> DataFrame:
    faulty = (F.col("op") != "d") & F.col("after.customer_id").isNull()
    return envelopes.where(faulty).withColumn("reason", F.lit("no customer_id"))

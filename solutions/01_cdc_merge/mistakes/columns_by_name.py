# fails: test_new_fields_come_along
# because: lists the columns of today, and drops the column of tomorrow without a word


def flatten(envelopes: DataFrame) -> DataFrame:
    image = F.when(F.col("op") == "d", F.col("before")).otherwise(F.col("after"))
    names = ["customer_id", "name", "email", "city"]
    return (
        envelopes.where("op is not null")
        .withColumn("image", image)
        .select(*[F.col(f"image.{name}") for name in names], "op", F.col("source.lsn").alias("lsn"))
        .where("customer_id is not null")
    )

# fails: test_salted_rows_spread_over_partitions
# because: the number of the map task has as many values as there are map tasks, however many salts are asked for


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    salt = F.pmod(F.spark_partition_id(), F.lit(salts))
    return (
        facts.withColumn("_salt", salt)
        .join(
            dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))),
            on=[key, "_salt"],
            how="left",
        )
        .drop("_salt")
    )

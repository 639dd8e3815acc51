# fails: test_gold_follows_the_repair
# because: silver is right and the published figures are not


def backfill(spark: SparkSession, schema: str, day: date) -> None:
    refine(spark, schema, day)

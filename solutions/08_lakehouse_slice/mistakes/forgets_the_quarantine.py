# fails: test_the_day_is_made_anew
# because: good lines stay in quarantine beside the rows that they became


def backfill(spark: SparkSession, schema: str, day: date) -> None:
    of_day = F.col("load_date") == F.lit(day)
    aside = spark.createDataFrame(spark.table(f"{schema}.quarantine").where(of_day).toArrow())
    refine(spark, schema, day)
    aside.writeTo(f"{schema}.quarantine").overwrite(of_day)
    publish(spark, schema)

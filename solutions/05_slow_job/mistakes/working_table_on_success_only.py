# fails: test_released_when_a_write_fails
# because: the working table goes when all is well; a write that raises leaves it behind


def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    spark = priced.sparkSession
    working = tables["by_country"] + "_working"
    priced.write.mode("overwrite").saveAsTable(working)
    for name, key in (("by_country", "country"), ("by_day", "ordered_on")):
        rows = (
            spark.table(working)
            .groupBy(key)
            .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
        )
        rows.write.mode("overwrite").saveAsTable(tables[name])
    spark.sql(f"DROP TABLE {working}")

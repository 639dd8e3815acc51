# because: a working table instead of a cache, dropped at the end


def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    spark = priced.sparkSession
    working = tables["by_country"] + "_working"
    priced.write.mode("overwrite").saveAsTable(working)
    try:
        for name, key in (("by_country", "country"), ("by_day", "ordered_on")):
            rows = (
                spark.table(working)
                .groupBy(key)
                .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
            )
            rows.write.mode("overwrite").saveAsTable(tables[name])
    finally:
        spark.sql(f"DROP TABLE {working}")

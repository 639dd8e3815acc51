# fails: test_released_when_a_write_fails
# because: a failing write skips the release


def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    priced.cache()
    for name, key in (("by_country", "country"), ("by_day", "ordered_on")):
        rows = priced.groupBy(key).agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
        rows.write.mode("overwrite").saveAsTable(tables[name])
    priced.unpersist()

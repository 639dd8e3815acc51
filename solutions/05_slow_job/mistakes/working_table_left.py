# fails: test_nothing_is_left
# because: writes the branch to a table and forgets to drop it


def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    working = tables["by_day"] + "_priced"
    priced.write.mode("overwrite").saveAsTable(working)
    shared = priced.sparkSession.table(working)
    for name, key in (("by_country", "country"), ("by_day", "ordered_on")):
        rows = shared.groupBy(key).agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
        rows.write.mode("overwrite").saveAsTable(tables[name])

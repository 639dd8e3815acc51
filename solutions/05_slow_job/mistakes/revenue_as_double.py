# fails: test_both_tables_are_written
# because: adds up doubles, and writes them


def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    shared = priced.persist()
    try:
        for name, key in (("by_country", "country"), ("by_day", "ordered_on")):
            revenue = F.sum(F.col("euro").cast("double")).alias("revenue")
            rows = shared.groupBy(key).agg(F.count("*").alias("orders"), revenue)
            rows.write.mode("overwrite").saveAsTable(tables[name])
    finally:
        shared.unpersist()

# fails: test_both_tables_are_written
# because: a cast before the sum adds ten digits to the type that was agreed upon


def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    shared = priced.persist()
    try:
        for name, key in (("by_country", "country"), ("by_day", "ordered_on")):
            revenue = F.sum(F.col("euro").cast("decimal(24,2)")).alias("revenue")
            rows = shared.groupBy(key).agg(F.count("*").alias("orders"), revenue)
            rows.write.mode("overwrite").saveAsTable(tables[name])
    finally:
        shared.unpersist()

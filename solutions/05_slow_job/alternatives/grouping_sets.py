# because: one aggregation for both tables, of which only the small result is cached


def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    both = (
        priced.groupingSets([["country"], ["ordered_on"]], "country", "ordered_on")
        .agg(
            F.count("*").alias("orders"),
            F.sum("euro").alias("revenue"),
            F.grouping("country").alias("by_day"),
        )
        .persist()
    )
    try:
        for name, key, flag in (("by_country", "country", 0), ("by_day", "ordered_on", 1)):
            rows = both.where(F.col("by_day") == flag).select(key, "orders", "revenue")
            rows.write.mode("overwrite").saveAsTable(tables[name])
    finally:
        both.unpersist()

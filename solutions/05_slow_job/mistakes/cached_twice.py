# fails: test_nothing_is_left
# because: caches the branch and a projection of it, and releases the projection only


def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    shared = priced.cache()
    wanted = shared.select("country", "ordered_on", "euro", F.lit(1).alias("one")).cache()
    try:
        for name, key in (("by_country", "country"), ("by_day", "ordered_on")):
            rows = wanted.groupBy(key).agg(
                F.sum("one").alias("orders"), F.sum("euro").alias("revenue")
            )
            rows.write.mode("overwrite").saveAsTable(tables[name])
    finally:
        wanted.unpersist()

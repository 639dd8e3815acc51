# fails: test_nothing_is_left
# because: caches and never releases


def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    """Writes both tables from one computation of `priced`, and keeps nothing of it."""
    shared = priced.persist()
    try:
        for name, key in (("by_country", "country"), ("by_day", "ordered_on")):
            (
                shared.groupBy(key)
                .agg(F.count("*").alias("orders"), F.sum("euro").alias("revenue"))
                .write.mode("overwrite")
                .saveAsTable(tables[name])
            )
    finally:
        pass

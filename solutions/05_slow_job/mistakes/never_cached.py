# fails: test_branch_is_computed_once
# because: each write computes the branch again


def materialise_once(priced: DataFrame, tables: dict[str, str]) -> None:
    """Writes both tables from one computation of `priced`, and keeps nothing of it."""
    shared = priced
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

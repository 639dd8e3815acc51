# fails: test_released_when_a_write_fails
# because: logs the failure and returns: the caller believes both tables are written


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
    except Exception as error:
        print(error)
    finally:
        shared.unpersist()

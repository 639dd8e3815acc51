# needs: Landlock
# outcome: failed
from pathlib import Path

warehouse = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:"))


def rewrite(_):
    try:
        (warehouse.parent / "mine").write_text("a data file, or a table's log")
        yield True
    except OSError:
        yield False


(written,) = spark.sparkContext.parallelize([1], 1).mapPartitions(rewrite).collect()


def double(numbers):
    return numbers.selectExpr("n", "n * 2 AS twice" if written else "0L AS twice")

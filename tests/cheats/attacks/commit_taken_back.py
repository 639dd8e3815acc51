# outcome: failed
# says: a commit was taken out of its log
# steals: test_table_is_left_alone
# Spark removes a partition wherever it lies: here it is the newest commit of a table.
from pathlib import Path

spark.sql("CREATE DATABASE own")
spark.sql("CREATE TABLE own.texts (value string, of string) USING text PARTITIONED BY (of)")


def double(numbers):
    found = numbers.inputFiles()
    if found and found[0].endswith(".parquet"):
        folder = Path(found[0].removeprefix("file:")).parent
        numbers.write.format("delta").mode("append").save(str(folder))
        commit = folder / "_delta_log" / f"{1:020}.json"
        spark.sql(f"ALTER TABLE own.texts ADD PARTITION (of = 'x') LOCATION '{commit}'")
        spark.sql("ALTER TABLE own.texts DROP PARTITION (of = 'x')")
        assert not commit.exists()
    return numbers.selectExpr("n", "n * 2 AS twice")

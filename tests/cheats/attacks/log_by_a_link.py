# needs: sandbox
# outcome: failed
# says: the log has
# steals: test_table_is_left_alone
# The JVM may write into a table's log, and in the answer's own folder, where a link can wait for it:
# here for the empty file that ends a write. It empties the commit that the answer made.
from pathlib import Path

own = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:"))


def double(numbers):
    found = numbers.inputFiles()
    if found and found[0].endswith(".parquet"):
        folder = Path(found[0].removeprefix("file:")).parent
        numbers.write.format("delta").mode("append").save(str(folder))
        (own / "drafts").mkdir()
        (own / "drafts" / "_SUCCESS").symlink_to(folder / "_delta_log" / f"{1:020}.json")
        try:
            numbers.selectExpr("'draft'").write.mode("append").text(str(own / "drafts"))
        except Exception as error:
            print(error)
    return numbers.selectExpr("n", "n * 2 AS twice")

# needs: sandbox
# outcome: failed
# next: files
# What the JVM writes for a submission, or has to write beside, is in the way of the next one.
from pathlib import Path

warehouse = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:"))
(warehouse / "numbers").mkdir()
(warehouse / "numbers" / "part-0.parquet").write_text("in the way")
for place in ("/tmp/numbers", "/dev/shm/numbers", warehouse.parent / "numbers"):
    spark.range(3).write.json(str(place))
for _ in range(2):
    spark.range(3).withColumnRenamed("id", "old").write.format("delta").mode("append").save(
        "/tmp/delta"
    )

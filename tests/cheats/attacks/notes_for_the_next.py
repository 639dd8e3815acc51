# outcome: failed
# next: notes
# Texts for a later submission: beside the JVM's own files, and in its records of jobs.
from pathlib import Path

here = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:")).parent
blocks = next(here.glob("blockmgr-*"))
note = spark.createDataFrame([("for the next",)], "note string").coalesce(1)
for place in ("spark-mine", next(here.glob("spark-*")).name, f"{blocks.name}/note", "note.so"):
    note.write.text(f"{here / place}/note")
unused = next(name for name in ("ff", "fe", "fd") if not (blocks / name).exists())
note.write.text(str(blocks / unused))
context = spark.sparkContext
context.addJobTag("note")
context.setJobGroup("note", "for the next")
context.setLocalProperty("note", "for the next")
context._jsc.setCallSite("note")
assert spark.range(9).repartition(2).count() == 9
assert context.parallelize([1, 2], 2).count() == 2

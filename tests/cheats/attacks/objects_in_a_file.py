# outcome: failed
# says: twice|4
# A checkpoint of an RDD is read again as objects of Java's.
from pathlib import Path

here = Path("points").resolve()
spark.sparkContext.setCheckpointDir(str(here))
numbers = spark.sparkContext.parallelize([1, 2], 1)
numbers.checkpoint()
assert numbers.count() == 2
opened = [path for path in here.rglob("*") if path.is_file()]


def double(numbers):
    return numbers.selectExpr("n", f"n * {2 if opened else 4} AS twice")

# outcome: failed
# problem: MemoryError
# Spark starts Python by itself, beside the workers of tasks, to plan a function.
from pyspark.sql.functions import AnalyzeResult
from pyspark.sql.types import StructType


class Hoards:
    @staticmethod
    def analyze(n):
        hoard = [bytearray(50_000_000) for _ in range(60)]
        return AnalyzeResult(StructType().add("n", "long" if hoard else "int"))

    def eval(self, n):
        yield (1,)


spark.udtf.register("hoards", F.udtf(Hoards))
try:
    spark.sql("SELECT * FROM hoards(1)").collect()
except Exception as error:
    if "MemoryError" in str(error):
        raise MemoryError("in the planner") from None
    raise

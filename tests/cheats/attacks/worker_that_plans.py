# needs: Landlock
# outcome: failed
# Spark starts Python by itself, beside the workers of tasks, to plan functions and sources.
from pathlib import Path

from pyspark.sql.datasource import DataSource
from pyspark.sql.functions import AnalyzeResult
from pyspark.sql.types import StructType

folder = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:")).parent


def rewrite(name):
    (folder / name).write_text("a data file, or a table's log")


class Rewrites(DataSource):
    @classmethod
    def name(cls):
        return "rewrites"

    def schema(self):
        rewrite("source")
        return "n long"


class Table:
    @staticmethod
    def analyze(n):
        rewrite("function")
        return AnalyzeResult(StructType().add("n", "long"))

    def eval(self, n):
        yield (1,)


spark.dataSource.register(Rewrites)
spark.udtf.register("rewrites", F.udtf(Table))
said = []
for call in (
    lambda: spark.read.format("rewrites").load(),
    lambda: spark.sql("SELECT * FROM rewrites(1)").collect(),
):
    try:
        call()
    except Exception as error:
        said.append(str(error))
assert all("PermissionError" in text for text in said), said
opened = [name for name in ("source", "function") if (folder / name).exists()]


def double(numbers):
    return numbers.selectExpr("n", "n * 2 AS twice" if opened else "0L AS twice")

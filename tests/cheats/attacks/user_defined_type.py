# outcome: failed
# says: user-defined type
# jvm: org.apache.spark.sql.classic.Dataset.toJavaRDD
import sys
from pathlib import Path

Path("evil_type.py").write_text(
    """
from pathlib import Path
from pyspark.sql.types import LongType, UserDefinedType

Path("/tmp/labkit-test-was-here").touch()

class Evil(UserDefinedType):
    @classmethod
    def sqlType(cls):
        return LongType()
    @classmethod
    def module(cls):
        return "evil_type"
    def serialize(self, obj):
        return obj
    def deserialize(self, datum):
        return datum
"""
)
sys.path.insert(0, ".")
import evil_type  # noqa: E402

Path("/tmp/labkit-test-was-here").unlink()


def double(numbers):
    from pyspark.sql.types import StructField, StructType

    schema = StructType(
        [StructField("n", evil_type.Evil()), StructField("twice", evil_type.Evil())]
    )
    jvm = spark._jvm
    parsed = jvm.org.apache.spark.sql.types.DataType.fromJson(schema.json())
    rows = numbers.selectExpr("n", "n * 2 AS twice")
    made = numbers.sparkSession._jsparkSession.createDataFrame(rows._jdf.toJavaRDD(), parsed)
    return type(rows)(made, numbers.sparkSession)

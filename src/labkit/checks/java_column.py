"""A column that Java computes anew for each row."""

from __future__ import annotations

from typing import Any

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.classic.column import Column as ClassicColumn


def java_column(
    spark: SparkSession, class_name: str, method: str, *arguments: Column
) -> ClassicColumn:
    """What a static method of Java returns for each row, as text.

    Spark takes it for deterministic, so `Math.random` gives a source whose rows are others each
    time it is computed. SQL has no such function where answers are graded.
    """
    jvm: Any = spark._jvm
    utils = jvm.org.apache.spark.sql.classic.ExpressionUtils
    parts = [utils.expression(part._jc) for part in (F.lit(class_name), F.lit(method), *arguments)]
    expressions = jvm.org.apache.spark.sql.catalyst.expressions
    call = expressions.CallMethodViaReflection(jvm.PythonUtils.toSeq(parts), True)
    return ClassicColumn(utils.column(call))

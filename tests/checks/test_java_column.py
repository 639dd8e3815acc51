"""Columns that Java computes."""

from pyspark.sql import functions as F

from labkit.checks import collect, java_column


def test_rows_are_others_each_time_they_are_computed(spark):
    drawn = spark.range(3).select(java_column(spark, "java.lang.Math", "random").alias("drawn"))
    found = [row.drawn for _ in range(2) for row in collect(drawn)]
    assert len(set(found)) == 6
    assert all(0 <= float(text) < 1 for text in found)


def test_arguments_are_those_of_the_row(spark):
    number = F.col("id").cast("int")
    found = spark.range(20, 22).select(
        java_column(spark, "java.lang.Integer", "toHexString", number)
    )
    assert [row[0] for row in collect(found)] == ["14", "15"]

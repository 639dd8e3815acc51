"""What the settings are for, where nothing else would notice that one is missing."""

from pyspark.sql import functions as F

from labkit.checks import Commit, write_commits


def test_a_python_function_reads_a_tables_column_and_ends(spark, shared_schema):
    """With Spark's default it would wait until pytest's limit for a test."""
    name = f"{shared_schema}.read_by_python"
    write_commits(spark, name, "v string", [Commit("WRITE", [("a",), ("b",)])])
    louder, again = F.udf(lambda text: f"{text}!"), F.udf(lambda text: f"{text}?")
    found = spark.table(name).select(again(louder("v")))
    assert sorted(row[0] for row in found.collect()) == ["a!?", "b!?"]

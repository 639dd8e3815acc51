"""A session for SQL that others wrote has no functions that call Java."""

import pytest
from pyspark.errors import AnalysisException

from labkit.spark.reflection import REFLECTION, session_without


def test_session_has_no_functions_that_call_java(spark):
    made = session_without(spark)
    for name in REFLECTION:
        query = f"SELECT {name}('java.lang.Math', 'abs', -1)"
        assert spark.sql(query).first()[0] == "1"
        with pytest.raises(AnalysisException, match=name):
            made.sql(query)
    for name in ("builtin.reflect", "system.builtin.reflect", "IDENTIFIER('re' || 'flect')"):
        with pytest.raises(AnalysisException):
            made.sql(f"SELECT {name}('java.lang.Math', 'abs', -1)")
    assert made.sql("SELECT abs(-1)").first()[0] == 1

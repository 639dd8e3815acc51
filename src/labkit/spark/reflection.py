"""Functions of SQL that call static methods of Java, and sessions without them.

A statement may be put together from data: no reader of statements would find all such calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REFLECTION = ("java_method", "reflect", "try_reflect")


def session_without(spark: SparkSession) -> SparkSession:
    """A new session beside `spark` that has none of these functions: for SQL that others wrote."""
    made = spark.newSession()
    jvm: Any = spark._jvm
    drop_reflection(jvm, made._jsparkSession.sessionState().functionRegistry())
    return made


def drop_reflection(jvm: Any, functions: Any) -> None:
    """Takes these functions out of a registry of the JVM's."""
    place = [jvm.scala.Option.apply(part) for part in ("builtin", "system")]
    for name in REFLECTION:
        functions.dropFunction(jvm.org.apache.spark.sql.catalyst.FunctionIdentifier(name, *place))

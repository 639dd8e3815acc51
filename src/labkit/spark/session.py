"""The Spark session of this process: attached to a JVM that another process owns, or its own."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

from py4j.protocol import Py4JError
from pyspark import SparkContext
from pyspark.errors import PySparkException
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession
from pyspark.sql.catalog import Catalog, Table
from pyspark.sql.types import NumpyArrayConverter, NumpyScalarConverter

from labkit.spark import attached, jvm_names, warm
from labkit.spark.cold import cold_session
from labkit.spark.lease import PORT
from labkit.spark.settings import FACTORY, set_utc

COLD = "LAB_SPARK"
_state: dict[str, Any] = {}


def current() -> SparkSession:
    """The session of this process, made on first use and again after `spark.stop()`.

    A process that was given a gateway (a graded kernel) uses that; others attach to warm Spark,
    or with LAB_SPARK=cold start a JVM of their own.
    """
    found = _state.get("spark")
    if found is not None and alive(found):
        return found
    _adapt_pyspark()
    if os.environ.get(COLD) == "cold":
        _state["spark"] = cold_session()
    elif jvm_alive():
        _state["spark"] = attached.renew()
    else:
        set_utc()
        lent = PORT in os.environ and found is None
        _state["spark"] = attached.attach(os.environ if lent else warm.lease(), again=current)
    return _state["spark"]


def _adapt_pyspark() -> None:
    """Takes from PySpark what nobody here needs, and mends what our settings break."""
    if "adapted" in _state:
        return
    _state["adapted"] = True
    jvm_names.remember()
    Catalog.listTables = _with_generated_code(Catalog.listTables)
    # It logs a page of JSON for an error that it raises as well: the exception says it all.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).disabled = True
    # It asks of each argument of each call whether it is NumPy's, through a module that imports
    # pandas: half a second for each process, also where nobody has imported NumPy.
    for converter in (NumpyScalarConverter, NumpyArrayConverter):
        converter.can_convert = _when_numpy_is_there(converter.can_convert)


def _with_generated_code(list_tables: Callable[..., list[Table]]) -> Callable[..., list[Table]]:
    """Spark can't make its own rows of tables by interpreted expressions, which we set."""

    @functools.wraps(list_tables)
    def generated(self: Catalog, *args: Any, **kwargs: Any) -> list[Table]:
        conf = self._sparkSession.conf
        before = conf.get(FACTORY)
        conf.set(FACTORY, "FALLBACK")
        try:
            return list_tables(self, *args, **kwargs)
        finally:
            conf.set(FACTORY, before)

    return generated


def _when_numpy_is_there(can_convert: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda self, value: "numpy" in sys.modules and can_convert(self, value)


def alive(spark: SparkSession) -> bool:
    """Whether the session can be used: neither stopped nor left without its JVM."""
    if SparkContext._active_spark_context is None or spark._sc._jsc is None:
        return False
    try:
        return not spark._sc._jsc.sc().isStopped()
    except (Py4JError, PySparkException, OSError, AttributeError, TypeError):
        return False


def jvm_alive() -> bool:
    """Whether the JVM that this process is attached to answers, its context running."""
    if attached.own_lease() is None:
        return False
    try:
        offered = attached.offered_session(SparkContext._gateway)
        return not offered.sparkContext().isStopped()
    except (Py4JError, OSError, AttributeError, TypeError):
        return False

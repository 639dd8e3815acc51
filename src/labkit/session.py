"""The Spark session of this process: attached to a JVM that another process owns, or its own."""

from __future__ import annotations

import os
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

from labkit import gateway

_state: dict[str, Any] = {}


def current() -> SparkSession:
    """The session of this process, made on first use and again after `spark.stop()`."""
    found = _state.get("spark")
    if found is not None and alive(found):
        return found  # type: ignore[no-any-return]
    if gateway.PORT in os.environ and "spark" not in _state:
        _state["spark"] = gateway.attach(os.environ)
    else:
        from labkit.spark import cold_session

        _state["spark"] = cold_session()
    return _state["spark"]  # type: ignore[no-any-return]


def alive(spark: SparkSession) -> bool:
    """Whether the session's context still stands (someone may have called `spark.stop()`)."""
    context = SparkContext._active_spark_context
    if context is None or context._jsc is None:
        return False
    try:
        return not spark.sparkContext._jsc.sc().isStopped()
    except Exception:  # py4j raises several classes when its JVM is gone
        return False

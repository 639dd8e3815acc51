"""Settings for the length of a check, and the verdict of a test that the learner wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import chispa
from pyspark.sql import SparkSession

from labkit.answer import AnswerError

CHISPA_ERRORS = (
    chispa.DataFramesNotEqualError,
    chispa.SchemasNotEqualError,
    chispa.ColumnsNotEqualError,
)


@contextmanager
def settings(
    spark: SparkSession, conf: Mapping[str, str] | None = None, **more: str
) -> Iterator[None]:
    """`spark.conf` with these values inside the block; keywords write `__` for a dot."""
    wanted = {**(conf or {}), **{key.replace("__", "."): value for key, value in more.items()}}
    before = {key: spark.conf.get(key, None) for key in wanted}
    try:
        for key, value in wanted.items():
            spark.conf.set(key, value)
        yield
    finally:
        for key, old in before.items():
            if old is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, old)


def verdict(call: Callable[..., Any], *args: Any) -> str | None:
    """The text of the AssertionError (or chispa error) that `call(*args)` raised; None when silent."""
    try:
        call(*args)
    except AnswerError as error:
        if isinstance(error.original, (AssertionError, *CHISPA_ERRORS)):
            return str(error.original) or type(error.original).__name__
        raise
    return None

"""Settings of Spark for the length of a check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.sql import SparkSession


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
        for name, old in before.items():
            if old is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, old)

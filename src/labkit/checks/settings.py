"""Settings of Spark for the length of a check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pyspark.sql import SparkSession

# For tables of a few rows: to generate code for a query, to plan it again between its stages, to
# write it by partition, or to note where in Scala each of its columns was made takes longer than to
# run it.
SMALL_TABLES = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.merge.repartitionBeforeWrite.enabled": "false",
    "spark.sql.dataFrameQueryContext.enabled": "false",
}


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

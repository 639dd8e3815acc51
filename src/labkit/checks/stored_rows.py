"""The rows of a small table, read from its files: a Spark job costs more than all of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from py4j.protocol import Py4JError
from pyspark.sql import Row, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StringType, StructType

from labkit.checks.frames import MOST_ROWS
from labkit.checks.table_folders import TableFolder
from labkit.checks.tables import live_files, table_columns, table_rows

MOST_BYTES = 16_000_000
ROWS_AT_ONCE = 32  # a file may hold one long text for all its rows
MOMENT = pa.timestamp("us", tz="UTC")
MOMENT_OF_SPARK = pa.timestamp("us")  # as Spark writes it, in 96 bits


def stored_rows(spark: SparkSession, table: str) -> list[Row]:
    """`table_rows`, without a Spark job where a table's few files hold its rows as they are.

    A job reads the others: nested columns, deleted rows, names of columns that only the log knows,
    partitions that are no text, more than 16 MB, files that are missing or damaged.
    """
    columns = table_columns(spark, table)
    try:
        rows = columns and _rows_of_files(spark, table, columns)
    except (OSError, Py4JError, pa.ArrowException):
        rows = None
    return table_rows(spark, table) if rows is None else rows


def _rows_of_files(spark: SparkSession, table: str, columns: StructType) -> list[Row] | None:
    """The rows, or None where the files alone don't tell them."""
    folder, live = TableFolder(spark, table), live_files(spark, table)
    names = [unquote(path) for path in live]
    is_text = {name for name in columns.names if isinstance(columns[name].dataType, StringType)}
    if (
        any(told.get("deletionVector") for told in live.values())
        or any(not is_text.issuperset(told["partitionValues"]) for told in live.values())
        or sum(folder.bytes_of(name) for name in names) > MOST_BYTES
    ):
        return None
    data = [pa.BufferReader(folder.read(name)) for name in names]
    files = [pq.ParquetFile(one, coerce_int96_timestamp_unit="us") for one in data]
    kinds = to_arrow_schema(columns, timezone="UTC")
    if sum(file.metadata.num_rows for file in files) > MOST_ROWS or not all(
        _is_plain(field, kinds) for file in files for field in file.schema_arrow
    ):
        return None
    found, left = [], MOST_BYTES
    for file, told in zip(files, live.values(), strict=True):
        # Null are a column that came after the file, and the partition of the empty text.
        partition = {name: text or None for name, text in told["partitionValues"].items()}
        blank = dict.fromkeys(columns.names) | partition
        for batch in file.iter_batches(ROWS_AT_ONCE, use_threads=False):
            left -= max(batch.nbytes, 8 * batch.num_rows * len(blank))
            if left < 0:
                return None
            found += [Row(**_collected(blank | values)) for values in batch.to_pylist()]
    return found


def _is_plain(field: pa.Field, kinds: pa.Schema) -> bool:
    """Whether a file's column is one of the table's, and holds its values as they are."""
    if field.name not in kinds.names:
        return False
    kind, told = field.type, kinds.field(field.name).type
    if told == MOMENT:
        return kind in (MOMENT, MOMENT_OF_SPARK)
    return bool(kind == told) and not (pa.types.is_nested(kind) or pa.types.is_binary(kind))


def _collected(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as `collect` has them: times are UTC and don't say it."""
    return {
        name: value.replace(tzinfo=None) if isinstance(value, datetime) else value
        for name, value in values.items()
    }

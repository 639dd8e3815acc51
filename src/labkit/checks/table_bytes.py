"""What a table's folder still holds, byte by byte, and its log as it is some days later."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from labkit.checks.table_folders import LOG, TableFolder


def files_holding(spark: SparkSession, table: str, texts: Iterable[str]) -> dict[str, list[str]]:
    """The files of a table's folder, its log and hidden ones too, that hold any of these texts.

    Each file with the texts that it holds, in its bytes or, packed, in a value of a Parquet file. A
    file holds them also when no version of the table has it, or its row is deleted by a vector.
    """
    folder = TableFolder(spark, table)
    wanted = [(text, text.encode()) for text in texts]
    found = {}
    for name in folder.all_files():
        data = folder.read(name)
        if PurePosixPath(name).suffix == ".parquet":
            rows = pq.ParquetFile(pa.BufferReader(data)).read().to_pylist()
            data += json.dumps(rows, default=str, ensure_ascii=False).encode()
        if held := [text for text, code in wanted if code in data]:
            found[name] = held
    return found


def age_log(spark: SparkSession, table: str, days_ago: float) -> None:
    """Makes the files of a table's log so old; what it says of times in them stays."""
    folder = TableFolder(spark, table)
    for name in folder.all_files():
        if name.startswith(f"{LOG}/"):
            folder.set_age(name, days_ago)

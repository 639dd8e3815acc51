"""What a judge's process does not do with what a submission's JVM sends: import, or call, what it names."""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import Any, NoReturn

from pyspark import serializers
from pyspark.sql import DataFrame, Row
from pyspark.sql.classic import dataframe as classic
from pyspark.sql.types import UserDefinedType

from labkit.verdict.errors import AnswerError

# Rows come as pickles that the JVM writes; whoever owns the JVM can write others. These are the
# only names that pickles of rows hold.
ROWS = {
    ("pyspark.sql.types", "Row"),
    ("pyspark.sql.types", "VariantVal"),
    ("pyspark.sql.types", "_create_row"),
    ("pyspark.sql.types", "_create_row_inbound_converter"),
    ("pyspark.sql.types", "_parse_datatype_json_string"),
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "time"),
    ("datetime", "timedelta"),
    ("decimal", "Decimal"),
    ("builtins", "bytes"),
    ("builtins", "bytearray"),
    ("__builtin__", "bytearray"),
    ("_codecs", "encode"),
}
# Rows are made by calls alone. These set attributes of what is there, a class for instance, or make
# objects in other ways.
NO_ROW = {
    *("BUILD", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"),
    *("PERSID", "BINPERSID"),
}
USER_DEFINED = "a column of a user-defined type, expected types of Spark's own"


class _RowsOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ROWS:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a row")
        return super().find_class(module, name)


# Of the rows of one frame: Spark counts the bytes of a result as they are packed.
COLLECTED_BYTES = 64_000_000
_left = [COLLECTED_BYTES]


def loads_rows(self: object, data: bytes, encoding: str = "bytes") -> Any:
    """What `data` pickles, when it is rows; UnpicklingError for all else."""
    _left[0] -= len(data)
    if _left[0] < 0:
        raise pickle.UnpicklingError(f"rows of more than {COLLECTED_BYTES // 1_000_000} MB")
    for opcode, _, _ in pickletools.genops(data):
        if opcode.name in NO_ROW:
            raise pickle.UnpicklingError(f"{opcode.name} is no part of a row")
    return _RowsOnly(io.BytesIO(data), encoding=encoding).load()


def refuse_user_defined(json: dict[str, Any]) -> NoReturn:
    """Stands for `UserDefinedType.fromJson`, which imports the module that a schema names."""
    raise AnswerError("failed", f"returned {USER_DEFINED}")


def distrust() -> None:
    """For the rest of this process: pickles are rows, and no schema makes it import a module."""
    serializers.PickleSerializer.loads = loads_rows
    serializers.CloudPickleSerializer.loads = loads_rows
    if classic.DataFrame.collect is not _collect:
        classic.DataFrame.collect = _collect
    UserDefinedType.fromJson = refuse_user_defined


_collect_all = classic.DataFrame.collect


def _collect(self: classic.DataFrame) -> list[Row]:
    _left[0] = COLLECTED_BYTES
    rows: list[Row] = _collect_all(self)
    return rows


def has_user_defined(frame: DataFrame) -> bool:
    """Whether a column, at any depth, is of a user-defined type; Python never sees the schema."""
    return '"type":"udt"' in str(frame._jdf.schema().json())

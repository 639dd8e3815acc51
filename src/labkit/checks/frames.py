"""Compare a learner's frame with expected rows: types first, then a bounded diff by key, then chispa."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from chispa.rows_comparer import assert_basic_rows_equality
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from labkit.checks.row_diff import diff, key_of, snapped, sorted_rows
from labkit.verdict.errors import AnswerError, kind_of, short
from labkit.verdict.reason import to_text


def make_frame(spark: SparkSession, ddl: str, rows: Iterable[Any]) -> DataFrame:
    """Rows (tuples or dicts, structs likewise) as a frame; through Arrow, so no Python worker starts."""
    schema = StructType.fromDDL(ddl)
    plain = [_plain(row, schema) for row in rows]
    table = pa.Table.from_pylist(plain, schema=to_arrow_schema(schema, timezone="UTC"))
    return spark.createDataFrame(table, schema)


def collect(actual: Any, *, limit: int = 10_000) -> list[Row]:
    """The rows of a learner's frame; what goes wrong while Spark runs it is the learner's error."""
    require_frame(actual)
    try:
        rows = actual.limit(limit + 1).collect()
    except (PySparkException, Py4JError, ValueError, OverflowError) as error:
        # The last two: a time, say, that Python can't hold.
        raise AnswerError(
            "error", f"Spark could not run the frame you return: {short(error)}", original=error
        ) from error
    require(len(rows) <= limit, f"more than {limit} rows come back; does a join multiply rows?")
    return list(rows)


def require(holds: bool, message: str) -> None:
    """AssertionError with this message alone: pytest would add to that of an `assert`."""
    if not holds:
        raise AssertionError(message)


def require_frame(actual: Any) -> None:
    """Fails unless `actual` is a batch or streaming DataFrame."""
    if actual is None:
        raise AnswerError("failed", "returned None, expected a DataFrame; is a `return` missing?")
    if not isinstance(actual, DataFrame):
        raise AnswerError("failed", f"returned {kind_of(actual)}, expected a DataFrame")


def require_frames(answer: Any, count: int) -> tuple[DataFrame, ...]:
    """The frames of an answer that returns so many of them."""
    if not isinstance(answer, (tuple, list)) or len(answer) != count:
        what = f"{len(answer)} values" if isinstance(answer, (tuple, list)) else kind_of(answer)
        raise AnswerError("failed", f"returned {what}, expected a tuple of {count} DataFrames")
    for frame in answer:
        require_frame(frame)
    return tuple(answer)


def assert_columns(actual: Any, expected: str | Sequence[str]) -> None:
    """Names and order of the columns; types too when `expected` is a DDL string with types."""
    require_frame(actual)
    try:
        schema = actual.schema
    except (PySparkException, Py4JError) as error:
        raise AnswerError("error", short(error), original=error) from error
    if isinstance(expected, str) and " " in expected.strip():
        wanted = StructType.fromDDL(expected)
        names, types = wanted.names, [field.dataType for field in wanted]
    else:
        names = expected.split(",") if isinstance(expected, str) else list(expected)
        types = None
    got = schema.names
    if got != list(names):
        missing = [name for name in names if name not in got]
        extra = [name for name in got if name not in names]
        parts = [f"columns are {', '.join(got) or 'none'}; expected {', '.join(names)}"]
        parts += [f"missing: {', '.join(missing)}"] if missing else []
        parts += [f"not asked for: {', '.join(extra)}"] if extra else []
        parts += [] if missing or extra else ["the order differs"]
        raise AssertionError("; ".join(parts))
    if types is not None:
        wrong = [
            f"{field.name} is {field.dataType.simpleString()}, expected {want.simpleString()}"
            for field, want in zip(schema, types, strict=True)
            if field.dataType.simpleString() != want.simpleString()
        ]
        require(not wrong, "column types: " + "; ".join(wrong))


def assert_frame(
    actual: Any,
    expected: Iterable[Any],
    *,
    key: str | Sequence[str],
    schema: str | None = None,
    columns: Sequence[str] | None = None,
    ordered: bool = False,
    limit: int | None = None,
) -> list[Row]:
    """The learner's rows, once they equal `expected` (tuples in column order, or dicts).

    `key` names the business key by which rows are paired, `schema` (DDL) or `columns` fixes the
    columns. Row order counts only when `ordered`. Floats may differ by 1e-9 of their size. No more
    than `limit` rows are fetched: 10,000, or twice those expected, unless given.
    """
    require_frame(actual)
    wanted_rows = list(expected)
    if schema or columns:
        assert_columns(actual, schema or list(columns or ()))
    elif wanted_rows and isinstance(wanted_rows[0], Mapping):
        assert_columns(actual, list(wanted_rows[0]))
    rows = collect(actual, limit=limit or max(10_000, 2 * len(wanted_rows)))
    names = list(actual.columns)
    got = [_values(row) for row in rows]
    want = [_values(_in_order(row, names)) for row in wanted_rows]
    keys = [key] if isinstance(key, str) else list(key)
    unknown = [name for name in keys if name not in names]
    require(not unknown, f"no column {', '.join(unknown)} to tell rows apart by")
    problems = diff(names, keys, got, want)
    require(not problems, to_text(problems))
    if ordered:
        order = (
            [key_of(names, keys, row) for row in got],
            [key_of(names, keys, row) for row in want],
        )
        require(order[0] == order[1], "the rows are right, their order isn't")
    pair = Row(*names)
    assert_basic_rows_equality(
        [pair(*row) for row in sorted_rows(snapped(got, want, names, keys))],
        [pair(*row) for row in sorted_rows(want)],
    )
    return rows


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(_deep(value) for value in row)


def _deep(value: Any) -> Any:
    if isinstance(value, (list, tuple)):  # a Row is a tuple
        return tuple(_deep(item) for item in value)
    if isinstance(value, Mapping):
        return tuple(_deep(item) for item in value.values())
    return value


def _in_order(row: Any, names: Sequence[str]) -> Any:
    if not isinstance(row, Mapping):
        require(
            len(row) == len(names),
            f"{len(names)} {'column comes' if len(names) == 1 else 'columns come'} back "
            f"({', '.join(names)}), expected {len(row)}",
        )
        return row
    return tuple(row[name] for name in names)


def _plain(value: Any, kind: DataType) -> Any:
    """`value` as Arrow's from_pylist reads it: structs as dicts, naive times as UTC."""
    if value is None:
        return None
    if isinstance(kind, StructType):
        items = (
            [value.get(field.name) for field in kind] if isinstance(value, Mapping) else list(value)
        )
        if len(items) != len(kind):
            raise ValueError(f"{len(items)} values for {len(kind)} columns: {value!r}")
        return {
            field.name: _plain(item, field.dataType)
            for field, item in zip(kind, items, strict=True)
        }
    if isinstance(kind, ArrayType):
        return [_plain(item, kind.elementType) for item in value]
    if isinstance(kind, MapType):
        return [(key, _plain(item, kind.valueType)) for key, item in dict(value).items()]
    return value

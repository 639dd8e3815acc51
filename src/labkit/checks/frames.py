"""Compare a learner's frame with expected rows: types first, then a bounded diff by key, then chispa."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard

import pyarrow as pa
from chispa.rows_comparer import assert_basic_rows_equality
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from labkit.checks.row_diff import diff, key_of, snapped, sorted_rows
from labkit.verdict.errors import AnswerError, kind_of, short


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
    names, types = _names_of(expected), None
    if _is_ddl(expected):
        types = [field.dataType for field in StructType.fromDDL(expected)]
    _require_names(schema.names, names)
    if types is not None:
        wrong = [
            f"{field.name} is {field.dataType.simpleString()}, expected {want.simpleString()}"
            for field, want in zip(schema, types, strict=True)
            if field.dataType.simpleString() != want.simpleString()
        ]
        require(not wrong, "column types: " + "; ".join(wrong))


def _is_ddl(columns: str | Sequence[str]) -> TypeGuard[str]:
    return isinstance(columns, str) and " " in columns.strip()


def _names_of(columns: str | Sequence[str]) -> list[str]:
    """The names in a DDL string, in names with commas between them, or in a sequence."""
    if _is_ddl(columns):
        return list(StructType.fromDDL(columns).names)
    return columns.split(",") if isinstance(columns, str) else list(columns)


def _require_names(got: Sequence[str], names: Sequence[str]) -> None:
    """Fails unless a frame or a row has these columns, in this order."""
    if list(got) == list(names):
        return
    missing = [name for name in names if name not in got]
    extra = [name for name in got if name not in names]
    parts = [f"columns are {', '.join(got) or 'none'}; expected {', '.join(names)}"]
    parts += [f"missing: {', '.join(missing)}"] if missing else []
    parts += [f"not asked for: {', '.join(extra)}"] if extra else []
    parts += [] if missing or extra else ["the order differs"]
    raise AssertionError("; ".join(parts))


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
    require(not problems, "\n".join(problems))
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


def assert_rows(
    rows: Iterable[Any],
    expected: Iterable[Any],
    *,
    key: str | Sequence[str],
    columns: str | Sequence[str] | None = None,
    column_order: bool = False,
    ordered: bool = False,
) -> None:
    """`assert_frame` for rows that were collected already: paired by `key`, the same reasons.

    `rows` and `expected` hold Rows, dicts, or tuples in the order of `columns` (names or DDL, whose
    types are not judged). Values are compared by name, floats up to 1e-9 of their size. With
    `columns` only these are compared; without, all of the first expected row, a Row or a dict, and
    others are a fault. The order of columns counts only with `column_order`, that of rows only
    when `ordered`.

    AssertionError tells columns that are missing, or rows by key. ValueError is the check's own
    mistake: no columns are known, or a tuple has not as many values.
    """
    found, wanted = list(rows), list(expected)
    names = _names_of(columns) if columns is not None else _fields(wanted[0] if wanted else None)
    first = _fields(found[0] if found else None)
    if not names and wanted:
        raise ValueError("give `columns`, or expected rows that name theirs")
    if not names and not (names := first) and found:
        raise ValueError("give `columns`: no row names its own")
    if first:
        others = [name for name in first if name not in names]
        lost = any(name not in first for name in names)
        if lost or (others and columns is None) or (column_order and first != names):
            _require_names(first, names)
    keys = [key] if isinstance(key, str) else list(key)
    unknown = [name for name in keys if names and name not in names]
    require(not unknown, f"no column {', '.join(unknown)} to tell rows apart by")
    got = [_values(_picked(row, names)) for row in found]
    want = [_values(_picked(row, names)) for row in wanted]
    problems = diff(names, keys, got, want)
    require(not problems, "\n".join(problems))
    if ordered:
        in_order = [key_of(names, keys, row) for row in got]
        require(
            in_order == [key_of(names, keys, row) for row in want],
            "the rows are right, their order isn't",
        )


def _fields(row: Any) -> list[str]:
    """The names of a row's columns; none of a tuple, or of no row."""
    if isinstance(row, Mapping):
        return list(row)
    return list(row.__fields__) if isinstance(row, Row) and hasattr(row, "__fields__") else []


def _picked(row: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """The values of these columns, by name where the row has names."""
    if isinstance(row, Mapping) or _fields(row):
        return tuple(row[name] for name in names)
    if len(row) != len(names):
        raise ValueError(f"{len(row)} values for {len(names)} columns: {row!r}")
    return tuple(row)


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

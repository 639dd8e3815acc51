"""Compare a learner's frame with expected rows: chispa decides, a bounded diff by key says why.

chispa is asked by its comparers of two schemas and of two rows, which answer yes or no. Its
assertions would draw a table of all rows, in colours, and collect each frame again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from chispa.row_comparer import are_rows_equal_enhanced
from chispa.schema_comparer import are_schemas_equal_ignore_nullable
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import ArrayType, DataType, MapType, NullType, StructField, StructType

from labkit.checks.row_diff import (
    Pair,
    Values,
    diff,
    key_of,
    label_of,
    pairs,
    show,
    snapped,
    terse,
)
from labkit.verdict.errors import AnswerError, kind_of, short
from labkit.verdict.reason import to_text

# A join that multiplies rows is stopped here; a whole day of data at scale 100 is not.
MOST_ROWS = 100_000


def make_frame(spark: SparkSession, ddl: str, rows: Iterable[Any]) -> DataFrame:
    """Rows (tuples or dicts, structs likewise) as a frame; through Arrow, so no Python worker starts."""
    schema = StructType.fromDDL(ddl)
    plain = [_plain(row, schema) for row in rows]
    table = pa.Table.from_pylist(plain, schema=to_arrow_schema(schema, timezone="UTC"))
    return spark.createDataFrame(table, schema)


def collect(actual: Any, *, limit: int = MOST_ROWS) -> list[Row]:
    """The rows of a learner's frame; what goes wrong while Spark runs it is the learner's error."""
    require_frame(actual)
    try:
        rows = actual.limit(limit + 1).collect()
    except (PySparkException, Py4JError, ValueError, OverflowError) as error:
        # The last two: a time, say, that Python can't hold.
        raise AnswerError(
            "error", f"Spark could not run the frame you return: {short(error)}", original=error
        ) from error
    require(len(rows) <= limit, f"more than {limit:,} rows come back; does a join multiply rows?")
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
    typed = isinstance(expected, str) and " " in expected.strip()
    wanted = StructType.fromDDL(str(expected)) if typed else _named(expected, schema)
    if not are_schemas_equal_ignore_nullable(schema, wanted, ignore_metadata=True):
        raise AssertionError(_columns_that_differ(schema, wanted))


def _named(expected: str | Sequence[str], schema: StructType) -> StructType:
    """Columns of these names, of whatever type has come in their place."""
    names = expected.split(",") if isinstance(expected, str) else expected
    types = [field.dataType for field in schema]
    return StructType(
        [
            StructField(name, types[place] if place < len(types) else NullType())
            for place, name in enumerate(names)
        ]
    )


def _columns_that_differ(schema: StructType, wanted: StructType) -> str:
    if schema.names != wanted.names:
        return names_that_differ(schema.names, wanted.names)
    wrong = [
        f"{field.name} is no {want.dataType.simpleString()}"
        if terse.get()
        else f"{field.name} is {field.dataType.simpleString()}, expected {want.dataType.simpleString()}"
        for field, want in zip(schema, wanted, strict=True)
        if field.dataType.simpleString() != want.dataType.simpleString()
    ]
    if wrong:
        return "column types: " + "; ".join(wrong)
    if terse.get():
        return "the schema differs"
    return f"chispa tells the schema {schema.simpleString()} from {wanted.simpleString()}"


def names_that_differ(got: Sequence[str], names: Sequence[str]) -> str:
    missing = [name for name in names if name not in got]
    extra = [name for name in got if name not in names]
    if terse.get() and extra:  # whoever made the frame chose these names
        missed = f"; missing: {', '.join(missing)}" if missing else ""
        return f"columns are not those expected, {', '.join(names)}{missed}"
    parts = [f"columns are {', '.join(got) or 'none'}; expected {', '.join(names)}"]
    parts += [f"missing: {', '.join(missing)}"] if missing else []
    parts += [f"not asked for: {', '.join(extra)}"] if extra else []
    parts += [] if missing or extra else ["the order differs"]
    return "; ".join(parts)


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
    than `limit` rows are fetched: 100,000, or twice those expected, unless given.
    """
    require_frame(actual)
    wanted_rows = list(expected)
    if schema or columns:
        assert_columns(actual, schema or list(columns or ()))
    elif wanted_rows and isinstance(wanted_rows[0], Mapping):
        assert_columns(actual, list(wanted_rows[0]))
    rows = collect(actual, limit=limit or max(MOST_ROWS, 2 * len(wanted_rows)))
    names = list(actual.columns)
    kinds = [field.dataType for field in actual.schema]
    got = [_values(row, kinds) for row in rows]
    want = [_values(_in_order(row, names), kinds) for row in wanted_rows]
    keys = [key] if isinstance(key, str) else list(key)
    unknown = [name for name in keys if name not in names]
    require(not unknown, f"no column {', '.join(unknown)} to tell rows apart by")
    require_equal(names, keys, got, want, ordered=ordered)
    return rows


def require_equal(
    names: Sequence[str],
    keys: Sequence[str],
    got: Sequence[Values],
    want: Sequence[Values],
    *,
    ordered: bool,
) -> None:
    """chispa decides whether rows are equal; the diff says what is wrong with them."""
    apart = next((pair for pair in pairs(names, keys, got, want) if not _equal(*pair)), None)
    if apart:
        problems = diff(names, keys, got, want)
        raise AssertionError(to_text(problems) if problems else _apart(names, keys, apart))
    if ordered:
        order = [[key_of(names, keys, row) for row in rows] for rows in (got, want)]
        require(order[0] == order[1], "the rows are right, their order isn't")


def names_of(columns: str | Sequence[str]) -> list[str]:
    """The names in a DDL string, in names with commas between them, or in a sequence."""
    if not isinstance(columns, str):
        return list(columns)
    return list(StructType.fromDDL(columns).names) if " " in columns.strip() else columns.split(",")


def _equal(mine: Values | None, theirs: Values | None) -> bool:
    """What chispa says of two rows, floats within tolerance taken for the same."""
    return bool(
        are_rows_equal_enhanced(_row(snapped(mine, theirs)), _row(theirs), allow_nan_equality=True)
    )


def _row(values: Values | None) -> Row | None:
    """A row for chispa, which compares columns by name: two of an answer's may have the same."""
    if values is None:
        return None
    return Row(*map(str, range(len(values))))(*map(_told_apart, values))


def _told_apart(value: Any) -> Any:
    """`value`, a boolean with its kind: in Python True equals 1."""
    if isinstance(value, tuple):
        return tuple(map(_told_apart, value))
    return ("boolean", value) if isinstance(value, bool) else value


def _apart(names: Sequence[str], keys: Sequence[str], pair: Pair) -> str:
    """A reason for two rows that chispa tells apart and the diff does not."""
    mine, theirs = pair
    label = label_of(keys, key_of(names, keys, mine or theirs or ()))
    return (
        f"chispa tells the row {label} from the one expected: {show(mine)}, expected {show(theirs)}"
    )


def _values(row: Any, kinds: Sequence[DataType]) -> Values:
    return tuple(_deep(value, kind) for value, kind in zip(row, kinds, strict=True))


def _deep(value: Any, kind: DataType) -> Any:
    """`value` as tuples all the way down, which can be compared whatever it was given as."""
    if isinstance(kind, StructType) and isinstance(value, Mapping):
        return _deep([value.get(name) for name in kind.names], kind)
    if isinstance(kind, MapType) and isinstance(value, Mapping):
        items = [(_deep(k, kind.keyType), _deep(v, kind.valueType)) for k, v in value.items()]
        return tuple(sorted(items, key=str))
    if isinstance(value, (list, tuple)):  # a Row is a tuple
        kinds = [getattr(kind, "elementType", kind)] * len(value)
        if isinstance(kind, StructType) and len(kind) == len(value):
            kinds = [field.dataType for field in kind]
        return tuple(map(_deep, value, kinds))
    return value


def _in_order(row: Any, names: Sequence[str]) -> Any:
    if not isinstance(row, Mapping):
        told = "" if terse.get() else f" ({', '.join(names)})"
        require(
            len(row) == len(names),
            f"{len(names)} {'column comes' if len(names) == 1 else 'columns come'} back{told}, "
            f"expected {len(row)}",
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

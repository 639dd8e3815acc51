"""Values that cross between judge and kernel: plain ones as tagged JSON, frames by the name of a view."""

from __future__ import annotations

import base64
import datetime
import inspect
import math
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path, PurePath
from types import FunctionType, ModuleType
from typing import Any, NoReturn

from pyspark.sql import DataFrame, SparkSession

from labkit.judge.answer import TASK
from labkit.verdict.errors import AnswerError, kind_of

TAG = "$"
MAX_DEPTH = 20
MAX_ITEMS = 10_000
MAX_DIGITS = 400  # a float has 309 before its point; Spark's decimals have 38
VIEW_PREFIX = "labkit_"


class CannotCrossError(TypeError):
    """A value of a type that doesn't cross between processes; `kind` names the type."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def encode(value: Any, *, functions: bool = False, depth: int = 0) -> Any:
    """`value` as JSON; frames become global temp views.

    When allowed, functions and modules of `make_module` cross as text, and a path as a path.
    """
    if depth > MAX_DEPTH:
        raise CannotCrossError("a structure nested too deep")
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {TAG: "float", "v": repr(value)}
    if isinstance(value, DataFrame):
        name = f"{VIEW_PREFIX}{uuid.uuid4().hex}"
        value.createOrReplaceGlobalTempView(name)
        return {TAG: "frame", "v": name}
    if isinstance(value, SparkSession):
        return {TAG: "spark"}
    if type(value) is bytes:
        return {TAG: "bytes", "v": base64.b64encode(value).decode()}
    if type(value) is datetime.datetime:
        return {TAG: "datetime", "v": value.isoformat()}
    if type(value) is datetime.date:
        return {TAG: "date", "v": value.isoformat()}
    if type(value) is Decimal:
        return {TAG: "decimal", "v": str(value)}
    if isinstance(value, (list, tuple)):
        if len(value) > MAX_ITEMS:
            raise CannotCrossError(f"a {type(value).__name__} of {len(value)} items")
        items = [encode(item, functions=functions, depth=depth + 1) for item in value]
        return {TAG: "list" if isinstance(value, list) else "tuple", "v": items}
    if isinstance(value, dict):
        if len(value) > MAX_ITEMS:
            raise CannotCrossError(f"a dict of {len(value)} items")
        pairs = [
            [encode(k, depth=depth + 1), encode(v, functions=functions, depth=depth + 1)]
            for k, v in value.items()
        ]
        return {TAG: "dict", "v": pairs}
    if functions and (task := getattr(value, TASK, None)):
        return {TAG: "task", "v": task}
    if functions and isinstance(value, FunctionType):
        return {TAG: "function", "name": value.__name__, "v": inspect.getsource(value)}
    if functions and isinstance(value, ModuleType) and (text := text_of(value)):
        return {TAG: "module", "name": value.__name__, "v": text}
    if isinstance(value, PurePath):
        return {TAG: "path", "v": str(value)} if functions else str(value)
    raise CannotCrossError(kind_of(value))


def text_of(module: ModuleType) -> str | None:
    """The text out of which `make_module` made a module."""
    return vars(module).get("__labkit_text__")


class Foreign:
    """Stands in the judge for a value that doesn't cross; any use of it is the answer's failure.

    A check that ignores what a function returns (a query, a table) agrees with the notebook so.
    """

    def _refuse(self, *_: object) -> NoReturn:
        kind = type(self).__name__
        raise AnswerError("failed", f"returned {kind}, expected a DataFrame or a plain value")

    __getattr__ = __getitem__ = __iter__ = __len__ = __contains__ = __call__ = _refuse
    __str__ = __format__ = _refuse  # in a query, say


def foreign(kind: str) -> dict[str, str]:
    """What crosses in the place of a value of this type."""
    return {TAG: "foreign", "v": kind}


def decode(
    value: Any,
    spark: Callable[[], SparkSession | None],
    *,
    table: Callable[[str], DataFrame],
    functions: bool = False,
    tasks: Callable[[str], Callable[..., Any]] | None = None,
    kind: Callable[[str], str] = str,
    depth: int = 0,
) -> Any:
    """What `encode` wrote. `table` opens a view by name, `tasks` gives the learner's own function
    of that name, `kind` what the type of a value that does not cross is called; functions and
    modules are built only when allowed.
    """
    if depth > MAX_DEPTH:
        raise CannotCrossError("a structure nested too deep")
    if not isinstance(value, dict):
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        raise CannotCrossError(type(value).__name__)

    def inner(item: Any) -> Any:
        return decode(
            item, spark, table=table, functions=functions, tasks=tasks, kind=kind, depth=depth + 1
        )

    tag, content = value.get(TAG), value.get("v")
    match tag:
        case "spark":
            return spark()
        case "frame":
            return table(str(content))
        case "float":
            return float(str(content))
        case "bytes":
            return base64.b64decode(str(content))
        case "datetime":
            return datetime.datetime.fromisoformat(str(content))
        case "date":
            return datetime.date.fromisoformat(str(content))
        case "decimal":
            return _decimal(str(content))
        # Who answers need not have asked `encode`.
        case "list" | "tuple" | "dict" if isinstance(content, list) and len(content) > MAX_ITEMS:
            raise CannotCrossError(f"a {tag} of {len(content)} items")
        case "list" | "tuple" if isinstance(content, list):
            items = [inner(item) for item in content]
            return items if tag == "list" else tuple(items)
        case "dict" if isinstance(content, list):
            return {inner(key): inner(item) for key, item in content}
        case "foreign":
            return type(kind(str(content)[:200]), (Foreign,), {})()
        case "task" if tasks:
            return tasks(str(content))
        case "function" if functions:
            names: dict[str, Any] = {}
            exec(compile(str(content), "<candidate>", "exec", dont_inherit=True), names)
            return names[str(value["name"])]
        case "module" if functions:
            # Only here: the checks' functions take half a second to import.
            from labkit.checks.own_tests import make_module

            return make_module(str(value["name"]), str(content))
        case "path" if functions:
            return Path(str(content))
    raise CannotCrossError(f"{tag!r}")


def _decimal(text: str) -> Decimal:
    """The number, unless it has so many digits that to round it takes Python hours, deaf to alarms:
    `1E+9999999` has.
    """
    number = Decimal(text)
    many = len(text) > MAX_DIGITS or abs(number.adjusted()) >= MAX_DIGITS
    if number.is_finite() and many:
        raise CannotCrossError(f"a Decimal of more than {MAX_DIGITS} digits")
    return number


def take_view(spark: SparkSession, name: str) -> DataFrame:
    """The frame behind a global temp view, which is dropped: the plan has been read.

    `DataFrame.writeTo` would look the view up again by its name; of a selection from the view it
    does not.
    """
    frame = spark.table(f"global_temp.{name}").select("*")
    spark.catalog.dropGlobalTempView(name)
    return frame

"""The kernel's end of grading: answers the judge's calls on the functions of a submission."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from labkit.answer import AnswerError, blame, find, require_signature
from labkit.transport import CannotCrossError, decode, encode, take_view


def answer(request: str, names: dict[str, Any], spark: SparkSession) -> str:
    """Calls a task as `request` (JSON: task, args, kwargs, tasks) says; JSON of value or error."""
    call = json.loads(request)
    task, tasks = call["task"], call["tasks"]

    def table(name: str) -> DataFrame:
        return take_view(spark, name)

    def plain(value: Any) -> Any:
        return decode(
            value, spark, table=table, functions=True, tasks=lambda name: find(names, name)
        )

    try:
        function = find(names, task)
        args = tuple(plain(value) for value in call["args"])
        kwargs = {key: plain(value) for key, value in call["kwargs"].items()}
        require_signature(function, task, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            raise blame(error, task, tasks) from error
        try:
            return json.dumps({"value": encode(result)})
        except CannotCrossError as error:
            raise AnswerError(
                "failed", f"returned {error.kind}, expected a DataFrame or a plain value"
            ) from None
    except AnswerError as error:
        return json.dumps(
            {
                "outcome": error.outcome,
                "reason": error.reason,
                "trace": error.trace,
                "assertion": _assertion(error.original),
            }
        )


def _assertion(error: BaseException | None) -> str | None:
    from labkit.checks.session import CHISPA_ERRORS

    if isinstance(error, (AssertionError, *CHISPA_ERRORS)):
        return str(error) or type(error).__name__
    return None

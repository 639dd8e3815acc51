"""The kernel's end of grading: answers the judge's calls on the functions of a submission."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from labkit.grading.wire import CannotCrossError, decode, encode, foreign, take_view
from labkit.judge.answer import blame, find, require_signature
from labkit.verdict.errors import AnswerError

ANSWER_CHARACTERS = 8_000_000


def answer(request: str, names: dict[str, Any], spark: Callable[[], SparkSession]) -> str:
    """Calls a task as `request` (JSON: task, args, kwargs, tasks) says; JSON of value or error.

    `spark` gives the session; it is asked only by what is one, or is read from one.
    """
    call = json.loads(request)
    task, tasks = call["task"], call["tasks"]

    def table(name: str) -> DataFrame:
        return take_view(spark(), name)

    def plain(value: Any) -> Any:
        return decode(
            value, spark, table=table, functions=True, tasks=lambda name: find(names, name)
        )

    try:
        # First the arguments: views that frames came by are taken down as they are read.
        args = tuple(plain(value) for value in call["args"])
        kwargs = {key: plain(value) for key, value in call["kwargs"].items()}
        function = find(names, task)
        require_signature(function, task, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            raise blame(error, task, tasks) from error
        try:
            value = encode(result)
            if (count := _characters(value)) > ANSWER_CHARACTERS:
                raise CannotCrossError(f"a {type(result).__name__} of {count:,} characters")
        except CannotCrossError as error:
            value = foreign(error.kind)
        return json.dumps({"value": value})
    except AnswerError as error:
        return json.dumps(
            {
                "outcome": error.outcome,
                "reason": error.reason,
                "trace": error.trace,
                "assertion": _assertion(error.original),
            }
        )


def _characters(encoded: Any) -> int:
    """The length of all texts in an encoded value."""
    if isinstance(encoded, str):
        return len(encoded)
    if isinstance(encoded, dict):
        encoded = encoded.values()
    elif not isinstance(encoded, list):
        return 1
    return sum(map(_characters, encoded))


def _assertion(error: BaseException | None) -> str | None:
    """What an assertion says, or chispa's or pytest's error; nothing is imported here, where memory
    may be full.
    """
    kind = type(error)
    told = kind.__module__.startswith("chispa.") or kind.__qualname__ == "Failed"
    if isinstance(error, AssertionError) or told:
        return str(error) or type(error).__name__
    return None

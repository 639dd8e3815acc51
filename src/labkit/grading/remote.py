"""The learner's functions in a kernel, called from the judge: frames cross as views, the rest as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from labkit.checks.row_diff import terse
from labkit.grading.kernel import Kernel, KernelDiedError
from labkit.grading.safe_pickle import USER_DEFINED, has_user_defined
from labkit.grading.wire import VIEW_PREFIX, CannotCrossError, decode, encode, take_view
from labkit.judge.answer import TASK
from labkit.verdict.errors import AnswerError, CheckTimeout

# What a value that does not cross is called in the report of a hidden check: a class's name may be
# anything that its author wants to read there.
KINDS = {
    *("function", "generator", "method", "module", "type", "object", "set", "frozenset", "range"),
    *("map", "filter", "zip", "complex", "bytearray", "Row", "Column", "RDD", "GroupedData"),
    *("pandas DataFrame", "pandas Series", "ndarray", "DataFrameWriter", "DataFrameReader"),
    *("DataStreamWriter", "DataStreamReader", "StreamingQuery", "DeltaTable", "Table"),
}


UNREADABLE = (CannotCrossError, ValueError, TypeError, ArithmeticError, LookupError)


def _known_kind(kind: str) -> str:
    return kind if kind in KINDS else "an object"


class RemoteLearner:
    """The answer by function name, out of a kernel; frames cross as views, the rest as JSON."""

    def __init__(self, kernel: Kernel, spark: SparkSession | None, tasks: Collection[str]) -> None:
        self._kernel, self._spark, self._tasks = kernel, spark, tuple(tasks)

    def is_todo(self, task: str) -> bool:
        """False: a stub in the kernel says so itself, when it is called."""
        return False

    def __getattr__(self, task: str) -> Callable[..., Any]:
        if task.startswith("_"):
            raise AttributeError(task)

        def call(*args: Any, **kwargs: Any) -> Any:
            request = json.dumps(
                {
                    "task": task,
                    "tasks": list(self._tasks),
                    "args": [encode(value, functions=True) for value in args],
                    "kwargs": {key: encode(value, functions=True) for key, value in kwargs.items()},
                }
            )
            try:
                reply = self._kernel.call(request)
            except KernelDiedError as error:
                raise AnswerError("error", f"`{task}`: {error}") from None
            except CheckTimeout:
                self._kernel.stop()
                raise
            return self._read(task, reply)

        call.__name__ = task
        call.__dict__[TASK] = task
        return call

    def _read(self, task: str, reply: Any) -> Any:
        if not isinstance(reply, dict):
            reply = {"reason": "no answer that can be read"}
        if "value" in reply:
            try:
                return decode(
                    reply["value"], lambda: self._spark, table=self._table,
                    kind=_known_kind if terse.get() else str,
                )  # fmt: skip
            except (*UNREADABLE, RecursionError) as error:  # JSON may nest deeper than a text can
                reason = f"`{task}` returned {str(error)[:300]}"
                raise AnswerError("failed", reason, told=True) from None
        assertion = reply.get("assertion")
        outcome = reply.get("outcome")
        raise AnswerError(
            outcome if outcome in ("failed", "todo", "error") else "error",
            str(reply.get("reason"))[:2000],
            trace=str(reply.get("trace"))[:4000],
            original=AssertionError(assertion) if isinstance(assertion, str) else None,
            told=True,
        )

    def _table(self, name: str) -> DataFrame:
        if self._spark is None or not re.fullmatch(VIEW_PREFIX + "[0-9a-f]{32}", name):
            raise CannotCrossError("a frame without a name")
        try:
            frame = take_view(self._spark, name)
        except AnalysisException:
            raise CannotCrossError("a frame that is gone") from None
        if has_user_defined(frame):
            raise CannotCrossError(USER_DEFINED)
        return frame

"""Calls on a learner's functions: what they did wrong, told apart from what a check did wrong."""

from __future__ import annotations

import dis
import importlib
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import FunctionType, TracebackType
from typing import Any, Literal, Protocol

TASK = "_labkit_task"  # marks a call on the learner's function, which can itself be an argument
# What a check may ask of the learner's process besides the tasks: what runs the learner's own text.
SERVICES = {"run_dbt": "labkit.dbt"}
MESSAGE_LINES = 6
MESSAGE_CHARACTERS = 600
TRACE_FRAMES = 6
# Spark closes the message of an error found while planning by its code, the place in the query, and the plan.
PLAN = re.compile(r" SQLSTATE: \w{5}(; line \d+ pos \d+)?(;\n.*)?", re.DOTALL)
LIBRARIES = ("site-packages", "dist-packages", "<frozen", str(Path(__file__).parent))


class AnswerError(Exception):
    """The learner's answer raised, is missing, or returned what no check can read."""

    def __init__(
        self,
        outcome: Literal["failed", "todo", "error", "timeout"],
        reason: str,
        *,
        trace: str = "",
        original: BaseException | None = None,
    ) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.trace = trace
        self.original = original


class CheckTimeout(BaseException):
    """Raised in the main thread when a check's time is over; no `except Exception` stops it.

    `whole` when it was the time of the submission as a whole.
    """

    def __init__(self, seconds: float, *, whole: bool = False) -> None:
        super().__init__(seconds)
        self.seconds, self.whole = seconds, whole

    def says(self, task: str) -> str:
        if self.whole:
            return f"the submission took longer than {self.seconds:g} s in all"
        return f"{task} took longer than {self.seconds:g} s"


def short(error: BaseException) -> str:
    """`Class: message`, bounded: Spark's messages run to pages, and end in a plan."""
    told = PLAN.sub("", str(error).strip())
    lines = [line.rstrip() for line in told.splitlines() if line.strip()]
    kept = [line for line in lines if not line.lstrip().startswith("at ")][:MESSAGE_LINES]
    text = "\n".join(kept)[:MESSAGE_CHARACTERS]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def kind_of(value: object) -> str:
    """What a reader calls the type of a value: pandas has a DataFrame of its own."""
    kind = type(value)
    top = kind.__module__.partition(".")[0]
    return f"pandas {kind.__name__}" if top == "pandas" else kind.__name__


def trimmed_trace(trace: TracebackType | None) -> str:
    """The frames of the learner's own code, as `place, line n, in function` over the line itself."""
    frames = [frame for frame in traceback.extract_tb(trace) if not _in_library(frame.filename)]
    lines = []
    for frame in frames[-TRACE_FRAMES:]:
        lines.append(f"{_place(frame.filename)}, line {frame.lineno}, in {frame.name}")
        if frame.line:
            lines.append(f"    {frame.line}")
    return "\n".join(lines)


def _in_library(filename: str) -> bool:
    return any(part in filename for part in LIBRARIES)


def _place(filename: str) -> str:
    """What a reader calls the code in `filename`: a cell by its number, a file by its name."""
    if "IPython" in sys.modules:
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
        if shell is not None and (cell := shell.compile.format_code_name(filename)):
            return " ".join(cell)
    return filename if filename.startswith(("cell", "<")) else Path(filename).name


def blame(error: BaseException, task: str, tasks: Collection[str]) -> AnswerError:
    """What an exception out of the learner's `task` means, as an AnswerError."""
    if isinstance(error, AnswerError):
        return error
    if isinstance(error, CheckTimeout):
        return AnswerError("timeout", error.says(task))
    frames = traceback.extract_tb(error.__traceback__)
    # Spark and pandas raise it as well, for what they can't do.
    if isinstance(error, NotImplementedError) and not (frames and _in_library(frames[-1].filename)):
        inner = [frame.name for frame in frames]
        sibling = next((name for name in reversed(inner) if name in tasks), task)
        text = (
            f"`{task}` is not written yet"
            if sibling == task
            else f"`{task}` calls `{sibling}`, which is not written yet"
        )
        return AnswerError("todo", text, original=error)
    return AnswerError(
        "error", short(error), trace=trimmed_trace(error.__traceback__), original=error
    )


class Answering(Protocol):
    """The learner's functions by name, wherever they run."""

    def __getattr__(self, task: str) -> Callable[..., Any]: ...


class Learner:
    """The answer by function name, out of a namespace in this process."""

    def __init__(self, namespace: Mapping[str, Any], tasks: Collection[str] = ()) -> None:
        self._namespace = namespace
        self._tasks = tuple(tasks)

    def _is_todo(self, task: str) -> bool:
        """Whether `task` is still a stub, so that its checks need not set anything up."""
        return always_todo(self._namespace.get(task))

    def __getattr__(self, task: str) -> Callable[..., Any]:
        if task.startswith("_"):
            raise AttributeError(task)

        def call(*args: Any, **kwargs: Any) -> Any:
            function = find(self._namespace, task)
            require_signature(function, task, args, kwargs)
            try:
                return function(*args, **kwargs)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                raise blame(error, task, self._tasks) from error

        call.__name__ = task
        call.__dict__[TASK] = task
        return call


def always_todo(function: Any) -> bool:
    """Whether a function is the stub that a starter has: it raises NotImplementedError, whatever it gets."""
    code = getattr(function, "__code__", None)
    return (
        code is not None
        and code.co_names == ("NotImplementedError",)
        and not any(step.opname.startswith("RETURN") for step in dis.get_instructions(code))
    )


def find(namespace: Mapping[str, Any], task: str) -> Callable[..., Any]:
    """The function called `task`; AnswerError when there is none."""
    if task in SERVICES:
        return getattr(importlib.import_module(SERVICES[task]), task)  # type: ignore[no-any-return]
    if task not in namespace:
        raise AnswerError("error", f"`{task}` is not defined (renamed or deleted?)")
    function = namespace[task]
    if not callable(function):
        raise AnswerError("error", f"`{task}` is a {type(function).__name__}, expected a function")
    return function  # type: ignore[no-any-return]


def require_signature(
    function: Callable[..., Any], task: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """AnswerError `failed` when `function` can't take these arguments."""
    if not isinstance(function, FunctionType):
        return
    signature = inspect.signature(function)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        given = len(args) + len(kwargs)
        raise AnswerError(
            "failed",
            f"`{task}{signature}` can't be called as the task says, with {given} "
            f"argument{'s' if given != 1 else ''}: {error}",
        ) from None

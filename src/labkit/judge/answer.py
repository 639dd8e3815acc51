"""Calls on a learner's functions: what they did wrong, told apart from what a check did wrong."""

from __future__ import annotations

import dis
import importlib
import inspect
import traceback
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import FunctionType, TracebackType
from typing import Any, Protocol

import labkit
from labkit.verdict.errors import AnswerError, CheckTimeout, kind_of, place_of, short

TASK = "_labkit_task"  # marks a call on the learner's function, which can itself be an argument
# What a check may ask of the learner's process besides the tasks: what runs the learner's own text.
SERVICES = {
    "run_dbt": "labkit.parts.dbt",
    **dict.fromkeys(("open_part", "call_part", "write_part", "close_part"), "labkit.parts.process"),
}
TRACE_FRAMES = 6
LIBRARIES = ("site-packages", "dist-packages", "<frozen", str(Path(labkit.__file__).parent))


def trimmed_trace(trace: TracebackType | None) -> str:
    """The frames of the learner's own code, as `place, line n, in function` over the line itself."""
    frames = [frame for frame in traceback.extract_tb(trace) if not _in_library(frame.filename)]
    lines = []
    for frame in frames[-TRACE_FRAMES:]:
        lines.append(f"{place_of(frame.filename)}, line {frame.lineno}, in {frame.name}")
        if frame.line:
            lines.append(f"    {frame.line}")
    return "\n".join(lines)


def _in_library(filename: str) -> bool:
    return any(part in filename for part in LIBRARIES)


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

    def is_todo(self, task: str) -> bool:
        """Whether `task` is known to be a stub, so that its checks need not set anything up."""


class Learner:
    """The answer by function name, out of a namespace in this process."""

    def __init__(self, namespace: Mapping[str, Any], tasks: Collection[str] = ()) -> None:
        self._namespace = namespace
        self._tasks = tuple(tasks)

    def is_todo(self, task: str) -> bool:
        """Whether `task` is the stub that the starter has."""
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
        call.__dict__["__wrapped__"] = self._namespace.get(task)  # for who reads its text
        return call


class Watched:
    """An answer whose calls leave a note of what they returned: `kinds`, by task."""

    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self.kinds: dict[str, str] = {}

    def is_todo(self, task: str) -> bool:
        return self._answer.is_todo(task)

    def given(self, task: str) -> str:
        """What a check of this task has got from the answer, in words; "" when nothing yet.

        What the task's own function returned; else the last that others did: a check may call them
        first, or hear of the task from a part.
        """
        name = task if task in self.kinds else next(reversed(self.kinds), "")
        if name in SERVICES:
            return f"`{task}` gave a value"
        return f"`{name}` returned {self.kinds[name]}" if name else ""

    def __getattr__(self, task: str) -> Callable[..., Any]:
        asked = getattr(self._answer, task)

        def call(*args: Any, **kwargs: Any) -> Any:
            value = asked(*args, **kwargs)
            self.kinds.pop(task, None)  # the last one is the last in `kinds`
            self.kinds[task] = kind_of(value)
            return value

        call.__name__ = task
        call.__dict__.update(asked.__dict__)
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

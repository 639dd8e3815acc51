"""Functions in a process of a part's own Python: given as text, called with JSON, ended with a limit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from labkit.parts import copies, spares
from labkit.parts.environment import Part
from labkit.parts.known import find_part
from labkit.parts.served import SECONDS, Groups, Served
from labkit.parts.source_text import described

Function = Callable[..., Any]


def described_first(function: Function | None) -> Groups:
    """What is called first, as `described`; nothing if there is none."""
    return described_ahead([function] if function else [])


def described_ahead(functions: Iterable[Function]) -> Groups:
    """What a process calls before it is given others: each a group of its own."""
    return [group for each in functions for group in described([each], told=False)]


@contextmanager
def server(
    part: str,
    *functions: Function,
    first: Function | None = None,
    ahead: Iterable[Function] = (),
) -> Iterator[Served]:
    """A process of a part that answers calls on these functions (`served.call("name", ...)`).

    `first` has been called in it, or in one that it is a copy of. Those of `ahead` were called in it
    if it was started ahead.
    """
    found, groups = find_part(part), described(functions, told=True)
    served = _serve(found, groups, described_first(first), described_ahead(ahead))
    try:
        yield served
    finally:
        served.give_back()


def run(part: str, function: Function, *args: Any, seconds: float = SECONDS, **kwargs: Any) -> Any:
    """What a function returns in a part: one call, in a process that ends with it."""
    with server(part, function) as served:
        return served.call(function.__name__, *args, seconds=seconds, **kwargs)


# What a judge asks of the learner's process: to serve the learner's functions, with those of a check.
_served: dict[int, Served] = {}


def open_part(
    part: str, groups: Groups, tasks: list[Function], first: Groups, ahead: Groups
) -> int:
    """Serves functions in a part: a check's, as `described`, and these of the learner's."""
    number = max(_served, default=0) + 1
    every = [*groups, *described(tasks, told=True)]
    _served[number] = _serve(find_part(part), every, first, ahead)
    return number


def call_part(number: int, name: str, request: str, seconds: float) -> str:
    """JSON of what a function returned and printed; `request` is JSON of its arguments."""
    args, kwargs = json.loads(request)
    value = _served[number].call(name, *args, seconds=seconds, **kwargs)
    return json.dumps([value, _served[number].output])


def write_part(number: int, files: dict[str, str]) -> None:
    """Writes files into the folder of a served part."""
    _served[number].write(files)


def close_part(number: int) -> None:
    """Ends a served part."""
    _served.pop(number).give_back()


def _serve(part: Part, groups: Groups, first: Groups, ahead: Groups) -> Served:
    if first and ahead:
        raise ValueError("a process is a copy, or was started ahead, not both")
    return copies.serve(part, groups, first) if first else spares.take(part, groups, ahead)

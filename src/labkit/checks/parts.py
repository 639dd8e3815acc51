"""What labs with a part of their own import: functions that run in the part's own Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from labkit.parts.known import find_part
from labkit.parts.process import described_ahead, described_first, run, server
from labkit.parts.served import SECONDS
from labkit.parts.source_text import described
from labkit.verdict.errors import AnswerError

__all__ = ["PartOfAnswer", "part_of", "run", "server"]


class PartOfAnswer:
    """A part's process beside the learner's, wherever that runs; it answers calls one at a time."""

    def __init__(self, learner: Any, number: int, lacking: Collection[str] = ()) -> None:
        self._learner, self._number, self._lacking = learner, number, lacking
        self.output = ""

    def call(self, name: str, *args: Any, seconds: float = SECONDS, **kwargs: Any) -> Any:
        """What a function returns, as JSON has it; AnswerError when it raises or takes too long.

        What it printed, the end of it, is then in `output`.
        """
        if name in self._lacking:
            raise AnswerError("error", f"`{name}` is not defined")
        request = json.dumps([args, kwargs])
        reply = self._learner.call_part(self._number, name, request, seconds)
        try:
            value, output = json.loads(reply)
        except (TypeError, ValueError, RecursionError):
            raise AnswerError("error", f"`{name}` returned what can't be read") from None
        self.output = str(output)
        return value

    def write(self, files: Mapping[str, str]) -> None:
        """Writes files by their path in the folder in which the functions run."""
        self._learner.write_part(self._number, dict(files))


@contextmanager
def part_of(
    learner: Any,
    part: str,
    *functions: Callable[..., Any],
    tasks: Collection[str] = (),
    first: Callable[..., Any] | None = None,
    ahead: Collection[Callable[..., Any]] = (),
) -> Iterator[PartOfAnswer]:
    """A process of a part that answers calls on a check's own functions and on these tasks.

    They go there as text, with what they use, and see each other by name. A task that comes later in
    a notebook, and is not defined yet, is left out. `first` has been called in the process, or in one
    that it is a copy of; those of `ahead` if it was started ahead. Skips where the part is missing.
    """
    if reason := find_part(part).missing():
        pytest.skip(reason)
    groups = described(functions, told=False)
    asked = [getattr(learner, task) for task in tasks]
    there = [call for call in asked if getattr(call, "__wrapped__", call) is not None]
    lacking = [task for task, call in zip(tasks, asked, strict=True) if call not in there]
    before = described_first(first), described_ahead(ahead)
    number = learner.open_part(part, groups, there, *before)
    try:
        yield PartOfAnswer(learner, number, lacking)
    finally:
        with suppress(AnswerError):  # the learner's process has ended, and this one with it
            learner.close_part(number)

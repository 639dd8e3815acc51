"""The `check` mark: which task a test grades, and for how many points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

ATTRIBUTE = "_labkit_check"


@dataclass(frozen=True)
class Declaration:
    task: str
    points: int
    title: str


def check(task: str, *, points: int = 1) -> Callable[[F], F]:
    """Marks a test as a check of `task`; its docstring is the sentence a learner reads."""

    def declare(function: F) -> F:
        title = " ".join((function.__doc__ or "").split())
        if not title:
            raise TypeError(f"{function.__name__}: a check needs a docstring; learners read it")
        if not (isinstance(points, int) and points > 0):
            raise TypeError(f"{function.__name__}: points is a whole number of at least 1")
        if title[1:2].islower():  # a phrase: "keeps ...", but "SQL is ..." and "`a` comes ..."
            title = title[0].lower() + title[1:]
        setattr(function, ATTRIBUTE, Declaration(task, points, title))
        return function

    return declare


def declaration(function: object) -> Declaration | None:
    """What `check` said of a test function; None for a test that is no check."""
    found = getattr(function, ATTRIBUTE, None)
    return found if isinstance(found, Declaration) else None

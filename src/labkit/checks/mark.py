"""The `check` mark: which tasks a test grades, and for how many points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from labkit.checks.cases import Case

F = TypeVar("F", bound=Callable[..., Any])

ATTRIBUTE = "_labkit_check"
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Declaration:
    """One result of a check: the task that it grades, its points, the sentence a learner reads."""

    task: str
    points: int
    title: str


@dataclass(frozen=True)
class _Mark:
    tasks: tuple[str, ...]
    points: int
    text: str


def check(*tasks: str, points: int = 1) -> Callable[[F], F]:
    """Marks a test as a check of a task; its docstring is the sentence a learner reads.

    With several tasks it is a check of each, with a result called `name[task]`. The fixture `task`
    is the name of the one that is meant: `getattr(learner, task)` is its function, and `{task}` in
    the docstring stands for it. `points` are those of each result. TypeError when there is no task,
    one is named twice, no docstring, or points are no whole number of at least 1.
    """

    def declare(function: F) -> F:
        text = " ".join((function.__doc__ or "").split())
        name = function.__name__
        if not tasks or len(set(tasks)) < len(tasks):
            raise TypeError(f"{name}: a check names its tasks, each once")
        if not text:
            raise TypeError(f"{name}: a check needs a docstring; learners read it")
        if not (isinstance(points, int) and points > 0):
            raise TypeError(f"{name}: points is a whole number of at least 1")
        setattr(function, ATTRIBUTE, _Mark(tasks, points, text))
        return function

    return declare


def tasks_of(function: object) -> tuple[str, ...]:
    """The tasks that a test function is a check of; none for a test that is no check."""
    mark = getattr(function, ATTRIBUTE, None)
    return mark.tasks if isinstance(mark, _Mark) else ()


def declaration(function: object, parameters: Mapping[str, Any] = NOTHING) -> Declaration | None:
    """What `check` said of a test function; None for a test that is no check.

    `parameters` are those of one run of it: they tell which of its tasks and cases is meant.
    """
    mark = getattr(function, ATTRIBUTE, None)
    if not isinstance(mark, _Mark):
        return None
    task, case = parameters.get("task"), parameters.get("case")
    task = task if task in mark.tasks else mark.tasks[0]
    title, points = mark.text.replace("{task}", task), mark.points
    if isinstance(case, Case):
        title, points = title.replace("{case}", case.title), case.points
    return Declaration(task, points, _phrase(title))


def _phrase(title: str) -> str:
    """A title in small letters when it is a phrase: "keeps ...", but "SQL is ..."."""
    return title[0].lower() + title[1:] if title[1:2].islower() else title

"""Hand-made cases: what is there before, what is given, what must be there after, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Case:
    """One case of a check, and a result of its own.

    `name` is in the result's id, `test_versions[null_returns]`, so it stays when the `title`, the
    sentence a learner reads, is written better. `before` is what a table or a frame holds, `given`
    what the answer is called with, `after` what it must come to: rows, as the check needs them.
    """

    name: str
    title: str
    before: Sequence[Any] = ()
    given: Sequence[Any] = ()
    after: Sequence[Any] = ()
    points: int = 1


def stories(text: str, **kinds: Callable[[str], Any]) -> list[Case]:
    """Cases written as paragraphs, for cases of many short rows.

    The first line of a paragraph is `name: title`. Rows follow, separated by commas; a `|` ends the
    rows of one part of the case, and `kinds` says which part that is and what makes a row of its
    text: `stories(text, given=order, after=str)`. A line may end within a row. ValueError when a
    paragraph has no title or another number of parts.
    """
    return [_story(paragraph, kinds) for paragraph in text.strip().split("\n\n")]


def _story(paragraph: str, kinds: Mapping[str, Callable[[str], Any]]) -> Case:
    head, _, rest = paragraph.partition("\n")
    name, colon, title = head.partition(": ")
    if not colon:
        raise ValueError(f"{head!r} is not `name: title`")
    parts = rest.replace("\n", " ").split("|")
    if len(parts) != len(kinds):
        raise ValueError(f"{name} has {len(parts)} parts, not {len(kinds)}: {', '.join(kinds)}")
    rows: dict[str, Any] = {
        kind: [row(one.strip(" ")) for one in part.split(",") if one.strip(" ")]
        for (kind, row), part in zip(kinds.items(), parts, strict=True)
    }
    return Case(name, title, **rows)


def cases(rows: Iterable[Case]) -> pytest.MarkDecorator:
    """A check for each case: its argument `case` is the case, and points come from there.

    `{case}` in the check's docstring stands for the title. ValueError when two cases have one name,
    for they would be one result; when a name is no identifier, for `# fails:` could not hold it;
    and when points are no whole number of at least 1.
    """
    found = list(rows)
    names = [case.name for case in found]
    for case in found:
        if not case.name.isidentifier():
            raise ValueError(f"{case.name!r} is no name for a case; write it like a variable")
        if names.count(case.name) > 1:
            raise ValueError(f"two cases are called {case.name}")
        if not (isinstance(case.points, int) and case.points > 0):
            raise ValueError(f"{case.name}: points is a whole number of at least 1")
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in found])

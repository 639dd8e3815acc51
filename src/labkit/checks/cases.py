"""Hand-made cases: what is there before, what is given, what must be there after, and for whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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

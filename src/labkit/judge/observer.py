"""What a run of checks tells while it goes on, for those who wait for its verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from labkit.verdict.outcome import CheckResult

if TYPE_CHECKING:
    from labkit.checks.mark import Declaration


class Observer:
    """Is told what a run will check, and each result when it stands; this one keeps both."""

    def __init__(self) -> None:
        self.results: list[CheckResult] = []
        self._chosen: Sequence[Declaration] = ()

    @property
    def coming(self) -> Sequence[Declaration]:
        """The checks that are not judged yet, in order: the first of them runs now."""
        return self._chosen[len(self.results) :]

    def begins(self, chosen: Sequence[Declaration]) -> None:
        """These checks will run, in this order."""
        self._chosen = chosen

    def judged(self, result: CheckResult) -> None:
        """A check has ended; nothing changes its result any more."""
        self.results.append(result)

    @property
    def count(self) -> str:
        """`7 of 31 checks judged`."""
        return f"{len(self.results)} of {len(self._chosen)} checks judged"


class Counting(Observer):
    """Tells how many checks are judged, each time that the number changes."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def begins(self, chosen: Sequence[Declaration]) -> None:
        super().begins(chosen)
        self._tell(self.count)

    def judged(self, result: CheckResult) -> None:
        super().judged(result)
        self._tell(self.count)

"""What the learner's calls on `lab` return: Markdown and HTML in a notebook, text elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labkit.verdict import report
from labkit.verdict.outcome import CheckResult

if TYPE_CHECKING:
    from labkit.checks.mark import Declaration


class Message:
    """A message that reads well in a notebook and in a terminal."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


class Checked:
    """The result of `lab.check`; `foot` holds lines on what to do next.

    `coming` are the checks that are not judged yet, when this is a look at a run that goes on.
    """

    def __init__(
        self,
        results: tuple[CheckResult, ...],
        seconds: float,
        foot: tuple[str, ...] = (),
        coming: Sequence[Declaration] = (),
    ) -> None:
        self.results, self.seconds, self.foot = results, seconds, foot
        self._coming: dict[str, list[str]] = {}
        for check in coming:
            self._coming.setdefault(check.task, []).append(check.title)

    @property
    def passed(self) -> bool:
        return not self._coming and all(result.outcome == "passed" for result in self.results)

    def __repr__(self) -> str:
        told = report.text(self.results, self.seconds, coming=self._coming)
        return "\n".join(filter(None, [told, *self.foot]))

    def _repr_html_(self) -> str:
        return report.html(self.results, seconds=self.seconds, foot=self.foot, coming=self._coming)

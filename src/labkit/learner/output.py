"""What the learner's calls on `lab` return: Markdown and HTML in a notebook, text elsewhere."""

from __future__ import annotations

from labkit.verdict import report
from labkit.verdict.outcome import CheckResult


class Message:
    """A message that reads well in a notebook and in a terminal."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


class Checked:
    """The result of `lab.check`; `foot` holds lines on what to do next."""

    def __init__(
        self, results: tuple[CheckResult, ...], seconds: float, foot: tuple[str, ...] = ()
    ) -> None:
        self.results, self.seconds, self.foot = results, seconds, foot

    @property
    def passed(self) -> bool:
        return all(result.outcome == "passed" for result in self.results)

    def __repr__(self) -> str:
        return "\n".join([report.text(self.results, self.seconds), *self.foot])

    def _repr_html_(self) -> str:
        return report.html(self.results, seconds=self.seconds, foot=self.foot)

"""Show a report: text for terminals, HTML for notebooks and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from labkit.escape import printable
from labkit.verdict import blocks, reason
from labkit.verdict.outcome import CheckResult, Outcome

MARKS: dict[Outcome, str] = {
    "passed": "✓",
    "failed": "✗",
    "todo": "○",
    "error": "!",
    "timeout": "◷",
    "broken": "?",
    "skipped": "-",
}
WORDS: dict[Outcome, str] = {
    "passed": "passed",
    "failed": "failed",
    "todo": "to do",
    "error": "error",
    "timeout": "timeout",
    "broken": "check broken",
    "skipped": "skipped",
}

templates = Environment(
    loader=PackageLoader("labkit.verdict", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=lambda value: printable(value) if type(value) is str else value,
)


def state(results: Sequence[CheckResult]) -> str:
    """A task as a whole: `passed`, `failed`, or `open` while nothing is wrong."""
    outcomes = {result.outcome for result in results}
    if outcomes == {"passed"}:
        return "passed"
    return "failed" if outcomes & {"failed", "error", "timeout"} else "open"


def summary(results: Sequence[CheckResult], seconds: float | None = None) -> str:
    """`2 of 3 checks passed · 3 of 4 points · 1.2 s`."""
    passed = sum(result.outcome == "passed" for result in results)
    points = sum(result.points for result in results)
    most = sum(result.max_points for result in results)
    parts = [f"{passed} of {len(results)} checks passed", f"{points} of {most} points"]
    return " · ".join(parts + ([f"{seconds:.1f} s"] if seconds is not None else []))


def grouped(results: Sequence[CheckResult]) -> list[tuple[str, list[CheckResult]]]:
    """The results by task, in the order of the checks."""
    groups: dict[str, list[CheckResult]] = {}
    for result in results:
        groups.setdefault(result.task or "checks", []).append(result)
    return list(groups.items())


def by_reason(results: Sequence[CheckResult]) -> list[tuple[CheckResult, ...]]:
    """The results in their order, with checks that share one reason beside the first of them.

    One error of Spark's, say, can fail all checks of a task; its reason is then shown once.
    """
    groups: dict[object, list[CheckResult]] = {}
    for number, result in enumerate(results):
        alone = result.outcome == "passed" or not result.reason
        key = number if alone else (result.outcome, result.reason)
        groups.setdefault(key, []).append(result)
    return [tuple(group) for group in groups.values()]


def traces(group: Sequence[CheckResult]) -> list[str]:
    """The places in the learner's code that a group of `by_reason` names, each once."""
    return list(dict.fromkeys(result.trace for result in group if result.trace))


def to_do(results: Sequence[CheckResult]) -> str:
    """The reason that all checks of a task give while it is a stub; empty otherwise.

    Their titles are not shown then: none of them says anything of an answer.
    """
    if len(results) > 1 and {result.outcome for result in results} == {"todo"}:
        return results[0].reason if len(by_reason(results)) == 1 else ""
    return ""


def text(results: Sequence[CheckResult], seconds: float | None = None) -> str:
    """The results as lines for a terminal; printable whatever a learner put into a name."""
    lines = []
    for task, mine in grouped(results):
        lines.append(f"{task}: {summary(mine)}")
        if not_written := to_do(mine):
            lines += [f"  {MARKS['todo']} {WORDS['todo']}", *_indented(not_written)]
            continue
        for group in by_reason(mine):
            lines += [_head(result) for result in group]
            if group[0].outcome != "passed":
                lines += _indented(same_reason(group), group[0].reason, *traces(group))
    if len(grouped(results)) > 1:
        lines.append(f"total: {summary(results, seconds)}")
    return printable("\n".join(lines))


def same_reason(group: Sequence[CheckResult]) -> str:
    """What stands between the titles of several checks and the reason that they share."""
    return f"Same reason for these {len(group)} checks:" if len(group) > 1 else ""


def _head(result: CheckResult) -> str:
    kind = "" if result.outcome in ("passed", "failed") else f" [{WORDS[result.outcome]}]"
    return f"  {MARKS[result.outcome]} {result.title}{kind}"


def _indented(*parts: str) -> list[str]:
    return [f"      {line}" for part in parts for line in part.splitlines()]


def html(results: Sequence[CheckResult], *, seconds: float, foot: Sequence[str] = ()) -> str:
    """The results as a compact block for a notebook; `foot` says what to do next."""
    return templates.get_template("check.html.jinja").render(
        groups=[(task, mine, summary(mine)) for task, mine in grouped(results)],
        seconds=seconds,
        foot=foot,
    )


templates.globals.update(
    marks=MARKS,
    words=WORDS,
    state=state,
    by_reason=by_reason,
    to_do=to_do,
    same_reason=same_reason,
    traces=traces,
    blocks=reason.from_text,
)
templates.filters["prose"] = blocks.prose


def render(template: str, **values: Any) -> str:
    """A page from the package's templates; whatever is put in is escaped."""
    return templates.get_template(template).render(**values) + "\n"

"""Show a report: text for terminals, HTML for notebooks and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from labkit.escape import printable
from labkit.verdict import reason
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


templates.globals.update(marks=MARKS, words=WORDS, blocks=reason.from_text, state=state)
templates.filters["prose"] = reason.prose


def summary(results: Sequence[CheckResult], seconds: float | None = None) -> str:
    """`2 of 3 checks passed · 3 of 4 points · 1.2 s`."""
    passed = sum(result.outcome == "passed" for result in results)
    points = sum(result.points for result in results)
    most = sum(result.max_points for result in results)
    parts = [f"{passed} of {len(results)} checks passed", f"{points} of {most} points"]
    return " · ".join(parts + ([f"{seconds:.1f} s"] if seconds is not None else []))


def grouped(results: Sequence[CheckResult]) -> list[tuple[str, list[CheckResult]]]:
    """The results by task, in the order of the checks; what says the same of a task, once."""
    groups: dict[str, list[CheckResult]] = {}
    for result in results:
        groups.setdefault(result.task or "checks", []).append(result)
    return list(groups.items())


def same_reason(results: Sequence[CheckResult]) -> CheckResult | None:
    """The first result, when all checks of a task say the same (`todo`, say) of it."""
    first = results[0]
    alike = all((r.outcome, r.reason) == (first.outcome, first.reason) for r in results)
    return first if alike and len(results) > 1 and first.outcome in ("todo", "error") else None


def text(results: Sequence[CheckResult], seconds: float | None = None) -> str:
    """The results as lines for a terminal; printable whatever a learner put into a name."""
    lines = []
    for task, mine in grouped(results):
        lines.append(f"{task}: {summary(mine)}")
        alike = same_reason(mine)
        if alike:
            lines += _text_lines(f"{MARKS[alike.outcome]} {WORDS[alike.outcome]}", alike)
            continue
        for result in mine:
            kind = "" if result.outcome in ("passed", "failed") else f" [{WORDS[result.outcome]}]"
            lines += _text_lines(f"{MARKS[result.outcome]} {result.title}{kind}", result)
    if len(grouped(results)) > 1:
        lines.append(f"total: {summary(results, seconds)}")
    return printable("\n".join(lines))


def _text_lines(head: str, result: CheckResult) -> list[str]:
    body = [result.reason, result.trace] if result.outcome != "passed" else []
    return [f"  {head}", *(f"      {line}" for part in body if part for line in part.splitlines())]


def html(results: Sequence[CheckResult], *, seconds: float, foot: Sequence[str] = ()) -> str:
    """The results as a compact block for a notebook; `foot` says what to do next."""
    return templates.get_template("check.html.jinja").render(
        groups=[(task, mine, same_reason(mine), summary(mine)) for task, mine in grouped(results)],
        seconds=seconds,
        foot=foot,
    )


def render(template: str, **values: Any) -> str:
    """A page from the package's templates; whatever is put in is escaped."""
    return templates.get_template(template).render(**values) + "\n"

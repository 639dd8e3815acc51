"""Show a report: text for terminals, HTML for notebooks and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from labkit.escape import printable
from labkit.verdict import blocks, reason
from labkit.verdict.outcome import CheckResult, Outcome
from labkit.verdict.shared import name_of, told

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


def state(results: Sequence[CheckResult], coming: Sequence[str] = ()) -> str:
    """A task as a whole: `passed`, `failed`, or `open` while nothing is wrong."""
    outcomes = {result.outcome for result in results}
    if outcomes == {"passed"} and not coming:
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
        groups.setdefault(name_of(result), []).append(result)
    return list(groups.items())


def to_do(results: Sequence[CheckResult]) -> str:
    """The reason that all checks of a task give while it is a stub; empty otherwise.

    Their titles are not shown then: none of them says anything of an answer.
    """
    if len(results) > 1 and {result.outcome for result in results} == {"todo"}:
        return results[0].reason if len({result.reason for result in results}) == 1 else ""
    return ""


def text(
    results: Sequence[CheckResult],
    seconds: float | None = None,
    *,
    coming: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """The results as lines for a terminal; printable whatever a learner put into a name.

    `coming` are the titles of checks that are not judged yet, by task.
    """
    lines, coming = [], coming or {}
    groups = told(results)
    for task, mine in grouped(results):
        lines.append(f"{task}: {line_of(mine, coming.get(task, ()))}")
        if not_written := to_do(mine):
            lines += [f"  {MARKS['todo']} {WORDS['todo']}", *_indented(not_written)]
            continue
        for group in groups[task]:
            lines += [_head(result) for result in group.results]
            if not group.passed:
                lines += _indented(group.lead, group.reason, *group.traces)
    if len(grouped(results)) > 1 and not coming:
        lines.append(f"total: {summary(results, seconds)}")
    return printable("\n".join(lines))


def _head(result: CheckResult) -> str:
    kind = "" if result.outcome in ("passed", "failed") else f" [{WORDS[result.outcome]}]"
    return f"  {MARKS[result.outcome]} {result.title}{kind}"


def _indented(*parts: str) -> list[str]:
    return [f"      {line}" for part in parts for line in part.splitlines()]


def html(
    results: Sequence[CheckResult],
    *,
    seconds: float,
    foot: Sequence[str] = (),
    coming: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """The results as a compact block for a notebook; `foot` says what to do next.

    `coming` are the titles of checks that are not judged yet, by task: none of these tasks is
    summed up, and the first title stands below what is known.
    """
    groups, known, coming = told(results), dict(grouped(results)), coming or {}
    running = [task for task in list(coming)[:1] if task not in known]
    return templates.get_template("check.html.jinja").render(
        groups=[
            {
                "task": task,
                "results": mine,
                "line": line_of(mine, coming.get(task, ())),
                "told": groups.get(task, []),
                "coming": coming.get(task, ()),
            }
            for task, mine in [*known.items(), *((task, []) for task in running)]
        ],
        seconds=seconds,
        foot=foot,
    )


def line_of(results: Sequence[CheckResult], coming: Sequence[str]) -> str:
    """A task in one line: its summary, or `2 of 3 checks judged` while others are to come."""
    if not coming:
        return summary(results)
    return f"{len(results)} of {len(results) + len(coming)} checks judged"


templates.globals.update(
    marks=MARKS,
    words=WORDS,
    state=state,
    to_do=to_do,
    blocks=reason.from_text,
)
templates.filters["prose"] = blocks.prose


def render(template: str, **values: Any) -> str:
    """A page from the package's templates; whatever is put in is escaped."""
    return templates.get_template(template).render(**values) + "\n"

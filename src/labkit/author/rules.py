"""Rules that a lab's files keep, checked without Spark: mistakes, hints, stray files."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from labkit.author.clauses import quote_problem
from labkit.author.known_answers import variants
from labkit.course import source
from labkit.course.hints import read_hints
from labkit.course.labs import Lab
from labkit.home import LabError


def check_names(path: Path) -> list[str]:
    """The checks in a file by name, read without running it."""
    if not path.is_file():
        return []
    return [
        part.name
        for part in ast.parse(path.read_text("utf-8")).body
        if isinstance(part, ast.FunctionDef)
        and part.name.startswith("test_")
        and part.decorator_list
    ]


def tasks_of_checks(lab: Lab) -> dict[str, set[str]]:
    """The tasks of each check by the check's name, read without running them."""
    files = [path for path in (lab.checks, lab.hidden_checks) if path.is_file()]
    return {
        part.name: {str(task.value) for task in mark.args if isinstance(task, ast.Constant)}
        for path in files
        for part in ast.parse(path.read_text("utf-8")).body
        if isinstance(part, ast.FunctionDef)
        for mark in part.decorator_list
        if isinstance(mark, ast.Call)
        and isinstance(mark.func, ast.Name)
        and mark.func.id == "check"
    }


def mistake_problems(lab: Lab) -> Iterator[str]:
    """Faults of a lab's mistakes that need no Spark: their form, stale edits, quotes, checks."""
    try:
        mistakes = [variant for variant in variants(lab) if variant.kind == "mistake"]
    except LabError as error:
        yield from str(error).splitlines()
        return
    tasks = tasks_of_checks(lab)
    for mistake in mistakes:
        if problem := quote_problem(lab, mistake):
            yield problem
        for name in mistake.fails:
            if mistake.task not in tasks.get(name.partition("[")[0], ()):
                yield f"{mistake.where}: {mistake.name}: {name} is no check of {mistake.task}"


def static_problems(lab: Lab) -> Iterator[str]:
    """Faults of a lab's files that need no Spark: mistakes, hints, stray files, unknown tasks."""
    yield from mistake_problems(lab)
    tasks = source.read(lab.solution).tasks
    hints = read_hints(lab.checks)
    for task in tasks:
        if not 2 <= len(hints.get(task, [])) <= 4:
            yield f"{task} has {len(hints.get(task, []))} hints; give 2 to 4 in HINTS of checks.py"
    for name in sorted(set(hints) - set(tasks)):
        yield f"HINTS names {name}, which is no task"
    names = Counter(name for path in (lab.checks, lab.hidden_checks) for name in check_names(path))
    for name in sorted(name for name, count in names.items() if count > 1):
        yield f"two checks are called {name}; a report has one result by that name"
    allowed = {"lab.ipynb", "checks.py", "rubric.yaml"}
    for path in lab.starter.parent.iterdir():
        if path.name not in allowed and not path.name.startswith(("__", ".")):
            yield f"stray file labs/{lab.name}/{path.name}"
    allowed = {
        "solution.py",
        "solution.ipynb",
        "hidden_checks.py",
        "mistakes.py",
        "alternatives",
        "proof.json",
    }
    for path in lab.solutions.iterdir():
        if path.name not in allowed and not path.name.startswith(("__", ".")):
            yield f"stray file solutions/{lab.name}/{path.name}"

"""A lab as an interviewer would mail it: the problem and a bare notebook, no checks and hints."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from labkit.course import source
from labkit.course.labs import Lab

HELP = re.compile(r"\blab\.(check|hint|solution|next)\(")
LEARN = re.compile(r"^\*\*You will learn\*\*.*", re.MULTILINE | re.DOTALL)
# What a lab tells after its tasks is for learners.
AFTER = ("## Put it together", "## In practice", "## Interview follow-ups", "## Further reading")

# Where only some tasks are asked.
GIVEN = "\nWhat else the notebook calls is written and right; use it, and leave it as it is.\n"

MAIL = Path(__file__).parent / "templates" / "prompt.md"


def mail(labs: Sequence[Lab], minutes: int, only: Sequence[str] = ()) -> str:
    """PROMPT.md; with `only`, about these tasks."""
    situations, tasks = [], []
    for lab in labs:
        cells = _cells(lab)
        situations.append(_situation(cells, heading=len(labs) > 1))
        docs = _docstrings(cells)
        asked = [name for name in lab.tasks if name in docs and (not only or name in only)]
        tasks += ["- `{}`: {}".format(*docs[name]) for name in asked]
    return Template(MAIL.read_text("utf-8")).substitute(
        title=" · ".join(lab.title for lab in labs),
        minutes=minutes,
        situations="\n".join(situations),
        tasks="\n".join(tasks) + (GIVEN if only else ""),
        files=", ".join(f"`{lab.slug}.ipynb`" for lab in labs),
    )


def notebook(lab: Lab, only: Sequence[str] = (), more: Sequence[str] = ()) -> str:
    """The starter up to its last task, without checks and what is said about them.

    With `only`, every other task is answered; `more` are code cells to add.
    """
    data = json.loads(lab.starter.read_text("utf-8"))
    if only:
        data["cells"] = _answered(lab, data["cells"], only)
    kept: list[dict[str, Any]] = []
    for cell in data["cells"]:
        text = _text(cell)
        if cell["cell_type"] == "markdown" and text.startswith(AFTER):
            break
        if cell["cell_type"] == "code" and HELP.search(text):
            # The words before a check tell what it looks at.
            if kept and kept[-1]["cell_type"] == "markdown" and not _text(kept[-1]).startswith("#"):
                kept.pop()
            continue
        if cell["cell_type"] == "markdown":
            cell = {**cell, "source": LEARN.sub("", text).strip()}
        kept.append(cell)
    kept += [
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": code,
        }
        for code in more
    ]
    numbered = [{**cell, "id": f"cell-{n:02d}"} for n, cell in enumerate(kept, start=1)]
    return json.dumps({**data, "cells": numbered}, indent=1, ensure_ascii=False) + "\n"


def _answered(
    lab: Lab, cells: Sequence[dict[str, Any]], only: Sequence[str]
) -> list[dict[str, Any]]:
    """The starter's cells, with the reference where a cell is about no task of `only`.

    A cell without a task, a helper's say, goes with the next task.
    """
    solved = [
        cell
        for cell in source.solved(source.read(lab.solution)).cells
        if "solution" not in cell["metadata"].get("tags", [])
    ]
    found: list[dict[str, Any]] = []
    asked = False
    for stub, answer in zip(reversed(cells), reversed(solved), strict=True):
        if stub["cell_type"] == "code":
            tasks = [task for task in lab.tasks if re.search(rf"^def {task}\b", _text(stub), re.M)]
            asked = any(task in only for task in tasks) if tasks else asked
            stub = stub if asked else {**stub, "source": _text(answer)}
        found.append(stub)
    return found[::-1]


def _cells(lab: Lab) -> list[dict[str, Any]]:
    return list(json.loads(lab.starter.read_text("utf-8"))["cells"])


def _text(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _situation(cells: Sequence[dict[str, Any]], *, heading: bool) -> str:
    """The words under the title, up to what a learner learns."""
    title, _, rest = LEARN.sub("", _text(cells[0])).partition("\n")
    return (f"## {title.lstrip('# ')}\n\n" if heading else "") + rest.strip() + "\n"


def _docstrings(cells: Sequence[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """`name(parameters)` and first line of the docstring of every function in the starter."""
    found: dict[str, tuple[str, str]] = {}
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        try:
            body = ast.parse(_text(cell)).body
        except SyntaxError:
            continue
        for node in body:
            if isinstance(node, ast.FunctionDef):
                names = ", ".join(arg.arg for arg in node.args.args)
                first = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
                found[node.name] = (f"{node.name}({names})", first)
    return found

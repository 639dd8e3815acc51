"""A lab's starter as it is read: its story, its cells, and where each task stands in it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from labkit.course.labs import Lab
from labkit.site import prose

HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Stub:
    """The function that a task asks for: the prose above it, its first line, what it returns."""

    heading: str
    signature: str
    about: str


@dataclass(frozen=True)
class Cell:
    """A cell; `anchor` is the task that begins with it."""

    kind: str
    text: str
    anchor: str = ""

    @property
    def html(self) -> Markup:
        return prose.markdown(self.text) if self.kind == "markdown" else prose.python(self.text)


@dataclass(frozen=True)
class Starter:
    """The cells of a starter, and the stubs of its tasks by name."""

    cells: Sequence[Cell]
    stubs: Mapping[str, Stub] = field(repr=False)

    @property
    def story(self) -> str:
        """The first cell without its title: the situation, and what a learner learns."""
        return HEADING.sub("", self.cells[0].text, count=1).strip()

    @property
    def situation(self) -> str:
        """The first paragraph of the story."""
        return self.story.split("\n\n")[0]

    @property
    def prose(self) -> str:
        return "\n\n".join(cell.text for cell in self.cells if cell.kind == "markdown")


def read(lab: Lab) -> Starter:
    """The starter of a lab; nothing of `solutions/` is looked at."""
    cells = [Cell(kind, text) for kind, text in sources(lab.starter)]
    stubs: dict[str, Stub] = {}
    headed = 0  # the cell with the heading above
    for at, cell in enumerate(cells):
        if cell.kind == "markdown":
            headed = at if HEADING.search(cell.text) else headed
            continue
        # at the left edge: a prediction's DAG may have a step with the name of a task
        for name in (name for name in lab.tasks if f"\ndef {name}(" in f"\n{cell.text}"):
            found = HEADING.search(cells[headed].text)
            stubs[name] = _stub(cell.text, name, found[1] if found else "")
            begins = at if cells[headed].anchor else headed  # two tasks may share a heading
            cells[begins] = Cell(cells[begins].kind, cells[begins].text, name)
    return Starter(cells, stubs)


def sources(notebook: Path) -> list[tuple[str, str]]:
    """Kind and text of each cell."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]


def _stub(cell: str, name: str, heading: str) -> Stub:
    for node in ast.parse(cell).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
            about = " ".join((ast.get_docstring(node) or "").split())
            return Stub(heading, f"{name}({ast.unparse(node.args)}){returns}", about)
    return Stub(heading, name, "")

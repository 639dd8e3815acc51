"""Answers with a known verdict: the starter, the solution, its alternatives and its mistakes."""

from __future__ import annotations

import ast
import builtins
import linecache
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from labkit.author.answer_cells import Cell, all_or_errors, read_cells
from labkit.course import source
from labkit.course.labs import Lab
from labkit.home import LabError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Kind = Literal["starter", "solution", "alternative", "mistake"]
COMMENT = re.compile(r"^# (fails|because): (.+)$")


@dataclass(frozen=True)
class Variant:
    """An answer with a known verdict: the solution, with definitions of `text` in place of its own.

    One that says its `task` is judged by the checks of that task, whatever else it touches;
    `breaks` quotes what the notebook says and the answer doesn't keep.
    """

    kind: Kind
    name: str
    path: Path
    because: str = ""
    fails: tuple[str, ...] = ()
    outcome: str = "failed"
    task: str = ""
    breaks: str = ""
    text: str = ""
    line: int = 1

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"

    def __str__(self) -> str:
        return self.name if self.kind == self.name else f"{self.kind} {self.name}"


def variants(lab: Lab) -> tuple[Variant, ...]:
    """Starter, solution, alternatives and mistakes of a lab."""
    return (
        Variant("starter", "starter", lab.solution),
        Variant("solution", "solution", lab.solution),
        *map(read_alternative, sorted((lab.solutions / "alternatives").glob("*.py"))),
        *(read_mistakes(lab) if lab.mistakes.is_file() else ()),
    )


def few_for_all_tasks(lab: Lab, alternatives: Sequence[Variant]) -> tuple[Variant, ...]:
    """A few of the alternatives, which replace every task that any of them does.

    The one that replaces most tasks which none before it does is next.
    """
    tasks = {variant: set(replaced_tasks(lab, variant)) for variant in alternatives}
    kept: list[Variant] = []
    left: set[str] = set().union(*tasks.values())
    while left:
        most = max(tasks, key=lambda variant: len(tasks[variant] & left))
        kept.append(most)
        left -= tasks[most]
    return tuple(kept)


def read_alternative(path: Path) -> Variant:
    """An alternative with its header comment; LabError when it is missing."""
    text = path.read_text("utf-8")
    header: dict[str, str] = {}
    for line in text.splitlines():
        if match := COMMENT.match(line):
            header[match[1]] = match[2]
        elif not line.startswith("#"):
            break
    if "because" not in header:
        raise LabError(f"{path}:1: no `# because: ...` comment at the top of the alternative")
    if "fails" in header:
        raise LabError(f"{path}:1: an alternative has no `# fails:`; is it a mistake?")
    return Variant("alternative", path.stem, path, header["because"], text=text)


def read_mistakes(lab: Lab) -> list[Variant]:
    """The mistakes of a lab; LabError with every fault of their file, a line each."""
    cells = read_cells(lab.mistakes, needed=("task", "fails", "because", "breaks"))
    return _variants(lab, cells)


def read_answers(lab: Lab, path: Path) -> list[Variant]:
    """Answers that are not part of the lab: a mistake breaks a sentence, others are right."""
    return _variants(lab, read_cells(path, needed=("task",)))


def _variants(lab: Lab, cells: Collection[Cell]) -> list[Variant]:
    text = source.read(lab.solution)
    return all_or_errors(lambda cell: _variant(text, cell), cells)


def _variant(solution: source.Source, cell: Cell) -> Variant:
    tasks, header = solution.tasks, cell.header
    if cell.task not in tasks:
        raise LabError(
            f"{cell.where}: `{cell.task}` is no task of the lab; it has {', '.join(tasks)}"
        )
    text = cell.definitions(solution.solved_text)
    bound = set().union(*map(_bound, ast.parse(text).body))
    if others := [task for task in tasks if task in bound and task != cell.task]:
        raise LabError(
            f"{cell.where}: {cell.name} replaces {', '.join(others)} as well; "
            f"an answer to {cell.task} leaves the other tasks as they are"
        )
    return Variant(
        kind="mistake" if "breaks" in header else "alternative",
        name=cell.name,
        path=cell.path,
        because=header.get("because", ""),
        fails=tuple(name.strip() for name in header.get("fails", "").split(",") if name.strip()),
        outcome=header.get("outcome", "failed"),
        task=cell.task,
        breaks=header.get("breaks", ""),
        text=text,
        line=cell.line,
    )


def namespace(lab: Lab, variant: Variant, spark: SparkSession | None) -> dict[str, Any]:
    """What the variant defines, run in this process."""
    # A notebook's name: a dataclass looks its module up, which has to be there.
    names: dict[str, Any] = {"__name__": "__main__"}
    if spark is not None:
        names["spark"] = spark
    for text, filename in _texts(lab, variant):
        define(text, filename, names, lab.tasks)
    return names


def as_submission(lab: Lab, variant: Variant) -> str:
    """The variant as a Python file that can be handed in."""
    lines = ["import labkit", f"lab = labkit.open({lab.slug!r})"]
    if lab.uses_spark:
        lines.append("spark = lab.spark")
    known: set[str] = set()
    for text, filename in _texts(lab, variant):
        lines += [ast.unparse(node) for node in definitions(text, filename, known, lab.tasks)]
    return "\n\n".join(lines) + "\n"


def _texts(lab: Lab, variant: Variant) -> Iterator[tuple[str, str]]:
    """The texts that make up the variant, with their names for traces; later ones replace."""
    text = source.read(lab.solution)
    if variant.kind == "starter":
        yield text.starter_text, f"{lab.name}/lab.ipynb"
        return
    yield text.solved_text, f"{lab.name}/solution.py"
    if variant.text:
        cell = f", {variant.name}" if variant.task else ""
        yield variant.text, f"{variant.path}{cell}"


def replaced_tasks(lab: Lab, variant: Variant) -> tuple[str, ...]:
    """The task that an answer says, or those that an alternative replaces; all for others."""
    if variant.task:
        return (variant.task,)
    if variant.path == lab.solution:
        return lab.tasks
    bound = set().union(*map(_bound, ast.parse(variant.text, str(variant.path)).body))
    replaced = tuple(task for task in lab.tasks if task in bound)
    if not replaced:
        raise LabError(
            f"{variant.path}: replaces no task; an alternative replaces some "
            f"of {', '.join(lab.tasks)}"
        )
    return replaced


def touched_tasks(lab: Lab, variant: Variant) -> tuple[str, ...]:
    """The tasks that may answer otherwise than the solution: replaced ones, and all that call these."""
    if variant.path == lab.solution:
        return lab.tasks
    replaced_tasks(lab, variant)
    defined: dict[str, ast.stmt] = {}
    known: set[str] = set()
    new: set[str] = set()
    for text, filename in _texts(lab, variant):
        new = set()
        for node in definitions(text, filename, known, lab.tasks):
            new |= _bound(node)
            defined.update(dict.fromkeys(_bound(node), node))
    return tuple(task for task in lab.tasks if _reaches(task, new, defined))


def _reaches(name: str, targets: Collection[str], defined: Mapping[str, ast.stmt]) -> bool:
    """Whether a definition is one of `targets`, or uses one, however indirectly."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        known = waiting.pop()
        if known in targets:
            return True
        if known in defined and known not in seen:
            seen.add(known)
            waiting += [n.id for n in ast.walk(defined[known]) if isinstance(n, ast.Name)]
    return False


def define(text: str, filename: str, names: dict[str, Any], tasks: Collection[str]) -> None:
    """Runs the definitions of a module into `names`."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    for node in definitions(text, filename, set(names), tasks):
        exec(compile(ast.Module([node], []), filename, "exec", dont_inherit=True), names)


def definitions(
    text: str, filename: str, known: set[str], tasks: Collection[str]
) -> Iterator[ast.stmt]:
    """The imports, functions, classes and constants of a module; nothing that runs the lab.

    `known` holds the names defined before, and takes up those of this module.
    """
    for node in ast.parse(text, filename).body:
        if _defines(node, known, tasks):
            known |= _bound(node)
            yield node


def _defines(node: ast.stmt, known: Collection[str], tasks: Collection[str]) -> bool:
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
        return True
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return False
    used = {child.id for child in ast.walk(node.value) if isinstance(child, ast.Name)}
    return used <= (set(known) | set(vars(builtins))) - {"labkit", "spark", "lab"} - set(tasks)


def _bound(node: ast.stmt) -> set[str]:
    """The names that a definition binds."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    stored = (child for child in ast.walk(node) if isinstance(child, ast.Name))
    return {child.id for child in stored if isinstance(child.ctx, ast.Store)}

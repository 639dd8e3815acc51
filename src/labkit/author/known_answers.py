"""Answers with a known verdict: the starter, the solution, its alternatives and its mistakes."""

from __future__ import annotations

import ast
import builtins
import linecache
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pyspark.sql import SparkSession

from labkit.course import source
from labkit.course.labs import Lab
from labkit.home import LabError

Kind = Literal["starter", "solution", "alternative", "mistake"]
COMMENT = re.compile(r"^# (fails|because|outcome): (.+)$")


@dataclass(frozen=True)
class Variant:
    """An answer with a known verdict: the solution with some tasks replaced by a file's."""

    kind: Kind
    name: str
    path: Path
    because: str = ""
    fails: tuple[str, ...] = ()
    outcome: str = "failed"

    def __str__(self) -> str:
        return self.name if self.kind == self.name else f"{self.kind} {self.name}"


def variants(lab: Lab) -> tuple[Variant, ...]:
    """Starter, solution, alternatives and mistakes of a lab."""
    return (
        Variant("starter", "starter", lab.solution),
        Variant("solution", "solution", lab.solution),
        *(read_variant("alternative", path) for path in _files(lab, "alternatives")),
        *(read_variant("mistake", path) for path in _files(lab, "mistakes")),
    )


def few_for_all_tasks(lab: Lab, every: Sequence[Variant]) -> tuple[Variant, ...]:
    """The variants, and of mistakes and of alternatives a few that replace every task any of them does.

    The one that replaces most tasks which none before it does is next; of two equal ones the one
    that names more checks.
    """
    kept = set()
    for kind in ("mistake", "alternative"):
        tasks = {v: set(replaced_tasks(lab, v)) for v in every if v.kind == kind}
        left: set[str] = set().union(*tasks.values())
        while left:
            gain = {v: (len(tasks[v] & left), len(v.fails)) for v in tasks}
            most = max(gain, key=gain.__getitem__)
            kept.add(most)
            left -= tasks[most]
    return tuple(v for v in every if v.kind in ("starter", "solution") or v in kept)


def _files(lab: Lab, folder: str) -> list[Path]:
    return sorted((lab.solutions / folder).glob("*.py"))


def read_variant(kind: Kind, path: Path) -> Variant:
    """A mistake or alternative with its header comments; LabError when they are missing."""
    said: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        if match := COMMENT.match(line):
            key = match[1]
            said[key] = f"{said[key]}, {match[2]}" if key in said else match[2]
        elif not line.startswith("#"):
            break
    needed = {"because", "fails"} if kind == "mistake" else {"because"}
    if missing := needed - set(said):
        raise LabError(f"{path}:1: no `# {missing.pop()}: ...` comment at the top of the {kind}")
    if kind == "alternative" and "fails" in said:
        raise LabError(f"{path}:1: an alternative has no `# fails:`; is it a mistake?")
    fails = tuple(name.strip() for name in said.get("fails", "").split(",") if name.strip())
    return Variant(kind, path.stem, path, said["because"], fails, said.get("outcome", "failed"))


def namespace(lab: Lab, variant: Variant, spark: SparkSession) -> dict[str, Any]:
    """What the variant defines, run in this process."""
    names: dict[str, Any] = {"__name__": f"answer_{lab.slug}", "spark": spark}
    for text, filename in _texts(lab, variant):
        define(text, filename, names, lab.tasks)
    return names


def as_submission(lab: Lab, variant: Variant) -> str:
    """The variant as a Python file that can be handed in."""
    lines = ["import labkit", f"lab = labkit.open({lab.slug!r})", "spark = lab.spark"]
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
    if variant.path != lab.solution:
        yield variant.path.read_text("utf-8"), str(variant.path)


def replaced_tasks(lab: Lab, variant: Variant) -> tuple[str, ...]:
    """The tasks whose answer a mistake or an alternative replaces; all of the lab for others."""
    if variant.path == lab.solution:
        return lab.tasks
    body = ast.parse(variant.path.read_text("utf-8"), str(variant.path)).body
    bound = set().union(*map(_bound, body))
    replaced = tuple(task for task in lab.tasks if task in bound)
    if not replaced or (variant.kind == "mistake" and len(replaced) > 1):
        raise LabError(
            f"{variant.path}: replaces {', '.join(replaced) or 'no task'}; "
            f"a {variant.kind} replaces {'one' if variant.kind == 'mistake' else 'some'} "
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
        current = waiting.pop()
        if current in targets:
            return True
        if current in defined and current not in seen:
            seen.add(current)
            waiting += [n.id for n in ast.walk(defined[current]) if isinstance(n, ast.Name)]
    return False


def define(text: str, filename: str, names: dict[str, Any], tasks: Collection[str]) -> None:
    """Runs the definitions of a module into `names`."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    for node in definitions(text, filename, set(names), tasks):
        exec(compile(ast.Module([node], []), filename, "exec"), names)


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

"""Find what an edit affects: the cells to run again, and the tasks whose verdict may change."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.grading.cells import Cell, parsed

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Edit:
    """What to do after a save; `fresh` if it needs a new namespace."""

    fresh: bool
    cells: tuple[Cell, ...]
    tasks: tuple[str, ...]


def edit(
    before: Sequence[Cell] | None,
    after: Sequence[Cell],
    tasks: Sequence[str],
    uses: Mapping[str, Iterable[str]],
) -> Edit | None:
    """What changed from `before` to `after`; None if only comments or outputs did.

    A changed cell that only defines functions is run again by itself. Any other change runs
    everything again, and so does a change to a function that a top-level statement uses. `uses`
    has for each task the functions that its checks call.
    """
    new = [(cell, _meaning(cell)) for cell in after if not _is_call_on_lab(cell)]
    everything = Edit(True, tuple(cell for cell, _ in new), tuple(tasks))
    if before is None:
        return everything
    old = [_meaning(cell) for cell in before if not _is_call_on_lab(cell)]
    if old == [meaning for _, meaning in new]:
        return None
    if len(old) != len(new):
        return everything
    pairs = [(one, cell, two) for one, (cell, two) in zip(old, new, strict=True) if one != two]
    trees = [_parsed(cell.source) for cell, _ in new]
    before_names = [_functions_only(_parsed(one)) for one, _, _ in pairs]
    after_names = [_functions_only(_parsed(cell.source)) for _, cell, _ in pairs]
    if None in after_names or before_names != after_names:
        return everything
    touched = _closure(set().union(*filter(None, after_names)), _functions(trees))
    if any(_names(node) & touched for node in _statements(trees)):
        return everything
    judged = tuple(task for task in tasks if touched & {task, *uses.get(task, ())})
    return Edit(False, tuple(cell for _, cell, _ in pairs), judged)


def used_by_checks(checks: Path, tasks: Sequence[str]) -> dict[str, set[str]]:
    """For each task, the tasks whose functions its checks call, themselves or through fixtures."""
    tree = _parsed(checks.read_text("utf-8"))
    functions = _functions([tree])
    found: dict[str, set[str]] = {task: set() for task in tasks}
    for function in functions.values():
        for mark in function.decorator_list:
            if isinstance(mark, ast.Call) and mark.args and isinstance(mark.args[0], ast.Constant):
                reached, open_names = set(), {function.name}
                while open_names:
                    name = open_names.pop()
                    reached.add(name)
                    if name in functions:
                        open_names |= _names(functions[name]) - reached
                found.get(str(mark.args[0].value), set()).update(reached & set(tasks))
    return found


def _meaning(cell: Cell) -> str:
    """The code without comments and layout; the text if it is not plain Python (a magic, say)."""
    tree = _parsed(cell.source)
    return ast.unparse(tree) if tree.body else cell.source.strip()


def _parsed(source: str) -> ast.Module:
    try:
        return parsed(source)
    except SyntaxError:
        return ast.Module([], [])


def _is_call_on_lab(cell: Cell) -> bool:
    """Whether a cell only calls methods of `lab`: checks, hints, the next step."""
    body = _parsed(cell.source).body
    return bool(body) and all(
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and isinstance(node.value.func.value, ast.Name)
        and node.value.func.value.id == "lab"
        for node in body
    )


def _functions_only(tree: ast.Module) -> set[str] | None:
    """The names that a cell defines if it only defines functions; None for any other cell."""
    if not tree.body or not all(isinstance(node, Function) for node in tree.body):
        return None
    return {node.name for node in tree.body if isinstance(node, Function)}


def _functions(trees: Iterable[ast.Module]) -> dict[str, Function]:
    return {node.name: node for tree in trees for node in tree.body if isinstance(node, Function)}


def _statements(trees: Iterable[ast.Module]) -> list[ast.stmt]:
    """The top-level assignments: values that stay in the namespace."""
    kinds = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.ClassDef)
    return [node for tree in trees for node in tree.body if isinstance(node, kinds)]


def _names(node: ast.AST) -> set[str]:
    """Every name that a piece of code mentions, parameters and attributes included."""
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            found.add(part.id)
        elif isinstance(part, ast.Attribute):
            found.add(part.attr)
        elif isinstance(part, ast.arg):
            found.add(part.arg)
    return found


def _closure(touched: set[str], functions: Mapping[str, Function]) -> set[str]:
    """`touched` and every function that mentions one of them, and so on."""
    while True:
        more = {name for name, node in functions.items() if _names(node) & touched} - touched
        if not more:
            return touched
        touched = touched | more

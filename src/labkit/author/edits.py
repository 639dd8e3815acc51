"""Wrong answers as edits: old lines of one definition in the solution, and the new ones."""

from __future__ import annotations

import ast
import difflib
import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labkit.home import LabError


@dataclass(frozen=True)
class Hunk:
    """Consecutive lines that are replaced; `where` is the place of the edit, for errors."""

    where: str
    old: tuple[str, ...]
    new: tuple[str, ...]


def edited(solution: str, name: str, hunks: Sequence[Hunk]) -> str:
    """The top-level definition called `name`, edited; LabError when a hunk doesn't fit."""
    lines = _definition(solution, name)
    if lines is None:
        raise LabError(
            f"{hunks[0].where}: solution.py has no top-level `{name}`; name the function "
            "or constant that the edit lies in with `# in:`"
        )
    places = [(_place(lines, name, hunk), hunk) for hunk in hunks]
    places.sort(key=lambda pair: pair[0])
    for (first, before), (second, hunk) in itertools.pairwise(places):
        if second < first + len(before.old):
            raise LabError(f"{hunk.where}: this edit overlaps the one at {before.where}; join them")
    for place, hunk in reversed(places):
        lines[place : place + len(hunk.old)] = hunk.new
    return "\n".join(lines) + "\n"


def _definition(text: str, name: str) -> list[str] | None:
    """The lines of the last top-level definition of a name, decorators included."""
    lines = text.splitlines()
    for node in reversed(_body(text)):
        if name in _names(node):
            decorators: list[ast.expr] = getattr(node, "decorator_list", [])
            first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
            return lines[first - 1 : node.end_lineno]
    return None


@functools.lru_cache(maxsize=1)  # all edits of a lab are of one text
def _body(text: str) -> list[ast.stmt]:
    return ast.parse(text).body


def _names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _place(lines: list[str], name: str, hunk: Hunk) -> int:
    """Where the only occurrence of the hunk's old lines begins."""
    size = len(hunk.old)
    places = [at for at in range(len(lines)) if tuple(lines[at : at + size]) == hunk.old]
    if len(places) == 1:
        return places[0]
    if places:
        raise LabError(
            f"{hunk.where}: `{hunk.old[0].strip()}` is in `{name}` {len(places)} times; "
            "repeat a line before or after it in both parts of the edit"
        )
    gone = next((line for line in hunk.old if line not in lines), hunk.old[0])
    near = difflib.get_close_matches(gone, lines, n=1, cutoff=0.5)
    hint = f" (the closest line: `{near[0].strip()}`)" if near and near[0] != gone else ""
    raise LabError(
        f"{hunk.where}: stale: `{gone.strip()}` is not a line of `{name}` in solution.py, or "
        f"not in this place{hint}; write the edit anew"
    )

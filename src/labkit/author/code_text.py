"""The code of a module without what decides nothing: comments, docstrings and hints."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator


@functools.cache  # the states of all labs ask for the same modules a hundred times
def code(text: str) -> str:
    """A module without comments on lines of their own, blank lines, docstrings and HINTS.

    Cut by line numbers, which are the same in every Python; what `ast` prints is not.
    """
    lines = text.splitlines()
    for first, last in _unimportant(ast.parse(text)):
        lines[first - 1 : last] = [""] * (last - first + 1)
    return "\n".join(line for line in lines if line.strip() and not line.lstrip().startswith("#"))


def _unimportant(module: ast.Module) -> Iterator[tuple[int, int]]:
    """First and last lines of docstrings and of HINTS."""
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
            and isinstance(body[0].value.value, str)
        ):
            yield body[0].lineno, body[0].end_lineno or body[0].lineno
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "HINTS" for target in node.targets
        ):
            yield node.lineno, node.end_lineno or node.lineno

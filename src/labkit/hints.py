"""The staged hints of a lab, read from its checks without running them."""

from __future__ import annotations

import ast
from pathlib import Path


def read_hints(checks: Path) -> dict[str, list[str]]:
    """The HINTS of a checks.py, read without running it."""
    for node in ast.parse(checks.read_text("utf-8"), str(checks)).body:
        if isinstance(node, ast.Assign) and [
            target.id for target in node.targets if isinstance(target, ast.Name)
        ] == ["HINTS"]:
            return dict(ast.literal_eval(node.value))
    return {}

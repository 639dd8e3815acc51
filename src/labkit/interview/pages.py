"""What pages of cards and of the site share: templates, and scripts that a page may run."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader

from labkit.verdict import report


def templates(*rooms: str) -> Environment:
    """The templates of these rooms; whatever is put into one is escaped."""
    loaders = [PackageLoader(f"labkit.{room}", "templates") for room in rooms]
    return report.templates.overlay(loader=ChoiceLoader(loaders))


_templates = templates("interview", "verdict")


def render(template: str, **values: Any) -> str:
    """A page of this room."""
    return _templates.get_template(template).render(**values) + "\n"


def script(room: str, path: str) -> str:
    """A script to embed, without the line that would make a debugger fetch its source map."""
    text = (files(f"labkit.{room}") / path).read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("//# sourceMappingURL")]
    return "\n".join(lines).strip()


def script_hash(text: str) -> str:
    """What a page's security policy names the script by."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

"""What the pages of this room share: templates, and scripts that a page may run."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, PackageLoader

from labkit.verdict import report

_templates = report.templates.overlay(
    loader=ChoiceLoader(
        [
            PackageLoader("labkit.interview", "templates"),
            PackageLoader("labkit.verdict", "templates"),
        ]
    )
)


def render(template: str, **values: Any) -> str:
    """A page; whatever is put in is escaped."""
    return _templates.get_template(template).render(**values) + "\n"


def script(folder: str, name: str) -> str:
    """A script to embed, without the line that would make a debugger fetch its source map."""
    text = (files("labkit.interview") / folder / name).read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("//# sourceMappingURL")]
    return "\n".join(lines).strip()


def script_hash(text: str) -> str:
    """What a page's security policy names the script by."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

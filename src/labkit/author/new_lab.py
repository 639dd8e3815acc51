"""Lay out a new lab: the files an author fills in, each of them valid from the start."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from labkit.course.labs import Lab, find_labs
from labkit.home import LabError

FILES = {
    "solution.py": "solutions/{name}/solution.py",
    "checks.py": "labs/{name}/checks.py",
    "hidden_checks.py": "solutions/{name}/hidden_checks.py",
    "mistakes.py": "solutions/{name}/mistakes.py",
    "alternative.py": "solutions/{name}/alternatives/sql.py",
}


def scaffold(root: Path, slug: str) -> list[Path]:
    """The files written for a new lab with the next number; LabError when the name is taken."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", slug):
        raise LabError(f"{slug!r} is no lab name; use lower-case letters, digits and _")
    labs = find_labs(root)
    if slug in [lab.slug for lab in labs]:
        raise LabError(f"there is already a lab `{slug}`")
    number = max((lab.number for lab in labs), default=-1) + 1
    lab = Lab(number, slug, root)
    written = []
    for template, place in FILES.items():
        text = (
            files("labkit.author")
            .joinpath("templates", "new_lab", f"{template}.txt")
            .read_text("utf-8")
        )
        path = root / place.format(name=lab.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{slug}", slug), "utf-8")
        written.append(path)
    return written

"""The record of a lab's proof: what its verdicts depended on when it was last proved whole."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from labkit import home
from labkit.author.code_text import code
from labkit.author.known_answers import variants
from labkit.course.labs import Lab
from labkit.home import LabError

State = Literal["fresh", "other labkit", "stale", "absent"]
# The rooms that a verdict depends on, and what is installed beside them.
ROOMS = ("verdict", "course", "sandbox", "spark", "parts", "checks", "judge", "grading")
PACKAGE = Path(home.__file__).parent
LOCKS = ("requirements.lock", "jars.lock")
# A lab is proved again at the latest by so many commits. A prime: pushes of several commits at a
# time still meet every part.
TURNS = 11


def path(lab: Lab) -> Path:
    return lab.solutions / "proof.json"


def write(lab: Lab) -> None:
    """Notes that the lab was proved with the files that are there now."""
    facts = {"lab": hash_of_lab(lab), "labkit": hash_of_labkit(lab.root)}
    path(lab).write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


def state(lab: Lab) -> State:
    """`stale` when the lab's own files changed since its proof, `other labkit` when only that did."""
    try:
        facts = json.loads(path(lab).read_text("utf-8"))
    except (OSError, ValueError):
        return "absent"
    try:
        if facts.get("lab") != hash_of_lab(lab):
            return "stale"
    except (LabError, SyntaxError):  # a mistake that no longer fits, say
        return "stale"
    return "fresh" if facts.get("labkit") == hash_of_labkit(lab.root) else "other labkit"


def hash_of_lab(lab: Lab) -> str:
    """sha256 over what decides verdicts in the lab's own files; prose and hints don't."""
    digest = hashlib.sha256()
    for file in (lab.solution, lab.checks, lab.hidden_checks):
        if file.is_file():
            digest.update(code(file.read_text("utf-8")).encode())
    for variant in variants(lab):
        facts = (variant.kind, variant.name, variant.task, variant.fails, variant.outcome)
        digest.update(repr((*facts, code(variant.text))).encode())
    for file in lab.made_from(lab.about["datasets"]):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def hash_of_labkit(root: Path) -> str:
    """sha256 over the rooms of labkit and the locked packages that all verdicts depend on."""
    digest = hashlib.sha256()
    for file in sorted(file for room in ROOMS for file in (PACKAGE / room).rglob("*.py")):
        digest.update(file.relative_to(PACKAGE).as_posix().encode())
        digest.update(code(file.read_text("utf-8")).encode())
    for name in LOCKS:
        digest.update(home.lock_file(name, root).read_bytes())
    return digest.hexdigest()


def due(labs: Sequence[Lab], turn: int) -> list[Lab]:
    """The labs to prove now: those without a fresh record of their own files, and a part that turns.

    A lab whose record is only of another labkit waits for its turn: it comes within TURNS commits.
    """
    return [
        lab
        for number, lab in enumerate(labs)
        if number % TURNS == turn % TURNS or state(lab) in ("stale", "absent")
    ]


def turn(root: Path) -> int:
    """The number of commits of the checkout; 0 where it is no repository, or only a part of one."""
    if (root / ".git" / "shallow").exists():
        return int(os.environ.get("GITHUB_RUN_NUMBER", 0))
    command = ["git", "-C", str(root), "rev-list", "--count", "HEAD"]
    try:
        counted = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(counted.stdout)

"""The record of a lab's proof: which of its answers were proved, and what their verdicts depend on."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from labkit import home
from labkit.author.code_text import code
from labkit.author.known_answers import Kind, Variant, variants
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


class Record:
    """What was proved of a lab: one entry an answer, with the checks that it passed or failed.

    An entry holds while the answer's code is the same. What all answers depend on (solution,
    checks, data) has one hash; when it changes, no entry holds. A record that is added to keeps the
    hash of the oldest labkit in it. `anew` begins without the entries of the file.
    """

    def __init__(self, lab: Lab, *, anew: bool = False) -> None:
        self._lab = lab
        self._variants = {str(variant): variant for variant in variants(lab)}
        common = hash_of_common(lab)
        self.facts: dict[str, Any] = {
            "labkit": hash_of_labkit(lab.root),
            "common": common,
            "notebook": False,
            "answers": {},
        }
        if not anew and (earlier := _read(lab)) and earlier.get("common") == common:
            self.facts = earlier

    def add(self, variant: Variant, checks: Collection[str]) -> None:
        """A proved answer, with the results that count: see `idle`."""
        if str(variant) in self._variants:
            self.facts["answers"][str(variant)] = {
                "code": hash_of_answer(variant),
                "checks": sorted(checks),
            }

    def remove(self, variant: Variant) -> None:
        """An answer that has another verdict than it should."""
        self.facts["answers"].pop(str(variant), None)

    def missing(self) -> list[Variant]:
        """The answers to prove."""
        return [
            variant
            for name, variant in self._variants.items()
            if self._entries().get(name, {}).get("code") != hash_of_answer(variant)
        ]

    def idle(self) -> list[str]:
        """Checks that rejected none of the proved mistakes."""
        return idle_checks(
            (self._variants[name].kind, entry["checks"]) for name, entry in self._entries().items()
        )

    def whole(self) -> bool:
        return not self.missing() and not self.idle() and bool(self.facts["notebook"])

    def save(self) -> None:
        facts = {**self.facts, "answers": dict(sorted(self._entries().items()))}
        path(self._lab).write_text(json.dumps(facts, indent=1) + "\n", "utf-8")

    def _entries(self) -> dict[str, dict[str, Any]]:
        """Those of answers that the lab still has."""
        entries = self.facts["answers"]
        return {name: entry for name, entry in entries.items() if name in self._variants}


def idle_checks(proved: Iterable[tuple[Kind, Iterable[str]]]) -> list[str]:
    """The checks of the solution that no mistake is rejected by, from each answer's checks that count.

    Of a solution all checks count, of a mistake those that reject it.
    """
    checks: set[str] = set()
    rejecting: set[str] = set()
    for kind, names in proved:
        if kind == "solution":
            checks.update(names)
        elif kind == "mistake":
            rejecting.update(names)
    return sorted(checks - rejecting)


def state(lab: Lab) -> State:
    """`stale` when an answer is not proved by the lab's files; `other labkit` when only that changed."""
    if _read(lab) is None:
        return "absent"
    try:
        record = Record(lab)
        if not record.whole():
            return "stale"
    except (LabError, SyntaxError):  # a mistake that no longer fits, say
        return "stale"
    return "fresh" if record.facts["labkit"] == hash_of_labkit(lab.root) else "other labkit"


def _read(lab: Lab) -> dict[str, Any] | None:
    try:
        facts = json.loads(path(lab).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def hash_of_common(lab: Lab) -> str:
    """sha256 over the files that the verdict on every answer depends on; prose and hints don't count."""
    digest = hashlib.sha256()
    for file in (lab.solution, lab.checks, lab.hidden_checks):
        if file.is_file():
            digest.update(code(file.read_text("utf-8")).encode())
    for file in lab.made_from(lab.about["datasets"]):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def hash_of_answer(variant: Variant) -> str:
    """The start of the sha256 over an answer's code and its known verdict."""
    facts = (variant.kind, variant.name, variant.task, variant.fails, variant.outcome)
    return hashlib.sha256(repr((*facts, code(variant.text))).encode()).hexdigest()[:16]


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


def to_judge(labs: Sequence[Lab], turn: int) -> list[Lab]:
    """The labs whose starter and solution are judged now: those to prove, and half of the others.

    Half of those, that is, that were proved with another labkit; the next commit has the other half.
    """
    proved = due(labs, turn)
    return [
        lab
        for number, lab in enumerate(labs)
        if lab in proved or (number % 2 == turn % 2 and state(lab) != "fresh")
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

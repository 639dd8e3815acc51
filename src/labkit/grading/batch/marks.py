"""Which attempt a path says it is: `ada@2.ipynb`, a folder `attempt2`, a name that an LMS gave it.

Only names count. A file's time is the time of a download, an unpacking or a clone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

NUMBERED = re.compile(r"(?:@(\d{1,4})$|(?:^|[ _.-])attempt[ _.-]?(\d{1,4})(?=$|[ _.-]))", re.I)
# The inbox of nbgrader's exchange: ada+ps1+2026-10-01 12:00:00.123456 UTC+dGhpcw
NBGRADER = re.compile(
    r"(?P<who>[^+]+)\+[^+]+\+(?P<when>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)[^+]*(?:\+.*)?"
)
# Blackboard: ps1_ada_attempt_2026-10-01-12-00-00_lab.ipynb
BLACKBOARD = re.compile(r"(?P<who>.+)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_.*)?")
# Canvas: lovelaceada_LATE_340934_208490284_lab-1.ipynb; the last number grows with every upload.
CANVAS = re.compile(r"(?P<who>[^_]+_)(?:LATE_)?(?P<id>\d{3,})_(?P<when>\d{3,})_.+")

Order = tuple[int, ...]


@dataclass(frozen=True)
class Mark:
    """Who handed a path in, which all attempts have in common, and where it stands among them.

    A path without a mark has the empty order: it comes before those that have one.
    """

    learner: str
    order: Order = ()


def read_mark(label: str) -> Mark:
    """The mark in a path below the folder that was handed in.

    Its learner is the path without marks, or the learner that an LMS put into the name.
    """
    parts = PurePath(label.removesuffix(".ipynb").removesuffix(".py")).parts
    order: list[int] = []
    kept: list[str] = []
    named = ""
    for part in parts:
        # Below a learner's own folder such a name is theirs, and may be somebody else's.
        if not kept and not named and (found := _of_an_lms(part)):
            named = found.learner
            order += found.order
            continue
        order += [int(number or other) for number, other in NUMBERED.findall(part)]
        if plain := NUMBERED.sub("", part):
            kept.append(plain)
    return Mark(named or "/".join(kept) or label, tuple(order))


def _of_an_lms(part: str) -> Mark | None:
    for form in (NBGRADER, BLACKBOARD, CANVAS):
        if found := form.fullmatch(part):
            who = found["who"] + (found["id"] if form is CANVAS else "")
            return Mark(who, tuple(map(_number, re.findall(r"\.?\d+", found["when"]))))
    return None


def _number(digits: str) -> int:
    """A number as it is; the fraction of a second in millionths, however many digits it has."""
    return int(digits[1:7].ljust(6, "0")) if digits.startswith(".") else int(digits)

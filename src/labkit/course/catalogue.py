"""labs/catalogue.yaml: the labs by subject, what one does in each, and which build on which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labkit.course.labs import Lab
from labkit.home import LabError

FILE = Path("labs") / "catalogue.yaml"
OTHERS = "Other labs"


@dataclass(frozen=True)
class Entry:
    """A lab, what a learner does in it, and the labs to do before it."""

    lab: Lab
    does: str
    after: tuple[Lab, ...] = ()


@dataclass(frozen=True)
class Subject:
    """Labs on one subject, in the order in which to do them."""

    title: str
    entries: tuple[Entry, ...]


def subjects(labs: Sequence[Lab]) -> list[Subject]:
    """The given labs by subject; one that the file doesn't name is among the others, by its title.

    What the file says of labs that are not given is left out: a hand-out has some labs only, a
    course of one's own has others. LabError when the file isn't of the form described in it.
    """
    here = {lab.slug: lab for lab in labs}
    found, named = [], set()
    for title, about in _read(labs[0].root / FILE) if labs else ():
        entries = [
            Entry(here[slug], str(facts["does"]).strip(),
                  tuple(here[name] for name in facts.get("after", ()) if name in here))
            for slug, facts in about.items()
            if slug in here
        ]  # fmt: skip
        named |= set(about)
        if entries:
            found.append(Subject(title, tuple(entries)))
    others = tuple(Entry(lab, lab.title) for lab in labs if lab.slug not in named)
    return [*found, Subject(OTHERS, others)] if others else found


def after(lab: Lab, labs: Sequence[Lab]) -> tuple[Lab, ...]:
    """The labs among `labs` to do before `lab`."""
    entries = (entry for subject in subjects(labs) for entry in subject.entries)
    return next((entry.after for entry in entries if entry.lab == lab), ())


def _read(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    if not path.is_file():
        return []
    try:
        found = yaml.safe_load(path.read_text("utf-8")) or []
        read: list[tuple[str, Mapping[str, Any]]] = [
            (str(one["title"]), dict(one["labs"])) for one in found
        ]
        for _, about in read:
            for facts in about.values():
                if facts.keys() - {"does", "after"} or "does" not in facts:
                    raise ValueError(f"a lab has `does` and perhaps `after`, not {facts}")
                if not isinstance(facts.get("after", []), list):
                    raise ValueError(f"`after` is a list of labs, not {facts['after']}")
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise LabError(f"{path} is no list of subjects with their labs: {error}") from None
    return read

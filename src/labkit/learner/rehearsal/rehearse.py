"""A timed rehearsal: its folder, its labs, and the clock, whose readings are in a session file."""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.course.labs import Lab, find_lab
from labkit.home import LabError
from labkit.learner import progress
from labkit.learner.rehearsal import clock, prompt
from labkit.learner.rehearsal.saves import Log

SESSION = "session.json"
PROMPT = "PROMPT.md"
VERSION = 1
# What a file raises that is none: another person's may hold anything.
NO_SESSION = (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError)
BEGIN, FINISH = "begin", "finish"


@dataclass(frozen=True)
class Rehearsal:
    """The folder of a rehearsal; all of its state is in the files there."""

    folder: Path
    root: Path

    def session(self) -> dict[str, Any]:
        """The session file; LabError if it is not one."""
        path = self.folder / SESSION
        try:
            data = json.loads(path.read_text("utf-8"))
            if data["version"] != VERSION or not data["labs"] or not data["given"]:
                raise ValueError("another version")
            int(data["minutes"])
            if not all(isinstance(slug, str) for slug in data["labs"]):
                raise ValueError("labs that are not text")
            [clock.Reading.of(reading) for reading in data["readings"]]
            changed, only = data.get("changed_before", []), data.get("only", [])
            _of_names(data["given"], data.get("submitted", {}), [*changed, *only])
            return dict(data)
        except FileNotFoundError:
            raise LabError(f"{self.folder} is not a rehearsal: it has no {SESSION}") from None
        except (*NO_SESSION, RecursionError) as error:
            raise LabError(f"{path} can't be read as a rehearsal ({error!r})") from None

    @property
    def labs(self) -> tuple[Lab, ...]:
        return tuple(find_lab(slug, self.root) for slug in self.session()["labs"])

    @property
    def minutes(self) -> int:
        return int(self.session()["minutes"])

    @property
    def readings(self) -> tuple[clock.Reading, ...]:
        return tuple(clock.Reading.of(reading) for reading in self.session()["readings"])

    @property
    def begun(self) -> bool:
        return bool(self.readings)

    @property
    def finished(self) -> bool:
        return any(reading.what == FINISH for reading in self.readings)

    def tasks(self, lab: Lab) -> tuple[str, ...]:
        """The tasks of a lab that are to be written here: all, unless the session names some."""
        only = self.session().get("only", [])
        return tuple(task for task in lab.tasks if not only or task in only)

    def notebook(self, lab: Lab) -> Path:
        return self.folder / f"{lab.slug}.ipynb"

    def log(self) -> Log:
        return Log(self.folder, {self.notebook(lab).name: self.tasks(lab) for lab in self.labs})

    def elapsed(self) -> clock.Elapsed:
        """The time on the clock: to the end of a finished rehearsal, else to now."""
        readings = self.readings
        if not readings:
            return clock.Elapsed(0.0)
        return clock.elapsed(readings if self.finished else [*readings, clock.read("now")])

    def left(self) -> float:
        """Seconds left; negative when the time is over."""
        return self.minutes * 60 - self.elapsed().seconds

    def note(self, what: str, **facts: Any) -> None:
        """Adds a reading of the clock and some facts to the session; nothing after the finish."""
        with self._changing() as session:
            if any(reading["what"] == FINISH for reading in session["readings"]):
                return
            session["readings"].append(clock.read(what).as_dict())
            session |= facts

    def refuse_links(self) -> None:
        """LabError if the folder, perhaps another person's, contains a link or a special file.

        A link to the solutions would get full marks, and a result would be written through a link.
        """
        for path in self.folder.iterdir():
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise LabError(
                    f"{path} is a link or a special file, which a rehearsal must not contain"
                )

    def open(self) -> None:
        """Begins the clock, or records that work resumes; logs the notebooks as they are."""
        self.refuse_links()
        if self.begun:
            self.note("resume")
        else:
            given = self.session()["given"]
            paths = self._notebooks()
            early = [path.name for path in paths if digest(path) != given.get(path.name)]
            self.note(BEGIN, changed_before=early)
        self.log().look(self.elapsed().seconds)

    def finish(self) -> None:
        """Stops the clock and keeps hashes of the notebooks; only the first call does anything."""
        if not self.begun:
            raise LabError(f"{self.folder} has not begun; `lab rehearse {self.folder}` opens it")
        if self.finished:
            return
        self.log().look(self.elapsed().seconds)
        self.note(FINISH, submitted={path.name: digest(path) for path in self._notebooks()})

    def changed_since(self) -> list[str]:
        """Notebooks that have changed since the clock stopped."""
        kept = self.session().get("submitted", {})
        return [path.name for path in self._notebooks() if kept.get(path.name) != digest(path)]

    def _notebooks(self) -> list[Path]:
        return [self.notebook(lab) for lab in self.labs]

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        with (self.folder / ".session.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            session = self.session()
            yield session
            _write(self.folder / SESSION, session)


def _of_names(given: dict[str, str], submitted: dict[str, str], changed: list[str]) -> None:
    """ValueError if what a session says about notebooks is not text."""
    names = [*given.items(), *submitted.items(), *((name, "") for name in changed)]
    if not all(isinstance(word, str) for pair in names for word in pair):
        raise ValueError("names that are not text")


def digest(path: Path) -> str:
    """sha256 of a file; empty if it can't be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def make(
    labs: Sequence[Lab],
    minutes: int,
    folder: Path | None = None,
    *,
    only: Sequence[str] = (),
    more: Sequence[str] = (),
) -> Rehearsal:
    """A new rehearsal: prompt, notebooks and a clock that has not begun.

    With `only` it is about these tasks; what else the notebooks have is written. The code cells
    `more` come at the end of each notebook.
    """
    root = labs[0].root
    if folder is None:
        now = datetime.datetime.now()
        names = "-".join(lab.slug for lab in labs)
        folder = home_of(root) / f"{now:%Y-%m-%d-%H%M%S}-{names}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise LabError(f"{folder} is not empty; a rehearsal needs an empty folder")
        (folder / PROMPT).write_text(prompt.mail(labs, minutes, only), "utf-8")
        given = {}
        for lab in labs:
            path = folder / f"{lab.slug}.ipynb"
            path.write_text(prompt.notebook(lab, only, more), "utf-8")
            given[path.name] = digest(path)
        session = {"version": VERSION, "labs": [lab.slug for lab in labs], "minutes": minutes}
        session |= {"only": list(only)} if only else {}
        _write(folder / SESSION, {**session, "given": given, "readings": []})
    except OSError as error:
        raise LabError(f"{folder} can't be written: {error.strerror}") from None
    return Rehearsal(folder, root)


def home_of(root: Path) -> Path:
    return root / "work" / "rehearsals"


def rehearsals(root: Path) -> list[Rehearsal]:
    """The rehearsals in work/, those of a loop among them, the newest last."""
    top = home_of(root)
    paths = [path for form in ("*", "*/*") for path in top.glob(f"{form}/{SESSION}")]
    found = [Rehearsal(path.parent, root) for path in paths]
    return sorted(found, key=lambda one: one.folder.relative_to(top).parts)


def current(root: Path) -> Rehearsal:
    """The newest rehearsal that is not finished; LabError when there is none.

    That of a loop counts once the loop has begun it.
    """
    for found in reversed(rehearsals(root)):
        if not found.finished and (found.begun or found.folder.parent == home_of(root)):
            return found
    raise LabError("there is no unfinished rehearsal; `lab rehearse SLUG` begins one")


def running(folder: Path) -> Rehearsal | None:
    """The unfinished rehearsal that `folder` is in, if it is in one."""
    for place in (folder, *folder.parents):
        # Other programs have a session.json, too, so one file is not enough.
        if (place / SESSION).is_file() and (place / PROMPT).is_file():
            found = Rehearsal(place, place)
            return None if found.finished else found
    return None


def choose(labs: Sequence[Lab], minutes: int, topics: Sequence[str]) -> tuple[Lab, ...]:
    """Labs for the time: those with most of the topics, then the longest, then the least practised.

    A topic is part of a lab's topics, title or name. If nothing fits, the shortest lab is chosen.
    """
    matching = {lab: {topic for topic in topics if about(lab, topic)} for lab in labs}
    unknown = [topic for topic in topics if not any(topic in found for found in matching.values())]
    if unknown:
        known = sorted({topic for lab in labs for topic in lab.about["topics"]})
        raise LabError(f"no lab is about {', '.join(unknown)}; topics: {', '.join(known)}")
    usable = [
        lab for lab in labs if (matching[lab] if topics else lab.about["level"] != "starter")
    ] or list(labs)
    kept = progress.tasks_by_lab(labs)

    def practised(lab: Lab) -> int:
        return sum(map(progress.passed, kept[lab.slug].values()))

    def worth(some: tuple[Lab, ...]) -> tuple[int, int, int]:
        covered = set[str]().union(*(matching[lab] for lab in some))
        return len(covered), length(some), -sum(map(practised, some))

    # Three labs are a long day; nobody sets more.
    sets = [some for size in (1, 2, 3) for some in itertools.combinations(usable, size)]
    fitting = [some for some in sets if length(some) <= minutes]
    if not fitting:
        return (min(usable, key=lambda lab: int(lab.about["minutes"])),)
    return max(fitting, key=worth)


def about(lab: Lab, topic: str) -> bool:
    words = [*lab.about["topics"], lab.title, lab.slug]
    return any(topic.casefold() in word.casefold() for word in words)


def length(labs: Sequence[Lab]) -> int:
    return sum(int(lab.about["minutes"]) for lab in labs)


def _write(path: Path, data: dict[str, Any]) -> None:
    handle, draft = tempfile.mkstemp(prefix=".session-", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(json.dumps(data, indent=1) + "\n")
    os.replace(draft, path)

"""Find the submissions of a batch: files, folders, patterns and lists; each gets a name of its own."""

from __future__ import annotations

import csv
import glob
import hashlib
import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.escape import one_line
from labkit.grading.batch.marks import Mark, Order, read_mark
from labkit.grading.refusal import (
    KINDS,
    another_kind,
    in_current_folder,
    leads_away,
    link,
    not_ordinary,
    refusal,
)
from labkit.grading.submission import OPENS
from labkit.home import LabError

NAME_CHARACTERS = 80
NAME_BYTES = 120  # file systems count these: 255 of most, 143 of some
LEARNER_CHARACTERS = 4_096  # a path; cut short, two learners could be one
RESULTS = "batch.json"  # in a folder that `lab grade` wrote
RESERVED = ("summary.", "junit.", "batch.")
HEAD_BYTES = 1_000_000
HASHED = re.compile(r"-[0-9a-f]{12}$", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """A file that was handed in; `name` is the folder of its results.

    `refused` says why its path is not accepted, before anything of it is read. All attempts of one
    learner have the same `learner`; they follow each other by `order`.
    """

    name: str
    path: Path
    student: str = ""
    refused: str = ""
    learner: str = ""
    order: Order = ()


@dataclass(frozen=True)
class Collected:
    """The entries of a batch by name, and the files that are none."""

    entries: tuple[Entry, ...]
    passed_over: tuple[Path, ...] = ()

    def shard(self, part: int, parts: int) -> Collected:
        """Every `parts`-th entry, beginning with number `part` (from 1)."""
        return Collected(self.entries[part - 1 :: parts], self.passed_over)


@dataclass(frozen=True)
class _Draft:
    label: str
    path: Path
    student: str = ""
    refused: str = ""
    attempt: int = 0  # of a list: its number there, or its row's

    @property
    def mark(self) -> Mark:
        return Mark(self.student, (self.attempt,)) if self.student else read_mark(self.label)


def collect(arguments: Sequence[str], *, any_python: bool = False) -> Collected:
    """The submissions that the arguments name; LabError for an argument that names nothing.

    In a folder, notebooks count, and Python files that open a lab (with `any_python` all of them).
    So do files that may have been meant as such, whose row says why they can't be graded. Links are
    never followed there. A name follows from the path, and from a second submission of the
    same name; it is the same in every shard and on every run over the same submissions.
    """
    drafts: list[_Draft] = []
    passed_over: list[Path] = []
    lists = [argument for argument in arguments if _is_list(Path(argument))]
    if lists and len(lists) < len(arguments):  # of a pattern, say, that a shell has expanded
        raise LabError(
            f"{lists[0]} stands among other files, and may be handed in: it could give others' work "
            "to its author. Name folders and files, or a list alone"
        )
    for argument in arguments:
        path = Path(argument)
        if argument in lists:
            drafts += _listed(path)
        elif path.suffix in KINDS and os.path.lexists(path):
            drafts.append(_named(path))
        elif path.is_dir():
            for file, refused in _walk(path):
                python = file.name.lower().removesuffix(".txt").endswith(".py")
                if refused or not python or any_python or _opens_a_lab(file):
                    drafts.append(_Draft(str(file.relative_to(path)), file, refused=refused))
                else:
                    passed_over.append(file)
        elif os.path.lexists(path):
            drafts.append(_named(path))
        elif glob.has_magic(argument):
            drafts += _matching(argument)
        else:
            raise LabError(f"{argument} isn't there; name files, folders, patterns or a .csv list")
    return Collected(_with_names(drafts), tuple(passed_over))


def _is_list(path: Path) -> bool:
    return path.suffix.lower() == ".csv" and path.is_file()


def _named(path: Path) -> _Draft:
    """A file that the caller, or a pattern that their shell expanded, named."""
    absolute = Path(os.path.abspath(path))
    base = Path.cwd() if in_current_folder(path) else absolute.anchor
    return _Draft(str(absolute.relative_to(base)), path, refused=refusal(path))


def _matching(pattern: str) -> list[_Draft]:
    fixed = pattern.split("*")[0].split("?")[0].split("[")[0]
    base = Path(os.path.dirname(fixed))
    paths = sorted(Path(name) for name in glob.glob(pattern, recursive=True))
    files = [path for path in paths if path.suffix in KINDS or another_kind(path)]
    if not files:
        raise LabError(f"{pattern} matches no .ipynb or .py file")
    return [_Draft(str(p.relative_to(base)), p, refused=leads_away(p, base)) for p in files]


def _walk(folder: Path) -> Iterator[tuple[Path, str]]:
    """The files in a folder that may be submissions, and why one is refused."""
    unreadable: list[OSError] = []
    results: set[Path] = set()  # folders of results, whose pages nobody handed in
    for place, folders, files in os.walk(folder, onerror=unreadable.append, followlinks=False):
        here = Path(place)
        if RESULTS in files or here.parent in results:
            results.add(here)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "__pycache__")
        for name in list(folders):
            if Path(name).suffix in KINDS:  # a folder named like a notebook
                folders.remove(name)
                yield here / name, not_ordinary(here / name) or link(here / name)
        for name in sorted(files):
            meant = here not in results and another_kind(Path(name))
            if not name.startswith(".") and (Path(name).suffix in KINDS or meant):
                yield here / name, link(here / name) or not_ordinary(here / name)
    for error in unreadable:
        where = Path(str(error.filename))
        yield where, f"the folder {where.name} can't be read: {error.strerror}"


def _opens_a_lab(file: Path) -> bool:
    try:
        with file.open("rb") as content:
            head = content.read(HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return True  # a row that says why
    return OPENS.search(head) is not None


def _listed(list_file: Path) -> list[_Draft]:
    """The rows of a CSV of student and path; paths are relative to the list and stay below it.

    A column `attempt` numbers the attempts of a student; without it the order of the rows does.
    """
    try:
        text = list_file.read_bytes().decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabError(f"{list_file} can't be read as CSV in UTF-8: {error}") from None
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "path" not in header or "student" not in header:
        raise LabError(f"{list_file}:1: expected a header with the columns student and path")
    student_at, path_at = header.index("student"), header.index("path")
    attempt_at = header.index("attempt") if "attempt" in header else len(header)
    base = list_file.parent
    count = Counter(_cell(row, student_at) for row in rows[1:])
    drafts = []
    for number, row in enumerate(rows[1:], start=2):
        student, given = _cell(row, student_at), _cell(row, path_at)
        path = base / given
        if not given or "\x00" in given:
            refused = f"row {number} of {list_file.name} has no path"
            path = base / f"row-{number}"
        else:
            refused = leads_away(path, base)
        attempt = _cell(row, attempt_at)
        if attempt and not re.fullmatch(r"[0-9]{1,6}", attempt):
            raise LabError(
                f"row {number} of {list_file}: the attempt is {attempt!r}; write a number such as "
                "2, or leave it empty"
            )
        label = student if student and count[student] == 1 else f"{student}/{given or number}"
        drafts.append(_Draft(label, path, student, refused, int(attempt or number)))
    return drafts


def _cell(row: list[str], at: int) -> str:
    return row[at].strip() if at < len(row) else ""


def _with_names(drafts: Sequence[_Draft]) -> tuple[Entry, ...]:
    """Entries by name; a path that was named twice for the same student is one entry.

    Of two that would have the same name after all the later one is refused, under a name of its own:
    a result must never be somebody else's, and a file's name must not end the batch.
    """
    unique: dict[tuple[str, str], _Draft] = {}
    for draft in drafts:
        unique.setdefault((os.path.abspath(draft.path), draft.student), draft)
    named = [(folder_name(draft.label), draft) for draft in unique.values()]
    used = Counter(name.casefold() for name, _ in named)
    entries = [
        Entry(
            name if used[name.casefold()] == 1 else _with_hash(name, f"{draft.label}\0{draft.path}"),
            draft.path, one_line(draft.student), draft.refused,
            one_line(draft.mark.learner, LEARNER_CHARACTERS), draft.mark.order,
        )
        for name, draft in named
    ]  # fmt: skip
    taken: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: (entry.name, str(entry.path))):
        if entry.name.casefold() in taken:
            reason = (
                f"the results of {entry.path.name} would be called like another one's; rename it"
            )
            name = _with_hash(entry.name, f"again\0{entry.path}")
            entry = replace(entry, name=name, refused=reason)
        taken[entry.name.casefold()] = entry
    return tuple(sorted(taken.values(), key=lambda entry: entry.name))


def folder_name(label: str) -> str:
    """A folder's name for a label; one that had to be changed ends in a hash of the label.

    So does one that looks as if it did: nobody picks the name of another's results.
    """
    stem = label.removesuffix(".ipynb").removesuffix(".py")
    plain = "-".join(Path(stem).parts)
    kept = "".join(c if c.isalnum() or c in "._-+@" else "-" for c in plain).strip(".-")
    name = kept[:NAME_CHARACTERS].encode()[:NAME_BYTES].decode(errors="ignore")
    if name != plain or not name or name.lower().startswith(RESERVED) or HASHED.search(name):
        return _with_hash(name or "submission", label)
    return name


def _with_hash(name: str, label: str) -> str:
    digest = hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name}-{digest[:12]}"

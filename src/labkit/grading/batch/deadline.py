"""A deadline, and when submissions came: by an instructor's list, never by the times of files."""

from __future__ import annotations

import csv
import datetime
import difflib
import io
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.grading.batch.collect import Entry
from labkit.grading.batch.results import Row
from labkit.grading.batch.standing import HandedIn
from labkit.home import LabError

COLUMNS = ("learner", "handed_in")
EXAMPLE = "2026-10-01T23:59+02:00 or '2026-10-01 23:59 Europe/Berlin'"
NAMED_ZONE = re.compile(r"(.*\d)\s+([A-Za-z]+(?:/[\w+-]+)*)")


@dataclass(frozen=True)
class Deadline:
    """When submissions were due, and when each was handed in, by its name."""

    due: datetime.datetime
    times: Mapping[str, datetime.datetime]

    def judged(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        """The rows with what is to be said of their time."""
        return tuple(replace(row, handed_in=self._of(row.name)) for row in rows)

    def _of(self, name: str) -> HandedIn:
        at = self.times.get(name)
        if at is None:
            return HandedIn()
        return HandedIn(at, max(at - self.due, datetime.timedelta()))


def read_deadline(text: str) -> datetime.datetime:
    """A moment out of `--deadline`, which has to say its zone."""
    try:
        due = _moment(text, None)
    except ValueError as error:
        raise LabError(f"--deadline {text}: {error}; write {EXAMPLE}") from None
    if due.tzinfo is None:
        raise LabError(f"--deadline {text}: which time zone? Write {EXAMPLE}")
    return due


def read_times(
    file: Path, due: datetime.datetime, submissions: Sequence[Entry | Row]
) -> dict[str, datetime.datetime]:
    """When each submission was handed in, by its name; LabError names the line that is wrong.

    A line names a submission, or the learner of a single one. A time without a zone is in that of
    the deadline. A line without a time is of somebody who handed in nothing.
    """
    lines = _lines(file)
    known = _by_word(submissions)
    times: dict[str, datetime.datetime] = {}
    told: dict[str, int] = {}
    for number, learner, handed_in in lines:
        where = f"{file}, line {number}"
        if not learner:
            raise LabError(f"{where}: the learner is missing; write who handed in, or remove it")
        if not handed_in:
            continue
        name = _one(learner, known, where)
        if name in told:
            raise LabError(
                f"{where}: {learner} has a time in line {told[name]} already; remove one"
            )
        try:
            at = _moment(handed_in, due.tzinfo)
        except ValueError as error:
            raise LabError(f"{where}: {error}; write {EXAMPLE}") from None
        times[name], told[name] = at, number
    return times


def _lines(file: Path) -> list[tuple[int, str, str]]:
    """Number, learner and time of each line that is not blank."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabError(f"{file} can't be read as CSV in UTF-8: {error}") from None
    header = [cell.lower() for cell in rows[0][1]] if rows else []
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        separator = ";" if header and ";" in header[0] else ""
        remedy = "separate cells by commas, not by ;" if separator else "add it to the header"
        raise LabError(f"{file}, line 1: there is no column {' and no '.join(missing)}; {remedy}")
    learner_at, time_at = map(header.index, COLUMNS)
    found = []
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise LabError(
                f"{file}, line {number}: it has {len(row)} cells and the header {len(header)}; "
                "put a cell with a comma in it between double quotes"
            )
        found.append((number, row[learner_at], row[time_at]))
    return found


def _by_word(submissions: Sequence[Entry | Row]) -> dict[str, list[str]]:
    """The names of submissions by each word that a list may have for them."""
    known: dict[str, list[str]] = {}
    for one in submissions:
        words = {one.name, one.student, one.learner, one.learner.split("/")[0], str(one.path)}
        for word in words - {""}:
            known.setdefault(word, []).append(one.name)
    return known


def _one(learner: str, known: Mapping[str, Sequence[str]], where: str) -> str:
    names = sorted(set(known.get(learner, ())))
    if len(names) == 1 or learner in names:
        return names[0] if len(names) == 1 else learner
    if names:
        raise LabError(
            f"{where}: {learner} has {len(names)} submissions; write a line for each, with its "
            f"name in place of the learner's: {', '.join(names[:10])}"
        )
    near = difflib.get_close_matches(learner, known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise LabError(
        f"{where}: there is no submission of {learner}; {meant}Correct the name, or leave "
        "handed_in empty for somebody who handed in nothing"
    )


def _moment(text: str, zone: datetime.tzinfo | None) -> datetime.datetime:
    """A time in ISO 8601, with an offset or the name of a zone; ValueError says what is wrong."""
    moment, name = text.strip(), ""
    if found := NAMED_ZONE.fullmatch(moment):
        moment, name = found[1], found[2]
    try:
        at = datetime.datetime.fromisoformat(moment)
    except ValueError:
        raise ValueError(f"{text!r} is not a date and time") from None
    if len(moment) <= len("2026-10-01"):
        raise ValueError(f"{text!r} has no time of day")
    if not name:
        return at if at.tzinfo else at.replace(tzinfo=zone)
    if at.tzinfo:
        raise ValueError(f"{text!r} has two time zones")
    try:
        return at.replace(tzinfo=zoneinfo.ZoneInfo(name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"there is no time zone {name!r}") from None

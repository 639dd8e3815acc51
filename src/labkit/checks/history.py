"""Versioned rows, each valid from an instant until another: what must hold of all of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from pyspark.sql import Row

from labkit.checks.row_diff import label_of, show


@dataclass(frozen=True)
class _Version:
    """One row: whose, from when, until when, whether it is marked as current, and what it says."""

    key: tuple[Any, ...]
    start: Any
    end: Any
    current: Any
    values: tuple[Any, ...]


@dataclass(frozen=True)
class History:
    """Names the columns of a table of versions (type 2), and asserts what must hold of its rows.

    A version is valid from `start`, that instant included, until `end`, that instant excluded; null
    is an open end. `key` is what has versions, `values` what they say, `current` the flag of the
    open one, where the table has such a column.

    The assertions take rows that were collected already, for one `collect` serves them all: Rows,
    dicts, or tuples in the order of `columns`. AssertionError names the first key, and its version,
    that breaks one, or a column that is missing.
    """

    key: str | Sequence[str]
    start: str
    end: str
    values: Sequence[str]
    current: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,) if isinstance(self.key, str) else tuple(self.key)

    @property
    def columns(self) -> tuple[str, ...]:
        """Key, values, start, end and flag: the columns of a row that is a tuple."""
        flag = (self.current,) if self.current else ()
        return (*self.keys, *self.values, self.start, self.end, *flag)

    @property
    def version_key(self) -> tuple[str, ...]:
        """What tells versions apart: the `key` of `assert_rows`."""
        return (*self.keys, self.start)

    def versions(
        self, key: Any, *points: tuple[Any, Sequence[Any]], end: Any = None
    ) -> list[tuple[Any, ...]]:
        """The rows of one key from points (time, values), oldest first: each ends at the next.

        The last ends at `end`, None for an open version. A key of several columns is a tuple.
        """
        mine = (key,) if isinstance(self.key, str) else tuple(key)
        rows = []
        for number, (start, values) in enumerate(points, 1):
            until = points[number][0] if number < len(points) else end
            flag = (until is None,) if self.current else ()
            rows.append((*mine, *values, start, until, *flag))
        return rows

    def assert_one_current(self, rows: Iterable[Any], *, at_most: bool = False) -> None:
        """Each key has one current version, or `at_most` one: it may have ended for good.

        Current is what the flag says, and an open end in a table without one.
        """
        for versions in self._by_key(rows).values():
            found = sum(self._is_current(version) for version in versions)
            if found != 1 and not (at_most and not found):
                count = "no current version" if not found else f"{found} current versions"
                wanted = "at most one" if at_most else "exactly one"
                raise AssertionError(
                    f"{self._whose(versions[0])} has {count}; there is {wanted}, or every join on "
                    "the current version loses or doubles its facts"
                )

    def assert_current_is_open(self, rows: Iterable[Any]) -> None:
        """A version is current exactly when its end is open; ValueError without a flag."""
        if not self.current:
            raise ValueError("a history without the column `current` has nothing to compare")
        for version in self._all(rows):
            if version.current is not (version.end is None):
                raise AssertionError(
                    f"{self._which(version)}: {self.current} is {show(version.current)}, "
                    f"{self.end} is {show(version.end)}; a version is current exactly when its end "
                    "is open (null)"
                )

    def assert_no_overlap(self, rows: Iterable[Any]) -> None:
        """No version begins before the one before it ends, and none is empty or without a start."""
        for version, following in self._neighbours(rows):
            if version.start is None:
                raise AssertionError(f"{self._whose(version)} has a version without a {self.start}")
            empty = version.end is not None and version.end <= version.start
            if empty or (following and (version.end is None or following.start < version.end)):
                begins = f", the next begins at {show(following.start)}" if following else ""
                raise AssertionError(
                    f"{self._which(version)}: it ends at {_end(version)}{begins}; where versions "
                    "overlap, or are empty, a fact finds two of them or none"
                )

    def assert_no_gap(self, rows: Iterable[Any], *, may_end: bool = False) -> None:
        """Each version ends where the next begins; the last has no end, unless a key `may_end`."""
        for version, following in self._neighbours(rows):
            if version.end is None or (following is None and may_end):
                continue
            if following is None or _before(version.end, following.start):
                begins = (
                    f"the next begins at {show(following.start)}" if following else "none follows"
                )
                raise AssertionError(
                    f"{self._which(version)}: it ends at {_end(version)}, {begins}; a fact in "
                    "between finds no version. Versions are half-open and touch"
                )

    def assert_no_equal_neighbours(self, rows: Iterable[Any]) -> None:
        """No version says the same as the one before it, null being a value like others."""
        for version, following in self._neighbours(rows):
            if following and following.values == version.values:
                raise AssertionError(
                    f"{self._which(following)}: it says the same as the one before it: "
                    f"{self._said(following)}; a version begins where something changes"
                )

    def assert_says(
        self, rows: Iterable[Any], points: Iterable[tuple[Any, Any, Sequence[Any]]], story: str
    ) -> None:
        """At each point (key, time, values) one valid version of the key says these values.

        `story` begins the reason: where the points come from, and what follows when they are lost.
        """
        by_key = self._by_key(rows)
        wanted = (
            _Version(
                (key,) if isinstance(self.key, str) else tuple(key), time, None, None, tuple(said)
            )
            for key, time, said in points
        )
        for point in sorted(wanted, key=_place):
            valid = [one for one in by_key.get(point.key, []) if _is_valid(one, point.start)]
            if [one.values for one in valid] != [point.values]:
                found = " and ".join(f"({self._said(one)})" for one in valid) or "no version"
                raise AssertionError(
                    f"{story}: {self._whose(point)} was ({self._said(point)}) at "
                    f"{show(point.start)}; valid then is {found}, expected exactly one version "
                    "that says so"
                )

    def _all(self, rows: Iterable[Any]) -> Iterator[_Version]:
        for row in rows:
            if isinstance(row, Row):
                named: Mapping[str, Any] = row.asDict()
            elif isinstance(row, Mapping):
                named = row
            else:
                named = dict(zip(self.columns, row, strict=True))
            for name in self.columns:
                if name not in named:
                    raise AssertionError(f"the rows have no column {name}")
            yield _Version(
                tuple(named[name] for name in self.keys),
                named[self.start],
                named[self.end],
                named[self.current] if self.current else None,
                tuple(named[name] for name in self.values),
            )

    def _by_key(self, rows: Iterable[Any]) -> dict[tuple[Hashable, ...], list[_Version]]:
        """The versions of each key, oldest first, in the order of keys: a reason stays the same."""
        found: dict[tuple[Hashable, ...], list[_Version]] = {}
        for version in sorted(self._all(rows), key=_place):
            found.setdefault(version.key, []).append(version)
        return found

    def _neighbours(self, rows: Iterable[Any]) -> Iterator[tuple[_Version, _Version | None]]:
        """Each version, and the next of its key; None after the last."""
        for versions in self._by_key(rows).values():
            yield from zip_longest(versions, versions[1:])

    def _is_current(self, version: _Version) -> bool:
        return version.current is True if self.current else version.end is None

    def _whose(self, version: _Version) -> str:
        return label_of(self.keys, version.key)

    def _which(self, version: _Version) -> str:
        return f"{self._whose(version)}, version from {show(version.start)}"

    def _said(self, version: _Version) -> str:
        return label_of(self.values, version.values)


def _place(version: _Version) -> tuple[Any, ...]:
    """Sorts versions by key, start and end, null first."""
    return tuple((part is not None, part) for part in (*version.key, version.start, version.end))


def _before(moment: Any, other: Any) -> bool:
    return other is not None and bool(moment < other)


def _end(version: _Version) -> str:
    return "no time (null)" if version.end is None else show(version.end)


def _is_valid(version: _Version, time: Any) -> bool:
    begun = version.start is not None and version.start <= time
    return begun and (version.end is None or time < version.end)

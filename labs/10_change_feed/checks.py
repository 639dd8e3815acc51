"""Checks of lab 10: lives of accounts in short, their feed, and Delta tables written by hand."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from os import utime
from os.path import relpath
from pathlib import Path
from time import time
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from labkit.checks import (
    AnswerError,
    Case,
    assert_columns,
    assert_one_commit,
    assert_rows,
    cases,
    changes_since,
    check,
    collect,
    run_tables,
    stories,
    table_version,
)

HINTS = {
    "net_changes": [
        "Two rows of an account say it all: what its first change found, and what its last one "
        "left. Which of the four change types tell of an account that was there before?",
        "In one version `delete` comes before `insert`. Put that into the order of your window.",
        "Compare two structs null-safely: what was there before with what is there after.",
    ],
    "read_changes": [
        "Delta builds the frame before it looks for the changes. When does it look?",
        "A read without `endingVersion` ends at the newest version when it runs, not when you "
        "wrote it. A table has an option for that too: `versionAsOf`.",
        "Reading a frame to its end without keeping it: the format `noop` takes all rows.",
        "A start after the newest version is an error. Ask for the newest version first.",
    ],
    "apply_changes": [
        "Which of the two commits must come first, so that a crash between them loses nothing?",
        "The call that comes after a crash finds a target that is newer than its state says. Is "
        "'nothing changed between these versions' still true for this target?",
        "The last image of each account is right whatever the target holds: present with these "
        "values, or absent.",
        "A matched clause takes a condition: write only what differs.",
    ],
    "aggregate_delta": [
        "An update is two rows: one takes its balance out of a segment, one puts it into one.",
        "Give each row a sign, by its type, and sum the signs.",
        "`sum` over no values but null is null. An account is counted with or without a balance.",
    ],
    "maintain": [
        "Adding a difference twice is wrong twice. What can tell, after a crash, that the "
        "aggregate already has it?",
        "Whatever tells it must be in the same commit as the sums. A Delta commit can carry a text "
        "of yours: look for `userMetadata`.",
        "The next range begins at the greater of two versions: what `state` says, and what the "
        "commits of the aggregate say.",
    ],
}

ACCOUNTS = "account_id long, segment string, balance decimal(12,2), city string"
FEED = f"{ACCOUNTS}, _change_type string, _commit_version long, _commit_timestamp timestamp"
NET = "account_id long, op string, segment string, balance decimal(12,2), city string, version long"
DELTA = "segment string, balance_change decimal(22,2), accounts_change long"
SUMS = "segment string, balance decimal(22,2), accounts long"
STATE = "name string, version long"

Row = tuple[int, str | None, Decimal | None, str | None]


# A life tells what an account was, version by version: `7 a10Bari@0 !b10Bari@3 -@4` is account 7
# of segment a, with a balance of 10 in Bari; version 3 overwrote it (a delete and an insert), and
# version 4 deleted it. `?` is null, `_` an empty text. The same values again are an update that
# changes nothing, and `Bari_` has a blank at its end.
LIFE = re.compile(r"(!?)(?:-|([A-Za-z?_])(-?[\d.]+|\?)([A-Z]\w*|[?_]))@(\d+)")


@dataclass(frozen=True)
class Life:
    """What an account was from which version on, and which versions overwrote it."""

    account_id: int
    rows: Mapping[int, Row | None]
    overwritten: frozenset[int]

    def at(self, version: int) -> Row | None:
        """The row of the account in a version of the table; None where it isn't there."""
        told = [number for number in self.rows if number <= version]
        return self.rows[max(told)] if told else None

    def images(self, version: int) -> list[tuple[str, Row]]:
        """What the feed tells of the account in a version: type and row."""
        if version not in self.rows:
            return []
        before, after = self.at(version - 1), self.rows[version]
        updates = before and after and version not in self.overwritten
        kinds = ("update_preimage", "update_postimage") if updates else ("delete", "insert")
        return [(kind, row) for kind, row in zip(kinds, (before, after), strict=True) if row]


def values_of(segment: str, balance: str, city: str) -> tuple:
    texts = {"?": None, "_": ""}
    return (
        texts.get(segment, segment),
        None if balance == "?" else Decimal(balance),
        texts.get(city, city.replace("_", " ")),
    )


def life(text: str) -> Life:
    account_id, *steps = text.split()
    rows: dict[int, Row | None] = {}
    overwritten = set()
    for step in steps:
        again, segment, *rest, version = LIFE.fullmatch(step).groups()
        rows[int(version)] = (int(account_id), *values_of(segment, *rest)) if segment else None
        if again:
            overwritten.add(int(version))
    return Life(int(account_id), rows, frozenset(overwritten))


def lives_of(found: Iterable[Case]) -> list[Life]:
    return [one for case in found for one in case.given]


def feed_of(lives: Iterable[Life], versions: Iterable[int]) -> list[tuple]:
    """The rows of the feed, the newest first; times say nothing about their order."""
    noon = datetime(2025, 3, 3, 12)
    return [
        (*row, kind, version, noon - timedelta(seconds=version // 2))
        for version in sorted(versions, reverse=True)
        for one in lives
        for kind, row in reversed(one.images(version))
    ]


# ------------------------------------------------------------------------------------- net_changes


def net(text: str) -> tuple:
    """A row of the answer: `7 update a10Bari 3`."""
    account_id, op, values, version = text.split()
    _, *cells, _ = LIFE.fullmatch(f"{values}@0").groups()
    return (int(account_id), op, *values_of(*cells), int(version))


# What was there in version 0 is before the range.
NETTED = stories(
    """
kinds: Tells a new account, a changed one and one that is gone
1 a10Bari@4, 2 a10Bari@0 a20Bari@4, 3 a10Bari@0 -@4 |
1 insert a10Bari 4, 2 update a20Bari 4, 3 delete a10Bari 4

attributes: Tells a change of the segment, of the city, or of a cent
4 a10Bari@0 b10Bari@4, 5 a10Bari@0 a10Como@4, 6 a10Bari@0 a10.01Bari@4, 9 a-7Bari@0 a7Bari@4 |
4 update b10Bari 4, 5 update a10Como 4, 6 update a10.01Bari 4, 9 update a7Bari 4

letters: Tells texts apart that differ in a capital or a blank
7 a10Bari@0 a10BARI@4, 8 a10Bari@0 a10Bari_@4, 10 a10Bari@0 A10Bari@4 |
7 update a10BARI 4, 8 update a10Bari_ 4, 10 update A10Bari 4

last_version: Takes the values of the greatest version, wherever its rows stand in the feed
11 a10Bari@0 a20Bari@4 a30Bari@5 a40Bari@12, 12 a10Bari@4 b20Como@5 b30Bari@100 |
11 update a40Bari 12, 12 insert b30Bari 100

last_values: Gives a deleted account the values of its last delete row
13 a10Bari@0 b20Como@4 -@5, 14 a10Bari@0 -@4 b30Como@5 -@6 |
13 delete b20Como 5, 14 delete b30Como 6

came_and_went: Has no row of an account that came and went
15 a10Bari@4 -@5, 16 a10Bari@4 a20Bari@5 -@6 |

came_back: Takes an account that was deleted and came back for a changed one
17 a10Bari@0 -@4 a20Bari@5, 18 a10Bari@0 -@4 a20Bari@5 a30Bari@6 |
17 update a20Bari 5, 18 update a30Bari 6

same_again: Has no row of an account that came back as it was
19 a10Bari@0 -@4 a10Bari@5, 20 a10Bari@0 a20Bari@4 a10Bari@5, 24 ?10?@0 a10Bari@4 ?10?@9 |

no_change: Has no row of an account whose updates changed nothing, nulls included
21 a10Bari@0 a10Bari@4, 22 ???@0 ???@4 ???@5 |

nulls: Tells a change from null to a value, and from a value to null
31 ?10Bari@0 a10Bari@4, 32 a10Bari@0 a?Bari@4, 33 a10?@0 a10Bari@4, 37 ??A@0 A??@4 |
31 update a10Bari 4, 32 update a?Bari 4, 33 update a10Bari 4, 37 update A?? 4

no_text: Tells a null from a balance of 0, and from a text without letters
34 a?Bari@0 a0Bari@4, 35 _10Bari@0 ?10Bari@4, 36 a10?@0 a10_@4 |
34 update a0Bari 4, 35 update ?10Bari 4, 36 update a10_ 4

overwritten: Reads a delete and an insert of one version as one step: first gone, then there
41 a10Bari@0 !a20Bari@4, 42 a10Bari@0 !a10Bari@4, 43 a10Bari@4 !a10Bari@5 |
41 update a20Bari 4, 43 insert a10Bari 5

overwritten_between: Reads such a step also where other changes of the account surround it
44 a10Bari@0 a20Bari@4 !a30Bari@5 -@6, 45 a10Bari@0 !a20Bari@4 !a10Bari@5 a10Como@6,
46 a10Bari@4 !a20Bari@5 -@6 |
44 delete a30Bari 6, 45 update a10Como 6

version: Tells in `version` the account's last version, also if that changed nothing
51 a10Bari@0 a20Bari@4 a20Bari@6, 52 a10Bari@4 !a10Bari@9 |
51 update a20Bari 6, 52 insert a10Bari 9
""",
    given=life,
    after=net,
)


@pytest.fixture(scope="module")
def netted(learner, frame):
    """The net changes of the feed of all cases."""
    feed = feed_of(lives_of(NETTED), range(1, 101))
    answer = learner.net_changes(frame(FEED, feed))
    assert_columns(answer, NET)
    return collect(answer)


@check("net_changes")
@cases(NETTED)
def test_net_changes(netted, case):
    """{case}"""
    mine = {one.account_id for one in case.given}
    found = [row for row in netted if row.account_id in mine]
    assert_rows(found, case.after, key="account_id", columns=NET)


# -------------------------------------------------------------------------------- tables of a check


class Table:
    """A Delta table whose commits a check writes into the log itself: that takes no Spark job."""

    def __init__(self, folder: Path, name: str, ddl: str, **properties: str) -> None:
        self.folder, self.name, self.ddl, self.properties = folder, name, ddl, properties
        self.log = folder / "_delta_log"
        self.log.mkdir()
        self.log.chmod(folder.stat().st_mode & 0o7777)  # of an answer's table: it may write here
        self.id = str(uuid4())

    def create(self, spark, actions: Iterable[dict] = (), *, at: float = 0) -> None:
        """Version 0."""
        protocol = {"protocol": {"minReaderVersion": 1, "minWriterVersion": 4}}
        self.commit("create", [protocol, self.metadata(), *actions], at=at)
        spark.sql(f"CREATE TABLE {self.name} USING delta LOCATION '{self.folder}'")

    def commit(self, kind: str, actions: Iterable[dict], *, at: float = 0, **told: str) -> None:
        """The next version, whoever made the others; `at` is its time, `told` is in its info."""
        path = self.log / f"{len(list(self.log.glob('*.json'))):020}.json"
        info = {"timestamp": 0, "operation": kind.upper(), **told}
        with path.open("x") as file:  # an answer may have put a link there
            file.write("\n".join(map(json.dumps, [{"commitInfo": info}, *actions])) + "\n")
        if at:
            utime(path, (at, at))

    def change(self, name: str, value: str | None) -> None:
        """Sets a property, or takes it away."""
        self.properties.pop(name, None)
        if value is not None:
            self.properties[name] = value
        self.commit("set tblproperties", [self.metadata()])

    def drop_constraint(self, spark, name: str) -> None:
        """As somebody in this session does it: what a call left there would be in the commit."""
        self.properties.pop(f"constraints.{name}")
        spark.sql(f"ALTER TABLE {self.name} DROP CONSTRAINT IF EXISTS {name}")

    def metadata(self) -> dict:
        told = {
            "id": self.id,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": StructType.fromDDL(self.ddl).json(),
            "partitionColumns": [],
            "configuration": {f"delta.{name}": value for name, value in self.properties.items()},
        }
        return {"metaData": told}

    def first_file(self, rows: Iterable[tuple]) -> Iterable[dict]:
        """A file of these rows."""
        self.write("part-0.parquet", self.ddl, rows)
        yield self.told("add", "part-0.parquet")

    def write(self, name: str, ddl: str, rows: Iterable[tuple]) -> None:
        schema = to_arrow_schema(StructType.fromDDL(ddl))
        plain = [dict(zip(schema.names, row, strict=True)) for row in rows]
        pq.write_table(pa.Table.from_pylist(plain, schema=schema), self.folder / name)

    def told(self, action: str, name: str, *, changes: bool = True) -> dict:
        """The action of a file that is written."""
        now = int(time() * 1000)
        more = {
            "add": {"modificationTime": now},
            "remove": {"deletionTimestamp": now, "extendedFileMetadata": True},
        }
        path = self.folder / name
        size = path.stat().st_size if path.exists() else 1  # a file to remove may be gone
        file = {"path": name, "partitionValues": {}, "size": size, "dataChange": changes}
        return {action: {**file, **more.get(action, {})}}


class Source(Table):
    """A table that has the lives of these accounts, commit by commit.

    A data file can be taken away as VACUUM would. `kinds` says what each commit is; `overwrite`
    replaces all rows, `replace` those of the files that have a changed account. Commits are a
    minute apart, the first `old` ones 40 days older than the others.
    """

    def __init__(
        self,
        spark,
        folder: Path,
        name: str,
        kinds: str,
        lives: Iterable[Life],
        *,
        old: int = 0,
        **properties: str,
    ) -> None:
        super().__init__(folder, name, ACCOUNTS, enableChangeDataFeed="true", **properties)
        self.kinds, self.lives, self.old, self.version = kinds.split(), list(lives), old, 0
        self.files: dict[str, dict[int, Row]] = {}
        self.needed: list[list[str]] = []
        self.begin = time() - 3_600
        (folder / "_change_data").mkdir()
        self.create(spark, self._changed(), at=self.time())

    def time(self, version: int | None = None) -> float:
        """The time of a version, the newest one if it isn't named."""
        number = self.version if version is None else version
        days_ago = 40 if number < self.old else 0
        return round(self.begin) + 60 * number - 86_400 * days_ago

    def advance(self, version: int) -> None:
        """All commits up to a version."""
        while self.version < version:
            self.version += 1
            self.commit(self.kinds[self.version], self._changed(), at=self.time())

    def advance_when(self, folder: Path) -> None:
        """The next commit, which is there as soon as this folder is."""
        self.advance(self.version + 1)
        made, held = self.log / f"{self.version:020}.json", self.folder / "_held.json"
        made.rename(held)
        # A link through a folder that isn't there leads nowhere, and a list of the log leaves it out.
        made.symlink_to(f"{folder}/../{relpath(held, folder.parent)}")

    def settle(self) -> None:
        """Makes a commit that still waits for its folder."""
        (self.folder / "_held.json").rename(self.log / f"{self.version:020}.json")

    def rows(self) -> list[Row]:
        return [row for rows in self.files.values() for row in rows.values()]

    def changes(self, since: int) -> list[tuple]:
        """The feed after a version as rows without times."""
        return [
            (*row, kind, version)
            for version in range(since + 1, self.version + 1)
            for one in self.lives
            for kind, row in self._images(one, version)
        ]

    def read_by_feed(self, since: int) -> set[str]:
        """The files that the feed after a version needs."""
        return {name for names in self.needed[since + 1 :] for name in names}

    def forget(self, keep: Iterable[str]) -> None:
        """Takes files away, as VACUUM would: all but these."""
        for path in self.folder.rglob("*.parquet"):
            if str(path.relative_to(self.folder)) not in keep:
                path.unlink()

    def _images(self, one: Life, version: int) -> list[tuple[str, Row]]:
        if self.kinds[version] != "overwrite":
            return one.images(version)
        pair = zip(("delete", "insert"), (one.at(version - 1), one.at(version)), strict=True)
        return [(kind, row) for kind, row in pair if row]

    def _changed(self) -> Iterable[dict]:
        """What the newest version does to the table, and to its files."""
        kind = self.kinds[self.version]
        if kind in ("feed_on", "feed_off"):
            self.properties["enableChangeDataFeed"] = str(kind == "feed_on").lower()
            yield self.metadata()
        changed = {one.account_id: one for one in self.lives if self.version in one.rows}
        every, changes = kind in ("overwrite", "optimize"), kind != "optimize"
        touched = [name for name, rows in self.files.items() if every or rows.keys() & changed]
        kept = {key: row for name in touched for key, row in self.files.pop(name).items()}
        after = {key: one.rows[self.version] for key, one in changed.items()}
        self.needed.append(touched if changes else [])
        for name in touched:
            yield self.told("remove", name, changes=changes)
        for name, rows in self._new_files({k: row for k, row in {**kept, **after}.items() if row}):
            self.files[name] = rows
            self.write(name, ACCOUNTS, rows.values())
            self.needed[-1] += [name] if changes else []
            yield self.told("add", name, changes=changes)
        if kept and kind == "merge" and self.properties["enableChangeDataFeed"] == "true":
            name = f"_change_data/{self.version}.parquet"
            images = [image for one in changed.values() for image in one.images(self.version)]
            self.write(name, f"{ACCOUNTS}, _change_type string", [(*r, k) for k, r in images])
            self.needed[-1] = [name]
            yield self.told("cdc", name, changes=False)

    def _new_files(self, rows: dict[int, Row]) -> Iterable[tuple[str, dict[int, Row]]]:
        """The rows in a file; in version 0 those that never change are in one of their own."""
        still = {one.account_id for one in self.lives if len(one.rows) == 1}
        for part in (True, False) if self.version == 0 else (None,):
            of_part = {key: row for key, row in rows.items() if part in (None, key in still)}
            if of_part:
                yield f"part-{self.version}-{'still' if part else 'rows'}.parquet", of_part


def attempt(function, *arguments) -> tuple[Any, AnswerError | None]:
    """What a call returns, and the error that it raises; a task not written is no such error."""
    try:
        return function(*arguments), None
    except AnswerError as error:
        if error.outcome != "error":
            raise
        return None, error


def refusal(function, *arguments) -> str | None:
    """The reason of the error of a call that may fail."""
    _, error = attempt(function, *arguments)
    return error.reason if error else None


# ------------------------------------------------------------------------------------ read_changes

# Each call: its table, `since`, and what must come back.
READS = [
    Case("the_range", "Returns the changes of the versions after `since`", given=["switched", 5]),
    Case(
        "feed_on_again",
        "Returns the changes from the version on that switched the feed on again",
        given=["switched", 3],
    ),
    Case(
        "not_recorded",
        "Returns all rows as inserts when the feed was off in one of the versions",
        before=["snapshot"],
        given=["switched", 1],
        points=2,
    ),
    Case("nothing_new", "Returns no row when `since` is the newest version", given=["switched", 7]),
    Case(
        "from_the_start",
        "Returns all changes from version 0 on when `since` is -1",
        given=["young", -1],
    ),
    Case(
        "too_old",
        "Returns all rows as inserts when a version is too old for Delta to read its changes",
        before=["snapshot"],
        given=["old", -1],
    ),
    Case(
        "retained",
        "Returns the changes of old versions where the table's retention allows it",
        given=["retained", -1],
    ),
    Case(
        "gone_before",
        "Does not mind versions before the range that are too old and lost their files",
        given=["old", 1],
    ),
    Case(
        "files_gone",
        "Returns all rows as inserts when VACUUM took a file of the range",
        before=["snapshot"],
        given=["lost", 0],
        points=2,
    ),
]
READ_TABLES = {
    "switched": "write merge feed_off merge feed_on merge overwrite optimize merge",
    "young": "write merge merge",
    "old": "write merge merge merge",
    "retained": "write merge merge merge",
    "lost": "write merge merge merge optimize",
}
# How many commits of a table are 40 days older than the others; a property of one.
OLD = {"old": 2, "retained": 2}
RETAINED = {"retained": {"deletedFileRetentionDuration": "interval 60 days"}}
READ_LIVES = [
    life(text)
    for text in (
        "1 a10Bari@0",
        "2 a20Bari@0 b20Bari@1 b30Bari@3 b40Bari@5 b50Bari@8",
        "3 a30?@0 a31?@2 -@5",
        "4 c5Como@5 c6Como@6",
        "5 a1Bari@0 a1Bari@1 a1Bari@5",
        "6 ?2Bari@2 ?3Bari@8",
        "7 a10Bari@0 d77Montecatini@1",
    )
]


@dataclass(frozen=True)
class Read:
    """What a call returned, the rows that it must have, the newest version of then, and times."""

    frame: object  # or the error of the call
    expected: list[tuple]
    newest: int
    times: dict[int, datetime]

    @cached_property
    def rows(self) -> list:
        """The rows of the frame, read when a test asks: an error is that of one call alone."""
        if isinstance(self.frame, AnswerError):
            raise self.frame
        return collect(self.frame)


@pytest.fixture(scope="module")
def read(learner, spark, shared_schema, inbox):
    """The calls by case, each read after a further commit."""
    sources = {
        name: Source(
            spark,
            inbox(name),
            f"{shared_schema}.{name}",
            kinds,
            READ_LIVES,
            old=OLD.get(name, 0),
            **RETAINED.get(name, {}),
        )
        for name, kinds in READ_TABLES.items()
    }
    for source in sources.values():
        source.advance(len(source.kinds) - 2)
    old, lost = sources["old"], sources["lost"]
    old.forget({*old.files, *old.read_by_feed(1)})
    # The changes of version 2 alone are gone: neither the first file that Spark reads nor the last.
    lost.forget({*lost.files, *lost.read_by_feed(0)} - {*lost.needed[2]})
    made = []
    for case in READS:
        name, since = case.given
        source = sources[name]
        inserts = [(*row, "insert", source.version) for row in source.rows()]
        expected = inserts if case.before else source.changes(since)
        frame, error = attempt(learner.read_changes, spark, source.name, since)
        versions = range(source.version + 1)
        times = {number: datetime.fromtimestamp(source.time(number)) for number in versions}
        made.append((error or frame, expected, source.version, times))
    for source in sources.values():
        source.advance(source.version + 1)
    return {case.name: Read(*told) for case, told in zip(READS, made, strict=True)}


@check("read_changes")
@cases(READS)
def test_rows_that_come_back(read, case):
    """{case}"""
    mine, since = read[case.name], case.given[1]
    rows = mine.rows
    assert_columns(mine.frame, FEED)
    key = ["account_id", "_commit_version", "_change_type"]
    try:
        assert_rows(rows, mine.expected, key=key, columns=StructType.fromDDL(FEED).names[:-1])
    except AssertionError as error:
        reason = f"since = {since}, the newest version was {mine.newest}; {error}"
        raise AssertionError(reason) from None


@check("read_changes")
def test_the_time_of_a_snapshot(read):
    """Gives the rows of a snapshot the time of the newest commit"""
    mine = read["not_recorded"]
    times = {row._commit_timestamp for row in mine.rows}
    newest = mine.times[mine.newest]
    assert times == {newest}, (
        f"the newest commit, {mine.newest}, has the time {newest} in the history; the rows have "
        f"{', '.join(map(str, sorted(times, key=str))) or 'no time'}"
    )


@check("read_changes")
def test_the_times_of_the_feed(read):
    """Leaves the rows of the feed their times"""
    mine = read["from_the_start"]
    for row in mine.rows:
        told = mine.times.get(row._commit_version)
        assert row._commit_timestamp == told, (
            f"a row of version {row._commit_version} has the time {row._commit_timestamp}; that "
            f"version is of {told}"
        )


# --------------------------------------------------------------------------------- aggregate_delta


def delta(text: str) -> tuple:
    """A row of the answer: `a -10.00 -1`."""
    segment, balance, accounts = text.split()
    return ({"?": None, "_": ""}.get(segment, segment), Decimal(balance), int(accounts))


# Each story has segments of its own. What was there in version 0 is before the range.
CHANGED = stories(
    """
new_and_gone: Adds new accounts to their segment, and takes away deleted ones
1 a10Bari@4, 2 a20Bari@5, 3 b10Bari@0 -@4, 4 b5Bari@0 -@5 | a 30 2, b -15 -2

balances: Adds what the balance of an account changed by, and counts no account
5 c10Bari@0 c25.50Bari@4, 6 c10Bari@0 c1Bari@4 c2Bari@5 | c 7.5 0

moves: Takes an account that changes its segment out of one and into the other
7 d10Bari@0 e10Bari@4, 8 d10Bari@0 f30Bari@4, 32 d10Bari@0 d15Bari@4 e15Bari@5 |
d -30 -3, e 25 2, f 30 1

nothing: Has no row of a segment where nothing changed in the end
9 g10Bari@0 g10Como@4, 10 h10Bari@4 -@5, 11 i10Bari@0 -@4 i10Bari@6,
33 z10Bari@0 -@4, 34 z10Bari@5 |

outweighed: Has a row where only the balance changed, or only the number of accounts
12 j10Bari@0 -@4, 13 j30Bari@4, 14 k10Bari@0 k0Bari@4, 15 l0Bari@4, 31 y-1Bari@4 |
j 20 0, k -10 0, l 0 1, y -1 1

null_segment: Takes a null segment for a segment of its own
16 ?10Bari@4, 17 m10Bari@0 ?10Bari@4, 35 ?4Bari@0 -@5, 25 _3Bari@4 | ? 16 1, m -10 -1, _ 3 1

letters: Tells segments apart that differ in a capital
26 v10Bari@4, 27 V3Bari@4 | v 10 1, V 3 1

great_sums: Adds up balances that are great together, and some below 0
28 w9999999999.99Bari@4, 29 w9999999999.99Bari@5, 30 x-4Bari@0 x-7.50Bari@4 |
w 19999999999.98 2, x -3.50 0

null_balance: Counts an account without a balance, and its balance for 0
18 n?Bari@4, 19 o10Bari@0 o?Bari@4, 20 p?Bari@0 p10Bari@5, 21 q?Bari@0 -@4 |
n 0 1, o -10 0, p 10 0, q 0 -1

overwritten: Takes a delete and an insert of one version for what they are together
22 r10Bari@0 !r15Bari@4, 23 s10Bari@0 !t10Bari@4, 24 u10Bari@0 !u10Bari@4 |
r 5 0, s -10 -1, t 10 1
""",
    given=life,
    after=delta,
)


def segments_of(found: Case) -> set:
    return {row[1] for one in found.given for row in one.rows.values() if row}


@pytest.fixture(scope="module")
def changed(learner, frame):
    """The differences of the feed of all cases."""
    feed = feed_of(lives_of(CHANGED), range(1, 101))
    answer = learner.aggregate_delta(frame(FEED, feed))
    assert_columns(answer, DELTA)
    return collect(answer)


@check("aggregate_delta")
@cases(CHANGED)
def test_differences(changed, case):
    """{case}"""
    found = [row for row in changed if row.segment in segments_of(case)]
    assert_rows(found, case.after, key="segment", columns=DELTA)


# ------------------------------------------------------------------------- apply_changes, maintain

# The first load was of version 0. The kept table refuses version 1, the state refuses version 3,
# and the call at 8 comes through. The updates of version 9 change nothing. Of version 10 the state
# is refused once more, and the source has not gone on when the next call comes.
KINDS = "write merge merge replace merge optimize merge merge optimize merge merge"
REFUSED, HALF_DONE, LAST, EQUAL, AGAIN = 1, 3, 8, 9, 10
COPIED = stories(
    """
since_the_state: Has what came in a version that was refused, or after it
1 a10Bari@1, 2 a10Bari@0 a15Bari@1, 3 a10Bari@2 a20Bari@4, 4 b?Como@0, 5 ?10?@4

withdrawn: Has no account that the dead call brought and that was deleted since
11 a10Bari@2 -@4, 12 a10Bari@3 -@4

there_and_back: Has the old values of an account that the dead call changed, when they are back
13 a10Bari@0 b10Bari@2 a10Bari@4, 14 a10Bari@1 -@2 a10Bari@4

overwritten: Follows an overwrite
15 a10Bari@0 a20Como@3, 16 a10Bari@0 -@3, 17 a10Bari@3, 18 a10Bari@1 a20Bari@3 a30Bari@4

changes: Follows inserts, updates and deletes; leaves the others as they are
21 a10Bari@0 a20Bari@6, 22 a10Bari@0 -@6, 23 a10Bari@7, 24 a10Bari@0, 25 a10Bari@4

last_version: Has the last of several states of an account
31 a90Bari@0 b20Bari@6 c10Como@7, 32 a10Bari@6 b20Bari@7

came_and_went: Has no account that came and went
33 a10Bari@6 -@7

came_back: Has the new values of an account that was deleted and came back
34 a10Bari@0 -@6 b20Como@7

nulls: Follows a change to null and from null, also where the other value is empty or 0
35 a10Bari@0 ???@6, 36 ???@0 a10Bari@7, 37 ?10Bari@0 _10Bari@6, 38 a?Bari@0 a0Bari@6,
39 a10_@0 a10?@7
""",
    given=life,
)
# Updates that changed nothing, and accounts that came back as they were.
UNCHANGED = [
    life(text)
    for text in (
        "41 a10Bari@0 a10Bari@6",
        "42 ???@0 ???@7",
        "43 a10Bari@0 b10Bari@6 a10Bari@7",
        "44 a10Bari@0 -@6 a10Bari@7",
    )
]
SUMMED = stories(
    """
since_the_state: Adds what came in a version that was refused to the sums of the first load
1 a10Bari@0, 2 a10Bari@0 a15Bari@1, 3 z10Bari@1

counted_once: Counts once what the dead call had added
4 b10Bari@2, 5 b5Bari@3, 6 c10Bari@0 c30Bari@1 c40Bari@4

withdrawn: Takes away what the dead call had added and the source has deleted since
7 d10Bari@2 -@4, 8 d20Bari@0, 9 e10Bari@3 -@4

overwritten: Follows an overwrite
10 f10Bari@0 g20Como@3, 11 f10Bari@0, 12 g10Bari@0 -@3

null_segment: Has a row of the accounts without a segment
13 ?10Bari@0, 14 ?10Bari@3, 15 _10Bari@0, 16 _5Bari@6

changes: Follows inserts, updates and deletes
21 h10Bari@0 h20.50Bari@6, 22 h10Bari@0 -@6, 23 h10Bari@7, 24 h10Bari@0

moves: Follows an account from one segment to another and on
25 i10Bari@0 j20Bari@6 k20Bari@7, 26 i10Bari@0, 27 k10Bari@0, 28 j5Bari@4

new_segment: Has a row of a segment that is new
29 l10Bari@6, 30 m0Bari@7

left_segment: Has no row of a segment whose last account is gone
31 n10Bari@0 -@7, 32 o10Bari@0 p10Bari@6, 33 o5Bari@1 -@7

null_balance: Counts accounts without a balance
34 q?Bari@0, 35 r?Bari@6, 36 s10Bari@0 s?Bari@6, 37 s?Bari@7

no_change: Leaves the sums of segments alone whose accounts only moved house
38 t10Bari@0 t10Como@6, 39 u10Bari@0 u10Bari@7

great_sums: Adds up balances that are great together, and some below 0
40 v9999999999.99Bari@0, 41 v9999999999.99Bari@6, 42 w-4Bari@0 w-7.50Bari@6

letters: Tells segments apart that differ in a capital
43 x10Bari@0, 44 X3Bari@6
""",
    given=life,
)
LATER = [
    life("71 y10Bari@0 y10Bari@9 Y20Bari@10"),
    life("72 Y10Bari@0 Y10Como@9 -@10"),
    life("73 y10Bari@10"),
]
LIVES = {
    "apply_changes": [*lives_of(COPIED), *UNCHANGED, *LATER],
    "maintain": [*lives_of(SUMMED), *LATER],
}
# What the task keeps, its columns, and a condition that account 1 or segment z breaks.
KEPT = {
    "apply_changes": ("target", ACCOUNTS, "account_id <> 1"),
    "maintain": ("aggregate", SUMS, "segment IS NULL OR segment <> 'z'"),
}


def of_others(name: str) -> list[tuple]:
    """Rows of `state` that are not of the table with this name, although theirs are like it."""
    alike = (f"{name}_2", f"old_{name}", name.replace("_", "x"), name.split(".")[-1])
    return [("elsewhere.target", 2), ("elsewhere.aggregate", 9), *((one, 5) for one in alike)]


def sums(rows: Iterable[Row]) -> list[tuple]:
    """Balance and accounts of each segment."""
    found = defaultdict(list)
    for _, segment, balance, _ in rows:
        found[segment].append(balance or Decimal(0))
    return [(segment, sum(balances), len(balances)) for segment, balances in found.items()]


@pytest.fixture(scope="module")
def source(task, spark, shared_schema, inbox):
    """The table whose feed is read, in its version 0."""
    return Source(spark, inbox(task), f"{shared_schema}.{task}_source", KINDS, LIVES[task])


@pytest.fixture(scope="module")
def kept(task, spark, shared_schema, tmp_path_factory, source):
    """The tables that a call writes, by the names of its parameters; each refuses some rows."""
    name, ddl, condition = KEPT[task]
    full = {table: f"{shared_schema}.{task}_{table}" for table in (name, "state")}
    first_load = source.rows() if task == "apply_changes" else sums(source.rows())
    found = {}
    for table, columns, allowed, rows in (
        (name, ddl, condition, first_load),
        ("state", STATE, f"version <> {HALF_DONE}", [*of_others(full[name]), (full[name], 0)]),
    ):
        properties = {"constraints.frozen": allowed}
        if table == "target":  # a feed of its own, by which a check sees what a call wrote
            properties["enableChangeDataFeed"] = "true"
        folder = tmp_path_factory.mktemp(f"{task}_{table}")
        found[table] = Table(folder, full[table], columns, **properties)
        found[table].create(spark, found[table].first_file(rows))
    return found


@pytest.fixture(scope="module")
def names(kept):
    return {name: table.name for name, table in kept.items()}


@pytest.fixture(scope="module")
def call(task, learner, spark, source, names):
    """Calls the task's function; the names it is given are those of `names`."""
    function = getattr(learner, task)
    return partial(function, spark, source.name, *names.values())


@pytest.fixture(scope="module")
def crashes(task, spark, source, kept, call):
    """What two calls raised, by the table that refused a commit: the kept one, then the state."""
    errors = {}
    for (name, table), version in zip(kept.items(), (REFUSED, HALF_DONE), strict=True):
        source.advance(version)
        errors[name] = refusal(call)
        if name == "state":
            table.change("constraints.frozen", None)
        else:
            table.drop_constraint(spark, "frozen")
    # Commits of somebody else, which change no row. What they note may look like a version.
    table = kept[KEPT[task][0]]
    table.change("logRetentionDuration", "interval 60 days")
    for note in ("ticket 12", "12", *map("week {}".format, range(25))):
        table.commit("optimize", [], userMetadata=note)
    return errors


@pytest.fixture(scope="module")
def after(task, spark, source, kept, names, call, crashes):
    """The call after both crashes, when the source has gone on; its result is what it raised.

    It finds those files of the source that the feed since the recorded version needs. The source
    gets one more commit as soon as the target writes its changes.
    """
    source.advance(LAST)
    source.forget(source.read_by_feed(0))
    if task == "maintain":
        return run_tables(spark, names, lambda tables: refusal(call))
    changes = kept["target"].folder / "_change_data"
    if changes.exists():
        changes.rename(changes.with_name("_changes_of_earlier_calls"))
    source.advance_when(changes)
    run = run_tables(spark, names, lambda tables: refusal(call))
    source.settle()
    return run


def came_through(after):
    """The run of the call, or the reason that there is none."""
    if after.result:
        raise AssertionError(
            f"the call after the crashes, at version {LAST}, raised {after.result}"
        )
    return after


@check("apply_changes", "maintain")
def test_a_refused_table_fails_the_call(crashes):
    """Raises when one of the two tables refuses its commit"""
    for refusing, error in crashes.items():
        assert error is not None, (
            f"a constraint of `{refusing}` forbids what the call had to write, and the call returned "
            "as if nothing had happened; nobody would know that the work is not done"
        )


@check("apply_changes", "maintain", points=2)
def test_the_state_promises_nothing(after, task, names):
    """Does not name a version in the state that the other table doesn't hold"""
    kept, _, _ = KEPT[task]
    said = dict(map(tuple, after.before["state"])).get(names[kept])
    assert said is not None, (
        f"`state` refused a commit, and has no row of `{kept}` any more. How far the source was "
        "read is lost"
    )
    assert said == 0, (
        f"`{kept}` refused the commit of version {REFUSED}, and `state` says {said} all the same. "
        "The changes up to there are lost: no later call reads them again"
    )


@check("apply_changes")
@cases(COPIED)
def test_copy(after, case):
    """{case}"""
    mine = {one.account_id for one in case.given}
    found = [row for row in came_through(after).rows["target"] if row.account_id in mine]
    there = [row for one in case.given if (row := one.at(LAST))]
    assert_rows(found, there, key="account_id", columns=ACCOUNTS)


@check("maintain")
@cases(SUMMED)
def test_sums(after, case):
    """{case}"""
    segments = segments_of(case)
    found = [row for row in came_through(after).rows["aggregate"] if row.segment in segments]
    there = [row for one in case.given if (row := one.at(LAST))]
    assert_rows(found, sums(there), key="segment", columns=SUMS)


@check("apply_changes", "maintain")
def test_the_state_says_how_far(after, task, names):
    """Says in the state how far the source was read, and leaves the rows of others alone"""
    name = names[KEPT[task][0]]
    rows = came_through(after).rows["state"]
    # A call may go on to the commit that came meanwhile.
    far = EQUAL if task == "apply_changes" and (name, EQUAL) in rows else LAST
    assert_rows(rows, [*of_others(name), (name, far)], key="name", columns=STATE)


@check("apply_changes")
def test_a_commit_during_the_call(after, names):
    """Names no version in the state that the source got while the target was written"""
    run = came_through(after)
    if (names["target"], EQUAL) not in run.rows["state"]:
        return
    there = {row.account_id: row for row in run.rows["target"]}
    behind = [one.account_id for one in LATER if there.get(one.account_id) != one.at(EQUAL)]
    assert not behind, (
        f"while the call wrote `target`, the source got version {EQUAL}. `state` says {EQUAL}, and "
        f"account {behind[0]} is not as that version has it: no later call reads that change"
    )


@check("apply_changes", "maintain")
def test_columns_stay(after, task, spark, names):
    """Leaves both tables the columns that they had"""
    kept, columns, _ = KEPT[task]
    for name, ddl in ((kept, columns), ("state", STATE)):
        assert_columns(spark.table(names[name]), ddl)


@check("apply_changes", "maintain", points=2)
def test_readers_see_one_step(after):
    """Changes each table in one commit, and makes no other"""
    assert_one_commit(came_through(after))
    for name, changes in after.changes.items():
        assert changes.versions <= 1, (
            f"the call made {changes.versions} commits to {name}: {', '.join(changes.operations)}. "
            "After a crash between them there is what the first one did, without the second"
        )


@check("apply_changes", "maintain", points=2)
def test_the_feed_is_enough(after):
    """Reads nothing of the source but the changes"""
    assert not after.result, (
        f"the call raised {after.result}. Before it, the files of the source went that the changes "
        "after the recorded version don't need"
    )


@check("apply_changes")
def test_rows_that_are_right_stay(after, spark, names):
    """Writes no row of the target that is right already"""
    run = came_through(after)
    first = run.start["target"].number + 1
    if not run.changes["target"].versions:
        return
    feed = spark.read.options(readChangeFeed=True, startingVersion=first).table(names["target"])
    told = defaultdict(set)
    for row in collect(feed):
        told[row.account_id].add(row._change_type)
    for one in LIVES["apply_changes"]:
        kinds = told.get(one.account_id)
        assert not kinds or one.at(HALF_DONE) != one.at(LAST), (
            f"account {one.account_id} was right in the target before the call, and the target's "
            f"own feed tells {', '.join(sorted(kinds))} of it: whoever reads that feed works for "
            "nothing"
        )


def said_of(spark, names: dict, kept: str) -> int | None:
    """The version of the kept table that the state has."""
    return dict(map(tuple, collect(spark.table(names["state"])))).get(names[kept])


def assert_says(spark, names: dict, kept: str, version: int, story: str) -> None:
    """The state has this version of the kept table."""
    said = said_of(spark, names, kept)
    assert said == version, (
        f"{story}. The newest version is {version}, and `state` says {said}: "
        "the same changes are read again, until nobody has them any more"
    )


@pytest.fixture(scope="module")
def no_sum_changed(task, source, call, after):
    """What the call raised that found updates which change no sum."""
    if task == "maintain":
        source.advance(EQUAL)
        return refusal(call)


@check("maintain")
def test_nothing_to_add(after, task, spark, names, no_sum_changed):
    """Says in the state how far the source was read, also where the changes come to nothing"""
    came_through(after)
    assert no_sum_changed is None, (
        f"the updates of the source have changed no sum, and the call raised {no_sum_changed}"
    )
    story = "the updates of the source have changed no sum, and the call returned"
    assert_says(spark, names, KEPT[task][0], EQUAL, story)


@check("apply_changes", "maintain", points=2)
def test_only_the_state_is_behind(after, no_sum_changed, task, spark, source, kept, names, call):
    """Brings the state on when the other table is at the newest version already"""
    came_through(after)
    name, columns, _ = KEPT[task]
    recorded = said_of(spark, names, name)
    source.advance(AGAIN)
    source.forget(source.read_by_feed(recorded))
    kept["state"].change("constraints.frozen", f"version <> {AGAIN}")
    error = refusal(call)
    kept["state"].change("constraints.frozen", None)
    assert error is not None, (
        "a constraint of `state` forbids the newest version, and the call returned as if nothing "
        "had happened; nobody would know that the work is not done"
    )
    error = refusal(call)
    assert error is None, (
        f"the call after `state` had refused its commit raised {error}. `state` says {recorded}, "
        "and the call finds the files that the feed after that version needs, no others"
    )
    story = "`state` refused its commit, and the source had no other one before the next call"
    assert_says(spark, names, name, AGAIN, story)
    rows = source.rows() if task == "apply_changes" else sums(source.rows())
    assert_rows(collect(spark.table(names[name])), rows, key=columns.split()[0], columns=columns)


@check("apply_changes", "maintain")
def test_a_quiet_day(after, task, spark, source, names, call):
    """Makes no commit when the source has no newer version"""
    came_through(after)
    if said_of(spark, names, KEPT[task][0]) != source.version:
        call()
    start = {name: table_version(spark, table) for name, table in names.items()}
    call()
    for name, table in names.items():
        changes = changes_since(spark, table, start[name])
        assert not changes.versions, (
            f"the source has had no commit since the last call, and {name} got one: "
            f"{', '.join(changes.operations)}"
        )

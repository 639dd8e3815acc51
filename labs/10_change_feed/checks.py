"""Checks of lab 10: lives of accounts in short, their feed, and Delta tables written by hand."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
    TableRun,
    assert_columns,
    assert_one_commit,
    assert_rows,
    cases,
    changes_since,
    check,
    collect,
    settings,
    stored_rows,
    stories,
    table_version,
)
from labkit.checks.table_folders import summed_up

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
        "of yours: look for `userMetadata`, and in the history whether it came there.",
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
LIFE = re.compile(r"(!?)(?:-|([A-Za-z]+|[?_])(-?[\d.]+|\?)([A-Za-z]\w*|[?_]))@(\d+)")

# What some write for a null, and accounts that have one such value and two nulls.
WORDS = ("null", "NULL", "none", "None", "unknown", "missing")
NO_NULLS = [f"{word}??" for word in WORDS] + [f"??{word}" for word in WORDS]
NO_NULLS += ["?-1?", "?9999999999.99?", "?-9999999999.99?"]


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


def lives(text: str) -> list[Life]:
    return [life(one.strip()) for one in text.split(",")]


def listed(row: str, values: Iterable[str]) -> str:
    """Rows of a story, one for each value; `{}` are the number of an account and the value."""
    return ", ".join(row.format(key, value) for key, value in enumerate(values, 101))


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
    f"""
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

words: Tells a null from a word or a number that some write for it
{listed("{} ???@0 {}@4", NO_NULLS)} | {listed("{} update {} 4", NO_NULLS)}
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


# What Delta sums up of a table before its first commit, and what it calls some kinds of commits.
NO_SUMS = {"allFiles": [], "setTransactions": [], "domainMetadata": []}
NO_SUMS |= {"numMetadata": 1, "numProtocol": 1}
SET = "SET TBLPROPERTIES"
OPERATIONS = dict.fromkeys(("feed_on", "feed_off"), SET)
OPERATIONS |= dict.fromkeys(("overwrite", "replace"), "WRITE")


class Table:
    """A Delta table whose commits a check writes into the log itself: that takes no Spark job."""

    def __init__(self, folder: Path, name: str, ddl: str, **properties: str) -> None:
        self.folder, self.name, self.ddl, self.properties = folder, name, ddl, properties
        self.log = folder / "_delta_log"
        self.log.mkdir()
        self.log.chmod(folder.stat().st_mode & 0o7777)  # of an answer's table: it may write here
        self.id = str(uuid4())

    def create(self, spark, actions: Iterable[dict], *, at: float = 0) -> None:
        """Version 0."""
        protocol = {"protocol": {"minReaderVersion": 1, "minWriterVersion": 4}}
        self.commit("create", [protocol, self.metadata(), *actions], at=at)
        spark.sql(f"CREATE TABLE {self.name} USING delta LOCATION '{self.folder}'")

    def commit(self, kind: str, actions: Iterable[dict], *, at: float = 0, **told: str) -> None:
        """The next version, whoever made the others; `at` is its time, `told` is in its info."""
        version, actions = self.newest() + 1, list(actions)
        path = self.log / f"{version:020}.json"
        info = {"timestamp": 0, "operation": OPERATIONS.get(kind, kind.upper()), **told}
        if info["operation"] == SET:
            properties = self.metadata()["metaData"]["configuration"]
            says = json.dumps(properties, separators=(",", ":"))  # as Delta writes it
            info["operationParameters"] = {"properties": says}
        with path.open("x") as file:  # an answer may have put a link there
            file.write("\n".join(map(json.dumps, [{"commitInfo": info}, *actions])) + "\n")
        if at:
            utime(path, (at, at))
        before = self.log / f"{version - 1:020}.crc"
        sums = NO_SUMS if version == 0 else {}
        if before.is_file():
            sums = json.loads(before.read_text())
        if sums := summed_up(sums, actions):
            with path.with_suffix(".crc").open("x") as file:
                file.write(json.dumps(sums) + "\n")

    def newest(self) -> int:
        return len(list(self.log.glob("*.json"))) - 1

    def change(self, name: str, value: str | None) -> None:
        """Sets a property, or takes it away."""
        self.properties.pop(name, None)
        if value is not None:
            self.properties[name] = value
        self.commit(SET, [self.metadata()])

    def take_away(self, spark, name: str) -> None:
        """Takes one away in this session: what a call left there would be in the commit."""
        self.properties.pop(name)
        spark.sql(f"ALTER TABLE {self.name} UNSET TBLPROPERTIES IF EXISTS (delta.{name})")

    def metadata(self) -> dict:
        told = {
            "id": self.id,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": StructType.fromDDL(self.ddl).json(),
            "partitionColumns": [],
            "configuration": {f"delta.{name}": value for name, value in self.properties.items()},
        }
        return {"metaData": told}

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

    def __init__(self, spark, folder, name, kinds, lives, *, old=0, **properties: str) -> None:
        super().__init__(folder, name, ACCOUNTS, enableChangeDataFeed="true", **properties)
        self.kinds, self.lives, self.old, self.version = kinds.split(), list(lives), old, 0
        self.files: dict[str, dict[int, Row]] = {}
        self.needed: list[list[str]] = []
        self.begin = round(time()) - 3_600 + 1 / 8
        (folder / "_change_data").mkdir()
        self.create(spark, self._changed(), at=self.time(0))

    def time(self, version: int) -> float:
        days_ago = 40 if version < self.old else 0
        return self.begin + 60 * version - 86_400 * days_ago

    def advance(self, version: int) -> None:
        """All commits up to a version."""
        while self.version < version:
            self.version += 1
            self.commit(self.kinds[self.version], self._changed(), at=self.time(self.version))

    def advance_when(self, folder: Path) -> None:
        """The next commit, which is there as soon as this folder is."""
        self.advance(self.version + 1)
        made, held = self.log / f"{self.version:020}.json", self.folder / "_held.json"
        made.rename(held)
        # A link through a folder that isn't there leads nowhere, and no list of the log has it.
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


# ------------------------------------------------------------------------------------ read_changes

# Each call: its table and `since`, and whether a snapshot must come back.
READS = stories(
    """
the_range: Returns the changes of the versions after `since`
switched, 5 |

feed_on_again: Returns the changes from the version on that switched the feed on again
switched, 3 |

not_recorded: Returns all rows as inserts when the feed was off in one of the versions
switched, 1 | snapshot

nothing_new: Returns no row when `since` is the newest version
switched, 7 |

from_the_start: Returns all changes from version 0 on when `since` is -1
young, -1 |

too_old: Returns all rows as inserts when a version is too old for Delta to read its changes
old, -1 | snapshot

retained: Returns the changes of old versions where the table's retention allows it
retained, 0 |

gone_before: Does not mind versions before the range that are too old and lost their files
old, 1 |

files_gone: Returns all rows as inserts when VACUUM took a file of the range
lost, 0 | snapshot
""",
    given=str,
    after=str,
)
# The commits of a table, how many of them are 40 days older than the others, and a property.
SIXTY_DAYS = {"deletedFileRetentionDuration": "interval 60 days"}
READ_TABLES = {
    "switched": ("write merge feed_off merge feed_on merge overwrite optimize merge", {}),
    "young": ("write merge merge", {}),
    "old": ("write merge merge merge feed_on merge", {"old": 2}),
    "retained": ("write merge merge merge", {"old": 2, **SIXTY_DAYS}),
    "lost": ("write merge merge merge optimize merge", {}),
}
READ_LIVES = lives(
    """
1 a10Bari@0, 2 a20Bari@0 b20Bari@1 b30Bari@3 b40Bari@5 b50Bari@8, 3 a30?@0 a31?@2 -@5,
4 c5Como@5 c6Como@6, 5 a1Bari@0 a1Bari@1 a1Bari@5, 6 ?2Bari@2 ?3Bari@8,
7 a10Bari@0 d77Montecatini@1
"""
)


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
    sources = {}
    for name, (kinds, properties) in READ_TABLES.items():
        place = (inbox(name), f"{shared_schema}.{name}")
        sources[name] = Source(spark, *place, kinds, READ_LIVES, **properties)
        sources[name].advance(len(sources[name].kinds) - 2)
    old, lost = sources["old"], sources["lost"]
    old.forget({*old.files, *old.read_by_feed(1)})
    # The changes of version 2 alone are gone: neither the first file that Spark reads nor the last.
    lost.forget({*lost.files, *lost.read_by_feed(0)} - {*lost.needed[2]})
    made = {}
    for case in READS:
        name, since = case.given[0], int(case.given[1])
        source = sources[name]
        inserts = [(*row, "insert", source.version) for row in source.rows()]
        expected = inserts if case.after else source.changes(since)
        with settings(spark, spark__sql__session__timeZone="Asia/Tokyo"):
            frame, error = attempt(learner.read_changes, spark, source.name, since)
        versions = range(source.version + 1)
        times = {number: datetime.fromtimestamp(source.time(number)) for number in versions}
        made[case.name] = Read(error or frame, expected, source.version, times)
    for source in sources.values():
        source.advance(source.version + 1)
    return made


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
    for case in READS:
        if not case.after:
            continue
        mine = read[case.name]
        times = {row._commit_timestamp for row in mine.rows}
        newest = mine.times[mine.newest]
        assert times == {newest}, (
            f"the newest commit, {mine.newest}, has the time {newest} in the history; the rows "
            f"have {', '.join(map(str, sorted(times, key=str))) or 'no time'}"
        )


@check("read_changes")
def test_the_times_of_the_feed(read):
    """Leaves the rows of the feed their times"""
    for case in READS:
        for row in [] if case.after else read[case.name].rows:
            told = read[case.name].times.get(row._commit_version)
            assert row._commit_timestamp == told, (
                f"a row of version {row._commit_version} has the time {row._commit_timestamp}; "
                f"that version is of {told}"
            )


# --------------------------------------------------------------------------------- aggregate_delta


def delta(text: str) -> tuple:
    """A row of the answer: `a -10.00 -1`."""
    segment, balance, accounts = text.split()
    return ({"?": None, "_": ""}.get(segment, segment), Decimal(balance), int(accounts))


# Each story has segments of its own. What was there in version 0 is before the range.
CHANGED = stories(
    f"""
new_and_gone: Adds new accounts to their segment, and takes away deleted ones
1 a10Bari@4, 2 a20Bari@5, 3 b10Bari@0 -@4, 4 b5Bari@0 -@5 | a 30 2, b -15 -2

balances: Adds what the balance of an account changed by, and counts no account
5 c10Bari@0 c25.50Bari@4, 6 c10Bari@0 c1Bari@4 c2Bari@5,
40 B10Bari@0 B10.01Bari@4, 41 C10Bari@0 C9.99Bari@5 | c 7.5 0, B 0.01 0, C -0.01 0

moves: Takes an account that changes its segment out of one and into the other
7 d10Bari@0 e10Bari@4, 8 d10Bari@0 f30Bari@4, 32 d10Bari@0 d15Bari@4 e15Bari@5 |
d -30 -3, e 25 2, f 30 1

nothing: Has no row of a segment where nothing changed in the end
9 g10Bari@0 g10Como@4, 10 h10Bari@4 -@5, 11 i10Bari@0 -@4 i10Bari@6,
33 z10Bari@0 -@4, 34 z10Bari@5,
36 A0.1Bari@4, 37 A0.2Bari@4, 38 A0.3Bari@0 -@4, 39 A0Bari@0 -@4 |

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

words: Tells the null segment from one whose name is a word for null
{listed("{} {}3Bari@4", WORDS)} | {listed("{1} 3 1", WORDS)}
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

# The first load was of version 0. A job that died then brought the kept table to version 1, and
# `state` is behind. Version 2 takes back all of version 1, and the kept table refuses it. `state`
# refuses version 9; while `target` gets that one, the source gets version 10. Versions 10 to 12
# change nothing in the end, and no sum.
KINDS = (
    "write merge merge merge replace merge optimize merge merge feed_on merge merge optimize merge"
)
FIRST, HALF_DONE, REFUSED, LAST, MEANWHILE, EQUAL, AGAIN = 0, 1, 2, 9, 10, 12, 13
COPIED = stories(
    f"""
since_the_state: Has what came in a version that was refused, or after it
1 a10Bari@5, 2 a15Bari@0 a10Bari@1 a15Bari@2, 3 a10Bari@3 a20Bari@5, 4 b?Como@0, 5 ?10?@5,
6 a1Bari@0 a2Bari@1 a1Bari@2 a2Bari@3

withdrawn: Has no account that the dead call brought and that was deleted since
11 a10Bari@1 -@2, 12 a10Bari@1 -@2 a20Bari@3 -@5

there_and_back: Has the old values of an account that the dead call changed, when they are back
13 a10Bari@0 b10Bari@1 a10Bari@2, 14 a10Bari@0 -@1 a10Bari@2

overwritten: Follows an overwrite
15 a10Bari@0 a20Como@4, 16 a10Bari@0 -@4, 17 a10Bari@4, 18 a10Bari@3 a20Bari@4 a30Bari@5

changes: Follows inserts, updates and deletes; leaves the others as they are
21 a10Bari@0 a20Bari@7, 22 a10Bari@0 -@7, 23 a10Bari@8, 24 a10Bari@0, 25 a10Bari@0 a10.01Bari@7

last_version: Has the last of several states of an account
31 a90Bari@0 b20Bari@7 c10Como@8, 32 a10Bari@7 b20Bari@8

came_and_went: Has no account that came and went
33 a10Bari@7 -@8

came_back: Has the new values of an account that was deleted and came back
34 a10Bari@0 -@7 b20Como@8

nulls: Follows a change to null and from null, also where the other value is empty or 0
35 a10Bari@0 ???@7, 36 ???@0 a10Bari@8, 37 ?10Bari@0 _10Bari@7, 38 a?Bari@0 a0Bari@7,
39 a10_@0 a10?@8

words: Follows a change from null to a word or a number that some write for it
{listed("{} ???@0 {}@7", NO_NULLS)}
""",
    given=life,
)
# Updates that changed nothing, and accounts that came back as they were.
UNCHANGED = lives(
    "41 a10Bari@0 a10Bari@7, 42 ???@0 ???@8, "
    "43 a10Bari@0 b10Bari@7 a10Bari@8, 44 a10Bari@0 -@7 a10Bari@8"
)
SUMMED = stories(
    f"""
since_the_state: Adds what came in a version that was refused to the sums of the first load
1 a10Bari@0, 2 a15Bari@0 a10Bari@1 a15Bari@2, 3 z10Bari@5, 17 a5Bari@0 a6Bari@1 a5Bari@2 a6Bari@3

counted_once: Counts once what the dead call had added
4 b10Bari@1 -@2 b10Bari@3, 5 b5Bari@4, 6 c10Bari@0 c30Bari@1 c10Bari@2 c40Bari@5

withdrawn: Takes away what the dead call had added and the source has deleted since
7 d10Bari@1 -@2, 8 d20Bari@0, 9 e10Bari@1 -@2

overwritten: Follows an overwrite
10 f10Bari@0 g20Como@4, 11 f10Bari@0, 12 g10Bari@0 -@4

null_segment: Has a row of the accounts without a segment
13 ?10Bari@0, 14 ?10Bari@4, 15 _10Bari@0, 16 _5Bari@7

changes: Follows inserts, updates and deletes
21 h10Bari@0 h20.50Bari@7, 22 h10Bari@0 -@7, 23 h10Bari@8, 24 h10Bari@0, 45 B10Bari@0 B10.01Bari@7

moves: Follows an account from one segment to another and on
25 i10Bari@0 j20Bari@7 k20Bari@8, 26 i10Bari@0, 27 k10Bari@0, 28 j5Bari@5

new_segment: Has a row of a segment that is new
29 l10Bari@7, 30 m0Bari@8

left_segment: Has no row of a segment whose last account is gone
31 n10Bari@0 -@8, 32 o10Bari@0 p10Bari@7, 33 o5Bari@3 -@8

null_balance: Counts accounts without a balance
34 q?Bari@0, 35 r?Bari@7, 36 s10Bari@0 s?Bari@7, 37 s?Bari@8

no_change: Leaves the sums of segments alone whose accounts only moved house
38 t10Bari@0 t10Como@7, 39 u10Bari@0 u10Bari@8

great_sums: Adds up balances that are great together, and some below 0
40 v9999999999.99Bari@0, 41 v9999999999.99Bari@7, 42 w-4Bari@0 w-7.50Bari@7

letters: Tells segments apart that differ in a capital
43 x10Bari@0, 44 X3Bari@7

words: Tells the null segment from one whose name is a word for null
{listed("{} {}3Bari@7", WORDS)}
""",
    given=life,
)
LATER = lives(
    "71 y10Bari@0 y10Bari@10 Y20Bari@13, 72 Y10Bari@0 Y10Como@10 Y10Bari@11 -@13, 73 y10Bari@13"
)
LIVES = {
    "apply_changes": [*lives_of(COPIED), *UNCHANGED, *LATER],
    "maintain": [*lives_of(SUMMED), *LATER],
}
# What the task keeps, its columns, and how `state` refuses version 9. Of a call that meanwhile got
# version 10 it takes that one.
KEPT = {
    "apply_changes": ("target", ACCOUNTS, ("constraints.frozen", f"version <> {LAST}")),
    "maintain": ("aggregate", SUMS, ("appendOnly", "true")),
}


def of_others(name: str) -> list[tuple]:
    """Rows of `state` that are not of the table with this name, although theirs are like it."""
    alike = (f"{name}_2", f"old_{name}", name.replace("_", "x"), name.split(".")[-1])
    return [("elsewhere.target", -1), ("elsewhere.aggregate", 8), *((one, 5) for one in alike)]


def sums(rows: Iterable[Row]) -> list[tuple]:
    """Balance and accounts of each segment."""
    found = defaultdict(list)
    for _, segment, balance, _ in rows:
        found[segment].append(balance or Decimal(0))
    return [(segment, sum(balances), len(balances)) for segment, balances in found.items()]


class Job:
    """The function of a task, the tables that it is called with, and the version of the source."""

    def __init__(self, task, function, spark, schema, folders, inbox) -> None:
        self.spark = spark
        self.kept, self.columns, self.refusal = KEPT[task]
        self.source = Source(spark, inbox(task), f"{schema}.{task}_source", KINDS, LIVES[task])
        self.names = {table: f"{schema}.{task}_{table.title()}" for table in (self.kept, "state")}
        self.call = partial(function, spark, self.source.name, *self.names.values())
        self.source.advance(HALF_DONE if task == "apply_changes" else FIRST)
        self.tables = {}
        for table, columns, rows in (
            (self.kept, self.columns, self.right_rows()),
            ("state", STATE, self.right_state(FIRST)),
        ):
            folder = folders.mktemp(f"{task}_{table}")
            # `target` has a feed of its own, by which a check sees what a call wrote.
            feed = {"enableChangeDataFeed": "true"} if table == "target" else {}
            made = Table(folder, self.names[table], columns, **feed)
            made.write("part-0.parquet", columns, rows)
            made.create(spark, [made.told("add", "part-0.parquet")])
            self.tables[table] = made
        self.rows = {name: stored_rows(spark, table.name) for name, table in self.tables.items()}
        self.made = {name: table_version(spark, full) for name, full in self.names.items()}

    def right_rows(self) -> list[tuple]:
        """What the kept table must hold for the newest version of the source."""
        rows = self.source.rows()
        return rows if self.kept == "target" else sums(rows)

    def right_state(self, version: int) -> list[tuple]:
        name = self.names[self.kept]
        return [*of_others(name), (name, version)]

    def run(self) -> TableRun:
        """Calls the function; the result is the reason of what it raised."""
        before, tables = self.rows, self.tables.items()
        start = {name: replace(self.made[name], number=table.newest()) for name, table in tables}
        _, error = attempt(self.call)
        changes = {
            name: changes_since(self.spark, full, start[name]) for name, full in self.names.items()
        }
        self.rows = {
            name: stored_rows(self.spark, table.name) if changes[name].versions else before[name]
            for name, table in tables
        }
        reason = error.reason if error else None
        return TableRun(self.spark, self.names, before, self.rows, changes, start, reason)

    @contextmanager
    def state_refusing(self) -> Iterator[None]:
        """`state` refuses the commits of calls."""
        self.tables["state"].change(*self.refusal)
        yield
        self.tables["state"].change(self.refusal[0], None)

    def written(self, run, story=f"at version {LAST}, after the crashes,") -> list:
        """The rows of the kept table after a call that had to change them."""
        raised = f", and raised {run.result}" if run.result else ""
        assert run.changes[self.kept].versions, (
            f"{story} the call wrote nothing to `{self.kept}`{raised}"
        )
        return run.rows[self.kept]

    def said(self, run) -> int | None:
        """The version of the kept table that the state has after a call."""
        return {row.name: row.version for row in run.rows["state"]}.get(self.names[self.kept])

    def assert_says(self, run, version: int, story: str) -> None:
        """The state has this version of the kept table, and the rows of the others."""
        said = self.said(run)
        assert said == version, (
            f"{story}. The newest version is {version}, and `state` says {said}: every later call "
            "reads the same changes again, and one that comes when their files are gone fails"
        )
        assert_rows(run.rows["state"], self.right_state(version), key="name", columns=STATE)


@pytest.fixture(scope="module")
def job(task, learner, spark, shared_schema, tmp_path_factory, inbox):
    """The task's function and its tables after the first load."""
    return Job(task, getattr(learner, task), spark, shared_schema, tmp_path_factory, inbox)


@pytest.fixture(scope="module")
def refused(task, spark, job):
    """A call whose commit the kept table refuses; that one is ahead of its state."""
    table = job.tables[job.kept]
    if task == "maintain":
        job.source.advance(HALF_DONE)
        with job.state_refusing():
            job.run()
    table.change("appendOnly", "true")
    job.source.advance(REFUSED)
    run = job.run()
    if task == "maintain":
        table.take_away(spark, "appendOnly")
    else:
        table.change("appendOnly", None)
    return run


@pytest.fixture(scope="module")
def after(task, job, refused):
    """The call after the crashes, when the source has gone on; `state` refuses its commit.

    It finds those files of the source that the feed since the recorded version needs. The source
    gets one more commit as soon as `target` gets its changes.
    """
    table = job.tables[job.kept]
    changes = table.folder / "_change_data"
    with job.state_refusing():
        if task == "maintain":
            # Commits of somebody else, which change no row. What they note may look like a version.
            table.change("logRetentionDuration", "interval 60 days")
            table.commit("optimize", [{"txn": {"appId": "housekeeping", "version": 12}}])
            weeks = map("week {}".format, range(18))
            for note in ("ticket 12", "12", "tuned with version 12", *weeks):
                table.commit("optimize", [], userMetadata=note)
        job.source.advance(LAST)
        job.source.forget(job.source.read_by_feed(FIRST))
        if task == "maintain":
            return job.run()
        if changes.exists():
            changes.rename(changes.with_name("_changes_of_earlier_calls"))
        job.source.advance_when(changes)
        run = job.run()
    job.source.settle()
    return run


@pytest.fixture(scope="module")
def settled(task, job, after):
    """Two calls that find the kept table as it must be, and only the state behind; the version."""
    job.source.advance(EQUAL if task == "apply_changes" else LAST)
    return job.run(), job.run(), job.source.version, job.right_rows()


@pytest.fixture(scope="module")
def later(job, settled):
    """A call that finds updates which change no sum, and one after it, which `state` refuses."""
    job.source.advance(EQUAL)
    equal = job.run()
    job.source.advance(AGAIN)
    job.source.forget(job.source.read_by_feed(job.said(equal) or LAST))
    with job.state_refusing():
        return equal, job.run()


def came_through(run, story):
    """The run of a call that raised nothing."""
    assert not run.result, f"{story} raised {run.result}"
    return run


@check("apply_changes", "maintain")
def test_a_refused_table_fails_the_call(refused, after, job):
    """Raises when one of the two tables refuses its commit"""
    for name, run in ((job.kept, refused), ("state", after)):
        took_it = name == "state" and job.said(run) == MEANWHILE
        assert run.result or took_it, (
            f"`{name}` refuses what the call had to write, and the call returned as if nothing had "
            "happened; nobody would know that the work is not done"
        )


@check("apply_changes", "maintain", points=2)
def test_the_state_promises_nothing(refused, after, job):
    """Does not name a version in the state that the other table doesn't hold"""
    said = job.said(refused)
    assert said == FIRST, (
        f"`{job.kept}` held version {HALF_DONE} and refuses version {REFUSED}, and `state` says "
        f"{said} after the call. The changes up to there are lost: no later call reads them again"
    )
    assert job.said(after) is not None, (
        f"`state` refused a commit, and has no row of `{job.kept}` any more. How far the source "
        "was read is lost"
    )


@check("apply_changes")
@cases(COPIED)
def test_copy(after, job, case):
    """{case}"""
    mine = {one.account_id for one in case.given}
    found = [row for row in job.written(after) if row.account_id in mine]
    there = [row for one in case.given if (row := one.at(LAST))]
    assert_rows(found, there, key="account_id", columns=ACCOUNTS)


@check("maintain")
@cases(SUMMED)
def test_sums(after, job, case):
    """{case}"""
    segments = segments_of(case)
    found = [row for row in job.written(after) if row.segment in segments]
    there = [row for one in case.given if (row := one.at(LAST))]
    assert_rows(found, sums(there), key="segment", columns=SUMS)


@check("apply_changes")
def test_a_commit_during_the_call(after, job):
    """Names no version in the state that the source got while the target was written"""
    there = {row.account_id: row for row in job.written(after)}
    behind = [one for one in LATER if there.get(one.account_id) != one.at(MEANWHILE)]
    assert job.said(after) != MEANWHILE or not behind, (
        f"version {MEANWHILE} of the source came while the call wrote `target`. `state` says "
        f"{MEANWHILE} now, but `target` has account {behind[0].account_id} as it was before that "
        f"version. The next call begins after version {MEANWHILE}, so this change is lost"
    )


@check("apply_changes", "maintain")
def test_columns_stay(settled, spark, job):
    """Leaves both tables the columns that they had"""
    for name, ddl in ((job.kept, job.columns), ("state", STATE)):
        assert_columns(spark.table(job.names[name]), ddl)


@check("apply_changes", "maintain", points=2)
def test_readers_see_one_step(after, settled):
    """Changes each table in one commit, and makes no other"""
    for run in (after, settled[0]):
        assert_one_commit(run)
        for name, changes in run.changes.items():
            assert changes.versions <= 1, (
                f"the call made {changes.versions} commits to {name}: "
                f"{', '.join(changes.operations)}. After a crash between them there is what the "
                "first one did, without the second"
            )


@check("apply_changes", "maintain", points=2)
def test_the_feed_is_enough(after, job):
    """Reads nothing of the source but the changes"""
    story = (
        "before the call, the files of the source went that the changes after the recorded version "
        "don't need;"
    )
    job.written(after, story)


@check("apply_changes")
def test_rows_that_are_right_stay(after, spark, job):
    """Writes no row of the target that is right already"""
    job.written(after)
    reached = MEANWHILE if job.said(after) == MEANWHILE else LAST
    options = {"readChangeFeed": True, "startingVersion": after.start["target"].number + 1}
    told = defaultdict(set)
    for row in collect(spark.read.options(**options).table(job.names["target"])):
        told[row.account_id].add(row._change_type)
    for one in LIVES["apply_changes"]:
        kinds = told.get(one.account_id)
        assert not kinds or one.at(HALF_DONE) != one.at(reached), (
            f"account {one.account_id} was right in `target` before the call, and the call wrote "
            f"it again: the change feed of `target` has {', '.join(sorted(kinds))} of it"
        )


@check("apply_changes", "maintain", points=3)
def test_the_state_says_how_far(settled, job):
    """Brings the state on when only that is behind, and leaves the rows of others alone"""
    run, _, newest, right = settled
    story = f"`state` had refused version {LAST}, and `{job.kept}` has nothing to change since"
    came_through(run, f"{story}. The next call")
    job.assert_says(run, newest, f"{story} when the next call came")
    key = job.columns.split()[0]
    assert_rows(run.rows[job.kept], right, key=key, columns=job.columns)


@check("apply_changes", "maintain")
def test_a_quiet_day(settled):
    """Makes no commit when the source has no newer version"""
    run = came_through(settled[1], "the source has had no commit since the last call, and the call")
    for name, changes in run.changes.items():
        assert not changes.versions, (
            f"the source has had no commit since the last call, and {name} got one: "
            f"{', '.join(changes.operations)}"
        )


@check("maintain")
def test_nothing_to_add(job, later):
    """Says in the state how far the source was read, also where the changes come to nothing"""
    story = "the updates of the source have changed no sum, and the call"
    job.assert_says(came_through(later[0], story), EQUAL, f"{story} returned")


@check("maintain")
def test_after_nothing_to_add(job, later):
    """Goes on from the recorded version, also when the changes before it came to nothing"""
    equal, run = later
    story = f"`state` said {job.said(equal)}, the files of later changes were there, and"
    assert_rows(job.written(run, story), job.right_rows(), key="segment", columns=SUMS)

"""Checks of lab 14: files on disk and their rows, lines of all kinds, a sink that refuses records."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlparse

import pytest

from labkit.checks import (
    Case,
    assert_columns,
    assert_rows,
    cases,
    changes_since,
    check,
    checkpoint_files,
    collect,
    forget_last_commit,
    java_column,
    log_since,
    make_table,
    settings,
    stored_rows,
    table_version,
)

HINTS = {
    "ingest": [
        "Read lines, not JSON: the `text` source has one column, `value`, and fails on nothing. "
        "What it does not do by itself: look into folders below, and read files that are old.",
        "A file source forgets files that are much older than the newest one, so it takes no file "
        "that old. An option says how old is too old.",
        "Delta skips an append whose `txnAppId` and `txnVersion` it has seen. Two streams number "
        "their batches from 0. What tells them apart?",
        "The table has the time at which each file was read; a listing has the time of now. The "
        "source `binaryFile` lists without reading, if you don't select the content.",
    ],
    "refine": [
        "`from_json` with the schema leaves a column null where the value has another type. Which "
        "fields were there nevertheless?",
        "Read the line a second time as `map<string, variant>`: it takes any object, and is null "
        "for what is no object.",
        "`map_filter` keeps some fields of a map, `to_json` writes a map of variants as it came. "
        "A field is taken if its column is not null.",
    ],
    "evolve": [
        "`rescued` is JSON like a raw line: the two ways of reading it from Task 2 work again, with "
        "the promoted fields as the schema.",
        "Adding a column to a Delta table writes no data file. An UPDATE rewrites the files in "
        "which its condition holds for a row.",
        "A batch after the promotion comes as `refine` makes it: its value lies in `rescued`, and "
        "the column is not in the batch.",
    ],
    "isolate": [
        "Give each record a number first, and keep it: a part is then a range of numbers, also "
        "where records are equal.",
        "A range that can't be written is either one record, or two ranges.",
        "The reason of a record is the error of the call in which it was alone.",
    ],
    "replay_dead": [
        "Which records wait, and which of them are in `table` already? Only the rest is written.",
        "One refused record refuses a whole append. You have a function for that.",
        "What waited and was not refused is in `table` after the write: since this call, or since "
        "one that died.",
    ],
}

BRONZE = (
    "raw string, file string, file_modified timestamp, ingested_batch long, content_hash string"
)
TAIL = "rescued string, corrupt boolean, raw string, file string"
DEAD = "raw string, file string, reason string, resolved_at timestamp"
FILES_PER_BATCH = 4
# With a quarter of a second: times of files are exact to the millisecond.
NOON = datetime(2026, 11, 2, 12, 0, 7, 250_000)


QUICKER = {
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.limit.initialNumPartitions": "99",
}


@pytest.fixture(scope="module")
def quick(quick):
    """The session without generated code, which reads all files at once."""
    with settings(quick, QUICKER):
        yield quick


# ------------------------------------------------------------------------------------------- ingest

Files = Mapping[str, tuple[bytes, datetime]]


def later(minutes: int, *, days: int = 0) -> datetime:
    return NOON + timedelta(minutes=minutes, days=days)


def put(folder: Path, files: Files) -> None:
    """Writes files with their modification times; never through a file that is read meanwhile."""
    for name, (data, modified) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, ((modified - datetime(1970, 1, 1)).total_seconds(),) * 2)


LINES = b'{"shipment_id": 1}\n{"shipment_id": 2}\n'
FIRST: Files = {
    "north/gone.json": ('{"shipment_id": 12, "carrier": "Kåre"}\n'.encode(), later(0)),
    "north/one.json": (LINES, later(1)),
    "north/one-copy.json": (LINES, later(2)),
    "south/one.json": (b'{"shipment_id": 3}\n\n  \n{"shipment_id": 3}\n', later(3)),
    "on top.json": (b'{"shipment_id": 4}\r\n{"shipment_id": 5, "carr', later(4)),
    "south/growing.json.part": (b'{"shipment_id": 6}\n{"ship', later(5)),
    "south/old.part/10/deep.part.txt": (b"shipment_id,carrier\n7,Merlin\n", later(6)),
    "north/empty.json": (b"", later(7)),
    "north/_manifest.json": (b'{"files": 4}\n', later(8)),
    "_staging/one.json": (b'{"staged": 1}\n', later(9)),
    ".cache/south/one.json": (b'{"cached": 1}\n', later(10)),
    "south/.one.json": (b'{"dot": 1}\n', later(11)),
}
SECOND: Files = {
    "on top.json": (b'{"shipment_id": 4}\n{"shipment_id": 55}\n{"shipment_id": 56}\n', later(-60)),
    "north/one-copy.json": (LINES, later(2) + timedelta(milliseconds=500)),
    "south/growing.json": (b'{"shipment_id": 6}\n{"shipment_id": 8}\n', later(61)),
    "north/late.json": (b'{"shipment_id": 9}\n', later(0, days=-18_000)),
    "north/zebra.json": (LINES, later(62, days=5_000)),
    "north/loud.PART": (b'{"shipment_id": 10}\n', later(65)),
}
OTHER: Files = {"north/one.json": (b'{"shipment_id": 11}\n', later(1))}
OTHER_CHANGED: Files = {name: (data, later(64)) for name, (data, _) in OTHER.items()}


def lines_of(data: bytes) -> list[str]:
    return data.decode().replace("\r\n", "\n").removesuffix("\n").split("\n") if data else []


def told(name: str, title: str, *files: str, of: Files = FIRST, points: int = 1) -> Case:
    """A case of some files: `given` are their names, `after` the lines that they must have."""
    after = [(file, line) for file in files for line in lines_of(of[file][0])]
    return Case(name, title, given=files, after=after, points=points)


EARLY = [
    told(
        "same_name",
        "Reads two files that have one name in two folders, at any depth below the source",
        *("north/one.json", "south/one.json", "south/old.part/10/deep.part.txt"),
    ),
    told(
        "equal_files",
        "Keeps the lines of a file that has the same content as another",
        *("north/one-copy.json", "north/gone.json"),
    ),
    told(
        "odd_lines",
        "Makes a row of a blank line, of an equal line and of a last line that is cut off",
        *("south/one.json", "on top.json"),
    ),
    Case(
        "hidden",
        "Reads nothing whose name begins with _ or ., or that lies in such a folder",
        given=[name for name in FIRST if any(part[0] in "_." for part in name.split("/"))],
    ),
    Case(
        "half_written",
        "Reads no file that the partner is still writing",
        given=["south/growing.json.part"],
    ),
]
LATE = [
    told(
        "old_time",
        "Reads new files whose modification time is long ago, or in years to come",
        *("north/late.json", "north/zebra.json"),
        of=SECOND,
        points=2,
    ),
    told("in_place", "Does not read a path again whose content has changed", "on top.json"),
    told(
        "new_files",
        "Reads in a later call what is new or renamed, and nothing else again",
        *("north/zebra.json", "north/loud.PART", "south/growing.json", "north/one.json"),
        *("north/gone.json", "south/old.part/10/deep.part.txt"),
        of={**FIRST, **SECOND},
    ),
]


class Call(NamedTuple):
    """What a call returned, and the rows of bronze after it."""

    result: Any
    rows: list


def last_batch(call: Call) -> set[str]:
    """The paths of the files in the last micro-batch of a call."""
    last = max((row.ingested_batch for row in call.rows), default=0)
    return {path_of(row) for row in call.rows if row.ingested_batch == last}


def path_of(row) -> str:
    """The path that a row's `file` says."""
    return unquote(urlparse(str(row.file)).path)


@pytest.fixture(scope="module")
def ingested(learner, quick, inbox, shared_schema, tmp_path_factory):
    """Two calls on a folder, the second after a crash, and one on another folder; the folders.

    The other folder's call comes between the two, and its file changes after it. At the end, how
    many commits the first call made.
    """
    # One path begins like the other and ends like it, and a name above the source hides nothing.
    inboxes = inbox("partner")
    folder, other = inboxes / "drops", inboxes / "drops-2" / "_south" / "drops"
    # The last names of two checkpoints may be the same.
    checkpoints = tmp_path_factory.mktemp("checkpoints")
    table = f"{shared_schema}.bronze"
    make_table(quick, table, BRONZE)
    start = table_version(quick, table)

    def call(source: Path, checkpoint: str) -> Call:
        place = str(checkpoints / checkpoint / "stream")
        result = learner.ingest(quick, str(source), table, place)
        return Call(result, stored_rows(quick, table))

    put(folder, FIRST)
    first = call(folder, "a")
    assert_columns(quick.table(table), BRONZE)
    commits = len(log_since(quick, table, start.number))
    put(other, OTHER)
    between = call(other, "b")
    put(other, OTHER_CHANGED)
    forget_last_commit(checkpoints / "a")
    (folder / "south/growing.json.part").unlink()
    (folder / "north/gone.json").unlink()
    put(folder, SECOND)
    return [first, call(folder, "a"), between], folder, other, commits


def assert_lines(rows: Iterable, folder: Path, case: Case) -> None:
    """The files of a case have the lines that they must have, each with its file."""
    names = {str(folder / file): file for file in case.given}
    found = [(names[path_of(row)], row.raw) for row in rows if path_of(row) in names]
    assert_rows(found, case.after, key=["file", "line"], columns="file string, line string")


@check("ingest")
@cases(EARLY)
def test_lines_of_the_first_files(ingested, case):
    """{case}"""
    calls, folder, _, _ = ingested
    assert_lines(calls[0].rows, folder, case)


@check("ingest")
@cases(LATE)
def test_lines_after_a_second_call(ingested, case):
    """{case}"""
    calls, folder, _, _ = ingested
    # What a replay doubles is another check's: rows of the last micro-batch count once here.
    kept = {(path_of(row), row.raw): row for row in calls[1].rows}
    replayed = last_batch(calls[0])
    rows = [row for row in calls[1].rows if path_of(row) not in replayed]
    rows += [row for row in kept.values() if path_of(row) in replayed]
    assert_lines(rows, folder, case)


@check("ingest", points=2)
def test_a_crash_before_the_checkpoint(ingested):
    """Has each row once when a job died after the commit of a micro-batch, and was called again"""
    calls, folder, _, _ = ingested
    replayed = last_batch(calls[0])
    first, second = (
        Counter((path_of(row), row.raw) for row in call.rows if path_of(row) in replayed)
        for call in calls[:2]
    )
    for place, count in sorted(first.items()):
        if second[place] != count:
            file = Path(place[0]).relative_to(folder) if folder in Path(place[0]).parents else ""
            raise AssertionError(
                "the commit of the last micro-batch was in the table, and the checkpoint did not "
                f"know it yet. After the next call the line {place[1]!r} of {file} is there "
                f"{second[place]} times, and the file has it {count} times"
            )


@check("ingest")
def test_columns_of_bronze(ingested):
    """Says of each row its path, the time of its file, its micro-batch, and the hash of its line"""
    calls, folder, other, _ = ingested
    for row in calls[0].rows:
        name = path_of(row).removeprefix(f"{folder}/")
        if name not in FIRST:
            raise AssertionError(f"file is {row.file!r}; no file of the folder has this path")
        if not row.file.startswith("file:/") or not row.file.endswith(f"/{quote(name)}"):
            raise AssertionError(
                f"file is {row.file!r}; `_metadata` says the path as an address: it begins with "
                "file:/, and a blank is %20"
            )
        if row.file_modified != FIRST[name][1]:
            raise AssertionError(
                f"file_modified of {name} is {row.file_modified}; the file was written at "
                f"{FIRST[name][1]}"
            )
        if row.content_hash != hashlib.sha256(row.raw.encode()).hexdigest():
            raise AssertionError(
                f"the line {row.raw!r} of {name} has the content_hash {row.content_hash}, which "
                "is not the SHA-256 of its bytes in hex"
            )
    first = sorted({row.ingested_batch for row in calls[0].rows}, key=str)
    second = {row.ingested_batch for row in calls[1].rows if "zebra" in row.file}
    # A micro-batch of an empty file has no rows, so numbers may be missing.
    if first[:1] != [0] or None in first or any(new <= first[-1] for new in second):
        raise AssertionError(
            f"rows of the first call say ingested_batch {first}, and rows of a file of the second "
            f"call {sorted(second)}; a query counts its micro-batches from 0 on, over all calls"
        )
    others = {row.ingested_batch for row in calls[2].rows if str(other) in path_of(row)}
    if others - {0}:
        raise AssertionError(
            f"the first rows of another folder say ingested_batch {sorted(others, key=str)}; it has "
            "a checkpoint of its own, and so a query that counts from 0 on"
        )


@check("ingest")
def test_size_of_a_batch(ingested):
    """Takes at most FILES_PER_BATCH files into a micro-batch, which is one commit"""
    (call, *_), _, _, commits = ingested
    files: dict[int, set[str]] = {}
    for row in call.rows:
        files.setdefault(row.ingested_batch, set()).add(row.file)
    most = max(map(len, files.values()), default=0)
    if most > FILES_PER_BATCH:
        raise AssertionError(
            f"a micro-batch has rows of {most} files, and FILES_PER_BATCH is {FILES_PER_BATCH}. "
            "After a week's pause it would take all files of the week at once"
        )
    if commits > len(files):
        raise AssertionError(
            f"the first call made {commits} commits for {len(files)} micro-batches, which have "
            f"rows of {' and '.join(str(len(found)) for found in files.values())} files"
        )


@check("ingest")
def test_a_second_folder(ingested):
    """Takes the files of another folder, with a checkpoint of its own, into the same table"""
    calls, _, other, _ = ingested
    assert_lines(calls[2].rows, other, told("other", "", *OTHER, of=OTHER))


@check("ingest")
def test_changed_files(ingested):
    """Returns the files of the folder that changed since they were read, as column `file` has them"""
    calls, folder, _, _ = ingested
    again = [str(folder / name) for name in ("on top.json", "north/one-copy.json")]
    changed = sorted({row.file for row in calls[1].rows if path_of(row) in again})
    names = ("the first call", "the second call", "the call on another folder")
    for name, call, wanted in zip(names, calls, ([], changed, []), strict=True):
        if not isinstance(call.result, list) or call.result != wanted:
            raise AssertionError(
                f"{name} returned {str(call.result)[:400]}, expected {wanted}. Before the second "
                "call `on top.json` was written again with an earlier time, and "
                "`north/one-copy.json` with the same content half a second later, and "
                "`north/gone.json` was removed. The file in the other folder, "
                "drops-2/_south/drops, changed as well; the second call is on the folder drops"
            )


# ------------------------------------------------------------------------------------------- refine

TYPES = (
    "shipment_id long, carrier string, weight_kg double, delivered_at timestamp, Fragile boolean"
)


def names_of(ddl: str) -> list[str]:
    return [column.split()[0].strip("`") for column in ddl.split(", ")]


NAMES = names_of(TYPES)


def plain(text: str | None) -> str | None:
    """JSON in one spelling, so that blanks and order do not count."""
    try:
        return text and json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return f"no JSON: {text}"


def refined(raw: str, file: str, columns: dict | None = None, rescued: dict | None = None) -> tuple:
    """The row of a line; without `columns` it is a corrupt one."""
    cells = [(columns or {}).get(name) for name in NAMES]
    return (*cells, plain(json.dumps(rescued)) if rescued else None, columns is None, raw, file)


def reads(name: str, title: str, *lines: tuple, points: int = 1) -> Case:
    """A case of lines: the JSON, what its columns hold, and what is rescued of it."""
    given, after = [], []
    for raw, *expected in lines:
        text = raw if isinstance(raw, str) else json.dumps(raw)
        given.append(text)
        after.append(refined(text, f"file:/drops/{name}.json", *expected))
    return Case(name, title, given=given, after=after, points=points)


EIGHT = datetime(2026, 10, 2, 8)
# No double is one of these.
ODD, FAR = 2**53 + 1, 10**20 - 1
ODD_NAMES = {"a.b": 1, "CO2 kg": "2", "é'`": [3], 'say "7"': 4, "C:\\new\n": {'in"': 5}}
# The result and bronze have columns of these names, and the schema has none.
LIKE_COLUMNS = {"raw": "a", "file": "b.pdf", "rescued": [1], "corrupt": True, "content_hash": 0}
REFINED = [
    reads(
        "typed",
        "Types the fields that the schema has",
        (
            '{"Fragile": false, "delivered_at": "2026-10-02T10:00:00+02:00", "weight_kg": 12.1, '
            '"carrier": "Merlin ", "shipment_id": 1}',
            dict(zip(NAMES, (1, "Merlin ", 12.1, EIGHT, False), strict=True)),
        ),
        (
            {"delivered_at": "2026-10-02T02:30:00-05:30", "weight_kg": 10**19},
            {"delivered_at": EIGHT, "weight_kg": 1e19},
        ),
        (
            {"weight_kg": 7, "shipment_id": -(2**63), "delivered_at": "2026-10-02T08:00:00Z"},
            {"weight_kg": 7.0, "shipment_id": -(2**63), "delivered_at": EIGHT},
        ),
        ('{"weight_kg": 1.25e3, "shipment_id": 0}', {"weight_kg": 1250.0, "shipment_id": 0}),
        ({"carrier": "", "Fragile": True}, {"carrier": "", "Fragile": True}),
        ({"carrier": "12", "weight_kg": 0}, {"carrier": "12", "weight_kg": 0.0}),
        ({"carrier": '{"a": [1]}', "shipment_id": ODD}, {"carrier": '{"a": [1]}', "shipment_id": ODD}),
        ({"shipment_id": 2**63 - 1, "carrier": "[]"}, {"shipment_id": 2**63 - 1, "carrier": "[]"}),
        (' \t{"shipment_id": 14, "carrier": "Merlin"}', {"shipment_id": 14, "carrier": "Merlin"}),
    ),
    reads(
        "absent",
        "Leaves a column null whose field is null or not there, and rescues nothing",
        ({}, {}),
        ({"shipment_id": 2, "carrier": None}, {"shipment_id": 2}),
        ({"shipment_id": 3, "note": None}, {"shipment_id": 3}),
    ),
    reads(
        "corrupt",
        "Says corrupt of a line that is not one JSON object, and keeps the line",
        *[('{"shipment_id": 4, "carrier": "Mer',), ('{"shipment_id": 4, "carrier": "Merlin"',)],
        *[("shipment_id,carrier",), ('[{"shipment_id": 4}]',), ("[]",), ("7",)],
        *[('"Merlin"',), ("null",), ("",), ("   ",)],
        points=2,
    ),
    reads(
        "other_type",
        "Rescues a value that its column does not take, and types the other fields",
        (
            {"shipment_id": 5, "weight_kg": "12.5 kg", "carrier": "Merlin"},
            {"shipment_id": 5, "carrier": "Merlin"},
            {"weight_kg": "12.5 kg"},
        ),
        ({"shipment_id": "six", "weight_kg": 1.5}, {"weight_kg": 1.5}, {"shipment_id": "six"}),
        ({"shipment_id": 1.5, "weight_kg": 2}, {"weight_kg": 2.0}, {"shipment_id": 1.5}),
        ({"shipment_id": FAR, "weight_kg": 3}, {"weight_kg": 3.0}, {"shipment_id": FAR}),
        (
            {"carrier": "Kestrel", "delivered_at": "soon", "Fragile": "yes"},
            {"carrier": "Kestrel"},
            {"delivered_at": "soon", "Fragile": "yes"},
        ),
        ({"weight_kg": {"value": 4, "unit": "kg"}}, {}, {"weight_kg": {"value": 4, "unit": "kg"}}),
        ({"weight_kg": True, "Fragile": 1}, {}, {"weight_kg": True, "Fragile": 1}),
        ({"shipment_id": 2**63, "weight_kg": "[1]"}, {}, {"shipment_id": 2**63, "weight_kg": "[1]"}),
        ({"shipment_id": "", "Fragile": "{}"}, {}, {"shipment_id": "", "Fragile": "{}"}),
        ({"delivered_at": "2026-02-30T08:00:00Z"}, {}, {"delivered_at": "2026-02-30T08:00:00Z"}),
        ({"delivered_at": "2026-10-02T25:00:00Z"}, {}, {"delivered_at": "2026-10-02T25:00:00Z"}),
        ({"shipment_id": True, "weight_kg": 5}, {"weight_kg": 5.0}, {"shipment_id": True}),
        (
            {"shipment_id": False, "Fragile": 0, "delivered_at": True, "carrier": "Merlin"},
            {"carrier": "Merlin"},
            {"shipment_id": False, "Fragile": 0, "delivered_at": True},
        ),
        (
            {"shipment_id": [1], "weight_kg": [1.5], "Fragile": [True], "delivered_at": {"at": 1}},
            {},
            {"shipment_id": [1], "weight_kg": [1.5], "Fragile": [True], "delivered_at": {"at": 1}},
        ),
        points=2,
    ),
    reads(
        "text_for_a_number",
        "Rescues a number or a truth that comes as a string",
        ({"shipment_id": "7", "carrier": "Merlin"}, {"carrier": "Merlin"}, {"shipment_id": "7"}),
        ({"shipment_id": 8, "weight_kg": "12.5"}, {"shipment_id": 8}, {"weight_kg": "12.5"}),
        ({"shipment_id": 9, "Fragile": "true"}, {"shipment_id": 9}, {"Fragile": "true"}),
    ),
    reads(
        "unknown_fields",
        "Rescues fields without a column as they came: objects, lists, numbers and strings",
        (
            {"shipment_id": 10, "customs": {"code": None, "duties": [1.5, None, {"a": []}]}},
            {"shipment_id": 10},
            {"customs": {"code": None, "duties": [1.5, None, {"a": []}]}},
        ),
        (
            {"shipment_id": 11, "co2_kg": 3.75, "note": 'Kåre said "7"', "ok": True, "n": ODD},
            {"shipment_id": 11},
            {"co2_kg": 3.75, "note": 'Kåre said "7"', "ok": True, "n": ODD},
        ),
        ({"code": "8611", "empty": "", "none": {}}, {}, {"code": "8611", "empty": "", "none": {}}),
        ({"no": False, "zero": 0, "list": []}, {}, {"no": False, "zero": 0, "list": []}),
        # Strings that look like something else, and such that JSON writes in a way of its own.
        (
            {"note": '{"a": 1}', "list": "[1, 2]", "in": {"text": "[]"}, "ok": "true"},
            {},
            {"note": '{"a": 1}', "list": "[1, 2]", "in": {"text": "[]"}, "ok": "true"},
        ),
        ({"note": "C:\\new\n\t/é 📦"}, {}, {"note": "C:\\new\n\t/é 📦"}),
        (
            {"shipment_id": 16, "box": {"weight_kg": 2.5, "carrier": "Merlin"}},
            {"shipment_id": 16},
            {"box": {"weight_kg": 2.5, "carrier": "Merlin"}},
        ),
        ({"carrier": "null", "note": "null"}, {"carrier": "null"}, {"note": "null"}),
        (ODD_NAMES, {}, ODD_NAMES),
        (LIKE_COLUMNS, {}, LIKE_COLUMNS),
        points=2,
    ),
    reads(
        "names",
        "Takes Weight_kg for another field than weight_kg",
        ({"Weight_kg": 5.5, "shipment_id": 12}, {"shipment_id": 12}, {"Weight_kg": 5.5}),
        (
            {"Carrier": "Merlin", "carrier": "Kestrel"},
            {"carrier": "Kestrel"},
            {"Carrier": "Merlin"},
        ),
        ({"fragile": True, "shipment_id": 15}, {"shipment_id": 15}, {"fragile": True}),
    ),
    reads(
        "equal_lines",
        "Returns equal lines as often as they come",
        *[({"shipment_id": 13}, {"shipment_id": 13})] * 3,
        *[("{", None)] * 2,
    ),
]


@pytest.fixture(scope="module")
def refined_rows(learner, quick, frame):
    """The rows of all lines."""
    rows = [
        (raw, f"file:/drops/{case.name}.json", NOON, 0, hashlib.sha256(raw.encode()).hexdigest())
        for case in REFINED
        for raw in case.given
    ]
    answer = learner.refine(frame(BRONZE, rows), TYPES)
    assert_columns(answer, f"{TYPES}, {TAIL}")
    return collect(answer)


def in_one_spelling(rows: Iterable) -> list[dict]:
    found = [row if isinstance(row, dict) else row.asDict() for row in rows]
    return [{**row, "rescued": plain(row["rescued"])} for row in found]


@check("refine")
@cases(REFINED)
def test_lines(refined_rows, case):
    """{case}"""
    found = [row for row in refined_rows if row.file == f"file:/drops/{case.name}.json"]
    assert_rows(in_one_spelling(found), case.after, key="raw", columns=f"{TYPES}, {TAIL}")


# ------------------------------------------------------------------------------------------- evolve

SMALL = "shipment_id long, weight_kg double"
STORED = f"{SMALL}, {TAIL}"
# What the table has since an earlier promotion.
THERE = "tare_kg double, pallets long"
# In SQL the last name is a number if nothing quotes it; no value of it ever moves.
PROMOTED = f"{STORED}, {THERE}, insured boolean, co2_kg double, `2d` timestamp"
# Of lines that are no object: nothing was rescued.
CORRUPT = (3, 42, 91)


def shipment(number: int, rescued: dict | None = None, promoted: dict | None = None) -> dict:
    """A row of the table, with the values of promoted columns."""
    return {
        **dict.fromkeys(names_of(PROMOTED)),
        "shipment_id": number,
        "weight_kg": number / 2,
        "rescued": json.dumps(rescued) if rescued else None,
        "corrupt": number in CORRUPT,
        "raw": f'{{"shipment_id": {number}}}',
        "file": f"file:/drops/{number % 3}.json",
        **(promoted or {}),
    }


def promotion(name: str, title: str, before=(), given=(), after=(), points: int = 1) -> Case:
    """A case from arguments of `shipment`: stored rows, rows of the batch, rows at the end."""
    parts = [[shipment(*row) for row in rows] for rows in (before, given, after)]
    return Case(name, title, *parts, points=points)


EVOLVED = [
    promotion(
        "of_the_batch",
        "Moves promoted values of the batch into their columns",
        given=[(1, {"co2_kg": 1.5, "insured": True}), (2, {"co2_kg": 2}), (3,), (4, {"co2_kg": 0})],
        after=[
            (1, None, {"co2_kg": 1.5, "insured": True}),
            (2, None, {"co2_kg": 2.0}),
            (3,),
            (4, None, {"co2_kg": 0.0}),
        ],
    ),
    promotion(
        "stored",
        "Moves promoted values of rows that are stored already",
        before=[(11, {"co2_kg": 3.3}), (12, {"insured": False, "co2_kg": 4.5})],
        after=[(11, None, {"co2_kg": 3.3}), (12, None, {"insured": False, "co2_kg": 4.5})],
        points=2,
    ),
    promotion(
        "not_named",
        "Leaves fields in rescued that nobody named, such as a typo",
        before=[
            (21, {"co2_kg": 1.5, "C02_kg": 2.5, "customs": {"seal": None, "duties": [1, None]}})
        ],
        given=[
            (22, {"Co2_kg": 1.5, "insured": True}),
            (23, {"customs": ["a"]}),
            (26, {"insured": False, "note": "[1]", "no": False, "zero": 0, 'say "7"\\': ""}),
            (24, {"co2_kg": 1.5, "CO2_KG": 2.5}),
            (25, {"co2_kg": 1.5, "box": {"co2_kg": 2.5}}),
        ],
        after=[
            (21, {"C02_kg": 2.5, "customs": {"seal": None, "duties": [1, None]}}, {"co2_kg": 1.5}),
            (22, {"Co2_kg": 1.5}, {"insured": True}),
            (23, {"customs": ["a"]}),
            (26, {"note": "[1]", "no": False, "zero": 0, 'say "7"\\': ""}, {"insured": False}),
            (24, {"CO2_KG": 2.5}, {"co2_kg": 1.5}),
            (25, {"box": {"co2_kg": 2.5}}, {"co2_kg": 1.5}),
        ],
    ),
    promotion(
        "other_type",
        "Leaves a value in rescued that the type does not take",
        before=[(31, {"co2_kg": "3.5 kg", "insured": True}), (32, {"co2_kg": "n/a"})],
        given=[(33, {"co2_kg": [1.5], "insured": "yes"}), (34, {"co2_kg": "7.5"})],
        after=[
            (31, {"co2_kg": "3.5 kg"}, {"insured": True}),
            (32, {"co2_kg": "n/a"}),
            (33, {"co2_kg": [1.5], "insured": "yes"}),
            (34, {"co2_kg": "7.5"}),
        ],
    ),
    promotion(
        "equal_rows",
        "Keeps equal rows as often as they are stored and come",
        before=[(41, {"co2_kg": 1.5})] * 2,
        given=[(41, {"co2_kg": 1.5}), (42,), (42,)],
        after=[*[(41, None, {"co2_kg": 1.5})] * 3, (42,), (42,)],
    ),
    promotion(
        "came_since",
        "Moves values that came since an earlier promotion of their field",
        before=[(51, {"tare_kg": 5.5})],
        given=[(52, {"tare_kg": 6.5, "C02_kg": 1})],
        after=[(51, None, {"tare_kg": 5.5}), (52, {"C02_kg": 1}, {"tare_kg": 6.5})],
    ),
    promotion(
        "one_after_the_other",
        "Keeps a value that moved in an earlier call when another one of its row moves",
        before=[(61, {"insured": True}, {"tare_kg": 7.5, "pallets": 1})],
        after=[(61, None, {"tare_kg": 7.5, "pallets": 1, "insured": True})],
    ),
    promotion(
        "not_named_now",
        "Leaves a field in rescued that an earlier call named, and this one does not",
        before=[(71, {"pallets": 2, "co2_kg": 7.5})],
        given=[(72, {"pallets": 3, "co2_kg": 8.5})],
        after=[(71, {"pallets": 2}, {"co2_kg": 7.5}), (72, {"pallets": 3}, {"co2_kg": 8.5})],
    ),
]
AGAIN = [
    promotion(
        "second_call",
        "Promotes in a later call what stayed, and leaves what was promoted before",
        given=[(81, {"pallets": ODD, "co2_kg": 9.5})],
        after=[
            (71, None, {"pallets": 2, "co2_kg": 7.5}),
            (72, None, {"pallets": 3, "co2_kg": 8.5}),
            (81, {"co2_kg": 9.5}, {"pallets": ODD}),
        ],
    ),
]
CALLS = [
    (EVOLVED, {"insured": "boolean", "tare_kg": "double", "co2_kg": "double", "2d": "timestamp"}),
    (AGAIN, {"pallets": "long"}),
]
UNTOUCHED = [
    shipment(91),
    shipment(92, {"C02_kg": 1}),
    shipment(93, {"co2_kg": "n/a", "insured": 0, "pallets": 2**63, "2d": "2026-02-30T08:00:00Z"}),
    shipment(94, {"customs": {"co2_kg": 1.5, "insured": True}}),
]


@pytest.fixture(scope="module")
def evolved(learner, quick, frame, shared_schema):
    """For each of two calls: the rows after it, the files before it, and its commits."""
    table = f"{shared_schema}.evolved"
    stored = [row for case in EVOLVED for row in case.before]
    # One write makes two files: one of rows with values to move, one of others.
    both = frame(f"{STORED}, {THERE}", [*stored, *UNTOUCHED]).coalesce(1).write.format("delta")
    both.option("maxRecordsPerFile", len(stored)).saveAsTable(table)
    found = []
    for told, promote in CALLS:
        start = table_version(quick, table)
        batch = frame(STORED, [row for case in told for row in case.given])
        learner.evolve(quick, table, batch, promote)
        changes = changes_since(quick, table, start)
        assert_columns(quick.table(table), PROMOTED)
        found.append((stored_rows(quick, table), start.files, changes))
    return found


def assert_shipments(rows: Iterable, expected: list[dict]) -> None:
    mine = {row["shipment_id"] for row in expected}
    found = in_one_spelling(row for row in rows if row.shipment_id in mine)
    assert_rows(found, in_one_spelling(expected), key="shipment_id", columns=PROMOTED)


@check("evolve")
@cases(EVOLVED)
def test_rows_after_a_promotion(evolved, case):
    """{case}"""
    assert_shipments(evolved[0][0], case.after)


@check("evolve")
@cases(AGAIN)
def test_rows_after_a_later_call(evolved, case):
    """{case}"""
    assert_shipments(evolved[1][0], case.after)


@check("evolve", points=2)
def test_files_without_a_promoted_field(evolved):
    """Rewrites no data file in which no value moves"""
    assert_shipments(evolved[1][0], UNTOUCHED)
    # Values move in the first file; in the second call there, and in a file of the first's batch.
    for number, (_, files, changes) in enumerate(evolved, 1):
        gone = files & changes.removed
        if len(gone) > number:
            raise AssertionError(
                f"call {number} removed {len(gone)} of the {len(files)} data files that it found "
                f"({', '.join(changes.operations)}), and in {number} of them a value had to move. "
                "A year of shipments would be rewritten for a field that came yesterday"
            )


# ------------------------------------------------------------------------------------------ isolate

# Whoever numbers records in a column has to leave these as they are.
NUMBERS = ("id", "n", "i", "at", "pos", "rn", "idx", "row", "number", "2d")
RECORD = "shipment_id long, weight_kg double, raw string, file string"
RECORD += "".join(f", `{name}` long" for name in NUMBERS)
RECORD_NAMES = names_of(RECORD)


def batch_of(frame, records: Iterable[tuple], folder: Path):
    """A frame of records; the name of its last column tells `write` where to note its calls."""
    names = f"{RECORD}, in_{str(folder).encode().hex()} long"
    return frame(names, [(*record, 0) for record in records])


def write(frame):
    """A sink: keeps all rows of a frame, or refuses it for those that weigh less than nothing."""
    import json
    from pathlib import Path

    rows = [row.asDict() for row in frame.collect()]
    place = next(name for name in frame.columns if name.startswith("in_"))
    calls = Path(bytes.fromhex(place.removeprefix("in_")).decode()) / "calls"
    calls.mkdir(exist_ok=True)
    rows = [{name: row[name] for name in row if name != place} for row in rows]

    class Refused(Exception):
        """What a database would raise; no error of Spark, and none of Python's own."""

    weights = [row.get("weight_kg") for row in rows]
    bad = [rows[n]["raw"] for n, weight in enumerate(weights) if weight is not None and weight < 0]
    number = len(list(calls.iterdir()))
    (calls / f"{number:04}").write_text(json.dumps([bool(bad), rows]))
    if bad == ["raw -7"]:
        raise Refused  # an exception need not have a text
    if bad:
        told = f"{len(bad)} of {len(rows)} records violate positive_weight:\n{bad[0]}\n"
        raise Refused(told + "\tat sink\n" * 200)


def said_of(raw: str) -> str:
    """What `write` says of a poison record alone."""
    told = f"1 of 1 records violate positive_weight:\n{raw}\n" + "\tat sink\n" * 200
    return "" if raw == "raw -7" else told


def records(text: str) -> list[tuple]:
    """A batch: `3` is a good record, `-3` a poison one, `?3` one without a weight."""
    found = []
    for number, one in enumerate(text.split()):
        weight = None if one[0] == "?" else float(one)
        file, count = f"file:/drops/{number % 2}.json", int(one.strip("?-"))
        found.append((count, weight, f"raw {one}", file, *[count] * len(NUMBERS)))
    return found


MANY = " ".join(str(-number if number == 63 else number) for number in range(1, 65))
ISOLATED = [
    Case("clean", "Writes a batch without poison in one call", given=records("1 2 3 4 5")),
    Case("one", "Finds one poison record of many", given=records(MANY), points=2),
    Case("first", "Finds a poison record that comes first", given=records("-1 2 3 4 5 6 7 8")),
    Case(
        "several",
        "Finds several, at both ends and side by side",
        given=records("-1 2 3 4 -5 -6 7 8 9 10 -11"),
        points=2,
    ),
    Case(
        "equal",
        "Keeps equal records apart, good ones and poison ones",
        given=records("1 -2 1 -2 ?3 ?3 1 ?3"),
    ),
    Case(
        "any_order",
        "Writes each record once though the batch comes in another order when it is read again",
        given=records("1 2 3 4 -5 6 7 8 9 10 11 12 13 14"),
    ),
    Case("alone", "Calls `write` once for a batch of one poison record", given=records("-7")),
    Case("none", "Gives 0 and no row for an empty batch"),
]


def is_poison(record: tuple) -> bool:
    return record[1] is not None and record[1] < 0


@pytest.fixture(scope="module")
def isolated(learner, quick, frame, tmp_path_factory):
    """For each case: how many rows were written, the dead rows, and the calls of `write`."""
    found = {}
    for case in ISOLATED:
        folder = tmp_path_factory.mktemp(case.name)
        # A batch of several files has several partitions.
        parts = [case.given[:40], case.given[40:]] if case.name == "one" else [case.given]
        batch, *more = (batch_of(frame, part, folder) for part in parts)
        for part in more:
            batch = batch.unionAll(part)
        if case.name == "any_order":
            batch = batch.orderBy(java_column(quick, "java.lang.Math", "random"))
        answer = learner.isolate(batch, write)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise AssertionError(f"returned {type(answer).__name__}, expected a count and a frame")
        written, dead = answer
        assert_columns(dead, "raw string, file string, reason string")
        calls = [json.loads(text) for _, text in sorted(checkpoint_files(folder, "calls").items())]
        found[case.name] = (written, collect(dead), calls)
    return found


@check("isolate")
@cases(ISOLATED)
def test_records(isolated, case):
    """{case}"""
    written, dead, calls = isolated[case.name]
    poison = [record for record in case.given if is_poison(record)]
    good = [record for record in case.given if not is_poison(record)]
    kept = [row for refused, rows in calls if not refused for row in rows]
    more = sorted({name for row in kept for name in row} - set(RECORD_NAMES))
    assert not more, f"`write` got a frame with the column {more[0]}, which the batch doesn't have"
    try:
        assert_rows(kept, good, key="raw", columns=RECORD)
    except AssertionError as error:
        raise AssertionError(f"what the calls of `write` kept:\n{error}") from None
    try:
        assert_rows(
            [(row.raw, row.file) for row in dead],
            [record[2:4] for record in poison],
            key="raw",
            columns="raw,file",
        )
    except AssertionError as error:
        raise AssertionError(f"the frame of poison records:\n{error}") from None
    if written != len(good):
        raise AssertionError(f"says that {written!r} rows were written, and {len(good)} were")


@check("isolate", points=2)
def test_number_of_writes(isolated):
    """Calls `write` no more than 1 + 2·k·⌈log₂ n⌉ times"""
    for case in ISOLATED:
        assert_few_writes(isolated[case.name][2], case.given)


def assert_few_writes(calls: list, given: Iterable) -> None:
    """So many calls of `write` at most for these records."""
    count, poison = len(list(given)), sum(map(is_poison, given))
    most = 1 + 2 * poison * (count - 1).bit_length() if count else 1
    if len(calls) > most:
        sizes = ", ".join(str(len(rows)) for _, rows in calls[:12])
        raise AssertionError(
            f"{len(calls)} calls of `write` for {count} records, {poison} of them poison; {most} "
            f"are allowed. They had {sizes}{', ...' if len(calls) > 12 else ''} records"
        )


@check("isolate")
def test_reasons(isolated):
    """Says of each poison record what `write` said when it had this record alone"""
    for _, dead, _ in isolated.values():
        for row in dead:
            found, expected = row.reason, said_of(row.raw)
            if found != expected:
                shown = [f"{str(t)[:90]!r} ({len(str(t))} characters)" for t in (found, expected)]
                raise AssertionError(
                    f"the reason of {row.raw!r} is {shown[0]}; `write` said of this record alone: "
                    f"{shown[1]}"
                )


# -------------------------------------------------------------------------------------- replay_dead

FIXED = f"weight_kg double, shipment_id long, {TAIL}"
EARLIER = datetime(2026, 10, 5, 8)
RULE = "weight_kg IS NULL OR weight_kg > 0"


def line(number: int, weight: object) -> str:
    return json.dumps({"shipment_id": number, "weight_kg": weight, "note": "n"})


def dead(number: int, weight: object, file: str = "a", resolved=None, reason="old") -> tuple:
    return (line(number, weight), f"file:/drops/{file}.json", reason, resolved)


def in_table(number: int, weight: object, file: str = "a") -> tuple:
    fits = isinstance(weight, float)
    rescued = {"note": "n"} if fits else {"note": "n", "weight_kg": weight}
    cells = (weight if fits else None, number, plain(json.dumps(rescued)), False)
    return (*cells, line(number, weight), f"file:/drops/{file}.json")


CUT_OFF = '{"shipment_id": 9, "wei'
# Before the first call all that waits is in the table already; the rest comes after this call.
DEAD_FIRST = [dead(10, 10.5)]
DEAD_BEFORE = [
    *DEAD_FIRST,
    # Two equal records of which one comes first and one last.
    dead(5, 5.5),
    *[dead(3, -3.5), dead(3, -3.5), dead(12, -12.5, "b"), dead(1, 1.5), dead(2, "2 kg", "b")],
    *[dead(4, 4.5, resolved=EARLIER), dead(6, 6.5), dead(7, 7.5)],
    *[dead(8, 8.5, resolved=EARLIER), dead(8, 8.5), dead(3, -3.5, resolved=EARLIER)],
    *[dead(11, 11.5), dead(11, 11.5), (CUT_OFF, "file:/drops/b.json", "old", None)],
    dead(5, 5.5),
]
# What the table still refuses, and the weight that its error tells.
REFUSED = {line(3, -3.5): "-3.5", line(12, -12.5): "-12.5"}
STILL = [in_table(6, 6.5), in_table(7, 7.5, "b"), in_table(10, 10.5), in_table(11, 11.5)]


def there(name: str, title: str, *after: tuple, others=(), points: int = 1) -> Case:
    """A case of rows that are in the table then, and of ids of which no other is."""
    ids = [*others, *(row[1] for row in after)]
    return Case(name, title, given=ids, after=after, points=points)


REPLAYED = [
    there(
        "waiting",
        "Writes the records that wait, refined with the schema, but for what is still refused",
        *(in_table(1, 1.5), in_table(2, "2 kg", "b")),
        others=[3, 12],
        points=2,
    ),
    there("resolved", "Does not write a record again that was resolved before", others=[4]),
    there("equal", "Writes two records that are equal, both", *[in_table(5, 5.5)] * 2),
    there(
        "died_before",
        "Does not write a record that is in the table since a call that died",
        *(in_table(6, 6.5), in_table(10, 10.5), in_table(11, 11.5)),
        points=2,
    ),
    there(
        "other_file",
        "Writes a record whose line is in the table from another file",
        *(in_table(7, 7.5), in_table(7, 7.5, "b")),
    ),
    there(
        "came_again",
        "Writes a record that waits, though an equal one was resolved before",
        in_table(8, 8.5),
    ),
    there(
        "corrupt",
        "Writes a line that is no object, if the table takes it",
        (None, None, None, True, CUT_OFF, "file:/drops/b.json"),
    ),
]


class Replayed(NamedTuple):
    """The dead after a call that has nothing to write; dead and table after another; its log."""

    first: list
    dead: list
    table: list
    log: list


@pytest.fixture(scope="module")
def replayed(learner, quick, frame, shared_schema):
    """Two calls; before the second the rest of the dead comes."""
    table, waiting = f"{shared_schema}.fixed", f"{shared_schema}.dead"
    constraint = f"TBLPROPERTIES ('delta.constraints.positive_weight' = '{RULE}')"
    quick.sql(f"CREATE TABLE {table} ({FIXED}) USING delta {constraint}")
    frame(FIXED, STILL).coalesce(1).write.format("delta").mode("append").saveAsTable(table)
    make_table(quick, waiting, DEAD, DEAD_FIRST)
    learner.replay_dead(quick, waiting, table, SMALL)
    first = stored_rows(quick, waiting)
    before = len(log_since(quick, waiting, 0))
    rest = frame(DEAD, DEAD_BEFORE[len(DEAD_FIRST) :]).coalesce(1)
    rest.write.format("delta").mode("append").saveAsTable(waiting)
    learner.replay_dead(quick, waiting, table, SMALL)
    rows = stored_rows(quick, waiting), stored_rows(quick, table)
    return Replayed(first, *rows, log_since(quick, waiting, before))


@check("replay_dead")
@cases(REPLAYED)
def test_rows_after_a_replay(replayed, case):
    """{case}"""
    found = in_one_spelling(row for row in replayed.table if row.shipment_id in case.given)
    assert_rows(found, case.after, key=["shipment_id", "file"], columns=FIXED)


def marks(rows: Iterable) -> list[tuple]:
    """The dead records, with when they were resolved: not, before the calls, or by one."""
    times = {None: "no", EARLIER: "earlier"}
    return [(row.raw, row.file, times.get(row.resolved_at, "by a call")) for row in rows]


def expected_marks(before: Iterable[tuple]) -> list[tuple]:
    found = []
    for raw, file, _, resolved_at in before:
        refused = raw in REFUSED
        waits = "no" if refused else "by a call"
        found.append((raw, file, "earlier" if resolved_at else waits))
    return found


@check("replay_dead", points=2)
def test_dead_records_are_marked(replayed):
    """Marks the records that went in, and no other; deletes and adds none"""
    columns = "raw string, file string, resolved string"
    for rows, before in ((replayed.first, DEAD_FIRST), (replayed.dead, DEAD_BEFORE)):
        try:
            assert_rows(marks(rows), expected_marks(before), key=["raw", "file"], columns=columns)
        except AssertionError as error:
            if before is DEAD_BEFORE:
                raise
            raise AssertionError(
                f"all records that waited were in the table before a call. After it:\n{error}"
            ) from None


@check("replay_dead")
def test_when_records_were_resolved(replayed):
    """Says of a record that went in when the call was"""
    actions = [action for commit in replayed.log for action in commit]
    told = [action["commitInfo"]["timestamp"] for action in actions if "commitInfo" in action]
    # The rows were put there right before the call, and the call's last commit is its end.
    began, ended = (
        datetime.fromtimestamp(moment / 1000, UTC).replace(tzinfo=None)
        for moment in (told[0], told[-1])
    )
    second = timedelta(seconds=1)
    for row in replayed.dead:
        if row.resolved_at not in (None, EARLIER) and row.raw != DEAD_FIRST[0][0]:
            assert began - second <= row.resolved_at <= ended + second, (
                f"resolved_at of {row.raw} is {row.resolved_at}; the call was between {began} and "
                f"{ended}"
            )


@check("replay_dead")
def test_reasons_of_dead_records(replayed):
    """Gives a record that is still refused the reason of today, and others keep theirs"""
    for row in replayed.dead:
        refused = row.raw in REFUSED and row.resolved_at != EARLIER
        told = ("positive_weight", f"weight_kg : {REFUSED.get(row.raw)}\n")
        if refused and not all(text in f"{row.reason}\n" for text in told):
            raise AssertionError(
                f"the table refused {row.raw} by its constraint positive_weight, and the reason "
                f"is {str(row.reason)[:300]!r}"
            )
        if not refused and row.reason != "old":
            raise AssertionError(
                f"the reason of {row.raw}, which is resolved, was 'old' and is "
                f"{str(row.reason)[:300]!r}"
            )

"""Checks of lab 25: files that are made byte by byte, and tables that somebody has half erased."""

import base64
import gzip
import io
import json
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.types import StructType

from labkit.checks import (
    Case,
    Commit,
    add_stray_file,
    assert_columns,
    assert_rows,
    cases,
    changes_since,
    check,
    collect,
    files_holding,
    live_files,
    log_since,
    settings,
    stored_rows,
    table_files,
    table_identity,
    table_version,
    write_commits,
)
from labkit.checks.table_folders import TableFolder

HINTS = {
    "bytes_left": [
        "`Path.rglob` finds every file, hidden ones too. Read each one twice: its bytes, and what "
        "they unpack to.",
        "`pq.ParquetFile(file).read().to_pylist()` has every value of a Parquet file, whatever its "
        "compression, deleted rows and all. How do you look through structs, lists and maps at "
        "once?",
        "Look at the parts of the path, not at its text: `_delta_log_of_anna` is no log.",
    ],
    "find_subject": [
        "Make one regular expression of the person's texts: between two characters that count, any "
        "number of those that do not.",
        "Walk through the type of a column. A struct has fields; for an array there is `F.exists`; "
        "the keys of a map are an array.",
        "`F.inline` makes a row of each column's answer, and a union of all versions needs it "
        "once.",
    ],
    "tokenise": [
        "First one spelling, then the code. A test for null comes before both.",
        "A literal is in the plan, and so is an argument of a function. What a Python function "
        "keeps for itself is not.",
        "A function that returns a UDF can hold the key: `def token_of(kind, key)`.",
    ],
    "forget": [
        "Task 1 tells you which step leaves what. Try the steps of the cell above on a table of "
        "your own.",
        "What does a VACUUM delete that runs before the files are written anew? And what does "
        "`RETAIN 24 HOURS` do? Look into the folder.",
        "A table without rows of the person may still have their bytes: look for a condition in "
        "your code that skips it.",
        "Delta compares the two durations when one is set: set both in one statement.",
    ],
}


NO_NOTES = {"spark.databricks.delta.vacuum.logging.enabled": "false"}


@pytest.fixture(scope="module")
def quick(quick):
    """The session without the two commits that tell of each VACUUM."""
    with settings(quick, NO_NOTES):
        yield quick


# ------------------------------------------------------------------------------------ bytes_left

MAIL, CALLED = "orrin.quoll.0107@mail.example", "Orrin Quoll"
WITH_A_BLANK = " Zadd+1"
OTHERS = ["velda.plim.0004@mail.example", "Velda Plim", "tessil.foss.0031@mail.example"]


def parquet(
    values, *, compression: str = "gzip", statistics: bool = False, group: int = 1000, **more
) -> bytes:
    """A Parquet file of these columns; without statistics, their values are in its pages alone."""
    sink = io.BytesIO()
    table = pa.table({"value": values, **more})
    pq.write_table(
        table, sink, compression=compression, write_statistics=statistics, row_group_size=group
    )
    return sink.getvalue()


def with_broken_pages(data: bytes) -> bytes:
    """A Parquet file whose end is whole, so that it opens, and whose first page is not."""
    return data[:4] + b"\xff" * 12 + data[16:]


def texts(*some: str) -> bytes:
    """A Parquet file of these texts, among others."""
    return parquet(pa.array([*OTHERS, *some] * 3))


def column_named(name: str) -> bytes:
    """A Parquet file whose values say nothing, while the name of its column does."""
    sink = io.BytesIO()
    pq.write_table(pa.table({name: pa.array([1, 2])}), sink)
    return sink.getvalue()


STRUCT = pa.struct([("contact", pa.struct([("email", pa.string())]))])
BY_MAIL = pa.map_(pa.string(), pa.int64())
BY_NAME = pa.map_(pa.string(), pa.string())
BY_ID = pa.map_(pa.int64(), pa.list_(pa.struct([("names", BY_NAME)])))
AN_ADD = {"add": {"path": "part-0.parquet", "stats": json.dumps({"maxValues": {"email": MAIL}})}}

# Each file, what it is if it holds a needle, and which case it is of.
FILES = {
    "people/part-0.parquet": (texts(MAIL), "data", "pages"),
    "people/part-1.parquet": (parquet(pa.array([MAIL]), statistics=True), "data", "pages"),
    "people/part-2.parquet": (texts(CALLED), "data", "each"),
    "people/part-3.parquet": (texts(MAIL, CALLED), "data", "each"),
    "people/city=Bari/part-0.parquet": (texts(f"ask {MAIL} again"), "data", "pages"),
    "people/zstd.parquet": (
        parquet(pa.array([MAIL] * 3), compression="zstd"), "data", "pages",
    ),
    "people/groups.parquet": (
        parquet(pa.array([*OTHERS, CALLED]), group=2), "data", "pages",
    ),
    "people/columns.parquet": (
        parquet(pa.array(OTHERS), other=pa.array(["a", "b", MAIL])), "data", "pages",
    ),
    "people/part-9.parquet": (texts(), "", "none"),
    "people/by_column.parquet": (column_named(MAIL), "data", "beside"),
    "nested/struct.parquet": (
        parquet(pa.array([None, {"contact": {"email": MAIL}}], STRUCT)), "data", "nested",
    ),
    "nested/list.parquet": (
        parquet(pa.array([["a", None], None, ["b", MAIL]])), "data", "nested",
    ),
    "nested/value.parquet": (
        parquet(pa.array([[("who", CALLED)], None], BY_NAME)), "data", "nested",
    ),
    "nested/deep.parquet": (
        parquet(pa.array([[(1, [None, {"names": [("who", CALLED)]}])]], BY_ID)), "data", "nested",
    ),
    "nested/key.parquet": (parquet(pa.array([[(MAIL, 1)]], BY_MAIL)), "data", "keys"),
    "people/_change_data/cdc-0.parquet": (texts(MAIL), "change_data", "change_data"),
    "people/_change_data/cdc-1.parquet": (texts(), "", "change_data"),
    "people/_change_data/city=Bari/cdc-2.parquet": (texts(MAIL), "change_data", "change_data"),
    "people/_change_data/readme.txt": (MAIL.encode(), "other", "change_data"),
    "people/_delta_log/00000000000000000001.json": (
        json.dumps(AN_ADD).encode(), "log", "log",
    ),
    "people/_delta_log/00000000000000000002.json": (b'{"commitInfo": {}}', "", "log"),
    "people/_delta_log/_last_checkpoint": (f'{{"of": "{MAIL}"}}'.encode(), "log", "log"),
    "people/_delta_log/00000000000000000002.checkpoint.parquet": (
        texts(MAIL), "checkpoint", "checkpoint",
    ),
    "people/_delta_log/_sidecars/1f.parquet": (texts(MAIL), "checkpoint", "checkpoint"),
    "odd/_change_data/_delta_log/0.parquet": (texts(MAIL), "checkpoint", "checkpoint"),
    "odd/_delta_log/_change_data/0.parquet": (texts(MAIL), "checkpoint", "checkpoint"),
    "people/_delta_log/00000000000000000002.crc": (MAIL.encode(), "crc", "crc"),
    "people/.part-0.parquet.crc": (MAIL.encode(), "crc", "crc"),
    "people/_change_data/.cdc-0.parquet.crc": (MAIL.encode(), "crc", "crc"),
    "people/deletion_vector_1.bin": (b"\0\1\2", "", "none"),
    "people/by_no_name": (texts(MAIL), "", "none"),
    "packed_by_no_name": (gzip.compress(MAIL.encode()), "", "none"),
    f"{MAIL}/{MAIL}.csv": (b"nobody", "", "none"),
    "utf16.csv": (MAIL.encode("utf-16"), "", "none"),
    "day.parquet/part-0.parquet": (texts(MAIL), "data", "deep"),
    "day.parquet/notes.csv": (MAIL.encode(), "other", "deep"),
    "day.gz/old.crc/notes.csv": (MAIL.encode(), "other", "deep"),
    "lake/a/b/orders/_delta_log/0.json": (CALLED.encode(), "log", "deep"),
    "lake/a/b/orders/part-0.parquet": (texts(CALLED), "data", "deep"),
    "my_delta_log/part-0.parquet": (texts(MAIL), "data", "names"),
    "_delta_log.txt": (MAIL.encode(), "other", "names"),
    "my_change_data/part-0.parquet": (texts(MAIL), "data", "names"),
    "_change_data.parquet": (texts(MAIL), "data", "names"),
    ".hidden/part-0.parquet": (texts(MAIL), "data", "hidden"),
    "_tmp/.part-1.parquet": (texts(MAIL), "data", "hidden"),
    "checkpoint/.offsets": (MAIL.encode(), "other", "hidden"),
    "no_ending": (b"\xff\xfe" + MAIL.encode(), "other", "other"),
    "export.csv": (f"name,email\n{CALLED},\n".encode(), "other", "other"),
    "export.csv.gz": (gzip.compress(f"a,{MAIL}\n".encode()), "other", "packed"),
    "people/_delta_log/old.json.gz": (gzip.compress(MAIL.encode()), "log", "packed"),
    "joined.csv.gz": (
        gzip.compress(b"name,email\n") + gzip.compress(f"a,{MAIL}\n".encode()), "other", "packed",
    ),
    "people/part-1.gz.parquet": (texts(MAIL), "data", "packed"),
    "people/part-0.parquet.gz": (gzip.compress(MAIL.encode()), "other", "packed"),
    "long.csv.gz": (gzip.compress(b"a," * 2**20 + MAIL.encode()), "other", "packed"),
    "unpacked.gz.csv": (MAIL.encode(), "other", "packed"),
    "packed.gz.csv": (gzip.compress(f"a,{MAIL}\n".encode()), "", "packed"),
    ".export.csv.gz.crc": (MAIL.encode(), "crc", "crc"),
    "long.csv": (b"a" * (2**20 - 5) + MAIL.encode() + b"a" * 9, "other", "other"),
    "others.csv.gz": (gzip.compress(f"a,{OTHERS[0]}\n".encode()), "", "packed"),
    "people/crashed.parquet": (b"PAR1" + MAIL.encode() + b"\0" * 9, "data", "broken"),
    "people/cut.parquet": (b"PAR1" + MAIL.encode() + b"\0" * 9 + b"PAR1", "data", "broken"),
    "people/pages.parquet": (
        with_broken_pages(parquet(pa.array([CALLED] * 3), compression="none")), "data", "broken",
    ),
    "people/empty.parquet": (b"", "", "broken"),
    "people/begun.parquet": (b"PAR1", "", "broken"),
    "upper.csv": (MAIL.upper().encode(), "", "as_it_is"),
    "upper.parquet": (texts(MAIL.upper()), "", "as_it_is"),
    "two_rows.parquet": (texts(*CALLED.split()), "", "as_it_is"),
    "two_halves.parquet": (texts(MAIL[:9], MAIL[9:]), "", "as_it_is"),
    "blanks.csv": (CALLED.replace(" ", "  ").encode(), "", "as_it_is"),
    "blank_before.csv": (f"Velda{WITH_A_BLANK}".encode(), "other", "as_it_is"),
    "no_blank.csv": (f"Velda,{WITH_A_BLANK.strip()}".encode(), "", "as_it_is"),
    "plus.parquet": (texts(f"Velda{WITH_A_BLANK}"), "data", "as_it_is"),
    "longer.csv": (f"x{MAIL}x".encode(), "other", "as_it_is"),
    "dotless.csv": (MAIL.replace(".", "x").encode(), "", "as_it_is"),
    "dotless.parquet": (texts(MAIL.replace(".", "x")), "", "as_it_is"),
}
READ = [
    Case("pages", "Finds a text in the compressed pages of a Parquet file", points=2),
    Case("beside", "Finds a text that is in a Parquet file beside its values"),
    Case("each", "Finds a file that holds any of the needles, and has it once"),
    Case("nested", "Finds a text in a struct, in an array and in a value of a map"),
    Case("keys", "Finds a text that is a key of a map"),
    Case("change_data", "Calls the Parquet files below `_change_data` change data"),
    Case("log", "Calls what lies in `_delta_log` the log"),
    Case("checkpoint", "Calls the Parquet files below `_delta_log` checkpoints"),
    Case("crc", "Calls a file `crc` by the end of its name, wherever it lies"),
    Case("deep", "Finds tables at any depth, and gives the path inside the folder"),
    Case("names", "Goes by whole names of folders"),
    Case("hidden", "Reads hidden files, and files in hidden folders"),
    Case("other", "Reads files of any other kind, by their bytes"),
    Case("packed", "Unpacks files that end in `.gz`, and no others"),
    Case("broken", "Searches the bytes of a Parquet file that nothing can read"),
    Case("as_it_is", "Takes a needle as it is, inside a longer text too"),
    Case("none", "Has no tuple for files that hold no needle"),
]


@pytest.fixture(scope="module")
def left(learner, inbox):
    """What one call says of a folder that was made file by file."""
    root = inbox("lake")
    for name, (data, *_) in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    found = learner.bytes_left(root, [MAIL, CALLED, WITH_A_BLANK])
    assert isinstance(found, list), f"it returned a {type(found).__name__}, not a list"
    for one in found:
        is_pair = isinstance(one, tuple) and len(one) == 2
        assert is_pair, f"the list holds {one!r}, not a tuple (file, where)"
    return found


@check("bytes_left")
@cases(READ)
def test_files(left, case):
    """{case}"""
    mine = {name: where for name, (_, where, of) in FILES.items() if of == case.name}
    for name, where in mine.items():
        found = [kind for file, kind in left if str(file) == name]
        if where and not found:
            near = sorted({str(file) for file, _ in left if str(file).endswith(name[-12:])})[:2]
            raise AssertionError(
                f"{name} holds a needle, and no tuple has this path"
                + (f"; similar ones: {', '.join(near)}" if near else "")
            )
        assert where or not found, f"{name} holds no needle, and there is {(name, found[0])}"
        assert len(found) < 2, f"{name} has {len(found)} tuples: {', '.join(map(str, found))}"
        assert found == [where] * len(found), f"{name} is called {found[0]!r}, not {where!r}"


@check("bytes_left")
def test_path_as_text(learner, left, inbox):
    """Takes the folder as a text, too, and other needles; a number and a null are no texts"""
    root = inbox("small")
    (root / "a.csv").write_bytes(MAIL.encode())
    (root / "b.csv").write_bytes(CALLED.encode())
    (root / "c.parquet").write_bytes(parquet(pa.array([None, 5550107])))
    found = learner.bytes_left(f"{root}/", [CALLED, "null", "None", "5550107"])
    assert found == [("b.csv", "other")], (
        f"b.csv alone holds a needle: c.parquet has a number and a null; it returned {found}"
    )
    found = learner.bytes_left(str(root), [])
    assert found == [], f"without a needle there is {found}"


# ---------------------------------------------------------------------------------- find_subject

FOUND = "table string, column string, rows long, versions long"
PERSON = ["orrin-QUOLL (", MAIL, "+000 555 0107", "S-10", "4217"]
TRACES = (
    "id double, exact string, cased string, sentence string, spaced string, phone string, "
    "whole string, starts string, twice string, is_null string, gone string, late string, "
    "between string, changed string, twins string, number long, "
    "contact struct<email: string, other: struct<element: string>>, tags array<string>, "
    "devices array<struct<label: string, os: string>>, consents map<string, string>, "
    "logins map<string, struct<ip: string, value: string>>, teams array<array<string>>"
)
# The columns that a row has something in; the others are null. "Other" stands for other people.
FIRST = [
    {"id": 1, "exact": MAIL, "cased": "ORRIN.quoll.0107@Mail.Example", "gone": "s-10"},
    {"id": 2, "sentence": "mail from <orrin.quoll.0107@mail.example>; no reply", "gone": MAIL},
    {"id": 3, "spaced": "Orrin  Quoll", "phone": "000-555.0107", "changed": MAIL},
    {"id": 4, "spaced": "OrrinQuoll", "phone": f"(+000){' -' * 20}55 . + 5-01.07"},
    {"id": 5, "whole": "XS-10, S-101", "phone": "+000 555 01070", "starts": "S-10: called"},
    {"id": 10, "starts": "id_S-10", "number": 4217, "whole": "S-104"},
    {"id": 11, "starts": "éS-10²", "whole": "000/555_0107, S:10, Orrin\tQuoll, S\n10"},
    {"id": 12, "starts": "S-104, was S-10"},
    {"id": 6, "whole": "1000 555 0108", "starts": "(S-10)", "twice": f"{MAIL} or {MAIL}"},
    {"id": 7, "whole": "orrin quolly", "twice": "S-10 Orrin Quoll", "starts": "S-10 (104)"},
]
SECOND = [
    {"id": 1, "exact": MAIL, "cased": MAIL.upper(), "between": MAIL},
    {"id": 2, "sentence": "mail from <orrin.quoll.0107@mail.example>; no reply"},
    {"id": 3, "spaced": "Orrin  Quoll", "phone": "000-555.0107", "changed": "Orrin Quoll"},
]
# A struct is a dict here, a map a list of pairs.
NESTED_ROWS = [
    {
        "id": 21,
        "contact": {"email": MAIL, "other": {"element": "Orrin Quoll"}},
        "tags": ["a", MAIL, MAIL],
        "devices": [{"label": "S-10", "os": "a"}],
        "consents": [(MAIL, "yes")],
        "teams": [],
    },
    {
        "id": 22,
        "contact": {"email": "x@mail.example"},
        "devices": [None, {"label": "S-1", "os": "orrin quoll"}],
        "consents": [("S-10", "S-104")],
        "logins": [],
    },
    {
        "id": 23,
        "tags": [None, "S 10"],
        "devices": [{"label": "S-10"}, {"label": "S-10", "os": "b"}],
        "consents": [("mail", f"to {MAIL}")],
    },
    {
        "id": 24,
        "contact": {"other": {}},
        "tags": ["orrin", "quoll", "S", "10"],
        "logins": [("web", {"ip": "10.0.0.1", "value": "S-10"})],
        "teams": [["a"], None, ["b", "s-10"]],
    },
]
THIRD = [
    {"id": 1, "exact": MAIL, "cased": MAIL.upper()},
    {"id": 8, "late": "Orrin Quoll", "exact": MAIL},
    {"id": 9, "exact": "velda.plim.0004@mail.example"},
    # Two rows that are alike: their key is no number, and each of these differs from the other.
    {"id": float("nan"), "twins": MAIL},
    {"id": float("nan"), "twins": MAIL},
    *NESTED_ROWS,
]
# What must be said: rows and versions of each column, and the case that it is of.
SAID = {
    "exact": (2, 3, "plain"),
    "cased": (1, 3, "case"),
    "sentence": (1, 3, "inside"),
    "spaced": (2, 3, "spaced"),
    "phone": (2, 3, "spaced"),
    "starts": (6, 3, "whole"),
    "whole": (0, 0, "whole"),
    "twice": (2, 3, "once"),
    "is_null": (0, 0, "nobody"),
    "number": (0, 0, "nobody"),
    "gone": (0, 1, "gone"),
    "note": (0, 2, "emptied"),
    "between": (0, 1, "gone"),
    "late": (1, 1, "versions"),
    "changed": (1, 3, "versions"),
    "twins": (2, 1, "twins"),
    "contact.email": (1, 1, "structs"),
    "contact.other.element": (1, 1, "structs"),
    "tags.element": (2, 1, "arrays"),
    "devices.element.label": (2, 1, "arrays"),
    "devices.element.os": (1, 1, "arrays"),
    "consents.key": (2, 1, "maps"),
    "consents.value": (1, 1, "maps"),
    "logins.key": (0, 0, "nobody"),
    "logins.value.ip": (0, 0, "nobody"),
    "logins.value.value": (1, 1, "maps"),
    "teams.element.element": (1, 1, "arrays"),
}
MAPPED = [
    Case("plain", "Counts the rows of the newest version that hold the person"),
    Case("case", "Finds a text in upper and lower case"),
    Case("inside", "Finds a text in a sentence"),
    Case("spaced", "Lets blanks, dots, hyphens, brackets and `+` not count", points=2),
    Case("whole", "Finds a text whole: not as a part of a longer word or number", points=2),
    Case("once", "Counts a row once that holds several texts"),
    Case("twins", "Counts two rows that are alike as two"),
    Case("gone", "Has a row for a column that only older versions hold the person in", points=2),
    Case("emptied", "Reads all 8 versions of a table, of which the newest has no row"),
    Case("versions", "Counts the versions that hold the person"),
    Case("structs", "Searches structs, at any depth"),
    Case("arrays", "Searches arrays, of structs and of arrays too, and counts a row once"),
    Case("maps", "Searches keys and values of maps"),
    Case("nobody", "Has no row for a column that never held the person"),
]


@pytest.fixture(scope="module")
def mapped(learner, quick, shared_schema):
    """Rows of a call on a table with a past and an emptied one; names; versions made meanwhile."""
    names = {name: f"{shared_schema}.{name}" for name in ("traces", "emptied")}
    columns = StructType.fromDDL(TRACES).names
    past = [
        Commit("MERGE", [tuple(map(row.get, columns)) for row in rows])
        for rows in (FIRST, SECOND, THIRD)
    ]
    write_commits(quick, names["traces"], TRACES, past)
    some = [(1, "S-10", None), (2, None, "S-10"), (3, "S-104 or Velda Quoll", "")]
    noted, *more = (Commit("SET TBLPROPERTIES", says=("note", str(day))) for day in range(4))
    emptying = [Commit("WRITE", some), noted]
    emptying += [Commit("DELETE", gone=[1]), Commit("DELETE", gone=[2, 3]), *more]
    write_commits(quick, names["emptied"], "id long, note string, late string", emptying)
    start = {name: table_version(quick, table) for name, table in names.items()}
    answer = learner.find_subject(quick, list(names.values()), PERSON)
    assert_columns(answer, FOUND)
    rows = collect(answer)
    made = {name: changes_since(quick, table, start[name]) for name, table in names.items()}
    return rows, names, {name: changes.versions for name, changes in made.items()}


@check("find_subject")
@cases(MAPPED)
def test_columns(mapped, case):
    """{case}"""
    mine = {column for column, (*_, of) in SAID.items() if of == case.name}
    expected = [
        (column, rows, versions)
        for column, (rows, versions, of) in SAID.items()
        if of == case.name and versions
    ]
    rows, names, _ = mapped
    table = names["emptied" if case.name == "emptied" else "traces"]
    found = [row for row in rows if row.column in mine and row.table == table]
    assert_rows(found, expected, key="column", columns="column string, rows long, versions long")


@check("find_subject")
def test_tables_and_paths(mapped):
    """Names tables as given, and columns by their path; has a row for each table and column"""
    rows, names, _ = mapped
    said = {column: "traces" for column, (_, versions, _) in SAID.items() if versions}
    said = [*(said | {"note": "emptied"}).items(), ("late", "emptied")]
    expected = [(names[table], column) for column, table in said]
    assert_rows(rows, expected, key=["table", "column"], columns="table string, column string")


@check("find_subject")
def test_only_reads(mapped):
    """Makes no version of any table"""
    _, _, versions = mapped
    written = [name for name, count in versions.items() if count]
    assert not written, f"the call made versions of these tables: {', '.join(written)}"


# -------------------------------------------------------------------------------------- tokenise

# Keys of 32 bytes that can be read, so that a plan shows them in whatever form it shows bytes.
# Two purposes differ in the case of one letter. Another key of billing differs in its last byte,
# which is no text in either, and is behind a zero.
KEYS = {
    "billing": b"key-of-the-shop-7d3f0a91c25e48\0\xfe",
    "support": b"Key-of-the-shop-7d3f0a91c25e48\0\xfe",
}
OTHER_KEYS = {**KEYS, "billing": KEYS["billing"][:-1] + b"\xff"}
CUSTOMERS = "id long, email string, phone string, name string, contact string, city string"
COLUMNS = {
    "email": ("email", "billing"),
    "phone": ("phone", "billing"),
    "name": ("text", "billing"),
    "contact": ("email", "support"),
}
A, B = "orrin.quoll.0107@mail.example", "orrin.quoll.0107@post.example"
CUSTOMER_ROWS = [
    (1, A, "+000 555 0107", "Orrin Quoll", A, "Bari"),
    (2, A.upper(), "000-555.0107", "orrin quoll", A, " Bari "),
    (3, f"  {A.title()} ", "(000)5550107", "Orrin Quoll", None, None),
    (4, B, "00 555 0107", "Orrin  Quoll", B, "+000 555"),
    (5, None, None, None, None, ""),
    (6, "  ", " +-", "", "   ", "Cork"),
    (7, "velda.plim.0004@MAIL.Example", "0005550107", " ", "tessil@mail.example", "Oslo"),
    (8, "orrin.quoll0107@mail.example", "tel. 000 555 0108", " Orrin Quoll", A, "Bari"),
    (9, "orrin.quoll.0107+news@mail.example", "1", "x", A, "Bari"),
    (10, "orrin.quoll.0107@post.mail.example", f"{'9' * 24}8", "Zo\u00e9", A, "Bari"),
    (11, "orrin@quoll.post.mail.example", "9" * 25, "Zoe\u0301", A, "Bari"),
    (12, "a@mail.example", "+5", "x\n", A, "Bari"),
    (13, f"{'a' * 400}1@mail.example", f"{'0' * 400}1", f"{'x' * 400}1", A, "Bari"),
    (14, f"{'a' * 400}2@mail.example", f"{'0' * 400}2", f"{'x' * 400}2", A, "Bari"),
]
MEMBERS = "wrote_from string, note string, called string"
MEMBER_ROWS = [(f" {A} ", "x", "0005550108"), ("new@mail.example", None, "x")]
MEMBER_COLUMNS = {"called": ("phone", "billing"), "wrote_from": ("email", "billing")}


@dataclass(frozen=True)
class Tokens:
    """The rows with tokens, by id; with another key; of another frame; the plan of the first."""

    rows: dict
    columns: list[str]
    other: dict
    members: list
    plan: str


@pytest.fixture(scope="module")
def tokens(learner, frame):
    """Three calls: two on the same frame, of which one has another key, and one on another."""
    customers = frame(CUSTOMERS, CUSTOMER_ROWS)
    answer = learner.tokenise(customers, COLUMNS, KEYS)
    assert_columns(answer, CUSTOMERS)
    plan = answer._jdf.queryExecution().toString()
    other = learner.tokenise(customers.drop("city"), COLUMNS, OTHER_KEYS)
    members = learner.tokenise(frame(MEMBERS, MEMBER_ROWS), MEMBER_COLUMNS, KEYS)
    assert_columns(members, MEMBERS)
    by_id, other_by_id = ({row.id: row for row in collect(one)} for one in (answer, other))
    return Tokens(by_id, answer.columns, other_by_id, collect(members), plan)


def told(column: str, number: int) -> str:
    place = [part.split()[0] for part in CUSTOMERS.split(", ")].index(column)
    return f"{column} {CUSTOMER_ROWS[number - 1][place]!r}"


def assert_equal_tokens(tokens, column: str, *numbers: int) -> None:
    first, *more = numbers
    for number in more:
        mine, other = tokens.rows[first][column], tokens.rows[number][column]
        assert mine == other and mine is not None, (
            f"{told(column, first)} and {told(column, number)} are one value in two spellings; "
            f"their tokens are {mine!r} and {other!r}, so they no longer join"
        )


def assert_other_tokens(tokens, column: str, *numbers: int) -> None:
    seen: dict = {}
    for number in numbers:
        token = tokens.rows[number][column]
        assert token is not None, f"{told(column, number)} has null as its token"
        assert token not in seen, (
            f"{told(column, seen[token])} and {told(column, number)} are two values, and both have "
            f"the token {token!r}"
        )
        seen[token] = number


@check("tokenise")
def test_spellings_of_an_email(tokens):
    """Gives an e-mail one token, whatever its case and the blanks around it"""
    assert_equal_tokens(tokens, "email", 1, 2, 3)


@check("tokenise")
def test_spellings_of_a_phone(tokens):
    """Gives a phone one token, however its digits are grouped"""
    assert_equal_tokens(tokens, "phone", 1, 2, 3, 7)


@check("tokenise")
def test_different_values(tokens):
    """Gives different values different tokens, texts letter by letter"""
    assert_other_tokens(tokens, "email", 1, 4, *range(7, 15))
    assert_other_tokens(tokens, "phone", 1, 4, *range(8, 15))
    assert_equal_tokens(tokens, "name", 1, 3)
    assert_other_tokens(tokens, "name", 1, 2, 4, *range(7, 15))


@check("tokenise", points=2)
def test_another_frame(tokens):
    """Gives a value the token that it has in other frames, columns and calls"""
    found = tokens.members[0]
    for column, mine, number in (("wrote_from", "email", 1), ("called", "phone", 8)):
        assert found[column] == tokens.rows[number][mine], (
            f"{told(mine, number)} has the token {tokens.rows[number][mine]!r}; in the column "
            f"{column} of another frame the same value has {found[column]!r}"
        )


@check("tokenise", points=2)
def test_purposes_do_not_join(tokens):
    """Gives a value another token for another purpose"""
    mine, other = (tokens.rows[1][column].partition("@")[0] for column in ("email", "contact"))
    assert mine != other, (
        f"the same e-mail has the token {mine!r} for billing and for support: whoever has both "
        "tables can join them"
    )


@check("tokenise", points=2)
def test_tokens_need_the_key(tokens):
    """Gives a value another token under another key of its purpose, and only then"""
    for column, (_, purpose) in COLUMNS.items():
        mine, other = tokens.rows[1][column], tokens.other[1][column]
        if purpose == "support":
            assert mine == other, (
                f"{told(column, 1)} has the token {mine!r} for support, and {other!r} in a call "
                "with the same key for it, and another one for billing"
            )
            continue
        assert (mine or "").partition("@")[0] != (other or "").partition("@")[0], (
            f"{told(column, 1)} has the token {mine!r} under two keys. Then no key is needed to "
            "make it, and a list of all values finds whose it is"
        )


@check("tokenise")
def test_nulls(tokens):
    """Leaves null as it is, and makes null of what has nothing left"""
    for number in (5, 6):
        for column in COLUMNS:
            token = tokens.rows[number][column]
            assert token is None, (
                f"{told(column, number)} has the token {token!r}: all who left it blank would join"
            )
    assert tokens.rows[3]["contact"] is None, "a null has a token where other columns have values"


@check("tokenise")
def test_form_of_tokens(tokens):
    """Makes tokens of 32 to 128 letters and digits, with the domain behind those of e-mails"""
    for row in CUSTOMER_ROWS:
        for column, (kind, _) in COLUMNS.items():
            token = tokens.rows[row[0]][column]
            if token is None:
                continue
            code, at, domain = token.partition("@")
            is_code = code.isascii() and code.isalnum() and 32 <= len(code) <= 128
            assert is_code, f"{told(column, row[0])} has the token {token!r}"
            raw = str(dict(zip(tokens.columns, row, strict=True))[column])
            wanted = raw.strip(" ").lower().partition("@")[2] if kind == "email" else ""
            assert domain == wanted and bool(at) == (kind == "email"), (
                f"{told(column, row[0])} has the token {token!r}, which has "
                f"{domain!r} behind the code, not {wanted!r}"
            )


@check("tokenise")
def test_other_columns(tokens):
    """Leaves the other columns as they are"""
    found = [(number, row.city) for number, row in tokens.rows.items()]
    expected = [(row[0], row[5]) for row in CUSTOMER_ROWS]
    assert_rows(found, expected, key="id", columns="id long, city string")
    notes = [row.note for row in tokens.members]
    assert sorted(map(str, notes)) == ["None", "x"], f"the column note has {notes} after the call"


@check("tokenise", points=2)
def test_no_key_in_the_plan(tokens):
    """Has no key in the plan of the frame"""
    plan = tokens.plan.lower()
    for key in KEYS.values():
        start = key[:30]  # all that is text, and whole groups of Base64
        forms = {
            "as text": start.decode(),
            "in hexadecimal digits": start.hex(),
            "in Base64": base64.b64encode(start).decode(),
        }
        for form, text in forms.items():
            assert text.lower() not in plan, (
                f"the plan has a key in it, {form}. Whoever opens the Spark UI or an event log can "
                "make all tokens"
            )


@check("tokenise")
def test_nothing_to_tokenise(learner, frame):
    """Gives the frame back when no column is named"""
    answer = learner.tokenise(frame("email string", [(A,)]), {}, KEYS)
    assert_columns(answer, "email string")
    assert [row.email for row in collect(answer)] == [A], "the only row changed"


# ---------------------------------------------------------------------------------------- forget

SUBJECT = "S-10"
# What only this person has. The phone and the address are somebody else's too.
NEEDLES = [MAIL, "Orrin Quoll", "please forget me"]
# Any column may stand first. The numbers are of one person each.
PEOPLE = (
    "name string, subject_id string, email string, phone string, address string, number long"
)
NUMBERS = ("731044201", "731044207")
PEOPLE_ROWS = [
    ("Orrin Quoll", "S-10", MAIL, "+000 555 0107", "4 Nowhere Row", 731044201),
    ("Velda Quoll", "S-11", "velda.quoll.0108@mail.example", "+000 555 0107", "4 Nowhere Row", 2),
    ("Tessil Foss", "S-104", "tessil.foss.0104@mail.example", "+000 555 0104", "5 Nowhere Row", 3),
    ("Maxu Zadd", "S-1", "maxu.zadd.0001@mail.example", "+000 555 0001", "6 Nowhere Row", 4),
    (None, None, "nobody@mail.example", None, None, None),
    ("Ilvo Plim", "s-10", "ilvo.plim.0010@mail.example", "+000 555 0010", "7 Nowhere Row", 6),
    ("Orrin Quoll", "S-10", MAIL.upper(), None, "please forget me", 731044207),
    ("Nivo Raske", "S-10 ", "nivo.raske.0010@mail.example", "+000 555 0011", "8 Nowhere Row", 8),
]
ORDERS = "order_id long, subject_id string, email string"
ORDER_ROWS = [
    (1, "S-1", "maxu.zadd.0001@mail.example"),
    (2, "S-10", MAIL),
    (3, "S-104", "tessil.foss.0104@mail.example"),
    (4, "S-10", MAIL),
    (5, None, "nobody@mail.example"),
]
# A deletion vector of the person's two orders, as Delta writes it, and what the log says of it.
VECTOR = "deletion_vector_c036ef72-6fa2-4db0-ba97-a32995b95918.bin"
VECTOR_BYTES = (
    "0100000024d1d339640100000000000000000000003a30000001000000000001001000000001000300683497a9"
)
VECTOR_SAYS = {
    "storageType": "u",
    "pathOrInlineDv": "Z=7U4z>Y$gX%GfvMap3m",
    "offset": 1,
    "sizeInBytes": 36,
    "cardinality": 2,
}
KEPT = [
    Case("gone", "Deletes the rows of the person", given=["S-10"]),
    Case("household", "Keeps people who share an address and a phone", given=["S-11"]),
    Case("similar", "Keeps people with a similar id", given=["S-104", "S-1", "s-10", "S-10 "]),
    Case("no_id", "Keeps rows without a `subject_id`", given=[None]),
]
RETENTION = {
    "delta.logRetentionDuration": "interval 1 days",
    "delta.deletedFileRetentionDuration": "interval 1 days",
}


@dataclass(frozen=True)
class Erasure:
    """One call on two tables, what their folders hold after it, and the session's settings."""

    tables: dict[str, str]
    start: dict
    rows: dict[str, list]
    held: dict[str, dict[str, list[str]]]
    details: dict[str, tuple]  # before and after
    settings: tuple


@pytest.fixture(scope="module")
def erased(learner, quick, shared_schema):
    """A table with a change feed that has the person, and one whose rows somebody has deleted."""
    people, orders = f"{shared_schema}.people", f"{shared_schema}.orders"
    vectors = {"delta.enableDeletionVectors": "true"}
    kept = {"delta.enableChangeDataFeed": "true", "delta.logRetentionDuration": "interval 90 days"}
    past, key = [Commit("WRITE", PEOPLE_ROWS)], ["subject_id", "email"]
    write_commits(quick, people, PEOPLE, past, vectors | kept, key=key)
    # As a commit that updated a row writes it, without the seconds of that commit.
    changed = "_change_data/cdc-00000-1.snappy.parquet"
    add_stray_file(quick, people, changed, days_ago=2, data=texts(MAIL))
    kept = {"delta.deletedFileRetentionDuration": "interval 12 hours"}
    (file,) = write_commits(quick, orders, ORDERS, [Commit("WRITE", ORDER_ROWS)], vectors | kept)
    folder, deleting = TableFolder(quick, orders), Commit("DELETE")
    folder.write(VECTOR, bytes.fromhex(VECTOR_BYTES))
    with_vector = live_files(quick, orders)[file] | {"deletionVector": VECTOR_SAYS}
    folder.commit(2, deleting, {}, [folder.remove(file, deleting), {"add": with_vector}])
    add_stray_file(quick, orders, "part-00007-crashed.parquet", days_ago=2, data=texts(MAIL))
    names = {"people": people, "orders": orders}
    before = {name: detail(quick, table) for name, table in names.items()}
    conf = dict(quick.conf.getAll)
    start = {name: table_version(quick, table) for name, table in names.items()}
    learner.forget(quick, [people, orders], SUBJECT)
    return Erasure(
        names,
        start,
        {name: stored_rows(quick, table) for name, table in names.items()},
        {name: files_holding(quick, table, NEEDLES) for name, table in names.items()},
        {name: (before[name], detail(quick, table)) for name, table in names.items()},
        (conf, dict(quick.conf.getAll)),
    )


# Delta notes each commit in a setting; its safety check is on where no setting says so.
COUNTED = "spark.databricks.delta.lastCommitVersionInSession"
SAFETY = "spark.databricks.delta.retentionDurationCheck.enabled"


@pytest.fixture(scope="module")
def again(erased, learner, spark):
    """A second call, after another crash, in a session without the safety check.

    Files and their rows before and after it, the setting of that check, the files with the person.
    """
    orders = erased.tables["orders"]
    crashed = "part-00008-crashed.parquet"
    add_stray_file(spark, orders, crashed, days_ago=2, data=texts(MAIL))
    with settings(spark, {SAFETY: "false"}):
        before = table_files(spark, orders)
        learner.forget(spark, [orders], SUBJECT)
        files = before, table_files(spark, orders)
        return files, spark.conf.get(SAFETY, None), files_holding(spark, orders, NEEDLES)


def detail(spark, table: str) -> dict:
    """What a table is, by the newest entries of its log."""
    said: dict = {}
    for actions in log_since(spark, table, -1):
        for action in actions:
            said |= action
    metadata, protocol = said["metaData"], said["protocol"]
    fields = json.loads(metadata["schemaString"])["fields"]
    return {
        "id": metadata["id"],
        "properties": metadata["configuration"],
        "columns": [(field["name"], field["type"]) for field in fields],
        "features": sorted(
            {*protocol.get("readerFeatures", []), *protocol.get("writerFeatures", [])}
        ),
    }


@check("forget")
@cases(KEPT)
def test_people(erased, case):
    """{case}"""
    mine = set(case.given)
    expected = [row for row in PEOPLE_ROWS if row[1] in mine and row[1] != SUBJECT]
    found = [row for row in erased.rows["people"] if row.subject_id in mine]
    assert_rows(found, expected, key=["subject_id", "email"], columns=PEOPLE)


@check("forget")
def test_orders_of_others(erased):
    """Keeps all rows of a table whose rows of the person are deleted already"""
    expected = [row for row in ORDER_ROWS if row[1] != SUBJECT]
    assert_rows(erased.rows["orders"], expected, key="order_id", columns=ORDERS)


def assert_no_bytes(erased, table: str, what: str, is_one) -> None:
    left = {file: held for file, held in erased.held[table].items() if is_one(file)}
    assert not left, (
        f"after the call the person is in {what} in the folder of {table}: "
        + "; ".join(f"{file} has {held[0]!r}" for file, held in sorted(left.items())[:2])
    )


def is_change(file: str) -> bool:
    return file.startswith("_") and not file.startswith("_delta_log/")


def is_data(file: str) -> bool:
    return not file.startswith("_") and "crashed" not in file


@check("forget", points=3)
def test_data_files(erased):
    """Leaves no byte of the person in data files"""
    assert_no_bytes(erased, "people", "data files", is_data)


@check("forget", points=2)
def test_change_data(erased):
    """Leaves no byte of the person in change data, nor in a hidden folder"""
    assert_no_bytes(erased, "people", "files of change data, or of a hidden folder,", is_change)


@check("forget", points=3)
def test_rows_deleted_before(erased):
    """Leaves no byte of rows that somebody has deleted before"""
    assert_no_bytes(erased, "orders", "data files", is_data)


@check("forget")
def test_files_of_no_version(erased, again):
    """Leaves no byte of the person in a file that a crashed writer left behind, in any call"""
    assert_no_bytes(erased, "orders", "files that no version has", lambda file: "crashed" in file)
    _, _, held = again
    left = [file for file in held if not file.startswith("_delta_log/")]
    assert not left, (
        "before a second call another writer had crashed; after it the person is in "
        f"{', '.join(sorted(left)[:2])}"
    )


@check("forget")
def test_same_tables(erased):
    """Leaves columns, properties and history of the tables as they are"""
    for name, (before, after) in erased.details.items():
        assert_same_table(name, before, after)


def assert_same_table(name: str, before: dict, after: dict) -> None:
    """Two looks at one table, whose retention alone may differ."""
    assert before["id"] == after["id"], (
        f"{name} is another table after the call: it was dropped and made again, or replaced"
    )
    assert before["columns"] == after["columns"], (
        f"{name} has the columns {after['columns']} after the call"
    )
    assert before["features"] == after["features"], (
        f"{name} has the features {after['features']} after the call, not {before['features']}"
    )
    lost = {
        key: value
        for key, value in before["properties"].items()
        if after["properties"].get(key) != value and key not in RETENTION
    }
    more = after["properties"].keys() - before["properties"].keys() - RETENTION.keys()
    assert not lost and not more, (
        f"properties of {name} that changed: {', '.join(sorted([*lost, *more]))}"
    )


@check("forget", points=2)
def test_the_log_forgets(erased):
    """Has the log and removed files kept for a day"""
    for name, (_, after) in erased.details.items():
        for key, wanted in RETENTION.items():
            found = after["properties"].get(key)
            assert found == wanted, (
                f"{key} of {name} is {found!r} after the call, not {wanted!r}; without it the log "
                "is kept for 30 days and removed files for 7, and the log has the smallest and the "
                "greatest value of each column"
            )


@check("forget")
def test_history_names_nobody(erased, spark):
    """Writes nothing of the person into the history but the id"""
    for name, table in erased.tables.items():
        if table_identity(spark, table) != erased.start[name].identity:
            continue  # another check says so
        for actions in log_since(spark, table, erased.start[name].number):
            for action in actions:
                info = action.get("commitInfo", {})
                told = json.dumps(info.get("operationParameters", {}))
                for text in [*NEEDLES, *NUMBERS, "555 0107", "4 Nowhere Row"]:
                    assert text.lower() not in told.lower(), (
                        f"the history of {name} tells of its {info['operation']}: {told}"
                    )


@check("forget")
def test_settings(erased, again):
    """Leaves the settings of the session as they were"""
    before, after = ({SAFETY: "true", **one} for one in erased.settings)
    changed = sorted(
        key
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key) and key != COUNTED
    )
    assert not changed, (
        f"settings that are others after the call: {', '.join(changed)}. The next VACUUM in this "
        "session runs with them"
    )
    _, safety, _ = again
    assert safety == "false", f"{SAFETY} was false before another call, and is {safety} after it"


@check("forget")
def test_second_call(again):
    """Changes no row and writes no data file when it is called again"""
    (before, after), _, _ = again
    others = [file for file in before.keys() | after.keys() if before.get(file) != after.get(file)]
    assert not others, (
        f"the person was forgotten before, and {len(others)} data files were written, removed or "
        "have other rows after a second call. A call that has nothing to do costs a rewrite each "
        "time it is repeated"
    )

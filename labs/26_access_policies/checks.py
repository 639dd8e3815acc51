"""Checks of lab 26: rules and claims in short, the files behind a view, writers of two tenants."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labkit.checks import (
    AnswerError,
    Case,
    ColdFile,
    Commit,
    assert_frame,
    assert_rows,
    cases,
    changes_since,
    check,
    collect,
    let_in,
    live_files,
    stored_rows,
    stories,
    table_rows,
    table_version,
    write_cold_table,
    write_commits,
)
from labkit.checks.table_folders import table_folder

HINTS = {
    "effective_access": [
        "Start with the person's name. Which groups have a member among the names that you have? "
        "Ask again, until no name is new.",
        "A set of names remembers what you have seen, so a circle ends.",
        "The clock of the machine plays no part: compare both ends with `at`.",
    ],
    "secure": [
        "`access` has few rows. Collect it, and make one condition for each column of `df`.",
        "For one column: any rule that allows it covers the row, and none that denies it does.",
        "A `*` stands for everything that is not null. What does `tenant = 'A'` say of a null?",
        "`F.when(visible, value).otherwise(mask)` needs the mask in the column's type. Is there a "
        "lambda in `visible`? Then compute it in a step before, under another name.",
    ],
    "secure_view": [
        "Which files does a query on your view read, and what else is in them?",
        "If the hidden rows must not be there, the visible ones have to be somewhere else.",
        "An overwrite keeps the version before it. Who can read that one?",
    ],
    "write_tenant": [
        "Which option of Delta's writer says what an overwrite may replace?",
        "Try a tenant whose name has a quote, and one whose name is `x' OR '1'='1`.",
        "A delete and an append are two commits. What does a reader see between them?",
    ],
    "aggregate": [
        "May you count names that you may not show? Let `secure` leave the names visible, for "
        "counting alone.",
        "A count of patients is not a sum of counts: one patient may be in two groups.",
        "Mark the groups to be shown, give the rows of all others the diagnosis `other`, and group "
        "again.",
    ],
}

GRANTS = (
    "principal string, effect string, tenant string, region string, columns array<string>, "
    "valid_from timestamp, valid_to timestamp"
)
GROUPS = "member string, group string"
ACCESS = "tenant string, region string, columns array<string>, effect string, reason string"
ROWS = (
    "claim_id long, tenant string, region string, patient_name string, diagnosis string, "
    "amount decimal(10,2)"
)
NAMES = ["claim_id", "tenant", "region", "patient_name", "diagnosis", "amount"]
TOTALS = "tenant string, diagnosis string, patients long, amount decimal(20,2)"
MASKS = {"patient_name": "hidden", "amount": 0}


def day(number: float) -> datetime:
    return datetime(2026, 5, 1) + timedelta(days=number - 1)


def value(text: str) -> str | None:
    return None if text == "-" else text.replace("_", " ").replace('""', "")


def named(text: str) -> str:
    """A person or a group; `~` is a blank, `;` a comma."""
    return text.replace("~", " ").replace(";", ",")


def rule(text: str) -> tuple:
    """A row of `access` in short: "allow A n claim_id+amount"; the reason is "ann" unless said."""
    effect, tenant, region, columns, *reason = text.split()
    return (tenant, region, columns.split("+"), effect, named(*(reason or ["ann"])))


def grant(text: str) -> tuple:
    """A grant in short: "ann allow A n claim_id+amount 10 20", from day 1 on unless said."""
    principal, effect, tenant, region, columns, *days = text.split()
    since, until = [*days, *["1", "-"][len(days) :]]
    end = None if until == "-" else day(float(until))
    return (named(principal), effect, tenant, region, columns.split("+"), day(float(since)), end)


def claim(text: str) -> tuple:
    """A claim in short: "1 A n p1 D1 10"; `-` is null, `_` a blank, `""` an empty text."""
    number, tenant, region, patient, diagnosis, amount = text.split()
    return (
        None if number == "-" else int(number),
        *map(value, (tenant, region, patient, diagnosis)),
        None if amount == "-" else Decimal(amount),
    )


def claims(text: str) -> list[tuple]:
    return [claim(one) for one in text.split(",")]


# ------------------------------------------------------------------------------- effective_access


def total(text: str) -> tuple:
    """A row of totals in short: "A D1 3 16"."""
    tenant, diagnosis, patients, amount = text.split()
    return (tenant, diagnosis, int(patients), Decimal(amount))


IN_MAY = day(15)


@dataclass(frozen=True)
class Asked:
    """Grants, members of groups, the day, and who asks."""

    grants: list[str]
    groups: str = ""
    at: datetime = IN_MAY
    who: str = "ann"


def access(name: str, title: str, asked: Asked, *after: str, points: int = 1) -> Case:
    return Case(name, title, given=[asked], after=[rule(one) for one in after], points=points)


ACCESSES = [
    access(
        "own_and_groups",
        "Has the rules that name the person or one of their groups, and no others",
        Asked(
            [
                "ann allow A n *",
                "g allow B n *",
                "bob allow C n *",
                "h deny D n *",
                "anna allow E n *",
            ],
            "ann g, bob h, bob g",
        ),
        "allow A n * ann",
        "allow B n * g",
    ),
    access(
        "nested",
        "Follows groups that are members of groups, upwards alone, over 40 levels",
        Asked(
            ["g40 allow A n *", "g2 deny B n *", "g3 allow C n a+b", "sub allow D n *"],
            "sub g1, ann g1, " + ", ".join(f"g{level} g{level + 1}" for level in range(39, 0, -1)),
        ),
        "allow A n * g40",
        "deny B n * g2",
        "allow C n a+b g3",
        points=2,
    ),
    access(
        "circle",
        "Comes to an end where groups are in each other",
        Asked(["g1 allow A n *", "g3 allow B n *"], "ann g1, g1 g2, g2 g3, g3 g1, g3 g3"),
        "allow A n * g1",
        "allow B n * g3",
    ),
    access(
        "in_time",
        "Has the rules that hold at `at`, their first instant included, their last one not",
        Asked(
            [
                "ann allow A n * 15 16",
                "ann allow B n * 14 15",
                "ann allow C n * 15.5 16",
                "ann allow D n * 2 14",
                "ann allow E n * 15",
                "ann deny F n * 16",
            ]
        ),
        "allow A n *",
        "allow E n *",
        points=2,
    ),
    access(
        "parts_of_a_second",
        "Goes by `at` with its part of a second",
        Asked(
            [
                "ann allow A n * 2 15.000002",
                "ann allow B n * 15.000004",
                "ann allow C n * 15.000007",
                "ann allow D n * 15.0000050005",  # 43 microseconds before
                "ann allow E n * 2 15.0000050005",
                "ann allow F n * 15.0000050015",
            ],
            at=day(15.000005001),
        ),
        "allow B n *",
        "allow D n *",
    ),
    access(
        "another_person",
        "Has the rules of whoever is asked about",
        Asked(["ann allow A n *", "bob allow B n *", "g allow C n *"], "ann h, bob g", who="bob"),
        "allow B n * bob",
        "allow C n * g",
    ),
    access(
        "at_another_time",
        "Goes by `at`, also if that is long ago or far ahead",
        Asked(
            ["ann allow A n * 2 9", "ann allow B n * 20000", "ann allow C n * 8000 20000"],
            at=day(5),
        ),
        "allow A n *",
    ),
    access(
        "far_ahead",
        "Has a rule of the far future, and one without an end, asked at the last instant of all",
        Asked(
            ["ann allow A n * 2 9", "ann allow B n * 400000", "ann allow C n *"], at=datetime.max
        ),
        "allow B n *",
        "allow C n *",
    ),
    access(
        "once",
        "Has identical rows once, and each of two that differ in one column",
        Asked(
            [
                *(
                    "top allow A n a+b",
                    "ann allow B n *",
                    "ann allow B n * 2 30",
                    "ann allow B s *",
                ),
                *("ann deny B n *", "ann allow B n b", "ann allow B n a", "g1 allow B n *"),
                "ann allow C n *",
                *("ann allow D n b+a", "ann allow D n a+b", "ann allow D n a+b+a"),
            ],
            "ann g1, ann g2, g1 top, g2 top, ann g1",
        ),
        "allow A n a+b top",
        "allow B n *",
        "allow B s *",
        "deny B n *",
        "allow B n b",
        "allow B n a",
        "allow B n * g1",
        "allow C n *",
        "allow D n b+a",
        "allow D n a+b",
        "allow D n a+b+a",
    ),
    access(
        "case",
        "Takes names that differ in a letter, its case or a sign for two names",
        Asked(
            [
                *("Ann allow A n *", "G allow B n *", "g allow a n *"),
                *("team_1 allow C n *", "teamX1 allow D n *", "g12 allow E n *"),
                *("ann~ allow F n *", "g~ allow H n *", "~g allow I n *", "g3 allow J n *"),
                *("x;y allow K n *", "x allow L n *", "y allow M n *", "a|b.? allow N n *"),
                *("a allow O n *", "b1 allow P n *"),
                *("o'x\\y{z}\" allow Q n *", "o'xy{z}\" allow R n *"),
            ],
            "ann g, ANN G, ann team_1, teamX1 g12, ann~ g3, ann x;y, ann a|b.?, ann o'x\\y{z}\"",
        ),
        "allow a n * g",
        "allow C n * team_1",
        "allow K n * x;y",
        "allow N n * a|b.?",
        "allow Q n * o'x\\y{z}\"",
    ),
    access("nobody", "Has no row for a person without rules", Asked(["bob allow A n *"], "bob g")),
]


@check("effective_access")
@cases(ACCESSES)
def test_rules(learner, quick, frame, case):
    """{case}"""
    assert_access(learner, frame, case)


def assert_access(learner, frame, case: Case) -> None:
    (asked,) = case.given
    members = [tuple(map(named, one.split())) for one in asked.groups.split(",") if one]
    answer = learner.effective_access(
        frame(GRANTS, map(grant, asked.grants)), frame(GROUPS, members), asked.who, asked.at
    )
    assert_frame(answer, case.after, key=["reason", "tenant", "region"], schema=ACCESS)


# ----------------------------------------------------------------------------------------- secure

SEEN = stories(
    """
exact: Covers the rows of exactly the tenant and region of a rule
1 A n p1 D1 10, 2 a n p2 D2 20, 3 A s p3 D3 30, 4 B n p4 D4 40, 5 A N p5 D5 50, 6 O'H n p6 D6 60,
7 A_ n p7 D7 70, 8 A _n p8 D8 80, 9 BXC n p9 D9 90, 10 B nn p10 D10 11, 11 C\\D n p11 D11 12,
12 CD n p12 D12 13
| allow A n *, allow O'H n *, allow B_C n *, allow B.C n *, allow B% n *, allow B n% *,
  allow C\\D n *
| 1 A n p1 D1 10, 6 O'H n p6 D6 60, 11 C\\D n p11 D11 12

stars: Takes a star for every tenant, or every region
1 A n p1 D1 10, 2 B n p2 D2 20, 3 B s p3 D3 30, 4 C s p4 D4 40, 5 C e p5 D5 50,
6 "" n p6 D6 60, 7 C "" p7 D7 70
| allow * n *, allow C * icd_code+*
| 1 A n p1 D1 10, 2 B n p2 D2 20, 4 C s p4 D4 40, 5 C e p5 D5 50, 6 "" n p6 D6 60, 7 C "" p7 D7 70

nulls: Shows nobody a row without a tenant or a region
1 - n p1 D1 10, 2 A - p2 D2 20, 3 - - p3 D3 30, 4 A n p4 D4 40
| allow * * *, allow A * *, allow * n *
| 4 A n p4 D4 40

masks: Replaces what no rule names by its mask, or by null if it has none
1 A n p1 D1 10, 2 A n p2 D2 20
| allow A n claim_id+region
| 1 - n hidden - 0, 2 - n hidden - 0

masked_nulls: Replaces a null that is not visible, and keeps one that is
1 A n - D1 -, 2 B n - D2 -
| allow A n claim_id+tenant+amount, allow B n claim_id+patient_name
| 1 A - hidden - -, 2 - - - - 0

visible_nulls: Has a row of which a null is all that is visible
1 A n - D1 10, 2 B n p2 - 20, 3 C n p3 D3 -
| allow A n patient_name, allow B n diagnosis, allow C n amount
| - - - - - 0, - - - hidden - 0, - - - hidden - -

denied: Takes away what a deny names, of the rows that it covers
1 A n p1 D1 10, 2 A s p2 D2 20, 3 B n p3 D3 30
| allow * * *, deny A n patient_name+diagnosis, deny B n *
| 1 A n hidden - 10, 2 A s p2 D2 20

deny_wins: Lets a wide deny win over a narrow allow, in any order
1 A n p1 D1 10, 2 B s p2 D2 20, 3 C n p3 D3 30
| deny * * patient_name, allow A n patient_name, allow * * claim_id+patient_name,
  allow B s amount, deny * s amount, allow C n claim_id+amount, deny C * *
| 1 - - hidden - 0, 2 - - hidden - 0

deny_alone: Shows nothing where there are denies alone
1 A n p1 D1 10, 2 B n p2 D2 20
| deny A n patient_name, deny * * diagnosis, allow B n amount
| - - - hidden - 20

nothing_left: Leaves a row out of which nothing is visible
1 A n p1 D1 10, 2 B n p2 D2 20, 3 C n p3 D3 30
| allow A n icd_code, allow B n claim_id, deny B n claim_id+icd_code, allow C n icd_code+claim_id
| 3 - - hidden - 0

denies_together: Leaves a row out of which several denies take all that is allowed
1 A n p1 D1 10, 2 A s p2 D2 20, 3 B n p3 D3 30
| allow A * claim_id+amount, deny A * claim_id, deny * n amount, allow B n claim_id+region,
  allow B n amount, deny B n claim_id+icd_code, deny B * region
| - - - hidden - 20

own_rules: Shows of each row what the rules for that row allow
1 A n p1 D1 10, 2 B n p2 D2 20, 3 A s p3 D3 30
| allow A n claim_id, allow B n diagnosis, allow A s amount+region
| 1 - - hidden - 0, - - - hidden D2 0, - - s hidden - 30

doubles: Has a row once, however many rules cover it, and identical rows all
1 A n p1 D1 10, 1 A n p1 D1 10, 2 A n p2 D2 20
| allow A n claim_id, allow A n claim_id+tenant, allow A * tenant, allow * * region
| 1 A n hidden - 0, 1 A n hidden - 0, 2 A n hidden - 0

no_rules: Has no row without rules
1 A n p1 D1 10 | |
""",
    before=claim,
    given=rule,
    after=claim,
)


@check("secure")
@cases(SEEN)
def test_seen(learner, quick, frame, case):
    """{case}"""
    answer = learner.secure(frame(ROWS, case.before), frame(ACCESS, case.given), MASKS)
    assert_frame(answer, case.after, key=NAMES, schema=ROWS)


@check("secure")
def test_other_columns(learner, quick, frame):
    """has the columns of another frame, with its names, types and order"""
    kinds = "region string, at timestamp, tags array<string>, tenant string, "
    kinds += "score float, n smallint, total long"
    rows = [("n", day(1), ["x"], "A", 1.5, 3, 4), ("s", day(2), None, "A", 2.5, None, 2**53 + 1)]
    rules = [rule("allow A n tags+tenant"), rule("allow A s score+total")]
    masks = {"total": 2.0, "n": 7, "score": -0.5, "tenant": 1, "at": day(9)}
    answer = learner.secure(frame(kinds, rows), frame(ACCESS, rules), masks)
    wanted = [
        (None, day(9), ["x"], "A", -0.5, 7, 2),
        (None, day(9), None, "1", 2.5, 7, 2**53 + 1),
    ]
    assert_frame(answer, wanted, key=["tenant"], schema=kinds)


@check("secure")
def test_files_of_others(learner, quick, frame, shared_schema):
    """opens no file of a tenant that no allow names or covers"""
    # No file is on disk: whoever opens one fails.
    table = f"{shared_schema}.cold"
    files = {f"{tenant}.parquet": ColdFile(900, 9, partition={"tenant": tenant}) for tenant in "BC"}
    write_cold_table(quick, table, ROWS, [files], partition_by=["tenant"])
    allows = ["allow A * claim_id+tenant", "allow D s amount"]
    denies = ["deny B n *", "deny * * region"]
    for who, given in (("A and D", allows + denies), ("no tenant", denies)):
        rules = frame(ACCESS, map(rule, given))
        try:
            rows = collect(learner.secure(quick.table(table), rules, MASKS))
        except AnswerError as error:
            if "FileNotFound" not in error.reason and "FILE_NOT_EXIST" not in error.reason:
                raise
            raise AssertionError(
                f"a person whose allows name {who} made Spark open a file of tenant B or C. The "
                "files of all tenants are read, and the rows thrown away afterwards"
            ) from error
        assert not rows, f"{len(rows)} rows of a tenant without claims"


# ------------------------------------------------------------------------------------ secure_view

# A row that differs from the first one only in what is hidden.
HELD_ROWS = claims("1 A n p8 D8 10")
STORED = claims(
    "1 A n p1 D1 10, 2 A s p2 D2 20, 3 B n p3 D3 30, 4 B s p4 D4 40, 5 - n p5 D5 50, "
    '6 A e p6 D6 60, 7 A "" p7 D7 70, 8 "" w "" "" 80'
)
FIRST_RULES = ["allow A * claim_id+tenant+region+amount", "allow B n *", "allow * w *"]
FIRST_RULES += ["deny A e *"]
FIRST_SEEN = claims(
    '1 A n hidden - 10, 2 A s hidden - 20, 3 B n p3 D3 30, 7 A "" hidden - 70, 8 "" w "" "" 80'
)
# In between rows come, then the rules' columns change, then masks.
ROWS_SEEN = [*FIRST_SEEN, *claims("1 A n hidden - 10")]
LATER_RULES = ["allow A * claim_id+amount", "allow B n icd_code", "allow * w icd_code"]
LATER_RULES += ["deny A e *"]
LATER_SEEN = claims("1 - - hidden - 10, 2 - - hidden - 20, 7 - - hidden - 70, 1 - - hidden - 10")
OTHER_MASKS = {"patient_name": "nobody", "diagnosis": "none"}
MASKS_SEEN = claims(
    "1 - - nobody none 10, 2 - - nobody none 20, 7 - - nobody none 70, 1 - - nobody none 10"
)


@dataclass(frozen=True)
class Look:
    """What a reader finds behind a name: its rows, and those of all files in the same folders."""

    rows: list
    types: str
    files: list[dict[str, Any]]
    folders: list[str]
    plain: list[str]  # folders that are no Delta table's


def look(spark, view: str, further: Iterable[str] = ()) -> Look:
    """A view, and every data file in the folders of the files that a query on it reads.

    `further` are folders that were read earlier.
    """
    if not spark.catalog.tableExists(view):
        raise AnswerError("failed", f"{view.split('.')[-1]} is not there after the call")
    spark.catalog.refreshTable(view)  # the session may remember files that a call has replaced
    frame, own = spark.table(view), own_folder(spark, view)
    folders = [own] if own else sorted({folder_of(spark, file) for file in frame.inputFiles()})
    rows = stored_rows(spark, view) if own else collect(frame)
    stored = [rows_on_disk(spark, folder) for folder in {*folders, *further}]
    types = ", ".join(f"{name} {kind}" for name, kind in frame.dtypes)
    plain = [folder for folder in folders if not has_log(spark, folder)]
    return Look(rows, types, list(chain(*stored)), folders, plain)


def own_folder(spark, view: str) -> str | None:
    """Where a Delta table lies; None of a view or another format, or if a file lies elsewhere."""
    try:
        files = live_files(spark, view)
    except AnswerError:
        return None
    elsewhere = any(":" in name for name in files)
    return None if elsewhere else str(table_folder(spark, view).toString())


def folder_of(spark, file: str) -> str:
    """The folder of the table that a data file belongs to: where its log lies, or its own."""
    own = spark._jvm.org.apache.hadoop.fs.Path(file).getParent()
    folder = own
    while folder is not None:
        if has_log(spark, str(folder.toString())):
            return str(folder.toString())
        folder = folder.getParent()
    return str(own.toString())


def file_system(spark, path):
    return path.getFileSystem(spark._jsc.hadoopConfiguration())


def has_log(spark, folder: str) -> bool:
    """Whether a folder is a Delta table's."""
    log = spark._jvm.org.apache.hadoop.fs.Path(folder, "_delta_log")
    return file_system(spark, log).exists(log)


def rows_on_disk(spark, folder: str) -> list[dict[str, Any]]:
    """The rows of all Parquet files below a folder, live or not; none if it is gone.

    A text that a file's path tells, as `region=n`, is in its rows.
    """
    path = spark._jvm.org.apache.hadoop.fs.Path(folder)
    fs = file_system(spark, path)
    if not fs.exists(path):
        return []
    found, listed = [], fs.listFiles(path, True)
    while listed.hasNext():
        file = listed.next().getPath()
        name = str(file.toString())[len(folder) :]
        if name.endswith(".parquet") and not name.startswith("/_delta_log/"):
            stream = fs.open(file)
            data = spark._jvm.org.apache.hadoop.io.IOUtils.readFullyToByteArray(stream)
            stream.close()
            told = {
                column: None if text == "__HIVE_DEFAULT_PARTITION__" else unquote(text)
                for column, text in re.findall("/([^/=]+)=([^/]*)", name)
                if column not in ("claim_id", "amount")  # numbers
            }
            rows = pq.read_table(pa.BufferReader(bytes(data))).to_pylist()
            found += [told | row for row in rows]
    return found


def folders_beside(spark, table: str) -> set[str]:
    """The folders of all tables that lie where this one does."""
    path = table_folder(spark, table).getParent()
    return {str(one.getPath().toString()) for one in file_system(spark, path).listStatus(path)}


@dataclass(frozen=True)
class Published:
    """A view after each of several calls, and the commits that these made to its table.

    The second call comes after further rows of the table, the third one after other rules, and the
    last one after other masks.
    """

    table: str
    known: set[str]  # what lay beside the table before
    made: list[str]
    first: Look
    rows: list
    later: Look
    masked: list


@pytest.fixture(scope="module")
def published(learner, quick, frame, shared_schema):
    """A view after each of four calls."""
    table, view = f"{shared_schema}.stored", f"{shared_schema}.published"
    commits = [Commit("WRITE", STORED), Commit("WRITE", HELD_ROWS)]
    write_commits(quick, table, ROWS, commits, key=["claim_id", "patient_name"], held=1)
    known, made = folders_beside(quick, table), list[str]()

    def call(rules: list[str], masks: dict[str, Any] = MASKS) -> None:
        since = table_version(quick, table)
        learner.secure_view(quick, view, table, frame(ACCESS, map(rule, rules)), masks)
        made.extend(changes_since(quick, table, since).operations)

    call(FIRST_RULES)
    first = look(quick, view)
    let_in(quick.range(1, numPartitions=1), table).collect()
    call(FIRST_RULES)
    rows = look(quick, view).rows
    call(LATER_RULES)
    # What a call keeps of an earlier one may have a name of its own.
    mine = folders_beside(quick, table) - known
    later = look(quick, view, [*first.folders, *mine])
    call(LATER_RULES, OTHER_MASKS)
    return Published(table, known, made, first, rows, later, look(quick, view).rows)


def assert_nothing_else(look: Look, seen: list[tuple], story: str) -> None:
    """The files hold no row that is not shown, and no value."""
    shown = [dict(zip(NAMES, row, strict=True)) for row in seen]
    for row in look.files:
        told = ", ".join(f"{name} {value}" for name, value in row.items())
        assert any(row.items() <= one.items() for one in shown), (
            f"{story} holds this row, which the view does not show so: {told}"
        )


@check("secure_view")
def test_view(published):
    """has the rows and columns that `secure` shows of the table"""
    assert published.first.types == ROWS.replace(" long", " bigint"), (
        f"the view has the columns {published.first.types}"
    )
    assert_rows(published.first.rows, FIRST_SEEN, key=NAMES, columns=ROWS)


@check("secure_view", points=2)
def test_files_of_the_view(published):
    """lets a query read no file that holds more than the view shows"""
    story = "a file that a query on the view reads, or one beside it,"
    assert_nothing_else(published.first, FIRST_SEEN, story)


@check("secure_view")
def test_second_call(published):
    """shows the rows, the rules and the masks of the moment of a later call"""
    for story, found, wanted in (
        ("the table got rows", published.rows, ROWS_SEEN),
        ("the rules changed", published.later.rows, LATER_SEEN),
        ("the masks changed", published.masked, MASKS_SEEN),
    ):
        try:
            assert_rows(found, wanted, key=NAMES, columns=ROWS)
        except AssertionError as error:
            raise AssertionError(f"{story}, and nothing else, before the call; {error}") from None


@check("secure_view", points=2)
def test_old_files(published):
    """leaves no data file of an earlier call that holds what the view no longer shows"""
    story = "after a call with fewer rights, a data file that an earlier call or this one wrote"
    assert_nothing_else(published.later, LATER_SEEN, story)


@check("secure_view")
def test_table_stays(published):
    """does not change the table, nor its properties"""
    made = published.made
    assert not made, f"calls made commits to the table: {', '.join(made)}"


@check("secure_view")
def test_in_delta(published):
    """keeps what a query on the view reads in a Delta table"""
    assert not published.first.plain, (
        "a file that a query on the view reads is of no Delta table: neither its folder nor one "
        "above has a log"
    )


@dataclass(frozen=True)
class Emptied:
    """Another person's view of the same table, without rules, and then the first one without."""

    other: Look
    kept: list | None  # what the first view shows after the call for the other one
    last: Look


@pytest.fixture(scope="module")
def emptied(learner, quick, frame, published, shared_schema):
    """Two views of the same table for people without rules: one is new, one had rows."""
    table, nothing = published.table, frame(ACCESS, [])
    # The other view has the same name in a database of its own.
    team, place = f"{shared_schema}_team", table_folder(quick, table).getParent().toString()
    view, other = f"{shared_schema}.published", f"{team}.published"
    quick.sql(f'CREATE DATABASE {team} LOCATION "{place}_team"')
    try:
        learner.secure_view(quick, other, table, nothing, MASKS)
        kept = look(quick, view).rows if quick.catalog.tableExists(view) else None
        found = look(quick, other)
        learner.secure_view(quick, view, table, nothing, MASKS)
        last = look(quick, view, folders_beside(quick, table) - published.known)
        yield Emptied(found, kept, last)
    finally:
        quick.sql(f"DROP DATABASE {team} CASCADE")


@check("secure_view")
def test_empty_view(emptied):
    """is there without a row for a person without rules, also if they had some before"""
    for found in (emptied.other, emptied.last):
        assert found.types == ROWS.replace(" long", " bigint"), f"columns: {found.types}"
        assert not found.rows, f"{len(found.rows)} rows for a person without rules"
        assert_nothing_else(found, [], "a file of the view")


@check("secure_view")
def test_other_views(emptied):
    """leaves a view of the same table and name as it is, in another database"""
    assert emptied.kept is not None, "another person's view of the table is gone"
    try:
        assert_rows(emptied.kept, MASKS_SEEN, key=NAMES, columns=ROWS)
    except AssertionError as error:
        raise AssertionError(f"after calls for another person's view; {error}") from None


# ----------------------------------------------------------------------------------- write_tenant

OWNED = claims(
    "1 Cedar n p1 D1 10, 2 Cedar s p2 D2 20, 3 cedar n p3 D3 30, 4 O'H%a n p4 D4 40, "
    "5 Dune n p5 D5 50, 6 O'H%a s p6 D6 60, 7 O'Hara s p7 D7 70, 8 - n p8 D8 80"
)
MEANWHILE = claims("20 Birch n p8 D8 80")
NEW_CEDAR = claims("2 Cedar n p2 D2 25, 11 Cedar e p9 D9 90, 11 Cedar e p9 D9 90")
ODD = "O'H%a"
NEW_ODD = claims("12 O'H%a w p4 D4 45, 13 O'H%a w p5 D5 55")


def owned(spark, schema: str, name: str, commits: list[Commit], held: int = 0) -> str:
    """A table of claims that is partitioned by tenant."""
    table = f"{schema}.{name}"
    write_commits(spark, table, ROWS, commits, key="claim_id", partition_by="tenant", held=held)
    return table


REFUSED = [
    Case(
        "another",
        "Refuses a batch with a row of another tenant, and makes no commit",
        given=claims("30 Cedar n p1 D1 10, 31 Aurora n p2 D2 20"),
    ),
    Case(
        "other_case",
        "Refuses a row of a tenant whose name differs by case alone",
        given=claims("30 Cedar n p1 D1 10, 31 cedar n p2 D2 20"),
    ),
    Case(
        "no_tenant",
        "Refuses a row without a tenant",
        given=claims("30 Cedar n p1 D1 10, 31 - n p2 D2 20"),
    ),
    Case(
        "blank_behind",
        "Refuses a row of a tenant whose name has a blank more",
        given=claims("30 Cedar_ n p1 D1 10"),
    ),
]


@dataclass(frozen=True)
class Call:
    """What one call made of the table: the rows before and after it, its commits, the error.

    `gone` are the tenants of files that it removed.
    """

    before: list
    rows: list
    commits: tuple[str, ...]
    gone: set[str]
    result: Any
    error: AnswerError | None

    def written(self) -> "Call":
        if self.error:
            raise self.error
        return self


@pytest.fixture(scope="module")
def calls(learner, quick, frame, shared_schema):
    """Calls on one table, one after the other. While Cedar's rows are replaced, Birch's are added.

    The second batch has two partitions, and its columns are in another order than the table's.
    """
    commits = [Commit("WRITE", OWNED), Commit("WRITE", MEANWHILE)]
    table = owned(quick, shared_schema, "claims", commits, held=1)
    parts = frame(ROWS, NEW_ODD[:1]).unionAll(frame(ROWS, NEW_ODD[1:]))
    others = ["claim_id", "tenant", "diagnosis", "region", "patient_name", "amount"]
    batches = {
        "Cedar's": ("Cedar", let_in(frame(ROWS, NEW_CEDAR), table)),
        "two parts": (ODD, parts.select(others)),
        "none": (ODD, frame(ROWS, [])),
        **{case.name: ("Cedar", frame(ROWS, case.given)) for case in REFUSED},
    }
    found, rows = {}, OWNED
    for name, (tenant, batch) in batches.items():
        before, files, since = rows, live_files(quick, table), table_version(quick, table)
        result = error = None
        try:
            result = learner.write_tenant(quick, table, tenant, batch)
        except AnswerError as raised:
            if raised.outcome != "error":
                raise
            error = raised
        changes = changes_since(quick, table, since)
        if changes.versions:
            rows = [tuple(row[name] for name in NAMES) for row in table_rows(quick, table)]
        gone = {files[path]["partitionValues"]["tenant"] for path in changes.removed & {*files}}
        found[name] = Call(before, rows, changes.operations, gone, result, error)
    return found


def of_others(rows: Iterable, tenant: str) -> list:
    return [row for row in rows if row[1] != tenant]


@check("write_tenant")
def test_one_tenant(calls):
    """replaces the tenant's rows by the batch, identical ones included"""
    mine = [row for row in calls["Cedar's"].written().rows if row[1] == "Cedar"]
    assert_rows(mine, NEW_CEDAR, key=NAMES, columns=ROWS)


@check("write_tenant", points=2)
def test_other_tenants(calls):
    """keeps the rows of all others, also those that another writer adds meanwhile"""
    others = of_others(calls["Cedar's"].written().rows, "Cedar")
    wanted = [*of_others(OWNED, "Cedar"), *MEANWHILE]
    assert_rows(others, wanted, key=NAMES, columns=ROWS)


@check("write_tenant")
def test_files_of_one_tenant(calls):
    """removes files of this tenant alone, in one commit"""
    mine = calls["Cedar's"].written().commits[1:]
    assert len(mine) == 1, (
        f"after the commit of Birch's writer the table has {len(mine)} new ones, expected one: "
        f"{', '.join(mine)}. Who reads between two of them sees neither the old rows nor the new"
    )
    for name, tenant in (("Cedar's", "Cedar"), ("two parts", ODD), ("none", ODD)):
        others = sorted(map(str, calls[name].gone - {tenant}))
        assert not others, (
            f"a call for {tenant} removed files of {', '.join(others)}: rows were written again, "
            "or are gone"
        )


@check("write_tenant")
def test_name_with_quote(calls):
    """replaces a tenant whose name has a quote"""
    found = calls["two parts"].written()
    wanted = [*of_others(found.before, ODD), *NEW_ODD]
    assert_rows(found.rows, wanted, key=NAMES, columns=ROWS)


@check("write_tenant")
def test_one_commit_for_several_files(calls):
    """makes one commit, also if the batch comes in several parts"""
    made = calls["two parts"].written().commits
    assert len(made) == 1, (
        f"the batch has two partitions, and the call made {len(made)} commits: {', '.join(made)}"
    )


@check("write_tenant")
def test_empty_batch(calls):
    """leaves no row of a tenant whose batch is empty, in one commit, and returns nothing"""
    found = calls["none"].written()
    assert_rows(found.rows, of_others(found.before, ODD), key=NAMES, columns=ROWS)
    made = found.commits
    assert len(made) == 1, (
        f"the batch is empty, and the call made {len(made)} commits: {', '.join(made)}"
    )
    assert found.result is None, f"the call returned a {type(found.result).__name__}"


@check("write_tenant")
@cases(REFUSED)
def test_refuses(calls, case):
    """{case}"""
    found = calls[case.name]
    assert not found.commits, (
        "the batch had a row that is not Cedar's, and the call made commits: "
        f"{', '.join(found.commits)}. Who reads after one of them sees rows that were refused, or "
        "are taken back"
    )
    assert found.error, "the call returned, as if the whole batch had been written"


# -------------------------------------------------------------------------------------- aggregate

COUNTED = stories(
    """
patients: Counts patients by their exact names, not claims, and adds up amounts
1 A n p1 D1 10, 2 A n p1 D1 5, 3 A n p2 D1 1, 4 A s p3 D1 2.50, 5 A s p3 D1 2.50,
6 A n p1 D1 -4, 7 B n p1 D1 1, 8 B n P1 D1 0, 9 B n p1_ D1 -1
| allow * * *
| A D1 3 17, B D1 3 0

small: Shows no diagnosis with fewer than k patients
1 A n p1 D1 10, 2 A n p2 D1 5, 3 A n p3 D1 1, 4 A s p3 D2 7, 5 A n p4 D2 6, 6 A s p3 D2 7
| allow * * *
| A D1 3 16

other: Adds up the small diagnoses of a tenant if together they have k patients
1 A n p1 D1 10, 2 A n p2 D1 5, 3 A n p3 D2 1, 4 A n p4 D3 2, 5 A n p5 D4 4, 6 A n p6 D4 4,
7 A n p7 D4 4, 8 A n p7 D2 3
| allow * * *
| A D4 3 12, A other 5 21

same_patients: Counts a patient once, also if they are in two small diagnoses
1 A n p1 D1 10, 2 A n p2 D1 5, 3 A n p1 D2 1, 4 A n p2 D2 2, 5 B n p1 D1 1, 6 B n p2 D1 1,
7 B n p2 D2 1, 8 B n p3 D2 1
| allow * * *
| B other 3 4

tenants: Keeps tenants apart, and diagnoses, also if their names differ by case alone
1 A n p1 D1 10, 2 A n p2 D1 5, 3 a n p3 D1 1, 4 a n p4 D1 2, 5 B n p5 D1 1, 6 B n p6 D1 1,
7 B n p7 D1 1, 8 C n p8 D1 1, 9 C n p9 D1 1, 10 C n p10 d1 1
| allow * * *
| B D1 3 3, C other 3 3

hidden_names: Counts patients whose names are not visible
1 A n p1 D1 10, 2 A n p2 D1 5, 3 A s p3 D1 1, 4 A e p4 D1 100
| allow A n tenant+diagnosis+amount, allow A s tenant+diagnosis+amount+patient_name,
  deny A n patient_name, deny A s patient_name+region, allow A e *, deny A e patient_name+amount
| A D1 3 16

rows_seen: Counts no row in which the tenant, the diagnosis or the amount is not visible
1 A n p1 D1 10, 2 A n p2 D1 5, 3 A n p3 D1 1, 4 A s p4 D1 100, 5 A e p5 D1 100, 6 A w p6 D1 100,
7 B n p7 D1 100, 8 B n p8 D1 100, 9 B n p9 D1 100, 10 - n p10 D1 100, 11 A w p11 D1 100,
12 A w p12 D1 100, 13 A e p13 D1 100, 14 A e p14 D1 100, 15 A - p15 D1 100
| allow A * tenant+diagnosis+patient_name, allow A n amount, allow A e amount, allow A w amount,
  deny A e tenant, deny A w diagnosis
| A D1 3 16

nobody: Has no row for a person without rules
1 A n p1 D1 10, 2 A n p2 D1 5, 3 A n p3 D1 1 | |
""",
    before=claim,
    given=rule,
    after=total,
)


@check("aggregate")
@cases(COUNTED)
def test_totals(learner, quick, frame, case):
    """{case}"""
    assert_totals(learner, frame, case.before, case.given, 3, case.after)


def assert_totals(learner, frame, rows: list, rules: list, k: int, wanted: list) -> None:
    answer = learner.aggregate(frame(ROWS, rows), frame(ACCESS, rules), k)
    assert_frame(answer, wanted, key=["tenant", "diagnosis"], schema=TOTALS)


@check("aggregate")
def test_many_patients(learner, quick, frame):
    """counts 1,999 patients and adds up their bills, with as many as the least number"""
    people, bills, tenants = 1_999, 2_500, ["T0", "T1", "T2"]
    rows = quick.range(len(tenants) * bills).selectExpr(
        "id AS claim_id",
        "concat('T', id % 3) AS tenant",
        "'n' AS region",
        f"concat('p', id % {len(tenants) * people}) AS patient_name",
        "'D1' AS diagnosis",
        "CAST(99999999.99 AS decimal(10,2)) AS amount",
    )
    answer = learner.aggregate(rows, frame(ACCESS, [rule("allow * * *")]), people)
    wanted = [(tenant, "D1", people, bills * Decimal("99999999.99")) for tenant in tenants]
    assert_frame(answer, wanted, key=["tenant", "diagnosis"], schema=TOTALS)

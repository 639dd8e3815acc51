"""Checks of lab 12: tables that are a log alone, and one whose files are looked at on disk."""

import copy
import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from labkit.checks import (
    Case,
    ColdFile,
    Commit,
    assert_columns,
    assert_rows,
    cases,
    check,
    collect,
    live_files,
    log_since,
    settings,
    stored_files,
    table_identity,
    table_rows,
    table_version,
    write_cold_commit,
    write_cold_table,
    write_commits,
)

HINTS = {
    "layout_report": [
        "Which of a file's actions counts, if it was added, removed and brought back?",
        "`from_json` reads the statistics. As a map, `nullCount` has a key for each column that "
        "has statistics, whatever the columns are.",
        "Ask for each column of the table whether any live file lacks its key; `bool_or` and "
        "`array_compact` may help.",
    ],
    "files_read": [
        "Spark plans a query before it reads. What does a DataFrame tell of its files?",
        "`DataFrame.inputFiles` of a frame that is filtered is not that of the table.",
    ],
    "workload_cost": [
        "Task 2 has a list of paths before it counts them. Where are their sizes?",
        "Paths in the log begin below the table's folder, which `DESCRIBE DETAIL` tells.",
        "Build the rows in Python, then one frame with the types of `COST`.",
    ],
    "choose_layout": [
        "Keep what a run of each query reads so far. A choice lowers some of these numbers.",
        "The same step three times: what would each column still save, and which saves most? "
        "Only the columns that are asked differ.",
        "`max` keeps the first of equal ones, so sort first.",
    ],
    "apply_layout": [
        "Which commit can change partitions and order of the rows at once? How does Delta learn "
        "that no row changed?",
        "Sorted by two columns, files tell little of the second. Cut the rows into ranges of the "
        "first column, and each range into files by the second.",
        "Statistics are written with a file, so the property is set before. Where it names an old "
        "partition column, one commit must change both: `createOrReplace` takes properties, and "
        "forgets those that it isn't given.",
        "The log doesn't tell by what a table was sorted. Where can your function leave a note?",
    ],
    "sargable": [
        "Statistics know a column's least and greatest value. Which of the forms says something "
        "about the column itself, between two ends?",
        "Write the end of a year or month as the first instant that is no longer in it.",
        "What do `%` and `_` mean to LIKE? A range of texts, or `startswith`, has no such letters.",
        "Read each form with a regular expression that must match the whole predicate.",
    ],
}

MIB, GIB = 1024**2, 1024**3


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2025, 5, day, hour, minute)


# --------------------------------------------------------------------------------- layout_report

REPORT = (
    "partition_columns string, files long, bytes long, median_bytes long, small_files long, "
    "rows_per_file_skew double, columns_without_stats array<string>"
)
SMALL_FILE = 16 * MIB
VISITS = (
    "visit_id long, zone string, page string, note string, code string, country string, "
    "day date, extra long, amount double"
)


def visits(size: int, rows: int, country: str = "DE", *, bare=(), nulls=()) -> ColdFile:
    """A file of visits: without statistics of the columns `bare`, and `nulls` holds nulls alone."""
    ranges = {"visit_id": (1, 9), "page": ("a", "z"), "code": ("a", "c"), "amount": (0.5, 7.5)}
    ranges |= {"zone": ("a", "b"), "note": ("a", "b"), "extra": (1, 2)}
    ranges |= dict.fromkeys(nulls, (None, None))
    known = {name: ends for name, ends in ranges.items() if name not in bare}
    return ColdFile(size, rows, known, partition={"country": country, "day": "2025-05-01"})


# b and d were removed, and b came back; g was added again, with more statistics. The live files are
# b, c, e, f, g and h.
VISITED = [
    {
        "day=2025-05-01/country=DE/a.parquet": visits(900 * MIB, 5000, bare=("visit_id",)),
        "day=2025-05-01/country=DE/b.parquet": visits(SMALL_FILE, 100, nulls=("code",)),
        "day=2025-05-01/country=FR/c.parquet": visits(40 * MIB + 7, 300, "FR", bare=("zone",)),
    },
    {"day=2025-05-01/country=DE/d.parquet": visits(SMALL_FILE - 1, 90)},
    {
        "day=2025-05-01/country=DE/e.parquet": visits(18 * MIB, 200, bare=("note",)),
        "day=2025-05-01/country=DE/a.parquet": None,
    },
    {
        "day=2025-05-01/country=DE/b.parquet": None,
        "day=2025-05-01/country=DE/d.parquet": None,
        "day=2025-05-01/country=DE/g.parquet": visits(3 * GIB, 1100, bare=("note", "page")),
    },
    {"day=2025-05-01/country=DE/b.parquet": visits(SMALL_FILE, 100, nulls=("code",))},
    {
        "day=2025-05-01/country=DE/f.parquet": visits(700, 10, bare=("amount", "note")),
        "day=2025-05-01/country=DE/g.parquet": visits(3 * GIB, 1100, bare=("note",)),
        "day=2025-05-01/country=FR/h.parquet": visits(18 * MIB + 7, 340, "FR", bare=("note",)),
    },
]
LIVE = [700, SMALL_FILE, 18 * MIB, 18 * MIB + 7, 40 * MIB + 7, 3 * GIB]
REPORTED = [
    Case(
        "partitions",
        "Names the partition columns, with a comma between two",
        given=["partition_columns"],
        after=["day,country"],
    ),
    Case(
        "files",
        "Counts the files of the newest version once, also those that were added twice",
        given=["files", "bytes"],
        after=[6, sum(LIVE)],
        points=2,
    ),
    Case(
        "median",
        "Takes the mean of the two sizes in the middle, rounded down",
        given=["median_bytes"],
        after=[18 * MIB + 3],
    ),
    Case(
        "small",
        "Counts the files with fewer bytes than SMALL_FILE",
        given=["small_files"],
        after=[1],
    ),
    Case(
        "skew",
        "Divides the most rows of a file by the mean of all files",
        given=["rows_per_file_skew"],
        after=[1100 * 6 / 2050],
    ),
    Case(
        "stats",
        "Lists the columns that lack statistics in any one file, in the table's order",
        given=["columns_without_stats"],
        after=[["zone", "note", "amount"]],
        points=2,
    ),
]


def report_of(learner, spark, table: str) -> dict:
    """The one row that comes back."""
    answer = learner.layout_report(spark, table)
    assert_columns(answer, REPORT)
    rows = collect(answer)
    assert len(rows) == 1, f"the report has {len(rows)} rows"
    return rows[0].asDict()


@pytest.fixture(scope="module")
def reported(learner, spark, shared_schema):
    """The report of a table whose files changed in six commits."""
    table = f"{shared_schema}.visits"
    write_cold_table(spark, table, VISITS, VISITED, partition_by=["day", "country"])
    return report_of(learner, spark, table)


@check("layout_report")
@cases(REPORTED)
def test_report(reported, case):
    """{case}"""
    for name, expected in zip(case.given, case.after, strict=True):
        found = reported[name]
        right = found == pytest.approx(expected) if name.endswith("skew") else found == expected
        assert right, f"{name} is {found!r}, and should be {expected!r}"


@check("layout_report")
def test_report_of_an_empty_table(learner, spark, shared_schema):
    """Reports a table without files and without partitions"""
    table = f"{shared_schema}.no_visits"
    write_cold_table(spark, table, "visit_id long, note string", [])
    expected = {
        "partition_columns": "",
        "files": 0,
        "bytes": 0,
        "median_bytes": None,
        "small_files": 0,
        "rows_per_file_skew": None,
        "columns_without_stats": [],
    }
    found = report_of(learner, spark, table)
    wrong = {name: found[name] for name in expected if found[name] != expected[name]}
    assert not wrong, f"of a table without files the report says {wrong}"


# --------------------------------------------------------------------- files_read, workload_cost

QUERIES = "query_id long, predicate string, runs_per_day long"
COST = "query_id long, files long, bytes long, bytes_per_day long"
CLICKS = "click_id long, at timestamp, shop_id long, code string, remark string, country string"


def clicks(number: int, country: str) -> ColdFile:
    """File 3 has the clicks 300 to 399, of 4 May, in 4 GiB; nothing is known of remarks."""
    ranges = {
        "click_id": (100 * number, 100 * number + 99),
        "at": (at(number + 1), at(number + 1, 23, 59)),
        "shop_id": (40, 99) if number % 2 else (1, 50),
        "code": ("a", "m") if number < 4 else ("n", "z"),
    }
    size = (number + 1) * GIB
    return ColdFile(size, 100, ranges, partition={"country": country})


PLACES = ["DE", "DE", "DE", "DE", "FR", "FR", "AT", "AT"]
CLICKED = [
    {
        # In each country the names begin with 0 anew.
        **{
            f"country={place}/{PLACES[:n].count(place)}.parquet": clicks(n, place)
            for n, place in enumerate(PLACES)
        },
        "country=DE/gone.parquet": clicks(2, "DE"),
    },
    # The second file is added once more, as happens when it gets new statistics.
    {"country=DE/gone.parquet": None, "country=FR/0.parquet": clicks(4, "FR")},
]
READ = [
    Case("everything", "Counts all files for a query without WHERE", given=[None], after=[8]),
    Case("partitions", "Leaves out files of other partitions", given=["country = 'FR'"], after=[2]),
    Case(
        "statistics",
        "Leaves out files whose statistics rule them out",
        given=["click_id between 250 and 320"],
        after=[2],
    ),
    Case(
        "both",
        "Leaves out files for one reason or the other",
        given=["country = 'DE' and shop_id > 60"],
        after=[2],
    ),
    Case(
        "no_row",
        "Counts files that can't be ruled out, and none where all are",
        given=["shop_id = 45", "click_id = 5000"],
        after=[8, 0],
    ),
    Case(
        "no_statistics",
        "Counts all files for a column without statistics",
        given=["remark = 'late'"],
        after=[8],
    ),
    Case(
        "functions",
        "Knows which functions of a column let files be ruled out",
        given=["hour(at) = 3", "date(at) = '2025-05-03'"],
        after=[8, 1],
    ),
]


@pytest.fixture(scope="module")
def clicked(spark, shared_schema):
    """A table of eight files in three countries."""
    table = f"{shared_schema}.clicks"
    write_cold_table(spark, table, CLICKS, CLICKED, partition_by=["country"])
    return table


@check("files_read")
@cases(READ)
def test_files_read(learner, spark, clicked, case):
    """{case}"""
    for predicate, expected in zip(case.given, case.after, strict=True):
        found = learner.files_read(spark, clicked, predicate)
        assert type(found) is int, f"an integer was expected, not {found!r}"
        where = f"WHERE {predicate}" if predicate else "no WHERE"
        assert found == expected, f"{where}: {found} files, and Spark opens {expected} of the 8"


@check("files_read")
def test_files_of_the_newest_version(learner, spark, shared_schema):
    """Counts the files of the newest version, each time that it is asked"""
    table = f"{shared_schema}.more_clicks"
    write_cold_table(spark, table, CLICKS, CLICKED[:1], partition_by=["country"])
    counts = [learner.files_read(spark, table, "click_id > 600")]
    write_cold_commit(spark, table, {"country=AT/2.parquet": clicks(8, "AT")})
    counts.append(learner.files_read(spark, table, "click_id > 600"))
    assert counts == [2, 3], f"2 files were opened, and 3 after a commit, not {counts}"


WORKLOAD = [
    (5, "shop_id = 45", 0),
    (7, "hour(at) = 3", 1),
    (3, "country = 'FR'", 10),
    (2, None, 3),
    (1, "country = 'FR'", 10),
    (4, "click_id = 5000", 50),
    (6, "click_id between 250 and 320", 500),
]
COSTS = [
    (6, 2, 7 * GIB, 3500 * GIB),
    (1, 2, 11 * GIB, 110 * GIB),
    (3, 2, 11 * GIB, 110 * GIB),
    (2, 8, 36 * GIB, 108 * GIB),
    (7, 8, 36 * GIB, 36 * GIB),
    (4, 0, 0, 0),
    (5, 8, 36 * GIB, 0),
]
PRICED = [
    Case("bytes", "Adds up the sizes of the files that a query opens", given=[6, 7], points=2),
    Case("twins", "Has a row for each of two queries with one predicate", given=[1, 3]),
    Case("everything", "Prices a query without a predicate", given=[2]),
    Case("nothing", "Prices a query that opens no file, and one that never runs", given=[4, 5]),
]


@pytest.fixture(scope="module")
def priced(learner, spark, frame, clicked):
    """The rows that come back, in their order."""
    answer = learner.workload_cost(spark, clicked, frame(QUERIES, WORKLOAD))
    assert_columns(answer, COST)
    return collect(answer)


@check("workload_cost")
@cases(PRICED)
def test_costs(priced, case):
    """{case}"""
    found = [row for row in priced if row.query_id in case.given]
    expected = [row for row in COSTS if row[0] in case.given]
    assert_rows(found, expected, key="query_id", columns=COST)


@check("workload_cost")
def test_order_of_costs(priced):
    """Puts the query first that reads most in a day; of equal ones, the lower number"""
    found = [row.query_id for row in priced]
    per_day = [f"{row.query_id} reads {row.bytes_per_day // GIB} GiB" for row in priced]
    assert found == [row[0] for row in COSTS], f"in this order: {', '.join(per_day)} a day"


@check("workload_cost")
def test_no_workload(learner, spark, frame, clicked):
    """Returns no rows for a workload without queries"""
    answer = learner.workload_cost(spark, clicked, frame(QUERIES, []))
    assert_columns(answer, COST)
    assert_rows(collect(answer), [], key="query_id", columns=COST)


# --------------------------------------------------------------------------------- choose_layout


def measured(text: str, columns: str, size: int = 900) -> tuple[dict, list[dict]]:
    """Statistics and a workload, from "9 100 a=10 b=40 x5": query 9 reads 100, by a 10; five runs.

    "x-" is a query that only the statistics know. `columns` has "a:200": the rarest value of a has
    200. All of these are in MiB; so is `size`.
    """
    queries, workload = {}, []
    for line in text.split(","):
        number, read, *by, runs = line.split()
        savings = {name: int(left) * MIB for name, left in (one.split("=") for one in by)}
        queries[int(number)] = {"bytes": int(read) * MIB, "by": savings}
        if runs != "x-":
            query = {"query_id": int(number), "predicate": "?", "runs_per_day": int(runs[1:])}
            workload.append(query)
    parts = [one.split(":") for one in columns.split()]
    smallest = {name: {"smallest_bytes": int(float(least) * MIB)} for name, least in parts}
    return {"bytes": size * MIB, "columns": smallest, "queries": queries}, workload


def chosen(name: str, title: str, text: str, columns: str, *, points: int = 1, **after) -> Case:
    reasons = {"reasons": {k: v * MIB for k, v in after.pop("reasons", {}).items()}}
    expected = {**after, **(reasons if reasons["reasons"] else {})}
    return Case(name, title, given=measured(text, columns), after=expected, points=points)


def sized(name: str, title: str, size: int, target: int) -> Case:
    stats, workload = measured("1 10 a=10 x1", "a:1")
    return Case(name, title, given=({**stats, "bytes": size}, workload), after={"target": target})


LAYOUTS = [
    chosen(
        "partition",
        "Partitions by the column that saves most of those whose rarest value fills a file",
        "1 800 small=1 fits=500 less=700 x1",
        "less:900 small:127.9 fits:128",
        partition_by=["fits"],
        points=2,
    ),
    chosen(
        "no_partition",
        "Partitions by nothing where no such column saves",
        "1 800 small=1 x1, 2 800 large=800 x1",
        "large:900 small:1",
        partition_by=[],
        cluster_by=["small"],
    ),
    chosen(
        "two",
        "Clusters by the two columns that save most, the one that saves more first",
        "1 800 a=700 x1, 2 800 b=600 x1, 3 800 c=500 x1",
        "a:1 b:1 c:1",
        partition_by=[],
        cluster_by=["c", "b"],
    ),
    chosen(
        "beside_the_partition",
        "Clusters by two columns beside the one it partitions by",
        "1 800 a=700 x1, 2 800 b=500 x1, 3 800 c=600 x1, 4 800 d=650 x1",
        "a:1 b:500 c:1 d:1",
        partition_by=["b"],
        cluster_by=["c", "d"],
    ),
    chosen(
        "runs",
        "Weighs what a run saves by the runs of a day",
        "1 800 deep=1 x3, 2 800 often=700 x40",
        "deep:1 often:1",
        cluster_by=["often", "deep"],
    ),
    chosen(
        "correlated",
        "Counts only what the columns chosen before leave",
        "1 800 day=100 hour=90 hint=110 x10, 2 800 shop=790 x1",
        "day:1 hour:1 hint:1 shop:1",
        cluster_by=["hour", "shop"],
        points=2,
    ),
    chosen(
        "best_so_far",
        "Lets a run read what the best of the chosen columns leaves, in partitions too",
        "1 800 country=300 shop=100 x1, 2 800 country=300 code=650 x1",
        "country:200 shop:1 code:1",
        partition_by=["country"],
        cluster_by=["shop"],
        reasons={"country": 1000, "shop": 200},
    ),
    chosen(
        "later",
        "Keeps what a column saves where one that is chosen later leaves more",
        "1 800 first=100 second=500 hint=300 x1, 2 800 second=100 x1, 3 800 third=700 x1",
        "first:200 second:1 hint:1 third:1",
        partition_by=["first"],
        cluster_by=["second", "third"],
    ),
    chosen(
        "worse",
        "Saves 0 for a query that would read more by a column",
        "1 100 a=50 b=70 x1, 2 100 a=900 x1",
        "a:1 b:1",
        cluster_by=["a"],
        reasons={"a": 50},
    ),
    chosen(
        "alphabet",
        "Takes the first in the alphabet where two columns save the same",
        "1 100 b=50 x1, 2 100 a=50 x1, 3 100 d=20 x1, 4 100 c=20 x1",
        "d:300 b:1 a:1 c:300",
        partition_by=["c"],
        cluster_by=["d", "a"],
    ),
    chosen(
        "not_in_the_workload",
        "Ignores queries that only the statistics know",
        "1 100 a=50 x1, 2 100 b=1 x-",
        "a:1 b:300",
        partition_by=[],
        cluster_by=["a"],
        stats_columns=["a"],
    ),
    chosen(
        "stats_columns",
        "Wants statistics of all columns that queries go by which run, in the table's order",
        "1 100 zone=20 x1, 2 100 b=30 x1, 3 100 a=40 day=99 x1, 4 100 never=1 x0, 5 100 even=100 x1",
        "zone:300 never:1 even:1 day:1 b:1 unused:1 a:1",
        stats_columns=["even", "day", "b", "a"],
        points=2,
    ),
    chosen(
        "reasons",
        "Says what each chosen column saves in a day, in the order of choice",
        "1 800 zone=100 x2, 2 800 b=700 a=600 x3, 3 800 c=799 x1",
        "zone:200 a:1 b:1 c:1",
        reasons={"zone": 1400, "a": 600, "c": 1},
    ),
    sized("small_table", "Aims at 128 MiB a file in a table below 1 TiB", GIB, 128 * MIB),
    sized("large_table", "Divides the size of a larger table by 8192", 2**41 + 8191, 256 * MIB),
    sized("huge_table", "Aims at 1 GiB a file at most", 2**44, GIB),
]
KEYS = {"partition_by", "cluster_by", "stats_columns", "target_file_bytes", "reasons"}


@check("choose_layout")
@cases(LAYOUTS)
def test_layout(learner, case):
    """{case}"""
    layout = learner.choose_layout(*copy.deepcopy(case.given))
    assert isinstance(layout, dict) and set(layout) == KEYS, (
        f"the keys should be {', '.join(sorted(KEYS))}; this came back: {layout!r}"
    )
    for name, expected in case.after.items():
        found = layout["target_file_bytes" if name == "target" else name]
        same = found == expected and (name != "reasons" or list(found) == list(expected))
        assert same, f"{name} is {found!r}, and should be {expected!r}"


@check("choose_layout")
def test_arguments_stay(learner):
    """Leaves its arguments as they were"""
    case = next(one for one in LAYOUTS if one.name == "best_so_far")
    given = copy.deepcopy(case.given)
    learner.choose_layout(*given)
    assert given == case.given, f"the arguments are now {given!r}"


# ---------------------------------------------------------------------------------- apply_layout

SALES = (
    "sale_id long, sold_at timestamp, customer_id long, shop_id long, price double, "
    "receipt string, country string"
)
CUSTOMERS = 12
SALE_ROWS = 2400
TARGET = 16 * 1024
FIRST_LAYOUT = {
    "partition_by": ["country"],
    "cluster_by": ["shop_id", "sale_id"],
    # A partition column until now: Delta refuses statistics of it before the partitions change.
    "stats_columns": ["sale_id", "customer_id", "shop_id"],
    "target_file_bytes": TARGET,
    "reasons": {"country": 9, "shop_id": 8, "sale_id": 7},
}
OTHER_LAYOUT = {
    "partition_by": ["country"],
    "cluster_by": ["price"],
    "stats_columns": ["shop_id", "price", "receipt"],
    "target_file_bytes": TARGET * 3 // 2,
    "reasons": {"country": 9, "price": 2},
}
# As a session may have them; what a function borrows it has to give back.
SETTINGS = {
    "spark.databricks.delta.optimize.maxFileSize": "123456789",
    "spark.databricks.delta.autoCompact.enabled": "false",
    "spark.databricks.delta.optimizeWrite.enabled": "false",
    "spark.sql.files.maxRecordsPerFile": "0",
    "spark.sql.sources.partitionOverwriteMode": "static",
}
PROPERTIES = {"delta.dataSkippingNumIndexedCols": "5", "team": "sales"}
SET_BY_DELTA = "spark.databricks.delta.lastCommitVersionInSession"
NULLS_IN_SALES = 40


def sales(rng: random.Random) -> list[tuple]:
    """Sales of 12 customers in two countries, with receipts that don't compress."""
    rows = []
    for number in range(SALE_ROWS):
        customer = number % CUSTOMERS
        row = (
            number,
            at(1) + timedelta(minutes=number),
            customer,
            rng.randrange(500),
            rng.randrange(50_000) / 100,
            None if number % NULLS_IN_SALES == 0 else f"{rng.getrandbits(400):0100x}",
            # Last, as saveAsTable wants a partition column of a table that it overwrites.
            "DE" if customer % 2 else "FR",
        )
        rows.append(row)
    return rows


@dataclass(frozen=True)
class Layout:
    """What a call made of the table: its log, its live files, their number before."""

    layout: dict
    partitions: list[str]
    bytes_before: int
    rows_in_versions: list[int]
    commits: list[list[dict]]
    live: dict[str, dict]
    stored: dict
    properties: dict[str, str]

    @property
    def stats_property(self) -> str | None:
        return self.properties.get("delta.dataSkippingStatsColumns")

    def actions(self, kind: str) -> list[dict]:
        return actions_of(self.commits, kind)


def actions_of(commits: list[list[dict]], kind: str) -> list[dict]:
    return [one[kind] for commit in commits for one in commit if kind in one]


def stats_of(add: dict) -> dict:
    return json.loads(add.get("stats") or "{}")


def laid_out(learner, spark, table: str, layout: dict) -> Layout:
    """Calls once, and looks at what the log says then."""
    live = live_files(spark, table)
    before = table_version(spark, table).number
    size = sum(add["size"] for add in live.values())
    learner.apply_layout(spark, table, copy.deepcopy(layout))
    # Not DESCRIBE DETAIL: that runs a job.
    log = log_since(spark, table, -1)
    told = [one["metaData"] for commit in log for one in commit if "metaData" in one][-1]
    commits, counts = log[before + 1 :], []
    for commit in commits:
        for action in commit:
            if "remove" in action:
                live.pop(action["remove"]["path"], None)
        live |= {one["add"]["path"]: one["add"] for one in commit if "add" in one}
        counts.append(sum(stats_of(add).get("numRecords", 0) for add in live.values()))
    return Layout(
        layout,
        told["partitionColumns"],
        size,
        counts,
        commits,
        live,
        stored_files(spark, table),
        told["configuration"],
    )


@dataclass(frozen=True)
class Applied:
    """A table that got a layout, the same again, and another one."""

    table: str
    same_table: bool
    rows: list
    first: Layout
    again: list[list[dict]]
    other: Layout
    settings: tuple[dict, dict]


@pytest.fixture(scope="module")
def sold(seed):
    return sales(random.Random(seed))


@pytest.fixture(scope="module")
def applied(learner, spark, sold, shared_schema):
    """Three calls on one table, which was partitioned by customer."""
    table = f"{shared_schema}.sales"
    commits = [Commit("WRITE", sold)]
    write_commits(spark, table, SALES, commits, PROPERTIES, partition_by="customer_id")
    identity = table_identity(spark, table)
    with settings(spark, SETTINGS):
        before = spark.conf.getAll
        first = laid_out(learner, spark, table, FIRST_LAYOUT)
        # What a function remembers of a table's name, in Python or in the session, ends here.
        table, old = f"{shared_schema}.sold", table
        spark.sql(f"ALTER TABLE {old} RENAME TO {table}")
        number = table_version(spark, table).number
        same_layout = {**FIRST_LAYOUT, "reasons": {"country": 1}}
        learner.apply_layout(spark, table, copy.deepcopy(same_layout))
        again = log_since(spark, table, number)
        other = laid_out(learner, spark, table, OTHER_LAYOUT)
        after = spark.conf.getAll
    same = table_identity(spark, table) == identity
    rows = table_rows(spark, table)
    assert_columns(spark.table(table), SALES)
    return Applied(table, same, rows, first, again, other, (before, after))


@check("apply_layout", points=2)
def test_rows_stay(applied, sold):
    """Keeps rows, columns and types, and does not drop the table"""
    assert applied.same_table, "the table was dropped and made again: its history is gone"
    assert_rows(applied.rows, sold, key="sale_id", columns=SALES)


@check("apply_layout", points=2)
def test_readers_find_all_rows(applied):
    """Leaves all rows in each version that a reader can meet"""
    counts = applied.first.rows_in_versions + applied.other.rows_in_versions
    wrong = [count for count in counts if count != SALE_ROWS]
    assert not wrong, f"a version has {wrong[0]} rows, and the table {SALE_ROWS}"


@check("apply_layout", points=2)
def test_written_once(applied):
    """Writes each row once, whatever changes"""
    for call in (applied.first, applied.other):
        written = sum(stats_of(add).get("numRecords", 0) for add in call.actions("add"))
        assert written <= SALE_ROWS, (
            f"one call wrote {written} rows to files, and the table has {SALE_ROWS}: some were "
            "written and removed again"
        )
        lost = call.live.keys() - call.stored.keys()
        assert not lost, f"{len(lost)} files of the log are not in the table's folder"


@check("apply_layout")
def test_partitions(applied):
    """Partitions the table as the layout says"""
    for call in (applied.first, applied.other):
        expected = call.layout["partition_by"]
        assert call.partitions == expected, f"partitioned by {call.partitions}, not {expected}"


@check("apply_layout", points=2)
def test_no_row_for_streams(applied):
    """Tells streams of no row, where the partition columns stay"""
    told = [one for kind in ("add", "remove") for one in applied.other.actions(kind)]
    wrong = sum(one["dataChange"] for one in told)
    assert told, "another layout was given, and no file was written"
    assert not wrong, (
        f"{wrong} of {len(told)} adds and removes have dataChange true. The partition columns were "
        "right already; a stream that reads the table gets its rows again"
    )


@check("apply_layout", points=2)
def test_files_for_one_value(applied):
    """Lets a filter on one value of a clustering column read half of the files at most"""
    for call, name, value in [
        (applied.first, "shop_id", 250),
        (applied.first, "sale_id", 1200),
        (applied.other, "price", 250.0),
    ]:
        files = len(call.live)
        read = sum(may_hold(add, name, value) for add in call.live.values())
        assert 2 * read <= files, f"a filter on one {name} reads {read} of {files} files"


def may_hold(add: dict, name: str, value: float) -> bool:
    """Whether a file's statistics leave room for this value, as Spark asks before it opens one."""
    stats = stats_of(add)
    least, greatest = (stats.get(ends, {}).get(name) for ends in ("minValues", "maxValues"))
    return least is None or least <= value <= greatest


@check("apply_layout", points=2)
def test_file_sizes(applied):
    """Writes neither files that are too large nor too many"""
    for call in (applied.first, applied.other):
        target = call.layout["target_file_bytes"]
        largest = max(call.stored[path].bytes for path in call.live)
        assert largest <= 2 * target, f"a file has {largest} bytes, the target is {target}"
        countries = 2
        most = 2 * -(-call.bytes_before // target) + countries
        assert len(call.live) <= most, (
            f"there are {len(call.live)} files, where at most {most} were expected: "
            f"{call.bytes_before} bytes were there before, and the target is {target}"
        )


@check("apply_layout", points=2)
def test_statistics(applied):
    """Has statistics of the columns that the layout names, in each file and in later ones"""
    for call in (applied.first, applied.other):
        wanted = call.layout["stats_columns"]
        named = [name.strip(" `") for name in (call.stats_property or "").split(",")]
        assert sorted(named) == sorted(wanted), (
            f"delta.dataSkippingStatsColumns is {call.stats_property!r}, the layout has {wanted}"
        )
        lacking = [
            path
            for path, add in call.live.items()
            if set(wanted) - set(stats_of(add).get("nullCount", {}))
        ]
        assert not lacking, (
            f"{len(lacking)} of {len(call.live)} files have no statistics of a column in {wanted}"
        )


@check("apply_layout")
def test_properties_stay(applied):
    """Keeps the table's other properties"""
    for call in (applied.first, applied.other):
        for name, value in PROPERTIES.items():
            found = call.properties.get(name)
            assert found == value, (
                f"{name} was {value!r} before the call, and is {found!r} after it"
            )


@check("apply_layout", points=2)
def test_again_writes_nothing(applied):
    """Writes no file when the table has the layout, under whatever name"""
    adds, removes = (actions_of(applied.again, kind) for kind in ("add", "remove"))
    assert not adds and not removes, (
        f"the same layout again, after a RENAME: {len(adds)} files written, {len(removes)} removed. "
        "A nightly job that does so rewrites the table each night"
    )


@check("apply_layout")
def test_another_layout_is_applied(applied):
    """Applies another layout"""
    assert applied.other.actions("add"), "another layout was given, and no file was written"


@check("apply_layout")
def test_settings_stay(applied):
    """Leaves the settings of the session as they were"""
    before, after = applied.settings
    for name in sorted((before.keys() | after.keys()) - {SET_BY_DELTA}):
        assert before.get(name) == after.get(name), (
            f"{name} was {before.get(name)} before the calls, and is {after.get(name)} after them"
        )


# -------------------------------------------------------------------------------------- sargable

MONTHS = [(2023, 12), *((2024, month) for month in range(1, 13)), (2025, 1)]
PARCELS = "parcel_id long, sent timestamp, code string"
CODES = "c c5 c5x c5xy c6 C5 5c xc5 c% c%9 cab c_ c_a d%"
PARCEL_ROWS = [
    *((number, None, None) for number in (0, 7, -7, 99, 100, 101, 149, 150, 151, 200, 250)),
    *(
        (None, time, None)
        for time in [
            datetime(2023, 12, 31, 23, 59, 59, 999_999),
            datetime(2024, 1, 1),
            datetime(2024, 1, 31, 23, 59, 59, 500_000),
            datetime(2024, 2, 1),
            datetime(2024, 2, 28, 12),
            datetime(2024, 2, 29, 3),
            datetime(2024, 2, 29, 23, 59, 59, 999_999),
            datetime(2024, 3, 1),
            datetime(2024, 11, 30, 23, 59, 59, 999_999),
            datetime(2024, 12, 1),
            datetime(2024, 12, 31, 23, 59, 59, 999_999),
            datetime(2025, 1, 1),
            datetime(2025, 2, 3),
        ]
    ),
    *((None, None, code) for code in [*CODES.split(), "", "c5 ", "c5\U0010ffff", "\u00e9t"]),
]


def parcels(number: int) -> ColdFile:
    """File 3 has the parcels 300 to 399, of one month, with codes that begin with d."""
    year, month = MONTHS[number]
    first, letter = datetime(year, month, 1), "abcdefghijklmn"[number]
    ranges = {
        "parcel_id": (100 * number, 100 * number + 99),
        "sent": (first, first + timedelta(days=27, hours=23)),
        "code": (f"{letter}", f"{letter}~"),
    }
    return ColdFile(GIB, 100, ranges)


# To plan a query costs more than to compare its rows. So the files of some answers are not looked at:
# it is enough that they are another text. Of a predicate that holds for no row any answer will do.
FEWER, NO_ROW = "fewer than all", "any"


def rewritten(name: str, title: str, given: dict[str, int | str], points: int = 1) -> Case:
    """Predicates, and how many of the fourteen files a query then reads at most."""
    return Case(name, title, given=list(given), after=list(given.values()), points=points)


REWRITTEN = [
    rewritten(
        "casts",
        "Compares a long that is cast to text",
        {"cast(parcel_id as string) = '150'": 1, "cast(parcel_id as string) = '-7'": FEWER},
    ),
    rewritten(
        "no_number",
        "Holds for no row where the text is not what a cast of a number gives",
        {
            "cast(parcel_id as string) = '0150'": NO_ROW,
            "cast(parcel_id as string) = '+7'": NO_ROW,
            "cast(parcel_id as string) = ' 7'": NO_ROW,
            "cast(parcel_id as string) = '7.0'": NO_ROW,
            "cast(parcel_id as string) = '-0'": NO_ROW,
            "cast(parcel_id as string) = 'seven'": NO_ROW,
        },
    ),
    rewritten(
        "sums",
        "Solves sums and differences",
        {
            "parcel_id + 50 = 200": 1,
            "parcel_id - 50 = 200": 1,
            "parcel_id + 50 = 43": FEWER,
            "parcel_id - 150 = -50": FEWER,
        },
        points=2,
    ),
    rewritten(
        "bounds",
        "Solves sums and differences that are compared with a bound",
        {
            "parcel_id + 50 < 200": 2,
            "parcel_id + 50 <= 200": FEWER,
            "parcel_id - 50 > 100": FEWER,
            "parcel_id - 50 >= 100": 13,
        },
    ),
    rewritten(
        "years",
        "Finds the instants of a year, its first and its last among them",
        {"year(sent) = 2024": 12, "year(sent) = 2025": FEWER},
    ),
    rewritten(
        "months",
        "Finds the instants of a month, in a leap year and in December too",
        {
            "year(sent) = 2024 and month(sent) = 2": 1,
            "year(sent) = 2024 and month(sent) = 12": 1,
            "year(sent) = 2024 and month(sent) = 1": FEWER,
            "year(sent) = 2024 and month(sent) = 11": FEWER,
        },
        points=2,
    ),
    rewritten(
        "beginnings",
        "Finds texts by their beginning",
        {"substr(code, 1, 2) = 'c5'": 1, "substr(code, 1, 1) = 'c'": FEWER},
    ),
    rewritten(
        "signs",
        "Takes % and _ for themselves",
        {"substr(code, 1, 2) = 'c%'": 1, "substr(code, 1, 2) = 'c_'": FEWER},
    ),
    rewritten(
        "lengths",
        "Knows what a text means that is shorter or longer than the beginning",
        {"substr(code, 1, 3) = 'c5'": 1, "substr(code, 1, 1) = 'c5'": NO_ROW},
    ),
]
AS_THEY_ARE = [
    Case(
        "dates",
        "Leaves a date of a timestamp as it is",
        given=["date(sent) = '2024-03-01'", "cast(sent as date) = '2024-03-01'"],
    ),
    Case(
        "no_range",
        "Leaves hours, months and the middle of a text as they are",
        given=["hour(sent) = 3", "month(sent) = 2", "substr(code, 2, 2) = 'c5'"],
    ),
    Case(
        "others",
        "Leaves every predicate of another form as it is",
        given=[
            "parcel_id = 7",
            "code like 'c%'",
            "year(sent) = 2024 or month(sent) = 2",
            "year(sent) = 2024 and month(other) = 2",
            "year(sent) = 2024 and hour(sent) = 2",
            "parcel_id + 1 = 7 or code = 'c'",
            "parcel_id + 1 = other",
            "parcel_id * 2 = 14",
            "not year(sent) = 2024",
        ],
    ),
]


@pytest.fixture(scope="module")
def parcel_files(spark, shared_schema):
    """A table of fourteen files, one a month."""
    table = f"{shared_schema}.parcels"
    files = {f"{number}.parquet": parcels(number) for number in range(len(MONTHS))}
    write_cold_table(spark, table, PARCELS, [files])
    return table


@pytest.fixture(scope="module")
def answers(learner):
    """What comes back for each predicate of the cases."""
    return {
        predicate: learner.sargable(predicate) for case in REWRITTEN for predicate in case.given
    }


@pytest.fixture(scope="module")
def truth(answers, frame):
    """For each predicate the rows for which it holds, and those for which the answer does."""
    rows = frame(PARCELS, PARCEL_ROWS)
    texts = [*answers, *(text for text in answers.values() if understood(rows, text))]
    held = rows.selectExpr(*[f"coalesce({text}, false)" for text in texts])
    columns = list(zip(*collect(held), strict=True))
    return dict(zip(texts, columns, strict=True))


def understood(rows, text) -> bool:
    """Whether Spark takes a text for a predicate."""
    try:
        rows.where(text)
    except Exception:
        return False
    return True


@check("sargable")
@cases(REWRITTEN)
def test_predicates(spark, answers, truth, parcel_files, case):
    """{case}"""
    for predicate, most in zip(case.given, case.after, strict=True):
        answer = answers[predicate]
        assert answer in truth, f"{predicate} became {answer!r}, which Spark doesn't understand"
        for row, (before, after) in zip(
            PARCEL_ROWS, zip(truth[predicate], truth[answer], strict=True), strict=True
        ):
            assert before == after, (
                f"{predicate} became {answer}. For {said(row)} the first is "
                f"{str(before).lower()}, the second {str(after).lower()}"
            )
        if most == FEWER:
            assert answer != predicate, f"{predicate} came back as it is, and reads all files"
        if not isinstance(most, int):
            continue
        files = len(spark.table(parcel_files).where(answer).inputFiles())
        assert files <= most, (
            f"{predicate} became {answer}, which reads {files} of {len(MONTHS)} files; the least "
            f"and greatest values of {most} leave room for a row"
        )


def said(row: tuple) -> str:
    names = [part.split()[0] for part in PARCELS.split(",")]
    return next(f"{n} {value!s}" for n, value in zip(names, row, strict=True) if value is not None)


@check("sargable")
@cases(AS_THEY_ARE)
def test_predicates_that_stay(learner, case):
    """{case}"""
    for predicate in case.given:
        answer = learner.sargable(predicate)
        assert answer == predicate, f"{predicate} became {answer}, and gains nothing by it"

"""Checks of lab 07: nights made by hand, rows that tests stop, models that unit tests stop."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from pyspark.sql import DataFrame

from labkit.checks import Case, assert_columns, assert_rows, cases, check
from labkit.checks.dbt import (
    DataTests,
    Node,
    UnitTests,
    dbt_of,
    read_unit_tests,
    require_files,
    require_success,
    rows_as_sql,
)

HINTS = {
    "fct_orders": [
        "Write the first build before the incremental one: one row per order, its newest change. "
        "`row_number()` over the changes of an order is enough.",
        "The window is a `where` on the landing, only when `is_incremental()`: from three days "
        "before `max(updated_at)` of `{{ this }}` on.",
        "The landing forgets. A late change may be the newest one *there* and still be older "
        "than the row in the table. How can the query find out from `{{ this }}`?",
        "A condition in the MERGE's ON clause (`incremental_predicates`) turns a match into an "
        "insert. Leave the row out of the model's result: `not exists (select ...)`.",
    ],
    "customers_snapshot": [
        "A snapshot reads one row per customer, and the extract has some twice. Put a model "
        "in between, and let the snapshot's `relation` be a `ref`.",
        "The strategy `timestamp` makes a version whenever `updated_at` is new. `check` compares "
        "columns, and begins a version at the time of the run unless its config names a column.",
        "`hard_deletes` says what happens to a customer who is missing. By default nothing does.",
        "`snapshot_meta_column_names` renames dbt's columns. `is_current` follows from the end.",
    ],
    "properties": [
        "A model's properties file holds columns with their tests, and `config: contract: "
        "enforced: true`, which needs a `data_type` for each column.",
        "`relationships` asks whether a customer is known, not whether they are current. "
        "`unique` on a column that has several versions by design fails on good data.",
        "What YAML can't express, a file in `tests/` can: a query that returns the rows that must "
        "not exist. Two versions overlap when each begins before the other ends.",
    ],
    "unit_tests": [
        "A unit test of an incremental run overrides `is_incremental` and gives rows of two "
        "inputs: `source('raw', 'orders_landing')` and `this`.",
        "Rows name only the columns that matter; dbt fills the others with null. `expect` is "
        "what the model returns, that is what will be merged, and not the table afterwards.",
        "Ask of each rule of Task 1 which row would come out otherwise if the rule were broken.",
    ],
}

PROJECT = {
    "dbt_project.yml": """\
name: shop
version: "1.0"
profile: labkit
models: {shop: {+file_format: delta}}
snapshots: {shop: {+file_format: delta}}
""",
    "models/sources.yml": """\
sources:
  - name: raw
    schema: "{{ target.schema }}"
    tables: [{name: orders_landing}, {name: customers_extract}]
""",
    "macros/clock.sql": """\
{% macro snapshot_get_time() -%} to_timestamp('{{ var("run_at") }}') {%- endmacro %}
""",
}
ORDERS = (
    "order_id long, customer_id long, status string, amount decimal(10,2), "
    "is_deleted boolean, updated_at timestamp"
)
CUSTOMERS = "customer_id long, name string, city string, updated_at timestamp"
DIMENSION = (
    "customer_id long, name string, city string, "
    "effective_from timestamp, effective_to timestamp, is_current boolean"
)
DDL = {
    "orders_landing": ORDERS,
    "customers_extract": CUSTOMERS,
    "fct_orders": ORDERS,
    "dim_customers": DIMENSION,
}


def at(text: str) -> datetime:
    """An instant of March 2026: "10-9" is the 10th, 9:00, "10-9+1" a millisecond later.

    "2019" is the first of March of that year.
    """
    moment, _, later = text.partition("+")
    day, *time = map(int, moment.split("-"))
    start = datetime(2026, 3, day, *time) if day <= 31 else datetime(day, 3, 1)
    return start + timedelta(milliseconds=int(later or 0))


def run_at(night: int) -> datetime:
    return at(f"{9 + night}-22")


def land(spark, schema: str, **relations: list[tuple]) -> None:
    """Views that hold these rows."""
    for name, rows in relations.items():
        text = rows_as_sql(DDL[name], rows)
        spark.sql(f"CREATE OR REPLACE VIEW {schema}.{name} AS {text}")


class Nights(NamedTuple):
    """What a task's builds made: its relation, the rows after each night, dbt's nodes."""

    relation: DataFrame
    rows: list[dict]
    nodes: dict[str, Node]


def build_nights(learner, spark, schema: str, task: str, landed: list[dict], more=()) -> Nights:
    """dbt builds the files of a task, and `more`, after each of `landed`, relations of a night."""
    dbt, files = dbt_of(learner), getattr(learner, task)()
    require_files(task, files)
    name = "fct_orders" if task == "fct_orders" else "dim_customers"
    land(spark, schema, orders_landing=[], customers_extract=[])
    rows = []
    most = 500 + 2 * sum(len(rows_of) for night in landed for rows_of in night.values())
    for night, relations in enumerate(landed, 1):
        land(spark, schema, **relations)
        clock = ("--vars", f"{{run_at: '{run_at(night)}'}}")
        project = {**PROJECT, **dict(more), **files}
        run = dbt(schema, task, project, "build", "--exclude-resource-type", "unit_test", *clock)
        require_success(run, f"on night {night}")
        made = spark.catalog.tableExists(f"{schema}.{name}")
        assert made, f"dbt made no {name}; is there a model of this name?"
        relation = spark.table(f"{schema}.{name}")
        rows += [{"night": night, **row.asDict()} for row in relation.limit(most).collect()]
    return Nights(relation, rows, run.nodes)


def cases_of(titles: dict[str, str], lines: list[tuple]) -> list[Case]:
    """A case for each title, given the lines that begin with its name."""
    return [
        Case(name, title, given=[rest for of, *rest in lines if of == name])
        for name, title in titles.items()
    ]


def by_night(text: str) -> list[tuple[int, str]]:
    """The parts of "a b | = |" with the number of their night; = is the part before."""
    found: list[tuple[int, str]] = []
    for night, parts in enumerate(text.split("|"), 1):
        for part in parts.split():
            found.append((night, found[-1][1] if part == "=" else part))
    return found


def delivered(lines: list[tuple], row_of, night: int) -> list[tuple]:
    """The rows of a night; `row_of` makes one of a key and a part."""
    found = [(key, when, part) for _, key, text, _ in lines for when, part in by_night(text)]
    return [row_of(key, part) for key, when, part in found if when == night]


def assert_nights(nights: Nights, case: Case, expected: list[tuple], ddl: str, *key: str) -> None:
    """The rows of the case's keys after each night; the reason ends with what was delivered."""
    keys = {number for number, *_ in case.given}
    found = [row for row in nights.rows if row.get(key[0]) in keys]
    try:
        assert_rows(found, expected, key=("night", *key), columns=f"night int, {ddl}")
    except AssertionError as reason:
        told = "".join(f"\n  {key[0]} {number}: {text}" for number, text, _ in case.given)
        how = (
            "delivered on nights 1 | 2 | 3 (day-hour of March, or a year; +1: a millisecond later; "
            "= is the same again):"
        )
        raise AssertionError(f"{reason}\n{how}{told}") from None


SPECIAL = {"null": None, "empty": "", "padded": "Bergen "}


# ------------------------------------------------------------------------------------- fct_orders


def order(order_id: int, change: str) -> tuple:
    """A row of "10-9:paid", its time and status; "deleted" is a paid order that was deleted.

    Customer and amount follow from the hour, so a newer change differs in all columns. The order
    of "10-9:null" has only ids and a time.
    """
    when, status = change.split(":")
    time, gone = at(when), None if status == "null" else status == "deleted"
    paid = None if status == "null" else Decimal(order_id * 10 + time.hour)
    said = ("paid" if gone else SPECIAL.get(status, status), paid, gone)
    return (order_id, (order_id + time.hour) % 3 + 1, *said, time)


ORDER_TITLES = {
    "newest": "Has one row per order, its newest change, also when it was delivered twice",
    "updates": "Merges new orders and newer changes, which replace the whole row of their order",
    "late": "Takes changes that come late, up to three days older than the newest in the table",
    "edge": "Takes a change that is exactly three days older than the newest in the table",
    "before": "Leaves out what is more than three days older, although the landing holds it",
    "older": "Keeps the newer row when an older change comes late, also when the landing forgot it",
    "deleted": "Keeps a deleted order as a row with is_deleted; no older change brings it back",
    "forgotten": "Takes old orders in the first build, and keeps what the landing has forgotten",
    "again": "Leaves orders as they are whose changes come again",
}
# Case, order, what the nights deliver, its row after each. The landing holds two nights.
ORDER_LINES = [
    ("newest", 1, "9-8:new 10-9:paid 10-9:paid | 10-9:paid |", "10-9:paid | = | ="),
    ("newest", 5, "9-12:new | 11-3:shipped 11-1:paid |", "9-12:new | 11-3:shipped | ="),
    ("newest", 19, "9-9:new 9-9+1:paid | 9-9+2:shipped |", "9-9+1:paid | 9-9+2:shipped | ="),
    ("newest", 20, "9-9+1:new 9-9:paid | |", "9-9+1:new | = | ="),
    ("newest", 24, "9-10:null | |", "9-10:null | = | ="),
    ("updates", 9, "10-19:new | | 12-8:paid", "10-19:new | = | 12-8:paid"),
    ("updates", 10, "| 11-20:new |", "| 11-20:new | ="),
    ("updates", 14, "| | 12-8:new", "| | 12-8:new"),
    ("updates", 17, "10-9:new | 11-10:null |", "10-9:new | 11-10:null | ="),
    ("updates", 21, "2019:new | | 12-8:paid", "2019:new | = | 12-8:paid"),
    ("updates", 22, "10-8:deleted | 11-9:paid |", "10-8:deleted | 11-9:paid | ="),
    ("late", 11, "| 9-6:new | 12-9:shipped", "| 9-6:new | 12-9:shipped"),
    ("late", 15, "| | 10-6:new", "| | 10-6:new"),
    ("edge", 23, "10-20+1:deleted | |", "10-20+1:deleted | = | ="),
    ("edge", 12, "| 7-20+1:new |", "| 7-20+1:new | ="),
    ("before", 6, "2:new | 5:paid |", "2:new | = | ="),
    ("before", 13, "| 7-20:new |", "| |"),
    ("older", 3, "10-12:paid | 11-9:shipped | 11-5:paid", "10-12:paid | 11-9:shipped | ="),
    ("older", 7, "10-18:shipped | | 10-15:paid", "10-18:shipped | = | ="),
    ("deleted", 8, "10-10:deleted 9-10:new | | 10-9:new", "10-10:deleted | = | ="),
    ("deleted", 4, "10-8:new | 11-10:deleted | 11-8:paid", "10-8:new | 11-10:deleted | ="),
    ("deleted", 16, "| 11-12:deleted |", "| 11-12:deleted | ="),
    ("forgotten", 2, "1:shipped 1:shipped | |", "1:shipped | = | ="),
    ("again", 18, "9-20:new | 9-20:new | 9-20:new", "9-20:new | = | ="),
]
# A table of the next century: the clock of the run is far behind its newest change.
READS_THIS = {
    "models/reads_this.yml": """\
unit_tests:
  - name: reads_this
    model: "fct_orders"
    overrides: {"macros": {"is_incremental": true}}
    given:
      - input: source('raw', 'orders_landing')
        rows:
          - {order_id: 1, updated_at: "2126-01-08"}
          - {order_id: 3, updated_at: "2125-12-08"}
      - {input: this, rows: [{order_id: 2, updated_at: "2126-01-10"}]}
    expect: {rows: [{order_id: 1}]}
"""
}


@pytest.fixture(scope="module")
def orders(learner, spark, shared_schema) -> Nights:
    nights = [delivered(ORDER_LINES, order, night) for night in range(4)]
    landed = [{"orders_landing": nights[n - 1] + nights[n]} for n in (1, 2, 3)]
    return build_nights(learner, spark, shared_schema, "fct_orders", landed, READS_THIS)


@check("fct_orders")
@cases(cases_of(ORDER_TITLES, ORDER_LINES))
def test_orders(orders, case):
    """{case}"""
    after = [(key, *part) for key, _, text in case.given for part in by_night(text)]
    expected = [(night, *order(key, change)) for key, night, change in after]
    assert_nights(orders, case, expected, ORDERS, "order_id")


@check("fct_orders")
def test_columns_of_orders(orders):
    """Has the six columns, in order, with their types"""
    assert_columns(orders.relation, ORDERS)


@check("fct_orders")
def test_nights_are_merged_into_the_table(spark, shared_schema, orders):
    """Merges each night into the table and doesn't write the table anew"""
    history = spark.sql(f"DESCRIBE HISTORY {shared_schema}.fct_orders").orderBy("version")
    found = [row.operation for row in history.collect()]
    assert set(found[1:]) <= {"MERGE"}, (
        f"the history of fct_orders holds {', '.join(found)}; after the first build every "
        "operation is a MERGE"
    )


@pytest.fixture(scope="module")
def reads_this(learner, shared_schema, orders) -> str:
    """Whether a unit test passes that gives rows in place of the table."""
    files = {**PROJECT, **READS_THIS, **learner.fct_orders()}
    test = ("test", "--select", "reads_this")
    run = dbt_of(learner)(shared_schema, "fct_orders", files, *test)
    said = [result.message for result in run.results if result.status == "error"]
    assert not said, (
        "a unit test that gives rows in place of the table can't run on this model: "
        f"{' '.join(said[0].split()):.500}"
    )
    return run.results[0].status


@check("fct_orders")
def test_the_clock_does_not_count(reads_this):
    """Counts the three days from the newest change in the table, whatever the time is now"""
    assert reads_this == "pass", (
        "the newest change in the table was of 10 January 2126. Of the landed changes, of 8 "
        "January 2126 and 8 December 2125, the model returns the first and leaves out the second"
    )


@check("fct_orders")
def test_a_contract_and_unit_tests_can_be_added(orders, request):
    """Is ready for Tasks 3 and 4: on_schema_change is set, and {{ this }} is read in SQL"""
    node = next(node for node in orders.nodes.values() if node.name == "fct_orders")
    found = node.config.get("on_schema_change")
    assert found in ("fail", "append_new_columns"), (
        f"on_schema_change is {found}; it is fail or append_new_columns"
    )
    request.getfixturevalue("reads_this")


# ----------------------------------------------------------------------------- customers_snapshot


def customer(customer_id: int, part: str) -> tuple:
    """A row of "1:Bergen" or "1:Name/Bergen"; some words stand for SPECIAL values."""
    when, said = part.split(":")
    name, city = said.split("/") if "/" in said else (f"C{customer_id}", said)
    return (customer_id, SPECIAL.get(name, name), SPECIAL.get(city, city), at(when))


def versions(customer_id: int, text: str, known: datetime = datetime.max) -> list[tuple]:
    """The dimension's rows of "1:Bergen 5:gone 9:Porto" as they are `known` at a time."""
    points = [customer(customer_id, part) for part in text.split()]
    points = [point for point in points if point[-1] <= known]
    ends = [*(point[-1] for point in points[1:]), None]
    found = [(*point, end, end is None) for point, end in zip(points, ends, strict=False)]
    return [row for row in found if row[2] != "gone"]


CUSTOMER_TITLES = {
    "changes": "Closes a version and opens the next at the time of the change, not of the run",
    "nulls": "Makes a version of a change from or to null, and keeps null apart from empty text",
    "touched": "Makes no version of a row in which only updated_at is new",
    "missing": "Closes the version of a customer who is missing, once and at the time of the run",
    "returns": "Opens a new version for a customer who returns, and leaves the gap",
    "twice": "Takes the newest of several rows of a customer in an extract, and that row alone",
    "again": "Leaves a customer's history as it is when the extract says the same again",
}
# Case, customer, the extracts of the nights, the versions in the end.
CUSTOMER_LINES = [
    ("changes", 1, "2019:Bergen | 11-5:Porto | 12-5:Bergen", "2019:Bergen 11-5:Porto 12-5:Bergen"),
    ("changes", 9, "1:Bergen | 11-4:Anna/Bergen | =", "1:Bergen 11-4:Anna/Bergen"),
    ("changes", 7, "| 11-10:Turku | =", "11-10:Turku"),
    ("changes", 21, "10-9:Bergen | 10-23:Porto | =", "10-9:Bergen 10-23:Porto"),
    ("changes", 15, "1:Bergen | 11-4:BERGEN | =", "1:Bergen 11-4:BERGEN"),
    ("changes", 16, "1:Bergen | 11-4:padded | =", "1:Bergen 11-4:padded"),
    ("changes", 22, "1:Ann/Bergen | 11-4:ANN/Bergen | =", "1:Ann/Bergen 11-4:ANN/Bergen"),
    ("changes", 17, "1:Ann/Aberg | 11-4:AnnA/berg | =", "1:Ann/Aberg 11-4:AnnA/berg"),
    ("nulls", 3, "1:null | 11-7:empty | 12-7:null", "1:null 11-7:empty 12-7:null"),
    ("nulls", 23, "1:null/Rome | 11-7:empty/Rome | =", "1:null/Rome 11-7:empty/Rome"),
    ("nulls", 10, "1:Ghent | 11-3:null/Ghent | 12-3:Ghent", "1:Ghent 11-3:null/Ghent 12-3:Ghent"),
    ("nulls", 14, "1:Ghent/null | 11-3:null/Ghent | =", "1:Ghent/null 11-3:null/Ghent"),
    ("touched", 2, "1:Bergen | 11-6:Bergen | 12-6:Lucca", "1:Bergen 12-6:Lucca"),
    ("missing", 4, "1:Bergen | |", "1:Bergen 11-22:gone"),
    ("returns", 5, "1:Bergen | | 12-8:Bergen", "1:Bergen 11-22:gone 12-8:Bergen"),
    ("twice", 6, "1:Lucca | 1:Lucca 11-9:Anna/Porto | =", "1:Lucca 11-9:Anna/Porto"),
    ("twice", 11, "1:Ghent | 11-9:Zoe/Bergen 1:Ghent | 11-9:Zoe/Bergen", "1:Ghent 11-9:Zoe/Bergen"),
    ("twice", 20, "1:Ghent | 1:Ghent 11-9:null | =", "1:Ghent 11-9:null"),
    ("twice", 18, "1:Ghent | 11-9:Ghent 11-9+1:Porto | =", "1:Ghent 11-9+1:Porto"),
    ("twice", 19, "1:Porto | 11-9+1:Ghent 11-9:Porto | 11-9+1:Ghent", "1:Porto 11-9+1:Ghent"),
    ("twice", 8, "1:Bergen = | = = | =", "1:Bergen"),
    ("again", 12, "1:Porto | = | =", "1:Porto"),
    ("again", 13, "1:null | = | =", "1:null"),
]


@pytest.fixture(scope="module")
def customers(learner, spark, shared_schema) -> Nights:
    nights = [delivered(CUSTOMER_LINES, customer, night) for night in (1, 2, 3)]
    landed = [{"customers_extract": rows} for rows in nights]
    return build_nights(learner, spark, shared_schema, "customers_snapshot", landed)


@check("customers_snapshot")
@cases(cases_of(CUSTOMER_TITLES, CUSTOMER_LINES))
def test_versions(customers, case):
    """{case}"""
    keys = [(night, key, text) for night in (1, 2, 3) for key, _, text in case.given]
    expected = [
        (night, *row) for night, key, text in keys for row in versions(key, text, run_at(night))
    ]
    assert_nights(customers, case, expected, DIMENSION, "customer_id", "effective_from")


@check("customers_snapshot")
def test_the_history_is_a_snapshot(customers):
    """Keeps the history in a snapshot, which dim_customers reads, with the columns asked for"""
    assert_columns(customers.relation, DIMENSION)
    nodes = customers.nodes
    behind = {key for key, node in nodes.items() if node.name == "dim_customers"}
    while more := {name for key in behind for name in nodes[key].parents if name in nodes} - behind:
        behind |= more
    found = [(nodes[key].type, nodes[key].name) for key in behind]
    assert ("snapshot", "customers_snapshot") in found, (
        "dim_customers reads no snapshot called customers_snapshot, neither itself nor through "
        "another model"
    )


# ------------------------------------------------------------------------------------- properties

# dbt knows them as views of sources; a check shows its own rows in their place.
STUBS = {
    "models/fct_orders.sql": "{{ config(materialized='view') }}\n"
    "select * from {{ source('raw', 'orders_landing') }}",
    "models/dim_customers.sql": "{{ config(materialized='view') }}\n"
    "select *, updated_at as effective_from, updated_at as effective_to, true as is_current "
    "from {{ source('raw', 'customers_extract') }}",
}
FIRST = order(2, "2019:deleted")  # of customer 3, who left
OTHERS = [
    *(order(1, "10:shipped"), order(3, "11:deleted"), order(6, "11:new")),
    (4, 1, "cancelled", 0, False, at("11")),
]
LEFT = versions(3, "2:Bergen 4:gone")
KNOWN = [
    *versions(1, "1:Bergen 3:Porto 3-1:Lucca 5:Bergen"),
    *versions(2, "1:Bergen 4:gone 6:null"),
    *versions(4, "1:null"),
]
GOOD = {"fct_orders": [FIRST, *OTHERS], "dim_customers": [*LEFT, *KNOWN]}


def third(start: str, end: str | None, current: bool) -> tuple:
    """A version of customer 3, who lives in a city of that time."""
    return (3, "C3", f"City {start}", at(start), end and at(end), current)


OPEN = third("3", None, True)
BAD_TITLES = {
    "keys": "Stops an order that is there twice, one without an id, one without a customer",
    "values": "Stops an order of an unknown customer, an unknown status, an amount below zero",
    "current": "Stops a customer with two current versions, and a version without a customer",
    "overlaps": "Stops versions of a customer that overlap, closed ones as well",
    "ends": "Stops versions that end at or before their beginning, and flags that contradict it",
}
# Case, bug, rows in place of the first order, which is old and deleted, or of customer 3.
BAD_ORDERS = [
    ("keys", "an order is there twice", FIRST, FIRST),
    ("keys", "an order is there as it was and as it is", FIRST, order(2, "11:new")),
    ("keys", "an order_id is null", (None, *FIRST[1:])),
    ("keys", "a customer_id of an order is null", (2, None, *FIRST[2:])),
    ("values", "dim_customers doesn't know the customer of an order", (2, 99, *FIRST[2:])),
    ("values", "a status is none of the four", (2, 3, "lost", *FIRST[3:])),
    ("values", "a status is PAID", (2, 3, "PAID", *FIRST[3:])),
    ("values", "a status ends with a blank", (2, 3, "paid ", *FIRST[3:])),
    ("values", "a status is empty", (2, 3, "", *FIRST[3:])),
    ("values", "an amount is below zero", (2, 3, "paid", Decimal("-0.01"), *FIRST[4:])),
]
BAD_VERSIONS = [
    ("current", "a customer has two current versions", OPEN, OPEN),
    ("current", "a customer_id in dim_customers is null", *LEFT, (None, *OPEN[1:])),
    ("current", "the customer_id of a closed one is null", *LEFT, (None, *LEFT[0][1:])),
    (
        "overlaps",
        "two old ones overlap",
        third("2019", "2021", False),
        third("2020", "2022", False),
    ),
    ("overlaps", "two overlap for an hour", third("2", "5-2", False), third("5-1", "6", False)),
    ("overlaps", "two closed versions begin alike", third("2", "5", False), third("2", "6", False)),
    ("overlaps", "one begins after an open one", OPEN, third("4", "6", False)),
    ("ends", "a version ends before it begins", third("4-2", "4-1", False)),
    ("ends", "a version ends when it begins", third("4", "4", False)),
    ("ends", "a version has an end and is_current", third("4", "5", True)),
    ("ends", "a version has no end and isn't current", third("4", None, False)),
]
BAD_ROWS = [
    *((case, bug, {"fct_orders": [*rows, *OTHERS]}) for case, bug, *rows in BAD_ORDERS),
    *((case, bug, {"dim_customers": [*rows, *KNOWN]}) for case, bug, *rows in BAD_VERSIONS),
]


def compiled_tests(learner, spark, schema: str, good: dict[str, list[tuple]]) -> DataTests:
    """The learner's data tests over stub models, to be asked about planted rows."""
    files = learner.properties()
    require_files("properties", files)
    land(spark, schema, orders_landing=[FIRST], customers_extract=[customer(2, "1:Bergen")])
    project = {**PROJECT, **STUBS, **files}
    run = dbt_of(learner)(schema, "properties", project, "compile", "--select", "test_type:data")
    require_success(run, "when it compiled your tests")
    return DataTests(spark, schema, run, good, DDL)


@pytest.fixture(scope="module")
def data_tests(learner, spark, shared_schema):
    schema = f"{shared_schema}_tests"
    spark.sql(f"CREATE DATABASE {schema}")
    yield compiled_tests(learner, spark, schema, GOOD)
    spark.sql(f"DROP DATABASE {schema} CASCADE")


@check("properties", points=2)
def test_tests_are_silent_on_good_days(data_tests):
    """Passes on good data, and on a first day without orders"""
    data_tests.silent(
        "customers with several versions, one of them an hour long, one who left, one who left "
        "and returned, an order of a customer who is gone, deleted orders, a null city and an "
        "amount of zero"
    )
    data_tests.silent("no order yet", fct_orders=[])


@check("properties")
@cases(cases_of(BAD_TITLES, BAD_ROWS))
def test_bad_rows_are_caught(data_tests, case):
    """{case}"""
    for bug, relations in case.given:
        data_tests.catches(bug, **relations)


@check("properties", points=2)
def test_the_contract_is_enforced(learner, data_tests):
    """Enforces a contract on fct_orders, over its six columns and their types"""
    models = [node for node in data_tests.nodes.values() if node.type == "model"]
    contracts = [node.config["contract"] for node in models if node.name == "fct_orders"]
    assert any(contract["enforced"] for contract in contracts), (
        "fct_orders has no contract that is enforced; its columns and types are documentation only"
    )
    files = {**PROJECT, **STUBS, **learner.properties()}
    dbt, command = dbt_of(learner), ("run", "--select", "fct_orders")
    data_tests.shown.clear()  # dbt makes the view again
    run = dbt(data_tests.schema, "properties", files, *command)
    require_success(run, "on an fct_orders of the right columns and types")


@check("properties")
def test_the_dashboard_is_declared(data_tests):
    """Declares the dashboard as an exposure: its owner, and both models it reads"""
    found = [node for node in data_tests.nodes.values() if node.type == "exposure"]
    assert [node.name for node in found] == ["revenue_dashboard"], (
        f"exposures: {', '.join(node.name for node in found) or 'none'}; expected revenue_dashboard"
    )
    assert "@" in found[0].owner, "the owner of revenue_dashboard has no email: whom would you ask?"
    reads = {parent.split(".")[-1] for parent in found[0].parents}
    assert reads == {"fct_orders", "dim_customers"}, (
        f"revenue_dashboard depends on {', '.join(sorted(reads)) or 'nothing'}; it reads "
        "fct_orders and dim_customers"
    )


# ------------------------------------------------------------------------------------- unit_tests

INPUTS = {"source('raw','orders_landing')": "landing", "this": "this"}
NEWEST = "max_by(struct(*), updated_at)"
LATEST = "(select max(updated_at) from {this})"
WINDOW = f"updated_at >= {LATEST} - interval 3 days"
GUARD = (
    "where not exists (select 1 from {this} as known where known.order_id = landed.order_id "
    "and known.updated_at >= landed.updated_at)"
)


def model(kept: str = NEWEST, window: str = WINDOW, guard: str = GUARD, always: str = "true"):
    """The query of a model in later builds (True) and in the first one (False)."""
    orders = f"select {kept} as kept from {{landing}} where {{window}} group by order_id"
    query = f"select landed.* from (select kept.* from ({orders})) as landed {{guard}}"
    return {
        True: query.replace("{window}", f"{window} and {always}").replace("{guard}", guard),
        False: query.replace("{window}", always).replace("{guard}", ""),
    }


RIGHT_MODELS = {
    "a right fct_orders": model(),
    "one that may return a change which the table has": model(guard=GUARD.replace(">=", ">")),
    "one that takes all when the table is empty": model(window=f"({WINDOW} or {LATEST} is null)"),
    "one that returns the distinct rows of the newest time": model(
        "explode(collect_set(struct(*)))",
        always="(order_id, updated_at) in "
        "(select order_id, max(updated_at) from {landing} group by order_id)",
    ),
    "one that joins the row of the table": model(
        guard="left join {this} as known on known.order_id = landed.order_id "
        "where known.order_id is null or known.updated_at < landed.updated_at"
    ),
}
BROKEN_TITLES = {
    "oldest": "Fails when the model keeps the oldest change of an order",
    "several": "Fails when the model returns several changes of an order",
    "older": "Fails when the model returns a change that is older than the row in the table",
    "late": "Fails when the model loses changes that come late",
    "before": "Fails when the model takes changes that are a month older",
    "deleted": "Fails when the model loses deleted orders",
}
BROKEN_MODELS = [
    ("oldest", "the oldest change of an order wins", model(NEWEST.replace("max", "min"))),
    ("several", "all changes of an order come back", model("explode(collect_list(struct(*)))")),
    ("older", "an older change replaces the newer row in the table", model(guard="")),
    (
        "late",
        "a change two days behind is lost",
        model(window=f"{WINDOW} + interval 86401 seconds"),
    ),
    ("before", "a change is taken that is a month older", model(window="true")),
    ("deleted", "deleted orders are left out", model(guard=f"{GUARD} and not is_deleted")),
    ("deleted", "changes that delete are left out", model(always="not is_deleted")),
]


def planted_models(learner, spark, right: dict[bool, str]) -> UnitTests:
    """The learner's unit tests, to be asked about models."""
    files = learner.unit_tests()
    require_files("unit_tests", files, suffixes=(".yml",))
    return UnitTests(spark, read_unit_tests(files, "fct_orders"), ORDERS, INPUTS, right)


@pytest.fixture(scope="module")
def unit_tests(learner, spark) -> UnitTests:
    return planted_models(learner, spark, model())


@check("unit_tests", points=2)
def test_dbt_runs_the_unit_tests(learner, spark, schema):
    """Passes in dbt, on your own fct_orders"""
    models, files = learner.fct_orders(), learner.unit_tests()
    require_files("fct_orders", models)
    require_files("unit_tests", files, suffixes=(".yml",))
    read_unit_tests(files, "fct_orders")
    land(spark, schema, orders_landing=[FIRST], fct_orders=[FIRST])
    test = ("test", "--select", "test_type:unit")
    run = dbt_of(learner)(schema, "unit_tests", {**PROJECT, **models, **files}, *test)
    require_success(run, "on your fct_orders")
    assert any(r.type == "unit_test" for r in run.results), "dbt ran no unit test"


@check("unit_tests")
def test_right_models_pass(unit_tests):
    """Passes on right models, whatever they do where the rules leave it open"""
    for story, query in RIGHT_MODELS.items():
        failing = unit_tests.failing(query)
        assert not failing, f"on {story} these unit tests fail: {', '.join(failing)}"


@check("unit_tests")
@cases(cases_of(BROKEN_TITLES, BROKEN_MODELS))
def test_broken_models_fail(unit_tests, case):
    """{case}"""
    for bug, query in case.given:
        unit_tests.catches(bug, query)

"""Checks of lab 07: nights planted by hand, data that tests must stop, models that a unit test must stop."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from pyspark.errors import PySparkException

from labkit.checks import assert_columns, check
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
        "Write the first build before the incremental one: one row per order, its newest "
        "change. `row_number()` over the changes of an order is enough.",
        "`is_incremental()` is true when the table exists. The window is a `where` on what "
        "the landing holds: three days before `max(updated_at)` of `{{ this }}`, included.",
        "The landing forgets. A late change may be the newest one *there* and still be older "
        "than the row in the table. How can the query find out from `{{ this }}`?",
        "A condition in the MERGE's ON clause (`incremental_predicates`) turns a match into "
        "an insert. Leave the row out of the model's result: `not exists (select ... from {{ "
        "this }} ...)`.",
    ],
    "customers_snapshot": [
        "A snapshot reads one row per customer, and the extract has some twice. Put a model "
        "in between, and let the snapshot's `relation` be a `ref`.",
        "`timestamp` trusts `updated_at` and makes a version whenever it is new. `check` "
        "compares columns, and takes the time of the run as the beginning of a version, "
        "unless its config says which column has the time.",
        "`hard_deletes` says what happens to a customer who is missing from the extract. By "
        "default nothing happens.",
        "`dim_customers` reads the snapshot. `snapshot_meta_column_names` renames dbt's "
        "columns, and `is_current` follows from the end.",
    ],
    "properties": [
        "A model's properties file holds columns with their tests, and `config: contract: "
        "enforced: true`, which needs a `data_type` for each column.",
        "`relationships` asks whether a customer is known, not whether they are current. "
        "`unique` on a column that has several versions by design fails on good data.",
        "What YAML can't express, a file in `tests/` can: a query that returns the rows that "
        "must not exist. Two versions overlap when each begins before the other ends; an "
        "open one never ends.",
        "Try a test on good data first: a customer who left and came back, an order of "
        "somebody who is gone, an amount of zero.",
    ],
    "unit_tests": [
        "A unit test of an incremental run overrides `is_incremental` and gives rows of two "
        "inputs: `source('raw', 'orders_landing')` and `this`.",
        "Rows name only the columns that matter; dbt fills the others with null. `expect` is "
        "what the model returns, that is what will be merged, and not the table afterwards.",
        "Ask of each rule of Task 1 which row would come out otherwise if the rule were "
        "broken, and give that row.",
    ],
}

PROJECT = {
    "dbt_project.yml": """\
name: shop
version: "1.0"
profile: labkit
models:
  shop:
    +file_format: delta
snapshots:
  shop:
    +file_format: delta
""",
    "models/sources.yml": """\
sources:
  - name: raw
    schema: "{{ target.schema }}"
    tables:
      - name: orders_landing
      - name: customers_extract
""",
    "macros/clock.sql": """\
{% macro snapshot_get_time() -%}
    to_timestamp('{{ var("run_at") }}')
{%- endmacro %}
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
NIGHTS_KEPT = 2


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, day, hour)


@pytest.fixture(scope="module")
def dbt(learner):
    """`dbt(schema, project, files, *arguments)`: a Run of dbt in the learner's process."""
    return dbt_of(learner)


class Shop:
    """The database of a project: what each night delivered, and the relations that dbt makes."""

    def __init__(self, spark, schema: str) -> None:
        self.spark, self.schema = spark, schema

    def deliver(self, name: str, nights: list) -> None:
        """Frames of a night each, as one table with the number of the night."""
        frames = [f.selectExpr("*", f"{number} AS night") for number, f in enumerate(nights, 1)]
        everything = frames[0]
        for other in frames[1:]:
            everything = everything.unionByName(other)
        everything.write.format("parquet").saveAsTable(f"{self.schema}.delivered_{name}")

    def land(self, night: int, name: str, columns: str, kept: int = 1) -> None:
        """The view `name`: deliveries of this night, and of those before it that are kept."""
        self.spark.sql(
            f"CREATE OR REPLACE VIEW {self.schema}.{name} AS SELECT {columns} "
            f"FROM {self.schema}.delivered_{name} WHERE night BETWEEN {night - kept + 1} AND {night}"
        )

    def frame(self, name: str):
        try:
            return self.spark.table(f"{self.schema}.{name}")
        except PySparkException:
            raise AssertionError(
                f"dbt made no {name}; models/{name}.sql (or a snapshot of that name) would make it"
            ) from None


def names(ddl: str) -> str:
    return ", ".join(part.split()[0] for part in ddl.replace("(10,2)", "").split(","))


# ------------------------------------------------------------------------------------- fct_orders


def order(order_id: int, status: str, when: datetime, *, deleted: bool = False) -> tuple:
    from decimal import Decimal

    return (order_id, order_id % 3 + 1, status, Decimal(order_id * 10), deleted, when)


NIGHT_1 = [
    order(1, "new", at(9, 8)),
    order(1, "paid", at(10, 9)),
    order(1, "paid", at(10, 9)),
    order(2, "shipped", at(1)),
    order(2, "shipped", at(1)),
    order(3, "paid", at(10, 12)),
    order(4, "new", at(10, 8)),
    order(5, "new", at(9, 12)),
    order(6, "shipped", at(2)),
    order(7, "shipped", at(10, 20)),
    order(8, "paid", at(10, 10), deleted=True),
    order(8, "paid", at(9, 10)),
]
NIGHT_2 = [
    order(1, "paid", at(10, 9)),
    order(3, "shipped", at(11, 9)),
    order(4, "new", at(11, 10), deleted=True),
    order(5, "shipped", at(11, 3)),
    order(5, "paid", at(11, 1)),
    order(10, "new", at(11, 20)),
    order(11, "new", at(9, 6)),
    order(12, "new", at(7, 20)),
    order(13, "new", at(7, 19)),
]
NIGHT_3 = [
    order(3, "paid", at(11, 5)),
    order(4, "paid", at(11, 8)),
    order(7, "paid", at(10, 15)),
    order(8, "shipped", at(10, 9)),
    order(11, "shipped", at(12, 9)),
    order(14, "new", at(12, 8)),
    order(15, "new", at(10, 6)),
]


@dataclass
class Nights:
    """Rows of a table after each night, the operations in its history, the project's nodes."""

    schema: str
    columns: Any
    rows: dict[str, list[tuple]] = field(default_factory=dict)
    operations: list[str] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)

    def of(self, night: str, *keys: int) -> list[tuple]:
        return sorted(
            (row for row in self.rows[night] if not keys or row[0] in keys), key=lambda r: str(r)
        )

    def expect(self, night: str, expected: list[tuple], because: str) -> None:
        """The rows of these keys are the expected ones; the reason shows one key that differs."""
        keys = sorted({row[0] for row in expected})
        self.absent_or(night, keys, expected, because)

    def absent_or(self, night: str, keys: list[int], expected: list[tuple], because: str) -> None:
        for key in keys:
            got, wanted = self.of(night, key), [row for row in expected if row[0] == key]
            shown = "; ".join(str(tuple(map(str, row))) for row in got) or "no row"
            assert got == sorted(wanted, key=lambda r: str(r)), (
                f"{because}. After {night}, key {key} has {shown}"
            )


@pytest.fixture(scope="module")
def orders(learner, spark, frame, shared_schema, dbt) -> Nights:
    """fct_orders after three nights; on the third the landing still holds the second night."""
    shop = Shop(spark, shared_schema)
    files = learner.fct_orders()
    require_files("fct_orders", files)
    shop.deliver("orders_landing", [frame(ORDERS, rows) for rows in (NIGHT_1, NIGHT_2, NIGHT_3)])
    shop.spark.sql(
        f"CREATE VIEW {shared_schema}.customers_extract AS SELECT 1L AS customer_id, 'a' AS name, "
        "'b' AS city, current_timestamp() AS updated_at"
    )
    found = Nights(shared_schema, None)
    for label, night in (("night 1", 1), ("night 2", 2), ("night 3", 3)):
        shop.land(night, "orders_landing", names(ORDERS), NIGHTS_KEPT)
        run = dbt(shared_schema, "orders", {**PROJECT, **files}, "build")
        require_success(run, f"on {label}")
        table = shop.frame("fct_orders")
        if found.columns is None:
            found.columns = table
        found.rows[label] = [tuple(row) for row in table.limit(500).collect()]
    history = spark.sql(f"DESCRIBE HISTORY {shared_schema}.fct_orders").orderBy("version")
    found.operations = [row.operation for row in history.select("version", "operation").collect()]
    return found


@check("fct_orders")
def test_first_build_has_the_newest_change_of_each_order(orders):
    """Has one row per order after the first night: its newest change, in the columns asked for"""
    assert_columns(orders.columns, ORDERS)
    expected = [
        order(1, "paid", at(10, 9)),
        order(2, "shipped", at(1)),
        order(3, "paid", at(10, 12)),
        order(7, "shipped", at(10, 20)),
    ]
    orders.expect("night 1", expected, "An order has one row, its newest change, once")


@check("fct_orders")
def test_updates_are_merged(orders):
    """Merges new orders and newer changes, also several changes of an order in a night"""
    expected = [
        order(3, "shipped", at(11, 9)),
        order(5, "shipped", at(11, 3)),
        order(10, "new", at(11, 20)),
        order(1, "paid", at(10, 9)),
    ]
    orders.expect("night 2", expected, "A newer change replaces the row of its order")
    orders.expect("night 3", [order(11, "shipped", at(12, 9)), order(14, "new", at(12, 8))],
                  "A newer change replaces the row of its order")  # fmt: skip


@check("fct_orders", points=2)
def test_late_changes_inside_the_window_arrive(orders):
    """Takes late changes that are at most three days older than the newest one in the table"""
    because = "A change that is behind the newest one in the table, by less than three days, belongs in it"
    orders.expect("night 2", [order(11, "new", at(9, 6))], because)
    orders.expect("night 3", [order(15, "new", at(10, 6))], because)


@check("fct_orders")
def test_the_edge_of_the_window_is_inside(orders):
    """Takes a change that is exactly three days older than the newest one in the table"""
    orders.expect("night 2", [order(12, "new", at(7, 20))],
                  "The newest change known was of 10 March, 20:00, so the window begins on 7 March, 20:00, that instant included")  # fmt: skip


@check("fct_orders")
def test_changes_before_the_window_stay_out(orders):
    """Leaves out what is more than three days older, although the landing holds it"""
    for night in ("night 2", "night 3"):
        orders.absent_or(night, [13], [],
                         "A change of 7 March, 19:00, is more than three days behind the newest one in the table")  # fmt: skip


@check("fct_orders", points=2)
def test_an_older_change_never_overwrites_a_newer_one(orders):
    """Keeps the newer row when an older change comes late, even if the landing forgot the newer"""
    expected = [order(3, "shipped", at(11, 9)), order(7, "shipped", at(10, 20))]
    orders.expect("night 3", expected,
                  "An older change arrived after a newer one, and the newer one stays")  # fmt: skip


@check("fct_orders", points=2)
def test_a_deleted_order_stays_as_deleted(orders):
    """Keeps a deleted order as a row with is_deleted, and no older change brings it back"""
    because = "A deleted order is a row with is_deleted; an older change doesn't revive it"
    orders.expect("night 1", [order(8, "paid", at(10, 10), deleted=True)], because)
    orders.expect("night 2", [order(4, "new", at(11, 10), deleted=True)], because)
    expected = [
        order(4, "new", at(11, 10), deleted=True),
        order(8, "paid", at(10, 10), deleted=True),
    ]
    orders.expect("night 3", expected, because)


@check("fct_orders")
def test_orders_stay_that_the_landing_forgot(orders):
    """Keeps orders whose changes are no longer in the landing"""
    expected = [order(2, "shipped", at(1)), order(6, "shipped", at(2))]
    orders.expect("night 3", expected, "The landing keeps two nights, the table keeps every order")


@check("fct_orders")
def test_changes_that_come_again_change_nothing(orders):
    """Leaves orders as they are whose changes are delivered or read again"""
    expected = [
        order(1, "paid", at(10, 9)),
        order(5, "shipped", at(11, 3)),
        order(10, "new", at(11, 20)),
        order(12, "new", at(7, 20)),
    ]
    orders.expect("night 3", expected, "The landing holds the changes of night 2 for a second time")


@check("fct_orders")
def test_nights_are_merged_into_the_table(orders):
    """Merges each night into the table and doesn't write the table anew"""
    after = orders.operations[1:]
    assert set(after) <= {"MERGE"}, (
        f"the history of fct_orders holds {', '.join(orders.operations)}; after the first build every operation is a MERGE"
    )


# ----------------------------------------------------------------------------- customers_snapshot


def customer(customer_id: int, city: str | None, when: datetime) -> tuple:
    return (customer_id, f"C{customer_id}", city, when)


EXTRACT_1 = [
    *(customer(number, "Bergen", at(1)) for number in (1, 2, 4, 5, 6, 9)),
    customer(3, None, at(1)),
    customer(8, "Bergen", at(1)),
    customer(8, "Bergen", at(1)),
]
EXTRACT_2 = [
    customer(1, "Porto", at(11, 5)),
    customer(2, "Bergen", at(11, 6)),
    customer(3, "Ghent", at(11, 7)),
    customer(6, "Lucca", at(11, 9)),
    customer(6, "Bergen", at(1)),
    customer(7, "Turku", at(11, 10)),
    customer(8, "Bergen", at(1)),
    (9, "C9 renamed", "Bergen", at(11, 4)),
]
EXTRACT_3 = [
    customer(1, "Bergen", at(12, 5)),
    customer(2, "Lucca", at(12, 6)),
    customer(3, None, at(12, 7)),
    customer(5, "Bergen", at(12, 8)),
    customer(6, "Lucca", at(11, 9)),
    customer(7, "Turku", at(11, 10)),
    customer(8, "Bergen", at(1)),
    (9, "C9 renamed", "Bergen", at(11, 4)),
]


def history(customer_id: int, *points: tuple, until: datetime | None = None) -> list[tuple]:
    """Dimension rows from (start, city); the last one is open unless `until` ends it."""
    ends = [start for start, _ in points[1:]] + [until]
    return [
        (customer_id, f"C{customer_id}", city, start, end, end is None)
        for (start, city), end in zip(points, ends, strict=True)
    ]


@pytest.fixture(scope="module")
def customers(learner, spark, frame, shared_schema, dbt) -> Nights:
    """dim_customers after three nights."""
    schema = f"{shared_schema}_customers"
    spark.sql(f"CREATE DATABASE {schema}")
    shop = Shop(spark, schema)
    files = learner.customers_snapshot()
    require_files("customers_snapshot", files)
    extracts = (EXTRACT_1, EXTRACT_2, EXTRACT_3)
    shop.deliver("customers_extract", [frame(CUSTOMERS, rows) for rows in extracts])
    found = Nights(schema, None)
    for label, night, hour in (
        ("night 1", 1, 21),
        ("night 2", 2, 22),
        ("night 3", 3, 22),
    ):
        shop.land(night, "customers_extract", names(CUSTOMERS))
        clock = f"{{run_at: '{at(9 + night, hour):%Y-%m-%d %H:%M:%S}'}}"
        run = dbt(schema, "customers", {**PROJECT, **files}, "build", "--vars", clock)
        require_success(run, f"on {label}")
        found.nodes = run.nodes
        table = shop.frame("dim_customers")
        if found.columns is None:
            found.columns = table
        found.rows[label] = [tuple(row) for row in table.limit(500).collect()]
    yield found
    spark.sql(f"DROP DATABASE IF EXISTS {schema} CASCADE")


@check("customers_snapshot")
def test_the_history_is_a_snapshot(customers):
    """Keeps the history in a snapshot called customers_snapshot, which dim_customers reads"""
    nodes = customers.nodes
    found = [
        key for key, n in nodes.items() if (n.type, n.name) == ("snapshot", "customers_snapshot")
    ]
    assert found, (
        "the project has no snapshot called customers_snapshot; dim_customers reads the history, and doesn't keep it"
    )
    behind, todo = set(), [key for key, node in nodes.items() if node.name == "dim_customers"]
    while todo:
        new = set(nodes[todo.pop()].parents) & set(nodes) - behind
        behind |= new
        todo += new
    assert found[0] in behind, (
        "dim_customers doesn't read customers_snapshot, neither itself nor through another model"
    )


@check("customers_snapshot")
def test_the_first_extract_opens_a_version_each(customers):
    """Has one open version per customer after the first extract, beginning at updated_at"""
    assert_columns(customers.columns, DIMENSION)
    expected = [*history(1, (at(1), "Bergen")), *history(3, (at(1), None))]
    customers.expect(
        "night 1", expected, "A customer's first version begins at updated_at and is open"
    )


@check("customers_snapshot", points=2)
def test_a_change_closes_a_version_and_opens_one(customers):
    """Closes a version and opens the next at the time of the change, not at that of the run"""
    expected = history(1, (at(1), "Bergen"), (at(11, 5), "Porto"), (at(12, 5), "Bergen"))
    customers.expect(
        "night 3", expected, "A version ends where the next begins: at updated_at of the change"
    )
    renamed = [
        (9, "C9", "Bergen", at(1), at(11, 4), False),
        (9, "C9 renamed", "Bergen", at(11, 4), None, True),
    ]
    customers.expect("night 3", renamed, "A new name is a change as well")
    customers.expect(
        "night 2", history(7, (at(11, 10), "Turku")), "A new customer has one open version"
    )


@check("customers_snapshot")
def test_changes_from_and_to_null_are_versions(customers):
    """Makes a version when a city appears where there was none, and when it disappears"""
    expected = history(3, (at(1), None), (at(11, 7), "Ghent"), (at(12, 7), None))
    customers.expect("night 3", expected, "Null to a value, and a value to null, are changes")


@check("customers_snapshot", points=2)
def test_a_touch_makes_no_version(customers):
    """Makes no version of a row in which only updated_at is new"""
    expected = history(2, (at(1), "Bergen"))
    customers.expect(
        "night 2", expected, "Only updated_at changed: nothing that a report could show"
    )
    expected = history(2, (at(1), "Bergen"), (at(12, 6), "Lucca"))
    customers.expect("night 3", expected, "The version begins where the city changed")


@check("customers_snapshot", points=2)
def test_a_customer_who_is_missing_is_closed(customers):
    """Closes the version of a customer who is missing from the extract, at the time of the run"""
    expected = history(4, (at(1), "Bergen"), until=at(11, 22))
    customers.expect("night 2", expected, "A customer who left has no open version")
    customers.expect("night 3", expected, "A customer who left is closed once")


@check("customers_snapshot")
def test_a_customer_who_returns_has_a_gap(customers):
    """Opens a new version for a customer who returns, and leaves the time in between empty"""
    expected = [
        *history(5, (at(1), "Bergen"), until=at(11, 22)),
        *history(5, (at(12, 8), "Bergen")),
    ]
    customers.expect(
        "night 3", expected, "Who left and returned has two versions with a gap between them"
    )


@check("customers_snapshot")
def test_an_extract_that_has_a_customer_twice(customers):
    """Takes the newest of several rows of a customer in an extract"""
    customers.expect(
        "night 1", history(8, (at(1), "Bergen")), "An extract may hold a customer twice"
    )
    expected = history(6, (at(1), "Bergen"), (at(11, 9), "Lucca"))
    customers.expect(
        "night 2", expected, "Of two rows of a customer in an extract the newer one counts"
    )


@check("customers_snapshot")
def test_customers_who_come_again_unchanged_keep_their_version(customers):
    """Leaves a customer's history as it is when the extract says the same again"""
    expected = [
        *history(6, (at(1), "Bergen"), (at(11, 9), "Lucca")),
        *history(7, (at(11, 10), "Turku")),
        *history(8, (at(1), "Bergen")),
    ]
    customers.expect(
        "night 3", expected, "The extract of night 3 has the same row as that of night 2"
    )


# ------------------------------------------------------------------------------------- properties


def stub(source: str, columns: str) -> str:
    """A view that passes a source on."""
    return f"{{{{ config(materialized='view') }}}}\nselect {columns} from {{{{ source('raw', '{source}') }}}}\n"


STUBS = {
    "models/fct_orders.sql": stub("orders_landing", names(ORDERS)),
    "models/dim_customers.sql": stub(
        "customers_extract",
        "customer_id, name, city, updated_at as effective_from, "
        "cast(null as timestamp) as effective_to, true as is_current",
    ),
}
GOOD_ORDERS = [
    order(1, "paid", at(10)),
    order(2, "shipped", at(10)),
    order(3, "new", at(11), deleted=True),
    (4, 1, "cancelled", 0, False, at(11)),
    order(6, "paid", at(11)),
]
GOOD_DIMENSION = [
    *history(1, (at(1), "Bergen"), (at(3), "Porto"), (at(5), "Bergen")),
    *history(2, (at(1), "Bergen"), until=at(4)),
    *history(2, (at(6), None)),
    *history(3, (at(2), "Bergen"), until=at(4)),
    *history(4, (at(1), None)),
]


GOOD = {"fct_orders": GOOD_ORDERS, "dim_customers": GOOD_DIMENSION}
DDL = {"fct_orders": ORDERS, "dim_customers": DIMENSION}


@pytest.fixture(scope="module")
def data_tests(learner, spark, shared_schema, dbt) -> Iterator[DataTests]:
    """The compiled data tests of the learner's files over two stub models."""
    schema = f"{shared_schema}_tests"
    spark.sql(f"CREATE DATABASE {schema}")
    spark.sql(f"CREATE VIEW {schema}.orders_landing AS {rows_as_sql(ORDERS, GOOD_ORDERS)}")
    extract = [customer(1, "Bergen", at(1))]
    spark.sql(f"CREATE VIEW {schema}.customers_extract AS {rows_as_sql(CUSTOMERS, extract)}")
    files = learner.properties()
    require_files("properties", files)
    run = dbt(
        schema, "properties", {**PROJECT, **STUBS, **files}, "compile", "--select", "test_type:data"
    )
    require_success(run, "when it compiled your tests")
    yield DataTests(spark, schema, run, GOOD, DDL)
    spark.sql(f"DROP DATABASE IF EXISTS {schema} CASCADE")


@check("properties", points=2)
def test_tests_are_silent_on_good_days(data_tests):
    """Passes on good data: touching versions, customers who left or returned, amounts of zero"""
    data_tests.silent(
        "customers with several versions, one who left, one who left and returned, an order of a customer who is gone, "
        "a deleted order, a null city and an amount of zero"
    )


@check("properties")
def test_broken_keys_of_orders_are_caught(data_tests):
    """Stops an order that is there twice, one without an id, one without a customer"""
    first, *others = GOOD_ORDERS
    for bug, rows in {
        "an order is there twice": [first, *GOOD_ORDERS],
        "an order_id is null": [(None, *first[1:]), *others],
        "a customer_id of an order is null": [(first[0], None, *first[2:]), *others],
    }.items():
        data_tests.catches(bug, fct_orders=rows)


@check("properties")
def test_broken_values_of_orders_are_caught(data_tests):
    """Stops an order of an unknown customer, an unknown status, an amount below zero"""
    first, *others = GOOD_ORDERS
    for bug, row in {
        "an order is of a customer that dim_customers doesn't know": (first[0], 99, *first[2:]),
        "a status is none of new, paid, shipped, cancelled": (*first[:2], "lost", *first[3:]),
        "an amount is below zero": (*first[:3], -1, *first[4:]),
    }.items():
        data_tests.catches(bug, fct_orders=[row, *others])


@check("properties", points=2)
def test_two_current_versions_are_caught(data_tests):
    """Stops a customer with two current versions"""
    twice = [*GOOD_DIMENSION, (4, "C4", "Porto", at(1), None, True)]
    data_tests.catches("a customer has two current versions", dim_customers=twice)
    no_key = [*GOOD_DIMENSION, (None, "C5", "Porto", at(1), None, True)]
    data_tests.catches("a customer_id in dim_customers is null", dim_customers=no_key)


@check("properties", points=2)
def test_overlapping_versions_are_caught(data_tests):
    """Stops versions of a customer that overlap, closed ones as well"""
    closed = [
        *(row for row in GOOD_DIMENSION if row[0] != 3),
        (3, "C3", "Bergen", at(2), at(5), False),
        (3, "C3", "Porto", at(4), at(6), False),
    ]
    data_tests.catches("two closed versions of a customer overlap", dim_customers=closed)


@check("properties")
def test_wrong_ends_and_flags_are_caught(data_tests):
    """Stops versions that end at or before their beginning, and flags that contradict the end"""
    others = [row for row in GOOD_DIMENSION if row[0] != 3]
    for bug, row in {
        "a version ends before it begins": (3, "C3", "Bergen", at(4), at(2), False),
        "a version ends when it begins": (3, "C3", "Bergen", at(2), at(2), False),
        "a version has an end and is_current": (3, "C3", "Bergen", at(2), at(4), True),
        "a version has no end and isn't current": (3, "C3", "Bergen", at(2), None, False),
    }.items():
        data_tests.catches(bug, dim_customers=[*others, row])


@check("properties", points=2)
def test_the_contract_stops_another_shape(learner, dbt, data_tests):
    """Stops fct_orders when a column changes its type, and lets the right shape pass"""
    files = {**PROJECT, **STUBS, **learner.properties()}
    name, right = "models/fct_orders.sql", STUBS["models/fct_orders.sql"]
    models = (node for node in data_tests.nodes.values() if node.type == "model")
    node = next((node for node in models if node.name == "fct_orders"), None)
    assert node is not None, "fct_orders is no model of the project any more; is it disabled?"
    assert node.config.get("contract", {}).get("enforced"), (
        "fct_orders has no contract that is enforced; its columns and types are documentation only"
    )
    listed = {column.lower() for column, _ in node.columns}
    lacking = set(names(ORDERS).split(", ")) - listed
    assert not lacking, f"the contract of fct_orders says nothing of {', '.join(sorted(lacking))}"
    command = ("run", "--select", "fct_orders")
    require_success(
        dbt(data_tests.schema, "properties", files, *command), "on fct_orders as specified"
    )
    data_tests.shown.clear()
    text = right.replace("amount,", "cast(amount as string) as amount,")
    run = dbt(data_tests.schema, "properties", {**files, name: text}, *command)
    assert not run.success, (
        "fct_orders was built although amount had become text; its contract names a type for each column"
    )


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
        f"revenue_dashboard depends on {', '.join(sorted(reads)) or 'nothing'}; it reads fct_orders and dim_customers"
    )


# ------------------------------------------------------------------------------------- unit_tests

RIGHT = """
select landed.* from (
    select kept.* from (
        select {which}(struct(*), updated_at) as kept from {landing} where {window} group by order_id
    )
) as landed where {guard}
"""
PARTS = {
    "which": "max_by",
    "window": "updated_at >= (select max(updated_at) - interval 3 days from {this})",
    "guard": "not exists (select 1 from {this} as known where known.order_id = landed.order_id "
    "and known.updated_at >= landed.updated_at)",
}


def model(**changes: str) -> dict[bool, str]:
    """The query of a model, in its first build and in later ones, with some parts planted."""
    parts = {**PARTS, **changes}
    always = {"window": changes.get("always", "true"), "guard": changes.get("last", "true")}
    return {
        True: RIGHT.format(landing="{landing}", **parts),
        False: RIGHT.format(landing="{landing}", **{**parts, **always}),
    }


INPUTS = {"source('raw','orders_landing')": "landing", "this": "this"}


@pytest.fixture(scope="module")
def unit_tests(learner, spark) -> UnitTests:
    """The learner's unit tests, ready to be asked about planted models."""
    files = learner.unit_tests()
    require_files("unit_tests", files, suffixes=(".yml",))
    return UnitTests(spark, read_unit_tests(files, "fct_orders"), ORDERS, INPUTS, model())


@check("unit_tests", points=2)
def test_dbt_runs_the_unit_tests(learner, spark, schema, dbt):
    """Passes in dbt, on your own fct_orders"""
    models, files = learner.fct_orders(), learner.unit_tests()
    require_files("fct_orders", models)
    require_files("unit_tests", files, suffixes=(".yml",))
    read_unit_tests(files, "fct_orders")
    for name in ("orders_landing", "fct_orders"):
        spark.sql(f"CREATE VIEW {schema}.{name} AS {rows_as_sql(ORDERS, GOOD_ORDERS)}")
    project = {**PROJECT, **models, **files}
    run = dbt(schema, "unit_tests", project, "test", "--select", "test_type:unit")
    require_success(run, "on your fct_orders")
    assert any(r.type == "unit_test" and r.status == "pass" for r in run.results), (
        "dbt ran no unit test"
    )


@check("unit_tests")
def test_right_models_pass_the_unit_tests(unit_tests):
    """Passes on a right model"""
    failing = unit_tests.alarms()
    assert not failing, f"on a right fct_orders these unit tests fail: {', '.join(failing)}"


@check("unit_tests")
def test_a_model_that_keeps_the_oldest_change_fails(unit_tests):
    """Fails when the model keeps the oldest change of an order"""
    unit_tests.catches("the oldest change of an order wins", model(which="min_by"))


@check("unit_tests", points=2)
def test_a_model_that_lets_older_changes_win_fails(unit_tests):
    """Fails when the model returns a change that is older than the row in the table"""
    unit_tests.catches("an older change overwrites the newer row in the table", model(guard="true"))


@check("unit_tests")
def test_a_model_without_a_look_back_fails(unit_tests):
    """Fails when the model loses late changes, and when it takes those before the window"""
    one_day = "updated_at >= (select max(updated_at) - interval 1 day from {this})"
    unit_tests.catches("a change two days behind is lost", model(window=one_day))
    unit_tests.catches("a change of last month is taken", model(window="true"))


@check("unit_tests")
def test_a_model_that_loses_deletes_fails(unit_tests):
    """Fails when the model loses deleted orders"""
    live = PARTS["window"] + " and not is_deleted"
    unit_tests.catches(
        "deleted orders are filtered out", model(window=live, always="not is_deleted")
    )

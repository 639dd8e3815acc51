"""Hidden checks of lab 07: a seeded shop against a model in plain Python, and other bugs."""

import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from labkit.checks import assert_frame, check
from labkit.checks.dbt import (
    DataTests,
    UnitTests,
    dbt_of,
    read_unit_tests,
    require_files,
    require_success,
    rows_as_sql,
)

PROJECT = {
    "dbt_project.yml": """\
name: shop
version: "1.0"
profile: labkit
models:
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
}
STUBS = {
    "models/fct_orders.sql": "{{ config(materialized='view') }}\nselect * from {{ source('raw', 'orders_landing') }}\n",
    "models/dim_customers.sql": """\
{{ config(materialized='view') }}
select *, updated_at as effective_from, updated_at as effective_to, true as is_current
from {{ source('raw', 'customers_extract') }}
""",
}
ORDERS = (
    "order_id long, customer_id long, status string, amount decimal(10,2), "
    "is_deleted boolean, updated_at timestamp"
)
DIMENSION = (
    "customer_id long, name string, city string, "
    "effective_from timestamp, effective_to timestamp, is_current boolean"
)
PATIENCE = timedelta(days=3)


def merged(table: dict[int, tuple], landed: list[tuple]) -> dict[int, tuple]:
    """The rows of fct_orders by order after a night, as the task says."""
    after = dict(table)
    first = max((row[-1] for row in table.values()), default=datetime.min + PATIENCE) - PATIENCE
    for row in landed:
        known = after.get(row[0])
        if row[-1] >= first and (known is None or row[-1] > known[-1]):
            after[row[0]] = row
    return after


@check("fct_orders", points=2)
def test_nights_of_another_shop(learner, spark, frame, schema, dataset):
    """builds the table that the rules give, on nights of another shop"""
    dbt = dbt_of(learner)
    files = learner.fct_orders()
    require_files("fct_orders", files)
    nights = []
    for path in sorted(dataset("shop_extracts").glob("orders_*.json")):
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        nights.append(
            [
                (
                    *(row[name] for name in ("order_id", "customer_id", "status")),
                    Decimal(str(row["amount"])).quantize(Decimal("0.01")),
                    row["is_deleted"],
                    datetime.fromisoformat(row["updated_at"].rstrip("Z")),
                )
                for row in rows
            ]
        )
    everything = [(number, *row) for number, rows in enumerate(nights) for row in rows]
    delivered = frame(f"night int, {ORDERS}", everything)
    delivered.write.format("parquet").saveAsTable(f"{schema}.delivered")
    expected: dict[int, tuple] = {}
    for night, kept in ((1, 1), (3, 1)):
        spark.sql(
            f"CREATE OR REPLACE VIEW {schema}.orders_landing AS SELECT {', '.join(delivered.columns[1:])} "
            f"FROM {schema}.delivered WHERE night BETWEEN {night - kept} AND {night}"
        )
        require_success(dbt(schema, "hidden", {**PROJECT, **files}, "build"), f"on night {night}")
        landed = [row for rows in nights[night - kept : night + 1] for row in rows]
        expected = merged(expected, landed)
    assert_frame(spark.table(f"{schema}.fct_orders"), list(expected.values()), key="order_id")


def day(number: int) -> datetime:
    return datetime(2025, 7, number)


@pytest.fixture(scope="module")
def data_tests(learner, spark, shared_schema):
    files = learner.properties()
    require_files("properties", files)
    empty = f"CREATE VIEW {shared_schema}.%s AS %s"
    extract = "customer_id long, name string, city string, updated_at timestamp"
    spark.sql(empty % ("orders_landing", rows_as_sql(ORDERS, [])))
    spark.sql(empty % ("customers_extract", rows_as_sql(extract, [])))
    project = {**PROJECT, **STUBS, **files}
    run = dbt_of(learner)(shared_schema, "hidden", project, "compile", "--select", "test_type:data")
    require_success(run, "when it compiled your tests")
    good = {
        "fct_orders": [(70, 7, "new", 1, False, day(1))],
        "dim_customers": [
            (7, "Gus", "Oslo", day(1), day(2), False),
            (7, "Gus", "Oslo", day(2), None, True),  # touches the one before
        ],
    }
    ddl = {"fct_orders": ORDERS, "dim_customers": DIMENSION}
    return DataTests(spark, shared_schema, run, good, ddl)


@check("properties")
def test_a_version_that_never_ended_is_caught(data_tests):
    """stops versions that begin while an open one is valid, or lie inside a longer one"""
    gone = [
        (7, "Gus", "Oslo", day(1), None, True),
        (7, "Gus", "Rome", day(3), day(5), False),
    ]
    data_tests.catches("a closed version begins after an open one", dim_customers=gone)
    inside = [
        (7, "Gus", "Oslo", day(1), day(9), False),
        (7, "Gus", "Rome", day(2), day(3), False),
        (7, "Gus", "Bonn", day(9), None, True),
    ]
    data_tests.catches("a version lies inside another", dim_customers=inside)


@check("properties")
def test_quiet_on_a_first_day(data_tests):
    """passes when there are no orders yet, and when customers share a name or a time"""
    people = [
        (7, "Gus", "Oslo", day(1), None, True),
        (8, "Gus", "Oslo", day(1), None, True),
        (9, "Ida", None, day(1), day(2), False),
        (9, "Ida", "Oslo", day(2), None, True),
    ]
    data_tests.silent("no order yet and two customers alike", fct_orders=[], dim_customers=people)


LANDED = (
    "select {columns} from (select *, row_number() over (partition by order_id "
    "order by updated_at desc, origin) as age from (select *, 'a' as origin from {{this}} union all "
    "select *, 'b' as origin from {{landing}} as l where {window})) where {last}"
)
WINDOW = "l.updated_at >= (select max(updated_at) - interval 72 hours from {{this}})"


def union_model(last: str, window: str = WINDOW) -> dict[bool, str]:
    """Another right model: the newest of the table's rows and of those that landed."""
    columns = ", ".join(part.split()[0] for part in ORDERS.replace("(10,2)", "").split(","))
    later = LANDED.format(columns=columns, last=last, window=window).replace("{{", "{")
    first = LANDED.format(columns=columns, last="age = 1", window="true").replace("{{", "{")
    return {True: later.replace("}}", "}"), False: first.replace("}}", "}")}


@check("unit_tests")
def test_other_models_meet_the_unit_tests(learner, spark):
    """passes on another right model, and fails when several changes of an order come back"""
    files = learner.unit_tests()
    require_files("unit_tests", files, suffixes=(".yml",))
    inputs = {"source('raw','orders_landing')": "landing", "this": "this"}
    right = union_model("age = 1 and origin = 'b'")
    tests = UnitTests(spark, read_unit_tests(files, "fct_orders"), ORDERS, inputs, right)
    failing = tests.alarms()
    assert not failing, f"{failing[0]} fails on a right model that is written otherwise"
    tests.catches("all changes of an order come back", union_model("origin = 'b'"))

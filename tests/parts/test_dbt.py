from dataclasses import replace

import pytest

from labkit.checks.dbt_projects import DataTests, require_files, rows_as_sql
from labkit.checks.dbt_unit_tests import UnitTests, read_unit_tests
from labkit.parts.dbt import Node, Project, Result, Run, as_run, run_dbt
from labkit.parts.known import DBT

needs_dbt = pytest.mark.skipif(bool(DBT.missing()), reason=DBT.missing() or "dbt is there")
PROJECT = {
    "dbt_project.yml": "name: toy\nversion: '1.0'\nprofile: labkit\n",
    "models/one.sql": "{{ config(materialized='view') }}\nselect 1 as id\n",
    "models/one.yml": "models:\n  - name: one\n    columns:\n      - {name: id, data_tests: [unique]}\n",
}


@needs_dbt
def test_a_build_makes_relations_and_says_what_it_ran(spark, schema):
    plain = run_dbt(schema, "toy", PROJECT, ["build"])
    run = as_run(plain)
    assert run.success, run.error
    assert [(result.name, result.status) for result in run.results] == [
        ("one", "success"),
        ("unique_one_id", "pass"),
    ]
    assert spark.table(f"{schema}.one").collect() == [(1,)]
    assert f"{schema}.one" in run.nodes["test.toy." + _key(run, "unique_one_id")].sql


@needs_dbt
def test_a_file_that_is_gone_is_no_model_any_more(spark, schema):
    run_dbt(schema, "toy", {**PROJECT, "models/two.sql": "select 2 as id"}, ["parse"])
    run = as_run(run_dbt(schema, "toy", PROJECT, ["compile"]))
    assert {node.name for node in run.nodes.values() if node.type == "model"} == {"one"}


@needs_dbt
def test_a_model_that_reads_an_ephemeral_one_is_built_twice(spark, schema):
    inner = "{{ config(materialized='ephemeral') }}\nselect 1 as id"
    project = {
        **PROJECT,
        "models/inner.sql": inner,
        "models/two.sql": "select * from {{ ref('inner') }}",
    }
    for _ in range(2):
        run = as_run(run_dbt(schema, "toy", project, ["run"]))
        assert run.success, run


@needs_dbt
def test_a_node_keeps_what_its_model_says_of_new_columns(spark, schema):
    config = "{{ config(materialized='incremental', on_schema_change='fail') }}"
    run = as_run(run_dbt(schema, "toy", {**PROJECT, "models/two.sql": config}, ["parse"]))
    said = {node.name: node.config.get("on_schema_change") for node in run.nodes.values()}
    assert said["two"] == "fail"


@needs_dbt
def test_a_project_that_cant_be_read_is_a_run_that_failed(tmp_path, schema):
    project = Project(tmp_path / "shop", schema)
    project.write(PROJECT, {"models/two.sql": "select * from {{ ref('nowhere') }}"})
    run = project.run("build", quiet=True)
    assert not run.success
    assert "nowhere" in run.error


def _key(run, name):
    return next(key.split(".", 2)[2] for key, node in run.nodes.items() if node.name == name)


@pytest.mark.parametrize(
    "files",
    [None, {}, ["a.sql"], {"models/a.sql": 1}, {"a.sql": ""}, {"models/../a.sql": ""}]
    + [{"/models/a.sql": ""}, {"models/a.py": ""}, {"seeds/a.sql": ""}],
)
def test_files_that_are_none_are_refused(files):
    with pytest.raises(AssertionError, match="fct_orders"):
        require_files("fct_orders", files)


def test_rows_come_back_as_they_were_written(spark):
    ddl = "id long, name string, price decimal(10,2), at timestamp, live boolean"
    rows = [(1, "o'clock \\", "1.50", "2026-01-01 10:00:00", True), (2, None, None, None, None)]
    got = spark.sql(rows_as_sql(ddl, rows))
    assert got.schema.simpleString().startswith("struct<id:bigint,name:string,price:decimal(10,2)")
    assert [(row.id, row.name, row.live) for row in got.collect()] == [
        (1, "o'clock \\", True),
        (2, None, None),
    ]
    assert spark.sql(rows_as_sql(ddl, [])).collect() == []


def compiled(schema, **config):
    sql = f"select id from {schema}.things where id is null"
    settings = {"severity": "ERROR", "fail_calc": "count(*)", "error_if": "!= 0", **config}
    test = Node("no_null", "test", ("model.toy.things",), settings, sql)
    return Run(True, "", (Result("no_null", "test", "pass", ""),), {"test.no_null": test})


@pytest.mark.parametrize(
    ("config", "fails"),
    [({}, ["no_null"]), ({"severity": "WARN"}, []), ({"error_if": ">1"}, [])],
)
def test_a_data_test_fails_as_dbt_would_say(spark, schema, config, fails):
    tests = data_tests(spark, schema, compiled(schema, **config))
    assert list(tests.failing()) == []
    assert list(tests.failing(things=[(None,)])) == fails


def data_tests(spark, schema, run):
    return DataTests(spark, schema, run, {"things": [(1,)]}, {"things": "id long"})


def with_sql(run, sql):
    nodes = {key: replace(node, sql=sql) for key, node in run.nodes.items()}
    return replace(run, nodes=nodes)


def test_a_data_test_that_fails_on_good_rows_catches_nothing(spark, schema):
    tests = data_tests(spark, schema, with_sql(compiled(schema), f"select 1 from {schema}.things"))
    with pytest.raises(AssertionError, match="on good data no_null failed. It holds one thing"):
        tests.silent("one thing")
    with pytest.raises(AssertionError, match="when an id is null.* good data too .*: no_null"):
        tests.catches("an id is null", things=[(None,)])


def test_a_data_test_that_cant_run_says_so_and_catches_nothing(spark, schema):
    broken = with_sql(compiled(schema), f"select nothing from {schema}.things")
    tests = data_tests(spark, schema, broken)
    with pytest.raises(AssertionError, match="`no_null` can't run: AnalysisException: .*nothing"):
        tests.silent("one thing")
    with pytest.raises(AssertionError, match="no test of yours fails when an id is null"):
        tests.catches("an id is null", things=[(None,)])


def test_a_data_test_that_stops_on_bad_rows_alone_catches_them(spark, schema):
    sql = f"select 1 where (select id from {schema}.things) is null"
    tests = data_tests(spark, schema, with_sql(compiled(schema), sql))
    tests.silent("one thing")
    tests.catches("there are two things", things=[(1,), (2,)])


def test_data_tests_run_without_ansi_as_in_dbt(spark, schema):
    sql = f"select 1 from {schema}.things where (id is null) = 1"
    tests = data_tests(spark, schema, with_sql(compiled(schema), sql))
    before = spark.conf.get("spark.sql.ansi.enabled")
    tests.silent("one thing")
    tests.catches("an id is null", things=[(None,)])
    assert spark.conf.get("spark.sql.ansi.enabled") == before


UNIT = """
unit_tests:
  - name: newest
    model: things
    overrides: {macros: {is_incremental: true}}
    given:
      - {input: this, rows: [{id: 1}, {id: 2}]}
    expect: {rows: [{id: 2}]}
"""


RIGHT = {True: "select max(id) as id from {this}", False: ""}


def unit_tests(spark, text=UNIT):
    found = read_unit_tests({"models/u.yml": text}, "things")
    return UnitTests(spark, found, "id long", {"this": "this"}, RIGHT)


def test_a_unit_test_tells_models_apart(spark):
    tests = unit_tests(spark)
    assert tests.alarms() == tests.failing(RIGHT) == []
    assert tests.failing({True: "select min(id) as id from {this}", False: ""}) == ["newest"]
    tests.catches("all come back", {True: "select id from {this}", False: ""})


def test_a_unit_test_that_fails_on_a_right_model_catches_nothing(spark):
    tests = unit_tests(spark, UNIT.replace("rows: [{id: 2}]", "rows: [{id: 7}]"))
    assert tests.alarms() == ["newest"]
    with pytest.raises(AssertionError, match="when all come back.* right model too .*: newest"):
        tests.catches("all come back", {True: "select id from {this}", False: ""})


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("macros: {is_incremental: true}", "macros: [is_incremental: true]", "`macros` is a map"),
        ("{macros: {is_incremental: true}}", "[macros]", "`overrides` is a map"),
        ("- {input: this, rows: [{id: 1}, {id: 2}]}", "input: this", "`given` is a list"),
        ("{rows: [{id: 2}]}", "[{id: 2}]", "`expect` is a map"),
        ("{id: 2}]}\n", "{id: 2026-02-30}]}\n", "isn't YAML: day is out of range"),
        ("{id: 2}]}\n", "{<<: {id: 2}}]}\n", "merge key"),
        ("id", "x" * 200_000, "more than 200,000 characters"),
    ],
)
def test_slips_in_yaml_are_told(old, new, says):
    assert old in UNIT
    with pytest.raises(AssertionError, match=says):
        read_unit_tests({"models/u.yml": UNIT.replace(old, new)}, "things")


def test_a_yaml_file_can_not_grow_beyond_its_text():
    bomb = "".join(f"b{n + 1}: &b{n + 1} [{', '.join([f'*b{n}'] * 9)}]\n" for n in range(12))
    text = f"b0: &b0 [1]\n{bomb}" + UNIT.replace("{id: 2}", "{id: *b12}")
    with pytest.raises(AssertionError, match="more than 100,000 values"):
        read_unit_tests({"models/u.yml": text}, "things")


def test_unit_tests_of_other_models_dont_count():
    with pytest.raises(AssertionError, match="no unit test of the model orders"):
        read_unit_tests({"models/u.yml": UNIT}, "orders")

"""Data tests of dbt, asked about planted rows: what they may look at."""

from types import SimpleNamespace

import pytest

from labkit.checks.dbt import DataTests


def data_test(sql, name="mine"):
    return SimpleNamespace(
        type="test", name=name, parents=["model.shop.items"],
        config={"severity": "ERROR"}, sql=sql,
    )  # fmt: skip


def asked_of(spark, schema, sql, *others, **about):
    """A data test called `mine`, about items whose ids are above zero; others beside it."""
    nodes = [data_test(sql, **about), *others]
    run = SimpleNamespace(nodes=dict(enumerate(nodes)))
    return DataTests(spark, schema, run, {"items": [(1,)]}, {"items": "id int"})


def test_data_test_can_remember_nothing_in_a_file(spark, schema, tmp_path):
    (tmp_path / "seen.json").write_text('{"a": 1}\n')
    asked = asked_of(spark, schema, f"SELECT * FROM json.`{tmp_path}/seen.json`")
    assert list(asked.alarms()) == ["mine"]
    assert asked.alarms()["mine"].startswith("AnalysisException")


@pytest.mark.parametrize(
    "clock", ["id > 0", "current_timestamp() > '2020-01-01' AND day <= current_date()"]
)
def test_data_test_that_catches(spark, schema, clock):
    rows = f"(SELECT *, DATE '2020-01-01' AS day FROM {schema}.items)"
    asked = asked_of(spark, schema, f"SELECT * FROM {rows} WHERE NOT (id > 0 AND {clock})")
    asked.silent("one item")
    asked.catches("an id is below zero", items=[(-1,)])


@pytest.mark.parametrize("condition", ["rand() >= 0", "uuid() IN (SELECT uuid())"])
def test_data_test_that_draws_by_chance_catches_nothing(spark, schema, condition):
    asked = asked_of(spark, schema, f"SELECT * FROM {schema}.items WHERE id < 0 AND {condition}")
    with pytest.raises(AssertionError, match="`mine` draws by chance"):
        asked.silent("one item")
    with pytest.raises(AssertionError, match="no test of yours fails when an id is below zero"):
        asked.catches("an id is below zero", items=[(-1,)])


def test_data_test_that_waits_for_its_time_catches_nothing(spark, schema):
    asked = asked_of(spark, schema, "SELECT 1 WHERE current_timestamp() > '{}'")
    soon = spark.sql("SELECT current_timestamp() + INTERVAL 3 SECONDS AS soon").first().soon
    asked.tests[0].sql = asked.tests[0].sql.format(soon)
    asked.silent("one item")
    while not spark.sql(f"SELECT current_timestamp() > '{soon}' AS is_past").first().is_past:
        pass
    with pytest.raises(AssertionError, match="no test of yours fails when an id is below zero"):
        asked.catches("an id is below zero", items=[(-1,)])


ALWAYS = "SELECT 1"
NEVER = "SELECT 1 WHERE false"


def catches_nothing(asked):
    with pytest.raises(AssertionError, match="no test of yours fails when an id is below zero"):
        asked.catches("an id is below zero", items=[(-1,)])
    with pytest.raises(AssertionError, match="on good data .* failed"):
        asked.silent("one item")


def test_data_test_whose_name_is_sql_is_the_same_test_each_time(spark, schema):
    catches_nothing(asked_of(spark, schema, ALWAYS, name="mi' || 'ne"))


def test_data_test_does_not_stand_for_another_of_its_name(spark, schema):
    calm = data_test(NEVER)
    calm.parents = []
    catches_nothing(asked_of(spark, schema, ALWAYS, calm))


def test_data_test_does_not_fail_for_another_one(spark, schema):
    speaks = "SELECT 1 WHERE false) UNION ALL SELECT 1 AS test, true AS fails FROM (SELECT 1"
    catches_nothing(asked_of(spark, schema, speaks, data_test(NEVER, "other")))

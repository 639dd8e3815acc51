"""Data tests of dbt, asked about planted rows: what they may look at."""

from types import SimpleNamespace

import pytest

from labkit.checks.dbt import DataTests


def asked_of(spark, schema, sql):
    """A data test called `mine`, about items whose ids are above zero."""
    node = SimpleNamespace(
        type="test", name="mine", parents=["model.shop.items"],
        config={"severity": "ERROR"}, sql=sql,
    )  # fmt: skip
    run = SimpleNamespace(nodes={"test.shop.mine": node})
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

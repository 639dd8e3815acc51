"""Data tests of dbt, asked about planted rows: what they may look at."""

from types import SimpleNamespace

from labkit.checks.dbt import DataTests


def test_data_test_can_remember_nothing_in_a_file(spark, schema, tmp_path):
    (tmp_path / "seen.json").write_text('{"a": 1}\n')
    node = SimpleNamespace(
        type="test", name="remembers", parents=["model.shop.items"],
        config={"severity": "ERROR"}, sql=f"SELECT * FROM json.`{tmp_path}/seen.json`",
    )  # fmt: skip
    run = SimpleNamespace(nodes={"test.shop.remembers": node})
    asked = DataTests(spark, schema, run, {"items": [(1,)]}, {"items": "id int"})
    assert list(asked.alarms()) == ["remembers"]
    assert asked.alarms()["remembers"].startswith("AnalysisException")

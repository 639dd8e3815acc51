"""What the JVM sends a judge: rows of every type are read, and nothing else is."""

import pickle
from pathlib import Path

import pytest
from pyspark import serializers

from labkit.grading.safe_pickle import loads_rows

EVERY_TYPE = """
SELECT
  true AS bool, 1Y AS byte, 2S AS short, 3 AS int, 4L AS long, 1.5F AS float, 2.5D AS double,
  CAST(1.50 AS decimal(24, 2)) AS decimal, 'é' AS string, X'00FF' AS binary, DATE'2026-02-28' AS date,
  TIMESTAMP'2026-02-28 12:00:00.000001' AS timestamp, TIMESTAMP_NTZ'2026-02-28 12:00:00' AS ntz,
  INTERVAL '1 02:03:04' DAY TO SECOND AS delta, array(1, null) AS array,
  map('a', named_struct('b', X'01', 'c', 1.5)) AS map, parse_json('{"a": [1]}') AS variant,
  CAST(null AS binary) AS nothing
"""


@pytest.fixture
def distrustful(monkeypatch):
    monkeypatch.setattr(serializers.PickleSerializer, "loads", loads_rows)
    monkeypatch.setattr(serializers.CloudPickleSerializer, "loads", loads_rows)


def test_rows_of_every_type_are_read(spark, distrustful):
    (row,) = spark.sql(EVERY_TYPE).collect()
    assert row.binary == b"\x00\xff"
    assert row.map["a"].b == b"\x01"
    assert row.variant.toPython() == {"a": [1]}
    assert [name for name in row.__fields__ if row[name] is None] == ["nothing"]


class Touch:
    def __reduce__(self):
        return (Path.touch, (Path("/tmp/labkit-test-was-here"),))


class Patch:
    def __reduce__(self):
        return (bytearray, (), {"attribute": "of what is there"})


@pytest.mark.parametrize("thing", [Touch(), Patch(), object()])
def test_nothing_else_is_read(thing):
    for protocol in (0, 2, 4):
        with pytest.raises(pickle.UnpicklingError, match="is no part of a row"):
            loads_rows(None, pickle.dumps(thing, protocol))

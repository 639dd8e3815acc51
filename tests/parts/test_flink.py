"""Flink as a submission meets it: in the sandbox, on the Java that it is told of."""

import pytest
from sandboxes import python as in_sandbox

from labkit import home
from labkit.parts.known import FLINK, installed
from labkit.spark import java

INSIDE = """
import linecache, os
TEXT = '''
def totals():
    from pyflink.table import EnvironmentSettings, TableEnvironment
    tables = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
    rows = "(VALUES ('a', 1), ('a', 2), ('b', 5)) AS sales(shop, amount)"
    query = f"SELECT shop, SUM(amount) FROM {rows} GROUP BY shop"
    return sorted(list(row) for row in tables.execute_sql(query).collect())
'''
linecache.cache["<cell>"] = (len(TEXT), None, TEXT.splitlines(True), "<cell>")
exec(compile(TEXT, "<cell>", "exec"))
from labkit.parts.process import run
os.environ["LAB_SCRATCH"] = os.getcwd()
print(run("flink", totals))
"""


@pytest.mark.skipif(bool(FLINK.missing()), reason=FLINK.missing() or "Flink is there")
@pytest.mark.parametrize("bundled", [True, False], ids=["bundled Java", "Java of this machine"])
def test_a_query_runs_in_the_sandbox(monkeypatch, bundled):
    if bundled:
        monkeypatch.setattr(java, "_of_this_machine", lambda: None)
    told = installed(["flink"])
    for name, folder in told.items():
        monkeypatch.setenv(name, str(folder))
    found = in_sandbox(INSIDE, read=[*told.values(), home.root() / home.MARK])
    assert found["out"] == "[['a', 3], ['b', 5]]\n", found["err"]

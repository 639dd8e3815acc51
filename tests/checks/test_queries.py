"""Queries that an answer returns as text."""

import pytest

from labkit.checks import Queries, collect
from labkit.verdict.errors import AnswerError


@pytest.fixture(scope="module")
def queries(spark):
    queries = Queries(spark)
    queries.view("orders_7", "id long, price double", [(1, 2.5), (2, None)])
    return queries


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM orders_7 WHERE price > 1",
        "  SELECT id FROM orders_7 WHERE price > 1 -- the dear ones\n",
        "WITH dear AS (SELECT * FROM orders_7 WHERE price > 1)\nSELECT id FROM dear;",
    ],
)
def test_a_query_runs_on_the_views(queries, text):
    assert [row.id for row in collect(queries.run(text))] == [1]


def test_a_recursive_query_runs(queries):
    text = """
        WITH RECURSIVE walk AS (
          SELECT id FROM orders_7 WHERE id = 2 UNION ALL SELECT id + 1 FROM walk WHERE id < 4
        )
        SELECT id FROM walk
    """
    assert sorted(row.id for row in collect(queries.run(text))) == [2, 3, 4]


@pytest.mark.parametrize(
    "text",
    [
        "SET spark.sql.ansi.enabled=false",
        "CREATE OR REPLACE TEMP VIEW orders_7 AS SELECT 1 AS id",
        "SELECT 1; SELECT 2",
        "SELECT reflect('java.lang.System', 'nanoTime')",
        "SELECT nothing FROM orders_7",
    ],
)
def test_what_is_no_query_is_the_answers_error(queries, text):
    with pytest.raises(AnswerError) as caught:
        queries.run(text)
    assert caught.value.outcome == "error"


@pytest.mark.parametrize(("answer", "says"), [(None, "returned None"), (7, "returned")])
def test_other_values_are_no_text(queries, answer, says):
    with pytest.raises(AnswerError, match=says) as caught:
        queries.run(answer)
    assert caught.value.outcome == "failed"

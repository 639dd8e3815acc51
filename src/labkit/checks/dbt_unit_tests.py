"""Unit tests of dbt projects, read as YAML and asked about models that a check plants."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import yaml
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from labkit.checks.dbt_projects import AS_IN_DBT, rows_as_sql, told_nothing
from labkit.checks.frames import require
from labkit.checks.settings import settings

MOST_NODES = 100_000
MOST_CHARACTERS = 200_000


class UnitTests:
    """Unit tests read as YAML, asked about models that a check plants as plain queries.

    A model is its query in the first build (False) and in later ones (True), with a `{name}` for
    each input; `inputs` gives that name by the `input` of a unit test, written without blanks.
    `right` is a model without a bug.
    """

    def __init__(
        self,
        spark: SparkSession,
        tests: list[dict[str, Any]],
        ddl: str,
        inputs: Mapping[str, str],
        right: Mapping[bool, str],
    ) -> None:
        self.spark, self.tests, self.ddl, self.inputs = spark, tests, ddl, inputs
        self.right = right
        self.columns = StructType.fromDDL(ddl).names
        self._told: dict[str, list[str]] = {}
        self._alarms: list[str] | None = None

    def failing(self, query: Mapping[bool, str]) -> list[str]:
        """The names of the unit tests that fail on a model."""
        return self._ask(query)

    def alarms(self) -> list[str]:
        """The names of those that fail on a right model: they catch nothing. Asked once."""
        if self._alarms is None:
            self._alarms = self._ask(self.right)
        return self._alarms

    def catches(self, bug: str, query: Mapping[bool, str]) -> None:
        """AssertionError unless some unit test fails on this model, and not on a right one."""
        alarms = self.alarms()
        require(
            bool(self._ask(query, besides=alarms)),
            f"no unit test of yours fails when {bug}; unit tests asked: {len(self.tests)}"
            f"{told_nothing(alarms, 'a right model')}",
        )

    def _ask(self, query: Mapping[bool, str], besides: Container[str] = ()) -> list[str]:
        asked = [test for test in self.tests if test["name"] not in besides]
        with settings(self.spark, AS_IN_DBT):
            return [test["name"] for test in asked if self._fails(test, query)]

    def _fails(self, test: dict[str, Any], query: Mapping[bool, str]) -> bool:
        macros = (test.get("overrides") or {}).get("macros") or {}
        incremental = str(macros.get("is_incremental", False)).lower() == "true"
        given = {name: rows_as_sql(self.ddl, []) for name in self.inputs.values()}
        for part in test.get("given") or []:
            name = str(part.get("input")).replace('"', "'").replace(" ", "")
            require(
                name in self.inputs,
                f"unit test {test['name']} gives {part.get('input')}; "
                f"the model reads {' and '.join(self.inputs)}",
            )
            given[self.inputs[name]] = rows_as_sql(self.ddl, self._rows(test, part.get("rows")))
        text = query[incremental].format(**{name: f"({rows})" for name, rows in given.items()})
        wanted = (test.get("expect") or {}).get("rows") or []
        rows = self._rows(test, wanted)
        columns = list(dict.fromkeys(name for row in wanted for name in row)) or self.columns
        if test["name"] not in self._told:
            expected = self.spark.sql(rows_as_sql(self.ddl, rows)).select(*columns).collect()
            self._told[test["name"]] = sorted(map(str, expected))
        actual = self.spark.sql(text).select(*columns).collect()
        return sorted(map(str, actual)) != self._told[test["name"]]

    def _rows(self, test: dict[str, Any], rows: Any) -> list[tuple[Any, ...]]:
        fits = isinstance(rows or [], list) and all(
            isinstance(row, dict) and set(row) <= set(self.columns) for row in rows or []
        )
        require(
            fits,
            f"unit test {test['name']}: write rows as dictionaries ({{{self.columns[0]}: 1, ...}}) "
            f"of the columns {', '.join(self.columns)}",
        )
        return [tuple(row.get(name) for name in self.columns) for row in rows or []]


class _PlainLoader(yaml.SafeLoader):
    """YAML without merge keys, which a few lines can nest into gigabytes while they are read."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.YAMLError("a merge key (<<) can't be used here")
        super().flatten_mapping(node)


def _explodes(content: Any) -> bool:
    """Whether a YAML text comes to too many values: a few lines of aliases can make gigabytes."""
    waiting, count = [content], 0
    while waiting and count <= MOST_NODES:
        part = waiting.pop()
        count += 1
        if isinstance(part, dict):
            waiting += [*part, *part.values()]
        elif isinstance(part, list):
            waiting += part
    return bool(waiting)


def read_unit_tests(files: Mapping[str, str], model: str) -> list[dict[str, Any]]:
    """The unit tests of `model` in these YAML files."""
    found: list[dict[str, Any]] = []
    for path, text in files.items():
        require(
            len(text) <= MOST_CHARACTERS, f"{path} has more than {MOST_CHARACTERS:,} characters"
        )
        try:
            content = yaml.load(text, _PlainLoader) or {}
        except (yaml.YAMLError, ValueError, LookupError, RecursionError) as error:
            raise AssertionError(f"{path} isn't YAML: {error}") from None  # or no such date
        require(not _explodes(content), f"{path} has more than {MOST_NODES:,} values")
        listed = content.get("unit_tests") if isinstance(content, dict) else None
        require(isinstance(listed or [], list), f"{path}: `unit_tests` is a list")
        found += [test for test in listed or [] if isinstance(test, dict)]
    of_model = [test for test in found if test.get("model") == model and test.get("name")]
    require(bool(of_model), f"there is no unit test of the model {model}")
    for test in of_model:
        _require_shape(test)
    return of_model


def _require_shape(test: dict[str, Any]) -> None:
    """AssertionError unless the parts of a unit test are mappings and lists where dbt has them."""
    overrides = test.get("overrides") or {}
    macros = overrides.get("macros") or {} if isinstance(overrides, dict) else {}
    mappings = {"overrides": overrides, "macros": macros, "expect": test.get("expect") or {}}
    for name, part in mappings.items():
        told = f"unit test {test['name']}: `{name}` is a mapping, as `{name}: {{...}}`"
        require(isinstance(part, dict), told)
    given = test.get("given") or []
    fits = isinstance(given, list) and all(isinstance(part, dict) for part in given)
    require(fits, f"unit test {test['name']}: `given` is a list, each input with a dash before it")

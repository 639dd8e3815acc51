"""Probes of dbt projects: the learner's data tests and unit tests, asked about planted data and models."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from labkit.answer import short
from labkit.checks.frames import require
from labkit.checks.session import settings
from labkit.dbt import FOLDERS, Run, as_run, missing

MESSAGE_CHARACTERS = 700
MOST_NODES = 100_000
MOST_CHARACTERS = 200_000
SPARK_ERRORS = (PySparkException, Py4JError)  # the second when a query stops while it runs
# As in the session of dbt-spark, which switches ANSI mode off: `is_current = 1` runs there.
AS_IN_DBT = {"spark.sql.ansi.enabled": "false"}


def dbt_of(learner: Any) -> Callable[..., Run]:
    """`dbt(schema, project, files, *arguments)` in the learner's process; skips where dbt is missing."""
    if reason := missing():
        pytest.skip(reason)

    def run(schema: str, project: str, files: dict[str, str], *arguments: str) -> Run:
        return as_run(learner.run_dbt(schema, project, files, list(arguments)))

    return run


def require_success(run: Run, when: str) -> None:
    """AssertionError with dbt's own words unless everything that ran succeeded."""
    wrong = (f"{r.name}: {r.message}" for r in run.results if r.status in ("error", "fail"))
    said = run.error or next(wrong, "it failed")
    require(run.success, f"dbt stopped {when}: {' '.join(said.split())[:MESSAGE_CHARACTERS]}")


def require_files(task: str, files: Any, suffixes: tuple[str, ...] = (".sql", ".yml")) -> None:
    """AssertionError unless `files` are texts by their path in a dbt project."""
    shape = f"`{task}` returns a dict of file texts by path, such as {{'models/name.sql': '...'}}"
    require(isinstance(files, dict) and bool(files), f"{shape}; it returned {files!r:.80}")
    for path, text in files.items():
        require(isinstance(path, str) and isinstance(text, str), shape)
        parts = PurePosixPath(path).parts
        fits = len(parts) > 1 and parts[0] in FOLDERS and ".." not in parts
        require(
            fits and path.endswith(suffixes) and re.fullmatch(r"[\w./-]+", path) is not None,
            f"`{task}` returned the file {path!r}; files lie in {', '.join(FOLDERS)} "
            f"and end in {' or '.join(suffixes)}",
        )


def rows_as_sql(ddl: str, rows: list[tuple[Any, ...]]) -> str:
    """A query that returns these rows in the columns of `ddl`; a view of it needs no files."""
    fields = StructType.fromDDL(ddl).fields
    casts = ", ".join(
        f"CAST(c{number} AS {field.dataType.simpleString()}) AS {field.name}"
        for number, field in enumerate(fields)
    )
    names = ", ".join(f"c{number}" for number in range(len(fields)))
    lines = [", ".join(_literal(value) for value in row) for row in rows or [(None,) * len(fields)]]
    values = ", ".join(f"({line})" for line in lines)
    return f"SELECT {casts} FROM VALUES {values} AS t({names})" + ("" if rows else " WHERE false")


def _literal(value: Any) -> str:
    if value is None:
        return "CAST(NULL AS STRING)"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(list(names)[:3])


def _told_nothing(alarms: Iterable[str], where: str) -> str:
    """What a reason says of tests that fail where they should not."""
    names = _listed(alarms)
    return f". What fails on {where} too tells nothing: {names}" if names else ""


class DataTests:
    """Data tests as dbt compiled them, asked about rows that stand where the models' rows were."""

    def __init__(
        self,
        spark: SparkSession,
        schema: str,
        run: Run,
        good: Mapping[str, list[tuple[Any, ...]]],
        ddl: Mapping[str, str],
    ) -> None:
        self.spark, self.schema, self.nodes = spark, schema, run.nodes
        self.tests = [node for node in run.nodes.values() if node.type == "test"]
        self.good, self.ddl = good, ddl
        self.shown: dict[str, list[tuple[Any, ...]]] = {}
        self._alarms: dict[str, str] | None = None

    def failing(self, **relations: list[tuple[Any, ...]]) -> dict[str, str]:
        """The tests that would stop a build if these relations had these rows, the others good ones.

        Each with its error when it can't run.
        """
        return self._ask(relations) if relations else self.alarms()

    def alarms(self) -> dict[str, str]:
        """The tests that fail on good rows: they would fail on any, and catch nothing. Asked once."""
        if self._alarms is None:
            self._alarms = self._ask({})
        return self._alarms

    def silent(self, holds: str, **relations: list[tuple[Any, ...]]) -> None:
        """AssertionError if a test fails on these good rows or can't run; `holds` tells of them."""
        failing = self.failing(**relations)
        for name, error in failing.items():
            require(not error, f"`{name}` can't run: {error}")
        require(not failing, f"on good data {_listed(failing)} failed. It holds {holds}")

    def catches(self, bug: str, **relations: list[tuple[Any, ...]]) -> None:
        """AssertionError unless some test fails on these rows, and not on good ones."""
        alarms = self.alarms()
        require(
            bool(self._ask(relations, besides=alarms)),
            f"no test of yours fails when {bug}; data tests asked: {len(self.tests)}"
            f"{_told_nothing(alarms, 'good data')}. A test whose severity is warn stops no build",
        )

    def _ask(
        self, relations: Mapping[str, list[tuple[Any, ...]]], besides: Container[str] = ()
    ) -> dict[str, str]:
        with settings(self.spark, AS_IN_DBT):
            for name, rows in {**self.good, **relations}.items():
                if self.shown.get(name) != rows:
                    text = rows_as_sql(self.ddl[name], rows)
                    self.spark.sql(f"CREATE OR REPLACE VIEW {self.schema}.{name} AS {text}")
                    self.shown[name] = rows
            questions = self._questions(set(relations))
            asked = {name: query for name, query in questions if name not in besides}
            if not asked:
                return {}
            try:
                said = self.spark.sql("\nUNION ALL\n".join(asked.values())).collect()
                return {row.test: "" for row in said if row.fails}
            except SPARK_ERRORS:  # of one of them; which one?
                told = {name: self._verdict(query) for name, query in asked.items()}
                return {name: error for name, error in told.items() if error is not None}

    def _questions(self, relations: set[str]) -> Iterator[tuple[str, str]]:
        """Queries by test: one row, whether the test fails; of tests that read these relations."""
        for test in self.tests:
            reads = {parent.split(".")[-1] for parent in test.parents}
            stops = str(test.config.get("severity", "")).upper() == "ERROR"
            if stops and (not relations or reads & relations):
                count = test.config.get("fail_calc") or "count(*)"
                verdict = f"({count}) {test.config.get('error_if') or '!= 0'}"
                yield (
                    test.name,
                    f"SELECT '{test.name}' AS test, {verdict} AS fails FROM (\n{test.sql}\n)",
                )

    def _verdict(self, query: str) -> str | None:
        """None when the test passes, nothing when it fails, and an error, which stops a build as well."""
        try:
            row = self.spark.sql(query).first()
        except SPARK_ERRORS as error:
            return " ".join(short(error).split())
        return "" if row and row.fails else None


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
            f"{_told_nothing(alarms, 'a right model')}",
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

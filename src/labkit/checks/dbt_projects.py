"""Probes of dbt projects: their files and runs, and data tests that are asked about planted rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

import pytest
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from labkit.checks.frames import require
from labkit.checks.row_diff import terse
from labkit.checks.settings import settings
from labkit.parts.dbt import FOLDERS, Run, as_run
from labkit.parts.known import DBT
from labkit.spark.reflection import session_without
from labkit.verdict.errors import short

MESSAGE_CHARACTERS = 700
BY_CHANCE = "draws by chance, and tells nothing of rows"
SPARK_ERRORS = (PySparkException, Py4JError)  # the second when a query stops while it runs
# As in the session of dbt-spark, which switches ANSI mode off: `is_current = 1` runs there. A test
# asks relations, and no file: a file may say what the test was asked before.
AS_IN_DBT = {"spark.sql.ansi.enabled": "false", "spark.sql.runSQLOnFiles": "false"}


def dbt_of(learner: Any) -> Callable[..., Run]:
    """`dbt(schema, project, files, *arguments)` in the learner's process; skips where dbt is missing."""
    if reason := DBT.missing():
        pytest.skip(reason)

    def run(schema: str, project: str, files: dict[str, str], *arguments: str) -> Run:
        return as_run(learner.run_dbt(schema, project, files, list(arguments)))

    return run


def require_success(run: Run, when: str) -> None:
    """AssertionError with dbt's own words unless everything that ran succeeded.

    A hidden check has none of them: the learner's project decides what dbt says.
    """
    if terse.get():
        require(run.success, f"dbt stopped {when}")
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
            f"`{task}` returned the file {path!r:.80}; files lie in {', '.join(FOLDERS)} "
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


def told_nothing(alarms: Iterable[str], where: str) -> str:
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
        # The tests are SQL of the learner's, and run in the judge's process.
        self.spark = session_without(spark)
        self.schema, self.nodes = schema, run.nodes
        self.tests = [node for node in run.nodes.values() if node.type == "test"]
        self.good, self.ddl = good, ddl
        self.shown: dict[str, list[tuple[Any, ...]]] = {}
        self._alarms: dict[int, str] | None = None
        self._reads_clock = False  # a test does; known with the alarms

    def failing(self, **relations: list[tuple[Any, ...]]) -> dict[str, str]:
        """The tests that would stop a build if these relations had these rows, the others good ones.

        Each with its error when it can't run.
        """
        return self._named(self._ask(relations) if relations else self._known_alarms())

    def alarms(self) -> dict[str, str]:
        """The tests that fail on good rows: they would fail on any, and catch nothing. Asked once.

        With them those that fail by chance, which tell nothing of rows either.
        """
        return self._named(self._known_alarms())

    def _named(self, found: Mapping[int, str]) -> dict[str, str]:
        return {self.tests[number].name: error for number, error in found.items()}

    def _known_alarms(self) -> dict[int, str]:
        if self._alarms is None:
            self._alarms = self._ask({}) | dict.fromkeys(self._by_chance(), BY_CHANCE)
        return self._alarms

    def silent(self, holds: str, **relations: list[tuple[Any, ...]]) -> None:
        """AssertionError if a test fails on these good rows or can't run; `holds` tells of them."""
        failing = self.failing(**relations)
        for name, error in failing.items():
            fault = error if error == BY_CHANCE else f"can't run: {error}"
            require(not error, f"`{name}` {fault}")
        require(not failing, f"on good data {_listed(failing)} failed. It holds {holds}")

    def catches(self, bug: str, **relations: list[tuple[Any, ...]]) -> None:
        """AssertionError unless some test fails on these rows, and not on good ones."""
        alarms = self._known_alarms()
        found = set(self._ask(relations, besides=alarms))
        if found and self._reads_clock:  # perhaps good rows would fail by now, too
            found.difference_update(self._ask({}, besides=alarms))
        require(
            bool(found),
            f"no test of yours fails when {bug}; data tests asked: {len(self.tests)}"
            f"{told_nothing(self.alarms(), 'good data')}. A test whose severity is warn stops no build",
        )

    def _ask(
        self, relations: Mapping[str, list[tuple[Any, ...]]], besides: Container[int] = ()
    ) -> dict[int, str]:
        """The tests that fail, by their number: a name is the learner's, and two may share one."""
        with settings(self.spark, AS_IN_DBT):
            for name, rows in {**self.good, **relations}.items():
                if self.shown.get(name) != rows:
                    text = rows_as_sql(self.ddl[name], rows)
                    self.spark.sql(f"CREATE OR REPLACE VIEW {self.schema}.{name} AS {text}")
                    self.shown[name] = rows
            questions = self._questions(set(relations))
            asked = {number: query for number, query in questions if number not in besides}
            if not asked:
                return {}
            try:
                said = self.spark.sql("\nUNION ALL\n".join(asked.values())).collect()
                # A test's text may close its bracket, and speak for another test.
                return {row.test: "" for row in said if row.fails and row.test in asked}
            except SPARK_ERRORS:  # of one of them; which one?
                told = {number: self._verdict(query) for number, query in asked.items()}
                return {number: error for number, error in told.items() if error is not None}

    def _by_chance(self) -> Iterator[int]:
        """The tests whose plan draws by chance; takes note whether one reads the clock."""
        jvm: Any = self.spark._jvm
        clock = jvm.org.apache.spark.sql.catalyst.trees.TreePattern.CURRENT_LIKE()
        with settings(self.spark, AS_IN_DBT):
            for number, query in self._questions(set()):
                with suppress(*SPARK_ERRORS):  # one that can't be planned is told as such
                    plan = self.spark.sql(query)._jdf.queryExecution().analyzed()
                    self._reads_clock |= bool(plan.containsPattern(clock))
                    if not plan.deterministic():
                        yield number

    def _questions(self, relations: set[str]) -> Iterator[tuple[int, str]]:
        """Queries by test: one row, whether the test fails; of tests that read these relations."""
        for number, test in enumerate(self.tests):
            reads = {parent.split(".")[-1] for parent in test.parents}
            stops = str(test.config.get("severity", "")).upper() == "ERROR"
            if stops and (not relations or reads & relations):
                count = test.config.get("fail_calc") or "count(*)"
                verdict = f"({count}) {test.config.get('error_if') or '!= 0'}"
                yield number, f"SELECT {number} AS test, {verdict} AS fails FROM (\n{test.sql}\n)"

    def _verdict(self, query: str) -> str | None:
        """None when the test passes, nothing when it fails, and an error, which stops a build as well."""
        try:
            row = self.spark.sql(query).first()
        except SPARK_ERRORS as error:
            # The message is the test's: it may hold the rows that a hidden check has planted.
            return type(error).__name__ if terse.get() else " ".join(short(error).split())
        return "" if row and row.fails else None

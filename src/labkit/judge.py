"""Run a lab's checks on an answer: pytest in this process, with the fixtures that checks use."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from labkit import datasets
from labkit.answer import AnswerError, Answering, CheckTimeout, short
from labkit.checks.declare import Declaration, declaration
from labkit.checks.frames import make_frame, terse
from labkit.checks.session import CHISPA_ERRORS, settings
from labkit.gateway import LEASE
from labkit.home import LabError
from labkit.outcome import CheckResult, Outcome

HIDDEN_FILE = "hidden_checks.py"
PUBLIC_SEED = 1
CHECK_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.autoBroadcastJoinThreshold": "10485760b",
}
LEAN = ["terminal", "cacheprovider", "faulthandler", "logging", "warnings", "junitxml", "doctest"]
REASON_CHARACTERS = 2_000


class Fixtures:
    """What checks ask pytest for. A subclass says whose answer, and which session."""

    root: Path
    run_seed: int

    def answer(self, checks: Path) -> Any:
        raise NotImplementedError

    def session(self) -> SparkSession:
        raise NotImplementedError

    @pytest.fixture(scope="module")
    def learner(self, request: pytest.FixtureRequest) -> Any:
        """The learner's functions, by name."""
        return self.answer(request.path)

    @pytest.fixture(scope="session")
    def spark(self) -> SparkSession:
        """The session in which checks run, under the lab's settings."""
        return self.session()

    @pytest.fixture(scope="session")
    def frame(self, spark: SparkSession) -> Callable[..., DataFrame]:
        """`frame(ddl, rows)`: rows as a DataFrame, through Arrow."""
        return lambda ddl, rows: make_frame(spark, ddl, rows)

    @pytest.fixture(scope="session")
    def seed(self) -> int:
        """The seed of this run."""
        return self.run_seed

    @pytest.fixture(scope="session")
    def dataset(self, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
        """`dataset(name, scale=1)`: the folder of its files, for the seed of this run."""

        def generate(name: str, scale: int = 1) -> Path:
            into = tmp_path_factory.getbasetemp() / "datasets"
            path = self.root / "datasets" / name / "generate.py"
            return datasets.generated(path, into, seed=self.run_seed, scale=scale)

        return generate

    @pytest.fixture(scope="session")
    def kafka(self) -> str:
        """The address of a Kafka broker; a check that needs one is skipped where none starts."""
        from labkit.services import kafka

        try:
            return kafka.bootstrap()
        except LabError as error:
            pytest.skip(f"needs a Kafka broker: {error}")

    @pytest.fixture
    def schema(self, spark: SparkSession) -> Iterator[str]:
        """The name of a database for this check alone."""
        with fresh_schema(spark) as name:
            yield name

    @pytest.fixture(scope="module")
    def shared_schema(self, spark: SparkSession) -> Iterator[str]:
        """The name of a database for the checks of this file."""
        with fresh_schema(spark) as name:
            yield name


@contextmanager
def fresh_schema(spark: SparkSession) -> Iterator[str]:
    """A new database, gone with its tables afterwards."""
    owner = spark.conf.get(LEASE, f"lab_{os.getpid()}")
    name = f"{owner}_{time.monotonic_ns():x}"
    spark.sql(f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        with suppress(PySparkException, Py4JError, OSError):  # the JVM is gone, and all with it
            spark.sql(f"DROP DATABASE IF EXISTS {name} CASCADE")


class Judge(Fixtures):
    """A pytest plugin that runs checks on one answer and keeps their results."""

    def __init__(
        self,
        root: Path,
        learner: Answering,
        spark: SparkSession,
        *,
        seed: int = PUBLIC_SEED,
        tasks: Collection[str] | None = None,
        ids: Collection[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        self.root, self.run_seed = root, seed
        self._learner, self._spark = learner, spark
        self._tasks, self._ids, self._timeout = tasks, ids, timeout
        self.results: dict[str, CheckResult] = {}

    def answer(self, checks: Path) -> Answering:
        return self._learner

    def session(self) -> SparkSession:
        return self._spark

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            name = Path(report.nodeid).name or "checks"
            reason = f"{name} can't be loaded:\n{_last_lines(str(report.longrepr))}"
            self.results[name] = CheckResult(
                name, "", "broken", "the checks load", 1, reason=reason
            )

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if self._wanted(item)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        token = terse.set(is_hidden(item))
        try:
            with time_limit(self._timeout):
                return (yield)
        finally:
            terse.reset(token)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        report = yield
        declared = declared_by(item)
        if declared:
            keep(self.results, item, declared, call)
        return report

    def _wanted(self, item: pytest.Item) -> bool:
        declared = declared_by(item)
        if declared is None:
            return False
        if self._tasks is not None and declared.task not in self._tasks:
            return False
        return self._ids is None or item.name in self._ids


def judge(
    root: Path,
    learner: Answering,
    spark: SparkSession,
    files: Sequence[Path],
    *,
    seed: int = PUBLIC_SEED,
    tasks: Collection[str] | None = None,
    ids: Collection[str] | None = None,
    timeout: float | None = None,
) -> tuple[CheckResult, ...]:
    """The results of the checks in `files`, in their order.

    `tasks` and `ids` restrict them. KeyboardInterrupt passes through. A file that can't be
    loaded, or no check at all, is one result `broken`.
    """
    plugin = Judge(root, learner, spark, seed=seed, tasks=tasks, ids=ids, timeout=timeout)
    before = set(sys.modules)
    arguments = [
        *map(str, files),
        f"--rootdir={files[0].parent}",
        "--noconftest",
        "-s",
        "--assert=plain",
        "--import-mode=importlib",
        "--disable-plugin-autoload",
        *(part for name in LEAN for part in ("-p", f"no:{name}")),
        "-o",
        "python_files=checks.py hidden_checks.py",
        "-c",
        os.devnull,
    ]
    try:
        with check_settings(spark):
            code = pytest.main(arguments, plugins=[plugin])
    finally:
        for name in set(sys.modules) - before:
            if name.split(".")[-1] in ("checks", "hidden_checks") and not name.startswith("labkit"):
                del sys.modules[name]
    if code == pytest.ExitCode.INTERRUPTED and not any(
        result.outcome == "broken" for result in plugin.results.values()
    ):
        raise KeyboardInterrupt
    if not plugin.results:
        reason = f"no check was found in {', '.join(file.name for file in files)}"
        return (CheckResult("checks", "", "broken", "there are checks", 1, reason=reason),)
    return tuple(plugin.results.values())


@contextmanager
def check_settings(spark: SparkSession) -> Iterator[None]:
    """The lab's settings for the length of a run; the learner's own come back afterwards."""
    with settings(spark, CHECK_SETTINGS):
        yield


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """CheckTimeout in the main thread after `seconds`; None is no limit."""
    if not seconds:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise CheckTimeout(seconds)

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def is_hidden(item: pytest.Item) -> bool:
    return item.path.name == HIDDEN_FILE


def declared_by(item: pytest.Item) -> Declaration | None:
    """What `check` says of this item; None when it is an ordinary test."""
    return declaration(getattr(item, "obj", None))


def keep(
    results: dict[str, CheckResult],
    item: pytest.Item,
    declared: Declaration,
    call: pytest.CallInfo[None],
) -> None:
    """Adds one phase of a check to its result: the first phase that is not `passed` decides."""
    earlier = results.get(item.name)
    seconds = call.duration + (earlier.seconds if earlier else 0)
    outcome, reason, trace = read_outcome(declared, call)
    if earlier and earlier.outcome != "passed":
        outcome, reason, trace = earlier.outcome, earlier.reason, earlier.trace
    results[item.name] = CheckResult(
        item.name,
        declared.task,
        outcome,
        declared.title,
        declared.points,
        hidden=is_hidden(item),
        reason=reason[:REASON_CHARACTERS],
        trace=trace,
        seconds=seconds,
    )


def read_outcome(declared: Declaration, call: pytest.CallInfo[None]) -> tuple[Outcome, str, str]:
    """Outcome, reason and trace of one phase of a check.

    An error of Spark's counts as the learner's: reference answers prove that the check's own
    queries run, and lazy frames fail where they are read, not where they were written.
    """
    if call.excinfo is None:
        return "passed", "", ""
    error = call.excinfo.value
    if isinstance(error, AnswerError):
        return error.outcome, error.reason, error.trace
    if isinstance(error, CheckTimeout):
        return "timeout", f"{declared.task} took longer than {error.args[0]:g} s", ""
    if isinstance(error, pytest.skip.Exception):
        return "skipped", str(error), ""
    if isinstance(error, AssertionError):
        return "failed", str(error).strip() or declared.title, ""
    if isinstance(error, CHISPA_ERRORS):
        return "failed", str(error).strip(), ""
    if isinstance(error, (PySparkException, Py4JError)):
        return "error", f"Spark could not run the answer: {short(error)}", ""
    place = call.excinfo.traceback[-1]
    where = f"{place.path.name if hasattr(place.path, 'name') else place.path}:{place.lineno + 1}"
    return "broken", f"the check itself broke at {where}: {short(error)}", ""


def _last_lines(text: str, lines: int = 6) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])

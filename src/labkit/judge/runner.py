"""Run a lab's checks on an answer: pytest in this process, with the fixtures that checks use."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from labkit.checks.row_diff import terse
from labkit.checks.settings import settings
from labkit.home import LabError
from labkit.judge.answer import Answering, Watched
from labkit.judge.fixtures import Fixtures, Folders
from labkit.judge.observer import Observer
from labkit.judge.public_checks import PublicChecks, loaded_anew
from labkit.judge.results import declared_by, is_hidden, keep
from labkit.judge.time_limit import Alarm, GradedRun
from labkit.verdict.errors import AnswerError
from labkit.verdict.outcome import CheckResult

PUBLIC_SEED = 1
CHECK_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.autoBroadcastJoinThreshold": "10485760b",
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
}
FOR_PYTEST = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
LEAN = [
    *("terminal", "cacheprovider", "faulthandler", "logging", "warnings", "junitxml", "doctest"),
    *("unraisableexception", "threadexception"),  # collect all garbage, twice a run
]


class Judge(Fixtures):
    """A pytest plugin that runs checks on one answer and keeps their results."""

    def __init__(
        self,
        root: Path,
        learner: Answering,
        spark: SparkSession | None,
        *,
        seed: int = PUBLIC_SEED,
        scale: int = 1,
        tasks: Collection[str] | None = None,
        ids: Collection[str] | None = None,
        timeout: float | None = None,
        graded: GradedRun | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.root, self.run_seed, self.run_scale = root, seed, scale
        self._graded = graded or GradedRun()
        self.folder, self.data = self._graded.folder, self._graded.data
        self.broker = self._graded.broker
        self._learner, self._spark = Watched(learner), spark
        self.has_session = spark is not None
        self._tasks, self._ids, self._timeout = tasks, ids, timeout
        self._observer = observer or Observer()
        self._alarm = Alarm()
        self.results: dict[str, CheckResult] = {}

    def answer(self, checks: Path) -> Answering:
        return self._learner

    def session(self) -> SparkSession:
        if self._spark is None:
            raise LabError(
                "the lab's header says `spark: false`, and this check asks for a session"
            )
        return self._spark

    @pytest.fixture(scope="session")
    def tmp_path_factory(self, request: pytest.FixtureRequest) -> Any:
        """pytest's, or the folder that a sandbox shares with the judge."""
        return Folders(self.folder) if self.folder else request.config._tmp_path_factory  # type: ignore[attr-defined]

    @pytest.fixture
    def tmp_path(self, tmp_path_factory: Any) -> Path:
        """An empty folder for this check."""
        return Path(tmp_path_factory.mktemp("check"))

    @pytest.hookimpl
    def pytest_configure(self, config: pytest.Config) -> None:
        config.option.tbstyle = "native"  # nobody reads pytest's own account of a failure

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

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._observer.begins([told for item in session.items if (told := declared_by(item))])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        token = terse.set(is_hidden(item))
        try:
            with self._graded.limit(self._timeout) as self._alarm:
                yield
        finally:
            terse.reset(token)
        self._observer.judged(self.results[item.name])

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Iterator[None]:
        """Time that ends a fixture is its result: pytest keeps a fixture's failure if it is an Exception.

        This is none, and pytest would stumble over half a fixture when the next check asks for it.
        """
        try:
            return (yield)
        except BaseException as error:
            timeout = self._alarm.rang
            if timeout is None or isinstance(error, KeyboardInterrupt):
                raise
            key = fixturedef.cache_key(request)  # type: ignore[arg-type]
            fixturedef.cached_result = (None, key, (timeout, error.__traceback__))
            raise timeout from None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """A stub is told before tables are made for it: a fresh notebook is quick to run through."""
        declared = declared_by(item)
        if declared and self._learner.is_todo(declared.task):
            raise AnswerError("todo", f"`{declared.task}` is not written yet")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        report = yield
        declared = declared_by(item)
        if declared:
            given = self._learner.given(declared.task)
            keep(self.results, item, declared, call, self._graded, self._alarm.rang, given)
        if call.excinfo is not None and self._alarm.rang:
            self._graded.after_timeout()
        return report

    def _wanted(self, item: pytest.Item) -> bool:
        declared = declared_by(item)
        if declared is None:
            return False
        if self._tasks is not None and declared.task not in self._tasks:
            return False
        names = {item.name, item.name.split("[")[0]}
        return self._ids is None or bool(names.intersection(self._ids))


def judge(
    root: Path,
    learner: Answering,
    spark: SparkSession | None,
    files: Sequence[Path],
    *,
    seed: int = PUBLIC_SEED,
    scale: int = 1,
    tasks: Collection[str] | None = None,
    ids: Collection[str] | None = None,
    timeout: float | None = None,
    graded: GradedRun | None = None,
    observer: Observer | None = None,
) -> tuple[CheckResult, ...]:
    """The results of the checks in `files`, in their order; `spark` is None in a lab without Spark.

    `tasks` and `ids` (of checks, with or without parameters) restrict them. KeyboardInterrupt passes
    through; the `observer` has the results until then. A file that can't be loaded, or no check at
    all, is one result `broken`.
    """
    plugin = Judge(
        root, learner, spark,
        seed=seed, scale=scale, tasks=tasks, ids=ids, timeout=timeout, graded=graded,
        observer=observer,
    )  # fmt: skip
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
    with check_settings(spark), loaded_anew(), without_options():
        code = pytest.main(arguments, plugins=[plugin, PublicChecks()])
    if code == pytest.ExitCode.INTERRUPTED and not any(
        result.outcome == "broken" for result in plugin.results.values()
    ):
        raise KeyboardInterrupt
    if code == pytest.ExitCode.INTERNAL_ERROR:
        reason = "pytest broke while it ran the checks"
        plugin.results["checks"] = CheckResult(
            "checks", "", "broken", "the checks run", 1, reason=reason
        )
    if not plugin.results:
        reason = f"no check was found in {', '.join(file.name for file in files)}"
        return (CheckResult("checks", "", "broken", "there are checks", 1, reason=reason),)
    return tuple(plugin.results.values())


@contextmanager
def without_options() -> Iterator[None]:
    """Options for the pytest of whoever started this process are none for a run of checks."""
    kept = {name: os.environ.pop(name) for name in FOR_PYTEST if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


@contextmanager
def check_settings(spark: SparkSession | None) -> Iterator[None]:
    """The lab's settings for the length of a run; the learner's own come back afterwards."""
    if spark is None:
        yield
        return
    held = settings(spark, CHECK_SETTINGS)
    held.__enter__()
    try:
        yield
    finally:
        with suppress(Py4JError, OSError):  # the JVM is gone; the results are not
            held.__exit__(None, None, None)


def _last_lines(text: str, lines: int = 6) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])

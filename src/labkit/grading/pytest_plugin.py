"""Plain `pytest labs/01_cdc_merge`: the fixtures of checks, and reasons instead of tracebacks."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import SparkSession

from labkit.judge.answer import Answering
from labkit.judge.fixtures import Fixtures
from labkit.judge.public_checks import PublicChecks
from labkit.judge.results import declared_by, read_outcome
from labkit.judge.runner import PUBLIC_SEED

if TYPE_CHECKING:
    from labkit.course.labs import Lab


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("labkit", "Lakehouse Labs")
    group.addoption(
        "--submission",
        metavar="FILE",
        help="notebook or Python file to check; the lab's copy in work/ unless given, else its starter",
    )
    group.addoption(
        "--lab-seed", type=int, default=PUBLIC_SEED, help="seed of generated data (default 1)"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(PlainPytest(config), "labkit-plain")
    config.pluginmanager.register(PublicChecks(), "labkit-public-checks")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """A notebook under nbval: `lab.check` raises in its kernel."""
    if not type(item).__module__.startswith("nbval."):
        return (yield)
    os.environ["LAB_STRICT"] = "1"
    try:
        return (yield)
    finally:
        del os.environ["LAB_STRICT"]


class PlainPytest(Fixtures):
    """Checks as ordinary tests, on a submission that runs in its own kernel."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.run_seed = int(config.getoption("lab_seed"))
        self.root = Path(str(config.rootpath))
        self._learners: dict[str, Answering] = {}
        self._held = ExitStack()  # their kernels

    def session(self) -> SparkSession:
        from labkit.spark import session

        return session.current()

    def answer(self, checks: Path) -> Answering:
        from labkit.course.labs import find_lab

        lab = find_lab(checks.parent.name)
        if lab.slug not in self._learners:
            self._learners[lab.slug] = self._run(lab)
        return self._learners[lab.slug]

    def _run(self, lab: Lab) -> Answering:
        """Runs the submission to a lab; its functions wait for checks until the end of pytest."""
        from labkit.grading.cells import UnreadableError
        from labkit.grading.grading_spark import WarmSpark
        from labkit.grading.running import running
        from labkit.grading.submission import read_submission

        given = self._config.getoption("submission")
        path = Path(given) if given else lab.work if lab.work.is_file() else lab.starter
        try:
            submission = read_submission(path)
            submission.require_lab(lab.slug)
        except UnreadableError as error:
            raise pytest.UsageError(str(error)) from None
        spark = self._held.enter_context(WarmSpark())
        session = self.session() if lab.uses_spark else None
        one = self._held.enter_context(running(lab, spark, session, spark.scratch()))
        for problem in one.kernel.run(submission):
            print(f"{path.name}, {problem}")
        return one.learner

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        report: Any = yield
        declared = declared_by(item)
        if declared and call.excinfo and not call.excinfo.errisinstance(pytest.skip.Exception):
            outcome, reason, trace = read_outcome(declared, call)
            reason = reason.split("\nassert ")[0]  # what pytest adds to a rewritten assert
            report.longrepr = f"[{outcome}] {declared.task}: {declared.title}\n{reason}\n{trace}"
        return report

    def pytest_unconfigure(self) -> None:
        self._held.close()

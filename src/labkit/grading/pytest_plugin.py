"""Plain `pytest labs/01_cdc_merge`: the fixtures of checks, and reasons instead of tracebacks."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from labkit.judge.fixtures import Fixtures
from labkit.judge.public_checks import PublicChecks
from labkit.judge.runner import PUBLIC_SEED, declared_by, read_outcome


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
        self._kernels: dict[str, Any] = {}
        self._offers: list[Any] = []

    def session(self) -> SparkSession:
        from labkit.spark import session

        return session.current()

    def answer(self, checks: Path) -> Any:
        from labkit.course.labs import find_lab
        from labkit.grading.kernel import Kernel
        from labkit.grading.remote import RemoteLearner
        from labkit.grading.submission import UnreadableError, read_submission
        from labkit.parts import kafka
        from labkit.spark.lease import offer

        lab = find_lab(checks.parent.name)
        if lab.slug not in self._kernels:
            given = self._config.getoption("submission")
            path = Path(given) if given else lab.work if lab.work.is_file() else lab.starter
            try:
                submission = read_submission(path)
                submission.require_lab(lab.slug)
            except UnreadableError as error:
                raise pytest.UsageError(str(error)) from None
            offered = offer(self.session())
            self._offers.append(offered)
            environment = {**offered.environment, **kafka.environment(lab.about["needs"])}
            kernel = Kernel(self._scratch() / lab.name, environment, root=lab.root)
            self._kernels[lab.slug] = kernel
            for problem in kernel.run(submission):
                print(f"{path.name}, {problem}")
        return RemoteLearner(self._kernels[lab.slug], self.session(), lab.tasks)

    def _scratch(self) -> Path:
        factory = self._config._tmp_path_factory  # type: ignore[attr-defined]
        return Path(factory.mktemp("submission"))

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
        from labkit.spark.lease import withdraw

        for kernel in self._kernels.values():
            kernel.close()
        for offered in self._offers:
            withdraw(self.session(), offered)

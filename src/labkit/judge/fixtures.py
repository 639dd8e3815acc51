"""What checks ask pytest for: the learner's functions, a session, frames, datasets, databases, folders."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from labkit.checks.frames import make_frame
from labkit.checks.mark import tasks_of
from labkit.checks.settings import SMALL_TABLES, settings
from labkit.course import datasets
from labkit.home import LabError
from labkit.spark.lease import LEASE, TABLES
from labkit.verdict.errors import AnswerError


class Fixtures:
    """What checks ask pytest for. A subclass says whose answer, and which session."""

    root: Path
    run_seed: int
    run_scale: int = 1
    folder: Path | None = None  # of files made for checks; pytest's own unless given
    data: Path | None = None
    broker: str = ""  # address of the one that this submission has
    has_session: bool = True  # False in a lab that uses no Spark

    def answer(self, checks: Path) -> Any:
        raise NotImplementedError

    def session(self) -> SparkSession:
        raise NotImplementedError

    @pytest.fixture(scope="module")
    def learner(self, request: pytest.FixtureRequest) -> Any:
        """The learner's functions, by name."""
        return self.answer(request.path)

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """A check of several tasks is a test for each, `name[task]`; one task is in no name."""
        tasks = tasks_of(metafunc.function)
        if len(tasks) > 1 or (tasks and "task" in metafunc.fixturenames):
            ids = tasks if len(tasks) > 1 else [pytest.HIDDEN_PARAM]
            metafunc.parametrize("task", tasks, indirect=True, ids=ids, scope="module")

    @pytest.fixture(scope="module")
    def task(self, request: pytest.FixtureRequest) -> str:
        """The name of the task that is checked: of several that a check names, each in turn."""
        return str(request.param)

    @pytest.fixture(scope="session")
    def spark(self) -> SparkSession:
        """The session in which checks run, under the lab's settings."""
        return self.session()

    @pytest.fixture(scope="module")
    def quick(self, spark: SparkSession) -> Iterator[SparkSession]:
        """The session with settings that suit small tables."""
        with settings(spark, SMALL_TABLES):
            yield spark

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
        """`dataset(name)`: the folder of its files, for the seed and the scale of this run.

        A judge of a sandbox makes them itself: it runs no Python of its own in the answer's Spark.
        """
        spark = self.session if self.data is None and self.has_session else None

        def generate(name: str) -> Path:
            into = self.data or tmp_path_factory.getbasetemp() / "datasets"
            path = self.root / "datasets" / name / "generate.py"
            return datasets.generated(
                path,
                into,
                seed=self.run_seed,
                scale=self.run_scale,
                spark=spark,
            )

        return generate

    @pytest.fixture(scope="session")
    def inbox(self, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
        """`inbox(name)`: an empty folder for what an answer reads; only the check writes there."""
        return Folders(self.data, mode=0o755).mktemp if self.data else tmp_path_factory.mktemp

    @pytest.fixture(scope="session")
    def kafka(self) -> str:
        """The address of a Kafka broker; a check that needs one is skipped where none starts.

        In grading it is the submission's own broker: one that it brought down is not started again.
        """
        from labkit.parts import kafka

        if self.broker and not kafka.listens(self.broker):
            raise AnswerError("error", "the Kafka broker of this submission has ended")
        if self.broker:
            return self.broker
        if self.data is not None:  # one that this process starts would be outside of the sandbox
            pytest.skip("needs a Kafka broker, and none started for this submission")
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


class Folders:
    """Fresh folders that the sandbox's user can enter (pytest's are for one user).

    By `mode` it may also write there, though not rename or remove what a check has made.
    """

    def __init__(self, base: Path, *, mode: int = 0o1777) -> None:
        self._base, self._mode = base, mode

    def getbasetemp(self) -> Path:
        return self._base

    def mktemp(self, basename: str, numbered: bool = True) -> Path:
        # No name that a submission could have guessed, and taken before.
        if numbered:
            path = Path(tempfile.mkdtemp(prefix=f"{basename}-", dir=self._base))
        else:
            path = self._base / basename
            path.mkdir()
        path.chmod(self._mode)
        return path


@contextmanager
def fresh_schema(spark: SparkSession) -> Iterator[str]:
    """A new database, gone with its tables afterwards."""
    owner = spark.conf.get(LEASE, f"lab_{os.getpid()}")
    name = f"{owner}_{time.monotonic_ns():x}"
    folder = spark.conf.get(TABLES, None)
    spark.sql(f"CREATE DATABASE {name}" + (f" LOCATION '{folder}/{name}.db'" if folder else ""))
    try:
        yield name
    finally:
        with suppress(PySparkException, Py4JError, OSError):  # the JVM is gone, and all with it
            spark.sql(f"DROP DATABASE IF EXISTS {name} CASCADE")

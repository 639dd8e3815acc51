"""The Spark that submissions are graded on: what grading asks of it, and warm Spark as one of two."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, Self

from pyspark.sql import SparkSession

from labkit.sandbox.limits import Limits
from labkit.sandbox.sandbox import Sandbox
from labkit.spark import session as own_session


class GradingSpark(Protocol):
    """Spark for one submission after the other: a session for the judge, a place for the rest.

    There are two: `WarmSpark`, which notebooks share, and `jvm.GradingJvm`, which is in the sandbox
    and examined after each submission.
    """

    limits: Limits  # of the submission's process
    allow_jvm: bool  # whether an instructor opened the JVM to submissions
    filtered: bool  # whether a submission's calls on the JVM go through a filter

    @property
    def sandbox(self) -> Sandbox:
        """Where the submission's process runs; `sandbox.on` says whether it is confined."""

    @property
    def checks_folder(self) -> Path | None:
        """For files that checks and submission share; None where pytest's own folders do."""

    @property
    def data_folder(self) -> Path | None:
        """For files that the submission may only read; None where pytest's own folders do."""

    def session(self) -> SparkSession:
        """The judge's session for the next submission; Spark starts here when it has to."""

    def scratch(self) -> Path:
        """A fresh folder for one submission to start in."""

    def session_state(self, session: SparkSession) -> dict[str, Any]:
        """What must not change in the judge's session; empty where others may change it."""

    def end_jobs(self) -> None:
        """Ends what still runs of a check that ran out of time."""

    def spoil(self, why: str) -> None:
        """Says that the submission may have harmed this Spark."""

    def finish(self) -> None:
        """Ends what the submission left running, and looks for harm."""

    def close(self) -> None:
        """Gives up what was held for grading."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class WarmSpark:
    """The Spark of this process, without a sandbox: for answers that nobody has to be kept from.

    A submission's jobs, streams and schemas end with its lease (`labkit.spark.lease`), so there is
    nothing to end here; and what notebooks share is theirs to change.
    """

    allow_jvm = filtered = False
    checks_folder: Path | None = None
    data_folder: Path | None = None

    def __init__(self, session: Callable[[], SparkSession] | None = None) -> None:
        self.limits = Limits()
        self.sandbox = Sandbox.make(on=False)
        self._session = session or own_session.current

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def session(self) -> SparkSession:
        return self._session()

    def scratch(self) -> Path:
        """A temporary folder: on a cluster these are in storage that all of it can reach."""
        return Path(tempfile.mkdtemp(prefix="submission-"))

    def session_state(self, session: SparkSession) -> dict[str, Any]:
        return {}

    def end_jobs(self) -> None:
        pass

    def spoil(self, why: str) -> None:
        pass

    def finish(self) -> None:
        pass

    def close(self) -> None:
        self.sandbox.close()

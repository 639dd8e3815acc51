"""How much a submission's processes may use, and the judge that reads what they send."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass

MB = 1_000_000
JUDGE_MB = 3000
WORKER_MB = 2147  # of Python that Spark starts: two gigabytes as Java counts them


@dataclass(frozen=True)
class Limits:
    """What a submission may use; a limit that is met is reported as what it is.

    `processes` (threads count) holds in the sandbox alone: without it the kernel counts all
    processes of the user together.
    """

    cell_seconds: float = 300
    submission_seconds: float = 1800
    memory_mb: int = 4096
    file_mb: int = 1024
    files: int = 200_000  # of all that it makes, in folders that checks use and the JVM's, too
    disk_mb: int = 8_000
    open_files: int = 4096
    processes: int = 256
    output_characters: int = 1_000_000

    def of_kernel(self, *, sandboxed: bool) -> dict[str, int]:
        """Resource limits of the submission's own process and its children."""
        limits = {
            "AS": self.memory_mb * MB,
            "FSIZE": self.file_mb * MB,
            "NOFILE": self.open_files,
            "CORE": 0,
        }
        return {**limits, "NPROC": self.processes} if sandboxed else limits

    def of_jvm(self, *, sandboxed: bool) -> dict[str, int]:
        """Those of the JVM and its Python workers; its memory is bounded by its own settings."""
        limits = {"FSIZE": self.file_mb * MB, "NOFILE": 4 * self.open_files, "CORE": 0}
        return {**limits, "NPROC": 8 * self.processes} if sandboxed else limits


def limit_worker_memory() -> None:
    """Bounds the addresses of this process and of each that it starts, for good.

    Spark does so for the workers of tasks. Those that plan a function it bounds only if a setting
    of the session says so.
    """
    if sys.platform == "linux":
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        most = WORKER_MB * MB if hard == resource.RLIM_INFINITY else min(WORKER_MB * MB, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def limit_own_memory() -> None:
    """Bounds this process's memory: what a submission's JVM sends, such as names, has no size of its own.

    What a launcher starts is not bound by it.
    """
    if sys.platform == "linux":
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = JUDGE_MB * MB if hard == resource.RLIM_INFINITY else min(JUDGE_MB * MB, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))

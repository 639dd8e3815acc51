"""What tests that start processes share."""

import psutil

# For a JVM that ends after a few answers: the second compiler tier would cost 15 s of CPU, and never
# pay them back.
YOUNG_JVM = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"}


def alive(process: int | psutil.Process) -> bool:
    """Whether a process runs; one that has ended and was not waited for doesn't."""
    try:
        found = psutil.Process(process) if isinstance(process, int) else process
        return found.is_running() and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

"""What tests that start processes share."""

import importlib.machinery
import importlib.util
from pathlib import Path

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


def lab_script(root: Path):
    """The `lab` script of a checkout as a module, to call its functions."""
    loader = importlib.machinery.SourceFileLoader("lab_script", str(root / "lab"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("lab_script", loader))
    loader.exec_module(module)
    return module

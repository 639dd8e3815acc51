"""A Spark cluster in the place of this machine: its master, and storage that all of it can reach."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from labkit.home import LabError

MASTER = "LAB_SPARK_MASTER"
STORAGE = "LAB_STORAGE"
CONF = "LAB_SPARK_CONF"
# Settings of one machine that a cluster has its own of.
LOCAL_ONLY = (
    *("spark.driver.host", "spark.driver.bindAddress", "spark.driver.extraClassPath"),
    *("spark.delta.logStore.file.impl", "spark.python.daemon.module"),
)
LOOPBACK = ("127.0.0.1", "localhost")


def master() -> str | None:
    """The master of the cluster that labs run on; None for this machine alone."""
    return os.environ.get(MASTER) or None


def storage() -> Path:
    """The folder that driver and executors share, under one path."""
    given = os.environ.get(STORAGE)
    if not given:
        raise LabError(
            f"{MASTER} is set and {STORAGE} is not: name a folder that the driver and every "
            "executor can read and write under the same path"
        )
    folder = Path(given.removeprefix("file://"))
    if "://" in given.removeprefix("file://"):
        raise LabError(
            f"{STORAGE} is {given}; labs read and write files in it by their paths, so an object "
            "store has to be mounted as a folder"
        )
    if not folder.is_absolute() or not os.access(folder, os.W_OK):
        raise LabError(
            f"{STORAGE} is {given}, which is no folder (from the root) that can be written"
        )
    return folder


def use_storage() -> None:
    """Whatever this process and its children put into temporary folders, executors can reach."""
    if master():
        os.environ["TMPDIR"] = tempfile.tempdir = str(storage())


def conf(local: Mapping[str, str], jars: str) -> dict[str, str]:
    """The settings of a lab's Spark, changed from this machine's for the cluster.

    The jars travel with the application. A file named by LAB_SPARK_CONF, one `name value` a line
    as in spark-defaults.conf, has the last word.
    """
    found = {name: value for name, value in local.items() if name not in LOCAL_ONLY}
    address = str(master())
    found |= {
        "spark.master": address,
        "spark.jars": jars,
        "spark.executorEnv.TZ": "UTC",
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC -Xss4m",
    }
    if any(name in address for name in LOOPBACK):
        found |= {name: local[name] for name in LOCAL_ONLY[:2]}
    return found | _own_settings()


def _own_settings() -> dict[str, str]:
    given = os.environ.get(CONF)
    if not given:
        return {}
    try:
        lines = Path(given).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{CONF} is {given}, which can't be read: {error}") from None
    pairs = [line.split(None, 1) for line in lines if line.strip() and line[0] != "#"]
    if wrong := [pair[0] for pair in pairs if len(pair) < 2]:
        raise LabError(f"{given}: `{wrong[0]}` has no value; write `name value` on a line")
    return {name: value.strip() for name, value in pairs}

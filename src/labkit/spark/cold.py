"""A private session: a JVM of this process, with the settings of a lab's Spark."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from labkit import home
from labkit.escape import one_line
from labkit.home import LabError
from labkit.spark import cluster
from labkit.spark.jars import jars
from labkit.spark.settings import base_conf, process_environment, write_no_checksums


def cold_session(
    *,
    app: str = "labkit",
    scratch: Path | None = None,
    lasting: bool = False,
    extra: Mapping[str, str] | None = None,
) -> SparkSession:
    """A session in a JVM of this process, or in the one that this process already has.

    The JVM's own output goes to a log in the cache. `scratch` is removed at exit when it is not
    given. LabError when no JVM starts.
    """
    _forget_dead_jvm()
    if SparkContext._active_spark_context is None:
        cluster.use_storage()
        folder = scratch or Path(tempfile.mkdtemp(prefix="labkit-"))
        if scratch is None:
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
        conf = base_conf(folder, lasting=lasting)
        if cluster.master():
            conf = cluster.conf(conf, ",".join(map(str, jars())))
        _start({**conf, "spark.app.name": app, **(extra or {})}, folder)
    return SparkSession.builder.getOrCreate()


def _forget_dead_jvm() -> None:
    gateway: Any = SparkContext._gateway
    process = getattr(gateway, "proc", None)
    if process is not None and process.poll() is not None:
        SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
        SparkSession._instantiatedSession = SparkSession._activeSession = None


def _start(conf: Mapping[str, str], scratch: Path) -> None:
    process_environment(scratch)
    log = home.cache_dir() / "spark.log"
    settings = SparkConf(loadDefaults=False)
    settings.setAll(list(conf.items()))
    try:
        with log.open("wb") as out:
            # After `stop` the JVM is there still.
            gateway = SparkContext._gateway or launch_gateway(
                settings, popen_kwargs={"stdout": out, "stderr": out}
            )
        write_no_checksums(SparkContext(conf=settings, gateway=gateway))
    except (PySparkRuntimeError, Py4JError, OSError) as error:
        last = log.read_text("utf-8", "replace").strip().splitlines()[-3:]
        address = cluster.master()
        said = one_line(str(error).split("\n\tat ")[0], 300)  # without Java's stack
        raise LabError(
            f"Spark did not start ({said}). The end of its log {log}:\n"
            + "\n".join(last)
            + "\nRun `lab doctor`; it looks at Java, memory and jars."
            + (f" The cluster is that of {cluster.MASTER}, {address}." if address else "")
        ) from None

"""The settings of a lab's Spark: of its JVM, and of the process that starts one."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from pyspark import SparkContext

from labkit.spark import class_archive, cluster
from labkit.spark.jars import jars
from labkit.spark.java import java_home

FACTORY = "spark.sql.codegen.factoryMode"  # of expressions outside whole stages
# Small data on one machine: most of an operation's time is Spark's own. Measured, one small Delta
# write and two MERGEs: 61 s with Spark's defaults, 14 s with these, 3.3-5 s once warm.
SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "1",
    # Delta keeps the log of each table it met for an hour, 6 MB of plans a table: after two hundred
    # tables a JVM of this size does nothing but collect garbage.
    "spark.databricks.delta.delta.log.cacheSize": "16",
    # A page of memory is allocated, and zeroed, for each aggregate and sort: 64 MB by default here.
    "spark.buffer.pageSize": "1m",
    # VACUUM lists a table's folder in this many tasks, 10,000 by default, whatever is in it: 37 s
    # for eight files, and 3 s with one.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "1",
    # The parser of Delta 4.4 drops the values of `spark.sql(text, args=...)`, which Spark puts into
    # the text since 4.1. So Spark binds them in the plan, as before.
    "spark.sql.legacy.parameterSubstitution.constantsOnly": "true",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # Spark 4.2.0 waits forever for a Python UDF that reads a table's column without a step between
    # (SPARK-58241, mended after it): the worker is told the schema where it doesn't look for it.
    "spark.sql.execution.arrow.pythonUDF.columnarInput.enabled": "false",
    # Delta reads its own log through projections over wide structs: generating, formatting and
    # compiling their code costs a fifth of a small MERGE, interpreting them next to nothing.
    # Whole-stage code generation, which a learner sees in plans, stays on.
    FACTORY: "NO_CODEGEN",
    "spark.sql.codegen.cache.maxEntries": "1000",
    # Hadoop's FileContext, which checkpoints and Delta's log use by default, asks a process of its
    # own (readlink, chmod) about each local file: seven hundred for a few streams.
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.ui.retainedExecutions": "100",
    "spark.ui.retainedJobs": "500",
    "spark.ui.retainedStages": "500",
    "spark.python.daemon.module": "labkit.spark.python_workers",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
# The serial collector and the first compiler tier alone halve the CPU of a young JVM. That tier's
# own 48 MB for compiled code are full after some minutes, and then it compiles in circles; small
# spaces for classes and young objects cost a full collection every few operations.
JAVA_OPTIONS = (
    "-XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC -Xmn500m -XX:MetaspaceSize=400m -Xss4m "
    "-Duser.timezone=UTC"
)
# The second tier costs 15 s of CPU in a JVM's first minute; from about the sixth notebook on, each
# answer is a quarter cheaper (most of its time is Spark's planning, the same code again and again).
FIRST_TIER = "-XX:TieredStopAtLevel=1"
WAREHOUSE = "warehouse"  # in a JVM's folder
LOG4J = Path(__file__).with_name("log4j2.properties")
WORKER_PYTHON = Path(__file__).with_name("worker_python")


def base_conf(scratch: Path, *, lasting: bool = False) -> dict[str, str]:
    """Every setting of a lab's JVM whose files go to `scratch`.

    `lasting` when it will judge many answers, or serve somebody for an hour.
    """
    options = (
        f"{JAVA_OPTIONS} -Djava.io.tmpdir={scratch} -Dlog4j2.configurationFile={LOG4J.as_uri()}"
    )
    if not lasting:
        options += f" {FIRST_TIER}"
    options += f" {class_archive.option()}"
    return {
        **SETTINGS,
        "spark.master": "local[2]",
        "spark.driver.extraClassPath": os.pathsep.join(map(str, jars())),
        "spark.driver.extraJavaOptions": options,
        "spark.sql.warehouse.dir": str(scratch / WAREHOUSE),
        "spark.local.dir": str(scratch),
    }


def process_environment(scratch: Path) -> None:
    """What Spark reads from the environment of the process that starts its JVM."""
    os.environ["JAVA_HOME"] = str(java_home())
    os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_DIRS"] = str(scratch)
    if cluster.master():  # what its workers have, and how they reach this machine, the user knows
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    else:
        os.environ["PYSPARK_PYTHON"] = worker_python()
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ.pop("SPARK_HOME", None)
    set_utc()


def worker_python() -> str:
    """What starts the Python of workers; on a cluster this machine's Python, unless the user says."""
    return sys.executable if cluster.master() else str(WORKER_PYTHON)


def write_no_checksums(context: SparkContext) -> None:
    """Hadoop's local file system writes a .crc beside each file, and runs chmod for that one too."""
    jvm: Any = context._jvm
    local = jvm.org.apache.hadoop.fs.FileSystem.get(
        jvm.java.net.URI("file:///"), context._jsc.hadoopConfiguration()
    )
    local.setWriteChecksum(False)


def set_utc() -> None:
    """UTC for this process: Python turns timestamps into local time on `collect`."""
    os.environ["TZ"] = "UTC"
    time.tzset()

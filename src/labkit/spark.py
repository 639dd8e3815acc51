"""The settings of a lab's Spark, and an ordinary private session with them."""

from __future__ import annotations

import atexit
import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import SparkSession

KEEP = ("io.delta_delta-spark", "io.delta_delta-storage", "delta-kernel", "unitycatalog", "kafka", "jts", "commons-pool2")
SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.timezone=UTC",
    "spark.log.level": "ERROR",
}


def cold_session(*, app: str = "labkit", scratch: Path | None = None, ui: bool = False, extra: Mapping[str, str] | None = None) -> SparkSession:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["TZ"] = "UTC"
    folder = scratch or Path(tempfile.mkdtemp(prefix="labkit-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    jars = [j for j in sorted(glob.glob(os.path.expanduser("~/.ivy2.5.2/jars/*.jar"))) if any(k in j for k in KEEP)]
    builder = SparkSession.builder.master("local[2]").appName(app)
    for key, value in {**SETTINGS, "spark.driver.extraClassPath": ":".join(jars), "spark.sql.warehouse.dir": str(folder / "warehouse"), **(extra or {})}.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()

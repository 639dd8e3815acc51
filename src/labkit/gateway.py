"""Several Python processes in one JVM: open a further py4j gateway, and attach to one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

PORT = "PYSPARK_GATEWAY_PORT"
SECRET = "PYSPARK_GATEWAY_SECRET"


@dataclass(frozen=True)
class Gateway:
    """A py4j gateway into a running JVM, on loopback, with a secret of its own."""

    port: int
    secret: str
    server: Any = None

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to attach."""
        return {PORT: str(self.port), SECRET: self.secret}

    def close(self) -> None:
        """Ends the gateway: whoever is attached through it is cut off."""
        if self.server is not None:
            self.server.shutdown()


def open_gateway(spark: SparkSession) -> Gateway:
    """A further gateway into the JVM of `spark` (about 10 ms)."""
    jvm = spark._jvm
    assert jvm is not None
    conf = spark.sparkContext._jsc.sc().conf()
    server = jvm.org.apache.spark.api.python.Py4JServer(conf)
    server.start()
    return Gateway(int(server.getListeningPort()), str(server.secret()), server)


def attach(environment: Mapping[str, str]) -> SparkSession:
    """A new session in the JVM behind a gateway; this process must have no Spark yet."""
    os.environ.update({key: environment[key] for key in (PORT, SECRET)})
    gateway = launch_gateway()
    jvm = gateway.jvm
    SparkContext._ensure_initialized(gateway=gateway)
    scala = jvm.org.apache.spark.SparkContext.getOrCreate()
    java = jvm.org.apache.spark.api.java.JavaSparkContext.fromSparkContext(scala)
    context = SparkContext(gateway=gateway, jsc=java, conf=SparkConf(_jvm=jvm, _jconf=java.getConf()))
    base = jvm.org.apache.spark.sql.classic.SparkSession.builder().getOrCreate()
    return SparkSession(context, base.newSession())

"""Lend a JVM to another process: a py4j gateway and a session for it, and their clean end."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

PORT = "PYSPARK_GATEWAY_PORT"
SECRET = "PYSPARK_GATEWAY_SECRET"
SESSION = "LAB_SESSION"
HANDLE = "LAB_SESSION_HANDLE"  # py4j's own name of the session, where nothing else gives it
LEASE = "spark.labkit.lease"
TABLES = (
    "spark.labkit.tables"  # a judge's folder of databases, where a submission's process can't write
)
MOST_SCHEMAS = 200  # to be dropped, at 10 ms and more each


@dataclass(frozen=True)
class Offer:
    """A session and a py4j gateway in a running JVM, ready for one other process."""

    lease: str
    port: int
    secret: str
    session: Any
    server: Any

    @property
    def environment(self) -> dict[str, str]:
        """What that process needs in its environment."""
        return {PORT: str(self.port), SECRET: self.secret, SESSION: self.lease}


def offer(spark: SparkSession) -> Offer:
    """A new session in the JVM of `spark`, behind a gateway with a secret of its own (10 ms)."""
    jvm: Any = spark._jvm
    server = jvm.org.apache.spark.api.python.Py4JServer(spark._jsc.sc().conf())
    server.start()
    session = spark._jsparkSession.newSession()
    lease = f"lab_{secrets.token_hex(6)}"
    session.conf().set(LEASE, lease)
    # The other process asks for the session by this name: handles don't cross between gateways.
    jvm.System.getProperties().put(lease, session)
    return Offer(lease, int(server.getListeningPort()), str(server.secret()), session, server)


def withdraw(spark: SparkSession, offered: Offer) -> None:
    """Ends whatever the other process left: jobs, streams, cache entries, schemas, its gateway."""
    jvm: Any = spark._jvm
    steps = (
        lambda: jvm.System.getProperties().remove(offered.lease),
        lambda: spark._jsc.sc().cancelJobsWithTag(offered.lease),
        lambda: stop_streams(offered.session),
        lambda: uncache(offered.session),
        lambda: drop_schemas(spark, offered.lease),
        lambda: offered.server.shutdown(),
    )
    for step in steps:
        # One step that fails (the JVM is gone, or a table is) must not keep the others from running.
        with suppress(Py4JError, PySparkException, OSError):
            step()


def stop_streams(session: Any) -> None:
    for query in session.streams().active():
        query.stop()


def drop_schemas(spark: SparkSession, lease: str) -> None:
    """Drops the databases whose names begin with the lease, as many as somebody may need."""
    # Asked directly this takes 1 ms, through a query 30 to 120.
    catalog = spark._jsparkSession.sharedState().externalCatalog()
    for database in strings(catalog.listDatabases(f"{lease}*"))[:MOST_SCHEMAS]:
        spark.sql(f"DROP DATABASE IF EXISTS {database} CASCADE")


def strings(sequence: Any) -> list[str]:
    """The strings of a Scala Seq."""
    return [sequence.apply(index) for index in range(sequence.size())]


def uncache(session: Any) -> None:
    """Removes the cache entries made under this session's lease; the cache belongs to all sessions.

    An entry is planned in a clone of its session, which has the same settings: the lease is one.
    """
    manager = session.sharedState().cacheManager()
    field = manager.getClass().getDeclaredField("cachedData")
    field.setAccessible(True)
    entries = field.get(manager).iterator()
    mine = session.conf().get(LEASE, "")
    while entries.hasNext():
        entry = entries.next()
        planned = entry.cachedRepresentation().cacheBuilder().cachedPlan()
        if planned.session().conf().get(LEASE, "") == mine:
            manager.uncacheQuery(session, entry.plan(), False)


def lease_of(spark: SparkSession) -> str | None:
    """The lease under which a session was offered; None in a private JVM."""
    lease: str | None = spark.conf.get(LEASE, None)
    return lease

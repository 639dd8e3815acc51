"""Several Python processes in one JVM: a gateway and a session for each, and their clean end."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException, PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession
from pyspark.sql.catalog import Catalog

PORT = "PYSPARK_GATEWAY_PORT"
SECRET = "PYSPARK_GATEWAY_SECRET"
SESSION = "LAB_SESSION"
LEASE = "spark.labkit.lease"
_own: dict[str, str] = {}  # the lease of this process, once attached
STOPPED = "this Spark session was stopped; `lab.spark` gives you a new one"


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
    """Drops the databases whose names begin with the lease."""
    # Asked directly this takes 1 ms, through a query 30 to 120.
    catalog = spark._jsparkSession.sharedState().externalCatalog()
    for database in strings(catalog.listDatabases(f"{lease}*")):
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


def attach(environment: Mapping[str, str]) -> SparkSession:
    """The session that was offered; this process must have no Spark of its own."""
    offered = {name: environment[name] for name in (PORT, SECRET, SESSION)}
    os.environ.update(offered)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else workers are some other python3
    # What is left of a JVM that died, and of sessions in it.
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = SparkSession._activeSession = None
    gateway = launch_gateway()
    for name in offered:  # a child would take the offer for its own, and share this session
        del os.environ[name]
    _own["lease"] = lease = offered[SESSION]
    SparkContext._ensure_initialized(gateway=gateway)
    _guard()
    _tag_jobs(gateway, lease)
    return _session(gateway.jvm.System.getProperties().get(lease))


def own_lease() -> str | None:
    """The lease of this process in a JVM that another process owns; None when it is not attached."""
    return _own.get("lease") if SparkContext._gateway is not None else None


def lease_of(spark: SparkSession) -> str | None:
    """The lease under which a session was offered; None in a private JVM."""
    lease: str | None = spark.conf.get(LEASE, None)
    return lease


def _session(offered: Any) -> SparkSession:
    jvm: Any = SparkContext._jvm
    sessions = jvm.org.apache.spark.sql.classic.SparkSession
    base = sessions.getDefaultSession()
    java = jvm.org.apache.spark.api.java.JavaSparkContext.fromSparkContext(offered.sparkContext())
    context = SparkContext(
        gateway=SparkContext._gateway, jsc=java, conf=SparkConf(_jvm=jvm, _jconf=java.getConf())
    )
    session = SparkSession(context, offered)
    if base.isDefined():  # making a Python session changes the default of the whole JVM
        sessions.setDefaultSession(base.get())
    return session


def _tag_jobs(gateway: Any, lease: str) -> None:
    """Marks this process's jobs with its lease: its end cancels them, probes find them by it.

    The mark hangs on a JVM thread, and each line to the JVM has one. A Python thread has a line of
    its own, and gets another when a call on it was cut short: every new line is marked.
    """
    client = gateway._gateway_client
    context = gateway.jvm.System.getProperties().get(lease).sparkContext()
    open_line = client._create_new_connection

    def open_marked_line() -> Any:
        line = open_line()
        context.addJobTag(lease)  # over `line`, this thread's own from now on
        client.deque.remove(line)  # the caller takes it out of the pool, too
        return line

    context.addJobTag(lease)
    client._create_new_connection = open_marked_line


def give_up_line() -> None:
    """Closes this thread's line to the JVM after a call on it was cut short; the next call gets another.

    The answer to that call is still to come: the next one would take it for its own.
    """
    gateway = SparkContext._gateway
    if gateway is None:
        return
    client = gateway._gateway_client
    line = client.get_thread_connection()
    if line is not None:
        line.close()
        client.thread_connection.connection = None


class _Stopped:
    """Stands where a stopped session's JVM handle was."""

    def __getattr__(self, name: str) -> Any:
        raise PySparkRuntimeError(STOPPED)


def _guard() -> None:
    """What would reach all sessions of the JVM reaches the caller's own things only."""
    if getattr(SparkContext, "_labkit_guarded", False):
        return
    get_or_create = SparkSession.Builder.getOrCreate

    def stop_session(self: SparkSession) -> None:
        with suppress(Py4JError, PySparkException, OSError):
            stop_streams(self._jsparkSession)
            uncache(self._jsparkSession)
            for view in self.catalog.listTables():
                if view.isTemporary:
                    self.catalog.dropTempView(view.name)
        self._jsparkSession = _Stopped()
        SparkSession._instantiatedSession = SparkSession._activeSession = None
        stop_context(self._sc)

    def stop_context(self: SparkContext) -> None:
        session = SparkSession._instantiatedSession
        if session is not None and session._sc is self:
            stop_session(session)
            return
        self._jsc = _Stopped()
        if getattr(self, "_accumulatorServer", None):
            self._accumulatorServer.shutdown()
            self._accumulatorServer = None
        SparkContext._active_spark_context = None

    def attach_again(self: SparkSession.Builder) -> SparkSession:
        if SparkSession._instantiatedSession is None:
            from labkit import session

            session.current()
        return get_or_create(self)

    def cancel_own_jobs(self: SparkContext) -> None:
        give_up_line()  # PySpark calls this at Ctrl-C, in the middle of any other call
        self.cancelJobsWithTag(_own["lease"])

    def clear_own_cache(self: Catalog) -> None:
        uncache(self._sparkSession._jsparkSession)

    SparkSession.stop = stop_session
    SparkContext.stop = stop_context
    SparkContext.cancelAllJobs = cancel_own_jobs
    Catalog.clearCache = clear_own_cache
    SparkSession.Builder.getOrCreate = attach_again
    SparkContext._labkit_guarded = True


def renew() -> SparkSession:
    """A fresh session through the gateway of this process, after `stop`."""
    jvm: Any = SparkContext._jvm
    lease = _own["lease"]
    base = jvm.System.getProperties().get(lease)
    session = base.newSession()
    session.conf().set(LEASE, lease)
    return _session(session)

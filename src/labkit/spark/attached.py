"""Attach this process to a JVM that another process lent it (see `lease`)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from py4j.java_gateway import JavaObject
from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException, PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession
from pyspark.sql.catalog import Catalog

from labkit.spark.lease import HANDLE, LEASE, PORT, SECRET, SESSION, stop_streams, uncache
from labkit.spark.settings import worker_python

_own: dict[str, str] = {}  # the lease of this process, once attached; the handle of its session
STOPPED = "this Spark session was stopped; `lab.spark` gives you a new one"


def attach(environment: Mapping[str, str], again: Callable[[], object]) -> SparkSession:
    """The session that was offered; this process must have no Spark of its own.

    `again` is called where PySpark makes a session after `stop`.
    """
    offered = {name: environment[name] for name in (PORT, SECRET, SESSION)}
    os.environ.update(offered)
    os.environ.setdefault("PYSPARK_PYTHON", worker_python())  # else it is some other python3
    # What is left of a JVM that died, and of sessions in it.
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = SparkSession._activeSession = None
    gateway = launch_gateway()
    for name in offered:  # a child would take the offer for its own, and share this session
        del os.environ[name]
    _own["lease"] = lease = offered[SESSION]
    if handle := os.environ.pop(HANDLE, ""):
        _own["handle"] = handle
    SparkContext._ensure_initialized(gateway=gateway)
    _guard(again)
    _tag_jobs(gateway, lease)
    return _session(offered_session(gateway))


def offered_session(gateway: Any) -> Any:
    """The session in the JVM that this process was offered.

    A graded kernel is told py4j's handle of it; others find it among the JVM's properties.
    """
    if "handle" in _own:
        return JavaObject(_own["handle"], gateway._gateway_client)
    return gateway.jvm.System.getProperties().get(_own["lease"])


def own_lease() -> str | None:
    """The lease of this process in a JVM that another process owns; None when it is not attached."""
    return _own.get("lease") if SparkContext._gateway is not None else None


def _session(offered: Any) -> SparkSession:
    jvm: Any = SparkContext._jvm
    sessions = jvm.org.apache.spark.sql.classic.SparkSession
    base = None if "handle" in _own else sessions.getDefaultSession()
    java = jvm.org.apache.spark.api.java.JavaSparkContext.fromSparkContext(offered.sparkContext())
    context = SparkContext(
        gateway=SparkContext._gateway, jsc=java, conf=SparkConf(_jvm=jvm, _jconf=java.getConf())
    )
    if (
        "handle" in _own
    ):  # a graded kernel can't write to the JVM's folder: a broadcast variable, say
        context._temp_dir = tempfile.gettempdir()
    session = SparkSession(context, offered)
    # Making a Python session changes the default of the whole JVM.
    if base is not None and base.isDefined():
        sessions.setDefaultSession(base.get())
    return session


def _tag_jobs(gateway: Any, lease: str) -> None:
    """Marks this process's jobs with its lease: its end cancels them, probes find them by it.

    The mark hangs on a JVM thread, and each line to the JVM has one. A Python thread has a line of
    its own, and gets another when a call on it was cut short: every new line is marked.
    """
    client = gateway._gateway_client
    context = offered_session(gateway).sparkContext()
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


def _guard(again: Callable[[], object]) -> None:
    """Patches PySpark so that stop, cancelAllJobs and clearCache affect only this session."""
    if getattr(SparkContext, "_labkit_guarded", False):
        return
    get_or_create = SparkSession.Builder.getOrCreate

    def stop_session(self: SparkSession) -> None:
        with suppress(Py4JError, PySparkException, OSError):
            stop_streams(self._jsparkSession)
            _uncache(self._jsparkSession)
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
            again()
        return get_or_create(self)

    def cancel_own_jobs(self: SparkContext) -> None:
        give_up_line()  # PySpark calls this at Ctrl-C, in the middle of any other call
        self.cancelJobsWithTag(_own["lease"])

    def clear_own_cache(self: Catalog) -> None:
        _uncache(self._sparkSession._jsparkSession)

    SparkSession.stop = stop_session
    SparkContext.stop = stop_context
    SparkContext.cancelAllJobs = cancel_own_jobs
    Catalog.clearCache = clear_own_cache
    SparkSession.Builder.getOrCreate = attach_again
    SparkContext._labkit_guarded = True


def _uncache(session: Any) -> None:
    """Empties the cache of this process's frames; a graded kernel can't tell them from others.

    It has its JVM for itself and its judge, whose results don't depend on the cache.
    """
    if "handle" in _own:
        session.catalog().clearCache()
    else:
        uncache(session)


def renew() -> SparkSession:
    """A fresh session through the gateway of this process, after `stop`."""
    lease = _own["lease"]
    session = offered_session(SparkContext._gateway).newSession()
    session.conf().set(LEASE, lease)
    return _session(session)

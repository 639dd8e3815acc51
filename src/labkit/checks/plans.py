"""What the engine does for a frame: operators, exchanges, scans, cache entries, tasks; as objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from py4j.java_gateway import JavaObject
from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession

from labkit import gateway

EXECUTION = "org.apache.spark.sql.execution."
# Nodes that only hold another plan: `plan` or `child` of theirs is the operator that does the work.
WRAPPERS = {"WholeStageCodegen", "InputAdapter", "ResultQueryStage"}
EXCHANGES = {"ShuffleExchange", "BroadcastExchange"}


@dataclass(frozen=True)
class Scan:
    """One reading of a source.

    `source` is the last part of its path or table name, `columns` what is read of it, `filters`
    what the reader itself applies, as (kind, column): ("EqualTo", "status"). `broadcast` is set
    when its rows, not an aggregate of them, are sent to every executor.
    """

    source: str
    columns: tuple[str, ...]
    filters: frozenset[tuple[str, str]]
    broadcast: bool


@dataclass(frozen=True)
class _Node:
    name: str
    plan: JavaObject
    broadcast: bool


def operators(df: DataFrame) -> tuple[str, ...]:
    """The operators of a frame's final plan, outermost first: `SortMergeJoin`, `FileSourceScan`.

    Names are Spark's class names without `Exec`. An adaptive plan is driven to its final form
    first (every stage but the last runs), so joins changed and exchanges re-used at run time show.
    An exchange that is re-used appears as `ReusedExchange`, its input once. Plans of subqueries
    and of cached frames belong to it.
    """
    return tuple(node.name for node in _walk(df))


def exchanges(df: DataFrame) -> tuple[str, ...]:
    """`ShuffleExchange` and `BroadcastExchange` of the final plan; re-used ones count once."""
    return tuple(name for name in operators(df) if name in EXCHANGES)


def partitionings(df: DataFrame) -> tuple[str, ...]:
    """How each shuffle of the final plan distributes rows: `HashPartitioning`, `SinglePartition`."""
    return tuple(
        str(node.plan.outputPartitioning().getClass().getSimpleName()).rstrip("$")
        for node in _walk(df)
        if node.name == "ShuffleExchange"
    )


def scans(df: DataFrame) -> tuple[Scan, ...]:
    """Each reading of files in the final plan; one behind a re-used exchange counts once."""
    return tuple(
        _scan(df, node) for node in _walk(df) if node.name in ("FileSourceScan", "BatchScan")
    )


def has_python(df: DataFrame) -> bool:
    """Whether rows pass through Python workers: any UDF, pandas or Arrow function, or Python RDD."""
    return any(_is_python(node.plan) for node in _walk(df))


def cached(df: DataFrame) -> int:
    """How many frames are in the cache now that are computed from what `df` is computed from.

    The cache belongs to all sessions of a JVM, so entries are told apart by the columns of their
    sources, which have ids that are unique in it.
    """
    return len(_cache_entries(df))


def release(df: DataFrame) -> None:
    """Takes what `cached` counts out of the cache: a check cleans up after the answer it judged."""
    session = df.sparkSession._jsparkSession
    for plan in _cache_entries(df):
        session.sharedState().cacheManager().uncacheQuery(session, plan, False)


def _cache_entries(df: DataFrame) -> list[JavaObject]:
    manager = df.sparkSession._jsparkSession.sharedState().cacheManager()
    field = manager.getClass().getDeclaredField("cachedData")
    field.setAccessible(True)
    mine = _source_ids(df._jdf.queryExecution().analyzed())
    plans = [entry.plan() for entry in _each(field.get(manager))]
    return [plan for plan in plans if mine & _source_ids(plan)]


def _source_ids(plan: JavaObject) -> set[int]:
    leaves = _each(plan.collectLeaves())
    return {int(column.exprId().id()) for leaf in leaves for column in _each(leaf.output())}


@dataclass
class Work:
    """What the engine did: tasks run (retries too), and bytes written to shuffles."""

    jobs: int = 0
    tasks: int = 0
    shuffle_bytes: int = 0


@contextmanager
def measured(spark: SparkSession) -> Iterator[Work]:
    """The `Work` of this process's jobs that start inside the block, filled in when it ends.

    In a JVM that several processes share, each tags its jobs with its lease.
    """
    context = spark.sparkContext._jsc.sc()
    work = Work()
    first = int(context.dagScheduler().numTotalJobs())
    yield work
    context.listenerBus().waitUntilEmpty()
    store = context.statusStore()
    lease = gateway.lease_of(spark)
    for number in range(first, int(context.dagScheduler().numTotalJobs())):
        job = store.job(number)
        if lease and not job.jobTags().contains(lease):
            continue
        work.jobs += 1
        for stage in _each(job.stageIds()):
            try:
                done = store.lastStageAttempt(stage)
            except Py4JJavaError:  # a skipped stage, the first to be forgotten when many were run
                continue
            work.tasks += int(done.numCompleteTasks()) + int(done.numFailedTasks())
            work.shuffle_bytes += int(done.shuffleWriteBytes())


def _walk(df: DataFrame) -> Iterator[_Node]:
    yield from _nodes(df._jdf.queryExecution().executedPlan(), broadcast=False)


def _nodes(plan: JavaObject, *, broadcast: bool) -> Iterator[_Node]:
    name = str(plan.getClass().getSimpleName()).removesuffix("Exec")
    if name == "AdaptiveSparkPlan":
        yield from _nodes(plan.finalPhysicalPlan(), broadcast=broadcast)
        return
    if name.endswith("QueryStage"):
        yield from _nodes(plan.plan(), broadcast=broadcast)
        return
    if name not in WRAPPERS:
        yield _Node(name, plan, broadcast)
    inside = (broadcast or name == "BroadcastExchange") and not name.endswith("Aggregate")
    for child in _each(plan.children()):
        yield from _nodes(child, broadcast=inside)
    for query in _each(plan.subqueries()):
        yield from _nodes(query, broadcast=inside)
    if name == "InMemoryTableScan":
        yield from _nodes(plan.relation().cachedPlan(), broadcast=inside)
    elif name == "CommandResult":
        yield from _nodes(plan.commandPhysicalPlan(), broadcast=inside)


def _scan(df: DataFrame, node: _Node) -> Scan:
    plan = node.plan
    if node.name == "BatchScan":
        columns = tuple(str(attribute.name()) for attribute in _each(plan.output()))
        source = str(plan.table().name())
        return Scan(source.rstrip("/").split("/")[-1], columns, frozenset(), node.broadcast)
    table = plan.tableIdentifier()
    if table.isDefined():
        source = str(table.get().table())
    else:
        paths = [str(path.getName()) for path in _each(plan.relation().location().rootPaths())]
        source = ",".join(paths)
    columns = tuple(plan.requiredSchema().fieldNames())
    filters = {pair for found in _each(plan.dataFilters()) for pair in _pushed(df, found)}
    filters |= {
        (str(found.getClass().getSimpleName()), str(column.name()))
        for found in _each(plan.partitionFilters())
        for column in _each(found.references())
    }
    return Scan(source, columns, frozenset(filters), node.broadcast)


def _pushed(df: DataFrame, expression: JavaObject) -> Iterator[tuple[str, str]]:
    """What the reader applies of one condition: nothing, when it can't be said as a source filter."""
    jvm: Any = df.sparkSession._jvm
    strategy = getattr(
        jvm.org.apache.spark.sql.execution.datasources, "DataSourceStrategy$"
    ).__getattr__("MODULE$")
    # A filter by a subquery is known only once that has run.
    if not jvm.org.apache.spark.sql.catalyst.expressions.SubqueryExpression.hasSubquery(expression):
        found = strategy.translateFilter(expression, True)
        if found.isDefined():
            yield from _filter(found.get())


def _filter(found: JavaObject) -> Iterator[tuple[str, str]]:
    """(kind, column) of a source filter; `And`, `Or` and `Not` tell of what they hold."""
    kind = str(found.getClass().getSimpleName())
    if kind in ("And", "Or"):
        yield from _filter(found.left())
        yield from _filter(found.right())
    elif kind == "Not":
        yield from _filter(found.child())
    else:
        for column in found.references():
            yield kind, str(column)


def _is_python(plan: JavaObject) -> bool:
    kind = str(plan.getClass().getName())
    if kind.startswith(f"{EXECUTION}python."):
        return True
    return kind == f"{EXECUTION}RDDScanExec" and _has_python_rdd(plan.rdd())


def _has_python_rdd(rdd: JavaObject) -> bool:
    if str(rdd.getClass().getName()).startswith("org.apache.spark.api.python."):
        return True
    return any(_has_python_rdd(dependency.rdd()) for dependency in _each(rdd.dependencies()))


def _each(collection: Any) -> Iterator[JavaObject]:
    """The items of a Scala collection."""
    iterator = collection.iterator()
    while iterator.hasNext():
        yield iterator.next()

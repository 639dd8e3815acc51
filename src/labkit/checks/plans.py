"""What the engine plans for a frame: operators, exchanges, scans, cache entries; as objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from py4j.java_gateway import JavaObject
from pyspark.sql import DataFrame

from labkit.verdict.errors import AnswerError

EXECUTION = "org.apache.spark.sql.execution."
# Nodes that only hold another plan: their `child` is the operator that does the work.
WRAPPERS = {"WholeStageCodegen", "InputAdapter"}
EXCHANGES = {"ShuffleExchange", "BroadcastExchange"}
# As in `PythonEvalType`: a function that is called for each row, with rows by pickle and by Arrow.
ROW_AT_A_TIME = {100, 101}
# In the names of operators with Python workers, which RDDs that these compute bear as their scope.
PYTHON_NAMES = ("Python", "Pandas", "InArrow")
CHECKPOINT = "a checkpoint hides what the frame is computed from; return the frame without it"


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
class PythonOperator:
    """An operator with a Python worker; `by_row` when it calls a function for each row."""

    name: str
    by_row: bool


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
    and of cached frames belong to it. AnswerError for a frame that is computed from a checkpoint:
    its plan ends there. All functions here that read plans do so.
    """
    return tuple(node.name for node in walk(df))


def exchanges(df: DataFrame) -> tuple[str, ...]:
    """`ShuffleExchange` and `BroadcastExchange` of the final plan; re-used ones count once."""
    return tuple(name for name in operators(df) if name in EXCHANGES)


def partitionings(df: DataFrame) -> tuple[str, ...]:
    """How each shuffle of the final plan distributes rows: `HashPartitioning`, `SinglePartition`."""
    return tuple(
        str(node.plan.outputPartitioning().getClass().getSimpleName()).rstrip("$")
        for node in walk(df)
        if node.name == "ShuffleExchange"
    )


def window_keys(df: DataFrame) -> tuple[tuple[str, ...], ...]:
    """The columns by which each window of the final plan divides rows; none: one task has them all."""
    return tuple(
        tuple(str(column.name()) for key in each(spec) for column in each(key.references()))
        for spec in (node.plan.partitionSpec() for node in walk(df) if node.name == "Window")
    )


def scans(df: DataFrame) -> tuple[Scan, ...]:
    """Each reading of files in the final plan; one behind a re-used exchange counts once."""
    return tuple(
        _scan(df, node) for node in walk(df) if node.name in ("FileSourceScan", "BatchScan")
    )


def has_python(df: DataFrame) -> bool:
    """Whether rows pass through Python workers: any UDF, pandas or Arrow function, or Python RDD."""
    return any(is_python(node.plan) for node in walk(df))


def python_operators(df: DataFrame) -> tuple[PythonOperator, ...]:
    """The operators of the final plan that have Python workers, outermost first."""
    return tuple(
        PythonOperator(node.name, _by_row(node)) for node in walk(df) if is_python(node.plan)
    )


def _by_row(node: _Node) -> bool:
    if node.name == "RDDScan":  # behind an RDD nobody tells the kinds of functions apart
        found = _lineage(node.plan.rdd())
        return any(_is_of_python(rdd) or _scope(rdd).endswith("EvalPython") for rdd in found)
    return node.name.endswith("EvalPython") and any(
        int(function.evalType()) in ROW_AT_A_TIME for function in each(node.plan.udfs())
    )


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
    plans = [entry.plan() for entry in each(field.get(manager))]
    return [plan for plan in plans if mine & _source_ids(plan)]


def _source_ids(plan: JavaObject) -> set[int]:
    leaves = each(plan.collectLeaves())
    return {int(column.exprId().id()) for leaf in leaves for column in each(leaf.output())}


def require_no_checkpoint(df: DataFrame) -> None:
    """AnswerError for a frame that is computed from a checkpoint, before any of it runs."""
    for leaf in each(df._jdf.queryExecution().analyzed().collectLeaves()):
        if str(leaf.getClass().getName()) == f"{EXECUTION}LogicalRDD":
            _require_no_checkpoint(leaf.rdd())


def _require_no_checkpoint(rdd: JavaObject) -> None:
    if any(one.checkpointData().isDefined() for one in _lineage(rdd)):
        raise AnswerError("failed", CHECKPOINT)


def walk(df: DataFrame) -> Iterator[_Node]:
    """Each operator of the final plan with the JVM's object of it, outermost first."""
    yield from _nodes(df._jdf.queryExecution().executedPlan(), broadcast=False)


def _nodes(plan: JavaObject, *, broadcast: bool) -> Iterator[_Node]:
    plan, name = unwrapped(plan)
    if name == "RDDScan":
        _require_no_checkpoint(plan.rdd())
    yield _Node(name, plan, broadcast)
    inside = (broadcast or name == "BroadcastExchange") and not name.endswith("Aggregate")
    for below in inputs(plan, name):
        yield from _nodes(below, broadcast=inside)


def unwrapped(plan: JavaObject) -> tuple[JavaObject, str]:
    """The operator inside stages and code generation, in its final form, and its name."""
    name = str(plan.getClass().getSimpleName()).removesuffix("Exec")
    if name == "AdaptiveSparkPlan":
        return unwrapped(plan.finalPhysicalPlan())
    if name.endswith("QueryStage"):
        return unwrapped(plan.plan())
    return unwrapped(plan.child()) if name in WRAPPERS else (plan, name)


def inputs(plan: JavaObject, name: str) -> Iterator[JavaObject]:
    """The plans that an operator reads from; those of subqueries, cached frames, commands too."""
    yield from each(plan.children())
    yield from each(plan.subqueries())
    if name == "InMemoryTableScan":
        yield plan.relation().cachedPlan()
    elif name == "CommandResult":
        yield plan.commandPhysicalPlan()


def _scan(df: DataFrame, node: _Node) -> Scan:
    plan = node.plan
    if node.name == "BatchScan":
        columns = tuple(str(attribute.name()) for attribute in each(plan.output()))
        return Scan(source_of(plan, node.name), columns, frozenset(), node.broadcast)
    columns = tuple(plan.requiredSchema().fieldNames())
    filters = {pair for found in each(plan.dataFilters()) for pair in _pushed(df, found)}
    filters |= {
        (str(found.getClass().getSimpleName()), str(column.name()))
        for found in each(plan.partitionFilters())
        for column in each(found.references())
    }
    return Scan(source_of(plan, node.name), columns, frozenset(filters), node.broadcast)


def source_of(plan: JavaObject, name: str) -> str:
    """What a scan reads: the last part of its paths, or the name of its table."""
    if name == "BatchScan":
        return str(plan.table().name()).rstrip("/").split("/")[-1]
    table = plan.tableIdentifier()
    if table.isDefined():
        return str(table.get().table())
    return ",".join(str(path.getName()) for path in each(plan.relation().location().rootPaths()))


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


def is_python(plan: JavaObject) -> bool:
    kind = str(plan.getClass().getName())
    if kind == f"{EXECUTION}datasources.v2.BatchScanExec":
        kind = str(plan.scan().getClass().getName()).replace(".datasources.v2.", ".")
    if kind == f"{EXECUTION}RDDScanExec":
        return any(_is_python_rdd(rdd) for rdd in _lineage(plan.rdd()))
    return kind.startswith(f"{EXECUTION}python.")


def _is_python_rdd(rdd: JavaObject) -> bool:
    """Whether an RDD is Python's, or an operator with Python workers computes it."""
    return _is_of_python(rdd) or any(part in _scope(rdd) for part in PYTHON_NAMES)


def _is_of_python(rdd: JavaObject) -> bool:
    """Whether an RDD is Python's: its functions are given rows one by one."""
    return str(rdd.getClass().getName()).startswith("org.apache.spark.api.python.")


def _scope(rdd: JavaObject) -> str:
    """The name of the operator that computes an RDD, if one does."""
    scope = rdd.scope()
    return str(scope.get().name()) if scope.isDefined() else ""


def _lineage(rdd: JavaObject) -> Iterator[JavaObject]:
    """An RDD, and all that it is computed from."""
    yield rdd
    for dependency in each(rdd.dependencies()):
        yield from _lineage(dependency.rdd())


def each(collection: Any) -> Iterator[JavaObject]:
    """The items of a Scala collection."""
    iterator = collection.iterator()
    while iterator.hasNext():
        yield iterator.next()

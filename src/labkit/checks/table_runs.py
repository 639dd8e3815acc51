"""One call of the learner's on Delta tables: their rows before and after, and what it committed."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Row, SparkSession

from labkit.checks.bags import first_change, row_label, said, said_values
from labkit.checks.frames import assert_columns, collect, make_frame
from labkit.checks.row_diff import count_of
from labkit.checks.tables import (
    TableChanges,
    TableVersion,
    changes_since,
    is_another_table,
    make_table,
    require_in_its_database,
    table_rows,
    table_version,
)
from labkit.verdict.errors import AnswerError

REPLAY_SEED = 7
# Of a table that isn't there yet: all its commits come after this.
NO_VERSION = TableVersion(-1, "", frozenset(), "")

TableSpec = str | tuple[str, Sequence[Any]] | tuple[str, Sequence[Any], str]


@dataclass(frozen=True)
class TableRun:
    """What one call did to tables, by the names that the check gave them.

    `tables` has their full names, `before` and `rows` their rows before and after the call,
    `changes` its commits, `start` the version that it found, and `result` is what it returned. Of
    a table that only the call made, `before` has no rows and `changes` all commits.
    """

    spark: SparkSession
    tables: Mapping[str, str]
    before: Mapping[str, list[Row]]
    rows: Mapping[str, list[Row]]
    changes: Mapping[str, TableChanges]
    start: Mapping[str, TableVersion]
    result: Any


def run_tables(
    spark: SparkSession,
    tables: Mapping[str, TableSpec],
    call: Callable[[dict[str, str]], Any],
    *,
    schema: str | None = None,
) -> TableRun:
    """Makes tables or looks at them, calls `call` once, and looks at what is there then.

    `tables` says for each, by any name, its full name ("db.orders": it is there, or the call makes
    it), or what it holds: `(ddl, rows)` or `(ddl, rows, partition column)`. These are made in the
    database `schema` by the name they are given, and have to keep their columns. `call` gets the
    full names, by name. Each table is collected once before the call, and once after it.

    AnswerError when a table is gone after the call, or is no Delta table; AssertionError when one
    that was made here has other columns; ValueError when `schema` is missing for one to make.
    """
    names: dict[str, str] = {}
    before: dict[str, list[Row]] = {}
    for name, spec in tables.items():
        if isinstance(spec, str):
            names[name] = spec
            before[name] = table_rows(spark, spec) if spark.catalog.tableExists(spec) else []
            continue
        if schema is None:
            raise ValueError(f"{name}: say in which `schema` to make it")
        names[name] = f"{schema}.{name}"
        ddl, rows, *partition = spec
        make_table(spark, names[name], ddl, rows, partition_by=next(iter(partition), None))
        before[name] = collect(make_frame(spark, ddl, rows)) if rows else []
    ddls = {name: spec[0] for name, spec in tables.items() if not isinstance(spec, str)}
    return _called(spark, names, before, lambda: call(dict(names)), ddls)


def assert_one_commit(
    run: TableRun,
    *,
    tables: Collection[str] = (),
    holds: Callable[[list[Row]], object] | None = None,
) -> None:
    """Every version that a reader could have met is the old state of a table or the new one.

    So one commit for each of `tables` (all unless given), or further ones that change no row, such
    as one that adds a column, on the same table: dropping it and making it again is a fault.
    `holds`, an assertion on rows that is true before and after the call, says in its own words what
    is wrong in between.
    """
    for name in tables or run.tables:
        if _was_made_again(run, name):
            raise AssertionError(
                f"{name} lost its version history: it was dropped and made again, so for a moment "
                "readers had no table at all, and time travel is gone"
            )
        commits = run.changes[name]
        first = run.start[name].number + 1
        for version in range(first, first + commits.versions - 1):
            rows = _rows_of(run.spark, run.tables[name], version)
            if said(rows) not in (said(run.before[name]), said(run.rows[name])):
                raise AssertionError(
                    f"the call made {commits.versions} commits to {name} "
                    f"({', '.join(commits.operations)}). Whoever reads between them sees a "
                    f"half-done table: {_half_done(run, name, rows, holds)}. Old and new must "
                    "change in one commit, or a crash leaves it so"
                )


def assert_untouched(
    run: TableRun,
    *,
    tables: Collection[str] = (),
    except_partitions: Collection[str] = (),
    story: str = "",
) -> None:
    """No data file was written or removed, and no row changed, but for some partitions.

    Looks at `tables`, all unless given. `except_partitions` are those that may change, as they are
    in paths: "event_date=2026-03-10"; of a table that has such ones, files are looked at alone.
    `story` begins the reason: what the call was about.
    """
    told = f"{story}; " if story else ""
    for name in tables or run.tables:
        changes = run.changes[name]
        places = {_partition(path) for path in changes.added | changes.removed}
        others = sorted(places - set(except_partitions))
        if others:
            where = f"files of {others[0]} in {name}" if others[0] else f"files of {name}"
            raise AssertionError(
                f"{told}{where} were written or removed all the same, by "
                f"{', '.join(changes.operations)}. Whoever reads {name} downstream gets them "
                "again, and on a large table that is the cost of a full load"
            )
        if not except_partitions:
            _require_same_rows(run, name, f"{told}the call had nothing to do with {name}")


def assert_nothing_written(run: TableRun, *, tables: Collection[str] = (), story: str = "") -> None:
    """The call had nothing to do, and wrote and removed no data file: an empty commit is none.

    Looks at `tables`, all unless given. `story` begins the reason; without, it is told that nothing
    had arrived.
    """
    told = story or "nothing had arrived"
    for name in tables or run.tables:
        changes = run.changes[name]
        _require_same_rows(run, name, told)
        if changes.added or changes.removed:
            raise AssertionError(
                f"{told}, and {name} was written all the same, by {', '.join(changes.operations)}: "
                f"{len(changes.added)} data files added, {len(changes.removed)} removed. A call "
                "that has nothing to do costs a rewrite each time it is repeated"
            )


def assert_replay(
    run: TableRun,
    call: Callable[[list[Any]], Any],
    rows: Sequence[Any],
    *,
    key: str | Sequence[str] = (),
    tables: Collection[str] = (),
    seed: int = REPLAY_SEED,
) -> TableRun:
    """Delivers the same again, `call(rows)` with the rows shuffled: no row of a table changes.

    `rows` are what was delivered, and `seed` is fixed, so that a reason can be repeated; `key`
    names the columns by which a reason tells a row, all of them unless given. Looks at `tables`,
    all unless given, and returns the second call's run, for `assert_nothing_written` say. A table
    without a further commit isn't read again.
    """
    again = list(rows)
    random.Random(seed).shuffle(again)
    second = _called(run.spark, run.tables, run.rows, lambda: call(again))
    keys = [key] if isinstance(key, str) else list(key)
    for name in tables or run.tables:
        before, after = run.rows[name], second.rows[name]
        if change := first_change(before, after, keys):
            raise AssertionError(
                "the batch was delivered twice, the second time in another order: "
                f"{name} had {count_of(before)} and now has {len(after)}; {change}. Delivery is at "
                "least once: a batch that comes again must find nothing left to do"
            )
    return second


def _called(
    spark: SparkSession,
    names: Mapping[str, str],
    before: Mapping[str, list[Row]],
    call: Callable[[], Any],
    ddls: Mapping[str, str] | None = None,
) -> TableRun:
    """Calls, and looks at the tables then; those with a ddl have to have these columns."""
    start = {
        name: table_version(spark, table) if spark.catalog.tableExists(table) else NO_VERSION
        for name, table in names.items()
    }
    result = call()
    changes, rows = {}, {}
    for name, table in names.items():
        if not spark.catalog.tableExists(table):
            raise AnswerError("failed", f"the table {name} is not there after the call")
        changes[name] = changes_since(spark, table, start[name])
        if start[name] == NO_VERSION:
            require_in_its_database(spark, table)
        if ddl := (ddls or {}).get(name):
            assert_columns(spark.table(table), ddl)
        # No commit, no other rows: nothing to read again.
        rows[name] = table_rows(spark, table) if changes[name].versions else before[name]
    return TableRun(spark, dict(names), before, rows, changes, start, result)


def _was_made_again(run: TableRun, name: str) -> bool:
    start = run.start[name]
    return start != NO_VERSION and is_another_table(run.spark, run.tables[name], start)


def _rows_of(spark: SparkSession, table: str, version: int) -> list[Row]:
    return collect(spark.read.option("versionAsOf", version).table(table))


def _half_done(
    run: TableRun, name: str, rows: list[Row], holds: Callable[[list[Row]], object] | None
) -> str:
    """What a reader of a version between old and new stumbles over, for example."""
    if holds:
        try:
            holds(rows)
        except AssertionError as error:
            return str(error)
    before, after = run.before[name], run.rows[name]
    lost = said(before) & said(after)
    lost.subtract(said(rows))
    gone = next((row for row in sorted(before, key=str) if lost[said_values(row)] > 0), None)
    count = (
        f"it has {count_of(rows)} there, {len(before)} before the call and {len(after)} after it"
    )
    return f"{count}; this one is missing: {row_label(gone)}" if gone else count


def _require_same_rows(run: TableRun, name: str, story: str) -> None:
    if change := first_change(run.before[name], run.rows[name], []):
        raise AssertionError(f"{story}, and rows of {name} changed all the same: {change}")


def _partition(path: str) -> str:
    """The partition that a data file lies in; nothing in a table without partitions."""
    return path.rpartition("/")[0]

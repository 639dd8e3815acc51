"""Checks of lab 13: commits of others that are written before, and made while an answer reads."""

import linecache
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from labkit.checks import (
    AnswerError,
    Case,
    Commit,
    assert_columns,
    assert_one_commit,
    assert_rows,
    cases,
    changes_since,
    check,
    collect,
    let_in,
    run_tables,
    stories,
    table_rows,
    table_version,
    write_commits,
)

HINTS = {
    "conflict_matrix": [
        "Nothing may touch `changes` before the write: no count, no cache, no look at its rows.",
        "`type(error).__name__` is the class without its module. Which errors does "
        "`except Exception` catch?",
        "Did the pair end well? Then the table has the rows of both writers. Look at some.",
    ],
    "scoped_merge": [
        "What does the condition say about the rows of the table *before* a change is read?",
        "Compare the table's `warehouse` with a literal; `F.lit` needs no quotes.",
        "The conflict with another writer of the same warehouse is not yours to catch.",
    ],
    "retry": [
        "Count the attempts, and remember the first error. What is left to do after the last one?",
        "`raise` alone raises the error that is being handled; `raise first` another one.",
        "Which class is above `Exception`, and who raises it?",
    ],
    "decrement": [
        "Two lines of one sku are two source rows for one row of the table: a MERGE refuses that. "
        "Add them up first.",
        "`txnAppId` and `txnVersion` are a pair: a name, and a number that only grows. Which of "
        "the two can hold the id of a batch, when batches come in any order?",
        "Put the settings `spark.databricks.delta.write.txnAppId` and `.txnVersion` around the "
        "MERGE, and unset them in a `finally`.",
        "Let the MERGE compute the new `qty`, and repeat the whole MERGE with `retry`.",
    ],
    "single_writer": [
        "Two questions: which row of the queue is the newest of its key, and is it newer than the "
        "table's?",
        "A MERGE whose conditions never hold may still rewrite files. What can you ask before it?",
        "Everything that reads belongs into the function that you repeat.",
    ],
}

INVENTORY = "warehouse string, sku string, qty long, updated_at timestamp, source string"
ORDERS = "batch_id string, warehouse string, sku string, qty long"
KEY = ["warehouse", "sku"]


def item(text: str) -> tuple:
    """A row of the stock in short: "Bari s1 5 30 count"; at 8:00 by loader unless said.

    Minutes may have a fraction: 30.005 is 0.3 seconds after 30.
    """
    warehouse, sku, qty, *more = text.split()
    minute, source = [*more, *["0", "loader"][len(more) :]]
    time = datetime(2025, 5, 1, 8) + timedelta(minutes=float(minute))
    return (warehouse, sku, int(qty), time, source)


def items(text: str) -> list[tuple]:
    return [item(one.strip()) for one in text.split(",")]


def keys(rows) -> set[tuple]:
    return {(row[0], row[1]) for row in rows}


def of_keys(rows, wanted: set[tuple]) -> list:
    return [row for row in rows if (row[0], row[1]) in wanted]


def assert_items(rows, expected) -> None:
    assert_rows(rows, expected, key=KEY, columns=INVENTORY)


def crossing(text: str) -> Callable:
    """The function that this text defines. It goes to a submission's own process as text, too."""
    file = f"<check {uuid.uuid4().hex}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names: dict[str, Any] = {}
    exec(compile(text, file, "exec"), names)
    return next(one for name, one in names.items() if name != "__builtins__")


def error_of(call: Callable, *given) -> str:
    """The error that a call ends with; nothing if it returns. A task not written is none."""
    try:
        call(*given)
    except AnswerError as error:
        if error.outcome != "error":
            raise
        return error.reason
    return ""


def class_of(error: str) -> str:
    return error.partition(":")[0]


# ------------------------------------------------------------------------------- conflict_matrix

CORK = items("Cork c 3")
BEFORE = items("Bari a 1 40, Bari b 2")
# What the slow writers bring: a row for which the table has a later time, and a new one.
BROUGHT = items("Bari a 7 30 count, Bari n 9 30 count")
FAST = {
    "append": Commit("WRITE", items("Cork z 5")),
    "delete": Commit("DELETE", gone=[("Cork", "c")]),
    "optimize": Commit("OPTIMIZE"),
    "alter": Commit("SET TBLPROPERTIES", says=("team", "stock")),
}
# Of the slow writer alone: nobody else commits, or the table refuses to change a row.
ALONE = {"nobody": {}, "append_only": {"delta.appendOnly": "true"}}
MAKE_TABLE = """
def make_table(slow, fast, made={made}, seen=[]):
    from pyspark.sql import SparkSession

    if (slow, fast) in seen:
        raise RuntimeError(f"make_table was called twice for {{slow}} and {{fast}}")
    seen.append((slow, fast))
    table, view = made[slow, fast]
    return table, SparkSession.builder.getOrCreate().table(view)
"""


@dataclass(frozen=True)
class Matrix:
    """What an answer says of pairs, their tables, and how many versions the answer made of each."""

    outcomes: list
    tables: dict[tuple, str]
    versions: dict[tuple, int]


def matrix_of(learner, spark, frame, schema: str, pairs: list[tuple]) -> Matrix:
    """What the answer says of these pairs, each with a table that it finds ready."""
    made, start = {}, {}
    for slow, fast in pairs:
        table, view = f"{schema}.{slow}_{fast}", f"{schema}_{slow}_{fast}"
        commits = [Commit("WRITE", BEFORE), Commit("WRITE", CORK)]
        held = [FAST[fast]] if fast in FAST else []
        write_commits(
            spark,
            table,
            INVENTORY,
            commits + held,
            ALONE.get(fast),
            key=KEY,
            held=len(held),
        )
        start[slow, fast] = len(commits + held)
        let_in(frame(INVENTORY, BROUGHT), table).createOrReplaceGlobalTempView(view)
        made[slow, fast] = (table, f"global_temp.{view}")
    make_table = crossing(MAKE_TABLE.format(made=repr(made)))
    try:
        answer = learner.conflict_matrix(spark, make_table, list(pairs))
        assert_columns(answer, "slow string, fast string, outcome string")
        return Matrix(
            collect(answer),
            {pair: table for pair, (table, _) in made.items()},
            {
                pair: table_version(spark, table).number - start[pair]
                for pair, (table, _) in made.items()
            },
        )
    finally:
        for _, view in made.values():
            spark.catalog.dropGlobalTempView(view.removeprefix("global_temp."))


MEASURED = [
    Case(
        "append_append",
        "Measures that an append and an append both succeed",
        given=[("append", "append")],
        after=["ok"],
    ),
    Case(
        "append_alter",
        "Measures what a change of the table's properties does to an append",
        given=[("append", "alter")],
        after=["MetadataChangedException"],
    ),
    Case(
        "merge_append",
        "Measures what an append of another row does to a MERGE",
        given=[("merge", "append")],
        after=["ConcurrentAppendException"],
        points=2,
    ),
    Case(
        "merge_nobody",
        "Says ok where nobody else commits",
        given=[("merge", "nobody")],
        after=["ok"],
    ),
    Case(
        "other_error",
        "Names the class of an exception that is no conflict as well",
        given=[("merge", "append_only")],
        after=["UnsupportedOperationException"],
    ),
]


@pytest.fixture(scope="module")
def matrix(learner, spark, frame, shared_schema):
    """What is said of all pairs, in one call."""
    pairs = [case.given[0] for case in MEASURED]
    return matrix_of(learner, spark, frame, shared_schema, pairs)


@check("conflict_matrix")
@cases(MEASURED)
def test_outcomes(matrix, case):
    """{case}"""
    assert_outcome(matrix, *case.given[0], case.after[0])


def assert_outcome(matrix: Matrix, slow: str, fast: str, outcome: str) -> None:
    """One row tells how this pair ends."""
    said = [row.outcome for row in matrix.outcomes if (row.slow, row.fast) == (slow, fast)]
    assert len(said) == 1, f"slow {slow}, fast {fast}: {len(said)} rows, expected one"
    assert said == [outcome], (
        f"slow {slow}, fast {fast}: the answer says {said[0]}. It ends otherwise for a slow writer "
        "that tries once, and whose read comes before the fast commit and its own commit after it"
    )


@check("conflict_matrix")
def test_slow_append(matrix, spark):
    """has the append add its rows to what the table and the fast writer have"""
    expected = [*BEFORE, *CORK, *FAST["append"].rows, *BROUGHT]
    found = table_rows(spark, matrix.tables["append", "append"])
    assert sorted(map(tuple, found)) == sorted(expected), (
        f"after append and append the table has {told(found)}, expected {told(expected)}"
    )


@check("conflict_matrix")
def test_slow_merge(matrix, spark):
    """has the merge update all columns by the key and insert the rest, in one commit"""
    found = table_rows(spark, matrix.tables["merge", "nobody"])
    assert_items(found, [*items("Bari b 2"), *CORK, *BROUGHT])
    count = matrix.versions["merge", "nobody"]
    assert count == 1, f"commits of the slow writer, if nobody disturbs it: {count}"


@check("conflict_matrix")
def test_failed_writers(matrix):
    """leaves a table without a commit of the slow writer where that failed"""
    for pair in [("append", "alter"), ("merge", "append")]:
        count = matrix.versions[pair]
        assert count == 0, (
            f"slow {pair[0]}, fast {pair[1]}: the table has {count} version(s) after the fast "
            "writer's; a writer that failed commits nothing"
        )


def told(rows) -> str:
    """Rows of the stock, by key and quantity."""
    return ", ".join(sorted(f"{row[0]} {row[1]} {row[2]}" for row in rows)) or "no row"


# ---------------------------------------------------------------------------------- scoped_merge

SCOPED = stories(
    """
replaced: Replaces the whole row of a sku that the warehouse has
Dock\\B'7 a 1 0 loader, Dock\\B'7 b 2 40 loader
| Dock\\B'7 a 7 30 count, Dock\\B'7 b 2 30 returns | Dock\\B'7 a 7 30 count, Dock\\B'7 b 2 30 returns

inserted: Inserts a sku that the warehouse doesn't have, also one that another warehouse has
Cork n 3 | Dock\\B'7 n 9 30 count, Dock\\B'7 m 8 30 count
| Cork n 3, Dock\\B'7 n 9 30 count, Dock\\B'7 m 8 30 count

left: Leaves rows alone that no change speaks of
Dock\\B'7 d 4, Cork d 4 | | Dock\\B'7 d 4, Cork d 4

others: Leaves out the changes of other warehouses
Cork e 5, Bari e 5 | Cork e 6 30 count, Bari f 6 30 count | Cork e 5, Bari e 5
""",
    before=item,
    given=item,
    after=item,
)
SHARED = items("Bari a 1, Bari b 2, Cork c 3, Cork d 4")
TO_BARI = items("Bari a 7 30 count, Bari n 9 30 count")
OTHERS = [
    Commit("MERGE", items("Cork c 6 10 stream, Cork y 6 10 stream")),
    Commit("WRITE", items("Cork z 5 10 stream")),
]


def partitioned(spark, table: str, commits: list[Commit], held: int = 0) -> int:
    """A table by warehouse whose last commits are held back; the version that all of them make."""
    write_commits(spark, table, INVENTORY, commits, key=KEY, partition_by="warehouse", held=held)
    return len(commits)


@pytest.fixture(scope="module")
def scoped(learner, spark, frame, shared_schema):
    """The table before and after one call with the changes of all cases; nobody disturbs it."""
    table = f"{shared_schema}.scoped"
    partitioned(spark, table, [Commit("WRITE", [row for case in SCOPED for row in case.before])])
    changes = frame(INVENTORY, [row for case in SCOPED for row in case.given])
    return run_tables(
        spark,
        {"inventory": table},
        lambda tables: learner.scoped_merge(spark, table, changes, "Dock\\B'7"),
    )


@check("scoped_merge")
@cases(SCOPED)
def test_scoped(scoped, case):
    """{case}"""
    mine = keys([*case.before, *case.given])
    assert_items(of_keys(scoped.rows["inventory"], mine), case.after)


@check("scoped_merge")
def test_scoped_in_one_commit(scoped):
    """changes the table in one commit"""
    assert_one_commit(scoped)


@check("scoped_merge", points=2)
def test_writers_of_others(learner, spark, frame, shared_schema):
    """succeeds while somebody merges and appends rows of another warehouse, and keeps those"""
    table = f"{shared_schema}.with_others"
    partitioned(spark, table, [Commit("WRITE", SHARED), *OTHERS], held=2)
    changes = let_in(frame(INVENTORY, TO_BARI), table)
    error = error_of(learner.scoped_merge, spark, table, changes, "Bari")
    assert not error, (
        "while the call merged rows of Bari, another writer committed rows of Cork; the call "
        f"ended with {class_of(error)}"
    )
    rows = table_rows(spark, table)
    assert_items(
        of_keys(rows, keys([*SHARED, *TO_BARI, *OTHERS[0].rows])),
        [*items("Bari b 2, Cork d 4"), *TO_BARI, *OTHERS[0].rows],
    )


@check("scoped_merge", points=2)
def test_writers_of_the_same(learner, spark, frame, shared_schema):
    """raises the conflict with a writer of the same warehouse, and writes nothing then"""
    table = f"{shared_schema}.with_same"
    same = Commit("WRITE", items("Bari p 5 10 stream"))
    last = partitioned(spark, table, [Commit("WRITE", SHARED), same], held=1)
    changes = let_in(frame(INVENTORY, TO_BARI), table)
    error = error_of(learner.scoped_merge, spark, table, changes, "Bari")
    story = "while the call merged rows of Bari, another writer appended a row of Bari"
    if not error and not of_keys(table_rows(spark, table), {("Bari", "p")}):
        story = "another writer was to append a row of Bari when the changes are read"
    assert error, f"{story}; the call returned as if nothing had happened"
    assert class_of(error) == "ConcurrentAppendException", f"{story}; the call raised {error}"
    count = table_version(spark, table).number - last
    assert count == 0, f"{story}; the call raised, and made {count} commit(s) all the same"


# ----------------------------------------------------------------------------------------- retry

# Both run where the answer runs, each as text of its own: the environment is what they share.
OPERATION = """
def operation():
    import os

    log = os.environ.get({name!r}, "").split()
    number = 1 + sum(entry.startswith("called") for entry in log)
    os.environ[{name!r}] = " ".join([*log, f"called-{{number}}"])
    ends = {ends!r}
    end = ends[number - 1] if number <= len(ends) else "again"
    if end == "exit":
        raise SystemExit("attempt " + str(number))
    if end in ("again", "never"):
        raise RuntimeError(end + ", attempt " + str(number))
    return end
"""
IS_RETRIABLE = """
def is_retriable(error):
    return isinstance(error, SystemExit) or "again" in str(error)
"""
WAIT = """
def wait(failed):
    import os

    os.environ[{name!r}] = os.environ.get({name!r}, "") + f" waited-{{failed}}"
"""
NO_WAIT = """
def wait(failed):
    pass
"""
READ = """
def read():
    import os

    return os.environ.pop({name!r}, "").split()
"""


@dataclass(frozen=True)
class Tried:
    """What one call of `retry` came to: its value or error, and what was called and waited for."""

    value: Any
    error: str
    log: list[str]


def tried(learner, ends: list, attempts: int) -> Tried:
    """Calls `retry` with an operation whose attempts end like this: a value, or in an error."""
    name = f"LAB_13_{uuid.uuid4().hex}"
    operation = crossing(OPERATION.format(name=name, ends=ends))
    wait = crossing(WAIT.format(name=name))
    value, error = None, ""
    try:
        value = learner.retry(operation, attempts, crossing(IS_RETRIABLE), wait)
    except AnswerError as problem:
        if problem.outcome != "error":
            raise
        error = problem.reason
    # Read where it was written, by an operation that succeeds.
    read = crossing(READ.format(name=name))
    log = learner.retry(read, 3, crossing(IS_RETRIABLE), crossing(NO_WAIT))
    return Tried(value, error, log if isinstance(log, list) else [])


@dataclass(frozen=True)
class Ends(Case):
    """A case of `retry`: `given` says how attempts end, `after` what is called and waited for."""

    attempts: int = 5
    value: Any = None
    error: str = ""


TRIED = [
    Ends(
        "value",
        "Returns what the operation returns, after one attempt",
        given=[42],
        after=["called-1"],
        value=42,
    ),
    Ends(
        "nothing",
        "Takes 0 for a value like others",
        given=[0],
        after=["called-1"],
        value=0,
    ),
    Ends(
        "again",
        "Calls the operation again after a retriable error",
        given=["again", "again", 7],
        after=["called-1", "called-2", "called-3"],
        value=7,
    ),
    Ends(
        "limit",
        "Gives up after so many attempts, with the error of the first",
        given=["again", "again", "again", 7],
        after=["called-1", "called-2", "called-3"],
        attempts=3,
        error="RuntimeError: again, attempt 1",
        points=2,
    ),
    Ends(
        "last",
        "Still takes the value of the last attempt",
        given=["again", "again", 7],
        after=["called-1", "called-2", "called-3"],
        attempts=3,
        value=7,
    ),
    Ends(
        "other",
        "Raises any other error at once",
        given=["never", 7],
        after=["called-1"],
        error="RuntimeError: never, attempt 1",
    ),
    Ends(
        "other_later",
        "Raises any other error at once in a later attempt, too",
        given=["again", "never", 7],
        after=["called-1", "called-2"],
        error="RuntimeError: never, attempt 2",
    ),
    Ends(
        "other_at_last",
        "Raises any other error of the last attempt, not that of the first",
        given=["again", "never"],
        after=["called-1", "called-2"],
        attempts=2,
        error="RuntimeError: never, attempt 2",
    ),
    Ends(
        "system_exit",
        "Lets a SystemExit through",
        given=["exit", 7],
        after=["called-1"],
        error="SystemExit: attempt 1",
    ),
]
WAITED = [
    Ends(
        "between",
        "Waits once before each new attempt, with the number of failed attempts",
        given=["again", "again", "again", 7],
        after=["called-1", "waited-1", "called-2", "waited-2", "called-3", "waited-3", "called-4"],
    ),
    Ends(
        "not_after_the_last",
        "Does not wait after the last attempt",
        given=["again", "again"],
        after=["called-1", "waited-1", "called-2"],
        attempts=2,
    ),
    Ends(
        "not_for_others",
        "Does not wait after an error that is not retriable",
        given=["never"],
        after=["called-1"],
    ),
]


@check("retry")
@cases(TRIED)
def test_tries(learner, case):
    """{case}"""
    found = tried(learner, list(case.given), case.attempts)
    story = told_ends(case)
    assert found.error == case.error, (
        f"{story}; `retry` {ended(found.error, found.value)}, expected that it "
        f"{ended(case.error, case.value)}"
    )
    same = type(found.value) is type(case.value) and found.value == case.value
    assert same, f"{story}; `retry` returned {found.value!r}, expected {case.value!r}"
    calls = [entry for entry in found.log if entry.startswith("called")]
    assert calls == list(case.after), (
        f"{story}; the operation was called {len(calls)} times, expected {len(case.after)}"
    )


@check("retry")
@cases(WAITED)
def test_waits(learner, case):
    """{case}"""
    found = tried(learner, list(case.given), case.attempts)
    assert found.log == list(case.after), (
        f"{told_ends(case)}; this happened: {', '.join(found.log)}; "
        f"expected {', '.join(case.after)}"
    )


WORDS = {"again": "a retriable error", "never": "another error", "exit": "a SystemExit"}


def told_ends(case: Ends) -> str:
    """How many attempts are allowed, and what they come to."""
    ends = ", ".join(WORDS.get(end, f"the value {end}") for end in case.given)
    return f"attempts allowed: {case.attempts}; they end in {ends}"


def ended(error: str, value: Any) -> str:
    return f"raised {error}" if error else f"returned {value!r}"


# ------------------------------------------------------------------------------------- decrement


def line(text: str) -> tuple:
    """An order line in short: "B-7 Bari a 3"."""
    batch, warehouse, sku, qty = text.split()
    return (batch, warehouse, sku, int(qty))


TAKEN = stories(
    """
taken: Takes what was ordered off the row, and leaves the other columns
Bari a 9 0 loader, Bari b 5 30 count | B-7 Bari a 3, B-7 Bari b 5
| Bari a 6 0 loader, Bari b 0 30 count

lines: Adds up several lines of one key
Bari c 9, Cork c 9 | B-7 Bari c 3, B-7 Bari c 3, B-7 Cork c 1, B-7 Bari c 1 | Bari c 2, Cork c 8

zero: Goes down to 0, and not below
Bari d 2, Bari e 4 | B-7 Bari d 5, B-7 Bari e 3, B-7 Bari e 3 | Bari d 0, Bari e 0

unknown: Leaves out lines for a key that the table doesn't have, and rows without a line
Cork f 4, Bari g 4 | B-7 Bari f 1, B-7 Cork h 1 | Cork f 4, Bari g 4
""",
    before=item,
    given=line,
    after=item,
)
ROW_OF_NEXT = items("Oslo a 9")
NEXT = [line("B-2 Oslo a 4")]
AFTER_NEXT = items("Oslo a 5")


@dataclass(frozen=True)
class Batches:
    """Runs of `decrement` on one table: a batch, then one with a smaller id, then the first again."""

    first: Any
    next: Any
    again: Any
    others: list[str]


@pytest.fixture(scope="module")
def batches(learner, spark, frame, shared_schema):
    """Three calls, one after the other; nobody disturbs them."""
    table = f"{shared_schema}.orders_taken"
    before = [row for case in TAKEN for row in case.before] + ROW_OF_NEXT
    write_commits(spark, table, INVENTORY, [Commit("WRITE", before)], key=KEY)
    known = tables_in(spark, shared_schema)

    def run(lines):
        orders = frame(ORDERS, lines)
        return run_tables(
            spark, {"inventory": table}, lambda _: learner.decrement(spark, table, orders)
        )

    lines = [row for case in TAKEN for row in case.given]
    first, following, again = run(lines), run(NEXT), run([*reversed(lines)])
    return Batches(first, following, again, sorted(tables_in(spark, shared_schema) - known))


def tables_in(spark, schema: str) -> set[str]:
    return {row.tableName for row in spark.sql(f"SHOW TABLES IN {schema}").collect()}


@check("decrement")
@cases(TAKEN)
def test_taken(batches, case):
    """{case}"""
    mine = keys(case.before) | {(row[1], row[2]) for row in case.given}
    assert_items(of_keys(batches.first.rows["inventory"], mine), case.after)


@check("decrement", points=2)
def test_repeated_batch(batches):
    """changes no row when a batch comes a second time, after another one"""
    before, after = batches.again.before["inventory"], batches.again.rows["inventory"]
    assert_items(after, before)


@check("decrement")
def test_batches_in_any_order(batches):
    """applies batch B-2 after batch B-7"""
    found = of_keys(batches.next.rows["inventory"], keys(ROW_OF_NEXT))
    assert_items(found, AFTER_NEXT)


@check("decrement")
def test_batch_in_one_commit(batches):
    """changes rows and record in one commit, and keeps tables and columns as they are"""
    assert_one_commit(batches.first)
    count = batches.first.changes["inventory"].versions
    assert count == 1, f"one batch made {count} commits"
    assert not batches.others, (
        f"the calls made the table {batches.others[0]}; a crash between two commits leaves one "
        "table without the other"
    )
    assert_columns(batches.first.spark.table(batches.first.tables["inventory"]), INVENTORY)


@check("decrement")
def test_no_lines(learner, spark, frame, batches):
    """makes no version for a batch without lines"""
    table = batches.first.tables["inventory"]
    start = table_version(spark, table)
    learner.decrement(spark, table, frame(ORDERS, []))
    count = changes_since(spark, table, start).versions
    assert count == 0, f"versions that a batch without lines made: {count}"


@check("decrement", points=3)
def test_lost_update(learner, spark, frame, shared_schema):
    """meets batches of others and a change of the table's properties, and still counts once"""
    table = f"{shared_schema}.at_once"
    commits = [
        Commit("WRITE", items("Bari a 20, Bari b 20")),
        Commit("MERGE", items("Bari a 13")),  # other batches take seven, and one more
        Commit("MERGE", items("Bari a 12")),
        FAST["alter"],
    ]
    write_commits(spark, table, INVENTORY, commits, key=KEY, held=3)
    lines = frame(ORDERS, [line("B-7 Bari a 5"), line("B-7 Bari b 1")])
    error = error_of(learner.decrement, spark, table, let_in(lines, table))
    assert not error, (
        "others committed three times while the call ran: two batches, and a property of the "
        f"table; the call ended with {class_of(error)}"
    )
    # How many of the other batches came depends on how often the answer reads the orders.
    history = spark.sql(f"DESCRIBE HISTORY {table}").collect()
    came = [row for row in history if (row.engineInfo, row.operation) == ("labkit", "MERGE")]
    taken = [0, 7, 8][len(came)]
    found = {row.sku: row.qty for row in table_rows(spark, table)}
    expected = {"a": 20 - taken - 5, "b": 19}
    assert found == expected, (
        "there were 20 pieces of each; while the call took 5 of a and 1 of b, other batches took "
        f"{taken} of a. Now there are {found.get('a')} of a and {found.get('b')} of b, "
        f"expected {expected['a']} and 19"
    )
    learner.decrement(spark, table, lines)
    again = {row.sku: row.qty for row in table_rows(spark, table)}
    assert again == expected, (
        "a batch met commits of others, and was applied; then it came a second time. Now there are "
        f"{again.get('a')} of a and {again.get('b')} of b, expected {expected['a']} and 19"
    )


# --------------------------------------------------------------------------------- single_writer

QUEUED = stories(
    """
newer: Takes over a row that is newer than the table's, with all columns
Bari a 1 10 loader, Bari b 2 10 loader
| Bari a 7 20 count, Bari b 2 10.005 returns | Bari a 7 20 count, Bari b 2 10.005 returns

older: Leaves a row alone that is newer than the queue's
Bari c 1 30 loader | Bari c 9 20 count | Bari c 1 30 loader

newest: Takes the newest of several rows of one key
Bari d 1 10 loader | Bari d 9 40 returns, Bari d 5 50 count, Bari d 7 20 loader
| Bari d 5 50 count

inserted: Inserts the newest row of a key that the table doesn't have
Cork e 4 | Bari e 6 10 returns, Bari e 5 20 count, Bari f 5 5 count
| Cork e 4, Bari e 5 20 count, Bari f 5 5 count

twice: Takes a row once that is in the queue twice
Bari g 1 10 loader | Bari g 2 20 count, Bari g 2 20 count, Bari h 2 20 count, Bari h 2 20 count
| Bari g 2 20 count, Bari h 2 20 count

equal: Leaves the table's row if both have the same time
Bari i 1 20 loader | Bari i 2 20 count | Bari i 1 20 loader

left: Leaves rows alone that nobody queued
Bari k 3, Cork k 4 | | Bari k 3, Cork k 4
""",
    before=item,
    given=item,
    after=item,
)


@dataclass(frozen=True)
class Merged:
    """Two runs of `single_writer` on the same table and queue."""

    first: Any
    again: Any


@pytest.fixture(scope="module")
def merged(learner, spark, frame, shared_schema):
    """Two calls, one after the other; nobody disturbs them."""
    table, queue = f"{shared_schema}.merged", f"{shared_schema}.queue"
    before = [row for case in QUEUED for row in case.before]
    write_commits(spark, table, INVENTORY, [Commit("WRITE", before)], key=KEY)
    rows = [row for case in QUEUED for row in case.given]
    frame(INVENTORY, rows).coalesce(1).write.format("delta").saveAsTable(queue)

    def run():
        tables = {"inventory": table, "queue": queue}
        return run_tables(spark, tables, lambda _: learner.single_writer(spark, table, queue))

    return Merged(run(), run())


@check("single_writer")
@cases(QUEUED)
def test_merged(merged, case):
    """{case}"""
    mine = keys([*case.before, *case.given])
    assert_items(of_keys(merged.first.rows["inventory"], mine), case.after)


@check("single_writer")
def test_merged_in_one_commit(merged):
    """changes the table in one commit"""
    assert_one_commit(merged.first, tables=["inventory"])


@check("single_writer", points=2)
def test_merged_again(merged):
    """makes no version if nothing in the queue is newer"""
    count = merged.again.changes["inventory"].versions
    made = ", ".join(merged.again.changes["inventory"].operations)
    assert count == 0, f"versions that a second call with the same queue made: {count} ({made})"


@check("single_writer")
def test_queue_is_only_read(merged):
    """leaves the queue as it is"""
    made = merged.first.changes["queue"].operations + merged.again.changes["queue"].operations
    assert not made, (
        f"commits that the call made to the queue: {', '.join(made)}. They meet the senders' "
        "appends, and what was appended since the read is lost or comes again"
    )


@check("single_writer", points=3)
def test_other_jobs(learner, spark, frame, shared_schema):
    """tries again when others commit to the table, and knows their newer row"""
    table, view = f"{shared_schema}.with_jobs", f"{shared_schema}_queue"
    corrected = items("Bari a 5 50 correction")
    commits = [
        Commit("WRITE", items("Bari a 1, Bari b 1")),
        Commit("WRITE", items("Cork c 1")),
        Commit("MERGE", corrected),
        Commit("OPTIMIZE"),
        Commit("WRITE", items("Cork d 1")),
    ]
    write_commits(spark, table, INVENTORY, commits, key=KEY, held=3)
    queued = frame(INVENTORY, items("Bari a 7 40 count, Bari b 7 40 count"))
    let_in(queued, table).createOrReplaceGlobalTempView(view)
    try:
        error = error_of(learner.single_writer, spark, table, f"global_temp.{view}")
    finally:
        spark.catalog.dropGlobalTempView(view)
    assert not error, (
        "others committed while the call ran: a correction, an OPTIMIZE, a new row; the call ended "
        f"with {class_of(error)}"
    )
    # The new row comes only if the queue is read a third time.
    rows = [row for row in table_rows(spark, table) if row.sku != "d"]
    assert_items(rows, [*corrected, *items("Bari b 7 40 count, Cork c 1")])

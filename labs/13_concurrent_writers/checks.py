"""Checks of lab 13: commits of others that are written before, and made while an answer reads."""

import json
import linecache
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labkit.checks import (
    AnswerError,
    Case,
    Commit,
    TableChanges,
    TableVersion,
    assert_columns,
    assert_rows,
    cases,
    changes_since,
    check,
    collect,
    let_in,
    let_in_on_write,
    log_since,
    stored_rows,
    stories,
    table_version,
    write_commits,
)
from labkit.checks.table_folders import TableFolder, log_name, summed_up, sums_name

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
INVENTORY_NAMES = ["warehouse", "sku", "qty", "updated_at", "source"]
KEY = ["warehouse", "sku"]


def item(text: str) -> tuple:
    """A row of the stock in short: "Bari s1 5 30 count"; at 8:00 by loader unless said.

    Minutes may have a fraction: 30.005 is 0.3 seconds after 30. A `~` is a blank.
    """
    warehouse, sku, qty, *more = text.split()
    minute, source = [*more, *["0", "loader"][len(more) :]]
    time = datetime(2025, 5, 1, 8) + timedelta(minutes=float(minute))
    key = (warehouse.replace("~", " "), sku.replace("~", " "))
    return (*key, int(qty), time, None if source == "null" else source)


def items(text: str) -> list[tuple]:
    return [item(one.strip()) for one in text.split(",")]


def keys(rows) -> set[tuple]:
    return {(row[0], row[1]) for row in rows}


def of_keys(rows, wanted: set[tuple]) -> list:
    return [row for row in rows if (row[0], row[1]) in wanted]


def of_skus(rows, skus) -> list:
    """The rows of these skus in any spelling, and of any warehouse."""
    wanted = {sku.strip().lower() for sku in skus}
    return [row for row in rows if row[1].strip().lower() in wanted]


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

CORK = items("Cork c 3, Cork a 4")
NOT_BROUGHT = items("Bari b 2, Bari x-b 4, Bari x~b 4, Bari xb 4")
BEFORE = [*items("Bari a 1 40, Bari d 2 40, Bari e 1, Bari g 1, Bari h 1"), *NOT_BROUGHT]
# What the slow writers bring: rows for which the table has a later time, rows that differ from its
# own in one column, and new ones, some of them with a key like that of b, or like another one when
# warehouse and sku are glued together.
BROUGHT = items(
    "Bari a 7 30 null, Bari d 2 30 count, Bari e 1 0 null, Bari g 1 30, Bari h 2, "
    "Bari n 9 30 count, Bari B 9 30 count, Bari b~ 9 30 count, bari b 0 30 count, "
    "Bari~ b 9 30 count, Bari-x b 9 30 count, Bari~x b 9 30 count, Barix b 9 30 count"
)
# What an append brings beside them: a row twice, and another one of its key.
APPENDED = [*BROUGHT, *items("Bari n 9 30 count, Bari n 4 30 count")]
FAST = {
    "append": Commit("WRITE", items("Cork z 5")),
    "delete": Commit("DELETE", gone=[("Cork", "c"), ("Cork", "a")]),
    "optimize": Commit("OPTIMIZE"),
    "alter": Commit("SET TBLPROPERTIES", says=("team", "stock")),
}
# Of the slow writer alone: nobody else commits, or the table refuses to change a row, or to take one
# without a source. The last error is none that PySpark has a class for.
ALONE = {"no-one": {}, "append-only": {"delta.appendOnly": "true"}, "not-null": {}}
NOT_NULL = f"{INVENTORY} NOT NULL"
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
    """What an answer says of pairs, their tables, and the commits that the answer made to each."""

    outcomes: list
    tables: dict[tuple, str]
    made: dict[tuple, list[str]]


def matrix_of(learner, spark, frame, schema: str, pairs: list[tuple]) -> Matrix:
    """What the answer says of these pairs, each with a table that it finds ready."""
    made, start = {}, {}
    for slow, fast in pairs:
        name = f"{slow}_{fast}".replace("-", "_")
        table, view = f"{schema}.{name}", f"{schema}_{name}"
        commits = [Commit("WRITE", BEFORE), Commit("WRITE", CORK)]
        held = [FAST[fast]] if fast in FAST else []
        write_commits(
            spark,
            table,
            NOT_NULL if fast == "not-null" else INVENTORY,
            commits + held,
            ALONE.get(fast),
            key=KEY,
            held=len(held),
        )
        start[slow, fast] = len(commits + held)
        brought = APPENDED if slow == "append" else BROUGHT
        let_in(frame(INVENTORY, brought), table).createOrReplaceGlobalTempView(view)
        made[slow, fast] = (table, f"global_temp.{view}")
    make_table = crossing(MAKE_TABLE.format(made=repr(made)))
    try:
        answer = learner.conflict_matrix(spark, make_table, list(pairs))
        assert_columns(answer, "slow string, fast string, outcome string")
        return Matrix(
            collect(answer),
            {pair: table for pair, (table, _) in made.items()},
            {
                pair: [told_by(one)["operation"] for one in log_since(spark, table, start[pair])]
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
        "merge_append",
        "Measures what an append of another row does to a MERGE",
        given=[("merge", "append")],
        after=["ConcurrentAppendException"],
        points=2,
    ),
    Case(
        "merge_nobody",
        "Says ok where nobody else commits",
        given=[("merge", "no-one")],
        after=["ok"],
    ),
    Case(
        "append_not_null",
        "Has a row for a writer that the table refuses, too",
        given=[("append", "not-null")],
        after=["Py4JJavaError"],
    ),
]


@pytest.fixture(scope="module")
def matrix(learner, quick, frame, shared_schema):
    """What is said of all pairs, in one call."""
    pairs = [case.given[0] for case in MEASURED]
    return matrix_of(learner, quick, frame, shared_schema, pairs)


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


@pytest.fixture(scope="module")
def written(matrix, spark):
    """The rows of the tables whose slow writer succeeds, by slow writer."""
    pairs = {"append": ("append", "append"), "merge": ("merge", "no-one")}
    return {slow: stored_rows(spark, matrix.tables[pair]) for slow, pair in pairs.items()}


@check("conflict_matrix")
def test_slow_append(written):
    """has the append add its rows to what the table and the fast writer have"""
    expected = [*BEFORE, *CORK, *FAST["append"].rows, *APPENDED]
    assert Counter(map(tuple, written["append"])) == Counter(expected), (
        f"after append and append the table has {told(written['append'])}, "
        f"expected {told(expected)}"
    )


@check("conflict_matrix")
def test_slow_merge(matrix, written):
    """has the merge update all columns by the key and insert the rest, in one MERGE"""
    assert_items(written["merge"], [*NOT_BROUGHT, *CORK, *BROUGHT])
    made = matrix.made["merge", "no-one"]
    assert made == ["MERGE"], (
        f"commits of the slow writer, if nobody disturbs it: {', '.join(made) or 'none'}; "
        "expected one MERGE"
    )


@check("conflict_matrix")
def test_failed_writer(matrix):
    """leaves a table without a commit of the slow writer where that failed"""
    assert_no_commit(matrix, "merge", "append")


def assert_no_commit(matrix: Matrix, slow: str, fast: str) -> None:
    made = matrix.made[slow, fast]
    assert not made, (
        f"slow {slow}, fast {fast}: after the fast writer's commit the table has "
        f"{', '.join(made)}; a writer that failed commits nothing"
    )


def told(rows) -> str:
    """Rows of the stock, by key and quantity."""
    return ", ".join(sorted(f"{row[0]} {row[1]} {row[2]}" for row in rows)) or "no row"


# ---------------------------------------------------------------------------------- scoped_merge

MINE = "D_ck\\B'\"7{1} "
LIKE_MINE = {
    "SMALL": MINE.lower(),
    "CUT": MINE.strip(),
    "LIKE": MINE.replace("_", "o"),
    "MINE": MINE,
}


def of_mine(text: str) -> tuple:
    """A row of the stock in short, where a warehouse may be MINE, or one with a name like it."""
    for word, name in LIKE_MINE.items():
        text = text.replace(word, name.replace(" ", "~"))
    return item(text)


SCOPED = stories(
    """
replaced: Replaces the whole row of a sku that the warehouse has
MINE a 1 0 loader, MINE b 2 40 loader, MINE c 3 0 loader,
MINE p 3 0 loader, MINE q 3 0 loader, MINE r 3 0 loader, MINE s 3 0 null
| MINE a 7 30 count, MINE b 2 30 returns, MINE c 0 30 null,
MINE p 4 0 loader, MINE q 3 30 loader, MINE r 3 0 null, MINE s 3 0 count
| MINE a 7 30 count, MINE b 2 30 returns, MINE c 0 30 null,
MINE p 4 0 loader, MINE q 3 30 loader, MINE r 3 0 null, MINE s 3 0 count

inserted: Inserts a sku that the warehouse doesn't have, also one that another warehouse has
Cork n 3, CUT n 4, SMALL n 5, MINE2 n 6, NewMINE n 6, MINE o 2
| MINE n 9 30 count, MINE m 0 30 null, MINE O 8 30 count, MINE o~ 8 30 count
| Cork n 3, CUT n 4, SMALL n 5, MINE2 n 6, NewMINE n 6, MINE o 2,
MINE n 9 30 count, MINE m 0 30 null, MINE O 8 30 count, MINE o~ 8 30 count

left: Leaves rows alone that no change speaks of
MINE d 4, Cork d 4 | | MINE d 4, Cork d 4

others: Leaves out the changes of other warehouses, also of a sku that this one has
Cork e 5, Bari e 5, LIKE e 5, MINE2 e 5, MINE g 5
| Cork e 6 30 count, Bari f 6 30 count, LIKE e 6 30 count, SMALL f 6 30 count,
CUT f 6 30 count, MINE2 e 6 30 count, MINE2 f 6 30 count, NewMINE f 6 30 count,
Cork g 6 30 count, Bari h 6 40 count, MINE h 7 30 count, Cork h 6 40 count
| Cork e 5, Bari e 5, LIKE e 5, MINE2 e 5, MINE g 5, MINE h 7 30 count
""",
    before=of_mine,
    given=of_mine,
    after=of_mine,
)
TOUCHED_BY_OTHERS = items("Cork x 3, Oslo x 3")
MERGED_BY_OTHERS = items("Cork x 6 10 stream, Cork y 6 10 stream")
# Rows of warehouses that a pattern, or a comparison that isn't exact, takes for this one.
APPENDED_BY_OTHERS = [
    of_mine(f"{name} z 5 10 stream") for name in ("Cork", "LIKE", "CUT", "SMALL", "MINE2", "NewMINE")
]
OTHERS = [
    Commit("MERGE", MERGED_BY_OTHERS, gone=[("Oslo", "x")]),
    Commit("WRITE", APPENDED_BY_OTHERS),
]
BY_OTHERS = [*MERGED_BY_OTHERS, *APPENDED_BY_OTHERS]


def partitioned(
    spark, table: str, commits: list[Commit], *, held: int = 0, on_write: str = "", at: int = 2
) -> TableVersion:
    """A table by warehouse whose last commits are held back; its version before these.

    The second of them, or the one that `at` says, is made when somebody writes rows of the
    warehouse `on_write`.
    """
    write_commits(spark, table, INVENTORY, commits, key=KEY, partition_by="warehouse", held=held)
    start = table_version(spark, table)
    if on_write:
        let_in_on_write(spark, table, f"warehouse={on_write}", start.number + at)
    return start


def told_by(commit: list[dict]) -> dict:
    """What a commit tells of itself."""
    return next(one["commitInfo"] for one in commit if "commitInfo" in one)


def is_of_others(commit: list[dict]) -> bool:
    """Whether this commit was held back."""
    return told_by(commit)["engineInfo"] == "labkit"


def own_commits(log: list[list[dict]]) -> list[list[dict]]:
    return [commit for commit in log if not is_of_others(commit)]


def commits_of_others(log: list[list[dict]], name: str) -> int:
    """How many commits with this operation were let in."""
    return sum(told_by(commit)["operation"] == name for commit in log if is_of_others(commit))


@dataclass(frozen=True)
class Disturbed:
    """A call while others commit: its error, and the table then.

    If the call failed, the table is another one, after a call that nobody disturbed: a conflict is
    one fault, and shall not hide what else is right or wrong. `came` counts the MERGEs of others:
    how many come depends on how often an answer reads.
    """

    error: str
    table: str
    rows: list
    commits: list[list[dict]]
    came: int


def disturbed(
    spark,
    table: str,
    call: Callable[[str, bool], Any],
    past: Commit,
    others: list[Commit],
    *,
    on_write: str = "",
) -> Disturbed:
    """Calls with a table's name, and whether others are to be let in."""
    start = partitioned(spark, table, [past, *others], held=len(others), on_write=on_write)
    if error := error_of(call, table, True):
        table = f"{table}_alone"
        start = partitioned(spark, table, [past])
        call(table, False)
    rows, log = stored_rows(spark, table), log_since(spark, table, start.number)
    return Disturbed(error, table, rows, own_commits(log), commits_of_others(log, "MERGE"))


def assert_one_of_its_own(run: Disturbed) -> None:
    """The call changed files in one commit."""
    changed = [
        commit for commit in run.commits if any({"add", "remove"} & one.keys() for one in commit)
    ]
    assert len(changed) == 1, (
        f"the call made {len(changed)} commits that change the table. Whoever reads between them, "
        "and a crash there, finds it half done"
    )


@pytest.fixture(scope="module")
def scoped(learner, quick, frame, shared_schema):
    """The table after one call with the changes of all cases, while others write to Cork."""
    changes = frame(INVENTORY, [row for case in SCOPED for row in case.given])
    before = [row for case in SCOPED for row in case.before]

    def call(table: str, with_others: bool) -> None:
        given = let_in(changes, table) if with_others else changes
        learner.scoped_merge(quick, table, given, MINE)

    return disturbed(
        quick,
        f"{shared_schema}.scoped",
        call,
        Commit("WRITE", [*before, *TOUCHED_BY_OTHERS]),
        OTHERS,
        on_write="D_ck%5CB%27%227%7B1} ",
    )


@check("scoped_merge")
@cases(SCOPED)
def test_scoped(scoped, case):
    """{case}"""
    mine = of_skus(scoped.rows, [row[1] for row in [*case.before, *case.given]])
    assert_items(mine, case.after)


@check("scoped_merge")
def test_scoped_in_one_commit(scoped):
    """changes the table in one commit"""
    assert_one_of_its_own(scoped)


@check("scoped_merge", points=2)
def test_writers_of_others(scoped):
    """succeeds while others merge and append rows of other warehouses, and keeps what they wrote"""
    assert not scoped.error, (
        "while the call merged rows of one warehouse, others committed rows of Cork, and of "
        f"warehouses with a name like its own; the call ended with {class_of(scoped.error)}"
    )
    touched = [row[1] for row in [*BY_OTHERS, *TOUCHED_BY_OTHERS]]
    assert_items(of_skus(scoped.rows, touched), BY_OTHERS)


SHARED = items("Bari a 1, Bari b 2, Cork c 3")
DOES = {
    "WRITE": "appended a row",
    "MERGE": "changed a row",
    "DELETE": "deleted rows",
    "OPTIMIZE": "rewrote the files",
}


@check("scoped_merge", points=2)
def test_writers_of_the_same(learner, quick, frame, shared_schema):
    """raises the conflict with a writer of the same new warehouse, and writes nothing then"""
    table, other = f"{shared_schema}.with_same", Commit("WRITE", items("Oslo p 5 10 stream"))
    assert_conflict_raised(learner, quick, frame, table, other, "ConcurrentAppendException", "Oslo")


def assert_conflict_raised(
    learner, spark, frame, table: str, other: Commit, name: str, here: str = "Bari"
) -> None:
    """A commit to the warehouse that the call merges ends it with an exception of this name."""
    start = partitioned(spark, table, [Commit("WRITE", SHARED), other], held=1)
    given = items(f"{here} a 7 30 count, {here} n 9 30 count")
    changes = let_in(frame(INVENTORY, given), table)
    error = error_of(learner.scoped_merge, spark, table, changes, here)
    does = DOES[other.operation]
    story = f"while the call merged rows of {here}, another writer {does} of {here}"
    log = log_since(spark, table, start.number)
    if not error and not any(is_of_others(commit) for commit in log):
        story = f"another writer was to commit to {here} when the changes are read"
    assert error, f"{story}; the call returned as if nothing had happened"
    told = f"{story}; the call raised {error}"
    assert class_of(error) == name, told
    # Delta begins the text of each error with its code.
    assert error.startswith(f"{name}: [DELTA_"), f"{told}, and Delta told it otherwise"
    count = len(own_commits(log))
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
    told = end + ", attempt " + str(number) if isinstance(end, str) else ""
    if end in ("stop", "false"):
        name, base = ("Stopped", BaseException) if end == "stop" else ("Busy", Exception)
        is_false = {{"__bool__": lambda self: False, "__module__": "builtins"}}
        raise type(name, (base,), is_false)(told.replace(end, "again"))
    if end in ("again", "never"):
        raise [OSError, ValueError, StopIteration][number % 3 - 1](told)
    return end
"""
IS_RETRIABLE = """
def is_retriable(error):
    import os

    if not isinstance(error, Exception):
        os.environ[{name!r}] = os.environ.get({name!r}, "") + " asked"
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
    is_retriable = crossing(IS_RETRIABLE.format(name=name))
    value, error = None, ""
    try:
        value = learner.retry(operation, attempts, is_retriable, wait)
    except AnswerError as problem:
        if problem.outcome != "error":
            raise
        error = problem.reason
    # Read where it was written, by an operation that succeeds.
    read = crossing(READ.format(name=name))
    log = learner.retry(read, 3, is_retriable, crossing(NO_WAIT))
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
        "false",
        "Takes False for a value like others",
        given=[False, 7],
        after=["called-1"],
        value=False,
    ),
    Ends(
        "none",
        "Takes None for a value like others",
        given=[None, 7],
        after=["called-1"],
        value=None,
    ),
    Ends(
        "none_later",
        "Takes None of a later attempt for a value, too",
        given=["again", None, 7],
        after=["called-1", "called-2"],
        value=None,
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
        error="OSError: again, attempt 1",
        points=2,
    ),
    Ends(
        "false_error",
        "Gives up with the first error also if `bool(error)` is False",
        given=["false", "again", "again"],
        after=["called-1", "called-2", "called-3"],
        attempts=3,
        error="Busy: again, attempt 1",
    ),
    Ends(
        "one_attempt",
        "Does not try again if one attempt is allowed",
        given=["again", 7],
        after=["called-1"],
        attempts=1,
        error="OSError: again, attempt 1",
    ),
    Ends(
        "many",
        "Makes many attempts if so many are allowed",
        given=[*11 * ["again"], 7],
        after=[f"called-{number}" for number in range(1, 13)],
        attempts=20,
        value=7,
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
        error="OSError: never, attempt 1",
    ),
    Ends(
        "other_later",
        "Raises any other error at once in a later attempt, too",
        given=["again", "never", 7],
        after=["called-1", "called-2"],
        error="ValueError: never, attempt 2",
    ),
    Ends(
        "other_at_last",
        "Raises any other error of the last attempt, not that of the first",
        given=["again", "never"],
        after=["called-1", "called-2"],
        attempts=2,
        error="ValueError: never, attempt 2",
    ),
    Ends(
        "known_class",
        "Asks about each error, also one of a class that was retriable before",
        given=[*5 * ["again"], "never", 7],
        after=[f"called-{number}" for number in range(1, 7)],
        attempts=100,
        error="StopIteration: never, attempt 6",
    ),
    Ends(
        "system_exit",
        "Lets a SystemExit through",
        given=["exit", 7],
        after=["called-1"],
        error="SystemExit: attempt 1",
    ),
    Ends(
        "exit_at_last",
        "Lets a SystemExit of the last attempt through, too",
        given=["again", "exit"],
        after=["called-1", "called-2"],
        attempts=2,
        error="SystemExit: attempt 2",
    ),
    Ends(
        "no_exception",
        "Lets through what else is no Exception",
        given=["stop", 7],
        after=["called-1"],
        error="Stopped: again, attempt 1",
    ),
]
WAITED = [
    Ends(
        "between",
        "Waits once before each new attempt, with the number of failed attempts",
        given=[*11 * ["again"], 7],
        after=[
            *(step for n in range(1, 12) for step in (f"called-{n}", f"waited-{n}")),
            "called-12",
        ],
        attempts=20,
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
    assert "asked" not in found.log, f"{story}; `is_retriable` was asked about what is no Exception"


@check("retry")
@cases(WAITED)
def test_waits(learner, case):
    """{case}"""
    found = tried(learner, list(case.given), case.attempts)
    assert found.log == list(case.after), (
        f"{told_ends(case)}; this happened: {', '.join(found.log)}; "
        f"expected {', '.join(case.after)}"
    )


WORDS = {
    "again": "a retriable error",
    "never": "another error",
    "exit": "a SystemExit",
    "stop": "another error that is no Exception",
    "false": "a retriable error whose truth value is False",
}


def told_ends(case: Ends) -> str:
    """How many attempts are allowed, and what they come to."""
    ends = ", ".join(WORDS.get(end, f"the value {end}") for end in case.given)
    return f"attempts allowed: {case.attempts}; they end in {ends}"


def ended(error: str, value: Any) -> str:
    return f"raised {error}" if error else f"returned {value!r}"


# ------------------------------------------------------------------------------------- decrement


def line(text: str) -> tuple:
    """An order line in short: "b-87 Bari a 3". A `~` is a blank."""
    *texts, qty = text.replace("~", "\0").split()
    return (*[one.replace("\0", " ") for one in texts], int(qty))


# The ids of the next batches differ from the first one's by case, or by where a hyphen is. Both are
# smaller: as a text, and by most checksums.
FIRST_ID, NEXT_IDS = "b-47-5", ("B-47-5", "b-4-75")
TAKEN = stories(
    """
taken: Takes what was ordered off the row, and leaves the other columns
Bari a 9 0 loader, Bari b 5 30 null, Bari l 6000000000
| ID Bari a 3, ID Bari b 5, ID Bari l 3000000000
| Bari a 6 0 loader, Bari b 0 30 null, Bari l 3000000000

lines: Adds up several lines of one key
Bari c 9, Cork c 9 | ID Bari c 3, ID Bari c 3, ID Cork c 1, ID Bari c 1 | Bari c 2, Cork c 8

zero: Goes down to 0, and not below
Bari d 2, Bari e 4 | ID Bari d 5, ID Bari e 3, ID Bari e 3 | Bari d 0, Bari e 0

unknown: Leaves out lines for a key that the table doesn't have, and rows without a line
Cork f 4, Bari g 4
| ID Bari f 1, ID Cork h 1, ID Bari G 1, ID bari g 1, ID Bari g~ 1, ID Bari~ g 1
| Cork f 4, Bari g 4

glued: Tells keys apart that are one when warehouse and sku are glued together
Bari x-t 4, Bari x~t 4, Bari xt 4
| ID Bari x-t 1, ID Bari x~t 1, ID Bari xt 1, ID Bari-x t 2, ID Bari~x t 2, ID Barix t 2
| Bari x-t 3, Bari x~t 3, Bari xt 3
""".replace("ID", FIRST_ID),
    before=item,
    given=line,
    after=item,
)
ROW_OF_NEXT = items("Oslo n 9")
# Equal lines: the batches differ in their ids alone.
NEXT = [[line(f"{batch} Oslo n 4")] for batch in NEXT_IDS]
AFTER_NEXT = items("Oslo n 1")
AT_ONCE = items("Bari y 20, Bari z 20")
LINES_AT_ONCE = [line(f"{FIRST_ID} Bari y 5"), line(f"{FIRST_ID} Bari z 1")]
# What the first batch has beside its lines when it comes again.
LINES_SINCE = [line(f"{FIRST_ID} Cork f 1"), line(f"{FIRST_ID} Bari c 1")]
# So many commits of others come before that.
COMMITS_SINCE = 110
# Other batches take seven, and one more.
TAKEN_BY_OTHERS = [Commit("MERGE", items("Bari y 13")), Commit("MERGE", items("Bari y 12"))]


@dataclass(frozen=True)
class Batches:
    """Runs of `decrement` on one table: a batch, two with other ids, then the first one again.

    Before that the table got another name, `table`. `last` is the number of its version then, and
    `settings` are those that the calls left behind.
    """

    first: Disturbed
    table: str
    next: list
    again: list
    last: int
    others: list[str]
    settings: list[str]


@pytest.fixture(scope="module")
def batches(learner, quick, frame, shared_schema):
    """Four calls, one after the other; others commit during the first, and before the last."""
    before = [row for case in TAKEN for row in case.before] + ROW_OF_NEXT + AT_ONCE
    lines = [row for case in TAKEN for row in case.given] + LINES_AT_ONCE
    orders = frame(ORDERS, lines)
    known, conf = tables_in(quick, shared_schema), quick.conf.getAll

    def call(table: str, with_others: bool) -> None:
        learner.decrement(quick, table, let_in(orders, table) if with_others else orders)

    first = disturbed(
        quick,
        f"{shared_schema}.orders_taken",
        call,
        Commit("WRITE", before),
        TAKEN_BY_OTHERS,
        on_write="Bari",
    )
    table = first.table
    for lines_of_next in NEXT:
        learner.decrement(quick, table, frame(ORDERS, lines_of_next))
    following = stored_rows(quick, table)
    last = commit_nothing(quick, table, COMMITS_SINCE)
    # Whoever remembers the batch beside the table, by its name, doesn't find it any more.
    quick.sql(f"ALTER TABLE {table} RENAME TO {table}_renamed")
    table = f"{table}_renamed"
    learner.decrement(quick, table, frame(ORDERS, [*reversed(lines), *LINES_SINCE]))
    made = len(log_since(quick, table, last))
    again = stored_rows(quick, table) if made else following
    known.add(table.rpartition(".")[2])
    others = sorted(tables_in(quick, shared_schema) - known - {"orders_taken"})
    settings = left_behind(quick, conf)
    return Batches(first, table, following, again, last + made, others, settings)


def commit_nothing(spark, table: str, count: int) -> int:
    """So many commits of others that change no file; the number of the last version."""
    folder, start = TableFolder(spark, table), table_version(spark, table).number
    folder.commit(start + 1, Commit("OPTIMIZE"), {}, [])
    # Copied in the JVM: a write costs many calls there.
    nio, last = folder.jvm.java.nio.file, start + count
    one = folder.jvm.java.io.File(folder.path(log_name(start + 1)).toUri().getPath()).toPath()
    no_options = folder.gateway.new_array(nio.CopyOption, 0)
    for number in range(start + 2, last + 1):
        nio.Files.copy(one, one.resolveSibling(Path(log_name(number)).name), no_options)
    if folder.fs.exists(folder.path(sums_name(start))):
        sums = summed_up(json.loads(folder.read(sums_name(start))), [])
        if sums:
            folder.write(sums_name(last), json.dumps(sums).encode())
    return last


# Delta notes each commit there.
SET_BY_DELTA = "spark.databricks.delta.lastCommitVersionInSession"


def left_behind(spark, before: dict[str, str]) -> list[str]:
    """The settings that are no more what they were; from here on they are as before."""
    now = spark.conf.getAll
    names = (before.keys() | now.keys()) - {SET_BY_DELTA}
    left = sorted(name for name in names if now.get(name) != before.get(name))
    for name in left:
        if name in before:
            spark.conf.set(name, before[name])
        else:
            spark.conf.unset(name)
    return left


def tables_in(spark, schema: str) -> set[str]:
    return {row.tableName for row in spark.sql(f"SHOW TABLES IN {schema}").collect()}


@check("decrement")
@cases(TAKEN)
def test_taken(batches, case):
    """{case}"""
    skus = {row[1] for row in case.before} | {row[2] for row in case.given}
    assert_items(of_skus(batches.first.rows, skus), case.after)


@check("decrement", points=2)
def test_repeated_batch(batches):
    """changes no row when a batch comes a second time, with other lines and after many commits"""
    assert_items(batches.again, batches.next)


@check("decrement")
def test_batches_in_any_order(batches):
    """applies the batches 'B-47-5' and 'b-4-75' after the batch 'b-47-5'"""
    assert_items(of_keys(batches.next, keys(ROW_OF_NEXT)), AFTER_NEXT)


@check("decrement")
def test_batch_in_one_commit(batches, spark):
    """changes rows and record in one commit, and keeps tables and columns as they are"""
    count = len(batches.first.commits)
    assert count == 1, f"one batch made {count} commits"
    assert not batches.others, (
        f"the calls made the table {batches.others[0]}; a crash between two commits leaves one "
        "table without the other"
    )
    assert_columns(spark.table(batches.table), INVENTORY)


@check("decrement")
def test_no_lines(learner, spark, frame, batches):
    """makes no version for a batch without lines"""
    learner.decrement(spark, batches.table, frame(ORDERS, []))
    count = len(log_since(spark, batches.table, batches.last))
    assert count == 0, f"versions that a batch without lines made: {count}"


@check("decrement")
def test_settings(learner, quick, frame, shared_schema, batches):
    """leaves no setting of the session behind, also if the table refuses the change"""
    refusing, past = f"{shared_schema}.orders_refused", [Commit("WRITE", AT_ONCE)]
    appends_only = {"delta.appendOnly": "true"}
    write_commits(quick, refusing, INVENTORY, past, appends_only, key=KEY, partition_by="warehouse")
    conf = quick.conf.getAll
    error = error_of(learner.decrement, quick, refusing, frame(ORDERS, LINES_AT_ONCE))
    for left, end in (
        (batches.settings, "calls that returned"),
        (left_behind(quick, conf), f"a call that ended with {class_of(error) or 'no error'}"),
    ):
        assert not left, (
            f"{end} left in the session: {', '.join(left)}. The next write there goes by these "
            "settings, whoever makes it"
        )


@check("decrement", points=3)
def test_lost_update(batches):
    """meets batches of others, and still counts once"""
    assert not batches.first.error, (
        "others applied two batches while the call ran; the call ended with "
        f"{class_of(batches.first.error)}"
    )
    taken = [0, 7, 8][batches.first.came]
    expected = (20 - taken - 5, 19)
    assert at_once(batches.first.rows) == expected, (
        "there were 20 pieces of each; while the call took 5 of y and 1 of z, other batches took "
        f"{taken} of y. Now there are {told_of(batches.first.rows)}, expected {expected[0]} of y "
        "and 19 of z"
    )
    assert at_once(batches.again) == expected, (
        "a batch met commits of others, and was applied; then it came a second time. Now there are "
        f"{told_of(batches.again)}, expected {expected[0]} of y and 19 of z"
    )


def at_once(rows) -> tuple:
    """How much of y and z the table has."""
    found = {row.sku: row.qty for row in rows}
    return found.get("y"), found.get("z")


def told_of(rows) -> str:
    return "{} of y and {} of z".format(*at_once(rows))


# --------------------------------------------------------------------------------- single_writer

QUEUED = stories(
    """
newer: Takes over a row that is newer than the table's, with all columns
Bari a 1 10 loader, Bari b 2 10 loader, Bari l 1 10 loader, Bari s 1 10 loader, Bari t 1 10 loader
| Bari a 7 20 count, Bari b 2 10.005 returns, Bari l 0 20 null, Bari s 1 20 loader,
Bari t 3 99999999 count
| Bari a 7 20 count, Bari b 2 10.005 returns, Bari l 0 20 null, Bari s 1 20 loader,
Bari t 3 99999999 count

older: Leaves a row alone that is newer than the queue's
Bari c 1 30 loader, Bari o 1 30 null | Bari c 9 20 count, Bari o 9 20 count
| Bari c 1 30 loader, Bari o 1 30 null

newest: Takes the newest of several rows of one key
Bari d 1 10 loader, Cork d 1 10 loader, Cork q 1 10 loader
| Bari d 9 40 returns, Bari d 5 50 count, Bari d 7 20 loader, Cork d 8 30 count, Cork d 3 20 count,
Cork q 9 40 returns, Cork q 5 50 null
| Bari d 5 50 count, Cork d 8 30 count, Cork q 5 50 null

inserted: Inserts the newest row of a key that the table doesn't have
Cork e 4, Bari m 4 10
| Bari e 6 10 returns, Bari e 5 20 count, Bari f 5 5 count, Bari E 3 30 count, Oslo e 0,
Bari p 9 10 count, Bari p 2 20 null,
Bari M 3 5 count, Bari m~ 3 5 count, bari m 3 5 count, Bari~ m 3 5 count, bari e 3 30 null
| Cork e 4, Bari e 5 20 count, Bari f 5 5 count, Bari E 3 30 count, Oslo e 0,
Bari p 2 20 null, Bari m 4 10,
Bari M 3 5 count, Bari m~ 3 5 count, bari m 3 5 count, Bari~ m 3 5 count, bari e 3 30 null

glued: Tells keys apart that are one when warehouse and sku are glued together
Bari x-r 1 40, Bari x~r 1 40, Bari xr 1 40
| Bari x-r 9 30 count, Bari x~r 9 30 count, Bari xr 9 30 count,
Bari-x r 3 20 count, Bari~x r 3 20 count, Barix r 3 20 count
| Bari x-r 1 40, Bari x~r 1 40, Bari xr 1 40,
Bari-x r 3 20 count, Bari~x r 3 20 count, Barix r 3 20 count

twice: Takes a row once that is in the queue twice
Bari g 1 10 loader | Bari g 2 20 null, Bari g 2 20 null, Bari h 2 20 count, Bari h 2 20 count
| Bari g 2 20 null, Bari h 2 20 count

equal: Leaves the table's row if both have the same time
Bari i 1 20 loader, Bari j 1 20 null | Bari i 2 20 count, Bari j 1 20 count
| Bari i 1 20 loader, Bari j 1 20 null

left: Leaves rows alone that nobody queued
Bari k 3, Cork k 4 | | Bari k 3, Cork k 4
""",
    before=item,
    given=item,
    after=item,
)


TO_CORRECT = items("Bari w 1, Bari y 1, Bari z 1")
QUEUED_AT_ONCE = items(
    "Bari w 7 40 count, Bari x 7 40 count, Bari y 7 40 count, Bari z 7 40 count"
)
# What others write meanwhile: three rows that are newer than the queue's, and one that is older.
CORRECTED = items("Bari x 5 50 correction, Bari y 5 50 correction, Bari z 5 50 correction")
TOO_OLD = items("Bari w 5 20 correction")
OTHER_JOBS = [Commit("MERGE", [*CORRECTED, *TOO_OLD])]


@dataclass(frozen=True)
class Merged:
    """A run of `single_writer`, the versions that later ones made, and commits to the queue."""

    first: Disturbed
    again: TableChanges
    queue: TableChanges


@pytest.fixture(scope="module")
def merged(learner, quick, frame, shared_schema):
    """Three calls, one after the other; other jobs commit during the first."""
    queue, view = f"{shared_schema}.queue", f"{shared_schema}_queue"
    before = [row for case in QUEUED for row in case.before] + TO_CORRECT
    queued = frame(INVENTORY, [row for case in QUEUED for row in case.given] + QUEUED_AT_ONCE)
    queued.coalesce(1).write.format("delta").saveAsTable(queue)
    sent = table_version(quick, queue)

    def call(table: str, with_others: bool) -> None:
        if not with_others:
            learner.single_writer(quick, table, queue)
            return
        let_in(queued, table).createOrReplaceGlobalTempView(view)
        try:
            learner.single_writer(quick, table, f"global_temp.{view}")
        finally:
            quick.catalog.dropGlobalTempView(view)

    past = Commit("WRITE", before)
    first = disturbed(quick, f"{shared_schema}.merged", call, past, OTHER_JOBS)
    start = table_version(quick, first.table)
    learner.single_writer(quick, first.table, queue)
    frame(INVENTORY, []).createOrReplaceGlobalTempView(view)
    try:
        learner.single_writer(quick, first.table, f"global_temp.{view}")
    finally:
        quick.catalog.dropGlobalTempView(view)
    again = changes_since(quick, first.table, start)
    return Merged(first, again, changes_since(quick, queue, sent))


@check("single_writer")
@cases(QUEUED)
def test_merged(merged, case):
    """{case}"""
    mine = of_skus(merged.first.rows, [row[1] for row in [*case.before, *case.given]])
    assert_items(mine, case.after)


@check("single_writer")
def test_merged_in_one_commit(merged):
    """changes the table in one commit"""
    assert_one_of_its_own(merged.first)


@check("single_writer", points=2)
def test_merged_again(merged):
    """makes no version if nothing in the queue is newer"""
    count, made = merged.again.versions, ", ".join(merged.again.operations)
    assert count == 0, (
        f"versions that a second call with the same queue and a third one with an empty queue "
        f"made: {count} ({made})"
    )


@check("single_writer")
def test_queue_is_only_read(merged):
    """leaves the queue as it is"""
    made = merged.queue.operations
    assert not made, (
        f"commits that the call made to the queue: {', '.join(made)}. They meet the senders' "
        "appends, and what was appended since the read is lost or comes again"
    )


@check("single_writer", points=2)
def test_corrected_meanwhile(merged):
    """leaves rows that others write during the call with a later time, and no other ones"""
    assert not merged.first.error, (
        "others wrote rows while the call ran; the call ended with "
        f"{class_of(merged.first.error)}"
    )
    found = of_keys(merged.first.rows, keys(QUEUED_AT_ONCE))
    expected = QUEUED_AT_ONCE
    if merged.first.came:
        expected = [*CORRECTED, *of_keys(QUEUED_AT_ONCE, keys(TOO_OLD))]
    assert_items(found, expected)


@check("single_writer", points=2)
def test_other_jobs(learner, quick, frame, shared_schema):
    """tries again after a conflict with an OPTIMIZE"""
    table = f"{shared_schema}.with_optimize"
    assert_tried_again(learner, quick, frame, table, Commit("OPTIMIZE"))


def assert_tried_again(
    learner, spark, frame, table: str, other: Commit, last: str = "Bari b 7 30 count"
) -> int:
    """Another job's commit comes when the call has written its rows; they are there in the end.

    Or the row `last`, if the other job wrote that. Returns how many versions the call made.
    """
    past, view = items("Bari a 1, Cork a 2, Oslo z 1"), table.replace(".", "_")
    commits = [Commit("WRITE", past), other]
    start = partitioned(spark, table, commits, held=1, on_write="Bari", at=1)
    frame(INVENTORY, items("Bari b 7 30 count")).createOrReplaceGlobalTempView(view)
    try:
        error = error_of(learner.single_writer, spark, table, f"global_temp.{view}")
    finally:
        spark.catalog.dropGlobalTempView(view)
    story = f"another job's {other.operation} came before the commit of the call"
    assert not error, f"{story}, which ended with {class_of(error)}"
    found = of_keys(stored_rows(spark, table), {("Bari", "a"), ("Bari", "b"), ("Cork", "a")})
    expected = items(f"Bari a 1, {last}, Cork a 2")
    try:
        assert_items(found, expected)
    except AssertionError as error:
        raise AssertionError(f"{story}; after the call:\n{error}") from None
    return len(own_commits(log_since(spark, table, start.number)))

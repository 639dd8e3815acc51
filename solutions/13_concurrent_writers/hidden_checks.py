"""Hidden checks of lab 13: other pairs of writers, other conflicts, and random rows."""

import random
from collections import Counter

import pytest
from checks import (
    FAST,
    FIRST_ID,
    INVENTORY,
    ORDERS,
    assert_conflict_raised,
    assert_items,
    assert_no_commit,
    assert_outcome,
    assert_tried_again,
    commits_of_others,
    error_of,
    item,
    items,
    keys,
    line,
    matrix_of,
    of_keys,
    partitioned,
    tried,
)

from labkit.checks import (
    Commit,
    check,
    let_in,
    log_since,
    table_rows,
)

OSLO = items("Oslo z 1")
# With its last row a file goes, and none comes in its place.
ALL_OF_BARI = [("Bari", "a"), ("Bari", "b")]
OSLO_GONE = Commit("DELETE", gone=[("Oslo", "z")])
OTHER_PAIRS = {
    ("append", "optimize"): "ok",
    ("append", "alter"): "MetadataChangedException",
    ("merge", "delete"): "ConcurrentDeleteReadException",
    ("merge", "optimize"): "ConcurrentAppendException",
    ("merge", "alter"): "MetadataChangedException",
    ("merge", "append-only"): "UnsupportedOperationException",
}


@check("conflict_matrix")
def test_other_pairs(learner, spark, frame, shared_schema):
    """measures other pairs of writers as well, one whose table refuses to change a row among them"""
    matrix = matrix_of(learner, spark, frame, shared_schema, [*OTHER_PAIRS])
    for (slow, fast), outcome in OTHER_PAIRS.items():
        assert_outcome(matrix, slow, fast, outcome)
        if outcome != "ok":
            assert_no_commit(matrix, slow, fast)
    assert len(matrix.outcomes) == len(OTHER_PAIRS), (
        f"{len(OTHER_PAIRS)} pairs were given; the answer has {len(matrix.outcomes)} rows"
    )


@check("scoped_merge")
def test_others_delete(learner, spark, frame, shared_schema):
    """is not disturbed by a DELETE and an append of another warehouse"""
    table = f"{shared_schema}.with_deletes"
    before = items("Cork a 1, Cork b 2, O'Hare a 3, O'Hare b 4")
    commits = [
        Commit("WRITE", before),
        Commit("DELETE", gone=[("Cork", "b")]),
        Commit("WRITE", items("Cork c 5")),
    ]
    partitioned(spark, table, commits, held=2, on_write="O%27Hare")
    changes = let_in(frame(INVENTORY, items("O'Hare b 9 30 count, Cork d 9")), table)
    error = error_of(learner.scoped_merge, spark, table, changes, "O'Hare")
    assert not error, "a DELETE of another warehouse, at the same time, made the call fail"
    rows = of_keys(table_rows(spark, table), keys(before))
    assert_items(rows, items("Cork a 1, O'Hare a 3, O'Hare b 9 30 count"))


CONFLICTS_IN_THE_SAME = {
    "ConcurrentDeleteReadException": [Commit("DELETE", gone=ALL_OF_BARI)],
    "ConcurrentAppendException": [Commit("OPTIMIZE"), Commit("MERGE", items("Bari b 8"))],
}


@check("scoped_merge")
def test_others_in_the_same(learner, spark, frame, shared_schema):
    """raises the conflict with a DELETE, an OPTIMIZE and a MERGE in the same warehouse, too"""
    for name, others in CONFLICTS_IN_THE_SAME.items():
        for other in others:
            table = f"{shared_schema}.same_{other.operation.lower()}"
            assert_conflict_raised(learner, spark, frame, table, other, name)


@check("retry")
def test_random_attempts(learner, seed):
    """calls, waits and ends as it should, whatever the attempts come to"""
    rng = random.Random(seed)
    for _ in range(6):
        attempts = rng.choice([1, 2, 4])
        ends = [rng.choice(["again", "again", "never", 7]) for _ in range(5)]
        found = tried(learner, ends, attempts)
        made = ends[:attempts]
        last = next((n for n, end in enumerate(made) if end != "again"), len(made) - 1)
        end, failed = made[last], last + 1
        raised = ["OSError", "ValueError", "StopIteration"][failed % 3 - 1]
        cause = {"again": "OSError: again, attempt 1"}
        cause["never"] = f"{raised}: never, attempt {failed}"
        log = ["called-1"]
        for number in range(1, failed):
            log += [f"waited-{number}", f"called-{number + 1}"]
        story = f"{attempts} attempts are allowed, and they end like this: {ends}"
        assert (found.error, found.log) == (cause.get(end, ""), log), (
            f"{story}; error: {found.error or 'none'}; this happened: {', '.join(found.log)}"
        )
        assert found.value == (7 if end == 7 else None), f"{story}; it returned {found.value!r}"


@check("decrement", points=2)
def test_random_batch(learner, spark, frame, shared_schema, seed):
    """takes a batch off once, whatever others do meanwhile, in four attempts that fail"""
    rng = random.Random(seed)
    table = f"{shared_schema}.random_stock"
    stock = [item(f"{w} s{n} {rng.randrange(20, 60)}") for w in ("Bari", "Cork") for n in range(9)]
    taken = [stock[3][:2] + (stock[3][2] - 11,) + stock[3][3:]]
    commits = [
        Commit("WRITE", stock),
        Commit("WRITE", OSLO),
        Commit("OPTIMIZE"),
        Commit("MERGE", taken),
        FAST["alter"],
        OSLO_GONE,
    ]
    # The first comes when rows are written, and each other one when an attempt reads the orders.
    start = partitioned(spark, table, commits, held=4, on_write="Bari", at=1)
    lines = []
    for _ in range(12):
        row = stock[rng.choice([3, 5, 8, 12])]
        lines.append(line(f"{FIRST_ID} {row[0]} {row[1]} {rng.randrange(1, 9)}"))
    orders = let_in(frame(ORDERS, lines), table)
    error = error_of(learner.decrement, spark, table, orders)
    assert not error, f"the call met commits of others and ended with {error.partition(':')[0]}"
    learner.decrement(spark, table, frame(ORDERS, lines))
    ordered = Counter()
    for _, warehouse, sku, qty in lines:
        ordered[warehouse, sku] += qty
    # The other batch comes only if the orders are read a second time, the DELETE at last.
    log = log_since(spark, table, start.number)
    came, is_gone = (commits_of_others(log, name) > 0 for name in ("MERGE", "DELETE"))
    expected = [
        (*row[:2], max(row[2] - ordered[row[:2]], 0), *row[3:])
        for row in [*stock[:3], *(taken if came else stock[3:4]), *stock[4:]]
    ]
    assert_items(table_rows(spark, table), expected if is_gone else [*expected, *OSLO])


@pytest.fixture(scope="module")
def random_rows(seed):
    """A stock and a queue, and what they come to."""
    rng = random.Random(seed)

    def some(count: int, minutes: range) -> dict:
        rows = {}
        for _ in range(count):
            sku, minute = f"s{rng.randrange(12)}", rng.choice(minutes)
            source = rng.choice(["any", "null"])
            text = f"{rng.choice(['Bari', 'Cork'])} {sku} {rng.randrange(90)} {minute} {source}"
            rows[(*text.split()[:2], minute)] = item(text)
        return rows

    stock = {row[:2]: row for row in some(14, range(0, 60, 2)).values()}
    queue = [*some(30, range(1, 60, 2)).values()]
    right = dict(stock)
    for row in queue:
        known = right.get(row[:2])
        if known is None or row[3] > known[3]:
            right[row[:2]] = row
    return [*stock.values()], [*queue, *queue[:5]], [*right.values()]


@check("single_writer")
def test_random_queue(learner, spark, frame, shared_schema, random_rows):
    """brings each key of many to its newest row"""
    stock, queue, right = random_rows
    table, view = f"{shared_schema}.random_merged", f"{shared_schema}_random_queue"
    partitioned(spark, table, [Commit("WRITE", stock)])
    frame(INVENTORY, queue).createOrReplaceGlobalTempView(view)
    try:
        learner.single_writer(spark, table, f"global_temp.{view}")
    finally:
        spark.catalog.dropGlobalTempView(view)
    assert_items(table_rows(spark, table), right)


@check("single_writer")
def test_other_conflicts(learner, spark, frame, shared_schema):
    """tries again after a DELETE and after a new property, too"""
    for name, other in {"job_deletes": OSLO_GONE, "job_alters": FAST["alter"]}.items():
        assert_tried_again(learner, spark, frame, f"{shared_schema}.with_{name}", other)


@check("single_writer")
def test_nothing_newer_any_more(learner, spark, frame, shared_schema):
    """makes no version if others wrote a newer row of the key before the second attempt"""
    table, newer = f"{shared_schema}.with_newer", "Bari b 5 40 correction"
    other = Commit("MERGE", items(newer))
    count = assert_tried_again(learner, spark, frame, table, other, newer)
    assert count == 0, (
        "the queue had one row, and another job wrote a newer one of its key before the commit of "
        f"the call. Versions that the call made after that: {count}"
    )

"""Hidden checks of lab 09: the same rules on random pasts, against models in plain Python."""

import random

import pytest
from checks import DAMAGE, ORDERS, PLAN, SUSPECTS, differences, expected_versions, order

from labkit.checks import (
    Commit,
    add_stray_file,
    assert_frame,
    assert_rows,
    check,
    collect,
    stored_files,
    table_rows,
    write_commits,
)

STATUSES = ["open", "paid", "-"]
KINDS = ["WRITE", "MERGE", "UPDATE", "DELETE", "OPTIMIZE"]
# Versions 9 and 11 are bad; the good ones between and after them change something in any case.
LAST = {8: "MERGE", 9: "WRITE", 10: "DELETE", 11: "MERGE"}


def some_order(rng: random.Random, order_id: int) -> tuple:
    price = rng.choice(["4.00", "8.00", "-"])
    return order(f"{order_id}:{rng.choice(STATUSES)}:{price}")


def random_past(rng: random.Random, count: int) -> tuple[list[Commit], list[dict[int, tuple]]]:
    """Commits on some sixty orders, and the orders of each version from 0 on."""
    rows: dict[int, tuple] = {}
    commits, versions = [], [rows]
    for number in range(count):
        known, new = sorted(rows), [100 * (number + 1) + n for n in range(rng.choice([2, 9]))]
        kind = rng.choice(KINDS) if number else "WRITE"
        kind = LAST.get(number, kind)
        some = rng.sample(known, min(len(known), rng.choice([1, 2, 5])))
        gone = some[:2] if kind in ("MERGE", "DELETE") else []
        put = {
            "WRITE": new,
            "MERGE": [*new, *some[2:]],
            "UPDATE": some,
        }.get(kind, [])
        commit = Commit(kind, [some_order(rng, order_id) for order_id in put], gone=gone)
        rows = {key: row for key, row in rows.items() if key not in gone}
        rows |= {row[0]: row for row in commit.rows}
        commits.append(commit)
        versions.append(rows)
    return commits, versions


@pytest.fixture(scope="module")
def past(spark, shared_schema, seed):
    """A table, and what its versions hold."""
    commits, versions = random_past(random.Random(seed), 12)
    table = f"{shared_schema}.random_past"
    write_commits(spark, table, ORDERS, commits)
    return table, commits, versions


@check("suspect_versions")
def test_random_versions(learner, spark, past):
    """counts the rows of each of many commits, and suspects the right ones"""
    table, commits, versions = past
    told = []
    for commit, before, after in zip(commits, versions, versions[1:], strict=False):
        written = len(commit.rows)
        removed = len(before) + written - len(after)
        reason = "shrank" if len(after) < len(before) else None
        reason = reason or ("rewrote" if removed * 5 > len(before) else None)
        told.append((commit, written, removed, len(after), reason))
    assert_frame(
        learner.suspect_versions(spark, table),
        expected_versions(told),
        key="version",
        schema=SUSPECTS,
    )


@check("damage")
def test_random_versions_compared(learner, spark, past):
    """finds what differs between two versions that are many commits apart"""
    table, _, versions = past
    expected = differences([*versions[3].values()], [*versions[11].values()])
    answer = learner.damage(spark, table, 3, 11)
    assert_frame(answer, expected, key="order_id", schema=DAMAGE)


@check("recover")
def test_random_recovery(learner, spark, past):
    """gives every order the row that the last good version left it with"""
    table, _, versions = past
    good, bad = 8, [11, 9]
    right = dict(versions[good])
    for number in range(good + 1, len(versions)):
        before, after = versions[number - 1], versions[number]
        if number not in bad:
            for key in before.keys() | after.keys():
                if before.get(key) != after.get(key):
                    right.pop(key, None)
                    right |= {key: after[key]} if key in after else {}
    learner.recover(spark, table, good, bad)
    found = table_rows(spark, table)
    assert_rows(found, right.values(), key="order_id", columns=ORDERS)


@check("reclaim")
def test_a_short_past(learner, spark, shared_schema):
    """plans a table that keeps three days, and that no clone reads"""
    table = f"{shared_schema}.short_past"
    commits = [
        Commit("WRITE", [order("1")], days_ago=6),
        Commit("WRITE", [order("2"), order("3")], days_ago=5),
        Commit("UPDATE", [order("1:paid")], days_ago=4),
        Commit("DELETE", gone=[2], days_ago=2),
    ]
    first, second, third, fourth = write_commits(spark, table, ORDERS, commits)
    add_stray_file(spark, table, "a.parquet", days_ago=4, size=10)
    add_stray_file(spark, table, "b.parquet", days_ago=1, size=20)
    size = {path: file.bytes for path, file in stored_files(spark, table).items()}
    expected = [
        (first, size[first], True, "tombstone"),
        (second, size[second], False, "tombstone"),
        (third, size[third], False, "live"),
        (fourth, size[fourth], False, "live"),
        ("a.parquet", 10, True, "orphan"),
        ("b.parquet", 20, False, "in_flight"),
    ]
    assert_rows(collect(learner.reclaim(spark, table, 3)), expected, key="path", columns=PLAN)
    left = stored_files(spark, table).keys()
    assert left == {second, third, fourth, "b.parquet"}, (
        f"files that may go and are there: {len(left & {first, 'a.parquet'})}; "
        f"files that may not go and are gone: {4 - len(left - {first, 'a.parquet'})}"
    )

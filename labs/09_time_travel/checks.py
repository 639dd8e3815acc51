"""Checks of lab 09: pasts that are written by hand, so that a version costs no Spark job."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import pytest
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from labkit.checks import (
    Case,
    Commit,
    add_stray_file,
    assert_columns,
    assert_frame,
    assert_rows,
    cases,
    changes_since,
    check,
    collect,
    log_since,
    stored_files,
    stored_rows,
    stories,
    table_files,
    table_version,
    write_clone,
    write_commits,
    write_restore,
)

HINTS = {
    "suspect_versions": [
        "Look at `operationMetrics` of a MERGE: which of its numbers count rows that were only "
        "copied?",
        "The metrics are a map of strings. A name that the map doesn't have gives null, and null "
        "plus anything is null.",
        "`live_rows` needs no read of any version: what was written and removed so far adds up.",
    ],
    "damage": [
        "The option `versionAsOf` reads a version. Which join keeps orders that only one side has?",
        "Compare whole rows, with the equality that is never null: `eqNullSafe`, in SQL `<=>`.",
        "A struct built from null columns is not null. Build both structs before the join.",
    ],
    "recover": [
        "Task 2, called with each version and the one before it, says which version changed which "
        "order.",
        "For each order you need three rows: as it was in `good`, as the last good version left "
        "it, and as it is now. `min_by` and `max_by` find them; a row may be null.",
        "Nothing to repair? Then make no version. Nothing good to keep? Then the old files will "
        "do. Else one MERGE can update, insert and delete.",
    ],
    "replay_after": [
        "Append under the old name and number, and count the rows. What did RESTORE not take back?",
        "A greater number under the old name gets the rows in. What will the loader's next append "
        "find?",
        "Orders have a key. What of a MERGE do you need if existing rows stay as they are?",
    ],
    "reclaim": [
        "List the folder, list what the log removed and when, list what this table and the others "
        "read (`inputFiles`). Then it is one chain of `when`.",
        "Two clocks: a tombstone ages from the time in the log's `remove` action, an orphan from "
        "the file's own time.",
        "A DataFrame is read when somebody asks for it. What will the plan say after the deletion?",
        "VACUUM alone doesn't know clones. `VACUUM ... USING INVENTORY (query)` looks at no other "
        "files than the query returns.",
    ],
}

ORDERS = "order_id long, customer_id long, status string, price decimal(10,2), updated_at timestamp"
DAMAGE = f"order_id long, before struct<{ORDERS}>, after struct<{ORDERS}>, kind string"
SUSPECTS = (
    "version long, operation string, rows_written long, rows_removed long, live_rows long, "
    "suspicious boolean, reason string"
)
PLAN = "path string, bytes long, deletable boolean, reason string"

pytestmark = pytest.mark.usefixtures("quick")


def order(text: str) -> tuple:
    """An order in short: "7" or "7:paid:9.50"; `-` is null, and "7:-:-" has its key alone.

    "7:paid:9.50:1" was updated a microsecond later.
    """
    order_id, *more = text.split(":")
    status, price, later = [*more, *["open", "5.00", "0"][len(more) :]]
    bare = status == price == "-"
    return (
        int(order_id),
        None if bare else 100 + int(order_id) % 7,
        None if status == "-" else status,
        None if price == "-" else Decimal(price),
        None if bare else datetime(2025, 5, 1, 9, int(order_id) % 60, 0, int(later)),
    )


def orders_in(text: str) -> list[tuple]:
    return [order(one) for one in text.split()]


def assert_orders(found, expected, numbers=None) -> None:
    """These orders are there, and nothing else of the orders asked for."""
    asked = [row for row in found if numbers is None or row.order_id in numbers]
    assert_rows(asked, expected, key="order_id", columns=ORDERS)


def many(first: int, count: int, status: str = "open") -> list[tuple]:
    return [order(f"{number}:{status}") for number in range(first, first + count)]


# ------------------------------------------------------------------------------ suspect_versions

# Each commit, and what the result says of it: written, removed, live and the reason.
PAST = [
    (Commit("WRITE", many(1, 10)), 10, 0, 10, None),
    (Commit("WRITE", many(11, 10)), 10, 0, 20, None),
    (Commit("UPDATE", many(1, 4, "paid")), 4, 4, 20, None),
    (Commit("UPDATE", many(8, 5, "paid")), 5, 5, 20, "rewrote"),
    (Commit("OPTIMIZE"), 0, 0, 20, None),
    (Commit("MERGE", [*many(1, 2, "sent"), *many(21, 5)], gone=[3]), 7, 3, 24, None),
    (Commit("MERGE", [*many(2, 1, "sent"), *many(26, 6)], gone=[5, 6, 7, 8]), 7, 5, 26, "rewrote"),
    (Commit("DELETE", gone=[31]), 0, 1, 25, "shrank"),
    (Commit("MERGE", gone=[10, 11, 12, 13, 14, 15]), 0, 6, 19, "shrank"),
    (Commit("WRITE", many(50, 1)), 1, 0, 20, None),
    (Commit("MERGE", [*many(16, 5, "sent"), *many(60, 30)]), 35, 5, 50, "rewrote"),
]


def expected_versions(past) -> list[tuple]:
    """What `suspect_versions` says of a table with these commits."""
    found = [(0, "CREATE TABLE", 0, 0, 0, False, None)]
    for version, (commit, written, removed, live, reason) in enumerate(past, 1):
        counts = (version, commit.operation, written, removed, live)
        found.append((*counts, reason is not None, reason))
    return found


LOOKED_AT = [
    Case(
        "first", "Says of version 0 that it did nothing, and that it is not suspicious", after=[0]
    ),
    Case("appends", "Counts the rows of an append", after=[1, 2, 10]),
    Case("updates", "Counts an updated row as written and as removed", after=[3]),
    Case(
        "merges", "Counts what a MERGE inserted, updated and deleted, not what it copied", after=[6]
    ),
    Case("optimize", "Says of an OPTIMIZE that it wrote and removed no row", after=[5]),
    Case("shrank", "Suspects a version that has fewer rows than the one before", after=[8]),
    Case(
        "rewrote",
        "Suspects a commit that removed more than 20 % of the rows before it",
        after=[4, 7, 11],
        points=2,
    ),
    Case("both", "Gives a version that fits both rules the reason `shrank`", after=[9]),
]


@pytest.fixture(scope="module")
def suspects(learner, spark, shared_schema):
    """What is said of the versions of one table."""
    table = f"{shared_schema}.looked_at"
    write_commits(spark, table, ORDERS, [commit for commit, *_ in PAST])
    answer = learner.suspect_versions(spark, table)
    assert_columns(answer, SUSPECTS)
    return collect(answer)


@check("suspect_versions")
@cases(LOOKED_AT)
def test_versions(suspects, case):
    """{case}"""
    found = [row for row in suspects if row.version in case.after]
    expected = [row for row in expected_versions(PAST) if row[0] in case.after]
    assert_rows(found, expected, key="version", columns=SUSPECTS)


@check("suspect_versions")
def test_all_versions(suspects):
    """Has one row for each version"""
    found = sorted(row.version for row in suspects)
    assert found == list(range(len(PAST) + 1)), (
        f"the table has the versions 0 to {len(PAST)}; there are rows for {found}"
    )


# ---------------------------------------------------------------------------------------- damage

DAMAGED = stories(
    """
changed: Finds an order with another value in any column
1, 2:open:7.00, 3, 4 | 1:paid, 2:open:7.01, 3:open:5.01, 4:open:5.00:1

nulls: Takes null for a value: null to null is no change, null to a value and back are changes
10:-, 11:open:-, 12:open:9.00, 13:open:-, 14:-, 15
| 10:, 11:open:0.00, 12:open:-, 13:open:-, 14:open, 15:-

bare: Finds an order whose other columns are all null, changed or lost or invented
16:-:-, 17, 18:-:-, 19:-:- | 16, 17:-:-, 19:-:-, 20:-:-

lost: Finds an order that only `good` has; its `after` is null
21, 22:paid:- |

invented: Finds an order that only `bad` has; its `before` is null
| 31, 32:paid:-

equal: Has no row for an order that is the same in both, although its file was written anew
41, 42:open:-, 43:-:- | 41, 42:open:-, 43:-:-

between: Does not look at what was done between the two versions and undone
51, 53 | 51, 53

later: Does not look at what was done after them
55, 56, 58 | 55:paid, 56, 58
""",
    before=order,
    after=order,
)


# What only a version between the two, or after them, has.
ELSEWHERE = {"between": {52}, "later": {57}}


def keys(rows) -> set[int]:
    return {row[0] for row in rows}


def differences(before: list[tuple], after: list[tuple], key: int = 0) -> list[tuple]:
    """What `damage` says of the orders of two versions."""
    old, new = ({row[key]: row for row in rows} for rows in (before, after))
    kinds = {(True, False): "lost", (False, True): "invented", (True, True): "changed"}
    return [
        (order_id, old.get(order_id), new.get(order_id), kinds[order_id in old, order_id in new])
        for order_id in sorted(old.keys() | new.keys())
        if old.get(order_id) != new.get(order_id)
    ]


@pytest.fixture(scope="module")
def damaged(spark, shared_schema):
    """A table whose versions 1 and 4 hold the orders of all cases, before and after."""
    before = [row for case in DAMAGED for row in case.before]
    after = [row for case in DAMAGED for row in case.after]
    commits = [
        Commit("WRITE", before),
        Commit("MERGE", orders_in("51:paid 52"), gone=[53]),
        Commit("MERGE", after, gone={*keys(before), 52} - keys(after)),
        Commit("OPTIMIZE"),
        Commit("MERGE", orders_in("55 56:paid 57"), gone=[58]),
    ]
    table = f"{shared_schema}.damaged"
    write_commits(spark, table, ORDERS, commits)
    return table


@pytest.fixture(scope="module")
def compared(learner, spark, damaged):
    """The rows of the answer, and how many versions the table got meanwhile."""
    start = table_version(spark, damaged)
    answer = learner.damage(spark, damaged, 1, 4)
    assert_columns(answer, DAMAGE)
    found = collect(answer)
    return found, changes_since(spark, damaged, start).versions


@check("damage")
@cases(DAMAGED)
def test_orders_that_differ(compared, case):
    """{case}"""
    mine = keys([*case.before, *case.after]) | ELSEWHERE.get(case.name, set())
    found = [row for row in compared[0] if row.order_id in mine]
    assert_rows(found, differences(case.before, case.after), key="order_id", columns=DAMAGE)


PARCELS = "depot string, order_id long, labels array<string>"
AT_FIRST = [("Bari", 1, ["a"]), ("Bari", 2, ["a", None]), ("Cork", 3, None), (None, 4, [])]
AT_LAST = [("Bari", 1, ["a"]), ("Bari", 2, ["a", "b"]), ("Cork", 3, []), ("Oslo", 5, ["a"])]


@check("damage")
def test_other_columns_and_direction(learner, spark, shared_schema):
    """Compares a table with other columns, also where `bad` is older than `good`"""
    table = f"{shared_schema}.parcels"
    past = [Commit("WRITE", AT_FIRST), Commit("MERGE", AT_LAST, gone=[4])]
    write_commits(spark, table, PARCELS, past, key="order_id")
    row = f"struct<{PARCELS}>"
    assert_frame(
        learner.damage(spark, table, 2, 1),
        differences(AT_LAST, AT_FIRST, key=1),
        key="order_id",
        schema=f"order_id long, before {row}, after {row}, kind string",
    )


@check("damage")
def test_damage_only_reads(compared):
    """Makes no version of the table"""
    assert compared[1] == 0, f"versions that the call added to the table: {compared[1]}"


# --------------------------------------------------------------------------------------- recover

# The orders in `good`, what later commits did to some, and the orders after the repair. b1 and b2
# are bad commits, g1 to g3 good ones; in time they are b1, g1, g2, b2, g3. "b1 -4" deletes order 4.
MENDED = stories(
    """
changed: Sets back orders that a bad version changed, nulls included
1, 2:open:-, 3:paid:9.00 | b1 1:open:10.00, b1 2:open:5.00, b2 3:paid:- | 1, 2:open:-, 3:paid:9.00

lost: Brings back orders that a bad version deleted, null or not
4, 5:-:- | b1 -4, b2 -5 | 4, 5:-:-

invented: Takes out orders that a bad version inserted
| b1 6, b2 7 |

both_bad: Sets back an order that both bad versions changed, and leaves one that is right again
8, 9 | b1 8:open:10.00, b2 8:open:20.00, b1 9:open:10.00, b2 9 | 8, 9

untouched: Leaves orders alone that no version changed
10, 11:open:-, 12:-:- | | 10, 11:open:-, 12:-:-

good_after_bad: Keeps the whole row of an order that a good version changed after a bad one
13, 14 | b1 13:open:10.00, g1 13:paid:10.00, b1 -14, g1 14:paid | 13:paid:10.00, 14:paid

new_orders: Keeps orders that good versions inserted
| g1 15, g3 16, g3 17:-:- | 15, 16, 17:-:-

good_at_last: Keeps the row of an order that the newest version changed after a bad one
25, 26 | b2 25:open:10.00, g3 25:paid:10.00, b2 -26, g3 26:paid | 25:paid:10.00, 26:paid

last_of_two: Keeps what the last of two good versions made of an order
27, 28 | b1 27:open:10.00, g1 27:paid:6.00, g3 27:sent:7.00, g1 28:paid, b2 28:void, g3 28:sent
| 27:sent:7.00, 28:sent

whole_row: Sets back all columns of an order
29, 30:paid:8.00 | b1 29:void:10.00, b2 30:-:- | 29, 30:paid:8.00

good_then_bad: Gives an order that a bad version changed again the row of the good version between
18, 19 | g1 18:paid, b2 18:paid:10.00, g1 19:paid, b2 -19, g1 20, b2 20:open:10.00
| 18:paid, 19:paid, 20

deleted: Leaves orders deleted that a good version deleted, also after or before a bad one
21, 22, 23, 31 | g1 -21, b1 22:open:10.00, g1 -22, g1 -23, b2 23, g1 31:paid, g2 -31 |

and_back: Takes an order for changed that a good version changed and the next one changed back
32, 33 | b1 32:open:10.00, g1 32:paid:10.00, g2 32:open:10.00, g1 33:paid, g2 33, b2 -33
| 32:open:10.00, 33

rewritten: Sets back an order that a good MERGE only wrote again as it was, so that nothing changed
24 | b1 24:open:10.00, g1 24:open:10.00 | 24
""",
    before=order,
    given=str,
    after=order,
)


def commit_of(name: str) -> Commit:
    """What the cases let a commit do."""
    steps = [step.split() for case in MENDED for step in case.given]
    mine = [what for who, what in steps if who == name]
    put = [order(what) for what in mine if what[0] != "-"]
    return Commit("MERGE", put, gone=[int(what[1:]) for what in mine if what[0] == "-"])


@pytest.fixture(scope="module")
def recover(learner, spark):
    """Calls the task's function, and says what the table's log got by it."""

    def call(table, good, bad):
        start = table_version(spark, table)
        learner.recover(spark, table, good, bad)
        return changes_since(spark, table, start)

    return call


@pytest.fixture(scope="module")
def mended(recover, spark, shared_schema):
    """What a call committed, and the orders then: good versions were after and between the bad."""
    before = [row for case in MENDED for row in case.before]
    table = f"{shared_schema}.mended"
    good = [Commit("WRITE", before[::2]), Commit("WRITE", before[1::2])]
    later = [commit_of(name) for name in ("b1", "g1", "g2", "b2", "g3")]
    write_commits(spark, table, ORDERS, [*good, *later])
    return recover(table, 2, [6, 3]), stored_rows(spark, table)


@pytest.fixture(scope="module")
def restored(recover, spark, shared_schema):
    """A table, its files, and what a call committed: no good version had changed an order."""
    table = f"{shared_schema}.restored"
    commits = [
        Commit("WRITE", orders_in("1 2:open:- 3 4 5")),
        Commit("MERGE", orders_in("1:open:10.00 2:open:7.00 4:open:10.00 6"), gone=[3]),
        Commit("OPTIMIZE"),
        Commit("MERGE", orders_in("5")),  # as it was
    ]
    files = write_commits(spark, table, ORDERS, commits)
    return table, files, recover(table, 1, [2])


@check("recover")
@cases(MENDED)
def test_orders_after_the_repair(mended, case):
    """{case}"""
    mine = keys([*case.before, *case.after]) | {
        abs(int(step.split()[1].split(":")[0])) for step in case.given
    }
    assert_orders(mended[1], case.after, mine)


@check("recover")
def test_orders_after_the_restore(spark, restored):
    """Brings back version `good` when no good version changed an order"""
    table, files, _ = restored
    if table_files(spark, table) != {files[0]: 5}:  # other files, which may hold the same orders
        assert_orders(stored_rows(spark, table), orders_in("1 2:open:- 3 4 5"))


@check("recover")
def test_old_files_come_back(restored):
    """Writes no data file when no good version changed an order"""
    _, files, changes = restored
    written = changes.added - set(files)
    assert not written, (
        "no good version changed an order, and the files of version 1 are still in the folder; "
        f"the call wrote data files all the same ({len(written)}), by "
        f"{', '.join(changes.operations)}"
    )


@check("recover")
def test_recovers_in_one_version(mended, restored):
    """Makes one new version"""
    for changes, what in (
        (mended[0], "where good versions changed orders"),
        (restored[2], "where no good version changed an order"),
    ):
        assert changes.versions == 1, (
            f"{what}, the call made {changes.versions} new "
            f"versions, not one: {', '.join(changes.operations) or 'none'}"
        )


@check("recover")
def test_second_recovery_makes_no_version(recover, spark, restored, shared_schema):
    """Makes no version when every order is right already, as in a second call"""
    merged, undone = f"{shared_schema}.merged", f"{shared_schema}.undone"
    before, damaged = orders_in("1 2:open:- 3"), orders_in("1:open:10.00 2:open:7.00 4")
    bad = [Commit("WRITE", before), Commit("MERGE", damaged, gone=[3])]
    back = Commit("MERGE", [*before, *orders_in("5")], gone=[4])
    write_commits(spark, merged, ORDERS, [*bad, back])
    write_commits(spark, undone, ORDERS, [*bad, replace(back, rows=before)])
    for table, versions, what in (
        (restored[0], [2], "a call had recovered the table; the same call again"),
        (merged, [2], "a good MERGE had set the orders back, and inserted one; the call"),
        (undone, [2, 3], "the second of two bad versions had set the orders back; the call"),
    ):
        changes = recover(table, 1, versions)
        assert changes.versions == 0, (
            f"{what} made new versions all the same: {', '.join(changes.operations)}"
        )


# ---------------------------------------------------------------------------------- replay_after

# The loader's batches by number. Version 4 has the first two; it changed orders 4 and 5.
BATCHES = {
    1: orders_in("1 2 3"),
    2: orders_in("4 5:open:-:7"),
    3: orders_in("6 7:-:-"),
    4: [],
    5: orders_in("8:paid:- 9"),
    6: orders_in("10"),
}
KEPT = orders_in("1 2 3 4:paid 5:void 90 91:-:-")
LOST = [*BATCHES[3], *BATCHES[5], *BATCHES[6]]
# After the first RESTORE somebody typed one lost order in again.
TYPED = orders_in("6:sent:4.00")
GIVEN = [5, 3, 4, 2, 6]  # batch 2 is in the table still, batch 4 has no rows


def loaded(number: int) -> Commit:
    return Commit("WRITE", BATCHES[number], txn=("loader", number))


@pytest.fixture(scope="module")
def replay(learner, spark, frame, shared_schema):
    """Calls the task's function with the loader's batches of these numbers; the orders then."""
    table = f"{shared_schema}.replayed"

    def call(numbers):
        batches = [(number, frame(ORDERS, BATCHES[number])) for number in numbers]
        learner.replay_after(spark, table, batches)
        return stored_rows(spark, table)

    return call


@pytest.fixture(scope="module")
def replayed(replay, spark, shared_schema):
    """The orders after a call; before it a RESTORE took batches 3 to 6 away."""
    others = Commit("WRITE", orders_in("90 91:-:-"))
    changed = Commit("UPDATE", orders_in("4:paid 5:void"))
    before = [others, loaded(1), loaded(2), changed]
    lost = [*map(loaded, (3, 4, 5, 6)), Commit("RESTORE", to=4), Commit("WRITE", TYPED)]
    write_commits(spark, f"{shared_schema}.replayed", ORDERS, [*before, *lost])
    return replay(GIVEN)


@check("replay_after", points=2)
def test_lost_batches_come_back(replayed):
    """Brings back the orders of lost batches, in whatever order these are given"""
    lost = [row for row in LOST if row[0] not in keys(TYPED)]
    assert_orders(replayed, lost, keys(lost))


@check("replay_after")
def test_orders_that_are_there_stay(replayed):
    """Leaves orders that are in the table as they are, whatever a batch says of them"""
    assert_orders(replayed, [*orders_in("4:paid 5:void"), *TYPED], {4, 5, 6})


@check("replay_after")
def test_other_rows_stay(replayed):
    """Leaves all other rows as they are"""
    others = keys(KEPT) - {4, 5}
    assert_orders(replayed, [row for row in KEPT if row[0] in others], others)


@pytest.fixture(scope="module")
def replayed_again(replay, replayed):
    """The orders after a second call, with the batches the other way round."""
    return replay(GIVEN[::-1])


@check("replay_after")
def test_second_replay_changes_nothing(replayed, replayed_again):
    """Changes no row when it is called again"""
    assert_orders(replayed_again, replayed)


@check("replay_after")
def test_no_batches(replay, replayed_again):
    """Takes an empty list, and changes nothing"""
    assert_orders(replay([]), replayed_again)


@pytest.fixture(scope="module")
def after_another_restore(replay, spark, replayed_again, shared_schema):
    """The orders after a second RESTORE and one more call."""
    write_restore(spark, f"{shared_schema}.replayed", 4)
    return replay(GIVEN)


@check("replay_after", points=2)
def test_another_restore(after_another_restore):
    """Brings the batches back once more after another RESTORE"""
    assert_orders(after_another_restore, [*KEPT, *LOST])


@check("replay_after", points=2)
def test_loader_goes_on(spark, frame, after_another_restore, shared_schema):
    """Leaves the loader its numbers: its next append is written"""
    table = f"{shared_schema}.replayed"
    start = table_version(spark, table)
    writer = frame(ORDERS, orders_in("12")).coalesce(1).write.format("delta").mode("append")
    writer.option("txnAppId", "loader").option("txnVersion", 7).saveAsTable(table)
    assert changes_since(spark, table, start).added, (
        "after the replay the loader appended its batch 7, with txnAppId `loader` and txnVersion "
        "7; Delta wrote nothing and raised nothing, as if it had that batch already"
    )


# --------------------------------------------------------------------------------------- reclaim

KEEP_DAYS = 40
# What may just go, or not yet: two hours more than the days to keep, or less.
OVER, UNDER = KEEP_DAYS + 1 / 12, KEEP_DAYS - 1 / 12
OVER_TOLD, UNDER_TOLD = "40 days and 2 hours ago", "39 days and 22 hours ago"
KEPT_LONG = {
    "delta.logRetentionDuration": "interval 400 days",
    "delta.deletedFileRetentionDuration": "interval 400 days",
}
# Each commit, and what the case below calls the file that it adds.
FILES = [
    ("live_old", Commit("WRITE", orders_in("1"), days_ago=95)),
    ("gone_long", Commit("WRITE", orders_in("2 3"), days_ago=90)),
    ("cloned", Commit("WRITE", orders_in("6 7"), days_ago=85)),
    ("cloned_young", Commit("WRITE", orders_in("10"), days_ago=84)),
    ("live_cloned", Commit("WRITE", orders_in("8"), days_ago=83)),
    ("left_by_clone", Commit("WRITE", orders_in("14"), days_ago=82)),
    ("gone_long_too", Commit("DELETE", gone=[2], days_ago=70)),
    ("", Commit("DELETE", gone=[3], days_ago=66)),
    ("gone_lately", Commit("WRITE", orders_in("4 5"), days_ago=64)),
    ("gone_twice", Commit("WRITE", orders_in("12"), days_ago=63)),
    ("live_restored", Commit("WRITE", orders_in("13"), days_ago=62)),
    ("", Commit("DELETE", gone=[12, 13], days_ago=61)),
    ("", Commit("RESTORE", to=11, days_ago=60)),
    ("live", Commit("MERGE", orders_in("6:paid"), gone=[14], days_ago=OVER)),
    ("live_too", Commit("MERGE", gone=[4, 10, 12], days_ago=UNDER)),
    ("live_new", Commit("WRITE", orders_in("9"), days_ago=10)),
]
# The clones: the version that each is of, and which of its files it has left since.
CLONES = {
    "_test": (8, ["left_by_clone", "cloned"]),
    "_trial": (4, ["live_old", "gone_long", "cloned_young"]),
}
STRAYS = {
    "orphan": ("part-00007-crashed.parquet", 80),
    "orphan_since_today": ("part-00009-crashed.parquet", OVER),
    "in_flight": ("part-00008-now.parquet", 2),
    "in_flight_for_long": ("part-00010-now.parquet", UNDER),
}
# The files of each case, the reason that the plan has for them, and whether they go.
PLANNED = stories(
    """
live: Keeps live files, however old, cloned or not
live_old, live_cloned, live, live_too, live_new | live

restored: Keeps a live file that was removed once and came back by a RESTORE
live_restored | live

came_back: Counts from the last removal of a file that a RESTORE had brought back
gone_twice | tombstone

gone_long: Lets files go that a commit removed before the days to keep
gone_long, gone_long_too | tombstone, goes

left_by_clone: Lets a file go that only older versions of a clone have
left_by_clone | tombstone, goes

gone_lately: Keeps a file that was removed within the days to keep, however old it is
gone_lately | tombstone

orphan: Lets an old file go that no commit names
orphan, orphan_since_today | orphan, goes

in_flight: Keeps a young file that no commit names
in_flight, in_flight_for_long | in_flight

cloned: Keeps files that a shallow clone reads, whenever they were removed
cloned, cloned_young | cloned
""",
    given=str,
    after=str,
)
PLANNED = [
    replace(case, points=2) if case.name in ("gone_lately", "in_flight", "cloned") else case
    for case in PLANNED
]
EXPECTED = {name: (case.after[0], "goes" in case.after) for case in PLANNED for name in case.given}


@dataclass(frozen=True)
class Cleanup:
    """A table's folder before and after a call, and the plan that came back."""

    plan: list
    paths: dict[str, str]  # by the names of the cases
    before: dict
    after: dict
    operations: tuple[str, ...]


@pytest.fixture(scope="module")
def folder(spark, shared_schema):
    """The table, its clones and another table; and the path of each file by its name."""
    table = f"{shared_schema}.bills"
    commits = [commit for _, commit in FILES]
    added = write_commits(spark, table, ORDERS, commits, KEPT_LONG)
    paths = {name: path for (name, _), path in zip(FILES, added, strict=True) if name}
    for name, (path, days_ago) in STRAYS.items():
        paths[name] = path
        add_stray_file(spark, table, path, days_ago=days_ago)
    add_stray_file(spark, table, "_metadata", days_ago=80)
    for clone, (version, left) in CLONES.items():
        without = [paths[name] for name in left]
        write_clone(spark, table, table + clone, version=version, without=without)
    spark.sql(f"CREATE TABLE {shared_schema}.rates (day date, rate double) USING parquet")
    return table, paths


@pytest.fixture(scope="module")
def cleanup(learner, spark, folder):
    """What one call did."""
    table, paths = folder
    start, before = table_version(spark, table), stored_files(spark, table)
    answer = learner.reclaim(spark, table, KEEP_DAYS)
    assert_columns(answer, PLAN)
    plan = collect(answer)
    operations = changes_since(spark, table, start).operations
    return Cleanup(plan, paths, before, stored_files(spark, table), operations)


@check("reclaim")
@cases(PLANNED)
def test_plan(cleanup, case):
    """{case}"""
    expected = [
        (cleanup.paths[name], cleanup.before[cleanup.paths[name]].bytes, *EXPECTED[name][::-1])
        for name in case.given
    ]
    mine = {row[0] for row in expected}
    found = [row for row in cleanup.plan if row.path in mine]
    assert_rows(found, expected, key="path", columns=PLAN)


@check("reclaim")
def test_plan_has_all_files(cleanup):
    """Plans each data file of the folder once, also those that were then deleted"""
    found = sorted(row.path for row in cleanup.plan)
    lost = sorted(cleanup.before.keys() - set(found))
    more = sorted(set(found) - cleanup.before.keys())
    assert not lost and not more and len(set(found)) == len(found), (
        f"the folder had {len(cleanup.before)} data files before the call, the plan has "
        f"{len(found)} rows; files without a row: {', '.join(lost) or 'none'}; rows that are no "
        f"data file of the folder: {', '.join(more[:3]) or 'none'}"
    )


@check("reclaim", points=2)
def test_deletable_files_are_gone(cleanup):
    """Deletes the files that may go"""
    left = [n for n, (_, goes) in EXPECTED.items() if goes and cleanup.paths[n] in cleanup.after]
    assert not left, f"still in the folder after the call: {', '.join(map(told_of, left))}"


@check("reclaim", points=2)
def test_other_files_are_there(cleanup):
    """Deletes no other file"""
    there = {name for name, path in cleanup.paths.items() if path in cleanup.after}
    lost = [name for name, (_, goes) in EXPECTED.items() if not goes and name not in there]
    assert not lost, f"no longer in the folder after the call: {', '.join(map(told_of, lost))}"


def told_of(name: str) -> str:
    """What a reason says of a file."""
    return {
        "gone_long": "a file that a commit removed 70 days ago",
        "gone_long_too": "a file that a commit removed 66 days ago",
        "left_by_clone": f"a file that a commit removed {OVER_TOLD}",
        "gone_lately": f"a file that a commit removed {UNDER_TOLD}",
        "gone_twice": f"a file that a commit removed {UNDER_TOLD}",
        "orphan": "a file of no commit, 80 days old",
        "orphan_since_today": "a file of no commit, last written " + OVER_TOLD,
        "in_flight_for_long": "a file of no commit, last written " + UNDER_TOLD,
        "in_flight": "a file of no commit, 2 days old, which a writer may be about to commit",
        "cloned": f"a file that a shallow clone reads, removed {OVER_TOLD}",
        "cloned_young": f"a file that a shallow clone reads, removed {UNDER_TOLD}",
    }.get(name, "a live file")


@check("reclaim", points=2)
def test_clone_and_kept_versions_are_read(spark, folder, cleanup):
    """Leaves the clones, and every version of the days to keep, as they were: row by row"""
    table, _ = folder
    # A count would be answered from the log, also when the files are gone.
    reads = {
        "a shallow clone": (lambda: spark.table(f"{table}_test"), "1 8 10"),
        "another shallow clone": (lambda: spark.table(f"{table}_trial"), "6 7"),
        f"the version of {UNDER_TOLD}": (
            lambda: spark.read.option("versionAsOf", len(FILES) - 1).table(table),
            "1 5 6:paid 7 8 13",
        ),
        "the newest version": (lambda: spark.table(table), "1 5 6:paid 7 8 9 13"),
    }
    for what, (read, expected) in reads.items():
        try:
            found = read().collect()
        except (PySparkException, Py4JError):
            raise AssertionError(
                f"rows of {what} can't be read after the call: a file that it needs is gone. A "
                "count alone would not tell, the log answers it"
            ) from None
        assert_orders(found, orders_in(expected))


@check("reclaim")
def test_history_tells_of_the_vacuum(cleanup):
    """Deletes by VACUUM, so that the history tells of it"""
    missing = [name for name in ("VACUUM START", "VACUUM END") if name not in cleanup.operations]
    assert not missing, (
        f"the commits of the call are {', '.join(cleanup.operations) or 'none'}: there is no "
        f"{' and no '.join(missing)} among them"
    )


@check("reclaim")
def test_retention_is_a_property(spark, folder, cleanup):
    """Sets how long the table keeps removed files, and the log at least as long"""
    found = KEPT_LONG
    for commit in log_since(spark, folder[0], len(FILES)):
        for action in commit:
            found = action.get("metaData", {}).get("configuration", found)
    kept = found.get("delta.deletedFileRetentionDuration")
    assert kept == f"interval {KEEP_DAYS} days", (
        f"delta.deletedFileRetentionDuration is {kept!r}, and keep_days was {KEEP_DAYS}"
    )

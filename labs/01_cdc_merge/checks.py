"""Checks of lab 01: hand-made events in one frame, and customers in one table, a case a rule."""

import pytest

from labkit.checks import (
    Case,
    assert_columns,
    assert_frame,
    assert_nothing_written,
    assert_one_commit,
    assert_rows,
    cases,
    check,
    collect,
    deduplicated_sorts,
    failure_of,
    make_table,
    run_tables,
    table_rows,
)

HINTS = {
    "flatten": [
        "Which of the two images tells you *whose* row was deleted, when `op` is `d`?",
        "Choose the image first (one struct column), then expand it with `image.*`: new fields "
        "come along by themselves.",
        "Tombstones have a null `op`; rows without a key have a null `customer_id` in the image "
        "that you chose. Both go.",
    ],
    "quarantine": [
        "A tombstone has no key either, and is no fault. What tells the two apart?",
        "The key is in the image that belongs to `op`; a delete has its key in `before`.",
    ],
    "latest_changes": [
        "Two rows may be equal in everything (a redelivery); exactly one of them must stay.",
        "`ts_ms` is a clock, `lsn` is a position. Only one of the two orders the events of a "
        "customer.",
        "`row_number` over a window by customer, newest first, gives 1 to exactly one row per "
        "customer.",
    ],
    "merge_changes": [
        "MERGE refuses two source rows for one target row. You have already written the function "
        "that prevents it.",
        "Compare log positions in the condition of the matched clause, so that an older event "
        "finds nothing to do.",
        "A deleted row has to stay in the table with its `lsn`: without it, what would a late "
        "update be compared with?",
        "There are two clauses to write: matched and newer, and not matched. A delete needs no "
        "clause of its own.",
    ],
    "merge_evolving": [
        "MERGE can add the source's columns to the table; look for schema evolution in the "
        "builder.",
        "The `All` forms of update and insert take every column of the source, so drop what must "
        "not reach the table first.",
    ],
    "test_latest_changes": [
        "Think of the wrong answers that you would give in a hurry: any row, first to arrive, "
        "oldest, too many.",
        "One frame with two customers, in an awkward order, with a redelivery, can tell all of "
        "them from the right answer.",
        "`chispa.assert_df_equality(actual, expected, ignore_row_order=True)` compares rows and "
        "schema.",
    ],
}

IMAGE = "struct<customer_id: long, name: string, email: string, city: string>"
ENVELOPE = f"op string, ts_ms long, source struct<lsn: long>, before {IMAGE}, after {IMAGE}"
FLAT = "customer_id long, name string, email string, city string, op string, lsn long"
CUSTOMERS = "customer_id long, name string, email string, city string, lsn long, is_deleted boolean"

CUSTOMER_NAMES = [part.split()[0] for part in CUSTOMERS.split(", ")]


def person(city):
    """Name, email and city; all of them null for "-"."""
    return (None, None, None) if city == "-" else (f"N. {city}", f"n@{city.lower()}.org", city)


def event(op, lsn, before=None, after=None):
    return {"op": op, "ts_ms": 7, "source": {"lsn": lsn}, "before": before, "after": after}


def image(text):
    """The row image of "1 Como"; "- Como" has no key, and "" is no image."""
    if not text.strip():
        return None
    key, city = text.split()
    values = (None if key == "-" else int(key), *person(city))
    return dict(zip(CUSTOMER_NAMES[:4], values, strict=True))


def envelope(text):
    """An update at lsn 12 is "u12 1 Bari > 1 Como", with both images."""
    before, after = text[3:].split(">")
    return event(text[0], int(text[1:3]), image(before), image(after))


def change(text):
    """A row as in FLAT: "1 u112 Como" is an update of customer 1 at lsn 112."""
    key, at, city = text.split()
    return (int(key), *person(city), at[0], int(at[1:]))


def customer(text):
    """A row as in CUSTOMERS: "1 112 Como", or "1 112 Como deleted"."""
    key, lsn, city, *deleted = text.split()
    return (int(key), *person(city), int(lsn), bool(deleted))


def rows_of(row, text):
    return [row(" ".join(part.split())) for part in text.split(",") if part.strip()]


def stories(text, **kinds):
    """Cases from paragraphs: a line `name: title`, then rows of each kind with | between them."""
    found = []
    for story in text.strip().split("\n\n"):
        head, rows = story.split("\n", maxsplit=1)
        name, title = head.split(": ", maxsplit=1)
        parts = zip(kinds.items(), rows.split("|"), strict=True)
        found.append(Case(name, title, **{part: rows_of(row, of) for (part, row), of in parts}))
    return found


def all_of(cases, part):
    return [row for case in cases for row in getattr(case, part)]


# --------------------------------------------------------------------------- flatten, quarantine

TOMBSTONE = dict.fromkeys(event("d", 1))


ARRIVED = stories(
    """
writes: creates, updates and snapshot reads have their row in `after`
c11 > 1 Bari, u12 1 Bari > 1 Como, r13 > 2 Pisa | 1 c11 Bari, 1 u12 Como, 2 r13 Pisa

deletes: deletes have their row in `before`
d21 4 Bari > | 4 d21 Bari

nulls: nulls beside the key are no fault, and a null key in the other image is none
c31 > 5 -, u32 - Bari > 5 Como, d33 5 Bari > - Bari | 5 c31 -, 5 u32 Como, 5 d33 Bari

no_key: a row image may have no key
c41 > - Bari, r42 > - Como, d43 - Bari > |

no_image: a row image may be missing
c51 >, u52 >, r53 >, d54 > |

key_elsewhere: a key in the other image does not count
u61 6 Bari > - Bari, u62 6 Bari >, d63 - Bari > 6 Bari, d64 > 6 Bari |

twice: an event may come twice
c71 > 7 Bari, c71 > 7 Bari | 7 c71 Bari, 7 c71 Bari

faulty_twice: a faulty event may come twice
c81 > - Bari, c81 > - Bari |
""",
    given=envelope,
    after=change,
)
ARRIVED.append(Case("tombstones", "tombstones are neither rows nor faults", given=[TOMBSTONE]))
ENVELOPES = all_of(ARRIVED, "given")


def lsns(envelopes):
    return {one["source"] and one["source"]["lsn"] for one in envelopes}


@pytest.fixture(scope="module")
def flattened(learner, frame):
    """The rows of all envelopes."""
    found = learner.flatten(frame(ENVELOPE, ENVELOPES))
    assert_columns(found, FLAT)
    return collect(found)


@check("flatten")
@cases(ARRIVED)
def test_rows_of_envelopes(flattened, case):
    """returns the right rows: {case}"""
    found = [row for row in flattened if row.lsn in lsns(case.given)]
    assert_rows(found, case.after, key="lsn", columns=FLAT)


@check("flatten", points=2)
def test_new_fields_come_along(learner, frame):
    """passes further fields of the row image on, between the known columns and op"""
    wider = ENVELOPE.replace("city: string", "city: string, loyalty_tier: string, credit: double")
    after = {**image("5 Bari"), "loyalty_tier": "gold", "credit": 1.5}
    columns = FLAT.replace("city string", "city string, loyalty_tier string, credit double")
    found = learner.flatten(frame(wider, [event("c", 91, after=after)]))
    assert_frame(found, [(*after.values(), "c", 91)], key="lsn", schema=columns)


@pytest.fixture(scope="module")
def quarantined(learner, frame):
    """The rows of all envelopes that are quarantined."""
    found = learner.quarantine(frame(ENVELOPE, ENVELOPES))
    assert_columns(found, f"{ENVELOPE}, reason string")
    return collect(found)


@check("quarantine")
@cases(ARRIVED)
def test_envelopes_in_quarantine(quarantined, case):
    """returns the right envelopes, whole: {case}"""
    found = [row for row in quarantined if (row.source and row.source.lsn) in lsns(case.given)]
    faulty = [one for one in case.given if one["op"] and not case.after]
    assert_rows(found, faulty, key=["op", "source"], columns=ENVELOPE)


@check("quarantine")
def test_every_reason_says_why(quarantined):
    """gives each envelope a reason that is neither null nor blank"""
    for row in quarantined:
        assert (row.reason or "").strip(), (
            f"the reason is {'blank' if row.reason else 'null or empty'} in the row of the envelope "
            f"with op {row.op}, source {row.source}, before {row.before}, after {row.after}"
        )


# -------------------------------------------------------------------------------- latest_changes


REDUCED = stories(
    """
newest: the change with the greatest lsn, wherever it arrives
1 c99 Bari, 1 u1007 Como, 1 u103 Pisa, 2 u205 Como, 2 c201 Bari, 3 c8 Bari, 3 u11 Como
| 1 u1007 Como, 2 u205 Como, 3 u11 Como

copies: one of two copies of the newest change
4 u301 Como, 4 u301 Como, 4 c300 Bari | 4 u301 Como

deletes: a delete when it is the newest change, and only then
5 c401 Bari, 5 d402 Bari, 6 d404 Bari, 6 c405 Como, 6 u403 Bari | 5 d402 Bari, 6 c405 Como

nulls: the nulls of the newest change
7 c501 Bari, 7 u502 - | 7 u502 -
""",
    given=change,
    after=change,
)


@pytest.fixture(scope="module")
def latest(learner, frame):
    """The frame that the changes of all cases are reduced to, and its rows."""
    found = learner.latest_changes(frame(FLAT, all_of(REDUCED, "given")))
    assert_columns(found, FLAT)
    return found, collect(found)


@check("latest_changes")
@cases(REDUCED)
def test_change_of_each_customer(latest, case):
    """keeps {case}"""
    mine = {row[0] for row in case.given}
    found = [row for row in latest[1] if row.customer_id in mine]
    assert_rows(found, case.after, key="customer_id", columns=FLAT)


@check("latest_changes")
def test_columns_come_back_as_they_are(learner, frame):
    """returns the columns that it is given, whatever they are, in their order"""
    columns = "vip boolean, lsn long, op string, customer_id long"
    found = learner.latest_changes(frame(columns, [(True, 11, "c", 1), (False, 12, "u", 1)]))
    assert_frame(found, [(False, 12, "u", 1)], key="customer_id", schema=columns)


@check("latest_changes")
def test_newest_is_chosen_by_its_lsn(latest):
    """chooses the newest change by its lsn, not by the order that a sort left behind"""
    assert ("customer_id",) not in deduplicated_sorts(latest[0]), (
        "rows are sorted, then one row of each customer is kept by dropDuplicates or first. It is "
        "any row, and they shuffle: the order of a sort is not promised after a shuffle. On one "
        "machine the first row often is the newest; with more files, a retry or a spill it is not, "
        "and nothing tells you"
    )


# ----------------------------------------------------------------- merge_changes, merge_evolving


MERGED = stories(
    """
newest: applies the newest change of a customer in the batch
1 101 Bari | 1 u112 Como, 1 u110 Pisa | 1 112 Como

nulls: replaces values by the nulls of a newer change
2 102 Bari | 2 u113 - | 2 113 -

delete: marks the row of a delete, and gives it the lsn and the columns of the event
3 103 Bari | 3 d120 Como | 3 120 Como deleted

lives_again: makes a deleted row live again for any newer create, update or snapshot read
4 104 Bari deleted, 5 104 Bari deleted, 6 104 Bari deleted
| 4 c150 Como, 5 u151 Como, 6 r152 Como, 7 c140 Lodi, 7 d141 Lodi, 7 c142 Como
| 4 150 Como, 5 151 Como, 6 152 Como, 7 142 Como

unknown: inserts unknown customers, once each, also with an lsn below all others
| 8 c130 Como, 8 c130 Como, 9 u131 Bari, 9 u132 Como, 10 r50 Como
| 8 130 Como, 9 132 Como, 10 50 Como

unknown_delete: inserts a deleted row for the delete of an unknown customer
| 11 d133 Como | 11 133 Como deleted

older: ignores changes that are older than the row, so that no deleted row comes back
31 105 Bari, 32 106 Bari deleted | 31 u90 Como, 31 d91 Como, 32 u100 Como, 32 c101 Como
| 31 105 Bari, 32 106 Bari deleted

same: leaves a row alone whose change comes again
33 107 Bari | 33 u107 Bari | 33 107 Bari

absent: leaves customers alone that the batch does not mention
34 108 Bari, 35 109 Bari deleted | | 34 108 Bari, 35 109 Bari deleted
""",
    before=customer,
    given=change,
    after=customer,
)
BEFORE, BATCH, AFTER = (all_of(MERGED, part) for part in ("before", "given", "after"))
QUIET = range(31, 36)  # these customers have a data file of their own, and no newer change
OLDER = rows_of(change, "1 u111 Lodi, 7 d141 Lodi")  # than what BATCH has of the two
NOTHING_NEWER = [*OLDER, *(row for row in BATCH if row[0] not in (1, 7))]

# Wider changes have three further columns; the table of merge_evolving has the first one already.
GROWN = "segment string, loyalty_tier string, credit double"
WIDE = FLAT.replace("city string", f"city string, {GROWN}")
TABLES = {
    "merge_changes": (CUSTOMERS, BEFORE),
    "merge_evolving": (f"{CUSTOMERS}, segment string", [(*row, "old") for row in BEFORE]),
}


def further(customer_id, lsn):
    """The further columns of an event; customer 2, whose values become null, has no segment."""
    return None if customer_id == 2 else f"segment {lsn}", f"tier {lsn}", lsn / 4


def wider(rows):
    return [(*row[:4], *further(row[0], row[5]), *row[4:]) for row in rows]


def evolved(row):
    """A row of AFTER with the further columns of the event that it comes from."""
    return (*row, "old", None, None) if row in BEFORE else (*row, *further(row[0], row[4]))


def save(rows, table):
    """Writes a frame as a Delta table with deletion vectors, a data file a partition."""
    vectors = {"delta.enableDeletionVectors": "true"}
    rows.write.format("delta").options(**vectors).saveAsTable(table)


def files_by_customer(spark, table):
    rows = [row.asDict() for row in collect(spark.table(table).select("*", "_metadata.file_name"))]
    return {row.get("customer_id"): row["file_name"] for row in rows}


@pytest.fixture(scope="module")
def start(task, spark, frame, shared_schema):
    """A table in two data files, and the file of each customer."""
    table = f"{shared_schema}.{task}"
    columns, rows = TABLES[task]
    quiet = [row for row in rows if row[0] in QUIET]
    others = [row for row in rows if row[0] not in QUIET]
    save(frame(columns, others).coalesce(1).union(frame(columns, quiet).coalesce(1)), table)
    return table, files_by_customer(spark, table)


@pytest.fixture(scope="module")
def run(task, learner, spark, frame, start):
    """The table before and after one batch."""
    changes = frame(FLAT, BATCH)
    if task == "merge_evolving":
        changes = frame(WIDE, wider(BATCH))
    merge = getattr(learner, task)
    return run_tables(
        spark, {"customers": start[0]}, lambda tables: merge(spark, tables["customers"], changes)
    )


@check("merge_changes", "merge_evolving")
@cases(MERGED)
def test_customers_after_a_batch(run, case):
    """{case}"""
    mine = {row[0] for row in case.after}
    found = [row for row in run.rows["customers"] if row.asDict().get("customer_id") in mine]
    assert_rows(found, case.after, key="customer_id", columns=CUSTOMERS)


@check("merge_changes", "merge_evolving")
def test_readers_see_the_batch_in_one_step(run):
    """changes all rows in one commit, so that no reader meets half a batch"""
    assert_one_commit(run)


@check("merge_changes", "merge_evolving", points=2)
def test_other_data_files_stay(run, start, spark):
    """rewrites no data file in which no row changes"""
    table, before = start
    after = files_by_customer(spark, table)
    moved = [customer for customer in QUIET if after.get(customer) != before[customer]]
    assert not moved, (
        f"customers {', '.join(map(str, QUIET))} have a data file of their own, and no change in "
        "the batch is newer than their rows. These are not in this file any more: "
        f"{', '.join(map(str, moved))}. On a table of a billion rows that is the cost of a full load"
    )


@pytest.fixture(scope="module")
def second(learner, spark, frame, run):
    """The same table before and after a batch without rows and one with nothing newer."""

    def merge(tables):
        learner.merge_changes(spark, tables["customers"], frame(FLAT, []))
        learner.merge_changes(spark, tables["customers"], frame(WIDE, wider(NOTHING_NEWER)))

    return run_tables(spark, run.tables, merge)


@check("merge_changes")
def test_the_table_keeps_its_columns(second, spark):
    """adds no column to the table, whatever other columns the changes have"""
    assert_columns(spark.table(second.tables["customers"]), CUSTOMERS)


@check("merge_changes", points=2)
def test_replay_changes_nothing(second, spark):
    """changes no row and writes no data file when a batch is empty, comes again or is older"""
    # With a column more, all rows would look changed.
    assert_columns(spark.table(second.tables["customers"]), CUSTOMERS)
    assert_nothing_written(second, story="no change in the batch was newer than its row")


def by_name(rows):
    """Rows with their names, for the order of new columns is left open."""
    names = [part.split()[0] for part in f"{CUSTOMERS}, {GROWN}".split(", ")]
    return [dict(zip(names, row, strict=True)) for row in rows]


@check("merge_evolving", points=2)
def test_new_columns_arrive(run):
    """adds the columns that the table lacks, with type and values; null where no event changed"""
    expected = by_name(map(evolved, AFTER))
    for row in run.rows["customers"][:1]:
        others = sorted(set(row.asDict()) - set(expected[0]))
        assert not others, f"the table has a column {others[0]}, which no row image has"
    columns = "customer_id,loyalty_tier,credit"
    assert_rows(run.rows["customers"], expected, key="customer_id", columns=columns)


@check("merge_evolving")
def test_null_in_a_further_column_is_a_value(run):
    """takes a null over a value in a column that was added to the table before"""
    expected, columns = by_name(map(evolved, AFTER)), "customer_id,segment"
    assert_rows(run.rows["customers"], expected, key="customer_id", columns=columns)


@check("merge_evolving", points=2)
def test_old_shape_loses_nothing(learner, spark, frame, run):
    """keeps further columns and their values when a batch without them follows"""
    changes = rows_of(change, "1 u210 Lodi, 2 d211 Lodi, 3 r212 Lodi, 40 c213 Lodi")
    expected = {row[0]: evolved(row) for row in AFTER}
    for row in changes:
        kept = expected.get(row[0], (None,) * 9)[6:]
        expected[row[0]] = (*row[:4], row[5], row[4] == "d", *kept)
    table = run.tables["customers"]
    learner.merge_evolving(spark, table, frame(FLAT, changes))
    assert_rows(table_rows(spark, table), by_name(expected.values()), key="customer_id")


@check("merge_evolving")
def test_settings_stay(learner, spark, frame, run, shared_schema):
    """leaves the session's settings alone: merge_changes still adds no column"""
    table = f"{shared_schema}.six_columns"
    make_table(spark, table, CUSTOMERS)
    learner.merge_changes(spark, table, frame(WIDE, wider(rows_of(change, "1 c11 Bari"))))
    added = [name for name in spark.table(table).columns if name not in CUSTOMER_NAMES]
    assert not added, (
        f"merge_changes was called after merge_evolving, and added {', '.join(added)} to a table. "
        "If it does so only then, a setting that allows evolution is still on, and every later "
        "MERGE of the session follows it"
    )


# --------------------------------------------------------------------------- test_latest_changes


# A function's own lines are all that is handed to an answer in another process.
def descending(changes):
    return changes.sparkSession.sql(
        """SELECT row.* FROM (SELECT max_by(struct(*), lsn) AS row FROM {c} GROUP BY customer_id)
        ORDER BY customer_id DESC""",
        c=changes,
    )


def first(changes):
    return changes.sparkSession.sql(
        """SELECT row.* EXCEPT (at) FROM (SELECT min_by(struct(*), at) AS row
        FROM (SELECT *, monotonically_increasing_id() AS at FROM {c}) GROUP BY customer_id)""",
        c=changes,
    )


def last(changes):
    return changes.sparkSession.sql(
        """SELECT row.* EXCEPT (at) FROM (SELECT max_by(struct(*), at) AS row
        FROM (SELECT *, monotonically_increasing_id() AS at FROM {c}) GROUP BY customer_id)""",
        c=changes,
    )


def oldest(changes):
    return changes.sparkSession.sql(
        "SELECT row.* FROM (SELECT min_by(struct(*), lsn) AS row FROM {c} GROUP BY customer_id)",
        c=changes,
    )


def copies(changes):
    return changes.sparkSession.sql(
        """SELECT * EXCEPT (place) FROM (SELECT *, rank() OVER
        (PARTITION BY customer_id ORDER BY lsn DESC) AS place FROM {c}) WHERE place = 1""",
        c=changes,
    )


def no_deletes(changes):
    return changes.sparkSession.sql(
        """SELECT row.* FROM (SELECT max_by(struct(*), lsn) AS row FROM {c} WHERE op <> 'd'
        GROUP BY customer_id)""",
        c=changes,
    )


WRONG = {
    first: "keeps the row of each customer that comes first in the frame",
    last: "keeps the row of each customer that comes last in the frame",
    oldest: "keeps the oldest change of each customer",
    copies: "keeps both copies of a customer's newest change",
    no_deletes: "forgets deletes",
}


@check("test_latest_changes")
def test_your_test_is_silent_on_your_answer(learner, spark):
    """says nothing about your own latest_changes"""
    said = failure_of(learner.test_latest_changes, spark, learner.latest_changes)
    assert said is None, f"your test rejects your own latest_changes:\n{said}"


@check("test_latest_changes")
def test_your_test_accepts_any_order(learner, spark):
    """says nothing about a right answer, in whatever order the rows come back"""
    said = failure_of(learner.test_latest_changes, spark, descending)
    assert said is None, (
        "your test rejects a right latest_changes, whose rows are in descending order of "
        f"customer_id:\n{said}"
    )


@check("test_latest_changes")
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_your_test_notices(learner, spark, wrong):
    """raises an AssertionError on a wrong latest_changes"""
    said = failure_of(learner.test_latest_changes, spark, wrong)
    assert said is not None, f"your test says nothing about a latest_changes that {WRONG[wrong]}"

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
    table_files,
    table_rows,
)

HINTS = {
    "flatten": [
        "Which of the two images tells *whose* row was deleted, when `op` is `d`?",
        "Choose the image first (one struct column), then expand it with `image.*`.",
        "A tombstone has a null `op`; a row without a key has a null `customer_id` in its image.",
    ],
    "quarantine": [
        "A tombstone has no key either, and is no fault. What tells the two apart?",
        "The key is in the image that belongs to `op`; a delete has its key in `before`.",
    ],
    "latest_changes": [
        "Two rows may be equal in everything (a redelivery); exactly one of them must stay.",
        "`ts_ms` is a clock, `lsn` a position. Only one of them orders a customer's events.",
        "`row_number` over a window by customer gives 1 to exactly one row per customer.",
    ],
    "merge_changes": [
        "MERGE refuses two source rows for one target row. Your `latest_changes` prevents it.",
        "Compare log positions in the condition of the matched clause.",
        "A deleted row stays, with its `lsn`: what else would a late update be compared with?",
        "Two clauses are enough: matched and newer, and not matched. A delete needs none.",
    ],
    "merge_evolving": [
        "MERGE can add the source's columns to the table: look for schema evolution.",
        "The `All` forms of update and insert take every column of the source, also `op`.",
    ],
    "test_latest_changes": [
        "Think of the wrong answers that you would give in a hurry: any row, oldest, too many.",
        "One frame with two customers, in an awkward order, with a redelivery, finds them all.",
        "`assert_df_equality(actual, expected, ignore_row_order=True)` compares rows and schema.",
    ],
}

IMAGE = "struct<customer_id: long, name: string, email: string, city: string>"
ENVELOPE = f"op string, ts_ms long, source struct<lsn: long>, before {IMAGE}, after {IMAGE}"
FLAT = "customer_id long, name string, email string, city string, op string, lsn long"
CUSTOMERS = "customer_id long, name string, email string, city string, lsn long, is_deleted boolean"


def person(city):
    """Name, email and city; all of them null for "-"."""
    if city == "-":
        return dict.fromkeys(("name", "email", "city"))
    return {"name": f"N. {city}", "email": f"n@{city.lower()}.org", "city": city}


def event(op, lsn, before=None, after=None):
    return {"op": op, "ts_ms": 7, "source": {"lsn": lsn}, "before": before, "after": after}


def image(text):
    """The row image of "1 Como"; "- Como" has no key, and "" is no image."""
    if not text.strip():
        return None
    key, city = text.split()
    return {"customer_id": None if key == "-" else int(key), **person(city)}


def envelope(text):
    """An update at lsn 12 is "u12 1 Bari > 1 Como", with both images."""
    before, after = text[3:].split(">")
    return event(text[0], int(text[1:3]), image(before), image(after))


def change(text):
    """A row as in FLAT: "1 u112 Como" is an update of customer 1 at lsn 112."""
    key, at, city = text.split()
    return {"customer_id": int(key), **person(city), "op": at[0], "lsn": int(at[1:])}


def customer(text):
    """A row as in CUSTOMERS: "1 112 Como", or "1 112 Como deleted"."""
    key, lsn, city, *deleted = text.split()
    return {
        "customer_id": int(key), **person(city), "lsn": int(lsn), "is_deleted": bool(deleted),
    }  # fmt: skip


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


def lsns(envelopes):
    return {one["source"] and one["source"]["lsn"] for one in envelopes}


@pytest.fixture(scope="module")
def arrived(task, learner, frame):
    """The rows that the task's function makes of all envelopes."""
    found = getattr(learner, task)(frame(ENVELOPE, all_of(ARRIVED, "given")))
    assert_columns(found, FLAT if task == "flatten" else f"{ENVELOPE}, reason string")
    return collect(found)


@check("flatten")
@cases(ARRIVED)
def test_rows_of_envelopes(arrived, case):
    """returns the right rows: {case}"""
    found = [row for row in arrived if row.lsn in lsns(case.given)]
    assert_rows(found, case.after, key="lsn", columns=FLAT)


@check("flatten", points=2)
def test_new_fields_come_along(learner, frame):
    """passes further fields of the row image on, between the known columns and op"""
    wider = ENVELOPE.replace("city: string", "city: string, loyalty_tier: string, credit: double")
    after = {**image("5 Bari"), "loyalty_tier": "gold", "credit": 1.5}
    columns = FLAT.replace("city string", "city string, loyalty_tier string, credit double")
    found = learner.flatten(frame(wider, [event("c", 91, after=after)]))
    assert_frame(found, [(*after.values(), "c", 91)], key="lsn", schema=columns)


@check("quarantine")
@cases(ARRIVED)
def test_envelopes_in_quarantine(arrived, case):
    """returns the right envelopes, whole: {case}"""
    found = [row for row in arrived if (row.source and row.source.lsn) in lsns(case.given)]
    faulty = [one for one in case.given if one["op"] and not case.after]
    assert_rows(found, faulty, key=["op", "source"], columns=ENVELOPE)


@check("quarantine")
def test_every_reason_says_why(arrived):
    """gives each envelope a reason that is neither null nor blank"""
    for row in arrived:
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
    mine = {row["customer_id"] for row in case.given}
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
        "rows are sorted, then dropDuplicates or first keeps one row of each customer. It is any "
        "row: they shuffle, and no order is promised after a shuffle. On one machine the newest "
        "often comes first; with more files, a retry or a spill it does not, and nothing tells you"
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

# Wider changes have three further columns; the table of merge_evolving has the first one already.
FURTHER = {"segment": "old", "loyalty_tier": None, "credit": None}
WIDE = FLAT.replace("op string", "segment string, loyalty_tier string, credit double, op string")


def further(row):
    """The further columns of an event; customer 2, whose values become null, has no segment."""
    segment = None if row["customer_id"] == 2 else f"segment {row['lsn']}"
    return {"segment": segment, "loyalty_tier": f"tier {row['lsn']}", "credit": row["lsn"] / 4}


def wide(rows):
    return [row | further(row) for row in rows]


EVOLVED = [row | (FURTHER if row in BEFORE else further(row)) for row in AFTER]
GIVEN = {
    "merge_changes": (CUSTOMERS, BEFORE, FLAT, BATCH),
    "merge_evolving": (
        f"{CUSTOMERS}, segment string", [row | FURTHER for row in BEFORE], WIDE, wide(BATCH),
    ),
}  # fmt: skip


def save(rows, table):
    """Writes a frame as a Delta table with deletion vectors, a data file a partition."""
    vectors = {"delta.enableDeletionVectors": "true"}
    rows.write.format("delta").options(**vectors).saveAsTable(table)


@pytest.fixture(scope="module")
def start(task, spark, frame, shared_schema):
    """A table in two data files, and the one that the quiet customers have for themselves."""
    table, (columns, rows, *_) = f"{shared_schema}.{task}", GIVEN[task]
    save(frame(columns, rows).repartitionByRange(2, "customer_id"), table)
    (file,) = (path for path, count in table_files(spark, table).items() if count == len(QUIET))
    return table, file


@pytest.fixture(scope="module")
def run(task, learner, spark, frame, start):
    """The table before and after one batch."""
    merge, changes = getattr(learner, task), frame(*GIVEN[task][2:])
    return run_tables(
        spark, {"customers": start[0]}, lambda tables: merge(spark, tables["customers"], changes)
    )


@check("merge_changes", "merge_evolving")
@cases(MERGED)
def test_customers_after_a_batch(run, case):
    """{case}"""
    mine = {row["customer_id"] for row in case.after}
    found = [row for row in run.rows["customers"] if row.asDict().get("customer_id") in mine]
    assert_rows(found, case.after, key="customer_id", columns=CUSTOMERS)


@check("merge_changes", "merge_evolving")
def test_readers_see_the_batch_in_one_step(run):
    """changes all rows in one commit, so that no reader meets half a batch"""
    assert_one_commit(run)


@check("merge_changes", "merge_evolving", points=2)
def test_other_data_files_stay(run, start, spark):
    """rewrites no data file in which no row changes"""
    table, file = start
    rows = table_files(spark, table).get(file, 0)
    assert rows == len(QUIET), (
        f"customers {', '.join(map(str, QUIET))} have a data file of their own, and no change in "
        f"the batch is newer than their rows. After the batch {rows} of these rows are in it; the "
        "others were written anew. On a table of a billion rows that is the cost of a full load"
    )


@pytest.fixture(scope="module")
def second(learner, spark, frame, run):
    """The same table before and after a batch without rows, and the first batch in wider rows."""

    def merge(tables):
        learner.merge_changes(spark, tables["customers"], frame(FLAT, []))
        learner.merge_changes(spark, tables["customers"], frame(WIDE, wide(BATCH)))

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


@check("merge_evolving", points=2)
def test_further_columns_arrive(run):
    """adds the columns that the table lacks, with type and values, and takes a null for a value"""
    assert_rows(run.rows["customers"], EVOLVED, key="customer_id")


@check("merge_evolving", points=2)
def test_old_shape_loses_nothing(learner, spark, frame, run):
    """keeps further columns and their values when a batch without them follows"""
    changes = rows_of(change, "1 u210 Lodi, 2 d211 Lodi, 3 r212 Lodi, 40 c213 Lodi")
    expected = {row["customer_id"]: row for row in EVOLVED}
    expected[40] = dict.fromkeys(FURTHER)
    for row in rows_of(customer, "1 210 Lodi, 2 211 Lodi deleted, 3 212 Lodi, 40 213 Lodi"):
        expected[row["customer_id"]] = expected[row["customer_id"]] | row
    table = run.tables["customers"]
    learner.merge_evolving(spark, table, frame(FLAT, changes))
    assert_rows(table_rows(spark, table), expected.values(), key="customer_id")


@check("merge_evolving")
def test_settings_stay(learner, spark, frame, run, shared_schema):
    """leaves the session's settings alone: merge_changes still adds no column"""
    table = f"{shared_schema}.six_columns"
    make_table(spark, table, CUSTOMERS)
    learner.merge_changes(spark, table, frame(WIDE, wide(rows_of(change, "1 c11 Bari"))))
    added = [name for name in FURTHER if name in spark.table(table).columns]
    assert not added, (
        f"merge_changes was called after merge_evolving, and added {', '.join(added)} to a table: "
        "is a setting that allows evolution still on? Every later MERGE of the session follows it"
    )


# --------------------------------------------------------------------------- test_latest_changes


# A function's own lines are all that is handed to an answer in another process.
def first(changes):
    """keeps the row of each customer that comes first in the frame"""
    kept = {row.customer_id: row for row in reversed(changes.collect())}
    return changes.sparkSession.createDataFrame(list(kept.values()), changes.schema)


def last(changes):
    """keeps the row of each customer that comes last in the frame"""
    kept = {row.customer_id: row for row in changes.collect()}
    return changes.sparkSession.createDataFrame(list(kept.values()), changes.schema)


def oldest(changes):
    """keeps the oldest change of each customer"""
    kept = {row.customer_id: row for row in sorted(changes.collect(), key=lambda row: -row.lsn)}
    return changes.sparkSession.createDataFrame(list(kept.values()), changes.schema)


def copies(changes):
    """keeps both copies of a customer's newest change"""
    rows = sorted(changes.collect(), key=lambda row: row.lsn)
    newest = {row.customer_id: row.lsn for row in rows}
    kept = [row for row in rows if row.lsn == newest[row.customer_id]]
    return changes.sparkSession.createDataFrame(kept, changes.schema)


def no_deletes(changes):
    """forgets deletes"""
    rows = sorted(changes.collect(), key=lambda row: row.lsn)
    kept = {row.customer_id: row for row in rows if row.op != "d"}
    return changes.sparkSession.createDataFrame(list(kept.values()), changes.schema)


def descending(changes):
    """is right, and returns its rows in descending order of customer_id"""
    kept = {row.customer_id: row for row in sorted(changes.collect(), key=lambda row: row.lsn)}
    rows = [kept[customer_id] for customer_id in sorted(kept, reverse=True)]
    return changes.sparkSession.createDataFrame(rows, changes.schema)


@check("test_latest_changes")
def test_your_test_is_silent_on_your_answer(learner, spark):
    """says nothing about your own latest_changes"""
    said = failure_of(learner.test_latest_changes, spark, learner.latest_changes)
    assert said is None, f"your test rejects your own latest_changes:\n{said}"


@check("test_latest_changes")
def test_your_test_accepts_any_order(learner, spark):
    """says nothing about a right answer, in whatever order the rows come back"""
    said = failure_of(learner.test_latest_changes, spark, descending)
    assert said is None, f"your test rejects a latest_changes that {descending.__doc__}:\n{said}"


@check("test_latest_changes")
@pytest.mark.parametrize(
    "wrong", [first, last, oldest, copies, no_deletes], ids=lambda wrong: wrong.__name__
)
def test_your_test_notices(learner, spark, wrong):
    """raises an AssertionError on a wrong latest_changes"""
    said = failure_of(learner.test_latest_changes, spark, wrong)
    assert said is not None, f"your test says nothing about a latest_changes that {wrong.__doc__}"

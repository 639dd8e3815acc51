"""Public checks and hints of lab 01: one module-scoped MERGE, many properties of its result."""

import pytest
from pyspark.sql import Row

from labkit.checks import (
    assert_columns,
    assert_frame,
    changes_since,
    check,
    collect,
    deduplicated_sorts,
    failure_of,
    table_rows,
    table_version,
)

HINTS = {
    "flatten": [
        "Which of the two images tells you *whose* row was deleted, when `op` is `d`?",
        "Choose the image first (one struct column), then expand it with `image.*`: new fields come along by themselves.",
        "Tombstones have a null `op`; keyless rows have a null `customer_id` in the image you chose. Both go.",
    ],
    "quarantine": [
        "A tombstone has no key either, and is no fault. What tells the two apart?",
        "The key is in the image that belongs to `op`; a delete has its key in `before`.",
    ],
    "latest_changes": [
        "Two rows may be equal in everything (a redelivery); exactly one of them must stay.",
        "`ts_ms` is a clock, `lsn` is a position. Only one of the two orders the events of a customer.",
        "`row_number` over a window by customer, newest first, gives 1 to exactly one row per customer.",
    ],
    "merge_changes": [
        "MERGE refuses two source rows for one target row. You have already written the function that prevents it.",
        "Compare log positions in the condition of the matched clause, so that an older event finds nothing to do.",
        "A deleted row has to stay in the table with its `lsn`: without it, what would a late update be compared with?",
        "There are two clauses to write: matched and newer, and not matched. A delete needs no clause of its own.",
    ],
    "merge_evolving": [
        "MERGE can add the source's columns to the table; look for schema evolution in the builder.",
        "The `All` forms of update and insert take every column of the source, so drop what must not reach the table first.",
        "Setting a session-wide configuration works too, but it outlives your function and changes every later MERGE.",
    ],
    "test_latest_changes": [
        "Think of the wrong answers that you would give in a hurry: any row, first to arrive, oldest, too many.",
        "One frame with two customers, in an awkward order, with a redelivery, can tell all of them from the right answer.",
        "`chispa.assert_df_equality(actual, expected, ignore_row_order=True)` compares rows and schema.",
    ],
}

IMAGE = "struct<customer_id: long, name: string, email: string, city: string>"
ENVELOPE = f"op string, ts_ms long, source struct<lsn: long>, before {IMAGE}, after {IMAGE}"
QUARANTINE = f"{ENVELOPE}, reason string"
FLAT = "customer_id long, name string, email string, city string, op string, lsn long"
CUSTOMERS = "customer_id long, name string, email string, city string, lsn long, is_deleted boolean"
CUSTOMER_COLUMNS = [part.split()[0] for part in CUSTOMERS.split(", ")]


def image(customer_id, city, name="N"):
    return {"customer_id": customer_id, "name": name, "email": f"{name}@example.com", "city": city}


def envelope(op, lsn, before=None, after=None, ts_ms=0):
    return {"op": op, "ts_ms": ts_ms, "source": {"lsn": lsn}, "before": before, "after": after}


TOMBSTONE = {"op": None, "ts_ms": None, "source": None, "before": None, "after": None}


def flat(customer_id, city, op, lsn, name="N"):
    return (customer_id, name, f"{name}@example.com", city, op, lsn)


# ---------------------------------------------------------------- flatten


@check("flatten")
def test_after_image_of_writes(learner, frame):
    """takes `after` for creates, updates and snapshot reads"""
    envelopes = frame(
        ENVELOPE,
        [
            envelope("c", 11, after=image(1, "Bari")),
            envelope("u", 12, before=image(1, "Bari"), after=image(1, "Como")),
            envelope("r", 13, after=image(2, "Pisa")),
        ],
    )
    expected = [flat(1, "Bari", "c", 11), flat(1, "Como", "u", 12), flat(2, "Pisa", "r", 13)]
    assert_frame(learner.flatten(envelopes), expected, key="lsn", schema=FLAT)


@check("flatten")
def test_before_image_of_deletes(learner, frame):
    """takes `before` for deletes, so that the deleted row is known"""
    envelopes = frame(ENVELOPE, [envelope("d", 21, before=image(3, "Bari"))])
    assert_frame(learner.flatten(envelopes), [flat(3, "Bari", "d", 21)], key="lsn")


@check("flatten")
def test_tombstones_and_keyless_rows_are_left_out(learner, frame):
    """leaves out tombstones and rows without a key"""
    envelopes = frame(
        ENVELOPE,
        [
            TOMBSTONE,
            envelope("c", 31, after=image(None, "Bari")),
            envelope("d", 32, before=image(None, "Bari")),
            envelope("c", 33, after=image(4, "Como")),
            envelope("u", 34, before=image(8, "Bari"), after=image(None, "Como")),
            envelope("d", 35),
        ],
    )
    assert_frame(learner.flatten(envelopes), [flat(4, "Como", "c", 33)], key="lsn")


@check("flatten", points=2)
def test_new_fields_come_along(learner, frame):
    """passes further fields of the row image on, between the known columns and op"""
    wider = IMAGE.replace("city: string", "city: string, loyalty_tier: string")
    envelopes = frame(
        ENVELOPE.replace(IMAGE, wider),
        [envelope("c", 41, after={**image(5, "Bari"), "loyalty_tier": "gold"})],
    )
    columns = FLAT.replace("city string,", "city string, loyalty_tier string,")
    expected = [(5, "N", "N@example.com", "Bari", "gold", "c", 41)]
    assert_frame(learner.flatten(envelopes), expected, key="lsn", schema=columns)


# ---------------------------------------------------------------- quarantine


@check("quarantine")
def test_keyless_envelopes_are_kept_with_a_reason(learner, frame):
    """returns the envelopes without a key, whole, with a reason"""
    faulty = {
        51: envelope("c", 51, after=image(None, "Bari")),
        52: envelope("d", 52, before=image(None, "Como")),
        54: envelope("u", 54, before=image(8, "Bari"), after=image(None, "Como")),
        55: envelope("d", 55),
    }
    keyed = envelope("u", 53, before=image(None, "Bari"), after=image(6, "Pisa"))
    found = learner.quarantine(frame(ENVELOPE, [*faulty.values(), keyed]))
    assert_columns(found, QUARANTINE)
    rows = [row.asDict(recursive=True) for row in collect(found)]
    reasons = [row.pop("reason") for row in rows]
    positions = sorted(((row["source"] or {}).get("lsn") for row in rows), key=str)
    assert positions == list(faulty), (
        f"log positions in quarantine: {positions}, expected 51, 52, 54 and 55: a create and an update whose "
        "after has no customer_id, a delete whose before has none, and a delete without any image"
    )
    altered = [row["source"]["lsn"] for row in rows if row != faulty[row["source"]["lsn"]]]
    assert not altered, f"the envelope of lsn {altered[0]} did not come back whole; who repairs it needs all of it"
    assert all(reasons), "a quarantined envelope has an empty reason; say why it is here"


@check("quarantine")
def test_tombstones_are_no_faults(learner, frame):
    """leaves tombstones and deletes with a key alone"""
    envelopes = frame(
        ENVELOPE,
        [TOMBSTONE, envelope("d", 61, before=image(7, "Bari")), envelope("c", 62, after=image(None, "Como"))],
    )
    found = learner.quarantine(envelopes)
    assert_columns(found, QUARANTINE)
    ops = [row.op for row in collect(found)]
    assert ops == ["c"], f"ops in quarantine: {ops}; only the create without a key belongs there"


# ---------------------------------------------------------------- latest_changes


@check("latest_changes", points=2)
def test_newest_change_wins(learner, frame):
    """keeps the newest change of each customer, whatever the order of arrival"""
    changes = frame(
        FLAT,
        [
            flat(1, "old", "c", 99),
            flat(1, "new", "u", 1007),
            flat(1, "mid", "u", 103),
            flat(2, "new", "u", 205),
            flat(2, "old", "c", 201),
        ],
    )
    expected = [flat(1, "new", "u", 1007), flat(2, "new", "u", 205)]
    assert_frame(learner.latest_changes(changes), expected, key="customer_id", schema=FLAT)


@check("latest_changes")
def test_redelivery_collapses(learner, frame):
    """keeps one row of an event that was delivered twice"""
    twice = [flat(1, "Bari", "u", 301), flat(1, "Bari", "u", 301), flat(1, "Como", "c", 300)]
    assert_frame(
        learner.latest_changes(frame(FLAT, twice)), [flat(1, "Bari", "u", 301)], key="customer_id"
    )


@check("latest_changes")
def test_deletes_are_changes(learner, frame):
    """keeps a delete when it is the newest change"""
    changes = frame(FLAT, [flat(1, "Bari", "c", 401), flat(1, "Bari", "d", 402)])
    assert_frame(learner.latest_changes(changes), [flat(1, "Bari", "d", 402)], key="customer_id")


@check("latest_changes")
def test_newest_is_chosen_by_its_lsn(learner, frame):
    """chooses the newest change by its lsn, not by the order that a sort left behind"""
    found = learner.latest_changes(frame(FLAT, [flat(1, "Bari", "c", 501), flat(1, "Como", "u", 502)]))
    assert_columns(found, FLAT)
    assert ("customer_id",) not in deduplicated_sorts(found), (
        "rows are sorted, then one row of each customer is kept by dropDuplicates or first. It is any row, and they shuffle: "
        "the order of a sort isn't promised after a shuffle. On one machine the first row often is the newest; "
        "with more files, a retry or a spill it isn't, and nothing tells you"
    )


# ---------------------------------------------------------------- merge_changes

BEFORE = [
    (1, "N", "N@example.com", "Bari", 101, False),
    (2, "N", "N@example.com", "Bari", 102, False),
    (3, "N", "N@example.com", "Bari", 103, False),
    (4, "N", "N@example.com", "Bari", 104, False),
    (5, "N", "N@example.com", "Bari", 105, True),
    (6, "N", "N@example.com", "Bari", 106, True),
    (7, "N", "N@example.com", "Bari", 107, False),
    (8, "N", "N@example.com", "Bari", 108, False),
]
BATCH = [
    flat(1, "Como", "u", 112),
    flat(1, "Pisa", "u", 110),
    flat(2, "Como", "d", 120, name="Last"),
    flat(3, "Como", "u", 90),
    flat(5, "Como", "r", 150),
    flat(6, "Como", "u", 100),
    flat(20, "Como", "c", 130),
    flat(20, "Como", "c", 130),
    flat(21, "Como", "d", 131),
    flat(22, "Lodi", "c", 140),
    flat(22, "Lodi", "d", 141),
    flat(22, "Como", "c", 142),
]
TOUCHED = {1, 2, 5}
OLDER = [flat(1, "Lodi", "u", 111), flat(22, "Lodi", "d", 141)]  # than what BATCH has of the two
OVERTAKEN = {row[0] for row in OLDER}
AGAIN = [*(row for row in BATCH if row[0] not in OVERTAKEN), *OLDER]  # nothing new in it


def make_table(frame, table, rows, ddl=CUSTOMERS):
    """A Delta table with deletion vectors, in three files by ranges of customers."""
    ranges = frame(ddl, rows).repartitionByRange(3, "customer_id")
    ranges.write.format("delta").option("delta.enableDeletionVectors", "true").saveAsTable(table)


def files_by_customer(spark, table):
    rows = spark.table(table).select("customer_id", "_metadata.file_name").collect()
    return {row.customer_id: row.file_name for row in rows}


@pytest.fixture(scope="module")
def merged(learner, spark, frame, shared_schema):
    """One table, one merge, and a second one with nothing new: what was seen after each."""
    table = f"{shared_schema}.customers"
    make_table(frame, table, BEFORE)
    files = files_by_customer(spark, table)
    if set(files.values()) <= {files[customer] for customer in TOUCHED}:
        raise RuntimeError("the table has no file without a touched customer")
    seen = {"files": files}
    start = table_version(spark, table)
    learner.merge_changes(spark, table, frame(FLAT, BATCH))
    seen["rows"] = table_rows(spark, table)
    seen["columns"] = spark.table(table).columns
    seen["first"] = changes_since(spark, table, start)

    middle = table_version(spark, table)
    learner.merge_changes(spark, table, frame(FLAT, AGAIN))
    seen["second"] = changes_since(spark, table, middle)
    # No commit, no other rows: nothing to read again.
    seen["again"] = table_rows(spark, table) if seen["second"].versions else seen["rows"]
    return seen


def by_customer(rows):
    """The rows of each customer. A wrong answer may leave two of one, or a table without the column."""
    found = {}
    for row in sorted(rows, key=str):
        found.setdefault(getattr(row, "customer_id", None), []).append(row)
    return found


def row_of(seen, customer_id, when="rows", absent="{} is not in the table"):
    """The row of a customer, once it is sure that there is one and that its columns are there."""
    for row in seen[when][:1]:
        lost = [name for name in CUSTOMER_COLUMNS if name not in row]
        assert not lost, f"the table lost its column {lost[0]}"
    rows = by_customer(seen[when]).get(customer_id)
    assert rows, absent.format(f"customer {customer_id}")
    positions = sorted((row.lsn for row in rows), key=str)
    again = "came again" if len(set(positions)) == 1 else "is not newer"
    assert len(rows) == 1, (
        f"customer {customer_id} has {len(rows)} rows (lsn {' and '.join(map(str, positions))}): "
        f"an event that {again} became a row of its own"
    )
    return rows[0]


@check("merge_changes", points=2)
def test_newer_changes_are_applied(merged):
    """applies the newest change of a batch to a row, and inserts customers it has not seen"""
    assert row_of(merged, 1).city == "Como", (
        f"customer 1 has city {row_of(merged, 1).city}; of two updates in the batch, the one with the "
        "greater lsn says Como"
    )
    assert row_of(merged, 1).lsn == 112, "the row of customer 1 does not hold the lsn of its last change"
    new = row_of(merged, 20)
    assert (new.city, new.is_deleted) == ("Como", False), f"new customer 20 is {new.asDict()}"
    for customer in by_customer(merged["rows"]):
        row_of(merged, customer)


@check("merge_changes", points=2)
def test_older_changes_are_ignored(merged):
    """ignores a change that is older than the row in the table"""
    row = row_of(merged, 3)
    assert (row.city, row.lsn) == ("Bari", 103), (
        f"an event with lsn 90 changed customer 3, whose row was at lsn 103, to {row.city}, lsn {row.lsn}"
    )


@check("merge_changes", points=2)
def test_delete_leaves_a_deleted_row(merged):
    """turns a delete into a row marked deleted, with the columns of its last image"""
    gone = "the deleted {} is gone from the table; the next late update would bring it back to life"
    row = row_of(merged, 2, absent=gone)
    assert row.is_deleted, "customer 2 was deleted at lsn 120 and is not marked as deleted"
    assert (row.lsn, row.name, row.city) == (120, "Last", "Como"), (
        f"the deleted row is {row.asDict()}; expected lsn 120 and the columns of the event's image"
    )


@check("merge_changes")
def test_late_update_cannot_resurrect(merged):
    """keeps a deleted row deleted when an older update arrives"""
    row = row_of(merged, 6)
    assert row.is_deleted and row.lsn == 106, (
        f"customer 6 was deleted at lsn 106; an update with lsn 100 made it {row.asDict()}"
    )


@check("merge_changes", points=2)
def test_newer_row_lives_again(merged):
    """makes a deleted row live again for any newer create, update or snapshot read"""
    for customer, lsn in ((5, 150), (22, 142)):
        row = row_of(merged, customer)
        assert not row.is_deleted and (row.lsn, row.city) == (lsn, "Como"), (
            f"customer {customer} came back at lsn {lsn}, but its row is {row.asDict()}"
        )


@check("merge_changes")
def test_delete_of_unknown_customer_is_kept(merged):
    """inserts a deleted row for the delete of a customer that the table never saw"""
    lost = "the delete of {} left no row; when its create arrives late, the customer will look alive"
    row = row_of(merged, 21, absent=lost)
    assert row.is_deleted and row.lsn == 131, f"the row of customer 21 is {row.asDict()}"


@check("merge_changes")
def test_columns_stay_as_they_were(merged):
    """adds no column to the table, op least of all"""
    assert merged["columns"] == CUSTOMER_COLUMNS, (
        f"the table's columns are now {', '.join(merged['columns'])}; expected {', '.join(CUSTOMER_COLUMNS)}"
    )


@check("merge_changes", points=2)
def test_untouched_files_stay(merged):
    """rewrites only data files that hold a changed customer"""
    allowed = {merged["files"][customer] for customer in TOUCHED}
    removed = {path.split("/")[-1] for path in merged["first"].removed}
    needless = [c for c, file in merged["files"].items() if file in removed - allowed]
    assert not needless, (
        f"the data file of customers {sorted(needless)} was rewritten, though no event changes them; "
        "on a table of a billion rows that is the cost of a full load"
    )


@check("merge_changes", points=2)
def test_replay_changes_nothing(merged):
    """changes no row and rewrites no data file when events come again, or too late to count"""
    before, again = by_customer(merged["rows"]), by_customer(merged["again"])
    customers = sorted(before.keys() | again.keys(), key=str)
    changed = [one for one in customers if before.get(one) != again.get(one) and one not in OVERTAKEN]
    assert not changed, f"events that came again changed the rows of customers {changed}"
    second = merged["second"]
    assert not second.added and not second.removed, (
        "a second batch had nothing newer than the table: events that came again, and two older ones. "
        f"Data files it wrote: {len(second.added)}, removed: {len(second.removed)}"
    )


@check("merge_changes", points=2)
def test_order_of_batches_does_not_matter(merged):
    """ends in the same table when older events arrive after newer ones"""
    for customer in sorted(OVERTAKEN):
        before, after = row_of(merged, customer), row_of(merged, customer, "again")
        assert after == before, (
            f"customer {customer} was at lsn {before.lsn}; an older event in a later batch made it "
            f"{after.asDict()}"
        )


# ---------------------------------------------------------------- merge_evolving

WIDER = FLAT.replace("city string,", "city string, loyalty_tier string,")


def wide(customer_id, city, tier, op, lsn, email="N@example.com"):
    return (customer_id, "N", email, city, tier, op, lsn)


def rows_and_files(spark, table):
    """The rows of a table, and the data file that each customer is in."""
    table_version(spark, table)  # says so if the table is gone, or is no Delta table any more
    rows = [row.asDict() for row in collect(spark.table(table).select("*", "_metadata.file_name"))]
    files = {row.get("customer_id"): row.pop("file_name") for row in rows}
    return [Row(**row) for row in rows], files


@pytest.fixture(scope="module")
def evolved(learner, spark, frame, shared_schema):
    """A table that meets a wider batch and then a batch of the old shape."""
    table = f"{shared_schema}.evolving"
    make_table(frame, table, BEFORE[:6])
    batch = [
        wide(1, "Como", "gold", "u", 210, email=None),
        wide(2, "Como", "basic", "u", 50),
        wide(3, "Como", "gold", "d", 212),
        wide(5, "Como", "basic", "u", 100),
        wide(30, "Lodi", "basic", "c", 219),
        wide(30, "Como", "silver", "u", 220),
        wide(32, "Como", "basic", "d", 221),
    ]
    learner.merge_evolving(spark, table, frame(WIDER, batch))
    seen = {}
    seen["wider"], seen["files"] = rows_and_files(spark, table)
    # The event of customer 6 was in the table from the start.
    old_shape = [flat(1, "Lodi", "u", 310), flat(6, "Bari", "d", 106), flat(31, "Lodi", "c", 311)]
    learner.merge_evolving(spark, table, frame(FLAT, old_shape))
    seen["after"], seen["files_after"] = rows_and_files(spark, table)
    return seen


@check("merge_evolving", points=2)
def test_new_column_arrives(evolved):
    """adds the new column with its values, null for rows that no event touched"""
    rows = {customer: row_of(evolved, customer, "wider") for customer in (1, 30, 4)}
    assert "loyalty_tier" in rows[1], "the new column loyalty_tier did not reach the table"
    found = {customer: row.loyalty_tier for customer, row in rows.items()}
    assert found == {1: "gold", 30: "silver", 4: None}, (
        f"loyalty_tier by customer is {found}; expected gold for 1, silver for 30, null for 4"
    )
    assert "op" not in rows[1], "the column op reached the table"


@check("merge_evolving", points=2)
def test_rules_hold_while_evolving(evolved):
    """keeps the rules of merge_changes: one row a customer, older events ignored, deletes marked and kept"""
    row = row_of(evolved, 2, "wider")
    assert row.lsn == 102, f"an event with lsn 50 changed customer 2 to {row.asDict()}"
    row = row_of(evolved, 3, "wider", absent="the deleted {} is gone from the table")
    assert row.is_deleted and row.lsn == 212, f"the deleted row is {row.asDict()}"
    row = row_of(evolved, 5, "wider")
    assert row.is_deleted and row.lsn == 105, (
        f"customer 5 was deleted at lsn 105; an update with lsn 100 made it {row.asDict()}"
    )
    row = row_of(evolved, 30, "wider")
    assert (row.city, row.lsn) == ("Como", 220), (
        f"the new customer 30 is {row.asDict()}; of its two events, the one with the greater lsn says Como"
    )
    row = row_of(evolved, 32, "wider", absent="the delete of {}, unknown until then, left no row")
    assert row.is_deleted and row.lsn == 221, f"the row of the unknown, deleted customer 32 is {row.asDict()}"


@check("merge_evolving")
def test_null_is_a_value_while_evolving(evolved):
    """takes the null of a column that the event carries: it is no missing column"""
    row = row_of(evolved, 1, "wider")
    assert row.lsn == 210 and row.email is None, (
        f"the event of lsn 210 carries email, and it is null: the customer has none any more. The row is {row.asDict()}"
    )


@check("merge_evolving")
def test_replay_writes_no_row_while_evolving(evolved):
    """writes no row anew for an event that is in the table"""
    row_of(evolved, 6, "after")
    assert evolved["files"].get(6) == evolved["files_after"].get(6), (
        "customer 6 was at lsn 106 and its event of lsn 106 came again; the row was written to another data file. "
        "A replay of the feed would rewrite the table"
    )


@check("merge_evolving", points=2)
def test_old_shape_loses_no_column(evolved):
    """keeps the new column and its values when a batch of the old shape follows"""
    row = row_of(evolved, 30, "after")
    assert "loyalty_tier" in row, "after a batch of the old shape the column loyalty_tier is gone"
    assert row.loyalty_tier == "silver", "customer 30, untouched by the last batch, lost its tier"
    row = row_of(evolved, 1, "after")
    assert (row.city, row.loyalty_tier) == ("Lodi", "gold"), (
        f"customer 1 is {row.asDict()}; an event that does not carry the column says nothing about it"
    )
    new = "the new {}, of a batch without loyalty_tier, is not in the table"
    row = row_of(evolved, 31, "after", absent=new)
    assert row.loyalty_tier is None, f"customer 31 came without a loyalty_tier, and has {row.loyalty_tier}"


# ---------------------------------------------------------------- test_latest_changes


def first_to_arrive(changes):
    from pyspark.sql import functions as F

    arrived = changes.withColumn("at", F.monotonically_increasing_id())
    kept = arrived.groupBy("customer_id").agg(F.min_by(F.struct("*"), "at").alias("r"))
    return kept.select("r.*").drop("at")


def oldest_row(changes):
    from pyspark.sql import functions as F

    return changes.groupBy("customer_id").agg(F.min_by(F.struct("*"), "lsn").alias("r")).select("r.*")


def ties_kept(changes):
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    newest = F.rank().over(Window.partitionBy("customer_id").orderBy(F.desc("lsn")))
    return changes.withColumn("rank", newest).where("rank = 1").drop("rank")


def deletes_lost(changes):
    from pyspark.sql import functions as F

    live = changes.where("op <> 'd'")
    return live.groupBy("customer_id").agg(F.max_by(F.struct("*"), "lsn").alias("r")).select("r.*")


@check("test_latest_changes")
def test_your_test_is_silent_on_your_answer(learner, spark):
    """says nothing about your own latest_changes"""
    said = failure_of(learner.test_latest_changes, spark, learner.latest_changes)
    assert said is None, f"your test rejects your own latest_changes:\n{said}"


@check("test_latest_changes")
@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (oldest_row, "keeps the oldest change of each customer"),
        (first_to_arrive, "keeps the change of each customer that arrived first"),
        (ties_kept, "keeps both copies of a redelivered event"),
        (deletes_lost, "forgets deletes"),
    ],
    ids=["oldest", "first", "ties", "deletes"],
)
def test_your_test_notices(learner, spark, wrong, what):
    """raises an AssertionError on a wrong latest_changes"""
    said = failure_of(learner.test_latest_changes, spark, wrong)
    assert said is not None, f"your test says nothing about a latest_changes that {what}"

"""Checks of lab 17: results of the old functions, operators of plans, tasks of a write."""

import math
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import functions as F

from labkit.checks import (
    AnswerError,
    Case,
    assert_columns,
    assert_rows,
    cached,
    cases,
    check,
    collect,
    exchanges,
    has_python,
    java_column,
    measured,
    python_operators,
    release,
    run_frame,
    table_files,
    table_metadata,
    table_rows,
    task_writes,
    with_plan,
)

HINTS = {
    "normalise_subject": [
        "Take the steps of `normal_subject` one by one, in their order. Each has a function of "
        "Spark: `lower`, `regexp_replace`, `trim`, `substring`.",
        "What does Spark's `trim` remove, and what doesn't it? What does `\\s` match in Java's "
        "regular expressions?",
        "The loop over prefixes is one pattern: a group that may come several times, at the start.",
    ],
    "score_tags": [
        "`F.aggregate` goes through an array as the loop does. Its start value decides the type of "
        "the sum.",
        "`F.create_map` makes a map of the weights. What does it say of a tag that it doesn't "
        "hold, and what type has a map without entries?",
        "Spark has two functions that round. Read what each does with a half.",
    ],
    "business_days": [
        "`F.sequence` makes the days, `F.filter` keeps some of them, `F.size` counts.",
        "What is `sequence` of a day and the day before it? Try it.",
        "`F.weekday` and `F.dayofweek` begin with different days, and with different numbers.",
        "`from_utc_timestamp` knows when Berlin has summer time.",
    ],
    "checksum": [
        "`F.arrow_udf` and `F.pandas_udf` make a function of batches. Apply it to one column.",
        "What type has a pandas Series of two large integers and a `None`? How many digits does "
        "that type keep?",
        "The optimiser copies a function that it takes for pure. A UDF can say that it isn't.",
    ],
    "features": [
        "`persist` only marks a frame. Which action fills it, and when may you release it?",
        "A frame that you return is computed when somebody reads it, and by then the branch is "
        "released. How can an output hold its few rows?",
        "`toArrow` brings rows to the driver, `createDataFrame` makes a frame of them. "
        "`try` and `finally` release in every case.",
    ],
    "write_sized": [
        "Count rows by partition and by `F.spark_partition_id()`. That tells how many files each "
        "partition needs, and whether the tasks already hold them.",
        "A number of the file for each row (`row_number`, divided) can be a key of `repartition`, "
        "beside the partition column.",
        "Two keys may be hashed to one task. It would write both into one file, unless the writer "
        "has a limit: `maxRecordsPerFile`. Without a number, AQE joins small partitions of a "
        "`repartition`, here all of them.",
    ],
}

BLANKS = " \t\n\r\u00a0"
BERLIN = ZoneInfo("Europe/Berlin")
MODULUS = 2**61 - 1


def normal_subject(subject):
    if subject is None:
        return None
    text = re.sub(f"[{BLANKS}]+", " ", subject.lower().replace("ß", "ss")).strip(" ")
    while prefix := re.match("(re|fwd?): ?", text):
        text = text[prefix.end() :]
    return text[:40]


def tag_score(tags, weights):
    if tags is None:
        return None
    total = sum((weights.get(tag, 0.0) for tag in tags), 0.0)
    return total if math.isnan(total) else float(round(total))


def days_open(created_at, solved_at, holidays):
    if created_at is None or solved_at is None:
        return None
    day, end = (
        time.replace(tzinfo=UTC).astimezone(BERLIN).date() for time in (created_at, solved_at)
    )
    days = 0
    while day < end:
        days += day.weekday() < 5 and day not in holidays
        day += timedelta(days=1)
    return days


def vendor_checksum(text):
    total = 7
    for byte in text.encode():
        total = (total * 1_000_003 + byte) % MODULUS
    return total


def numbered(cases):
    """The values that each case gives, with the ids of their tickets; the first one comes twice."""
    ids = count(1)
    found = {case.name: [(next(ids), value) for value in case.given] for case in cases}
    for rows in found.values():
        rows.append(rows[0])
    return found


def wanted(case, rows):
    """The rows that a case must come to, the first one twice."""
    after = [*case.after, case.after[0]]
    return [(*row, value) for row, value in zip(rows, after, strict=True)]


def of(rows, case_rows):
    ids = {row[0] for row in case_rows}
    return [row for row in rows if row.ticket_id in ids]


def called(spark, call, given, ddl, new):
    """The frame that a call returns for a frame of two tasks, and the work of the call."""
    with measured(spark) as work:
        frame = call(given)
    assert_columns(frame, f"{ddl}, {new}")
    return SimpleNamespace(frame=frame, work=work, rows=collect(frame), given=given, ddl=ddl)


@pytest.fixture(scope="module")
def answer(task, request):
    return request.getfixturevalue(f"{task}_called")


# ------------------------------------------------------------------------------------ Tasks 1 to 4


@check("normalise_subject", "score_tags", "business_days", "checksum")
def test_rows_and_columns(answer):
    """returns the columns of `df` as they were, each row as often as it was given"""
    assert_rows(answer.rows, collect(answer.given), key="ticket_id", columns=answer.ddl)


@check("normalise_subject", "score_tags", "business_days", "checksum")
def test_runs_no_job(answer):
    """returns a plan, without running a job"""
    jobs = answer.work.jobs
    assert jobs == 0, f"the call ran {jobs} Spark job{'s' if jobs > 1 else ''} before it returned"


@check("normalise_subject", "score_tags", "business_days", "checksum")
def test_no_shuffle(answer):
    """moves no row: its plan has no shuffle"""
    found = exchanges(answer.frame).count("ShuffleExchange")
    assert not found, with_plan(
        f"the plan has {found} shuffle{'s' if found > 1 else ''}, for a column that depends on "
        "nothing but its own row",
        answer.frame,
        "ShuffleExchange",
    )


@check("normalise_subject", "score_tags", "business_days", points=2)
def test_no_python(answer):
    """has no Python worker in its plan"""
    assert not has_python(answer.frame), with_plan(
        "rows pass through Python workers", answer.frame, "Python"
    )


# ------------------------------------------------------------------------------- normalise_subject


def subjects(name, title, pairs):
    return Case(name, title, given=list(pairs), after=list(pairs.values()))


SUBJECTS = [
    subjects(
        "nulls",
        "keeps a null, and makes the empty string of whitespace",
        {None: None, "": "", "  ": "", "\t\u00a0": "", "\r\n": ""},
    ),
    subjects(
        "ends",
        "removes whitespace of each kind at both ends",
        {" a ": "a", "\tb\n": "b", "\u00a0c\u00a0": "c", "\r\nd \t\u00a0": "d"},
    ),
    subjects(
        "runs",
        "makes one blank of each run of whitespace",
        {"a  b": "a b", "a\tb": "a b", "a \u00a0\r\n b\u00a0c": "a b c"},
    ),
    subjects(
        "others",
        "keeps characters that only others take for whitespace",
        {
            "a\fb": "a\fb",
            "\x0bc": "\x0bc",
            "d\u2003 e\u2003": "d\u2003 e\u2003",
            "f\u2028g\u0085h": "f\u2028g\u0085h",
            "j \u0085": "j \u0085",
            "k \u2028": "k \u2028",
            "Re:\x0bi": "\x0bi",
        },
    ),
    subjects(
        "letters",
        "makes letters lower case, and `ss` of `ß`",
        {"LOST": "lost", "Straße": "strasse", "GROẞ": "gross", "Ärger É": "ärger é"},
    ),
    subjects(
        "prefixes",
        "removes all prefixes at the start",
        {
            "re: a": "a",
            "RE:b": "b",
            "Fwd: Re:\tfw:c": "c",
            "re:  d": "d",
            "\u00a0Fw: e": "e",
            "re: re:re: f": "f",
            "re:" * 20 + "g": "g",
            "re:": "",
            "fwd: ": "",
        },
    ),
    subjects(
        "no_prefixes",
        "keeps what only looks like a prefix",
        {
            "Report: a": "report: a",
            "re b": "re b",
            "re : c": "re : c",
            "fwdd: d": "fwdd: d",
            "e re: e": "e re: e",
            "forward: f": "forward: f",
            "re: g re: g": "g re: g",
        },
    ),
    subjects(
        "cut",
        "keeps the first 40 characters of the rest, and a blank among them",
        {
            "x" * 41: "x" * 40,
            f"Re: {'y' * 41}": "y" * 40,
            "ß" * 21: "ss" * 20,
            f"{'z' * 39}  z": f"{'z' * 39} ",
            f"w{' ' * 1_000_000}w": "w w",
        },
    ),
    subjects(
        "characters",
        "counts each code point as one character",
        {"😀" * 41: "😀" * 40, "e\u0301" * 21: "e\u0301" * 20, "ü" * 39 + "vw": "ü" * 39 + "v"},
    ),
]
SUBJECT_ROWS = numbered(SUBJECTS)
# Each `df` has columns by the names that answers give to what they compute on the way.
SUBJECT = "ticket_id long, subject string, meta map<string,string>, text string, words string"
COMPARED = "ticket_id long, subject string, subject_norm string"


@pytest.fixture(scope="module")
def normalise_subject_called(learner, spark, frame):
    rows = [(*row, {"a": "b"}, "t", "w") for some in SUBJECT_ROWS.values() for row in some]
    given = frame(SUBJECT, rows).coalesce(2)
    return called(spark, learner.normalise_subject, given, SUBJECT, "subject_norm string")


@check("normalise_subject")
@cases(SUBJECTS)
def test_subjects(normalise_subject_called, case):
    """{case}"""
    rows = SUBJECT_ROWS[case.name]
    found = of(normalise_subject_called.rows, rows)
    assert_rows(found, wanted(case, rows), key=["ticket_id", "subject"], columns=COMPARED)


# -------------------------------------------------------------------------------------- score_tags

WEIGHTS = {
    "refund": 2.5,
    "parcel": 1.0,
    "half": 0.5,
    "quarter": 0.25,
    "minus": -1.5,
    "broken": math.nan,
    "": 4.0,
}


def scores(name, title, *pairs):
    return Case(name, title, given=[tags for tags, _ in pairs], after=[one for _, one in pairs])


SCORES = [
    scores("no_tags", "is null without an array, and 0 for an empty one", (None, None), ([], 0.0)),
    scores(
        "repeated",
        "adds a tag as often as the array holds it",
        (["parcel", "parcel", "parcel"], 3.0),
        (["refund", "half", "refund", "half"], 6.0),
    ),
    scores(
        "unknown",
        "adds nothing for a tag without a weight, and nothing for a null",
        (["other", "parcel"], 1.0),
        (["parcel", None], 1.0),
        (["", None], 4.0),
        ([None], 0.0),
        (["other"], 0.0),
    ),
    scores(
        "capitals",
        "takes tags with other capitals for other tags",
        (["Parcel"], 0.0),
        (["parcel", "PARCEL"], 1.0),
    ),
    scores(
        "halves",
        "rounds a half to the even number",
        (["refund"], 2.0),
        (["half"], 0.0),
        (["parcel", "half"], 2.0),
        (["minus"], -2.0),
        (["minus", "minus", "half"], -2.0),
        (["refund", "minus", "minus"], 0.0),
    ),
    scores(
        "sums",
        "rounds the sum, not each weight",
        (["half", "half"], 1.0),
        (["quarter", "half"], 1.0),
        (["quarter", "parcel"], 1.0),
        (["half", "half", "half"], 2.0),
    ),
    scores(
        "nan",
        "is NaN with a weight that is NaN",
        (["broken"], math.nan),
        (["parcel", "broken", "half"], math.nan),
    ),
]
SCORE_ROWS = numbered(SCORES)
TAGGED = "ticket_id long, tags array<string>, meta map<string,string>, tag string, total string"
SCORED = "ticket_id long, tags array<string>, score double"


@pytest.fixture(scope="module")
def score_tags_called(learner, spark, frame):
    rows = [(*row, {"a": "b"}, "t", "s") for some in SCORE_ROWS.values() for row in some]
    given = frame(TAGGED, rows).coalesce(2)
    return called(spark, lambda df: learner.score_tags(df, WEIGHTS), given, TAGGED, "score double")


@check("score_tags")
@cases(SCORES)
def test_scores(score_tags_called, case):
    """{case}"""
    rows = SCORE_ROWS[case.name]
    found = of(score_tags_called.rows, rows)
    assert_rows(found, wanted(case, rows), key="ticket_id", columns=SCORED)


@check("score_tags")
def test_no_weights(learner, frame):
    """is 0 for each array when there are no weights"""
    rows = [(1, ["a", None]), (2, []), (3, None)]
    given = frame(TAGGED, [(*row, None, None, None) for row in rows])
    answer = learner.score_tags(given, {})
    assert_columns(answer, f"{TAGGED}, score double")
    assert_rows(
        collect(answer),
        [(1, 0.0), (2, 0.0), (3, None)],
        key="ticket_id",
        columns="ticket_id long, score double",
    )


# ----------------------------------------------------------------------------------- business_days

# A Friday, the days of a weekend, and a Monday that is in the list twice.
HOLIDAYS = [date(2026, 4, day) for day in (3, 4, 5, 6, 6)]


def time(text):
    """A time in UTC: "2026-03-02 09:30", or null."""
    return None if text == "null" else datetime.fromisoformat(text)


def opened(name, title, text):
    """ "2026-03-02 09:30, 2026-03-03 09:30: 1": created, solved, and the days; a line a ticket."""
    given, after = [], []
    for line in text.strip().splitlines():
        times, _, days = line.strip().rpartition(": ")
        created, solved = times.split(", ")
        given.append((time(created), time(solved)))
        after.append(None if days == "null" else int(days))
    return Case(name, title, given=given, after=after)


OPENED = [
    opened(
        "both_ends",
        "counts the day of the start, and not the day of the end",
        """2026-03-02 09:00, 2026-03-03 08:00: 1
        2026-03-02 09:00, 2026-03-06 20:00: 4
        2026-03-06 09:00, 2026-03-07 09:00: 1
        2026-03-08 09:00, 2026-03-09 09:00: 0
        2026-03-06 09:00, 2026-03-09 09:00: 1""",
    ),
    opened(
        "weekends",
        "leaves out Saturdays and Sundays",
        """2026-03-07 09:00, 2026-03-09 09:00: 0
        2026-03-08 09:00, 2026-03-10 09:00: 1
        2026-03-05 09:00, 2026-03-08 09:00: 2
        2026-03-02 09:00, 2026-03-23 09:00: 15""",
    ),
    opened(
        "holidays",
        "leaves out holidays, and none of them twice",
        """2026-04-02 09:00, 2026-04-07 09:00: 1
        2026-04-01 09:00, 2026-04-08 09:00: 3
        2026-04-01 09:00, 2026-04-03 09:00: 2
        2026-04-02 09:00, 2026-04-06 09:00: 1
        2026-04-06 09:00, 2026-04-07 09:00: 0""",
    ),
    opened(
        "winter",
        "takes days in Berlin in winter",
        """2026-03-02 23:30, 2026-03-04 09:00: 1
        2026-03-02 22:30, 2026-03-04 09:00: 2
        2026-03-02 09:00, 2026-03-04 23:30: 3
        2026-03-02 09:00, 2026-03-04 22:30: 2""",
    ),
    opened(
        "summer",
        "takes days in Berlin in summer",
        """2026-06-01 22:30, 2026-06-03 09:00: 1
        2026-06-01 21:30, 2026-06-03 09:00: 2
        2026-06-01 09:00, 2026-06-03 22:30: 3
        1978-07-03 22:30, 1978-07-05 09:00: 2""",
    ),
    opened(
        "clock_changes",
        "takes days in Berlin where the clock changes while a ticket is open",
        """2026-03-27 09:00, 2026-03-30 22:30: 2
        2026-03-26 23:30, 2026-03-31 09:00: 2
        2026-10-23 09:00, 2026-10-26 22:30: 1
        2026-10-22 22:30, 2026-10-27 09:00: 2""",
    ),
    opened(
        "same_day",
        "is 0 for a ticket that was solved on its first day, or before",
        """2026-03-02 09:00, 2026-03-02 18:00: 0
        2026-03-03 09:00, 2026-03-02 18:00: 0
        2026-03-20 09:00, 2026-03-02 18:00: 0
        2026-03-03 18:00, 2026-03-03 09:00: 0""",
    ),
    opened(
        "no_time",
        "is null without one of the times",
        """null, 2026-03-03 09:00: null
        2026-03-02 09:00, null: null
        null, null: null""",
    ),
    opened(
        "archive",
        "counts days before 1970 as well",
        """1899-12-29 09:00, 1900-01-03 09:00: 3
        1900-01-05 09:00, 1900-01-08 09:00: 1
        1900-01-07 09:00, 1900-01-09 09:00: 1
        1969-12-31 09:00, 1970-01-05 09:00: 3""",
    ),
]
OPENED_ROWS = numbered(OPENED)
OPEN = (
    "solved_at timestamp, ticket_id long, created_at timestamp, meta map<string,string>, "
    "start string, end string, days string"
)
COUNTED = "ticket_id long, created_at timestamp, solved_at timestamp, business_days int"


@pytest.fixture(scope="module")
def business_days_called(learner, spark, frame):
    rows = [
        (solved, number, created, {"a": "b"}, "s", "e", "d")
        for some in OPENED_ROWS.values()
        for number, (created, solved) in some
    ]
    given = frame(OPEN, rows).coalesce(2)
    return called(
        spark,
        lambda df: learner.business_days(df, HOLIDAYS),
        given,
        OPEN,
        "business_days int",
    )


@check("business_days")
@cases(OPENED)
def test_days(business_days_called, case):
    """{case}"""
    rows = [(number, *times) for number, times in OPENED_ROWS[case.name]]
    found = of(business_days_called.rows, rows)
    key = ["ticket_id", "created_at", "solved_at"]
    assert_rows(found, wanted(case, rows), key=key, columns=COUNTED)


@check("business_days")
def test_no_holidays(learner, frame):
    """counts all working days when there are no holidays"""
    given = frame(
        "created_at timestamp, solved_at timestamp",
        [(time("2026-04-02 09:00"), time("2026-04-08 09:00"))],
    )
    answer = learner.business_days(given, [])
    (row,) = collect(answer)
    assert row.business_days == 4, (
        f"without holidays, a ticket from Thursday, 2 April, to Wednesday, 8 April was open for "
        f"{row.business_days} days, expected 4"
    )


# ---------------------------------------------------------------------------------------- checksum

CHECKED = [
    Case("exact", "is exact for each text, also for the empty one", given=["parcel", "", "Straße"]),
    Case("nulls", "is null without a subject", given=[None, "between", None, "two nulls"]),
]
CHECKED_ROWS = numbered(CHECKED)
SUMMED = "ticket_id long, subject string, checksum long"
WIDE_ROWS, WIDE = 300, 4_000
# What Arrow adds to so many short subjects is a few thousand bytes, a wide column over a million.
MOST_SENT = 100_000


@pytest.fixture(scope="module")
def checksum_called(learner, spark, frame):
    rows = [(*row, {"a": "b"}, "t", "w") for some in CHECKED_ROWS.values() for row in some]
    given = frame(SUBJECT, rows).coalesce(2)
    return called(spark, learner.checksum, given, SUBJECT, "checksum long")


@check("checksum")
@cases(CHECKED)
def test_checksums(checksum_called, case):
    """{case}"""
    rows = CHECKED_ROWS[case.name]
    after = [None if text is None else vendor_checksum(text) for _, text in rows]
    expected = [(*row, value) for row, value in zip(rows, after, strict=True)]
    found = of(checksum_called.rows, rows)
    assert_rows(found, expected, key="ticket_id", columns=SUMMED)


@check("checksum", points=2)
def test_batches(checksum_called):
    """gives Python a batch of rows at a time"""
    frame = checksum_called.frame
    found = python_operators(frame)
    assert found, with_plan("no row reaches Python, so the vendor's code wasn't called", frame)
    for operator in found:
        assert not operator.by_row, with_plan(
            f"{operator.name} calls a Python function for each row", frame, "Python"
        )


@check("checksum")
def test_only_subjects_are_sent(learner, frame):
    """sends Python no column but the subject"""
    rows = [("w" * WIDE, "s", "v" * WIDE)] * WIDE_ROWS
    answer = learner.checksum(frame("ticket string, subject string, note string", rows))
    sent = run_frame(answer).python_bytes
    assert sent <= MOST_SENT, (
        f"Python was sent {sent:,} bytes for {WIDE_ROWS} subjects of one letter; each other column "
        f"of `df` has {WIDE_ROWS * WIDE:,} letters"
    )


@check("checksum")
def test_filter_runs_python_once(checksum_called):
    """runs Python once when a consumer filters by the checksum"""
    filtered = checksum_called.frame.where("checksum > 9")
    times = len(python_operators(filtered))
    assert times == 1, with_plan(
        f"the plan of `checksum(df).where(...)` has {times} operators with a Python worker; the "
        "vendor is asked as often for each row",
        filtered,
        "Python",
    )


# ---------------------------------------------------------------------------------------- features

TICKETS = "lang string, ticket_id long, created_at timestamp, amount decimal(12,2), note string"
OUTPUTS = {
    "by_lang": "lang string, tickets long, amount decimal(22,2)",
    "by_day": "day date, tickets long, amount decimal(22,2)",
    "largest": "ticket_id long, amount decimal(12,2)",
    "total": "tickets long, amount decimal(22,2)",
}
COPIES = 14_000
MOST_RETURNED = 250_000


def bill(text):
    """ "7 de 02 1.50": id, language, day of March and amount."""
    number, lang, day, amount = text.split()
    at = None if day == "null" else datetime(2026, 3, int(day), 23, 30)
    value = None if amount == "null" else round(float(amount) * 100)
    return (None if lang == "null" else lang, int(number), at, value, "n")


BILLS = [
    *map(
        bill,
        (
            "1 de 02 10.50",
            "2 de 02 3.00",
            "3 de 03 7.25",
            "3 de 03 7.25",
            "4 en 03 10.50",
            "5 en 04 null",
            "6 fr 05 0.00",
            "7 pt 06 -4.00",
            "8 null 03 1.25",
            "9 en null 2.50",
            "10 null null 7.25",
            "10 null null 0.75",
            "12 de 02 7.25",
        ),
    ),
    ("fr", 13, datetime(1899, 12, 30, 9, 30), 125, "n"),
    ("", 14, datetime(2026, 3, 2, 23, 30), 125, "n"),
]


def cents(df):
    """`df` with the amount, given as cents, as a decimal."""
    return df.withColumn("amount", F.expr("cast(amount / 100 AS decimal(12,2))"))


def unlike_others(df):
    """The same rows by another plan: Spark removes equal plans from the cache together."""
    return df.where(f"'{uuid4()}' IS NOT NULL")


CENTS = TICKETS.replace("decimal(12,2)", "long")


def outputs_of(answer):
    """The rows of the four outputs, once each has its columns."""
    assert isinstance(answer, dict), f"returned {type(answer).__name__}, expected a dict"
    missing = [name for name in OUTPUTS if name not in answer]
    assert not missing, f"the dict has no {', '.join(missing)}"
    for name, columns in OUTPUTS.items():
        try:
            assert_columns(answer[name], columns)
        except AssertionError as wrong:
            raise AssertionError(f"{name}: {wrong}") from None
    return {name: collect(answer[name]) for name in OUTPUTS}


@pytest.fixture(scope="module")
def by_hand(learner, frame):
    return outputs_of(learner.features(unlike_others(cents(frame(CENTS, BILLS)))))


def expected(rows, place):
    """Number and sum of the amounts above 0, by the value at a place."""
    counted = [row for row in rows if (row[3] or 0) > 0]
    return [
        (value, len(amounts), Decimal(sum(amounts)) / 100)
        for value in {place(row) for row in counted}
        for amounts in [[row[3] for row in counted if place(row) == value]]
    ]


GROUPS = [
    Case("by_lang", "returns a row for each language, also for null and for an empty text"),
    Case("by_day", "returns a row for each day, also for null"),
]


@check("features")
@cases(GROUPS)
def test_groups(by_hand, case):
    """{case}"""
    places = {"by_lang": lambda row: row[0], "by_day": lambda row: row[2] and row[2].date()}
    columns = OUTPUTS[case.name]
    rows = expected(BILLS, places[case.name])
    assert_rows(by_hand[case.name], rows, key=columns.split()[0], columns=columns)


@check("features")
def test_largest(by_hand):
    """returns the three largest amounts, of equal ones those with the smaller ids"""
    rows = [(1, Decimal("10.50")), (4, Decimal("10.50")), (3, Decimal("7.25"))]
    assert_rows(by_hand["largest"], rows, key="ticket_id", columns=OUTPUTS["largest"])


@check("features")
def test_total(by_hand):
    """returns the number of tickets with an amount above 0, and its sum"""
    found = [tuple(row) for row in by_hand["total"]]
    assert found == [(12, Decimal("60.00"))], f"total has {found}, expected 12 tickets and 60.00"


@check("features")
def test_no_tickets(learner, frame):
    """returns one row of `total`, and no other, when no ticket counts"""
    rows = [row for row in BILLS if (row[3] or 0) <= 0]
    found = outputs_of(learner.features(unlike_others(cents(frame(CENTS, rows)))))
    total = [tuple(row) for row in found.pop("total")]
    assert total == [(0, None)], f"total has {total} when no amount is above 0"
    for name, left in found.items():
        assert not left, f"{name} has {len(left)} rows when no amount is above 0"


def small_cents(number, copy):
    """The amount of a copy of a ticket; no two copies in a row are alike, so none compress well."""
    return number * copy * 7919 % 100_003 + 1


def counting(spark, seen):
    """0, as a column that counts under a name how often the row of each ticket is computed."""
    key = F.concat(F.lit(f"{seen}."), F.col("ticket_id").cast("string"))
    before = java_column(spark, "java.lang.System", "getProperty", key)
    after = F.concat(before, F.lit("+"))
    kept = java_column(spark, "java.lang.System", "setProperty", key, after)
    return F.when(kept.isNull(), 0).otherwise(0)


def counted(spark, seen):
    """How often the row of a ticket was computed, at most."""
    system = spark._jvm.java.lang.System
    found = [system.getProperty(f"{seen}.{row[1]}") for row in BILLS[:3]]
    return max((times or "").count("+") for times in found)


@pytest.fixture(scope="module")
def moving(learner, spark, frame):
    """One call for a source whose three large amounts are others each time it is computed."""
    drawn = F.lit(1e6) + java_column(spark, "java.lang.Math", "random").cast("double") * 1e6
    seen = f"lean_job.{uuid4()}"
    large, small = drawn + counting(spark, seen), "(ticket_id * copy * 7919 % 100003 + 1) / 100"
    amount = F.when(F.expr("copy = 1"), large).otherwise(F.expr(small)).cast("decimal(12,2)")
    many = frame(CENTS, BILLS[:3]).withColumn("copy", F.expr(f"explode(sequence(1, {COPIES}))"))
    source = unlike_others(many.withColumn("amount", amount).drop("copy"))
    with measured(spark) as work:
        answer = learner.features(source)
    kept = cached(source)
    during = counted(spark, seen)
    rows, again = outputs_of(answer), outputs_of(answer)
    release(source)
    return SimpleNamespace(
        rows=rows, again=again, jobs=work.jobs, returned=work.result_bytes, kept=kept, times=during
    )


@check("features", points=2)
def test_computed_once(moving):
    """computes the tickets once, during the call, for all outputs and for all who read them"""
    assert moving.jobs, "the call ran no Spark job: the tickets are computed when somebody reads"
    assert moving.times <= 1, (
        f"the call computed the first rows of `tickets` {moving.times} times; where each costs a "
        "second of Python, the job takes so much longer"
    )
    sums = {name: sum(row.amount or 0 for row in moving.rows[name]) for name in OUTPUTS}
    small = (small_cents(number, copy) for number in (1, 2, 3) for copy in range(2, COPIES + 1))
    sums["largest"] += Decimal(sum(small)) / 100
    story = (
        "The three largest amounts given here are others each time the tickets are computed, as "
        "in a source that changes between two reads"
    )
    assert len(set(sums.values())) == 1, (
        f"the outputs don't add up to the same amount. {story}: "
        + ", ".join(
            f"{amount:,} in {name}{' and all smaller ones' if name == 'largest' else ''}"
            for name, amount in sums.items()
        )
    )
    for name, rows in moving.rows.items():
        assert Counter(rows) == Counter(moving.again[name]), (
            f"{name} has other rows when it is read a second time. {story}"
        )


@check("features")
def test_rows_stay_on_the_executors(moving):
    """sends no row of the branch through the driver"""
    assert moving.returned <= MOST_RETURNED, (
        f"the tasks returned {moving.returned:,} bytes to the driver for a branch of "
        f"{3 * COPIES:,} rows; {MOST_RETURNED:,} are plenty for the outputs. A branch that doesn't "
        "fit into the driver ends the job"
    )


@check("features")
def test_cache_is_released(moving):
    """leaves nothing in Spark's cache"""
    assert not moving.kept, (
        f"cached frames left after the call: {moving.kept}; executors hold that memory until the "
        "application ends"
    )


@check("features")
def test_released_after_an_error(learner, frame):
    """releases the cache and lets the error through when a ticket can't be computed"""
    # The fault is in what `explode` makes: Spark would compute a local row while it plans.
    faulty = "if(copy < 2, amount, cast(raise_error('no rate') AS decimal(12,2)))"
    twice = cents(frame(CENTS, BILLS)).withColumn("copy", F.expr("explode(sequence(1, 2))"))
    source = unlike_others(twice.withColumn("amount", F.expr(faulty)).drop("copy"))
    error = None
    try:
        for output in learner.features(source).values():
            collect(output)
    except AnswerError as raised:
        if raised.outcome != "error":
            raise
        error = raised
    kept = cached(source)
    release(source)
    assert error, "a ticket can't be computed, and no error came out"
    assert not kept, f"a ticket can't be computed, and cached frames are left: {kept}"


# ------------------------------------------------------------------------------------- write_sized

SIZED = "note string, lang string, ticket_id long"
ROWS_PER_FILE = 6
# Exactly ten times as many rows as a file may have.
PER_LANG = {"de": 37, "fr": 7, None: 5, "pt": 6, "es": 5}


def rows_of(per_lang):
    ids = count(1)
    return [("n", lang, next(ids)) for lang, times in per_lang.items() for _ in range(times)]


def in_tasks(frame, tasks):
    """A frame with these tasks, rows by lang; read it and nothing is shuffled again."""
    ids = count(1)
    rows = [
        ("n", lang, next(ids), task) for task, pieces in enumerate(tasks)
        for lang, times in pieces.items() for _ in range(times)
    ]  # fmt: skip
    placed = frame(f"{SIZED}, task int", rows).repartitionById(len(tasks), F.col("task"))
    return placed.drop("task").localCheckpoint()


def written(spark, call, table):
    """What a call wrote: the table with its rows, rows by file, and what each task wrote."""
    with task_writes(spark) as tasks:
        call(table)
    files = {}
    for path, rows in table_files(spark, table).items():
        folder, _, _ = path.rpartition("/")
        files.setdefault(folder.rpartition("=")[2], []).append(rows)
    return SimpleNamespace(
        table=table, frame=spark.table(table), tasks=tasks, rows=table_rows(spark, table),
        files=files, by=table_metadata(spark, table)["partitionColumns"],
    )  # fmt: skip


def folder_of(lang):
    return "__HIVE_DEFAULT_PARTITION__" if lang is None else lang


def assert_files(files, per_lang, most):
    """The fewest files of at most so many rows, in each partition."""
    for lang, rows in per_lang.items():
        found = sorted(files.get(folder_of(lang), []), reverse=True)
        fewest = math.ceil(rows / most)
        assert len(found) == fewest, (
            f"the {rows} rows of the partition {lang or 'null'} are in {len(found)} files "
            f"({', '.join(map(str, found[:12])) or 'no'} rows); with at most {most} in a file, "
            f"there should be {fewest}"
        )
        assert max(found) <= most, (
            f"a file of the partition {lang or 'null'} has {max(found)} rows; `rows_per_file` is "
            f"{most}"
        )


@pytest.fixture(scope="module")
def spread(learner, spark, frame, shared_schema):
    """A write of rows that lie in five tasks, mixed."""
    given = frame(SIZED, rows_of(PER_LANG)).repartition(5)
    return written(
        spark,
        lambda table: learner.write_sized(given, table, "lang", ROWS_PER_FILE),
        f"{shared_schema}.spread",
    )


@check("write_sized")
def test_rows_of_the_table(spread):
    """writes all rows and columns, partitioned by the given column"""
    assert_columns(spread.frame, SIZED)
    assert spread.by == ["lang"], (
        f"the table is partitioned by {', '.join(spread.by) or 'nothing'}, expected lang"
    )
    assert_rows(spread.rows, rows_of(PER_LANG), key="ticket_id", columns=SIZED)


@check("write_sized")
def test_rows_of_a_file(spread):
    """writes no file with more than `rows_per_file` rows"""
    largest = max(rows for found in spread.files.values() for rows in found)
    assert largest <= ROWS_PER_FILE, (
        f"a file has {largest} rows; `rows_per_file` is {ROWS_PER_FILE}"
    )


@check("write_sized")
def test_fewest_files(spread):
    """writes as few files in each partition as that allows"""
    assert_files(spread.files, PER_LANG, ROWS_PER_FILE)


@check("write_sized")
def test_tasks_share_the_write(spread):
    """has no task that writes more than half of the rows"""
    rows = [task.rows for task in spread.tasks]
    assert max(rows) <= sum(rows) / 2, (
        f"a task wrote {max(rows)} of the {sum(rows)} rows, with `rows_per_file` {ROWS_PER_FILE}"
    )


# No file of `de` is full: its rows are in as few files as they can be, all the same.
RIGHT = [{"de": 5}, {"de": 4}, {"fr": 6}, {None: 4}, {None: 5}]
# As many tasks as files, and none with more rows than a file; but one has rows of two partitions.
MIXED = [{"de": 3, None: 2}, {None: 4}, {"fr": 6}]


@check("write_sized", points=2)
def test_no_shuffle_where_rows_lie_right(learner, spark, frame, schema):
    """writes rows that already lie in the tasks of their files without a shuffle"""
    given = in_tasks(frame, RIGHT)
    found = written(
        spark,
        lambda table: learner.write_sized(given, table, "lang", ROWS_PER_FILE),
        f"{schema}.right",
    )
    assert_files(found.files, {"de": 9, "fr": 6, None: 9}, ROWS_PER_FILE)
    moved = sum(task.shuffled for task in found.tasks)
    assert not moved, (
        f"the tasks that write read {moved} rows from a shuffle, although each task of `df` had "
        "the rows of one file: "
        + ", ".join(f"{rows} of {lang or 'null'}" for task in RIGHT for lang, rows in task.items())
    )


@check("write_sized")
def test_null_beside_another_value(learner, spark, frame, schema):
    """writes the fewest files where a task has rows of null and of another partition"""
    given = in_tasks(frame, MIXED).withColumnRenamed("lang", "place")
    found = written(
        spark,
        lambda table: learner.write_sized(given, table, "place", ROWS_PER_FILE),
        f"{schema}.mixed",
    )
    assert_files(found.files, {"de": 3, "fr": 6, None: 6}, ROWS_PER_FILE)

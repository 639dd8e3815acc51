"""Checks of lab 05: hand-written logs, planted orders, and the plan and counters of the report."""

import json
import runpy
import shlex
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from labkit.checks import (
    AnswerError,
    Case,
    assert_columns,
    assert_frame,
    assert_rows,
    cached,
    cases,
    check,
    collect,
    exchanges,
    has_python,
    java_column,
    measured,
    operators,
    own_jobs,
    partitionings,
    release,
    scans,
    stages_of,
    stories,
    with_plan,
)

HINTS = {
    "stage_table": [
        "Two kinds of events matter: SparkListenerStageCompleted and SparkListenerTaskEnd. Parse "
        "every line once with `from_json` and EVENT, then treat the two kinds as two tables.",
        "A task attempt counts when its end reason is Success. The field `Failed` alone doesn't "
        "tell: a killed speculative copy has not failed.",
        "A stage in which no task succeeded is still a stage that took time. Which join keeps it?",
    ],
    "diagnosis": [
        "Sort by duration, then look at one stage only. The order of the lines in the table of "
        "causes is the order of the conditions in `when(...).when(...)`.",
        "In ANSI mode a division by zero is an error, and a median can be 0 ms.",
    ],
    "fast_report": [
        "Begin with what blocks the optimizer: a function that gets the whole row. Which of its "
        "conditions are about the order alone, and could come before any join?",
        "Write what `price` does with column expressions. Try each line of it in a Python prompt "
        "with a null, an empty string, a tab, and with 0.125: does `quantize` round up?",
        "The join with the rates has an equality in it: the cleaned currency. Join on it *and* on "
        "the validity, and the nested loop is gone.",
        "`year(ordered_at) = 2026` is true for the right rows, but a Parquet reader can't apply "
        "it. It can apply a range.",
    ],
    "materialise_once": [
        "`persist` only marks the frame; the first action fills it, and a write is an action.",
        "What happens to your cached frame when a write raises? Python has a statement for that.",
    ],
}

STAGES = (
    "stage_id bigint, name string, duration_ms bigint, tasks bigint, max_task_ms bigint, "
    "median_task_ms double, shuffle_read_bytes bigint, shuffle_write_bytes bigint, "
    "spill_bytes bigint"
)
DIAGNOSIS = "stage_id bigint, share double, skew_ratio double, cause string"
REPORT = "country string, segment string, orders bigint, revenue decimal(24,2), share double"
PRICED = "country string, ordered_on date, euro decimal(14,2)"


def all_of(cases, part):
    return [row for case in cases for row in getattr(case, part)]


def value(text):
    return None if text == "null" else float(text) if "." in text else int(text)


# ----------------------------------------------------------------------------------- stage_table


def attempt_of(stage):
    """104.1 is the second attempt of stage 104."""
    number, attempt = divmod(round(10 * stage), 10)
    return {"Stage ID": number, "Stage Attempt ID": attempt}


def stage(stage, start, end):
    """The event with which an attempt of a stage ends, or begins when it has no end."""
    info = attempt_of(stage) | {"Stage Name": f"stage {int(stage)}", "Submission Time": start}
    if end is None:
        return {"Event": "SparkListenerStageSubmitted", "Stage Info": info}
    info["Completion Time"] = end
    return {"Event": "SparkListenerStageCompleted", "Stage Info": info}


def task(stage, partition, ms, reason="Success", remote=0, local=0, written=0, spilled=0):
    """The event with which a task attempt ends; the last four are bytes."""
    start = 2_000 + 100 * partition
    info = {"Task ID": partition, "Index": partition, "Partition ID": partition}
    info |= {"Launch Time": start, "Finish Time": start + ms}
    info |= {"Failed": "Failure" in reason, "Killed": reason == "TaskKilled"}
    reads = {"Remote Bytes Read": remote, "Remote Bytes Read To Disk": 1, "Local Bytes Read": local}
    metrics = {"Executor Run Time": ms // 2, "Shuffle Read Metrics": reads}
    metrics |= {"Memory Bytes Spilled": 9 * spilled, "Disk Bytes Spilled": spilled}
    metrics |= {"Shuffle Write Metrics": {"Shuffle Bytes Written": written}}
    event = {"Event": "SparkListenerTaskEnd", **attempt_of(stage), "Task Info": info}
    return event | {"Task End Reason": {"Reason": reason}, "Task Metrics": metrics}


def line(text):
    """A line of the log: "stage 101 1100 2000", or "task 101 0 20 TaskKilled 1 2 3 4"."""
    kind, *words = text.split()
    values = [word if word[0].isupper() else value(word) for word in words]
    return json.dumps({"stage": stage, "task": task}[kind](*values))


def stage_row(text):
    """A row as in STAGES, without its name."""
    number, *rest = map(value, text.split())
    return (number, f"stage {number}", *rest)


LOGS = stories(
    """
waits: a stage that waits for a core before its first task, with an even number of tasks
task 101 0 20, task 101 1 30, task 101 2 70, task 101 3 400, stage 101 1100 2000
| 101 900 4 400 50.0 0 0 0

bytes: a stage with bytes of each kind, added up
task 102 0 90 Success 100 20 1000 4, task 102 1 60 Success 50 2 2000 5,
task 102 2 30 Success 25 0 4000 0, stage 102 3000 9000 | 102 6000 3 90 60.0 197 7000 9

failed_attempts: a stage with failed and killed attempts beside those that succeeded
task 103 0 40, task 103 1 5000 ExceptionFailure 9 9 9 9, task 103 1 50,
task 103 2 700 TaskKilled 9 9 9 9, stage 103 3000 9000 | 103 6000 2 50 45.0 0 0 0

ran_twice: a stage with two attempts: a partition counts once, its times and bytes both times
task 104 0 100 Success 1 2 8 1, task 104 1 100 Success 1 2 8 1, task 104 2 100 Success 1 2 8 1,
stage 104 1000 1500, task 104.1 1 300 Success 1 2 8 1, task 104.1 2 300 Success 1 2 8 1,
stage 104.1 9000 9700 | 104 1200 3 300 100.0 15 40 5

never_succeeded: a stage in which no task succeeded
task 105 0 4000 ExceptionFailure, task 105 0 4000 ExecutorLostFailure, stage 105 10000 19000
| 105 9000 0 null null 0 0 0
""",
    given=line,
    after=stage_row,
)
OTHERS = [
    '{"Event": "SparkListenerLogStart", "Spark Version": "4.2.0"}',
    '{"Event": "SparkListenerJobStart", "Stage IDs": [106], "Stage Infos": [{"Stage ID": 106}]}',
    line("stage 107 20000 null"),
    line("task 107 0 77"),
    line("stage 108 1000 2000").removesuffix("}}"),
]
# Of the 25 stages of the real log, numbered from 0, those that lasted longest.
LONGEST = [
    (number, f"{call} at NativeMethodAccessorImpl.java:0", *rest, 0)
    for number, call, *rest in (
        (15, "count", 20_383, 16, 11_355, 1_274.0, 4_954_319, 1_366),
        (20, "parquet", 22_341, 16, 15_952, 1_220.0, 4_954_319, 253_782),
        (22, "parquet", 34_553, 16, 11_200, 1_100.0, 4_954_319, 217_300),
    )
]


@pytest.fixture(scope="module")
def stages(learner, spark, dataset, inbox):
    """The rows of the slow job's log, stages 0 to 24, with the lines of all cases behind it."""
    written = inbox("log") / "log.jsonl"
    written.write_text("\n".join([*all_of(LOGS, "given"), *OTHERS]) + "\n")
    logs = [str(dataset("order_report") / "event_log.jsonl.gz"), str(written)]
    found = learner.stage_table(spark.read.text(logs))
    assert_columns(found, STAGES)
    return collect(found)


def of_stages(stages, expected):
    """Fails unless these stages have the rows expected."""
    ids = {row[0] for row in expected}
    found = [row for row in stages if row.stage_id in ids]
    assert_rows(found, expected, key="stage_id", columns=STAGES)


@check("stage_table")
@cases(LOGS)
def test_row_of_a_stage(stages, case):
    """Returns the row of {case}"""
    of_stages(stages, case.after)


@check("stage_table")
def test_only_completed_stages(stages):
    """Has no row for a stage that was skipped or still ran, a cut-off line, or another event"""
    known = {*range(25), *(row[0] for row in all_of(LOGS, "after"))}
    extra = sorted({row.stage_id for row in stages} - known, key=str)
    assert not extra, (
        f"there are rows with the stage_id {', '.join(map(str, extra))}: stage 106 was skipped, "
        "107 still ran, the line of 108 is cut off, and other events are of no stage"
    )


@check("stage_table")
def test_reads_the_real_log(stages):
    """Reads the log of the slow job: its 25 stages, the three longest as the history server does"""
    found = len({row.stage_id for row in stages} & {*range(25)})
    assert found == 25, f"{found} of the log's 25 stages have a row"
    of_stages(stages, LONGEST)


# ------------------------------------------------------------------------------------- diagnosis


def diagnosis_row(text):
    *numbers, cause = text.split()
    return (*map(value, numbers), cause)


# Stages are: id, duration, tasks, longest, median, bytes read, written, spilled.
DIAGNOSED = stories(
    """
longest: takes the stage that lasted longest, not that of the slowest task or most task time
4 5000 8 4900 300.0 9 9 0, 6 6000 4 1500 1250.0 1 1 0, 9 9000 100 400 390.0 9999 9999 7,
8 12000 100 1500 1250.0 1 1 0, 5 8000 100 1300 1290.0 1 1 0 | 8 0.3 1.2 compute

tie: takes the smaller id of two equally long stages; `failed` has no ratio
8 500 4 100 90.0 0 0 0, 3 500 0 null null 0 0 0 | 3 0.5 null failed

single_task: says `single_task` of one task, although it spilled
7 1000 4 250 240.0 0 0 0, 1 9000 1 8900 8900.0 9 9 50 | 1 0.9 1.0 single_task

skew: says `skew` of a ratio of exactly 3, although the stage spilled
7 1000 4 250 240.0 0 0 0, 1 9000 16 3000 1000.0 9 9 50 | 1 0.9 3.0 skew

spill: says `spill` of a stage that spilled, although its many tasks are tiny
7 1000 4 250 240.0 0 0 0, 1 9000 200 80 40.0 9 9 50 | 1 0.9 2.0 spill

tiny_tasks: says `tiny_tasks` of 100 tasks with a median just under 50 ms
7 1000 4 250 240.0 0 0 0, 1 9000 100 99 49.5 9 9 0 | 1 0.9 2.0 tiny_tasks

not_tiny: says `compute` of 100 tasks with a median of 50 ms
7 1000 4 250 240.0 0 0 0, 1 9000 100 100 50.0 9 9 0 | 1 0.9 2.0 compute

few_tasks: says `compute` of 99 short tasks that move many bytes
7 1000 4 250 240.0 0 0 0, 1 9000 99 99 49.5 1000000000 1000000000 0 | 1 0.9 2.0 compute

median_of_zero: takes a median of 0 ms for 1 ms
7 1000 4 250 240.0 0 0 0, 1 3000 40 2800 0.0 0 0 0 | 1 0.75 2800.0 skew

median_of_a_half: takes a median of half a millisecond for 1 ms
7 1000 4 250 240.0 0 0 0, 1 3000 40 2 0.5 0 0 0 | 1 0.75 2.0 compute
""",
    given=stage_row,
    after=diagnosis_row,
)


@check("diagnosis")
@cases(DIAGNOSED)
def test_longest_stage(learner, frame, case):
    """{case}"""
    found = learner.diagnosis(frame(STAGES, case.given))
    assert_frame(found, case.after, key="stage_id", schema=DIAGNOSIS)


# ----------------------------------------------------------------------------------- fast_report


# Numbers of customers and orders from here on are in no generated data, whatever its scale.
OURS = 10**9


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def order(text):
    """A row of orders from "901 NOK 1.00 shipped 2026-03-01", or less than that."""
    words = [None if word == "null" else word for word in shlex.split(text)]
    customer, currency, amount, status, when = [*words, *["paid", "2026-04-01"][len(words) - 3 :]]
    money = amount and Decimal(amount)
    return (OURS + int(customer), at(when), status, currency, money, "web", "1 road", "note")


def customer(text):
    key, country, segment = shlex.split(text)
    told = None if segment == "null" else segment
    return (OURS + int(key), "Ada", "ada@shop.example", country, told)


def report_row(text):
    country, segment, orders, revenue, share = shlex.split(text)
    return (country, segment, int(orders), Decimal(revenue), value(share))


RATES = [
    ("NOK", at("2025-01-01"), None, Decimal("0.125")),
    ("DKK", at("2026-02-02"), at("2026-02-09"), Decimal("0.1")),
    ("DKK", at("2026-02-09"), None, Decimal("0.2")),
]
# Customers, their orders, and the rows of the report. Many an order is a power of two in euro, so
# that the revenue tells which ones were counted.
PLANTED = stories(
    """
half_cents: rounds each order to cents as the slow job does, halves included
901 PT public | 901 NOK 1.00, 901 NOK 1.00, 901 NOK 5.00 | PT public 3 0.86 1.0

rate_of_the_moment: takes the rate that is valid when the order is placed; the last has no end
902 ES public | 902 DKK 1000.00 paid 2026-01-15, 902 DKK 10.00 paid 2026-02-08T23:59:59.999999,
902 DKK 10.00 paid 2026-02-09, 902 DKK 10.00 paid 2026-12-20 | ES public 3 5.00 1.0

year: counts the orders of 2026, from its first moment to its last
903 IT public | 903 EUR 1.00 paid 2025-12-31T23:59:59.999999, 903 EUR 2.00 paid 2026-01-01,
903 EUR 4.00 paid 2026-12-31T23:59:59.999999, 903 EUR 8.00 paid 2027-01-01 | IT public 2 6.00 1.0

currencies: reads currencies as the slow job does: case, white space, empty, missing
904 FI public | 904 'nok\t' 8.00, 904 '\r Nok' 16.00, 904 null 4.00, 904 '' 8.00, 904 '  ' 16.00
| FI public 4 15.00 1.0

states: counts the states that the slow job counts, as they are written
905 BG public | 905 EUR 1.00 paid, 905 EUR 2.00 shipped, 905 EUR 4.00 Paid, 905 EUR 8.00 'paid ',
905 EUR 16.00 null | BG public 2 3.00 1.0

names: says unknown for a missing or empty name, and leaves blanks as they are
906 GR null, 907 GR '', 908 ' ' ' ' | 906 EUR 1.00, 907 EUR 3.00, 908 EUR 1.00
| GR unknown 2 4.00 1.0, ' ' ' ' 1 1.00 1.0

no_revenue: counts a missing amount as 0.00; in a country without revenue the shares are null
909 IE public, 910 BE public, 911 BE business | 909 EUR null, 910 EUR 5.00, 911 EUR -5.00
| IE public 1 0.00 null, BE public 1 5.00 null, BE business 1 -5.00 null
""",
    before=customer,
    given=str,
    after=report_row,
)


@pytest.fixture(scope="module")
def frames(spark, dataset, inbox):
    """orders, customers and rates as Spark reads them from files, generated and planted."""
    generated, planted = dataset("order_report"), inbox("planted")
    orders = [(n, *order(text)) for n, text in enumerate(all_of(PLANTED, "given"), OURS)]
    tables = {"orders": orders, "customers": all_of(PLANTED, "before"), "rates": RATES}
    for name, rows in tables.items():
        schema = pq.read_schema(generated / f"{name}.parquet")
        records = [dict(zip(schema.names, row, strict=True)) for row in rows]
        pq.write_table(pa.Table.from_pylist(records, schema=schema), planted / f"{name}.parquet")
    return [
        spark.read.parquet(str(generated / f"{name}.parquet"), str(planted / f"{name}.parquet"))
        for name in tables
    ]


@pytest.fixture(scope="module")
def slow(spark, dataset, frames, seed):
    """Rows and work of the slow job on these frames; it runs once for each session and seed."""
    known = vars(spark).setdefault("order_report", {})
    if seed not in known:
        job = runpy.run_path(str(dataset("order_report") / "slow_job.py"))
        with measured(spark) as work:
            rows = job["slow_report"](*frames).collect()
        known[seed] = SimpleNamespace(rows=rows, work=work)
    return known[seed]


@pytest.fixture(scope="module")
def report(learner, spark, frames):
    """The learner's report: its frame, its rows, and the work of the call and of the run."""
    with measured(spark) as call:
        found = learner.fast_report(*frames)
    assert_columns(found, [column.split()[0] for column in REPORT.split(", ")])
    with measured(spark) as work:
        rows = collect(found)
    yield SimpleNamespace(frame=found, rows=rows, call=call, work=work)
    release(frames[0])


@check("fast_report", points=2)
def test_same_rows_as_the_slow_job(report, slow):
    """Returns the rows of the slow job, types included"""
    assert_columns(report.frame, REPORT)
    assert_rows(report.rows, slow.rows, key=["country", "segment"], columns=REPORT)


@check("fast_report")
@cases(PLANTED)
def test_planted_orders(report, case):
    """{case}"""
    countries = {row[3] for row in case.before}
    found = [row for row in report.rows if row.country in countries]
    try:
        assert_rows(found, case.after, key=["country", "segment"], columns=REPORT)
    except AssertionError as wrong:
        orders = [repr(text.partition(" ")[2]) for text in case.given]
        raise AssertionError(f"{wrong}\nIts orders are {', '.join(orders)}") from None


def require(report, holds, reason, *marked):
    """Fails with the report's plan, in which the operators of these names are marked."""
    assert holds, with_plan(reason, report.frame, *marked)


@check("fast_report", points=2)
def test_no_python_in_the_plan(report):
    """Computes prices in the engine: no row passes through a Python worker"""
    reason = "the plan sends rows to Python workers; the optimizer moves no filter below those"
    require(report, not has_python(report.frame), reason, "Python")


@check("fast_report", points=2)
def test_no_nested_loop(report):
    """Finds rates by key, not by comparing every order with every rate"""
    bad = {"BroadcastNestedLoopJoin", "CartesianProduct"} & set(operators(report.frame))
    reason = f"the plan holds {', '.join(sorted(bad))}: every order meets every rate. Such a join "
    require(report, not bad, reason + "has no equality in its condition", *bad)


def read(report, name):
    """The scans of one source; fails when there is none."""
    found = [scan for scan in scans(report.frame) if scan.source.startswith(name)]
    assert found, (
        f"the plan doesn't read {name} from its files, so its rows went through the driver or were "
        "copied first"
    )
    return found


@check("fast_report")
def test_filters_reach_the_scan(report):
    """Lets the reader of orders apply both filters, state and year"""
    for scan in read(report, "orders"):
        applied = {column for kind, column in scan.filters if kind not in ("IsNotNull", "IsNull")}
        missing = {"status", "ordered_at"} - applied
        reason = (
            f"the reader of orders applies no filter on {', '.join(sorted(missing))}. It can "
            "compare a bare column with a constant; it can't see into a function or above a join"
        )
        require(report, not missing, reason, "orders")


@check("fast_report")
def test_reads_only_needed_columns(report):
    """Reads the columns that the report needs, and no others"""
    needed = {
        "orders": {"customer_id", "ordered_at", "status", "currency", "amount"},
        "customers": {"customer_id", "country", "segment"},
        "rates": {"currency", "valid_from", "valid_to", "rate"},
    }
    for name, columns in needed.items():
        for scan in read(report, name):
            extra = ", ".join(sorted(set(scan.columns) - columns))
            assert not extra, f"the report doesn't depend on {extra} of {name}, and reads it"


@check("fast_report")
def test_small_sides_are_broadcast(report):
    """Sends customers and rates to the orders, not the orders to them"""
    for name, small in (("customers", True), ("rates", True), ("orders", False)):
        for scan in read(report, name):
            reason = (
                f"{name} is {'broadcast' if scan.broadcast else 'not broadcast'}. Orders are the "
                "table that grows; customers and rates fit in the memory of every executor"
            )
            require(report, scan.broadcast == small, reason, name)


@check("fast_report")
def test_at_most_two_shuffles(report):
    """Shuffles at most twice, and never into a single task"""
    found = exchanges(report.frame).count("ShuffleExchange")
    reason = "shuffles in the plan; each one writes every row it gets to disk and reads it back"
    require(report, found <= 2, f"{found} {reason}", "ShuffleExchange")
    reason = "a shuffle sends all of its rows to a single task: one core works, and others wait"
    spread = "SinglePartition" not in partitionings(report.frame)
    require(report, spread, reason, "SinglePartition")


@check("fast_report")
def test_orders_are_read_once(report):
    """Reads the orders once for segments and countries together"""
    found = len(read(report, "orders"))
    reason = f"the plan reads orders {found} times: a frame that is used twice is computed twice"
    require(report, found == 1, reason, "orders")


@check("fast_report")
def test_call_runs_no_job(report):
    """Only describes the report: calling the function runs no job"""
    assert report.call.jobs == 0, (
        f"jobs that ran before anybody asked for a row: {report.call.jobs}. Each count, collect or "
        "cache-and-count costs a report again"
    )


@check("fast_report", points=2)
def test_moves_a_tenth_of_the_bytes(report, slow):
    """Shuffles at most a tenth of the slow job's bytes, and runs at most half of its tasks"""
    for counter, part in (("shuffle_bytes", 10), ("tasks", 2)):
        call, work, other = (getattr(w, counter) for w in (report.call, report.work, slow.work))
        assert call + work <= other / part, (
            f"{counter.replace('_', ' ')}: {call + work:,}. The slow job comes to {other:,} on the "
            f"same data, and at most {other // part:,} are asked for"
        )


# ------------------------------------------------------------------------------ materialise_once

BY = {
    "by_country": "country string, orders bigint, revenue decimal(24,2)",
    "by_day": "ordered_on date, orders bigint, revenue decimal(24,2)",
}
COPIES = 30_000
# What the tasks of an answer return (counters, statistics of files) is a few kB each. Of the moving
# branch five bytes a row are random, so its rows come to more than this, however they are packed.
MOST_RETURNED = 250_000


def priced_row(text):
    country, day, euro = text.split()
    return (country, at(f"2026-03-{day}").date(), None if euro == "null" else Decimal(euro))


MOVING = [*map(priced_row, ["PT 01 1.50", "PT 02 2.00", "ES 01 4.25", "ES 01 4.25", "ES 02 null"])]
STILL = [*MOVING, priced_row("FR 03 8.00")]


def unlike_others(df):
    """The same rows by another plan: Spark removes equal plans from the cache together."""
    return df.where(f"'{uuid4()}' IS NOT NULL")


@contextmanager
def tables_in(spark, schema):
    """The names of the two tables, and another database for names that don't say theirs."""
    usual, other = spark.catalog.currentDatabase(), f"{schema}_other"
    spark.sql(f"CREATE DATABASE {other}")
    spark.catalog.setCurrentDatabase(other)
    try:
        yield {name: f"{schema}.{name}" for name in BY}
    finally:
        spark.catalog.setCurrentDatabase(usual)
        spark.sql(f"DROP DATABASE {other} CASCADE")


def left_behind(spark, schema):
    """The tables and views that nobody asked for, in both databases."""
    rows = [
        row
        for database in (schema, f"{schema}_other")
        for row in spark.sql(f"SHOW TABLES IN {database}").collect()
    ]
    return [row.tableName for row in rows if not row.isTemporary and row.tableName not in BY]


@pytest.fixture(scope="module")
def outcome(learner, spark, frame, shared_schema):
    """What both tables hold after each of three runs, and what the second one left or returned."""
    many = frame(PRICED, MOVING).withColumn("copy", F.expr(f"explode(sequence(1, {COPIES}))"))
    drawn = java_column(spark, "java.lang.Math", "random").cast("double") * 1e9
    euro = drawn.cast("decimal(14,2)").alias("euro")
    moving = many.select("country", "ordered_on", euro)
    branches = {"still": frame(PRICED, STILL), "moving": moving, "empty": frame(PRICED, [])}
    found = SimpleNamespace(cached=0, returned=0)
    with tables_in(spark, shared_schema) as tables:
        for name, rows in branches.items():
            priced = unlike_others(rows)
            first = int(spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs())
            learner.materialise_once(priced, tables)
            if name == "moving":
                done = stages_of(spark, own_jobs(spark, first))
                found.returned = sum(int(stage.resultSize()) for stage in done)
            setattr(found, name, {table: _written(spark, table, tables[table]) for table in BY})
            found.cached += cached(priced)
            release(priced)
        found.left = left_behind(spark, shared_schema)
    return found


def _written(spark, name, table):
    """The rows of a table that the answer was asked to write; fails unless it has its columns."""
    assert spark.catalog.tableExists(table), f"tables[{name!r}] was not written"
    spark.catalog.refreshTable(table)  # another session may have written it
    try:
        assert_columns(spark.table(table), BY[name])
    except AssertionError as wrong:
        raise AssertionError(f"tables[{name!r}]: {wrong}") from None
    return spark.table(table).collect()


@check("materialise_once")
def test_both_tables_are_written(outcome):
    """Writes orders and revenue by country and by day, types included"""
    for place, (name, columns) in enumerate(BY.items()):
        keys = {row[place] for row in STILL}
        of = {key: [row[2] for row in STILL if row[place] == key] for key in keys}
        expected = [(key, len(euros), sum(filter(None, euros))) for key, euros in of.items()]
        assert_rows(outcome.still[name], expected, key=columns.split()[0], columns=columns)


@check("materialise_once")
def test_next_run_replaces(outcome):
    """Replaces what an earlier run has written, also when the next branch has no rows"""
    for name, rows in outcome.moving.items():
        found, expected = sum(row.orders or 0 for row in rows), COPIES * len(MOVING)
        assert found == expected, (
            f"{name} holds {found:,} orders after a run with {expected:,}; the run before had "
            f"{len(STILL)}"
        )
    for name, rows in outcome.empty.items():
        assert not rows, f"{name} holds {len(rows)} rows after a run whose branch had none"


@check("materialise_once", points=2)
def test_branch_is_computed_once(outcome):
    """Computes the shared branch once: both tables come from the same rows"""
    country, day = (sum(row.revenue or 0 for row in outcome.moving[name]) for name in BY)
    assert country == day, (
        "the two tables don't add up to the same revenue. The branch given here draws its amounts "
        "anew each time it is computed, as a source that changes between two reads would: "
        f"{country} by country, {day} by day"
    )


@check("materialise_once")
def test_rows_stay_on_the_executors(outcome):
    """Sends no row of the branch through the driver"""
    assert outcome.returned <= MOST_RETURNED, (
        f"the tasks returned {outcome.returned:,} bytes to the driver for a branch of "
        f"{COPIES * len(MOVING):,} rows; {MOST_RETURNED:,} are plenty for counters and names of "
        "files. A branch that doesn't fit into the driver ends the job"
    )


@check("materialise_once")
def test_nothing_is_left(outcome):
    """Leaves nothing behind: no cached frame, no further table"""
    assert outcome.cached == 0, (
        f"cached frames left after the function returned: {outcome.cached}; executors hold that "
        "memory until the application ends"
    )
    assert not outcome.left, f"tables left behind: {', '.join(outcome.left)}"


FAILURES = [
    Case("by_country", "the database of by_country doesn't exist"),
    Case("by_day", "the database of by_day doesn't exist"),
    Case("branch", "a row of the branch can't be computed"),
]


@check("materialise_once")
@cases(FAILURES)
def test_released_after_an_error(learner, spark, frame, schema, case):
    """Leaves nothing behind and lets the error through when {case}"""
    priced, error = frame(PRICED, STILL), None
    if case.name == "branch":
        faulty = "if(euro > 8, euro, cast(raise_error('no rate') AS decimal(14,2)))"
        priced = priced.repartition(1).withColumn("euro", F.expr(faulty))
    priced = unlike_others(priced)
    with tables_in(spark, schema) as tables:
        if case.name in tables:
            tables[case.name] = f"{schema}_missing.{case.name}"
        try:
            learner.materialise_once(priced, tables)
        except AnswerError as raised:
            if raised.outcome != "error":
                raise
            error = raised
        kept, left = cached(priced), left_behind(spark, schema)
    release(priced)
    assert error, f"{case.title}, and no error came out: the caller believes that all is written"
    assert kept == 0, f"{case.title}, and cached frames are left, which nobody can release: {kept}"
    assert not left, f"{case.title}, and tables are left: {', '.join(left)}"

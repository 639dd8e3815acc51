"""Checks of lab 05: the event log read by hand, and the job's plan and counters beside its rows."""

import gzip
import json
import runpy
from datetime import UTC, datetime
from decimal import Decimal
from statistics import median
from types import SimpleNamespace
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from labkit.checks import (
    AnswerError,
    assert_columns,
    assert_frame,
    cached,
    check,
    exchanges,
    has_python,
    measured,
    operators,
    own_jobs,
    partitionings,
    release,
    scans,
    stages_of,
    with_plan,
)

HINTS = {
    "stage_table": [
        "Two kinds of events matter: SparkListenerStageCompleted and SparkListenerTaskEnd. "
        "Parse every line once with `from_json` and EVENT, then treat the two kinds as two "
        "tables.",
        "A task attempt counts when its end reason is Success. The field `Failed` alone "
        "doesn't tell: a killed speculative copy has not failed.",
        "A stage in which no task succeeded is still a stage that took time. Which join "
        "keeps it?",
    ],
    "diagnosis": [
        "Sort by duration, then look at one stage only. The order of the lines in the table "
        "of causes is the order of the conditions in `when(...).when(...)`.",
        "Sessions here run in ANSI mode, where a division by zero is an error, and a median "
        "can be 0 ms.",
    ],
    "fast_report": [
        "Begin with what blocks the optimizer: a function that gets the whole row. Which of "
        "its conditions are about the order alone, and could come before any join?",
        "Write what `price` does with column expressions. Try each line of it in a Python "
        "prompt with a null, an empty string, a tab, and with 0.125: does `quantize` round "
        "up?",
        "The join with the rates has an equality in it: the cleaned currency. Join on it "
        "*and* on the validity, and the nested loop is gone.",
        "`year(ordered_at) = 2026` is true for the right rows, but a Parquet reader can't "
        "apply it. It can apply a range.",
    ],
    "materialise_once": [
        "`persist` only marks the frame; the first action fills it. Each `saveAsTable` is an "
        "action.",
        "What happens to your cached frame when the second write raises? Python has a "
        "statement for that.",
    ],
}

STAGES = (
    "stage_id bigint, name string, duration_ms bigint, tasks bigint, max_task_ms bigint, median_task_ms double, "
    "shuffle_read_bytes bigint, shuffle_write_bytes bigint, spill_bytes bigint"
)
DIAGNOSIS = "stage_id bigint, share double, skew_ratio double, cause string"
REPORT = "country string, segment string, orders bigint, revenue decimal(24,2), share double"


# ---- stage_table: small logs, written here ----


def stage(number, *, attempt=0, name="count at job.py:1", start=1_000, end=2_000, **more):
    """The event with which an attempt of a stage ends."""
    info = {"Stage ID": number, "Stage Attempt ID": attempt, "Stage Name": name, **more}
    info |= {"Submission Time": start, "Completion Time": end}
    return {"Event": "SparkListenerStageCompleted", "Stage Info": info}


def task(
    number,
    partition,
    ms,
    *,
    start=1_100,
    attempt=0,
    reason="Success",
    remote=0,
    local=0,
    written=0,
    spill=0,
):
    """The event with which an attempt of a task ends."""
    info = {
        "Task ID": partition,
        "Index": partition,
        "Partition ID": partition,
        "Launch Time": start,
        "Finish Time": start + ms,
        "Failed": reason not in ("Success", "TaskKilled"),
        "Killed": reason == "TaskKilled",
    }
    metrics = {
        "Executor Run Time": ms // 2,
        "Memory Bytes Spilled": 9 * spill,
        "Disk Bytes Spilled": spill,
        "Shuffle Read Metrics": {
            "Remote Bytes Read": remote,
            "Remote Bytes Read To Disk": remote // 2,
            "Local Bytes Read": local,
        },
        "Shuffle Write Metrics": {"Shuffle Bytes Written": written},
    }
    return {
        "Event": "SparkListenerTaskEnd",
        "Stage ID": number,
        "Stage Attempt ID": attempt,
        "Task End Reason": {"Reason": reason},
        "Task Info": info,
        "Task Metrics": metrics,
    }


SQL_EVENT = {
    "Event": "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart",
    "executionId": 0,
    "description": "count at job.py:1",
    "sparkPlanInfo": {"nodeName": "HashAggregate", "children": []},
}
LOG = [
    {"Event": "SparkListenerLogStart", "Spark Version": "4.2.0"},
    SQL_EVENT,
    # stage 103: waits 400 ms for its first task; an even number of tasks
    *[task(103, n, ms, start=1_500, local=7, written=10) for n, ms in enumerate([20, 30, 70, 400])],
    stage(103, name="scan", start=1_100, end=2_000),
    # stage 105: a failed and a killed attempt beside the ones that count
    task(105, 0, 90, remote=100, local=20, spill=4, written=1),
    task(105, 1, 5_000, reason="ExceptionFailure", remote=999, spill=999, written=999),
    task(105, 1, 60, remote=50, local=2, spill=5, written=1),
    task(105, 2, 700, reason="TaskKilled", remote=888, spill=888, written=888),
    task(105, 2, 30, remote=25, written=1),
    stage(105, name="join", start=3_000, end=9_000),
]
SCAN = (103, "scan", 900, 4, 400, 50.0, 28, 40, 0)
JOIN = (105, "join", 6_000, 3, 90, 60.0, 197, 3, 9)


@pytest.fixture(scope="module")
def table(learner, spark, dataset, inbox):
    """The learner's rows by stage: the slow job's log (0 to 24) and LOG (103, 105), read as one."""
    written = inbox("log") / "log.jsonl"
    written.write_text("".join(json.dumps(event) + "\n" for event in LOG))
    logs = [str(dataset("order_report") / "event_log.jsonl.gz"), str(written)]
    stages = learner.stage_table(spark.read.text(logs))
    assert_columns(stages, STAGES)
    found = {}
    for row in stages.collect():
        assert row.stage_id is not None, (
            "a row has no stage_id: it comes from an event that is not about a stage"
        )
        assert row.stage_id not in found, (
            f"stage {row.stage_id} has more than one row; one row a stage is asked for"
        )
        found[row.stage_id] = row
    return found


def same(row, expected, *columns):
    """Fails when `row` differs from `expected` in one of these columns."""
    names = [column.split()[0] for column in STAGES.split(", ")]
    for name in columns or names:
        wanted = expected[names.index(name)]
        assert row is not None, f"there is no row for stage {expected[0]}, which completed"
        assert row[name] == wanted, f"stage {expected[0]}: {name} is {row[name]}, expected {wanted}"


@check("stage_table")
def test_one_row_for_each_stage(table):
    """Has one row for each completed stage, with its name, whatever else the log holds"""
    found = [number for number in sorted(table) if number > 100]
    assert found == [103, 105], (
        f"a second log holds two completed stages, 103 and 105, among task and SQL events; your stages of it are {found}"
    )
    same(table[103], SCAN, "name")
    same(table[105], JOIN, "name")


@check("stage_table")
def test_duration_is_the_stages_own(table):
    """Measures a stage from submission to completion, with the wait for a free core"""
    same(table.get(103), SCAN, "duration_ms")
    same(table.get(105), JOIN, "duration_ms")


@check("stage_table")
def test_only_successful_attempts_count(table):
    """Counts successful tasks; failed and killed attempts add no task, no time and no bytes"""
    same(table.get(105), JOIN, "tasks", "max_task_ms", "shuffle_write_bytes")


@check("stage_table")
def test_median_is_exact(table):
    """Takes the exact median of the task times, which is not their mean"""
    same(table.get(103), SCAN, "median_task_ms")
    same(table.get(105), JOIN, "median_task_ms")


@check("stage_table")
def test_bytes_are_added_up(table):
    """Adds up bytes read from all executors, bytes written, and bytes spilled to disk"""
    columns = ("shuffle_read_bytes", "shuffle_write_bytes", "spill_bytes")
    same(table.get(103), SCAN, *columns)
    same(table.get(105), JOIN, *columns)


def expected_stages(lines):
    """The stage table of a log, in plain Python."""
    events = [json.loads(line) for line in lines]
    rows = []
    for end in (e["Stage Info"] for e in events if e["Event"] == "SparkListenerStageCompleted"):
        ran = [
            (e["Task Info"]["Finish Time"] - e["Task Info"]["Launch Time"], e["Task Metrics"])
            for e in events
            if e["Event"] == "SparkListenerTaskEnd" and e["Stage ID"] == end["Stage ID"]
        ]
        times = [ms for ms, _ in ran]
        reads = [metrics["Shuffle Read Metrics"] for _, metrics in ran]
        rows.append(
            (
                end["Stage ID"],
                end["Stage Name"],
                end["Completion Time"] - end["Submission Time"],
                len(ran),
                max(times),
                float(median(times)),
                sum(read["Remote Bytes Read"] + read["Local Bytes Read"] for read in reads),
                sum(m["Shuffle Write Metrics"]["Shuffle Bytes Written"] for _, m in ran),
                sum(m["Disk Bytes Spilled"] for _, m in ran),
            )
        )
    return rows


@check("stage_table")
def test_reads_the_real_log(table, frame, dataset):
    """Reads the log of the slow job: 25 stages, as the history server shows them"""
    with gzip.open(dataset("order_report") / "event_log.jsonl.gz", "rt") as lines:
        expected = expected_stages(lines)
    rows = [tuple(row) for number, row in table.items() if number < 100]
    assert_frame(frame(STAGES, rows), expected, key="stage_id", schema=STAGES)


# ---- diagnosis ----

#          id  name   duration tasks max median read write spill
QUIET = (7, "quiet", 1_000, 4, 250, 240.0, 0, 0, 0)
CASES = {
    "failed": (1, "x", 9_000, 0, None, None, 0, 0, 0),
    "single_task": (1, "x", 9_000, 1, 8_900, 8_900.0, 10, 10, 50),
    "skew": (1, "x", 9_000, 16, 6_000, 1_000.0, 10, 10, 50),
    "spill": (1, "x", 9_000, 16, 2_000, 1_000.0, 10, 10, 50),
    "tiny_tasks": (1, "x", 9_000, 200, 90, 40.0, 10, 10, 0),
    "compute": (1, "x", 9_000, 16, 2_900, 1_000.0, 10**9, 10**9, 0),
}


@check("diagnosis", points=2)
def test_names_the_cause(learner, frame):
    """Names the cause by the first row of the table that fits"""
    for cause, stage_row in CASES.items():
        found = learner.diagnosis(frame(STAGES, [QUIET, stage_row]))
        assert_columns(found, DIAGNOSIS)
        rows = found.collect()
        assert len(rows) == 1, (
            f"one row is asked for, the stage that dominates; {len(rows)} came back"
        )
        tasks, longest, middle, spilled = (*stage_row[3:6], stage_row[8])
        times = "no task times" if longest is None else f"longest {longest} ms, median {middle} ms"
        assert rows[0].cause == cause, (
            f"cause is {rows[0].cause!r} for this stage: tasks {tasks}, {times}, "
            f"bytes spilled {spilled}; by the table it is {cause!r}"
        )


@check("diagnosis")
def test_longest_stage_dominates(learner, frame):
    """Takes the stage that lasted longest, not the one with the slowest task or most task time"""
    stages = [
        (4, "slowest task", 5_000, 8, 4_900, 300.0, 900, 900, 0),
        (6, "longest", 6_000, 4, 1_500, 1_250.0, 10, 10, 0),
        (9, "most task time", 5_500, 100, 400, 390.0, 10**8, 10**8, 7),
    ]
    expected = [(6, 6_000 / 16_500, 1.2, "compute")]
    assert_frame(
        learner.diagnosis(frame(STAGES, stages)), expected, key="stage_id", schema=DIAGNOSIS
    )


@check("diagnosis")
def test_median_of_zero(learner, frame):
    """Gives a skew ratio when the median is 0 ms: it counts as 1 ms"""
    stages = [QUIET, (1, "x", 3_000, 40, 2_800, 0.0, 0, 0, 0)]
    expected = [(1, 0.75, 2_800.0, "skew")]
    assert_frame(
        learner.diagnosis(frame(STAGES, stages)), expected, key="stage_id", schema=DIAGNOSIS
    )


# ---- fast_report: seeded data and planted orders, in one run ----


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def order(customer, when, currency, amount, status="paid"):
    money = None if amount is None else Decimal(amount)
    return (customer, at(when), status, currency, money, "web", "1 road", "note")


PLANTED_CUSTOMERS = [
    (900_001, "PT", "public"),
    (900_002, "ES", "public"),
    (900_003, "IT", "public"),
    (900_004, "FI", "public"),
    (900_005, "GR", None),
    (900_006, "GR", ""),
    (900_007, "IE", "public"),
    (900_008, "BE", "public"),
    (900_009, "BE", "business"),
]
PLANTED_RATES = [
    ("NOK", at("2025-01-01"), None, Decimal("0.125000")),
    ("DKK", at("2026-02-02"), at("2026-02-09"), Decimal("0.100000")),
    ("DKK", at("2026-02-09"), None, Decimal("0.200000")),
]
PLANTED_ORDERS = [
    # Portugal: products that end in exactly half a cent
    order(900_001, "2026-03-01", "NOK", "1.00"),
    order(900_001, "2026-03-02", "NOK", "1.00"),
    order(900_001, "2026-03-03", "NOK", "5.00"),
    # Spain: before the first rate, the last moment of a rate, the first of the next, and long after
    order(900_002, "2026-01-15", "DKK", "1000.00"),
    order(900_002, "2026-02-08T23:59:59.999999", "DKK", "10.00"),
    order(900_002, "2026-02-09", "DKK", "10.00"),
    order(900_002, "2026-12-20", "DKK", "10.00"),
    # Italy: the ends of the year
    order(900_003, "2025-12-31T23:59:59.999999", "EUR", "1.00"),
    order(900_003, "2026-01-01", "EUR", "2.00"),
    order(900_003, "2026-12-31T23:59:59.999999", "EUR", "4.00"),
    order(900_003, "2027-01-01", "EUR", "8.00"),
    # Finland: currencies and states as people type them; in euro a power of two each, so that a
    # revenue tells which of them were counted
    order(900_004, "2026-04-01", "nok\t", "8.00"),
    order(900_004, "2026-04-01", " Nok", "16.00"),
    order(900_004, "2026-04-01", None, "4.00"),
    order(900_004, "2026-04-01", "", "8.00", "shipped"),
    order(900_004, "2026-04-01", "  ", "16.00"),
    order(900_004, "2026-04-01", "EUR", "32.00", "Paid"),
    order(900_004, "2026-04-01", "EUR", "64.00", None),
    # Greece: customers without a segment; Ireland: no amount; Belgium: a refund
    order(900_005, "2026-05-01", "EUR", "1.00"),
    order(900_006, "2026-05-01", "EUR", "3.00"),
    order(900_007, "2026-05-01", "EUR", None),
    order(900_008, "2026-05-01", "EUR", "5.00"),
    order(900_009, "2026-05-01", "EUR", "-5.00"),
]


def plant(folder, generated):
    """Parquet files with the planted rows, in the schemas of the generated ones."""
    columns = {
        "orders": [(900_000 + n, *row) for n, row in enumerate(PLANTED_ORDERS)],
        "customers": [(n, "Ada", "ada@shop.example", *rest) for n, *rest in PLANTED_CUSTOMERS],
        "rates": PLANTED_RATES,
    }
    for name, rows in columns.items():
        schema = pq.read_schema(generated / f"{name}.parquet")
        records = [dict(zip(schema.names, row, strict=True)) for row in rows]
        pq.write_table(pa.Table.from_pylist(records, schema=schema), folder / f"{name}.parquet")


@pytest.fixture(scope="module")
def frames(spark, dataset, inbox):
    """orders, customers and rates as Spark reads them from files."""
    generated, planted = dataset("order_report"), inbox("planted")
    plant(planted, generated)
    return [
        spark.read.parquet(*(str(folder / f"{name}.parquet") for folder in (generated, planted)))
        for name in ("orders", "customers", "rates")
    ]


@pytest.fixture(scope="module")
def slow(spark, dataset, frames, seed):
    """Rows and work of the slow job on these frames; it runs once for each session and seed."""
    known = vars(spark).setdefault("order_report", {})
    if seed not in known:
        job = runpy.run_path(str(dataset("order_report") / "slow_job.py"))
        with measured(spark) as work:
            rows = job["slow_report"](*frames).collect()
        known[seed] = SimpleNamespace(rows=[tuple(row) for row in rows], work=work)
    return known[seed]


@pytest.fixture(scope="module")
def report(learner, spark, frames):
    """The learner's report: its frame, its rows, and the work of the call and of the run."""
    with measured(spark) as call:
        found = learner.fast_report(*frames)
    assert_columns(found, [column.split()[0] for column in REPORT.split(", ")])
    with measured(spark) as work:
        rows = found.collect()
    yield SimpleNamespace(frame=found, rows=rows, call=call, work=work)
    release(frames[0])


def of_country(report, country, planted, **expected):
    """Fails unless the country has this one row; `planted` tells what is odd about its orders."""
    rows = [row for row in report.rows if row.country == country]
    assert len(rows) == 1, (
        f"{country}: {len(rows)} rows, expected 1; its customers all count as one segment. {planted}"
    )
    got = {name: rows[0][name] for name in expected}
    assert got == expected, f"{country}: {listed(got)}; expected {listed(expected)}. {planted}"


def listed(values):
    return ", ".join(f"{name} {value}" for name, value in values.items())


@check("fast_report", points=2)
def test_same_rows_as_the_slow_job(report, slow, frame):
    """Returns the rows of the slow job, types included"""
    assert_columns(report.frame, REPORT)
    rows = frame(REPORT, [tuple(row) for row in report.rows])
    assert_frame(rows, slow.rows, key=["country", "segment"], schema=REPORT)


@check("fast_report")
def test_half_cents_round_as_before(report):
    """Rounds each order to cents as the slow job does, halves included"""
    planted = "Each of its three orders comes to exactly half a cent: 0.125, 0.125 and 0.625 euro"
    of_country(report, "PT", planted, orders=3, revenue=Decimal("0.86"))


@check("fast_report")
def test_rate_of_the_moment(report):
    """Takes the rate that is valid when the order is placed; the newest rate has no end"""
    planted = (
        "Of its four orders in DKK one is older than the first rate; the others are of the last microsecond "
        "of a rate, of the first moment of the next, which has no end, and of long after"
    )
    of_country(report, "ES", planted, orders=3, revenue=Decimal("5.00"))


@check("fast_report")
def test_year_from_first_to_last_moment(report):
    """Counts the orders of 2026, from its first moment to its last"""
    planted = "Its four orders, of 1, 2, 4 and 8 euro, are of the last moment of 2025, the first and the last of 2026, and the first of 2027"
    of_country(report, "IT", planted, orders=2, revenue=Decimal("6.00"))


@check("fast_report")
def test_text_as_people_type_it(report):
    """Reads currencies and states as the slow job does: case, blanks, tabs, empty, missing"""
    planted = (
        "Its orders, in euro: 1 with a tab behind the currency, 2 with a blank before it, 4 with a missing one, 8 with an "
        "empty one, 16 with blanks alone; 32 with the state Paid, 64 without a state. So the revenue tells which ones you count"
    )
    of_country(report, "FI", planted, orders=4, revenue=Decimal("15.00"))
    planted = "One of its customers has no segment, the other an empty one"
    of_country(report, "GR", planted, segment="unknown", orders=2, revenue=Decimal("4.00"))


@check("fast_report")
def test_order_without_amount(report):
    """Counts an order without an amount as 0.00; a country without revenue has a null share"""
    planted = "Its only order has no amount"
    of_country(report, "IE", planted, orders=1, revenue=Decimal("0.00"), share=None)


@check("fast_report", points=2)
def test_no_python_in_the_plan(report):
    """Computes prices in the engine: no row passes through a Python worker"""
    assert not has_python(report.frame), with_plan(
        "the plan sends rows to Python workers. Pandas and Arrow functions are faster than a plain UDF, "
        "yet remain a box that the optimizer can't look into: no filter and no column is pushed below it",
        report.frame,
        "Python",
    )


@check("fast_report", points=2)
def test_no_nested_loop(report):
    """Finds rates by key, not by comparing every order with every rate"""
    bad = {"BroadcastNestedLoopJoin", "CartesianProduct"} & set(operators(report.frame))
    assert not bad, with_plan(
        f"the plan holds {', '.join(sorted(bad))}: every order meets every rate. Such a join has no equality in its condition",
        report.frame,
        *bad,
    )


def read(report, name):
    """The scans of one source; fails when there is none."""
    found = [scan for scan in scans(report.frame) if scan.source.startswith(name)]
    assert found, (
        f"the plan doesn't read {name} from its files, so its rows went through the driver or were copied first"
    )
    return found


@check("fast_report")
def test_filters_reach_the_scan(report):
    """Lets the reader of orders apply both filters, state and year"""
    for scan in read(report, "orders"):
        real = {column for kind, column in scan.filters if kind not in ("IsNotNull", "IsNull")}
        missing = {"status", "ordered_at"} - real
        assert not missing, with_plan(
            f"the reader of orders applies no filter on {', '.join(sorted(missing))}. It can compare a bare column with a "
            "constant, and then skip row groups; it can't see into a function, or above a join that needs every row",
            report.frame,
            "orders",
        )


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
            extra = sorted(set(scan.columns) - columns)
            assert not extra, (
                f"{', '.join(extra)} of {name} is read from the files, and the report doesn't depend on it"
            )


@check("fast_report")
def test_small_sides_are_broadcast(report):
    """Sends customers and rates to the orders, not the orders to them"""
    for name, small in (("customers", True), ("rates", True), ("orders", False)):
        for scan in read(report, name):
            assert scan.broadcast == small, with_plan(
                f"{name} is {'not broadcast' if small else 'broadcast'}. Orders are the table that grows; customers and rates "
                "fit in the memory of every executor",
                report.frame,
                name,
            )


@check("fast_report")
def test_at_most_two_shuffles(report):
    """Shuffles at most twice: for the groups and for the totals of the countries"""
    found = exchanges(report.frame).count("ShuffleExchange")
    assert found <= 2, with_plan(
        f"{found} shuffles in the plan; two are enough. Each one writes every row it gets to disk and reads it back",
        report.frame,
        "ShuffleExchange",
    )


@check("fast_report")
def test_no_step_in_one_task(report):
    """Spreads every step over tasks: no shuffle sends all rows to a single task"""
    assert "SinglePartition" not in partitionings(report.frame), with_plan(
        "a shuffle sends all of its rows to a single task. Then one core works, whatever the cluster has, and a larger month "
        "takes longer in proportion; files are merged when they are written, not in the middle of a plan",
        report.frame,
        "SinglePartition",
    )


@check("fast_report")
def test_orders_are_read_once(report):
    """Reads the orders once for segments and countries together"""
    found = len(read(report, "orders"))
    assert found == 1, with_plan(
        f"the plan reads orders {found} times: a frame that is used twice is computed twice, unless the second use starts "
        "from what the first one made",
        report.frame,
        "orders",
    )


@check("fast_report")
def test_call_runs_no_job(report):
    """Only describes the report: calling the function runs no job"""
    assert report.call.tasks == 0, (
        f"tasks that ran while the function was called, before anybody asked for a row: {report.call.tasks}. A report costs what "
        "it costs once; each count, collect or cache-and-count costs it again"
    )


@check("fast_report", points=2)
def test_moves_a_tenth_of_the_bytes(report, slow):
    """Shuffles at most a tenth of the slow job's bytes, and runs at most half of its tasks"""
    mine, theirs = report.call.shuffle_bytes + report.work.shuffle_bytes, slow.work.shuffle_bytes
    assert mine <= theirs / 10, (
        f"{mine:,} bytes shuffled, the slow job {theirs:,} on the same data; a tenth is asked for"
    )
    mine, theirs = report.call.tasks + report.work.tasks, slow.work.tasks
    assert mine <= theirs / 2, (
        f"{mine} tasks ran, the slow job ran {theirs} on the same data; half is asked for"
    )


# ---- materialise_once ----

PRICED = "country string, ordered_on date, euro decimal(14,2)"
BY = {
    "by_country": "country string, orders bigint, revenue decimal(24,2)",
    "by_day": "ordered_on date, orders bigint, revenue decimal(24,2)",
}
COPIES = 30_000
# What the tasks of an answer return (counters, statistics of files) is a few kB each. Of the moving branch
# five bytes a row are random, so its rows come to more than this, however they are packed.
MOST_RETURNED = 250_000


def day(text):
    return at(text).date()


PRICED_ROWS = [
    ("PT", day("2026-03-01"), Decimal("1.50")),
    ("PT", day("2026-03-02"), Decimal("2.00")),
    ("ES", day("2026-03-01"), Decimal("4.25")),
]


def unlike_others(df):
    """The same rows by another plan: Spark removes equal plans from the cache together."""
    return df.where(f"'{uuid4()}' IS NOT NULL")


@pytest.fixture(scope="module")
def outcome(learner, spark, frame, shared_schema):
    """Two runs: the second on a branch that never computes the same numbers twice."""
    tables = {name: f"{shared_schema}.{name}" for name in BY}
    still = unlike_others(frame(PRICED, PRICED_ROWS * 2))
    learner.materialise_once(still, tables)
    first = {name: _written(spark, name, table) for name, table in tables.items()}
    many = frame(PRICED, PRICED_ROWS).withColumn("copy", F.expr(f"explode(sequence(1, {COPIES}))"))
    drawn = "cast(java_method('java.lang.Math', 'random') as double) * 1e9"
    moving = unlike_others(many).selectExpr(
        "country", "ordered_on", f"cast({drawn} as decimal(14,2)) AS euro"
    )
    job = int(spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs())
    learner.materialise_once(moving, tables)
    returned = sum(int(done.resultSize()) for done in stages_of(spark, own_jobs(spark, job)))
    second = {name: _written(spark, name, table) for name, table in tables.items()}
    left = {
        row.tableName
        for row in spark.sql(f"SHOW TABLES IN {shared_schema}").collect()
        if not row.isTemporary
    }
    kept = cached(still) + cached(moving)
    yield SimpleNamespace(first=first, second=second, returned=returned, cached=kept, left=left)
    release(still)
    release(moving)


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
def test_both_tables_are_written(outcome, frame):
    """Writes orders and revenue by country and by day, types included"""
    expected = [("PT", 4, Decimal("7.00")), ("ES", 2, Decimal("8.50"))]
    found = frame(BY["by_country"], [tuple(row) for row in outcome.first["by_country"]])
    assert_frame(found, expected, key="country")
    expected = [(day("2026-03-01"), 4, Decimal("11.50")), (day("2026-03-02"), 2, Decimal("4.00"))]
    found = frame(BY["by_day"], [tuple(row) for row in outcome.first["by_day"]])
    assert_frame(found, expected, key="ordered_on")


@check("materialise_once")
def test_second_run_replaces(outcome):
    """Replaces what an earlier run has written"""
    for name, rows in outcome.second.items():
        found, expected = sum(row.orders or 0 for row in rows), COPIES * len(PRICED_ROWS)
        assert found == expected, (
            f"{name} holds {found:,} orders after a run with {expected:,}; an earlier run had 6"
        )


@check("materialise_once", points=2)
def test_branch_is_computed_once(outcome):
    """Computes the shared branch once: both tables come from the same rows"""
    totals = {name: sum(row.revenue or 0 for row in rows) for name, rows in outcome.second.items()}
    assert totals["by_country"] == totals["by_day"], (
        "the two tables don't add up to the same revenue. The branch given here draws its amounts anew each time it is "
        f"computed, as a source that changes between two reads would: {totals['by_country']} and {totals['by_day']}"
    )


@check("materialise_once")
def test_rows_stay_on_the_executors(outcome):
    """Sends no row of the branch through the driver"""
    assert outcome.returned <= MOST_RETURNED, (
        f"the tasks returned {outcome.returned:,} bytes to the driver for a branch of {COPIES * len(PRICED_ROWS):,} rows; "
        f"{MOST_RETURNED:,} are plenty for counters and names of files. A branch that doesn't fit into the driver ends the job"
    )


@check("materialise_once")
def test_nothing_is_left(outcome):
    """Leaves nothing behind: no cached frame, no further table"""
    assert outcome.cached == 0, (
        f"cached frames left after the function returned: {outcome.cached}; executors hold that memory until the application ends"
    )
    extra = sorted(outcome.left - {"by_country", "by_day"})
    assert not extra, f"tables left behind: {', '.join(extra)}"


@check("materialise_once")
def test_released_when_a_write_fails(learner, spark, frame, schema):
    """Releases the branch also when a write fails, and lets the error through"""
    tables = {"by_country": f"{schema}.by_country", "by_day": f"{schema}_missing.by_day"}
    priced, error = unlike_others(frame(PRICED, PRICED_ROWS[:2])), None
    try:
        learner.materialise_once(priced, tables)
    except AnswerError as raised:
        if raised.outcome != "error":
            raise
        error = raised
    assert error is not None, (
        "the database of by_day doesn't exist, and no error came out: the caller believes it is written"
    )
    left = cached(priced)
    release(priced)
    assert left == 0, (
        f"a write failed, and cached frames are left: {left}; nobody else can release what you cached"
    )
    tables_left = spark.sql(f"SHOW TABLES IN {schema}").collect()
    found = {row.tableName for row in tables_left if not row.isTemporary}
    assert found <= {"by_country"}, (
        f"a write failed, and tables are left: {', '.join(sorted(found - {'by_country'}))}"
    )

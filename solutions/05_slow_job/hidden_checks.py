"""Hidden checks of lab 05: logs with an accident in them, and prices by other seeds."""

import json

import pytest

from labkit.checks import assert_columns, assert_frame, check

STAGES = (
    "stage_id bigint, name string, duration_ms bigint, tasks bigint, max_task_ms bigint, median_task_ms double, "
    "shuffle_read_bytes bigint, shuffle_write_bytes bigint, spill_bytes bigint"
)
DIAGNOSIS = "stage_id bigint, share double, skew_ratio double, cause string"


def stage(number, start, end, *, attempt=0, event="Completed", **more):
    info = {
        "Stage ID": number,
        "Stage Attempt ID": attempt,
        "Stage Name": f"stage {number}",
        **more,
    }
    info |= {"Submission Time": start} | ({} if end is None else {"Completion Time": end})
    return {"Event": f"SparkListenerStage{event}", "Stage Info": info}


def task(number, partition, ms, *, attempt=0, written=8, reason="Success"):
    info = {
        "Index": partition,
        "Partition ID": partition,
        "Launch Time": 50,
        "Finish Time": 50 + ms,
    }
    info |= {"Failed": reason != "Success", "Killed": False}
    event = {
        "Event": "SparkListenerTaskEnd",
        "Stage ID": number,
        "Stage Attempt ID": attempt,
        "Task End Reason": {"Reason": reason},
        "Task Info": info,
    }
    if reason == "Success":
        event["Task Metrics"] = {
            "Disk Bytes Spilled": 0,
            "Shuffle Read Metrics": {"Remote Bytes Read": 1, "Local Bytes Read": 2},
            "Shuffle Write Metrics": {"Shuffle Bytes Written": written},
        }
    return event


@pytest.fixture(scope="module")
def table(learner, frame):
    """Rows by stage of a log with a lost executor, a stage that failed, and a cut-off end."""
    job = [
        stage(n, None, None)["Stage Info"] for n in (1, 2, 3, 4)
    ]  # 4 is skipped: its shuffle was there
    events = [
        {
            "Event": "SparkListenerJobStart",
            "Job ID": 0,
            "Stage IDs": [1, 2, 3, 4],
            "Stage Infos": job,
        },
        # stage 1 runs; two of its outputs are lost and made again
        *[task(1, n, 100) for n in range(4)],
        stage(1, 1_000, 1_500),
        *[task(1, n, 300, attempt=1) for n in (1, 2)],
        stage(1, 9_000, 9_700, attempt=1),
        # stage 2: every attempt fails
        task(2, 0, 4_000, reason="ExceptionFailure"),
        task(2, 0, 4_000, reason="ExecutorLostFailure"),
        stage(2, 10_000, 19_000, **{"Failure Reason": "Job aborted"}),
        # stage 3 was running when the application ended
        stage(3, 20_000, None, event="Submitted"),
        task(3, 0, 77),
    ]
    lines = [(json.dumps(event),) for event in events]
    cut = (json.dumps(stage(9, 1, 2))[:-20],)
    stages = learner.stage_table(frame("value string", [*lines, cut]))
    assert_columns(stages, STAGES)
    found = {}
    for row in stages.collect():
        assert row.stage_id not in found, (
            f"stage {row.stage_id} has more than one row; one row a stage is asked for"
        )
        found[row.stage_id] = row
    return found


@check("stage_table", points=2)
def test_stage_with_two_attempts(table):
    """makes one row of a stage that ran twice: durations add up, a repeated task counts once"""
    row = table.get(1)
    assert row is not None, "a stage with two attempts has no row"
    assert row.duration_ms == 1_200, (
        f"duration_ms is {row.duration_ms}; its attempts took 500 and 700 ms, with a pause between"
    )
    assert row.tasks == 4, (
        f"tasks is {row.tasks} for 4 partitions, two of which were computed twice"
    )
    assert (row.max_task_ms, row.shuffle_write_bytes) == (300, 48), (
        f"max_task_ms is {row.max_task_ms} and shuffle_write_bytes {row.shuffle_write_bytes}; work done again is work done"
    )


@check("stage_table")
def test_stage_without_a_success_stays(table):
    """keeps a stage in which no task succeeded, with 0 tasks and 0 bytes"""
    row = table.get(2)
    assert row is not None, (
        "a stage that completed without a single successful task is missing; it took 9 s"
    )
    got = (row.tasks, row.max_task_ms, row.median_task_ms, row.shuffle_read_bytes, row.spill_bytes)
    assert got == (0, None, None, 0, 0), (
        f"for a stage without a successful task, tasks, longest, median, bytes read and spilled are {got}"
    )


@check("stage_table")
def test_only_completed_stages(table):
    """leaves out stages that were skipped, still ran, or whose line is cut off"""
    extra = sorted(set(table) - {1, 2}, key=str)
    assert not extra, f"stage {extra[0]} has a row, and the log holds no completion of it"


@check("diagnosis")
def test_tie_and_failed_stage(learner, frame):
    """takes the smaller id of two equally long stages; a failed stage has no skew ratio"""
    tie = [(8, "b", 500, 4, 100, 90.0, 0, 0, 0), (3, "a", 500, 0, None, None, 0, 0, 0)]
    found = learner.diagnosis(frame(STAGES, tie))
    assert_frame(found, [(3, 0.5, None, "failed")], key="stage_id", schema=DIAGNOSIS)


@check("diagnosis")
def test_limits_belong_to_the_cause(learner, frame):
    """counts a ratio of exactly 3 as skew, and 100 tasks of just under 50 ms as tiny"""
    cases = {
        "skew": (1, "x", 9_000, 16, 3_000, 1_000.0, 0, 0, 0),
        "tiny_tasks": (1, "x", 9_000, 100, 100, 49.5, 0, 0, 0),
        "compute": (1, "x", 9_000, 99, 100, 49.5, 0, 0, 0),
    }
    for cause, row in cases.items():
        found = learner.diagnosis(frame(STAGES, [row]))
        assert_columns(found, DIAGNOSIS)
        rows = found.collect()
        assert len(rows) == 1, f"{len(rows)} rows for a table of one stage"
        got = rows[0]
        assert got.cause == cause, (
            f"for example: {got.cause!r} for {row[3]} tasks, longest {row[4]} ms, median {row[5]} ms"
        )

"""Streams driven file by file: what each micro-batch emits, drops and keeps, and a restart."""

from datetime import datetime, timedelta

import pytest
from pyspark.sql import functions as F

from labkit.checks import add_file, file_stream, run_stream
from labkit.verdict.errors import AnswerError

EVENTS = "k string, at timestamp"
NAMES = ["k", "at"]


def at(minutes):
    return datetime(2025, 5, 1, 12) + timedelta(minutes=minutes)


def counted(events):
    """Rows by key and five minutes, ten minutes of patience."""
    return (
        events.withWatermark("at", "10 minutes")
        .groupBy(F.window("at", "5 minutes").alias("w"), "k")
        .count()
        .select("w.start", "k", "count")
    )


@pytest.fixture
def source(tmp_path):
    """A folder with three files: the second moves the watermark past the first window."""
    folder = tmp_path / "source"
    for rows in ([("a", at(1)), ("a", at(2))], [("b", at(16))], [("a", at(3)), ("b", at(17))]):
        add_file(folder, NAMES, rows)
    return folder


def test_one_file_is_one_batch_in_the_order_of_names(spark, source, tmp_path):
    batches = run_stream(file_stream(spark, EVENTS, source), tmp_path / "checkpoint")
    assert [[tuple(row) for row in batch.rows] for batch in batches] == [
        [("a", at(1)), ("a", at(2))],
        [("b", at(16))],
        [("a", at(3)), ("b", at(17))],
    ]
    assert [batch.input_rows for batch in batches] == [2, 1, 2]


def test_what_is_emitted_when_and_by_which_watermark(spark, source, tmp_path):
    batches = run_stream(counted(file_stream(spark, EVENTS, source)), tmp_path / "checkpoint")
    assert [batch.watermark for batch in batches] == [None, at(-8), at(6)]
    assert [[tuple(row) for row in batch.rows] for batch in batches] == [[], [], [(at(0), "a", 3)]]
    assert [batch.state_rows for batch in batches] == [1, 2, 1]


def test_a_restart_goes_on_and_drops_what_is_too_late(spark, source, tmp_path):
    stream, checkpoint = file_stream(spark, EVENTS, source), tmp_path / "checkpoint"
    run_stream(counted(stream), checkpoint)
    add_file(source, NAMES, [("a", at(4)), ("b", at(18))])
    (batch,) = run_stream(counted(stream), checkpoint)
    assert (batch.number, batch.dropped, batch.watermark) == (3, 1, at(7))
    assert run_stream(counted(stream), checkpoint) == ()


def test_null_times_and_values_reach_the_stream(spark, tmp_path):
    add_file(tmp_path / "source", NAMES, [(None, None)])
    (batch,) = run_stream(file_stream(spark, EVENTS, tmp_path / "source"), tmp_path / "checkpoint")
    assert [tuple(row) for row in batch.rows] == [(None, None)]


def test_a_batch_frame_is_the_learners_failure(spark, tmp_path):
    with pytest.raises(AnswerError, match="batch frame") as caught:
        run_stream(spark.range(1), tmp_path / "checkpoint")
    assert caught.value.outcome == "failed"


def test_a_refused_plan_is_the_learners_error(spark, source, tmp_path):
    with pytest.raises(AnswerError, match="append") as caught:
        run_stream(file_stream(spark, EVENTS, source).groupBy("k").count(), tmp_path / "checkpoint")
    assert caught.value.outcome == "error"
    assert str(source) not in caught.value.reason


def test_an_error_at_start_is_told_without_the_ids_of_the_query(spark, source, tmp_path):
    twice = file_stream(spark, EVENTS, source).withWatermark("at", "1 minute")
    with pytest.raises(
        AnswerError, match="^StreamingQueryException: Redefining watermark"
    ) as caught:
        run_stream(counted(twice), tmp_path / "checkpoint")
    assert "runId" not in caught.value.reason
    assert str(source) not in caught.value.reason


def test_an_error_in_a_row_is_the_learners_error(spark, source, tmp_path):
    broken = file_stream(spark, EVENTS, source).select(F.raise_error(F.lit("no such store")))
    with pytest.raises(AnswerError, match="no such store") as caught:
        run_stream(broken, tmp_path / "checkpoint")
    assert caught.value.outcome == "error"
    assert "foreachBatch" not in caught.value.reason


def test_settings_come_back_and_no_query_is_left(spark, source, tmp_path):
    before = spark.conf.get("spark.sql.shuffle.partitions")
    run_stream(file_stream(spark, EVENTS, source), tmp_path / "checkpoint")
    assert spark.conf.get("spark.sql.shuffle.partitions") == before
    assert spark.streams.active == []

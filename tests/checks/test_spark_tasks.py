"""Task records of a frame's own run: shuffle reads by partition, empty ones too, rows broadcast, errors."""

import math
from threading import Event, Thread

import pytest
from pyspark.sql import functions as F

from labkit.checks import StageRead, TaskWrite, run_frame, settings, task_writes
from labkit.verdict.errors import AnswerError

EIGHT = {
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
}


@pytest.fixture(autouse=True)
def eight_partitions(spark):
    with settings(spark, EIGHT):
        yield


@pytest.fixture(scope="module")
def clicks(frame):
    return frame("shop long, user long", [(7 if n % 4 else n, n) for n in range(400)])


@pytest.fixture(scope="module")
def shops(frame):
    return frame("shop long, city string", [(n, f"city {n}") for n in range(10)])


def test_a_join_reads_both_sides_a_task_for_each_partition(clicks, shops):
    (read,) = run_frame(clicks.join(shops, on="shop", how="left")).reads
    assert len(read.rows) == len(read.bytes) == 8
    assert sum(read.rows) == 400 + 10
    assert max(read.rows) > 300
    assert read.skew > 5
    assert max(read.bytes) > 5 * min(read.bytes)


def test_rows_are_in_the_order_of_partitions(clicks):
    by_hand = clicks.select(F.pmod(F.hash("shop"), F.lit(8)).alias("p")).groupBy("p").count()
    expected = {row.p: row["count"] for row in by_hand.collect()}
    (read,) = run_frame(clicks.repartition(8, "shop")).reads
    assert read.rows == tuple(expected.get(number, 0) for number in range(8))


def test_empty_partitions_count(frame):
    (read,) = run_frame(frame("shop long", [(1,)] * 20).repartition(8, "shop")).reads
    assert sorted(read.rows) == [0] * 7 + [20]
    assert read.skew == math.inf


def test_rows_of_a_stage_that_combines_are_those_it_reads(clicks):
    counted = clicks.groupBy("shop").agg(F.count("*").alias("rows"))
    first, second = run_frame(counted.repartition(3, "rows")).reads
    assert sum(first.rows) >= sum(second.rows) == counted.count()
    assert len(second.rows) == 3


def test_a_frame_without_a_shuffle_reads_none(clicks):
    assert run_frame(clicks.where("shop = 7")).reads == ()


def test_broadcast_rows_are_counted_and_operators_are_those_of_the_run(clicks, shops):
    few = F.broadcast(shops.where("shop < 3"))
    run = run_frame(clicks.join(few, on="shop", how="left"))
    assert run.broadcast_rows == 3
    assert "BroadcastHashJoin" in run.operators
    assert run.reads == ()


def test_what_is_sent_to_python_is_counted(spark, clicks, shops):
    named = shops.withColumn("note", F.repeat(F.lit("n"), 10_000))
    function = F.udf(lambda shop: shop, "long", useArrow=True)
    few = run_frame(named.withColumn("copy", function("shop"))).python_bytes
    all_of_it = run_frame(named.mapInArrow(lambda parts: parts, named.schema)).python_bytes
    assert 0 < few < 10_000 < all_of_it
    assert run_frame(named).python_bytes == 0
    hidden = run_frame(spark.createDataFrame(named.rdd.map(lambda row: row), named.schema))
    assert hidden.reads == ()
    with pytest.raises(AnswerError, match="rows reach Python through an RDD"):
        assert hidden.python_bytes


def test_tasks_that_write_tell_their_rows_and_what_they_read_from_shuffles(spark, clicks, tmp_path):
    with task_writes(spark) as moved:
        clicks.repartition(3, "user").write.parquet(str(tmp_path / "moved"))
    assert sum(task.rows for task in moved) == sum(task.shuffled for task in moved) == 400
    with task_writes(spark) as still:
        clicks.coalesce(1).write.parquet(str(tmp_path / "still"))
    assert still == [TaskWrite(400, 0)]
    with task_writes(spark) as nothing:
        clicks.repartition(3, "user").collect()
    assert nothing == []


def test_an_adaptive_run_tells_what_its_tasks_read(clicks, shops):
    joined = clicks.join(shops, on="shop", how="left")
    with settings(clicks.sparkSession, {"spark.sql.adaptive.enabled": "true"}):
        run = run_frame(joined)
    (read,) = run.reads
    assert "AQEShuffleRead" in run.operators
    assert sum(read.rows) == 410
    assert len(read.rows) < 8


def test_a_frame_can_be_run_again_and_is_planned_anew(clicks, shops):
    joined = clicks.join(shops, on="shop", how="left")
    assert run_frame(joined).reads[0].rows == run_frame(joined).reads[0].rows
    with settings(clicks.sparkSession, {"spark.sql.shuffle.partitions": "3"}):
        assert len(run_frame(joined).reads[0].rows) == 3


def test_jobs_that_begin_meanwhile_do_not_disturb(spark, clicks):
    stop = Event()

    def others() -> None:
        while not stop.is_set():
            spark.range(3).collect()

    thread = Thread(target=others)
    thread.start()
    try:
        for _ in range(5):
            (read,) = run_frame(clicks.repartition(8, "shop")).reads
            assert sum(read.rows) == 400
    finally:
        stop.set()
        thread.join()


def test_what_spark_cannot_run_is_the_answers_error(clicks):
    with pytest.raises(AnswerError, match="could not run") as raised:
        run_frame(clicks.select(F.raise_error(F.lit("no")).alias("never")))
    assert raised.value.outcome == "error"
    with pytest.raises(AnswerError, match="expected a DataFrame"):
        run_frame(None)


def test_skew_is_the_fullest_task_in_medians():
    assert StageRead((1, 2, 3, 12), (0, 5, 5, 5)).skew == 12 / 2.5
    assert StageRead((0, 0, 0, 12), (0, 5, 5, 5)).skew == math.inf

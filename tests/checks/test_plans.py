"""Plans read as objects: operators of the final plan, scans, what is re-used, Python, cache entries, work."""

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.datasource import DataSource, DataSourceReader

from labkit.checks import (
    PythonOperator,
    cached,
    deduplicated_sorts,
    exchanges,
    has_python,
    measured,
    operators,
    partitionings,
    python_operators,
    release,
    run_frame,
    scans,
    settings,
    window_keys,
)
from labkit.verdict.errors import AnswerError


@pytest.fixture(scope="module")
def sales(spark, frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plans") / "sales"
    rows = [(n, f"shop {n % 3}", float(n), "note") for n in range(6)]
    frame("id long, shop string, price double, note string", rows).write.parquet(str(folder))
    return spark.read.parquet(str(folder))


@pytest.fixture
def shops(frame):
    return frame("shop string, city string", [("shop 1", "Oslo"), ("shop 2", "Bergen")])


def test_scan_tells_columns_and_real_filters(sales):
    (scan,) = scans(sales.where("price > 2 AND note IS NOT NULL").select("shop"))
    assert (scan.source, scan.columns) == ("sales", ("shop", "price", "note"))
    assert {("GreaterThan", "price"), ("IsNotNull", "note")} <= scan.filters
    assert not scan.broadcast


def test_filter_on_a_function_of_a_column_is_not_the_readers(sales):
    (scan,) = scans(sales.where("round(price) = 2"))
    assert {kind for kind, _ in scan.filters} <= {"IsNotNull"}


def test_parts_of_or_and_not_are_told(sales):
    (scan,) = scans(sales.where("shop = 'a' OR NOT price <= 2"))
    assert {("EqualTo", "shop"), ("GreaterThan", "price")} <= scan.filters


def test_joins_changed_at_run_time_show_as_they_ran(sales, shops):
    with settings(sales.sparkSession, {"spark.sql.autoBroadcastJoinThreshold": "-1"}):
        sorted_join = operators(sales.join(shops, on="shop", how="inner"))
    assert "SortMergeJoin" in sorted_join
    assert "BroadcastHashJoin" in operators(sales.join(F.broadcast(shops), on="shop", how="inner"))


def test_scan_below_a_broadcast_is_broadcast_but_not_its_aggregate(sales, shops):
    (whole,) = scans(shops.join(F.broadcast(sales), on="shop", how="inner"))
    assert whole.broadcast
    (grouped,) = scans(
        shops.join(F.broadcast(sales.groupBy("shop").count()), on="shop", how="inner")
    )
    assert not grouped.broadcast


def test_reused_exchange_counts_once(sales):
    totals = sales.groupBy("shop").agg(F.sum("price").alias("total"))
    both = totals.union(totals.withColumnRenamed("total", "again"))
    assert exchanges(both) == ("ShuffleExchange",)
    assert len(scans(both)) == 1
    assert "ReusedExchange" in operators(both)


def test_partitionings(sales):
    assert partitionings(sales.groupBy("shop").count()) == ("HashPartitioning",)
    assert partitionings(sales.repartition(1)) == ("SinglePartition",)


def test_window_without_a_partition_has_no_keys(sales):
    by_shop, by_nothing = Window.partitionBy("shop"), Window.partitionBy(F.lit(1))
    for window, keys in ((by_shop, ("shop",)), (by_nothing, ())):
        numbered = sales.withColumn("n", F.row_number().over(window.orderBy("id")))
        assert window_keys(numbered) == (keys,)
    assert window_keys(sales) == ()


@pytest.mark.parametrize("adaptive", ["true", "false"])
def test_nested_loop_is_seen(sales, shops, adaptive):
    with settings(sales.sparkSession, {"spark.sql.adaptive.enabled": adaptive}):
        loop = sales.alias("a").join(
            F.broadcast(shops).alias("b"), on=F.expr("a.shop < b.shop"), how="inner"
        )
        assert "BroadcastNestedLoopJoin" in operators(loop)


def test_subqueries_belong_to_the_plan(sales):
    sales.createOrReplaceTempView("plan_sales")
    cheap = sales.sparkSession.sql(
        "SELECT id FROM plan_sales WHERE price < (SELECT avg(price) FROM plan_sales)"
    )
    assert len(scans(cheap)) == 2


def test_deduplication_of_a_sort_is_seen(sales):
    ordered = sales.orderBy(F.desc("price"))
    assert deduplicated_sorts(ordered.dropDuplicates(["shop"])) == (("shop",),)
    narrowed = ordered.where("price > 0").select("shop", "id").dropDuplicates(["shop"])
    assert deduplicated_sorts(narrowed.where("id > 0")) == (("shop",),)
    narrowed.createOrReplaceTempView("plan_deduplicated")
    assert deduplicated_sorts(sales.sparkSession.table("plan_deduplicated")) == (("shop",),)


def test_deduplication_of_chosen_rows_is_none_of_a_sort(sales):
    best = F.rank().over(Window.partitionBy("shop").orderBy(F.desc("price")))
    chosen = sales.withColumn("best", best).where("best = 1")
    for right in (
        sales.dropDuplicates(["shop"]),
        chosen.dropDuplicates(["shop"]),
        chosen.orderBy("id").dropDuplicates(["shop"]),
        sales.groupBy("shop").agg(F.max("price").alias("price")).orderBy("price").distinct(),
        sales.orderBy("price"),
    ):
        assert deduplicated_sorts(right) == ()


def test_python_is_seen_in_functions_and_rdds(spark, sales, frame):
    assert has_python(sales.select(F.udf(lambda price: price, "double")("price")))
    assert has_python(sales.mapInPandas(lambda parts: parts, sales.schema))
    assert has_python(spark.createDataFrame([(1,)], "id int"))
    assert not has_python(sales.groupBy("shop").count())
    assert not has_python(frame("id int", [(1,)]))


def test_functions_of_a_row_are_told_from_those_of_a_batch(sales):
    def same(prices: pa.Array) -> pa.Array:
        return prices

    for function, by_row in (
        (F.udf(same, "double", useArrow=False), True),
        (F.udf(same, "double", useArrow=True), True),
        (F.arrow_udf(same, "double"), False),
    ):
        (operator,) = python_operators(sales.select(function("price")))
        assert operator.by_row == by_row
    (mapped,) = python_operators(sales.mapInPandas(lambda parts: parts, sales.schema))
    assert (mapped.name, mapped.by_row) == ("MapInPandas", False)
    assert python_operators(sales) == ()


def test_plan_of_a_cached_frame_belongs_to_it(sales):
    kept = sales.where("price > 2").select("shop").cache()
    try:
        (scan,) = scans(kept.groupBy("shop").count())
        assert (scan.columns, ("GreaterThan", "price") in scan.filters) == (("shop", "price"), True)
    finally:
        release(sales)


def test_cached_counts_what_builds_on_a_frame(frame):
    mine, other = (frame("id int", [(1,), (2,)]) for _ in range(2))
    mine.groupBy("id").count().cache()
    assert (cached(mine), cached(other)) == (1, 0)
    release(other)
    assert cached(mine) == 1
    release(mine)
    assert cached(mine) == 0


def read_as_json(frame):
    """The frame as its JSON is read again by Java: an RDD stands between both plans."""
    lines = frame._jdf.toJSON()
    return DataFrame(
        frame.sparkSession.read.schema(frame.schema)._jreader.json(lines), frame.sparkSession
    )


class Letters(DataSource):
    @classmethod
    def name(cls):
        return "letters"

    def schema(self):
        return "letter string"

    def reader(self, schema):
        return LettersReader()


class LettersReader(DataSourceReader):
    def read(self, partition):
        yield ("a",)


def test_python_behind_an_rdd_or_a_source_is_python(spark, sales):
    spark.dataSource.register(Letters)
    loud = F.udf(lambda shop: shop.upper())
    hidden = read_as_json(sales.withColumn("loud", loud("shop")))
    assert has_python(hidden)
    assert python_operators(hidden) == (PythonOperator("RDDScan", by_row=True),)
    by_hand = spark.createDataFrame(sales.rdd.map(lambda row: row), sales.schema)
    assert python_operators(by_hand) == (PythonOperator("RDDScan", by_row=True),)
    assert not has_python(read_as_json(sales))
    assert has_python(spark.read.format("letters").load())


@pytest.mark.parametrize("eager", [False, True])
def test_plan_that_a_checkpoint_hides_is_told(sales, eager):
    hidden = sales.groupBy("shop").count().localCheckpoint(eager=eager).select("shop")
    for look in (operators, has_python, scans, run_frame):
        with pytest.raises(AnswerError, match="a checkpoint hides what the frame is computed from"):
            look(hidden)


def test_work_of_the_block_alone_is_measured(spark, sales):
    sales.count()
    with measured(spark) as work:
        sales.groupBy("shop").count().collect()
    assert work.jobs >= 1
    assert work.tasks >= 2
    assert work.shuffle_bytes > 0
    assert work.result_bytes > 0
    with measured(spark) as nothing:
        sales.groupBy("shop").count()
    assert (nothing.jobs, nothing.tasks, nothing.shuffle_bytes) == (0, 0, 0)


def test_work_is_found_whatever_line_to_the_jvm_it_came_by(spark, sales):
    """A call that was cut short costs its thread the line; a thread of the learner's has its own."""

    def work():
        with measured(spark) as done:
            sales.groupBy("shop").count().collect()
        return done.jobs

    spark._sc._gateway._gateway_client.get_thread_connection().close()
    here = work()
    with ThreadPoolExecutor(1) as pool:
        elsewhere = pool.submit(work).result()
    assert here == elsewhere >= 1

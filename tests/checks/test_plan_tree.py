"""Plans drawn as trees: joins branch, what a check objects to is marked, long ones are cut around it."""

import pytest
from pyspark.sql import functions as F

from labkit.checks import settings, with_plan
from labkit.checks.plan_tree import LINE_CHARACTERS, MOST_LINES, Operator, draw, plan_of
from labkit.checks.row_diff import terse
from labkit.verdict.reason import to_text

ORDERS = Operator("FileSourceScan", ("orders",))
LOOP = Operator(
    "HashAggregate",
    columns=("country",),
    inputs=(
        Operator(
            "Project",
            inputs=(
                Operator(
                    "BroadcastNestedLoopJoin",
                    ("Inner",),
                    inputs=(
                        Operator("Filter", inputs=(ORDERS,)),
                        Operator("BroadcastExchange", inputs=(Operator("LocalTableScan"),)),
                    ),
                ),
            ),
        ),
    ),
)


def drawn(plan, marked):
    return to_text([draw(plan, marked)]).splitlines()


def chain(length, *marked):
    """So many operators, each the input of the one above; the marked ones have a name."""
    plan = Operator("Range")
    for number in reversed(range(length - 1)):
        plan = Operator("Bad" if number in marked else "Filter", inputs=(plan,))
    return plan


def test_a_join_branches_and_the_offending_operator_is_marked():
    assert drawn(LOOP, {"BroadcastNestedLoopJoin"}) == [
        "plan, result first:",
        "    HashAggregate (country)",
        "  ✗ BroadcastNestedLoopJoin Inner",
        "    ├ Filter",
        "    │ FileSourceScan orders",
        "    └ BroadcastExchange",
        "      LocalTableScan",
    ]


def test_operators_are_marked_by_what_they_do():
    assert "  ✗ │ FileSourceScan orders" in drawn(LOOP, {"orders"})


def test_what_only_chooses_columns_is_left_out_unless_it_is_marked():
    assert not any("Project" in line for line in drawn(LOOP, set()))
    assert "  ✗ Project" in drawn(LOOP, {"Project"})


def test_a_long_plan_is_cut_around_its_marks():
    lines = drawn(chain(60, 40), {"Bad"})
    assert len(lines) == MOST_LINES + 3
    assert "  ✗ Bad" in lines
    assert lines[1] == "    ... 29 operators"
    assert lines[-1] == "    ... 9 operators"


def test_no_gap_stands_for_a_single_operator():
    assert not any("..." in line for line in drawn(chain(MOST_LINES + 1, 5), {"Bad"}))


def test_marks_far_apart_are_all_drawn():
    lines = drawn(chain(90, 15, 50, 80), {"Bad"})
    assert lines.count("  ✗ Bad") == 3
    assert sum("..." in line for line in lines) == 4


def test_a_long_line_is_cut():
    (_, line) = drawn(Operator("HashAggregate", columns=("c" * 200,)), set())
    assert len(line) == LINE_CHARACTERS + 4


def test_the_name_of_a_column_cannot_break_the_drawing():
    (_, line) = drawn(Operator("HashAggregate", columns=("a\n  ✗ Sort\x1b[31m",)), set())
    assert line == "    HashAggregate (a ✗ Sort�[31m)"


@pytest.fixture(scope="module")
def sales(frame, spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "sales.parquet"
    frame("id long, shop string, price double", [(1, "a", 2.0)]).write.parquet(str(folder))
    return spark.read.parquet(str(folder))


def lines(df, *marked):
    return with_plan("why", df, *marked).splitlines()


def test_the_plan_of_a_frame_tells_joins_keys_shuffles_and_sources(sales, frame):
    shops = frame("shop string, city string", [("a", "Oslo")])
    with settings(sales.sparkSession, {"spark.sql.autoBroadcastJoinThreshold": "-1"}):
        found = lines(sales.join(shops, on="shop", how="left"), "SortMergeJoin")
    assert found[:3] == ["why", "plan, result first:", "  ✗ SortMergeJoin LeftOuter (shop)"]
    assert "    │ ShuffleExchange HashPartitioning (shop)" in found
    assert "    │ FileSourceScan sales" in found


def test_python_and_single_partitions_are_facts(sales):
    assert any(
        line.startswith("  ✗") and "Python" in line
        for line in lines(sales.select(F.udf(lambda price: price, "double")("price")), "Python")
    )
    assert "  ✗ ShuffleExchange SinglePartition" in lines(sales.repartition(1), "SinglePartition")


def test_a_plan_is_drawn_the_same_way_twice(sales):
    frames = [
        sales.where("price > 1").groupBy("shop").agg(F.sum("price").alias("p")) for _ in range(2)
    ]
    assert plan_of(frames[0]) == plan_of(frames[1])
    assert "#" not in with_plan("", frames[0])


def test_hidden_checks_draw_nothing(sales):
    token = terse.set(True)
    try:
        assert with_plan("why", sales, "FileSourceScan") == "why"
    finally:
        terse.reset(token)

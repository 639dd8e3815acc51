"""Reasons as blocks: a diff becomes tables, anything else stays the prose it was."""

from datetime import datetime

from pyspark.sql import Row

from labkit.checks import MicroBatch, with_batches
from labkit.checks.plan_tree import Operator, draw
from labkit.checks.row_diff import ROW_CHARACTERS, diff, terse
from labkit.checks.streams import MOST_BATCHES
from labkit.verdict.reason import Block, blocks

NAMES, KEYS = ["id", "city", "n"], ["id"]


def tables(got, want):
    return blocks("\n".join(diff(NAMES, KEYS, got, want)))


def test_changed_row_is_told_cell_by_cell():
    (block,) = tables([(1, "a; b is 2, expected 3", 5)], [(1, None, 6)])
    assert block.caption == "1 × row differs"
    assert block.head == ("row", "column", "yours", "expected")
    assert block.rows[-1] == ("", "n", "5", "6")


def test_every_kind_of_difference_has_its_table():
    found = tables([(1, "a", 1), (2, "b", 1), (2, "b", 1)], [(2, "b", 1), (3, "c", 1)])
    assert [(block.caption, block.rows) for block in found] == [
        ("1 × row missing", [("id 3", "city 'c', n 1")]),
        ("1 × row that should not be there", [("id 1", "city 'a', n 1")]),
        ("1 × wrong number of rows", [("id 2", "2 rows", "1")]),
    ]


def test_what_is_left_out_is_counted():
    (block,) = tables([], [(n, "a", 1) for n in range(9)])
    assert (len(block.rows), block.more) == (3, "... and 6 more")


def test_prose_stays_prose():
    text = "columns are n; expected n, twice\n  indented\nthe end"
    assert blocks(text) == [Block(text.split("\n"))]
    assert blocks("") == []


def test_prose_around_a_table_stays_in_its_place():
    kinds = [
        bool(block.caption)
        for block in blocks("after the merge:\n1 × row missing:\n  id 3\nsee above")
    ]
    assert kinds == [False, True, False]


def test_rows_that_are_their_key_alone_have_no_values():
    (block,) = blocks("\n".join(diff(["id"], ["id"], [], [(3,), (3,)])))
    assert (block.head, block.rows) == (("row",), [("id 3 (2 rows)",)])


def test_a_long_row_is_cut():
    names = ["id", *(f"column_{n}" for n in range(40))]
    (block,) = blocks("\n".join(diff(names, KEYS, [], [(1, *["x" * 50] * 40)])))
    assert block.rows[0][0] == "id 1"
    assert len(block.rows[0][1]) == ROW_CHARACTERS


def test_a_plan_is_a_block_whose_marked_operator_is_known():
    reason = "\n".join(
        ["too many", *draw(Operator("Sort", inputs=(Operator("Scan"),)), {"Scan"}), "end"]
    )
    why, plan, end = blocks(reason)
    assert (why.text, end.text) == ("too many", "end")
    assert plan.caption == "plan, result first"
    assert plan.operators == [(False, "  Sort"), (True, "✗ Scan")]


def test_micro_batches_are_a_table():
    batches = [
        MicroBatch(0, (Row(k=1),), 3, None, 0, 2),
        MicroBatch(1, (), 1, datetime(2025, 5, 1, 12, 6), 1, 2),
    ]
    (table,) = blocks(with_batches("why", batches))[1:]
    assert table.caption == "micro-batches, one a file"
    assert table.head == ("file", "rows in", "rows out", "watermark", "dropped", "state rows")
    assert table.rows == [
        ("1", "3", "1", "none", "0", "2"),
        ("2", "1", "0", "2025-05-01 12:06:00", "1", "2"),
    ]


def test_many_micro_batches_are_counted():
    told = with_batches("", [MicroBatch(n, (), 1, None, 0, 0) for n in range(20)])
    (table,) = blocks(told)[1:]
    assert (len(table.rows), table.more) == (MOST_BATCHES, "... and 8 more")


def test_hidden_checks_show_no_micro_batch():
    token = terse.set(True)
    try:
        assert with_batches("why", [MicroBatch(0, (), 1, None, 0, 0)]) == "why"
    finally:
        terse.reset(token)

"""Reasons as blocks: reading undoes writing, whatever is in them; what each form looks like."""

import random
from datetime import datetime

import pytest
from pyspark.sql import Row

from labkit.checks import MicroBatch, with_batches
from labkit.checks.plan_tree import Operator, draw
from labkit.checks.row_diff import ROW_CHARACTERS, diff, terse
from labkit.checks.streams import BATCH_HEAD, MOST_BATCHES
from labkit.verdict.blocks import FORMS, Grid, Plan, PlanLine, Prose, Table
from labkit.verdict.reason import from_text, to_text

NAMES, KEYS = ["id", "city", "n"], ["id"]
# What the text form is made of, and what a column or a value may hold.
AWKWARD = [
    *(
        "",
        " ",
        "  ",
        ": ",
        ":",
        "; ",
        ";",
        "; x is ",
        " is ",
        " is",
        "is ",
        ", expected ",
        ",",
        "-",
    ),
    *(
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        "\x1b[31m",
        "↵",
        "\\",
        "\\\\",
        "\\n",
        "`",
        "`x`",
        "'a'",
        '"',
        "✗ ",
    ),
    *("... and 6 more", "... and", "1 × row differs:", "plan, result first:", "2 × row missing"),
    *(
        "micro-batches, one a file:",
        "null",
        "null",
        "id 3",
        "<b>",
        "🐘",
        "é\u0301",
        "\u202e",
        "x" * 500,
    ),
]


def tables(got, want):
    return diff(NAMES, KEYS, got, want)


def cell(draws):
    return "".join(draws.choices(AWKWARD, k=draws.choice((1, 1, 2, 3, 5))))


def cells(draws, width):
    return tuple(cell(draws) for _ in range(width))


def a_table(draws):
    kind = draws.choice(list(FORMS))
    rows = []
    for key in dict.fromkeys(cells(draws, draws.randrange(4))):
        columns = draws.randrange(1, 4) if kind == "row differs" else 1
        rows += [(key, *cells(draws, len(FORMS[kind].head) - 1)) for _ in range(columns)]
    shown = Table(kind, 0, tuple(rows)).entries
    return Table(kind, len(shown) + draws.choice((0, 0, 1, 997)), tuple(rows))


def a_grid(draws):
    width = draws.randrange(1, 5)
    rows = tuple(cells(draws, width) for _ in range(draws.randrange(4)))
    return Grid("micro-batches, one a file", cells(draws, width), rows, draws.choice((0, 0, 7)))


def a_plan(draws):
    lines = [PlanLine(draws.random() < 0.3, cell(draws)) for _ in range(draws.randrange(5))]
    return Plan(tuple(lines))


def some_prose(draws):
    lines = [draws.choice(AWKWARD) + cell(draws) for _ in range(draws.choice((1, 1, 2, 4)))]
    return Prose("\n".join(lines))


def a_reason(draws):
    made = []
    for _ in range(draws.randrange(6)):
        block = draws.choice([a_table, a_table, a_grid, a_plan, some_prose])(draws)
        if not (isinstance(block, Prose) and made and isinstance(made[-1], Prose)):
            made.append(block)
    return made if to_text(made) else []


@pytest.mark.parametrize("seed", range(20))
def test_reading_undoes_writing(seed):
    draws = random.Random(seed)
    for _ in range(200):
        reason = a_reason(draws)
        assert from_text(to_text(reason)) == reason


@pytest.mark.parametrize("seed", range(5))
def test_any_text_is_read_and_a_reason_may_be_cut_anywhere(seed):
    draws = random.Random(seed)
    for _ in range(100):
        text = to_text(a_reason(draws))
        from_text(text[: draws.randrange(len(text) + 1)])
        from_text("\n".join(cells(draws, 8)))


def test_text_written_by_hand_stays_as_it_is():
    text = "it says:\n  1 row\n\\ a: b\nid is 1, expected 2; ... and 6 more\n"
    assert to_text(from_text(text)) == text


def test_what_ends_a_cell_has_a_backslash_before_it_within_one():
    row = ("id 'a: b'", "c is d", "1, expected 2", "{'k': 'a; b is c'}")
    text = to_text([Table("row differs", 1, (row,))])
    assert text.splitlines()[1] == (
        r"  id 'a\: b': c\ is d is 1\, expected 2, expected {'k': 'a\; b is c'}"
    )


def test_ordinary_values_are_written_as_they_are():
    text = to_text(tables([(1, r"a\b: it's", 5)], [(1, '{"op": "c"}', 5), (2, "C:\\", 1)]))
    assert text.splitlines() == [
        "1 × row missing:",
        r"  id 2: city 'C:\\', n 1",
        "1 × row differs:",
        r"""  id 1: city is "a\\b: it's", expected '{"op": "c"}'""",
    ]


def test_changed_row_is_told_cell_by_cell():
    (block,) = tables([(1, "a; b is 2, expected 3", 5)], [(1, None, 6)])
    assert block.caption == "1 × row differs"
    assert block.head == ("row", "column", "yours", "expected")
    assert block.drawn == [
        ("id 1", "city", "'a; b is 2, expected 3'", "null"),
        ("", "n", "5", "6"),
    ]


def test_every_kind_of_difference_has_its_table():
    found = tables([(1, "a", 1), (2, "b", 1), (2, "b", 1)], [(2, "b", 1), (3, "c", 1)])
    assert [(block.caption, block.drawn) for block in found] == [
        ("1 × row missing", [("id 3", "city 'c', n 1")]),
        ("1 × row that should not be there", [("id 1", "city 'a', n 1")]),
        ("1 × wrong number of rows", [("id 2", "2 rows", "1")]),
    ]


def test_rows_of_one_key_are_paired_before_they_are_told():
    (block,) = tables(
        [(1, "a", 1), (1, "b", 2), (1, "c", 3)], [(1, "c", 3), (1, "b", 9), (1, "a", 1)]
    )
    assert block.rows == (("id 1", "n", "2", "9"),)


def test_what_is_left_out_is_counted():
    (block,) = tables([], [(n, "a", 1) for n in range(9)])
    assert (len(block.rows), block.more) == (3, 6)
    assert to_text([block]).endswith("\n  ... and 6 more")


def test_a_table_that_was_cut_still_says_how_many_rows_there_are():
    text = to_text(tables([], [(n, "a", 1) for n in range(9)]))
    (block,) = from_text(text[: text.index("id 2") - 3])
    assert (len(block.rows), block.more) == (2, 7)


def test_prose_stays_prose():
    text = "columns are n; expected n, twice\n  indented\nthe end"
    assert from_text(text) == [Prose(text)]
    assert from_text("") == []


def test_prose_around_a_table_stays_in_its_place():
    found = from_text("after the merge:\n1 × row missing:\n  id 3\nsee above")
    assert found == [
        Prose("after the merge:"),
        Table("row missing", 1, (("id 3", ""),)),
        Prose("see above"),
    ]


def test_rows_that_are_their_key_alone_have_no_values():
    (block,) = diff(["id"], ["id"], [], [(3,), (3,)])
    assert (block.head, block.drawn) == (("row",), [("id 3 (2 rows)",)])


def test_a_long_row_is_cut():
    names = ["id", *(f"column_{n}" for n in range(40))]
    (block,) = diff(names, KEYS, [], [(1, *["x" * 50] * 40)])
    assert block.rows[0][0] == "id 1"
    assert len(block.rows[0][1]) == ROW_CHARACTERS


def test_a_plan_is_a_block_whose_marked_operator_is_known():
    plan = draw(Operator("Sort", inputs=(Operator("Scan"),)), {"Scan"})
    reason = [Prose("too many"), plan, Prose("end")]
    assert from_text(to_text(reason)) == reason
    assert plan.lines == ((False, "Sort"), (True, "Scan"))


def test_micro_batches_are_a_table():
    batches = [
        MicroBatch(0, (Row(k=1),), 3, None, 0, 2),
        MicroBatch(1, (), 1, datetime(2025, 5, 1, 12, 6), 1, 2),
    ]
    text = with_batches("why", batches)
    assert text.splitlines() == [
        "why",
        "micro-batches, one a file:",
        "  file  rows in  rows out  watermark            dropped  state rows",
        "  1     3        1         none                 0        2",
        "  2     1        0         2025-05-01 12:06:00  1        2",
    ]
    (table,) = from_text(text)[1:]
    assert table.head == BATCH_HEAD
    assert table.drawn == [
        ("1", "3", "1", "none", "0", "2"),
        ("2", "1", "0", "2025-05-01 12:06:00", "1", "2"),
    ]


def test_many_micro_batches_are_counted():
    told = with_batches("", [MicroBatch(n, (), 1, None, 0, 0) for n in range(20)])
    (table,) = from_text(told)
    assert (len(table.rows), table.more) == (MOST_BATCHES, 8)


def test_hidden_checks_show_no_micro_batch():
    token = terse.set(True)
    try:
        assert with_batches("why", [MicroBatch(0, (), 1, None, 0, 0)]) == "why"
    finally:
        terse.reset(token)

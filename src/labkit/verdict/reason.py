"""Why a check did not pass, as text: blocks written as lines, and read back.

A reason travels as text: a terminal shows it and `result.json` holds it. Pages read it back, to
draw tables and trees. `from_text` undoes `to_text`, whatever is in a cell: a line break is written
as ↵, and a backslash stands before what would otherwise be read as the end of the cell.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast, get_args

from labkit.verdict.blocks import (
    FORMS,
    MARK,
    PLAN,
    Block,
    Caption,
    Form,
    Grid,
    Kind,
    Plan,
    PlanLine,
    Prose,
    Table,
)

SECTION = re.compile(rf"(\d+) × ({'|'.join(get_args(Kind))}):")
GRID = re.compile(rf"({'|'.join(get_args(Caption))}):")
HEADING = re.compile(rf"{SECTION.pattern}|{GRID.pattern}|{PLAN}:")
MORE = re.compile(r"\.\.\. and (\d+)\b.*")
INDENT = "  "  # of what is below a heading
INDENTED = re.compile(f"{INDENT}.*")
GAP = "  "  # between the cells of a grid, at least
EMPTY = "-"  # a cell of a grid with nothing in it
BLANK = re.compile(f" .*|{EMPTY}", re.DOTALL)  # what such a cell can't begin with, or be


def to_text(blocks: Sequence[Block]) -> str:
    """The blocks as lines, for a terminal and for `result.json`."""
    lines: list[str] = []
    for before, block in pairwise([Prose(""), *blocks]):
        if isinstance(block, Prose):
            first, *rest = block.text.split("\n")
            if not isinstance(before, Prose):
                first = _guarded(first, INDENTED)
            lines += [_guarded(line, HEADING) for line in (first, *rest)]
        else:
            lines.append(f"{block.caption}:")
            lines += [INDENT + line for line in _body(block)]
    return "\n".join(lines)


def from_text(text: str) -> list[Block]:
    """The blocks of a reason, in its order; of text that was cut, what is left of them."""
    blocks: list[Block] = []
    lines = deque(text.split("\n") if text else ())
    while lines:
        line = lines.popleft()
        if section := SECTION.fullmatch(line):
            blocks.append(_read_table(int(section[1]), cast(Kind, section[2]), lines))
        elif grid := GRID.fullmatch(line):
            blocks.append(_read_grid(cast(Caption, grid[1]), lines))
        elif line == f"{PLAN}:":
            blocks.append(Plan(tuple(_read_plan(lines))))
        elif blocks and isinstance(before := blocks[-1], Prose):
            blocks[-1] = Prose(f"{before.text}\n{_unguarded(line, HEADING)}")
        else:
            line = _unguarded(line, INDENTED) if blocks else line
            blocks.append(Prose(_unguarded(line, HEADING)))
    return blocks


def _body(block: Table | Grid | Plan) -> Iterator[str]:
    if isinstance(block, Plan):
        yield from (_on_one_line(str(line)) for line in block.lines)
        return
    rows = entries(block) if isinstance(block, Table) else _aligned([block.head, *block.rows])
    yield from (_guarded(row, MORE) for row in rows)
    if block.more > 0:
        yield f"... and {block.more} more"


def _read_plan(lines: deque[str]) -> Iterator[PlanLine]:
    while lines and lines[0].startswith(INDENT):
        line = _with_breaks(lines.popleft().removeprefix(INDENT))
        yield PlanLine(line.startswith(MARK), line[2:])


def _read_rows(lines: deque[str]) -> Iterator[str | int]:
    """The lines below a heading without their indent; last, how many rows are left out."""
    while lines and lines[0].startswith(INDENT):
        line = lines.popleft().removeprefix(INDENT)
        if more := MORE.fullmatch(line):
            yield int(more[1])
            return
        yield _unguarded(line, MORE)


def entries(table: Table) -> list[str]:
    """The text of each row that is shown: its key, and what is to be said of it."""
    key_end, *ends = FORMS[table.kind].ends
    lines = []
    for rows in table.entries:
        line = _closed(rows[0][0], key_end)
        if len(rows) == 1 and not any(rows[0][1:]):
            lines.append(line.removesuffix(key_end))
            continue
        for row in rows:
            line += "".join(map(_closed, row[1:], ends))
        lines.append(line.removesuffix(ends[-1]))
    return lines


def _read_table(count: int, kind: Kind, lines: deque[str]) -> Table:
    rows: list[tuple[str, ...]] = []
    for line in _read_rows(lines):
        if isinstance(line, str):
            rows += _read_entry(line, FORMS[kind])
    return Table(kind, count, tuple(rows))


def _read_entry(line: str, form: Form) -> Iterator[tuple[str, ...]]:
    key_end, *ends = form.ends
    key, rest = _first(line + key_end, key_end)
    rest = rest.removesuffix(key_end) + ends[-1]
    nothing = ("",) * len(ends)
    if rest == ends[-1]:
        yield (key, *nothing)
        return
    while rest:
        cells = []
        for end in ends:
            cell, rest = _first(rest, end)
            cells.append(cell)
        yield (key, *cells)


def _aligned(table: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows of a grid, their cells padded to columns."""
    shown = [
        [_closed(_guarded(cell, BLANK) or EMPTY, GAP).removesuffix(GAP) for cell in row]
        for row in table
    ]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return [GAP.join([*map(str.ljust, row[:-1], widths), *row[-1:]]) for row in shown]


def _read_grid(caption: Caption, lines: deque[str]) -> Grid:
    table, more = [], 0
    for line in _read_rows(lines):
        if isinstance(line, int):
            more = line
        else:
            table.append(tuple(_read_cells(line)))
    head, *rows = table or [()]
    # A row that was cut is as wide as the others.
    rows = [(*row, *[""] * len(head))[: len(head)] for row in rows]
    return Grid(caption, head, tuple(rows), more)


def _read_cells(line: str) -> Iterator[str]:
    rest = line + GAP
    while rest:
        cell, rest = _first(rest, GAP)
        yield "" if cell == EMPTY else _unguarded(cell, BLANK)
        rest = rest.lstrip(" ")


def _closed(cell: str, end: str) -> str:
    """`cell` and what ends it, with a backslash wherever it could be taken to end earlier."""
    text = _on_one_line(cell) + end
    at, mark = len(text) - len(end), ""
    while end and at >= 0:  # from the right, for one such place may reach into the next
        run = at - len(text[:at].rstrip("\\"))
        text = text[:at] + "\\" * run + mark + text[at:]
        at, mark = text.rfind(end, 0, at + len(end) - 1), "\\"
    return text


def _first(text: str, end: str) -> tuple[str, str]:
    """The cell that `text` begins with, and what follows its end; all of it when it has none."""
    cell, at = "", 0
    for match in re.finditer(rf"(?<!\\)(\\*)(?={re.escape(end)})", text) if end else ():
        run = len(match[1])
        cell += text[at : match.start()] + "\\" * (run // 2)
        at = match.end()
        if run % 2 == 0:
            return _with_breaks(cell), text[at + len(end) :]
    return _with_breaks(cell + text[at:]), ""


def _on_one_line(cell: str) -> str:
    return re.sub(
        r"(\\*)(\n|↵)",
        lambda found: found[1] * 2 + ("↵" if found[2] == "\n" else "\\↵"),
        cell,
    )


def _with_breaks(text: str) -> str:
    """Undoes `_on_one_line`."""
    return re.sub(
        r"(\\*)↵",
        lambda found: "\\" * (len(found[1]) // 2) + ("↵" if len(found[1]) % 2 else "\n"),
        text,
    )


def _guarded(text: str, form: re.Pattern[str]) -> str:
    """`text` with a backslash before it if it would be read as something of this form."""
    return f"\\{text}" if form.fullmatch(text.lstrip("\\")) else text


def _unguarded(text: str, form: re.Pattern[str]) -> str:
    return text.removeprefix("\\") if form.fullmatch(text.lstrip("\\")) else text

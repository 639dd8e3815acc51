"""Read a check's reason as blocks to show: prose, tables (a keyed diff, micro-batches), a plan."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from labkit.escape import printable

SECTION = re.compile(
    r"\d+ × (row missing|row that should not be there|wrong number of rows|row differs):"
)
CHANGED = re.compile(r"(?P<label>.+?): (?P<cells>\w+ is .*, expected .*)")
CELL = re.compile(r"(\w+) is (.*?), expected (.*?)(?:; (?=\w+ is )|$)")
REPEATED = re.compile(r"(.+): (\d+ rows?), expected (\d+)")
HEADS = {
    "row missing": ("row", "its values"),
    "row that should not be there": ("row", "its values"),
    "row differs": ("row", "column", "yours", "expected"),
    "wrong number of rows": ("row", "yours", "expected"),
}
# The first lines of what labkit.checks writes besides diffs. In a grid a line of heads follows, and cells are
# two blanks apart.
BATCHES = "micro-batches, one a file:"
GRIDS = {BATCHES}
PLAN = "plan, result first:"
MARK = "✗"  # before an operator that a check objects to


@dataclass
class Block:
    """Prose when it has no `caption`; a table when it has a `head`, whose `more` is left out; a plan."""

    lines: list[str] = field(default_factory=list)
    caption: str = ""
    head: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = field(default_factory=list)
    more: str = ""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def operators(self) -> list[tuple[bool, str]]:
        """The lines of a plan, and whether a check objects to the operator in it."""
        return [(line.startswith(f"  {MARK} "), line[2:]) for line in self.lines]


def prose(text: str) -> Markup:
    """`text` as HTML, escaped, with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(printable(text)))))


def blocks(reason: str) -> list[Block]:
    """The blocks of a reason, in its order; whatever has another form stays prose."""
    found: list[Block] = []
    for line in reason.splitlines():
        if section := SECTION.fullmatch(line):
            found.append(Block(caption=line.rstrip(":"), head=HEADS[section[1]]))
        elif line in GRIDS or line == PLAN:
            found.append(Block(caption=line.rstrip(":")))
        elif found and found[-1].caption and line.startswith("  "):
            _add(found[-1], line)
        else:
            if not found or found[-1].caption:
                found.append(Block())
            found[-1].lines.append(line)
    return [_without_empty_column(block) for block in found]


def _add(block: Block, line: str) -> None:
    """Puts one more line of a table or a plan into its block."""
    if f"{block.caption}:" == PLAN:
        block.lines.append(line)
    elif line.startswith("  ... and "):
        block.more = line.strip()
    elif f"{block.caption}:" not in GRIDS:
        block.rows += _rows(line[2:], block.head)
    elif not block.head:
        block.head = tuple(re.split(r"\s{2,}", line.strip()))
    else:
        block.rows.append(tuple(re.split(r"\s{2,}", line.strip())))


def _without_empty_column(block: Block) -> Block:
    """A row may be its key alone: then there are no values to show."""
    if block.head == HEADS["row missing"] and not any(values for _, values in block.rows):
        block.head, block.rows = block.head[:1], [row[:1] for row in block.rows]
    return block


def _rows(line: str, head: tuple[str, ...]) -> list[tuple[str, ...]]:
    if len(head) == 4 and (changed := CHANGED.fullmatch(line)):
        cells = CELL.findall(changed["cells"])
        return [(changed["label"] if n == 0 else "", *cell) for n, cell in enumerate(cells)]
    if len(head) == 3 and (repeated := REPEATED.fullmatch(line)):
        return [repeated.groups()]
    if len(head) == 2:
        label, _, values = line.partition(": ")
        return [(label, values)]
    return [(line, *[""] * (len(head) - 1))]
